"""`saiten log`: how a mark came about.

In: a student and an assignment. Out: every result of the ledger, the oldest first; a table or JSON. Exit code 0 or 2.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import course_option, json_option

if TYPE_CHECKING:
    from saiten.ledger import Entry

_SHORT = 10
"""characters of a hash that tell it from others"""


@click.command(name="log")
@click.argument("student")
@click.argument("assignment")
@course_option
@json_option
def command(student: str, assignment: str, course_dir: Path | None, as_json: bool) -> None:
    """Show how STUDENT's mark of ASSIGNMENT came about: when, by whom, with which tests and which engine.

    Each line is one result of marking. The hand-in's hash tells whether the student's files had changed, the bundle's
    whether the tests had; the gradebook holds the line that is marked. Points given by hand are the gradebook's own.
    Where there is no score, it says why below: what is wrong with the hand-in, or the evidence of a fault of ours.

    \b
    Examples:
      saiten log student-017 01-regularization
      saiten log student-017 01-regularization --json | jq .score
    """
    from contextlib import closing

    from saiten.course import Course
    from saiten.database import reading
    from saiten.errors import CourseError
    from saiten.gradebook import Practice, open_database
    from saiten.ledger import Ledger, history

    course = Course.find(course_dir)
    database = open_database(Practice.of(course).url)
    try:
        Ledger(database)
        with closing(reading(database).connect()) as connection:
            found = history(connection, student, assignment)
    finally:
        database.dispose()
    if not found:
        raise CourseError(
            f"The ledger of {course.root} has nothing of {student} for {assignment}.",
            f"See who handed in: {course.submitted_dir(assignment, '<student>')}; then saiten grade {assignment}.",
        )
    if as_json:
        for entry in found:
            line = asdict(entry) | {"marked_at": entry.marked_at.isoformat()}
            click.echo(json.dumps(line, ensure_ascii=False, sort_keys=True))
    else:
        _show(found)


def _show(found: list[Entry]) -> None:
    from rich.console import Console
    from rich.table import Table

    from saiten.sanitise import for_terminal

    table = Table("marked", "by", "score", "status", "seconds", "hand-in", "bundle", "engine", "in gradebook")
    for entry in found:
        score = "-" if entry.score is None else f"{entry.score:g}"
        table.add_row(
            entry.marked_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            for_terminal(entry.marked_by) or "?",
            f"{score} / {entry.max_score:g}",
            entry.status,
            f"{entry.seconds:.2f}",
            entry.submission_hash[:_SHORT],
            entry.bundle_hash[:_SHORT],
            entry.engine,
            "yes" if entry.in_gradebook else "",
        )
    console = Console()
    console.print(table)
    for entry in found:
        if entry.message:
            when = entry.marked_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
            console.print(f"{when} {entry.status}: {for_terminal(entry.message)}", markup=False, highlight=False)
