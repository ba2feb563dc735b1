"""`saiten report`: what staff want to know of a marked class.

In: the names of marked assignments, or none for all. Out: a page and CSV files for each. Exit code 0 or 2.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from saiten.cli.options import course_option


@click.command(name="report")
@click.argument("assignments", nargs=-1, metavar="[ASSIGNMENT]...")
@course_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of sentences.")
def command(assignments: tuple[str, ...], course_dir: Path | None, as_json: bool) -> None:
    """Write report/ASSIGNMENT/index.html: how the class did.

    Distribution of the scores; difficulty and discrimination of every question; students whose work failed in the
    same way, so that one message answers all of them; tests that fail together; who could not be marked and why, who
    was late, who is at risk over the weeks; what marking cost. One page without a network, and a CSV file behind each
    table. Without ASSIGNMENT: every assignment that somebody has handed in.

    \b
    Examples:
      saiten report 01-regularization          one assignment
      saiten report                            all of them
      saiten report ps1 --course ~/my-course   any nbgrader course that saiten grade has marked
    """
    from rich.console import Console

    from saiten.batch.freshness import current_bundle
    from saiten.course import Course
    from saiten.errors import CourseError
    from saiten.report import write_report

    course = Course.find(course_dir)
    chosen = [course.assignment(name) for name in dict.fromkeys(assignments)]
    chosen = chosen or [each for each in course.assignments() if course.students(each.name)]
    if not chosen:
        raise CourseError(f"Nobody has handed in anything at {course.root}.", "Collect submissions, then saiten grade.")
    console = Console(stderr=True)
    for assignment in chosen:
        with console.status(assignment.name):
            made = write_report(course, assignment, current_bundle(assignment))
        found = made.figures
        if as_json:
            facts = {"assignment": assignment.name, "page": str(made.page), "students": len(found.students)}
            facts |= {"clusters": len(found.clusters), "unmarked": len(found.unmarked)}
            click.echo(json.dumps(facts, ensure_ascii=False, sort_keys=True))
            continue
        click.echo(f"{assignment.name}: {len(found.students)} students, {len(found.clusters)} ways to fail.")
        click.echo(f"  {made.page}")
        if found.unmarked:
            click.echo(f"{len(found.unmarked)} are not marked as they are now: run saiten grade.", err=True)
