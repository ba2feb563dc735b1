"""What people and penalties made of a class: manual points, extra credit, comments, lateness, read in bulk.

In: an open connection to the gradebook. Out: `Marks` by student and notebook. Nothing is written here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select
from sqlalchemy.sql.schema import Table

from saiten.gradebook.tables import ASSIGNMENT, BASE_CELL, COMMENT, GRADE, NOTEBOOK, SUBMITTED, SUBMITTED_NOTEBOOK
from saiten.lateness import seconds_late


@dataclass(frozen=True, slots=True)
class CellMark:
    """What the gradebook says about one cell."""

    auto: float | None = None
    manual: float | None = None
    """points that a person gave; they stand in place of the automatic ones"""
    extra: float = 0.0
    waits: bool = False
    """whether a person has to look (again)"""
    comment: str = ""
    """written by a person"""


@dataclass(slots=True)
class Marks:
    """One student's notebook in the gradebook."""

    cells: dict[str, CellMark] = field(default_factory=dict)
    """by grade_id"""
    penalty: float = 0.0
    """points lost for lateness"""
    seconds_late: float = 0.0


def read_marks(connection: Connection, assignment: str) -> Mapping[tuple[str, str], Marks]:
    """Read what the gradebook holds of one assignment.

    Returns:
        `Marks` by (student, notebook name); nothing for students whom the gradebook does not know.
    """
    marks: defaultdict[tuple[str, str], Marks] = defaultdict(Marks)
    base = (
        select(SUBMITTED.c.student_id, NOTEBOOK.c.name.label("notebook"))
        .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.assignment_id == SUBMITTED.c.id)
        .join(NOTEBOOK, NOTEBOOK.c.id == SUBMITTED_NOTEBOOK.c.notebook_id)
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .where(ASSIGNMENT.c.name == assignment)
    )
    times = (ASSIGNMENT.c.duedate, SUBMITTED.c.extension, SUBMITTED.c.timestamp)
    for row in connection.execute(base.add_columns(SUBMITTED_NOTEBOOK.c.late_submission_penalty, *times)):
        mark = marks[row.student_id, row.notebook]
        mark.penalty = row.late_submission_penalty or 0.0
        mark.seconds_late = seconds_late(row.timestamp, row.duedate, row.extension)
    comments = {
        (row.student_id, row.notebook, row.name): row.manual_comment
        for row in connection.execute(_with_cells(base, COMMENT).add_columns(COMMENT.c.manual_comment))
        if row.manual_comment
    }
    points = (GRADE.c.auto_score, GRADE.c.manual_score, GRADE.c.extra_credit, GRADE.c.needs_manual_grade)
    for row in connection.execute(_with_cells(base, GRADE).add_columns(*points)):
        comment = comments.pop((row.student_id, row.notebook, row.name), "")
        marks[row.student_id, row.notebook].cells[row.name] = CellMark(
            row.auto_score, row.manual_score, row.extra_credit or 0.0, bool(row.needs_manual_grade), comment
        )
    for (student, notebook, name), comment in comments.items():
        marks[student, notebook].cells[name] = CellMark(comment=comment)
    return marks


def _with_cells(base, table: Table):  # type: ignore[no-untyped-def]  # SQLAlchemy's Select changes its type with each column
    return (
        base.join(table, table.c.notebook_id == SUBMITTED_NOTEBOOK.c.id)
        .join(BASE_CELL, BASE_CELL.c.id == table.c.cell_id)
        .add_columns(BASE_CELL.c.name)
    )
