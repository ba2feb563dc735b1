"""Does the benchmark measure what it says: the whole process tree, the cores, start-up apart, honest comparison?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.measure import run
from bench.peers import Timing
from bench.report import Outcome
from saiten.answers import Kind, read_answers
from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role

ROOT = Path(__file__).parent.parent
GROWS = "import os, time\nblock = b'x' * 60_000_000\nif not os.fork(): time.sleep(1.2)\nelse: os.wait()\n"


def timing(marker: str, total: float, startup: float, each: list[float], scores: dict[str, dict[str, float]]) -> Timing:
    """A timing with little memory."""
    return Timing(marker, len(each), total, startup, 0.0, tuple(each), 100.0, 200.0, scores)


def test_a_run_is_bound_to_its_cores_and_its_output_kept(tmp_path: Path) -> None:
    """Does the command see only the cores it was given, and do its output, its errors and its exit code arrive?"""
    core = max(os.sched_getaffinity(0))
    program = "import os, sys; print(os.sched_getaffinity(0)); print('first', file=sys.stderr); sys.exit(3)"
    done = run([sys.executable, "-c", program], tmp_path, {core}, {})
    assert done.output == f"{{{core}}}\n"
    assert [line for _, line in done.lines] == ["first\n"]
    assert done.returncode == 3
    assert 0 < done.lines[0][0] <= done.seconds


def test_memory_counts_shared_pages_once(tmp_path: Path) -> None:
    """Is a block that a parent and its child share counted once as PSS, and twice as RSS?"""
    done = run([sys.executable, "-c", GROWS], tmp_path, os.sched_getaffinity(0), {})
    assert 60 <= done.peak_pss_mb < 120
    assert done.peak_rss_mb >= 120


def test_startup_is_told_apart() -> None:
    """Are both figures there: everything shared out, and one more submission?"""
    found = timing("saiten grade", 12.0, 10.0, [0.1, 0.2, 0.3, 1.4], {})
    assert (found.per_submission, found.per_submission_warm, found.median) == (3.0, 0.5, 0.25)


def test_other_points_are_a_disagreement() -> None:
    """Is every cell named to which another marker gave other points, or to which Saiten gave none?"""
    mine = timing("saiten grade", 2, 1, [0.1], {"student-001": {"a": 2.0, "b": 0.0}})
    same = timing("nbgrader autograde", 9, 1, [8.0], {"student-001": {"a": 2.0, "b": 0.0}})
    other = timing("otter run", 9, 1, [8.0], {"student-001": {"a": 1.0, "b": 0.0, "c": 1.0}})
    outcome = Outcome("light", mine, None, [same, other], (0.1, 0.2, 0.3))
    assert outcome.disagreements() == [
        "student-001 a: saiten 2, otter run 1",
        "student-001 c: saiten no points, otter run 1",
    ]
    assert outcome.floor == 0.2
    assert outcome.floor_limit == pytest.approx(0.36)
    assert json.loads(json.dumps(outcome.public()))["disagreements"] == outcome.disagreements()


@pytest.mark.parametrize(("body", "code"), [("return 2 * x", 0), ("return 3 * x", 1)])
def test_the_floor_runs_cells_and_tests(tmp_path: Path, body: str, code: int) -> None:
    """Does the floor run the reference and its tests, and refuse to be timed where they do not pass?"""
    cells = (
        BundleCell("s", None, Role.SETUP, "code", "import math\nfactor = 2", ""),
        BundleCell("d", "double", Role.SOLUTION, "code", f"def double(x):\n    {body}", ""),
        BundleCell("t", "test", Role.TEST, "code", "assert double(2) == factor * 2 == 4 == reference.double(2)", "", 1),
    )
    Bundle("ps1", (BundleNotebook("ps1", cells, imports=("math",)),)).write(tmp_path)
    command = [sys.executable, "-m", "bench.floor", str(tmp_path), "--repeat", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    if not code:
        seconds = json.loads(done.stdout)
        assert len(seconds) == 3
        assert all(each > 0 for each in seconds)


def test_the_light_exercise_has_answers_of_both_kinds() -> None:
    """Do right ways and mistakes for every question stand beside the light exercise?"""
    answers = read_answers(ROOT / "bench" / "light" / "source" / "light" / "answers")
    assert {question for answer in answers for question in answer.scores} == {"standardise", "distances", "smooth"}
    assert sum(answer.kind is Kind.RIGHT for answer in answers) >= 2
