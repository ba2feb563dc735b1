"""Rows of one assignment's submissions: loaded by a handful of queries, changed in memory, written in bulk.

In: an open transaction. Out: `Book` (what the gradebook holds) and `Changes` (what is to be written).
nbgrader's own Gradebook runs several queries for each cell of each student, every one with sub-queries for scores.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from nbgrader import api
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.sql.schema import Table

from saiten.database import insert_or
from saiten.gradebook.tables import (
    ASSIGNMENT,
    BASE_CELL,
    COMMENT,
    GRADE,
    NOTEBOOK,
    STUDENT,
    SUBMITTED,
    SUBMITTED_NOTEBOOK,
)
from saiten.lateness import seconds_late

Row = dict[str, Any]
"""column name to value"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of nbgrader's `base_cell`."""

    id: str
    name: str
    """grade_id"""
    kind: str
    """"GradeCell", "SolutionCell" or "TaskCell\""""


@dataclass(slots=True)
class Changes:
    """Rows to insert and columns to update, gathered first and sent in a few statements."""

    inserts: dict[Table, list[Row]] = field(default_factory=dict)
    updates: dict[tuple[Table, tuple[str, ...]], list[Row]] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    """ids of rows that are about to be inserted"""

    def insert(self, table: Table, **columns: Any) -> Row:
        """Add a row with a new id."""
        row = {"id": api.new_uuid(), **columns}
        self.inserts.setdefault(table, []).append(row)
        self.fresh.add(row["id"])
        return row

    def set(self, table: Table, row: Row, **columns: Any) -> None:
        """Change columns of a row; what is right already is left alone."""
        different = {name: value for name, value in columns.items() if row[name] != value}
        row.update(different)
        if different and row["id"] not in self.fresh:
            parameters = {f"new_{name}": value for name, value in different.items()}
            self.updates.setdefault((table, tuple(sorted(different))), []).append({"row": row["id"], **parameters})

    def execute(self, connection: Connection) -> None:
        """Send everything, parents before children."""
        for table in (STUDENT, SUBMITTED, SUBMITTED_NOTEBOOK, GRADE, COMMENT):
            if rows := self.inserts.get(table):
                # somebody may enter the same student by hand just now
                entered = insert_or(connection.engine, table, ("id",)) if table is STUDENT else insert(table)
                connection.execute(entered, rows)
        for (table, names), rows in self.updates.items():
            values: Row = {name: bindparam(f"new_{name}") for name in names}
            connection.execute(update(table).where(table.c.id == bindparam("row")).values(values), rows)


@dataclass(slots=True)
class Book:
    """What the gradebook holds of one assignment."""

    assignment: str
    """id of the assignment's row"""
    due: datetime | None
    """naive, UTC"""
    notebooks: dict[str, str]
    """id to name"""
    cells: dict[str, list[Cell]]
    """id of a notebook to its cells"""
    submissions: dict[str, Row]
    """student to row"""
    submitted: dict[tuple[str, str], Row]
    """(submission's id, notebook's id) to row"""
    grades: dict[tuple[str, str], Row]
    """(submitted notebook's id, cell's id) to row"""
    comments: dict[tuple[str, str], Row]
    """(submitted notebook's id, cell's id) to row"""

    @classmethod
    def load(cls, connection: Connection, assignment: str, students: Collection[str] = ()) -> Self:
        """Read everything of one assignment, given the id of its row, or what some students have of it."""
        due = connection.execute(select(ASSIGNMENT.c.duedate).where(ASSIGNMENT.c.id == assignment)).scalar_one()
        of_assignment = NOTEBOOK.c.assignment_id == assignment
        notebooks = {
            row["id"]: row["name"]
            for row in connection.execute(select(NOTEBOOK).where(of_assignment).order_by(NOTEBOOK.c.name)).mappings()
        }
        cells: dict[str, list[Cell]] = {notebook: [] for notebook in notebooks}
        query = select(BASE_CELL).join(NOTEBOOK, NOTEBOOK.c.id == BASE_CELL.c.notebook_id).where(of_assignment)
        for row in connection.execute(query).mappings():
            cells[row["notebook_id"]].append(Cell(row["id"], row["name"], row["type"]))
        theirs = [SUBMITTED.c.assignment_id == assignment]
        if students:
            theirs.append(SUBMITTED.c.student_id.in_(students))
        submissions = connection.execute(select(SUBMITTED).where(*theirs)).mappings()
        by_student = {row["student_id"]: dict(row) for row in submissions}
        query = select(SUBMITTED_NOTEBOOK).join(SUBMITTED, SUBMITTED.c.id == SUBMITTED_NOTEBOOK.c.assignment_id)
        if students:
            # both columns of nbgrader's unique keys: with one of them alone a database reads the whole course
            rows_of = [row["id"] for row in by_student.values()]
            theirs = [SUBMITTED_NOTEBOOK.c.assignment_id.in_(rows_of), SUBMITTED_NOTEBOOK.c.notebook_id.in_(notebooks)]
            query = select(SUBMITTED_NOTEBOOK)
        submitted = connection.execute(query.where(*theirs)).mappings()
        by_notebook = {(row["assignment_id"], row["notebook_id"]): dict(row) for row in submitted}
        parts = [row["id"] for row in by_notebook.values()] if students else None
        every = [cell.id for of_notebook in cells.values() for cell in of_notebook]
        return cls(
            assignment,
            due,
            notebooks,
            cells,
            by_student,
            by_notebook,
            _marks(connection, GRADE, assignment, every, parts),
            _marks(connection, COMMENT, assignment, every, parts),
        )

    def submission(self, changes: Changes, student: str) -> Row:
        """Return the row of a student's submission; a new one is added."""
        if student not in self.submissions:
            self.submissions[student] = changes.insert(
                SUBMITTED, assignment_id=self.assignment, student_id=student, timestamp=None, extension=None
            )
        return self.submissions[student]

    def submitted_notebook(self, changes: Changes, submission: Row, notebook: str) -> Row:
        """Return the row of one notebook of a submission; a new one is added."""
        key = (submission["id"], notebook)
        if key not in self.submitted:
            self.submitted[key] = changes.insert(
                SUBMITTED_NOTEBOOK,
                assignment_id=submission["id"],
                notebook_id=notebook,
                flagged=False,
                late_submission_penalty=None,
            )
        return self.submitted[key]

    def grade(self, changes: Changes, submitted: Row, cell: Cell) -> Row:
        """Return the grade of a cell; a new one waits for a person, as nbgrader's default says."""
        key = (submitted["id"], cell.id)
        if key not in self.grades:
            self.grades[key] = changes.insert(
                GRADE,
                cell_id=cell.id,
                notebook_id=submitted["id"],
                auto_score=None,
                manual_score=None,
                extra_credit=None,
                needs_manual_grade=True,
            )
        return self.grades[key]

    def comment(self, changes: Changes, submitted: Row, cell: Cell) -> Row:
        """Return the comment on a cell; a new one is empty."""
        key = (submitted["id"], cell.id)
        if key not in self.comments:
            self.comments[key] = changes.insert(
                COMMENT, cell_id=cell.id, notebook_id=submitted["id"], auto_comment=None, manual_comment=None
            )
        return self.comments[key]

    def seconds_late(self, submission: Row) -> float:
        """Return how long after the due date (with the student's extension) it was handed in; 0 if in time."""
        return seconds_late(submission["timestamp"], self.due, submission["extension"])


def points(grade: Row) -> float:
    """Return what a grade counts, by nbgrader's rule: manual before automatic score, extra credit on top."""
    score = grade["manual_score"] if grade["manual_score"] is not None else grade["auto_score"]
    return 0.0 if score is None else float(score) + float(grade["extra_credit"] or 0.0)


def _marks(
    connection: Connection, table: Table, assignment: str, cells: Collection[str], parts: Collection[str] | None
) -> dict[tuple[str, str], Row]:
    """Grades or comments of an assignment, or of some submitted notebooks, by submitted notebook and cell."""
    if parts is None:
        query = (
            select(table)
            .join(SUBMITTED_NOTEBOOK, SUBMITTED_NOTEBOOK.c.id == table.c.notebook_id)
            .join(SUBMITTED, SUBMITTED.c.id == SUBMITTED_NOTEBOOK.c.assignment_id)
            .where(SUBMITTED.c.assignment_id == assignment)
        )
    else:
        query = select(table).where(table.c.cell_id.in_(cells), table.c.notebook_id.in_(parts))
    return {(row["notebook_id"], row["cell_id"]): dict(row) for row in connection.execute(query).mappings()}
