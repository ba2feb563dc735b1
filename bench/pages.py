"""What pages cost: feedback and report of a large class, in processor seconds.

In: a marked class, or none (then one is made and marked); a number. Out: a table of `saiten feedback` and
`saiten report` over a class of that number, made of copies of the marked one. Nothing is marked twice for it.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from bench.measure import ONE_THREAD
from saiten.batch.freshness import current_bundle
from saiten.batch.marking import Options, mark_class
from saiten.course import Course
from saiten.feedback.write import verdict_on
from saiten.gradebook import Practice, open_database
from saiten.ledger import Key, Ledger
from saiten.results import ENGINE_VERSION, Result

_SAITEN = str(Path(sys.executable).with_name("saiten"))
_KEPT = ("nbgrader_config.py", "source", "release", "autograder")
"""what a copy of a course needs for pages"""
_SAMPLE = 24
"""students of a class that is made here"""
AIMS = {"feedback": 60.0, "report": 10.0}
"""seconds for 1,000 submissions on one core"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took."""

    command: str
    students: int
    cpu_seconds: float
    """of all its processes, in user and system mode"""
    wall_seconds: float
    megabytes: float
    """of what it wrote"""


def enlarge(marked: Path, name: str, number: int, folder: Path) -> Path:
    """Make a course with a class of copies: what was handed in, ledger, gradebook, marked notebooks.

    Args:
        marked: a course in which `name` is marked.
        name: of the assignment.
        number: students of the new class.
        folder: where the new course goes; it must not exist.

    Raises:
        SystemExit: nobody is marked there as the assignment is now.
    """
    old = Course.find(marked)
    bundle = current_bundle(old.assignment(name))
    database = open_database(Practice.of(old).url)
    ledger = Ledger(database)
    found = [(each.student, verdict_on(ledger, bundle, each)) for each in old.submissions(old.assignment(name))]
    database.dispose()
    known = [(student, result) for student, result in found if result is not None and result.score is not None]
    if not known:
        raise SystemExit(f"Nobody is marked in {marked}: run saiten grade {name} --course {marked}")
    folder.mkdir(parents=True)
    for part in _KEPT:
        if (marked / part).is_dir():
            shutil.copytree(marked / part, folder / part)
        elif (marked / part).exists():
            shutil.copy2(marked / part, folder / part)
    results: dict[str, Result] = {}
    for at, (student, result) in enumerate(islice(cycle(known), number)):
        results[f"student-{at:04}"] = result
        shutil.copytree(old.submitted_dir(name, student), folder / "submitted" / f"student-{at:04}" / name)
    course = Course.find(folder)
    assignment = course.assignment(name)
    bundle = current_bundle(assignment)
    database = open_database(Practice.of(course).url)
    ledger = Ledger(database)
    for each in course.submissions(assignment):
        copy = replace(results[each.student], student=each.student, submission_hash=each.hash, bundle_hash=bundle.hash)
        ledger.record(Key(bundle.hash, each.hash, ENGINE_VERSION, each.student, name), copy)
    database.dispose()
    report = mark_class(course, assignment, bundle, Options())
    if not all(row.from_ledger for row in report.rows):
        raise SystemExit("A copy was marked again: the class is not what was copied.")
    return folder


def measure(command: str, name: str, course: Path, students: int) -> Cost:
    """Run a command on one core, and count the processor time of all its processes."""
    core = max(os.sched_getaffinity(0))
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        ["taskset", "-c", str(core), _SAITEN, command, name, "--course", str(course)],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, **ONE_THREAD},
    )
    after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    written = sum(path.stat().st_size for path in (course / command).rglob("*") if path.is_file())
    return Cost(command, students, spent, end - begin, written / 1e6)


def table(costs: Sequence[Cost]) -> str:
    """The costs as a table in Markdown."""
    lines = ["| command | students | CPU s | ms each | wall s | MB written | aim for 1,000 |", "|" + "---|" * 7]
    for cost in costs:
        each = 1000 * cost.cpu_seconds / cost.students
        lines.append(
            f"| `saiten {cost.command}` | {cost.students} | {cost.cpu_seconds:.1f} | {each:.1f} |"
            f" {cost.wall_seconds:.1f} | {cost.megabytes:.0f} | {AIMS[cost.command]:g} s |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the class, run both commands, print the table; exit code 1 if one is over its aim."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--course", type=Path, help="a course with a marked class; without it, one is made and marked")
    parser.add_argument("--assignment", default="01-regularization")
    parser.add_argument("-n", "--students", type=int, default=1000)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="saiten-pages-") as scratch:
        marked = chosen.course or Path(scratch) / "marked"
        if chosen.course is None:
            sample = ("-n", str(_SAMPLE), "--into", str(marked), "--without", "broken", "--without", "hostile")
            subprocess.run([_SAITEN, "build", chosen.assignment], check=True)
            subprocess.run([_SAITEN, "sample", chosen.assignment, *sample], check=True)
            subprocess.run([_SAITEN, "grade", chosen.assignment, "--course", str(marked)], check=True)
        course = enlarge(marked, chosen.assignment, chosen.students, Path(scratch) / "class")
        costs = [measure(command, chosen.assignment, course, chosen.students) for command in AIMS]
    print(table(costs))
    if any(cost.cpu_seconds / cost.students > AIMS[cost.command] / 1000 for cost in costs):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
