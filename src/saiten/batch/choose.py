"""Whom to mark: of those who were chosen by name, the ones that could not be marked before, or that handed in lately.

In: a course's assignment, students, the ledger. Out: fewer students, in the same order. Nothing is marked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from saiten.course import Assignment
from saiten.database import reading
from saiten.gradebook import Practice, open_database, parse_moment
from saiten.ledger import Ledger, not_marked


def narrowed(
    assignment: Assignment, students: Sequence[str], *, only_failed: bool = False, since: datetime | None = None
) -> list[str]:
    """Leave out who need not be marked.

    Args:
        assignment: which.
        students: chosen by name.
        only_failed: those alone whose last result is no verdict: they could not be read, or the fault was ours.
        since: those alone who handed in at this moment (aware) or later; a hand-in without a time of its own counts by
            the time at which its folder was last changed.

    Raises:
        GradebookError: the ledger cannot be read.
    """
    chosen = list(students)
    if only_failed:
        database = open_database(Practice.of(assignment.course).url)
        try:
            Ledger(database)
            with closing(reading(database).connect()) as connection:
                failed = not_marked(connection, assignment.name)
        finally:
            database.dispose()
        chosen = [student for student in chosen if student in failed]
    if since is not None:
        moment = since.astimezone(UTC).replace(tzinfo=None)
        chosen = [student for student in chosen if _handed_in(assignment, student) >= moment]
    return chosen


def _handed_in(assignment: Assignment, student: str) -> datetime:
    """When a hand-in came: naive, UTC."""
    course = assignment.course
    moment, _ = parse_moment(course.submission(assignment, student).timestamp)
    if moment is not None:
        return moment
    changed = course.submitted_dir(assignment.name, student).lstat().st_mtime
    return datetime.fromtimestamp(changed, UTC).replace(tzinfo=None)
