"""`saiten feedback`: what students read about their marked notebooks.

In: the name of an assignment that is marked. Out: HTML files under `feedback/`, a line or one JSON object.
Exit code: 0 all that handed in have feedback, 1 some are not marked as they are now, 2 yours to mend.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from saiten.cli.options import course_option, students_option


@click.command(name="feedback")
@click.argument("assignment")
@course_option
@students_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
def command(assignment: str, course_dir: Path | None, students: tuple[str, ...], as_json: bool) -> None:
    """Write feedback/<student>/ASSIGNMENT/<notebook>.html for every marked submission.

    A page shows points by question, what failed in the test's own words, where an error arose in the student's own
    code, the student's figures, comments and points by hand, lateness, and the author's hints; never a hidden test.
    It is one file that needs no network, in the languages of the course (a switch on the page). What has not changed
    is not written again, and students get it by `nbgrader release_feedback`, as ever.

    \b
    Examples:
      saiten feedback 01-regularization                       the whole class
      saiten feedback ps1 --student student-017               one student
      saiten feedback ps1 && nbgrader release_feedback ps1    write it, then hand it out

    \b
    Exit codes:
      0  everybody who handed in has feedback
      1  some hand-ins are not marked as they are now: run saiten grade
      2  something for you to mend: no such assignment, a folder that cannot be written, ...
    """
    from rich.console import Console
    from rich.progress import Progress

    from saiten.batch.freshness import current_bundle
    from saiten.course import Course
    from saiten.errors import CourseError
    from saiten.feedback import write_feedback
    from saiten.intake import readable

    course = Course.find(course_dir)
    chosen = course.assignment(assignment)
    everybody = course.students(assignment)
    if not everybody:
        folder = course.submitted_dir(assignment, "<student>")
        raise CourseError(f"Nobody has handed in {assignment}: there is no folder {folder}.", "Collect it first.")
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("writing", total=len(everybody))
        bundle = current_bundle(chosen)
        report = write_feedback(course, chosen, bundle, students, lambda _: bar.advance(task))
    if students and not (report.written or report.same or report.unmarked):
        raise CourseError(f"No submission of {assignment} by {' or '.join(students)}.", "See the folder submitted/.")
    if as_json:
        line = {"written": report.written, "same": report.same, "unmarked": report.unmarked, "pages": report.pages}
        click.echo(json.dumps({"assignment": assignment, **line}, ensure_ascii=False, sort_keys=True))
    else:
        click.echo(
            f"{assignment}: {report.pages} pages; {len(report.written)} students' are new or changed,"
            f" {len(report.same)} as before."
        )
        click.echo(f"Feedback: {course.feedback_dir(assignment, '<student>')}")
    if report.unmarked:
        names = ", ".join(readable(name) for name in report.unmarked[:5]) + (", ..." if report.unmarked[5:] else "")
        click.echo(f"{len(report.unmarked)} are not marked as they are now: {names}.", err=True)
        click.echo(f"Run `saiten grade {assignment}`, then this again.", err=True)
        raise click.exceptions.Exit(1)
