"""`saiten check`: does an assignment hold what it promises? Reference, release, planted answers, mutants, leaks, cost.

In: assignment names, or none for all. Out: findings and a table for each (or one JSON object a line).
Exit code: 0 everything holds, 1 something does not, 2 yours to mend before anything can be tried.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import cores, course_option, json_option

if TYPE_CHECKING:
    from saiten.check import CheckReport


_SILENCE = 30.0
"""Seconds without a word after which a log that nobody draws a bar in gets a line."""


@click.command(name="check")
@click.argument("assignments", nargs=-1, metavar="[ASSIGNMENT]...")
@course_option
@click.option(
    "--question",
    "questions",
    multiple=True,
    metavar="NAME",
    help="Only this question's planted mistakes and mutants, with every survivor; may be given several times.",
)
@click.option("--mutants/--no-mutants", default=True, help="Try mutants of the reference; they take most of the time.")
@click.option(
    "--draw",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N mutants of each question, drawn from every kind of change; the same as long as the assignment is.",
)
@click.option("--survivors", is_flag=True, help="Show the change of every mutant that survived, not only the first.")
@click.option("--workers", type=click.IntRange(min=1), help="Engines at the same time; without it, one for each core.")
@json_option
@click.option(
    "--html", "as_html", is_flag=True, help="Also write report/ASSIGNMENT/check.html, the whole proof as a page."
)
@click.option(
    "--floor",
    type=click.Choice(["namespaces", "landlock"]),
    help="Mark on this floor of the sandbox; without it, on the best one that this machine allows.",
)
@click.option("--unsafe", is_flag=True, help="Go on even where this machine cannot wall students' code off.")
def command(
    assignments: tuple[str, ...],
    course_dir: Path | None,
    questions: tuple[str, ...],
    mutants: bool,
    draw: int | None,
    survivors: bool,
    workers: int | None,
    as_json: bool,
    as_html: bool,
    floor: str | None,
    unsafe: bool,
) -> None:
    """Prove that an assignment marks as it should. Without ASSIGNMENT, every assignment of the course.

    Everything is tried in the engine that marks students: the reference solution twice (other seeds, other order of the
    questions), the untouched release (0 points), every planted answer under source/ASSIGNMENT/answers/ (the exact
    scores that it declares), and mutants: the reference with one change each, of which a question's tests have to find
    95 in 100. Beside that: leaks, languages, points, tests that lean on another question, time and memory.

    The source is only read, and need not be built. Mutants that no test can tell from the reference are named, with the
    reason, in source/ASSIGNMENT/waivers.toml (at most 5 in 100):

    \b
      [[waive]]
      question = "ridge-fit"
      mutant = "comparison-1f3a09bc"
      reason = "At alpha == 0 both branches give the same weights."

    \b
    Examples:
      saiten check                                       the whole course
      saiten check 02-filters                            one assignment
      saiten check 02-filters --question gaussian        one question, every surviving mutant as a diff
      saiten check 02-filters --no-mutants               quick: without mutants
      saiten check --draw 12                             12 mutants of each question, as in CI
      saiten check --no-mutants --floor landlock         every planted answer, marked on the second floor
      saiten check 02-filters --html                     every mutant's diff and the matrix of answers as a page
      saiten check --json | jq '.assignment, .holds'     for machines

    \b
    Exit codes:
      0  everything holds
      1  something does not: see the lines in red
      2  something for you to mend first: no such assignment, the reference fails its own tests, ...
    """
    from saiten.check import Options, check_assignment
    from saiten.check.html import write_check
    from saiten.cli.check_table import print_check
    from saiten.course import Course
    from saiten.errors import CourseError, UserError

    course = Course.find(course_dir)
    chosen = [course.assignment(name) for name in dict.fromkeys(assignments)] or course.assignments()
    if not chosen:
        text = f"The course {course.root} has no assignments."
        raise CourseError(text, f"Put notebooks into {course.source_dir('<assignment>')}.")
    if questions and len(chosen) > 1:
        raise click.UsageError("--question needs one ASSIGNMENT.")
    if draw is not None and not mutants:
        raise click.UsageError("--draw and --no-mutants exclude each other.")
    options = Options(questions, mutants, draw, workers or course.options.workers or cores(), unsafe, floor or "")
    reports: list[CheckReport] = []
    errors: list[UserError] = []
    for assignment in chosen:
        with _progress(assignment.name) as tell:
            try:
                report = check_assignment(assignment, options, tell)
            except UserError as error:
                errors.append(error)
                continue
        reports.append(report)
        if as_json:
            click.echo(json.dumps(report.public(), ensure_ascii=False, sort_keys=True))
        else:
            print_check(report, everything=survivors or bool(questions))
        if as_html:
            page = write_check(report, assignment)
            click.echo(f"{assignment.name}: {page}", err=as_json)
    for each in errors[:-1]:
        click.echo(f"Error: {each}", err=True)
    if errors:
        raise errors[-1]
    if not all(report.holds for report in reports):
        raise click.exceptions.Exit(1)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar on a terminal, elsewhere a line now and then; on standard error."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    said = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(escape(name), total=None)

        def tell(words: str, done: int, total: int) -> None:
            nonlocal said
            if not console.is_terminal and (time.monotonic() > said + _SILENCE or (done == 0 and total)):
                said = time.monotonic()
                click.echo(f"{name}: {words}" + (f", {done} of {total}" if total else ""), err=True)
            bar.update(task, description=escape(f"{name}: {words}"), completed=done, total=total or None)

        yield tell
