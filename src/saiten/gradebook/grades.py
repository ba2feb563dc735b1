"""The students' side of the gradebook: submissions, grades and comments, written in bulk from results.

In: results of one assignment and an open transaction. Out: rows in nbgrader's own schema, and what could not be
written, in words. What a person entered (manual_score, extra_credit, manual_comment, flagged) is never written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from saiten.bundle import Bundle
from saiten.errors import EngineError
from saiten.gradebook.assignment import save_assignment
from saiten.gradebook.late import LatePolicy, PenaltyError
from saiten.gradebook.practice import Practice
from saiten.gradebook.rows import Book, Changes, Row, points
from saiten.gradebook.tables import COMMENT, GRADE, STUDENT, SUBMITTED, SUBMITTED_NOTEBOOK
from saiten.results import CellResult, NotebookResult, Result, Status
from saiten.sanitise import for_terminal, is_formula

NO_RESPONSE = "No response."
"""nbgrader's own comment on a cell that still holds the released text"""

WITH_SCORE = (Status.GRADED, Status.NEEDS_MANUAL)
"""states of a result that the gradebook can hold; for the others it keeps what it had"""

_FEW = 1000
"""students for whom it is worth while to leave the rest of the class unread"""
_LONGEST_ID = 128
"""characters that nbgrader's schema gives to a student's id"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One result to be written."""

    result: Result
    """one without a score is passed over"""
    moment: datetime | None = None
    """when it was handed in (naive, UTC)"""
    is_new: bool | None = None
    """whether this is another hand-in than the one whose grades the gradebook holds; None: nobody noted which"""


@dataclass(slots=True)
class Outcome:
    """What writing the gradebook came to."""

    written: set[str] = field(default_factory=set)
    """students whose rows are up to date now"""
    problems: dict[str, str] = field(default_factory=dict)
    """student to one sentence: why nothing, or not everything, was written"""


def write_gradebook(
    connection: Connection, bundle: Bundle, entries: Iterable[Entry], practice: Practice, due: datetime | None = None
) -> Outcome:
    """Write results of one assignment; rows that are right already are not touched.

    Args:
        connection: an open transaction; nothing is written if it does not end well.
        bundle: what the results were marked with.
        entries: at most one for each student.
        practice: the course's way to keep its gradebook.
        due: the due date where the course's files give one; see `save_assignment`.

    Raises:
        GradebookError: the gradebook holds submissions of another version of the assignment.
        EngineError: a result lacks a cell of the bundle.
    """
    assignment = save_assignment(connection, bundle, practice.course_id, due)
    scored = [entry for entry in entries if entry.result.status in WITH_SCORE]
    students = [entry.result.student for entry in scored]
    known = _known(connection, students)
    outcome = Outcome(problems=_refused(students, known, practice))
    some = students if len(students) <= _FEW else ()
    book, changes = Book.load(connection, assignment, some), Changes()
    for entry in scored:
        student = entry.result.student
        if student in outcome.problems:
            continue
        if student not in known:
            changes.inserts.setdefault(STUDENT, []).append({"id": student})
        problem = _write_submission(book, changes, entry, practice.late)
        if problem:
            outcome.problems[student] = problem
        outcome.written.add(student)
    changes.execute(connection)
    return outcome


def refused_students(connection: Connection, students: Sequence[str], practice: Practice) -> dict[str, str]:
    """Say which students cannot be entered, and why, in one sentence each.

    Without `Autograde.create_student` these are all that the gradebook does not know; else ids that nbgrader's schema
    cannot hold.
    """
    return _refused(students, _known(connection, students), practice)


def _known(connection: Connection, students: Sequence[str]) -> set[str]:
    """Those of some students, and maybe others, whom the gradebook knows."""
    query = select(STUDENT.c.id)
    if len(students) <= _FEW:
        query = query.where(STUDENT.c.id.in_([student for student in students if _is_text(student)]))
    return set(connection.execute(query).scalars())


def _refused(students: Sequence[str], known: set[str], practice: Practice) -> dict[str, str]:
    refused: dict[str, str] = {}
    for student in students:
        if student in known:
            continue
        if len(student) > _LONGEST_ID or not _is_text(student):
            refused[student] = f"the gradebook cannot hold this id (it takes plain text of {_LONGEST_ID} characters)"
        elif is_formula(student) or for_terminal(student) != student or not student.isprintable():
            refused[student] = (
                "the gradebook does not take this id on its own: in the file of `nbgrader export` a spreadsheet would"
                " calculate it, or a terminal obey it; if it is right, add the student by `nbgrader db student add`"
            )
        elif not practice.create_student:
            refused[student] = (
                "the gradebook does not know this student, and Autograde.create_student is off: add the student by"
                " `nbgrader db student add`, then run this again"
            )
    return refused


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in name


def _write_submission(book: Book, changes: Changes, entry: Entry, late: LatePolicy) -> str:
    """Bring one submission's rows up to date; returns a problem in words, or ""."""
    result, row = entry.result, book.submission(changes, entry.result.student)
    is_new = entry.is_new
    if is_new is None:
        # as nbgrader tells a newer hand-in from the one it has marked: by its time stamp alone
        is_new = entry.moment is not None and row["timestamp"] != entry.moment
    if entry.moment is not None:
        changes.set(SUBMITTED, row, timestamp=entry.moment)
    seconds_late = book.seconds_late(row)
    cells = {(cell.notebook, cell.name): cell for cell in result.cells}
    parts = {part.name: part for part in result.notebooks}
    problem = ""
    for notebook, name in book.notebooks.items():
        submitted = book.submitted_notebook(changes, row, notebook)
        part = parts.get(name, NotebookResult(name, document="", missing=True))
        grades = _write_grades(book, changes, submitted, part, cells, is_new)
        try:
            score = sum(points(grade) for grade in grades)
            penalty = None if part.missing else late.penalty(result.student, score, seconds_late)
        except PenaltyError as error:
            problem = f"{error}; the penalty in the gradebook stays as it was"
            continue
        changes.set(SUBMITTED_NOTEBOOK, submitted, late_submission_penalty=penalty)
    return problem


def _write_grades(
    book: Book,
    changes: Changes,
    submitted: Row,
    part: NotebookResult,
    cells: dict[tuple[str, str], CellResult],
    is_new: bool,
) -> list[Row]:
    """Write grades and automatic comments of one notebook; returns its grades."""
    grades: list[Row] = []
    for cell in book.cells[submitted["notebook_id"]]:
        if cell.kind in ("GradeCell", "TaskCell"):
            grade = book.grade(changes, submitted, cell)
            _write_grade(changes, grade, _score(cells, part, cell.name), is_new, missing=part.missing)
            grades.append(grade)
        if cell.kind in ("SolutionCell", "TaskCell"):
            comment = book.comment(changes, submitted, cell)
            silent = cell.kind == "SolutionCell" and cell.name in part.unchanged
            if not part.missing:
                changes.set(COMMENT, comment, auto_comment=NO_RESPONSE if silent else None)
    return grades


def _score(cells: dict[tuple[str, str], CellResult], part: NotebookResult, name: str) -> float | None:
    if part.missing:
        return 0.0
    try:
        return cells[part.name, name].score
    except KeyError:
        raise EngineError(f"The result says nothing about cell {name} of notebook {part.name}.") from None


def _write_grade(changes: Changes, grade: Row, score: float | None, is_new: bool, *, missing: bool) -> None:
    """Write one automatic score by nbgrader's rule.

    A person has to look (again) where there is no automatic score, or where a manual one stands and what it was given
    for has changed. A row for which nothing has changed keeps what a grader made of it.
    """
    if not is_new and grade["id"] not in changes.fresh and grade["auto_score"] == score:
        return
    waits = not missing and (score is None or grade["manual_score"] is not None)
    changes.set(GRADE, grade, auto_score=score, needs_manual_grade=waits)
