"""Due dates and extensions in the gradebook, as the course's files have them now, with the penalties that follow.

In: an open transaction, an assignment, its extensions. Out: `assignment.duedate`, `submitted_assignment.extension` and
late penalties that hold. Nothing is marked for that, and where nothing has changed nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, select, update

from saiten.course import Assignment, Course
from saiten.errors import CourseError
from saiten.extensions import Extensions
from saiten.gradebook.late import LatePolicy, PenaltyError
from saiten.gradebook.rows import Book, Changes, points
from saiten.gradebook.tables import ASSIGNMENT, SUBMITTED, SUBMITTED_NOTEBOOK
from saiten.lateness import seconds_late

_FEW = 100
"""students for whom it is worth while to leave the rest of the class unread"""


@dataclass(slots=True)
class Moved:
    """What other dates came to."""

    students: list[str] = field(default_factory=list)
    """whose lateness is another one than before"""
    problems: dict[str, str] = field(default_factory=dict)
    """student to why the penalty stays as it was, in one sentence"""


def plain(moment: datetime) -> datetime:
    """A moment as nbgrader keeps it: UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def apply_dates(
    connection: Connection,
    assignment: Assignment,
    extensions: Extensions | None,
    late: LatePolicy,
    students: Collection[str] | None = None,
) -> Moved:
    """Bring the due date, extensions and penalties of one assignment up to date.

    Args:
        connection: an open transaction on a gradebook.
        assignment: its due date counts; without one, the gradebook's own does.
        extensions: who may hand in later, and nobody else may; None: the extensions in the gradebook stay as they are.
        late: the course's late penalty.
        students: these few alone; None: everybody.

    Returns:
        who is as late as never before; whose extensions contradict each other, and stay as they were.
    """
    moved = Moved()
    row = connection.execute(select(ASSIGNMENT).where(ASSIGNMENT.c.name == assignment.name)).one_or_none()
    if row is None:
        return moved
    due = assignment.settings.due or (row.duedate.replace(tzinfo=UTC) if row.duedate is not None else None)
    if due is None:
        return moved
    if row.duedate != plain(due):
        connection.execute(update(ASSIGNMENT).where(ASSIGNMENT.c.id == row.id).values(duedate=plain(due)))
    changes = Changes()
    query = select(SUBMITTED).where(SUBMITTED.c.assignment_id == row.id).order_by(SUBMITTED.c.student_id)
    if students is not None:
        query = query.where(SUBMITTED.c.student_id.in_(students))
    for submitted in connection.execute(query).mappings():
        extension = submitted["extension"]
        if extensions is not None:
            try:
                own = extensions.due(assignment.name, submitted["student_id"], due) or due
            except CourseError as error:  # two groups that overlap: it costs nobody else their marks
                moved.problems[submitted["student_id"]] = f"{error.message} {error.next_step}"
                continue
            extension = own - due or None
        before = seconds_late(submitted["timestamp"], row.duedate, submitted["extension"])
        if (submitted["extension"] or None) != extension:
            changes.set(SUBMITTED, dict(submitted), extension=extension)
        if before != seconds_late(submitted["timestamp"], plain(due), extension):
            moved.students.append(submitted["student_id"])
    changes.execute(connection)
    if moved.students:
        _reckon(connection, row.id, late, moved)
    return moved


def _reckon(connection: Connection, assignment: str, late: LatePolicy, moved: Moved) -> None:
    """Make penalties anew of those whose lateness has changed."""
    some = moved.students if len(moved.students) <= _FEW else ()
    book, changes = Book.load(connection, assignment, some), Changes()
    grades: dict[str, float] = {}
    for (submitted, _), grade in book.grades.items():
        grades[submitted] = grades.get(submitted, 0.0) + points(grade)
    parts = {row["id"]: row for row in book.submissions.values() if row["student_id"] in set(moved.students)}
    for (submission, _), part in book.submitted.items():
        owner = parts.get(submission)
        if owner is None:
            continue
        student = str(owner["student_id"])
        try:
            penalty = late.penalty(student, grades.get(part["id"], 0.0), book.seconds_late(owner))
        except PenaltyError as error:
            moved.problems[student] = f"{error}; the penalty in the gradebook stays as it was"
            continue
        changes.set(SUBMITTED_NOTEBOOK, part, late_submission_penalty=penalty)
    changes.execute(connection)


def refresh_dates(database: Engine, course: Course, names: Collection[str] = ()) -> Mapping[str, Moved]:
    """Bring the dates of assignments up to date, before somebody reads what they cost.

    Args:
        database: the gradebook's.
        course: whose dates.
        names: of assignments; empty: all of the course.

    Returns:
        by assignment, where anybody's lateness has changed.

    Raises:
        CourseError: extensions.csv, or an assignment.toml, cannot be meant as it stands.
    """
    extensions, late = course.extensions(), LatePolicy.of(course)
    found = {}
    for name in names or course.assignment_names():
        try:
            assignment = course.assignment(name)
        except CourseError:
            if names:
                raise
            continue  # its assignment.toml cannot be read: that keeps no other from being read
        with database.begin() as connection:
            moved = apply_dates(connection, assignment, extensions, late)
        if moved.students or moved.problems:
            found[name] = moved
    return found
