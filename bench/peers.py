"""Each marker's own command, run on the same submissions, and the scores it gave.

In: a `Table` and the cores to use. Out: a `Timing` for each marker: seconds for each submission, start-up, memory,
points by student and test cell.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import statistics
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bench.measure import ONE_THREAD, Run, run
from bench.prepare import Table
from saiten.course import Course

Scores = Mapping[str, Mapping[str, float]]
"""student to test cell to points"""


@dataclass(frozen=True, slots=True)
class Timing:
    """What one marker took for its submissions."""

    marker: str
    submissions: int
    total_seconds: float
    """wall time of the command, or of all commands, from the first start to the last end"""
    startup_seconds: float
    """what of it was start-up that is paid once, however many submissions follow"""
    startup_each_seconds: float
    """start-up that is paid again for every submission, and is part of its time"""
    each_seconds: tuple[float, ...]
    """for each submission, without the start-up that is paid once"""
    peak_pss_mb: float
    peak_rss_mb: float
    scores: Scores

    @property
    def per_submission(self) -> float:
        """Seconds for one submission, start-up and everything else shared out."""
        return self.total_seconds / self.submissions

    @property
    def per_submission_warm(self) -> float:
        """Seconds for one more submission: the start-up that is paid once left out."""
        return (self.total_seconds - self.startup_seconds) / self.submissions

    @property
    def median(self) -> float:
        """The median submission, without the start-up that is paid once."""
        return statistics.median(self.each_seconds)

    def public(self) -> dict[str, Any]:
        """Everything but the scores, for the results file."""
        raw = asdict(self)
        del raw["scores"]
        return {**raw, "per_submission": self.per_submission, "per_submission_warm": self.per_submission_warm}


def saiten(table: Table, cores: Collection[int]) -> Timing:
    """Run `saiten grade` on the whole class, anew; ledger, gradebook and autograded/ are written."""
    for name in ("autograded", "gradebook.db"):
        path = table.saiten / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
    done = run([*_saiten(table), "--workers", str(len(cores))], table.saiten, cores, ONE_THREAD)
    results = _results(done)
    if len(results) != len(table.students):
        raise RuntimeError(f"saiten grade gave {len(results)} results for {len(table.students)} submissions")
    scores = {
        result["student"]: {
            each["name"]: each["score"]
            for question in result["questions"]
            for each in (question, *question["cells"])  # Otter gives points to questions, nbgrader to test cells
            if each["score"] is not None
        }
        for result in results
    }
    workers = f", {len(cores)} workers" if len(cores) > 1 else ""
    return Timing(
        f"saiten grade{workers}",
        len(results),
        done.seconds,
        (_first_start(table) - done.started).total_seconds(),
        0.0,
        tuple(result["seconds"] for result in results),
        done.peak_pss_mb,
        done.peak_rss_mb,
        scores,
    )


def nbgrader(table: Table, cores: Collection[int]) -> Timing:
    """Run `nbgrader autograde` on the sample, in one go."""
    command = [sys.executable, "-m", "nbgrader", "autograde", table.assignment, "--create"]
    done = run(command, table.nbgrader, cores, ONE_THREAD)
    starts = _student_starts(done, table.sample)
    if done.returncode or len(starts) != len(table.sample):
        raise RuntimeError(f"nbgrader autograde ended with {done.returncode}:\n{_tail(done)}")
    ends = [*starts[1:], done.seconds]
    return Timing(
        "nbgrader autograde",
        len(starts),
        done.seconds,
        starts[0],
        0.0,
        tuple(end - start for start, end in zip(starts, ends, strict=True)),
        done.peak_pss_mb,
        done.peak_rss_mb,
        _nbgrader_scores(table),
    )


def otter(table: Table, cores: Collection[int], scratch: Path) -> Timing:
    """Run `otter run` on each of the sample; it takes one submission at a time."""
    program = [sys.executable, "-c", "from otter.cli import cli; cli()", "run"]
    idle = run([*program, "--help"], scratch, cores, ONE_THREAD)
    runs, scores = [], {}
    for student in table.sample:
        folder = scratch / student
        folder.mkdir(parents=True)
        command = [*program, "-a", str(table.otter_zip), "-o", str(folder), "--no-logo", str(table.submitted(student))]
        done = run(command, folder, cores, ONE_THREAD)
        if done.returncode:
            raise RuntimeError(f"otter run of {student} ended with {done.returncode}:\n{_tail(done)}")
        runs.append(done)
        tests = json.loads((folder / "results.json").read_text(encoding="utf-8"))["tests"]
        scores[student] = {test["name"]: float(test["score"]) for test in tests if "score" in test}
    return Timing(
        "otter run",
        len(runs),
        sum(each.seconds for each in runs),
        0.0,
        idle.seconds,
        tuple(each.seconds for each in runs),
        max(each.peak_pss_mb for each in runs),
        max(each.peak_rss_mb for each in runs),
        scores,
    )


def floor(table: Table, core: int, repeat: int) -> tuple[float, ...]:
    """Time the reference's cells and tests alone, in a process forked from one that is warm: nothing can be faster."""
    command = [sys.executable, "-m", "bench.floor", str(table.bundle), "--repeat", str(repeat)]
    root = Path(__file__).parent.parent
    done = run(command, root, {core}, {**ONE_THREAD, "MPLBACKEND": "agg"})
    if done.returncode:
        raise RuntimeError(f"the floor ended with {done.returncode}:\n{_tail(done)}")
    return tuple(json.loads(done.output))


def _saiten(table: Table) -> Sequence[str]:
    return [sys.executable, "-c", "from saiten.cli import main; main()", "grade", table.assignment, "--json"]


def _first_start(table: Table) -> datetime:
    """Ask the ledger when the first submission that could be read had its turn (UTC)."""
    database = sqlite3.connect(table.saiten / "gradebook.db")
    try:
        rows = database.execute("select marked_at, seconds from saiten_ledger where status != 'rejected'").fetchall()
    finally:
        database.close()
    return min(datetime.fromisoformat(moment) - timedelta(seconds=seconds) for moment, seconds in rows)


def _results(done: Run) -> list[dict[str, Any]]:
    # exit code 1: some submissions are broken on purpose
    if done.returncode not in (0, 1):
        raise RuntimeError(f"saiten grade ended with {done.returncode}:\n{_tail(done)}")
    return [json.loads(line) for line in done.output.splitlines()]


def _student_starts(done: Run, students: Sequence[str]) -> list[float]:
    """Find when each student's turn began: nbgrader names the student first of all."""
    starts = []
    for moment, line in done.lines:
        found = re.search(r"Creating/updating student with ID '([^']+)'", line)
        if found and found[1] in students:
            starts.append(moment)
    return starts


def _nbgrader_scores(table: Table) -> Scores:
    from nbgrader.api import Gradebook

    with Gradebook(Course.find(table.nbgrader).coursedir.db_url) as gradebook:
        return {
            student: {
                grade.name: grade.auto_score
                for notebook in gradebook.find_submission(table.assignment, student).notebooks
                for grade in notebook.grades
                if grade.auto_score is not None
            }
            for student in table.sample
        }


def _tail(done: Run) -> str:
    return "".join(line for _, line in done.lines[-30:])
