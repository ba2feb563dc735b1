"""`saiten release`: give an assignment to students, through the exchange that the course has configured.

In: the name of an assignment. Out: its release in the exchange, its due date in the gradebook, one sentence.
Exit code: 0 students can fetch it, 1 `--check` found that it does not hold, 2 yours to mend.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import cores, course_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from saiten.course import Assignment


@click.command(name="release")
@click.argument("assignment")
@course_option
@click.option(
    "--again", "--force", "again", is_flag=True, help="Replace what was released before; without it that is refused."
)
@click.option("--check", "prove", is_flag=True, help="Prove it first, as saiten check does, and refuse what fails.")
@click.option("--dry-run", is_flag=True, help="Look at everything, write nothing.")
def command(assignment: str, course_dir: Path | None, again: bool, prove: bool, dry_run: bool) -> None:
    """Give ASSIGNMENT to students, through nbgrader's exchange as the course configures it (ngshare and others, too).

    It is built first where its source has changed since: the reference has to pass its own tests. Then the release is
    searched for lines of solutions and hidden tests, and compared with what the build makes: a release that was edited
    by hand is refused. The gradebook learns the assignment and its due date. Students get it by nbgrader's Assignment
    List or `nbgrader fetch_assignment`, as ever.

    \b
    Examples:
      saiten release 01-regularization              build if need be, look, release
      saiten release 01-regularization --dry-run    what would be done
      saiten release 01-regularization --check      prove it with planted answers and mutants first
      saiten release ps1 --again                    replace what was released: who has fetched it keeps that copy

    \b
    Exit codes:
      0  students can fetch it
      1  --check found that it does not hold: it was not released
      2  something for you to mend: no exchange, a leak, released already, ...
    """
    from rich.console import Console

    from saiten.course import Course
    from saiten.release import release_assignment
    from saiten.sanitise import for_terminal

    chosen = Course.find(course_dir).assignment(assignment)
    with Console(stderr=True).status(assignment) as status:
        if prove:
            _prove(chosen, lambda words: status.update(f"{assignment}: {words}"))
        done = release_assignment(
            chosen, again=again, dry=dry_run, progress=lambda words: status.update(f"{assignment}: {words}")
        )
    for warning in done.warnings:
        click.echo(for_terminal(f"The exchange says: {warning}"), err=True)
    built = ("would be built first, " if dry_run else "built, ") if done.built else ""
    verb = ("would be released" if dry_run else "released") + (" again" if done.again else "")
    due = "it has no due date" if done.due is None else f"due {done.due:%Y-%m-%d %H:%M %z}"
    click.echo(f"{assignment}: {built}{verb}: {done.files} files; {due}.")


def _prove(chosen: Assignment, tell: Callable[[str], None]) -> None:
    """Do what `saiten check` does; leave where it does not hold."""
    from saiten.check import Options, check_assignment
    from saiten.cli.check_table import print_check

    workers = chosen.course.options.workers or cores()
    report = check_assignment(chosen, Options((), True, None, workers, False, ""), lambda words, *_: tell(words))
    if not report.holds:
        print_check(report, everything=False)
        click.echo(f"{chosen.name} was not released: it does not hold what it promises.", err=True)
        raise click.exceptions.Exit(1)
