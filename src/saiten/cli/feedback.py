"""`saiten feedback`: what students read about their marked notebooks.

In: the name of an assignment that is marked. Out: HTML files under `feedback/`, on request in the exchange, too; a line
or one JSON object. Exit code: 0 all that handed in have feedback, 1 some do not, 2 yours to mend.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import course_option, students_option

if TYPE_CHECKING:
    from saiten.course import Assignment
    from saiten.feedback import FeedbackReport
    from saiten.release import HandedOut

_MOST_NAMED = 5


@click.command(name="feedback")
@click.argument("assignment")
@course_option
@students_option
@click.option("--release", is_flag=True, help="Then hand out, through the exchange, what students have not got yet.")
@click.option("--again", is_flag=True, help="With --release: hand out what was handed out already, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
def command(
    assignment: str, course_dir: Path | None, students: tuple[str, ...], release: bool, again: bool, as_json: bool
) -> None:
    """Write feedback/<student>/ASSIGNMENT/<notebook>.html for every marked submission.

    A page shows points by question, what failed in the test's own words, where an error arose in the student's own
    code, the student's figures, comments and points by hand, lateness, and the author's hints; never a hidden test.
    It is one file that needs no network, in the languages of the course (a switch on the page). What has not changed
    is not written again.

    With --release students can fetch what is new or changed, by nbgrader's Assignment List or `nbgrader
    fetch_feedback`, through the exchange that the course configures. Whose hand-in came another way (a zip of an LMS)
    is named: nobody could fetch such a page.

    \b
    Examples:
      saiten feedback 01-regularization                       the whole class
      saiten feedback ps1 --student student-017               one student
      saiten feedback ps1 --release                           write it, then hand out what students have not got
      saiten feedback ps1 --release --student student-017     to one student, after a mark by hand

    \b
    Exit codes:
      0  everybody who handed in has feedback
      1  some hand-ins are not marked as they are now (run saiten grade), or could not be handed out
      2  something for you to mend: no such assignment, a folder that cannot be written, ...
    """
    from saiten.course import Course
    from saiten.errors import CourseError

    if again and not release:
        raise click.UsageError("--again is for --release.")
    course = Course.find(course_dir)
    chosen = course.assignment(assignment)
    report, handed = _write(chosen, students, release=release, again=again)
    if students and not (report.written or report.same or report.unmarked):
        raise CourseError(f"No submission of {assignment} by {' or '.join(students)}.", "See the folder submitted/.")
    if as_json:
        _print_json(assignment, report, handed)
    else:
        click.echo(
            f"{assignment}: {report.pages} pages; {len(report.written)} students' are new or changed,"
            f" {len(report.same)} as before."
        )
        click.echo(f"Feedback: {course.feedback_dir(assignment, '<student>')}")
        if handed is not None:
            click.echo(
                f"Handed out: {len(handed.handed)} students can fetch new pages, {len(handed.same)} had them before."
            )
    if _tell(assignment, report, handed):
        raise click.exceptions.Exit(1)


def _write(
    chosen: Assignment, students: tuple[str, ...], *, release: bool, again: bool
) -> tuple[FeedbackReport, HandedOut | None]:
    """Write the pages, and hand them out if asked to, with a bar on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    from saiten.batch.freshness import current_bundle
    from saiten.errors import CourseError
    from saiten.exchange import require_exchange_of
    from saiten.feedback import write_feedback
    from saiten.release import release_feedback

    course, name = chosen.course, chosen.name
    if release:
        require_exchange_of(course)
    everybody = course.students(name)
    if not everybody:
        folder = course.submitted_dir(name, "<student>")
        raise CourseError(f"Nobody has handed in {name}: there is no folder {folder}.", "Collect it first.")
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("writing", total=len(everybody))
        bundle = current_bundle(chosen)
        report = write_feedback(course, chosen, bundle, students, lambda _: bar.advance(task))
        given = sorted([*report.written, *report.same])
        if not release or not given:
            return report, None
        task = bar.add_task("handing out", total=len(given))
        return report, release_feedback(course, name, given, again=again, on_student=lambda _: bar.advance(task))


def _print_json(assignment: str, report: FeedbackReport, handed: HandedOut | None) -> None:
    from dataclasses import asdict

    line = {"written": report.written, "same": report.same, "unmarked": report.unmarked, "pages": report.pages}
    whole = {"assignment": assignment, **line, **({} if handed is None else {"handed_out": asdict(handed)})}
    click.echo(json.dumps(whole, ensure_ascii=False, sort_keys=True))


def _tell(assignment: str, report: FeedbackReport, handed: HandedOut | None) -> bool:
    """Say who has no feedback, and why; True if there is anybody whom the next step could help."""
    if handed is not None and handed.elsewhere:
        words = "did not hand in through the exchange, and cannot fetch pages from it; send them"
        click.echo(f"{len(handed.elsewhere)} {words}: {_some(handed.elsewhere)}.", err=True)
    failed = {} if handed is None else handed.failed
    for student, reason in sorted(failed.items())[:_MOST_NAMED]:
        click.echo(f"Not handed out: {_some([student])}: {reason}", err=True)
    if len(failed) > _MOST_NAMED:
        click.echo(f"... and {len(failed) - _MOST_NAMED} more.", err=True)
    if report.unmarked:
        click.echo(f"{len(report.unmarked)} are not marked as they are now: {_some(report.unmarked)}.", err=True)
        click.echo(f"Run `saiten grade {assignment}`, then this again.", err=True)
    return bool(report.unmarked or failed)


def _some(names: list[str]) -> str:
    from saiten.intake import readable

    return ", ".join(readable(name) for name in names[:_MOST_NAMED]) + (", ..." if names[_MOST_NAMED:] else "")
