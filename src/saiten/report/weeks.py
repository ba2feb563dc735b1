"""Students over the assignments of a course: who falls behind.

In: the gradebook. Out: shares of the points by student and assignment. Nothing is written.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from saiten.gradebook import max_scores
from saiten.gradebook.tables import (
    ASSIGNMENT,
    GRADE,
    SUBMITTED,
    SUBMITTED_NOTEBOOK,
)
from saiten.report.figures import AT_RISK

RECENT = 3
"""assignments that count for the mark"""
FAILED_OF_RECENT = 2


@dataclass(frozen=True, slots=True)
class WeekRow:
    """One student."""

    student: str
    shares: tuple[float | None, ...]
    """of the points, by assignment; None: nothing handed in"""
    at_risk: bool


@dataclass(frozen=True, slots=True)
class Weeks:
    """A course so far."""

    assignments: tuple[str, ...]
    """those that somebody has handed in, by due date, then name"""
    rows: tuple[WeekRow, ...]
    """those at risk first, then by student"""


def read_weeks(connection: Connection) -> Weeks:
    """Read the shares of all students in all assignments, points by hand, extra credit and penalties included."""
    maxima = max_scores(connection)
    point = func.coalesce(GRADE.c.manual_score, GRADE.c.auto_score, 0.0) + func.coalesce(GRADE.c.extra_credit, 0.0)
    earned = (
        select(SUBMITTED.c.assignment_id, SUBMITTED.c.student_id, func.sum(point).label("points"))
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMITTED.c.id)
        .join(GRADE, GRADE.c.notebook_id == SUBMITTED_NOTEBOOK.c.id)
        .group_by(SUBMITTED.c.assignment_id, SUBMITTED.c.student_id)
    )
    penalty = func.sum(SUBMITTED_NOTEBOOK.c.late_submission_penalty)
    lost = (
        select(SUBMITTED.c.assignment_id, SUBMITTED.c.student_id, penalty.label("points"))
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMITTED.c.id)
        .group_by(SUBMITTED.c.assignment_id, SUBMITTED.c.student_id)
    )
    penalties = {(row.assignment_id, row.student_id): row.points or 0.0 for row in connection.execute(lost)}
    shares: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for row in connection.execute(earned):
        most = maxima[row.assignment_id]
        points = max(0.0, row.points - penalties.get((row.assignment_id, row.student_id), 0.0))
        shares[row.student_id][row.assignment_id] = points / most if most else 0.0
    handed_in = {assignment for own in shares.values() for assignment in own}
    due = ASSIGNMENT.c.duedate
    by_date = select(ASSIGNMENT.c.id, ASSIGNMENT.c.name).order_by(due.is_(None), due, ASSIGNMENT.c.name)
    order = [each for each in connection.execute(by_date) if each.id in handed_in]
    rows = [_row(student, tuple(own.get(each.id) for each in order)) for student, own in shares.items()]
    return Weeks(
        tuple(each.name for each in order), tuple(sorted(rows, key=lambda row: (not row.at_risk, row.student)))
    )


def _row(student: str, shares: tuple[float | None, ...]) -> WeekRow:
    recent = shares[-RECENT:]
    failed = sum(share is None or share < AT_RISK for share in recent)
    return WeekRow(student, shares, len(recent) >= FAILED_OF_RECENT and failed >= FAILED_OF_RECENT)
