"""Everybody's marks in every assignment, as the gradebook has them.

In: a connection to the gradebook, who handed in what. Out: a `Roll`. Points by hand, extra credit and nbgrader's late
penalties are in them; a mark for which something is missing has no points at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Integer, cast, func, select

from saiten.gradebook import max_scores
from saiten.gradebook.tables import (
    ASSIGNMENT,
    GRADE,
    STUDENT,
    SUBMITTED,
    SUBMITTED_NOTEBOOK,
)
from saiten.lateness import seconds_late


class State(StrEnum):
    """How far one mark is."""

    MARKED = "marked"
    WAITS = "waits"
    """a person has to mark some of it"""
    UNMARKED = "unmarked"
    """it was handed in, and the gradebook has no mark: `saiten grade` has not run, or could not mark it"""
    ABSENT = "absent"
    """nothing was handed in"""


@dataclass(frozen=True, slots=True)
class Person:
    """A student, as far as the gradebook knows."""

    id: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """An assignment."""

    name: str
    max_score: float
    due: datetime | None
    """UTC, without an offset, as nbgrader keeps it"""


@dataclass(frozen=True, slots=True)
class Mark:
    """What one student has in one assignment."""

    state: State
    raw: float | None = None
    """points before any late penalty; None unless `MARKED`"""
    penalty: float = 0.0
    """points that nbgrader's own late rule takes"""
    seconds_late: float = 0.0
    """after the due date, extension included"""

    @property
    def points(self) -> float | None:
        """Points after nbgrader's late penalty, not below 0; None where they are not known."""
        return None if self.raw is None else max(0.0, self.raw - self.penalty)


NOTHING = Mark(State.ABSENT)


@dataclass(frozen=True, slots=True)
class Roll:
    """A course's marks."""

    people: tuple[Person, ...]
    """by id: all that the gradebook knows or that have handed in"""
    columns: tuple[Column, ...]
    """by due date, then name; those without one last"""
    marks: Mapping[tuple[str, str], Mark]
    """(student, assignment) to mark; `NOTHING` where there is none"""

    def mark(self, student: str, assignment: str) -> Mark:
        """One mark."""
        return self.marks.get((student, assignment), NOTHING)

    def unknown(self) -> list[tuple[str, str, State]]:
        """Return who has no points although something was handed in, by assignment and student."""
        found = [
            (student, name, mark.state)
            for (student, name), mark in self.marks.items()
            if mark.state in (State.WAITS, State.UNMARKED)
        ]
        return sorted(found, key=lambda each: (each[1], each[0]))


def read_roll(connection: Connection, handed_in: Iterable[tuple[str, str]], chosen: Collection[str] = ()) -> Roll:
    """Read the marks.

    Args:
        connection: to the gradebook.
        handed_in: (student, assignment) of everything under `submitted/`.
        chosen: names of assignments; empty: all that the gradebook knows.
    """
    columns = _columns(connection, chosen)
    names = {column.name for column in columns}
    marks = {key: Mark(State.UNMARKED) for key in handed_in if key[1] in names}
    people = {row.id: _person(row) for row in connection.execute(select(STUDENT).order_by(STUDENT.c.id))}
    for student, _ in marks:
        people.setdefault(student, Person(student))
    marks.update({key: mark for key, mark in _marks(connection).items() if key[1] in names})
    return Roll(tuple(people[each] for each in sorted(people)), columns, marks)


def _person(row) -> Person:  # type: ignore[no-untyped-def]  # a row of SQLAlchemy's, whose columns are nbgrader's
    return Person(row.id, row.first_name or "", row.last_name or "", row.email or "")


def _columns(connection: Connection, chosen: Collection[str]) -> tuple[Column, ...]:
    most = max_scores(connection)
    due = ASSIGNMENT.c.duedate
    rows = connection.execute(select(ASSIGNMENT).order_by(due.is_(None), due, ASSIGNMENT.c.name))
    return tuple(Column(row.name, most[row.id], row.duedate) for row in rows if not chosen or row.name in chosen)


def _marks(connection: Connection) -> dict[tuple[str, str], Mark]:
    point = func.coalesce(GRADE.c.manual_score, GRADE.c.auto_score) + func.coalesce(GRADE.c.extra_credit, 0.0)
    # a cell without a score of either kind is as open as one that nbgrader wants to be looked at
    is_open = GRADE.c.needs_manual_grade | (GRADE.c.auto_score.is_(None) & GRADE.c.manual_score.is_(None))
    grades = (
        select(
            SUBMITTED_NOTEBOOK.c.assignment_id.label("submitted"),
            func.sum(point).label("points"),
            func.max(cast(is_open, Integer)).label("waits"),  # as a number: PostgreSQL has no max of booleans
        )
        .join(GRADE, GRADE.c.notebook_id == SUBMITTED_NOTEBOOK.c.id)
        .group_by(SUBMITTED_NOTEBOOK.c.assignment_id)
        .subquery()
    )
    penalties = (
        select(
            SUBMITTED_NOTEBOOK.c.assignment_id.label("submitted"),
            func.sum(SUBMITTED_NOTEBOOK.c.late_submission_penalty).label("penalty"),
        )
        .group_by(SUBMITTED_NOTEBOOK.c.assignment_id)
        .subquery()
    )
    rows = connection.execute(
        select(
            SUBMITTED.c.student_id,
            ASSIGNMENT.c.name,
            ASSIGNMENT.c.duedate,
            SUBMITTED.c.extension,
            SUBMITTED.c.timestamp,
            grades.c.points,
            grades.c.waits,
            penalties.c.penalty,
        )
        .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
        .outerjoin(grades, grades.c.submitted == SUBMITTED.c.id)
        .outerjoin(penalties, penalties.c.submitted == SUBMITTED.c.id)
    )
    found = {}
    for row in rows:
        late = seconds_late(row.timestamp, row.duedate, row.extension)
        if row.points is None and not row.waits:
            mark = Mark(State.UNMARKED, seconds_late=late)
        elif row.waits:
            mark = Mark(State.WAITS, seconds_late=late)
        else:
            mark = Mark(State.MARKED, float(row.points), float(row.penalty or 0.0), late)
        found[row.student_id, row.name] = mark
    return found
