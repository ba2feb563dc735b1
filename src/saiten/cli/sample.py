"""`saiten sample`: make a plausible class to try a course out, and hold its marking against what it has to be.

In: a built assignment. Out: `submitted/student-001/...`, `expected.json`, a table of what was made; with `--compare`
a table of what marking did otherwise, and exit code 1 if there is any.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from saiten.cli.options import course_option
from saiten.errors import CourseError

if TYPE_CHECKING:
    from saiten.course import Course
    from saiten.sample import SampleSubmission


@click.command(name="sample")
@click.argument("assignment")
@click.option("-n", "--number", type=click.IntRange(min=1), help="How many students; without it, one of every kind.")
@course_option
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Make a course of its own there (source, release, bundle, configuration, gradebook) and put the class into "
    "it; without it, the class goes to the course's own submitted/.",
)
@click.option(
    "--cell-seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="With --into: another time limit for a cell in that copy, so that a submission that hangs is soon done with.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="KIND",
    help="Leave out a kind, such as broken:endless-loop, or a group (right, odd, mistake, half-done, broken, hostile); "
    "may be given several times.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same class.")
@click.option(
    "--compare",
    "results",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Make nothing: hold what `saiten grade --json` printed into FILE against expected.json; "
    "exit code 1 if it differs.",
)
def command(
    assignment: str,
    number: int | None,
    course_dir: Path | None,
    into: Path | None,
    cell_seconds: float | None,
    without: tuple[str, ...],
    seed: int,
    results: Path | None,
) -> None:
    """Make a sample class: right, odd, mistaken, half-done, broken and hostile submissions of ASSIGNMENT.

    The assignment has to be built. Typical mistakes come from source/ASSIGNMENT/answers/*.py; without them the class
    holds the reference, the untouched release, half-done, broken and hostile work. What each student has to get is
    written to expected.json. No submission comes from a person. Hostile ones patch the tests, look for the reference,
    end or leave processes, write where they can: mark them with `saiten grade`, and do not run them elsewhere.

    \b
    Examples:
      saiten sample 01-regularization -n 40 --into demo
      saiten grade 01-regularization --course demo --json > results.jsonl
      saiten sample 01-regularization --course demo --compare results.jsonl
    """
    from saiten.course import Course

    if cell_seconds is not None and into is None:
        raise click.UsageError("--cell-seconds needs --into DIR: the course's own limits stay as they are.")
    course = Course.find(course_dir)
    if results is not None:
        _compare(course, assignment, results)
        return
    from saiten.sample import copy_course, write_class

    source = course.assignment(assignment)
    if into is not None:
        course = copy_course(course, source, into, cell_seconds)
        source = course.assignment(assignment)
    _show(course, assignment, write_class(course, source, number, seed, without))


def _show(course: Course, assignment: str, students: Mapping[str, SampleSubmission]) -> None:
    counts = Counter(each.kind.partition(":")[0] for each in students.values())
    parts = ", ".join(f"{number} {kind}" for kind, number in counts.items())
    click.echo(f"{len(students)} sample submissions of {assignment} in {course.root}: {parts}.")
    click.echo(f"What each has to get: {course.root / 'expected.json'}")


def _compare(course: Course, assignment: str, results: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from saiten.sample import compare, read_expected

    recorded = read_expected(course.root, assignment)
    if not recorded:
        raise CourseError(
            f"{course.root / 'expected.json'} says nothing of {assignment}.", f"Run `saiten sample {assignment}` first."
        )
    differences = compare(recorded, _read_results(results))
    if not differences:
        click.echo(f"{assignment}: all {len(recorded)} sample submissions got what they have to get.")
        return
    table = Table("student", "kind", "what", "expected", "found", "marking says", title=f"{assignment}: differences")
    for each in differences:
        said = each.message.partition("\n")[0]
        # Text: what a student's code said is no markup
        table.add_row(*map(Text, (each.student, each.kind, each.what, each.expected, each.found, said)))
    Console().print(table)
    click.get_current_context().exit(1)


def _read_results(path: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            result = json.loads(line)
            result["student"], result["status"], result["questions"]
        except (ValueError, TypeError, KeyError) as error:
            raise CourseError(
                f"{path}, line {number} is no result of `saiten grade --json`.", "Write its output there, unchanged."
            ) from error
        yield result
