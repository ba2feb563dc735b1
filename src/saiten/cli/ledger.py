"""`saiten ledger prune`: let go of results that nothing needs any more.

In: names of assignments, an age. Out: a smaller table, and a sentence. Exit code 0 or 2.
"""

from __future__ import annotations

from pathlib import Path

import click

from saiten.cli.options import course_option

_DAYS = 180


@click.group(name="ledger")
def command() -> None:
    """Look after the ledger: every result that marking ever gave.

    \b
    Example:
      saiten ledger prune --dry-run
    """


@command.command(name="prune")
@click.argument("assignments", nargs=-1, metavar="[ASSIGNMENT]...")
@course_option
@click.option("--days", type=click.IntRange(min=0), default=_DAYS, show_default=True, help="Only what is older.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
def prune_command(assignments: tuple[str, ...], course_dir: Path | None, days: int, dry_run: bool) -> None:
    """Remove old results, of all assignments or of some.

    What the gradebook holds stays, and what was marked with the tests that were used last: nothing is marked again
    because of it. What goes was replaced: by other tests, another engine, or another hand-in. `saiten log` shows it no
    more.

    \b
    Examples:
      saiten ledger prune --dry-run
      saiten ledger prune 01-regularization --days 30
    """
    from datetime import UTC, datetime, timedelta

    from saiten.course import Course
    from saiten.gradebook import Practice, open_database
    from saiten.ledger import Ledger, prune

    course = Course.find(course_dir)
    for name in assignments:
        course.assignment(name)
    database = open_database(Practice.of(course).url)
    try:
        Ledger(database)
        done = prune(database, assignments, datetime.now(UTC) - timedelta(days=days), dry=dry_run)
    finally:
        database.dispose()
    verb = "would go" if dry_run else "are gone"
    click.echo(f"{done.rows} results {verb} ({done.megabytes:.1f} MB); {done.kept} stay.")
