"""`saiten grade`: mark what was handed in, fill the gradebook and `autograded/`, show a table.

In: the name of an assignment. Out: ledger, gradebook, marked notebooks; a table, or one JSON object a line.
Exit code: 0 all marked, 1 some could not be, 2 yours to mend.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import cores, course_option, json_option, students_option

if TYPE_CHECKING:
    from saiten.batch.marking import ClassReport, Marked, OnResult
    from saiten.cli.table import Places
    from saiten.course import Course


@click.command(name="grade")
@click.argument("assignment")
@course_option
@students_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that mark at the same time; without it, c.Saiten.workers, or one for each core.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Mark on the Dask cluster of this scheduler, such as tcp://10.0.0.5:8786; without it, c.Saiten.scheduler. "
    "`none` means this machine.",
)
@json_option
@click.option("--unsafe", is_flag=True, help="Mark even where this machine cannot wall students' code off.")
@click.option("--again", is_flag=True, help="Mark what is known already, too.")
@click.option("--only-failed", is_flag=True, help="Only those who could not be marked the last time.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%z"]),
    metavar="WHEN",
    help="Only who handed in then or later: 2026-04-10, or 2026-04-10T18:00 (this machine's time zone).",
)
@click.option("--no-wait", is_flag=True, help="Refuse where somebody else is marking this assignment just now.")
def command(
    assignment: str,
    course_dir: Path | None,
    students: tuple[str, ...],
    workers: int | None,
    scheduler: str | None,
    as_json: bool,
    unsafe: bool,
    again: bool,
    only_failed: bool,
    since: datetime | None,
    no_wait: bool,
) -> None:
    """Mark every submission of ASSIGNMENT under submitted/.

    The gradebook (nbgrader's own, gradebook.db) and autograded/ are brought up to date; marks and comments that a
    person gave stay. What has not changed is not marked again, and a run that was stopped goes on where it was.
    Any nbgrader course will do: nothing has to be built before. While somebody else marks the same assignment of the
    course, on this machine or another, it says who, and waits.

    \b
    Examples:
      saiten grade 01-regularization                     the whole class
      saiten grade ps1 --course ~/my-nbgrader-course     any nbgrader course
      saiten grade ps1 --student student-017             one student
      saiten grade ps1 --student 'a*' --student 'b*'     some
      saiten grade ps1 --again --since 2026-04-10        who handed in since then, anew
      saiten grade ps1 --scheduler tcp://10.0.0.5:8786   on a Dask cluster
      saiten grade ps1 --json | jq '.student, .score'    for machines

    \b
    Exit codes:
      0  all are marked
      1  some could not be marked: see their rows
      2  something for you to mend: no such assignment, nobody has handed in, ...
    """
    from saiten.batch.choose import narrowed
    from saiten.batch.freshness import current_bundle
    from saiten.batch.marking import Options, chosen_students, mark_class
    from saiten.batch.pool import LocalPool
    from saiten.cluster.choose import chosen as chosen_cluster
    from saiten.course import Course
    from saiten.sanitise import for_json

    begin = time.monotonic()
    course = Course.find(course_dir)
    chosen = course.assignment(assignment)
    named = chosen_students(course, chosen, students)
    if only_failed or since is not None:
        named = narrowed(chosen, named, only_failed=only_failed, since=since)
        if not named:
            click.echo("There is nobody of that kind: nothing was marked.", err=True)
            return
        students = tuple(named)
    total = len(named)
    cluster = chosen_cluster(scheduler, course.options.scheduler, course.options.cluster_patience, _say)
    if cluster is None or unsafe:
        _tell_of_the_floor(unsafe)
    done = 0
    try:
        with _progress(total) as (tell, advance):

            def count(marked: Marked) -> None:
                nonlocal done
                done += 1
                advance(marked)

            bundle = current_bundle(chosen, tell)
            number = workers or (total if cluster else course.options.workers or cores())
            pool = cluster or LocalPool
            options = Options(students, min(number, total), unsafe=unsafe, again=again, pool=pool)
            if no_wait:
                options = replace(options, wait_seconds=0)
            tell("starting")
            report = mark_class(course, chosen, bundle, options, count, _say)
    except KeyboardInterrupt:
        click.echo(f"\nStopped: {done} of {total} are marked and kept. Run the same again to go on.", err=True)
        raise click.exceptions.Exit(130) from None
    if as_json:
        for row in report.rows:
            line = for_json(json.dumps(row.public(), ensure_ascii=False, sort_keys=True))
            click.echo(line.encode("utf-8", "replace"))
    else:
        from saiten.cli.table import print_report

        number = cluster.widest if cluster else options.workers
        print_report(report, _places(course, chosen.name, course_dir, report), time.monotonic() - begin, number)
    _finish(report)


def _places(course: Course, name: str, course_dir: Path | None, report: ClassReport) -> Places:
    """Where the course keeps what people open."""
    from saiten.cli.table import Places

    return Places(
        course.autograded_dir(name, "<student>"),
        course.feedback_dir(name, "<student>"),
        course.report_page(name),
        any(course.feedback_dir(name, row.result.student).is_dir() for row in report.rows),
        "" if course_dir is None else f" --course {shlex.quote(str(course_dir))}",
    )


def _say(words: str) -> None:
    """Say on standard error what a run waits for."""
    from saiten.sanitise import for_terminal

    click.echo(for_terminal(words), err=True)


def _tell_of_the_floor(unsafe: bool) -> None:
    """Say on standard error what walls students' code off, where that is not the best there is."""
    from saiten.grading import floor

    if unsafe:
        click.echo("Marking without walls: students' code can read and write what you can.", err=True)
    elif floor.best() == floor.LandlockSandbox.name:
        words = "Marking on the second floor (Landlock and seccomp): user namespaces are not allowed here."
        click.echo(f"{words} `saiten doctor` shows what holds.", err=True)


def _finish(report: ClassReport) -> None:
    """Say how many could not be marked, and leave with exit code 1 if there are any."""
    from saiten.results import Status

    failed = [row for row in report.rows if row.result.status in (Status.REJECTED, Status.INFRA_ERROR)]
    troubled = [row for row in report.rows if row.problem and row not in failed]
    if failed:
        click.echo(f"{len(failed)} of {len(report.rows)} could not be marked.", err=True)
    if troubled:
        click.echo(f"The gradebook could not take everything of {len(troubled)}.", err=True)
    if failed or troubled:
        raise click.exceptions.Exit(1)


@contextmanager
def _progress(total: int) -> Iterator[tuple[Callable[[str], None], OnResult]]:
    """Show a bar on a terminal, on standard error; elsewhere nothing."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("preparing", total=total)

        def tell(words: str) -> None:
            bar.update(task, description=escape(words))

        def advance(_: Marked) -> None:
            bar.update(task, advance=1, description="marking")

        yield tell, advance
