"""Marking a class: every submission of an assignment, from `submitted/` to the gradebook.

In: a course, an assignment, its bundle. Out: ledger, gradebook, `autograded/`, and one row for each submission.
This is the coordinator: it runs no student code, opens no student notebook, and is the only one that writes.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine as Database
from sqlalchemy.exc import SQLAlchemyError

from saiten.batch.pool import LocalPool, PoolFactory
from saiten.batch.run import run_batch
from saiten.batch.worker import MarkerFactory, make_engine, mark
from saiten.bundle import Bundle
from saiten.course import Assignment, Course
from saiten.errors import CourseError, GradebookError
from saiten.gradebook import (
    WITH_SCORE,
    Entry,
    Practice,
    marked_folder,
    open_database,
    parse_moment,
    refused_students,
    remove_folder,
    save_assignment,
    write_folder,
    write_gradebook,
)
from saiten.ledger import Key, Ledger, in_gradebook, note_in_gradebook
from saiten.results import ENGINE_VERSION, Result, Status
from saiten.submission import Submission


@dataclass(frozen=True, slots=True)
class Marked:
    """What became of one submission."""

    result: Result
    """without the marked notebooks' text: that is in `autograded/` and in the ledger"""
    from_ledger: bool
    """whether it was known already: nothing was run"""
    problem: str = ""
    """why the gradebook could not take (all of) it, in one sentence"""

    def public(self) -> dict[str, Any]:
        """What `saiten grade --json` prints: the result's own form, the gradebook's problem among its notes."""
        notes = (*self.result.notes, self.problem) if self.problem else self.result.notes
        return replace(self.result, notes=notes).public()


@dataclass(frozen=True, slots=True)
class ClassReport:
    """What marking a class came to."""

    rows: tuple[Marked, ...]
    """one for each submission, by student"""
    database: str
    """URL of the gradebook, without its password"""


@dataclass(frozen=True, slots=True)
class Options:
    """How to mark."""

    students: tuple[str, ...] = ()
    """ids or globs; empty: all that the course's configuration names"""
    workers: int = 1
    unsafe: bool = False
    """mark even where the machine cannot hold the floor of the sandbox"""
    again: bool = False
    """mark what the ledger already knows, too"""
    factory: MarkerFactory = make_engine
    pool: PoolFactory = LocalPool
    """where they are marked"""


OnResult = Callable[[Marked], None]
"""called once for each submission, when it is marked (or found in the ledger)"""


def chosen_students(course: Course, assignment: Assignment, patterns: Sequence[str]) -> list[str]:
    """Return who is to be marked, by id.

    Raises:
        CourseError: nobody has handed in, or nobody of the given names.
    """
    everybody = course.students(assignment.name)
    if not everybody:
        folder = course.submitted_dir(assignment.name, "<student>")
        raise CourseError(
            f"Nobody has handed in {assignment.name}: there is no folder {folder}.",
            "Collect the submissions first, by `nbgrader collect` or by hand.",
        )
    wanted = tuple(patterns) or (course.coursedir.student_id,)
    chosen = [name for name in everybody if any(name == each or fnmatch.fnmatchcase(name, each) for each in wanted)]
    if not chosen:
        some = ", ".join(everybody[:5]) + (", ..." if len(everybody) > 5 else "")
        raise CourseError(f"No submission of {assignment.name} by {' or '.join(wanted)}.", f"There are: {some}.")
    return chosen


def mark_class(
    course: Course, assignment: Assignment, bundle: Bundle, options: Options, on_result: OnResult = lambda _: None
) -> ClassReport:
    """Mark what was handed in, and bring ledger, gradebook and `autograded/` up to date.

    What the ledger knows is not marked again. Each result is in the ledger as soon as it is there: a run that is
    stopped or killed goes on where it was when it is started again.

    Args:
        course: the course.
        assignment: one of it.
        bundle: made of that assignment as it is now.
        options: how to mark.
        on_result: called in this process, for a progress bar.

    Raises:
        CourseError: nobody has handed in.
        GradebookError: the gradebook cannot be written, or contradicts the bundle.
        UserError: the engine cannot start for a reason that the user can mend.
        KeyboardInterrupt: workers are ended; what is finished is in the ledger.
    """
    students = chosen_students(course, assignment, options.students)
    practice = Practice.of(course)
    database = open_database(practice.url)
    try:
        marking = Marking(course, assignment, bundle, options, practice, database, on_result)
        marking.prepare(students)
        with options.pool(options.workers, bundle, options.factory, unsafe=options.unsafe) as pool:
            for submission, result in run_batch(bundle, marking.unmarked(), pool, mark):
                marking.finish(submission, result, from_ledger=False)
        return marking.close()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise GradebookError(
            f"The gradebook {_shown(database)} cannot be written ({reason}).",
            "See that no other program keeps it locked, then run again: what was marked is in the ledger.",
        ) from error
    finally:
        database.dispose()


@dataclass
class Marking:
    """What becomes of results: ledger, `autograded/` and gradebook, kept in step.

    `prepare` first, `finish` for each result, `close` at the end. `unmarked` reads what stands under `submitted/`, for
    those who mark a class; who has submissions from elsewhere asks `known`. One thread uses it.
    """

    course: Course
    assignment: Assignment
    bundle: Bundle
    options: Options
    practice: Practice
    database: Database
    on_result: OnResult = lambda _: None
    ledger: Ledger = field(init=False)
    refused: dict[str, str] = field(default_factory=dict)
    """student to the reason why the gradebook will not take any result"""
    held: dict[str, Key] = field(default_factory=dict)
    """student to the key of the result that the gradebook holds"""
    marked: dict[str, Marked] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    moments: dict[str, datetime | None] = field(default_factory=dict)

    def prepare(self, students: Sequence[str]) -> None:
        """Open the ledger, and refuse before anything is marked what would be refused afterwards."""
        self.ledger = Ledger(self.database)
        with self.database.begin() as connection:
            save_assignment(connection, self.bundle, self.practice.course_id, self._due())
            self.refused = refused_students(connection, students, self.practice)
            self.held = in_gradebook(connection, self.bundle.assignment)

    def unmarked(self) -> Iterator[Submission]:
        """Read the submissions, one after the other; what is known or cannot be read is finished at once."""
        for submission in self._submissions():
            known = self.known(submission)
            if submission.problem:
                rejected = self.rejected(submission)
                self.finish(submission, rejected, from_ledger=known == rejected)
            elif known is not None:
                self.finish(submission, known, from_ledger=True)
            else:
                yield submission

    def known(self, submission: Submission) -> Result | None:
        """The verdict that the ledger holds on a submission; None if it has to be marked."""
        return None if self.options.again else self.ledger.get(self.key(submission))

    def finish(self, submission: Submission, result: Result, *, from_ledger: bool) -> None:
        """Write one result to the ledger and to `autograded/`."""
        student, key = result.student, self.key(submission)
        if not from_ledger:
            self.ledger.record(key, result)
        moment, note = parse_moment(submission.timestamp)
        notes = [*result.notes, *(each for each in (*submission.notes, note) if each and each not in result.notes)]
        if student not in self.refused:
            notes += self._write_folder(submission, result)
        # marked notebooks are written by now, and a class of them need not stay in memory
        slim = tuple(replace(part, document="") for part in result.notebooks)
        shown = replace(result, notes=tuple(notes), notebooks=slim)
        marked = Marked(shown, from_ledger, self.refused.get(student, ""))
        self.marked[student], self.keys[student], self.moments[student] = marked, key, moment
        self.on_result(marked)

    def close(self) -> ClassReport:
        """Write the gradebook, in one transaction with the note of what it holds."""
        rows = {student: self.marked[student] for student in sorted(self.marked)}
        entries = [
            Entry(row.result, self.moments[student], self._is_new(student, self.keys[student]))
            for student, row in rows.items()
            if student not in self.refused
        ]
        with self.database.begin() as connection:
            outcome = write_gradebook(connection, self.bundle, entries, self.practice, self._due())
            keys = {student: self.keys[student] for student in outcome.written}
            note_in_gradebook(connection, self.bundle.assignment, keys)
        problems = self.refused | outcome.problems
        return ClassReport(
            tuple(replace(row, problem=problems.get(student, "")) for student, row in rows.items()),
            _shown(self.database),
        )

    def _submissions(self) -> Iterator[Submission]:
        """Read each submission once, though several patterns may name it."""
        seen: set[str] = set()
        for pattern in self.options.students or ("*",):
            for submission in self.course.submissions(self.assignment, pattern):
                if submission.student not in seen:
                    seen.add(submission.student)
                    yield submission

    def _write_folder(self, submission: Submission, result: Result) -> tuple[str, ...]:
        folder = self.course.autograded_dir(self.bundle.assignment, result.student)
        if result.status is Status.REJECTED:
            remove_folder(folder)
        if result.status not in WITH_SCORE:
            return ()
        wanted = marked_folder(self.bundle, submission, result, self.practice)
        clean = self._is_new(result.student, self.key(submission)) is not False
        write_folder(folder, wanted, self.practice, clean=clean)
        return wanted.notes

    def key(self, submission: Submission) -> Key:
        """By which the ledger knows a result."""
        engine = f"{ENGINE_VERSION}+unsafe" if self.options.unsafe else ENGINE_VERSION
        return Key(self.bundle.hash, submission.hash, engine, submission.student, self.bundle.assignment)

    def _is_new(self, student: str, key: Key) -> bool | None:
        """Whether the student has handed in something else than what the gradebook holds; None: nobody noted what."""
        held = self.held.get(student)
        return None if held is None else held.submission_hash != key.submission_hash

    def rejected(self, submission: Submission) -> Result:
        """The result of a submission that cannot be read."""
        return Result(
            submission.student,
            submission.assignment,
            Status.REJECTED,
            None,
            self.bundle.max_score,
            message=submission.problem,
            notes=submission.notes,
            bundle_hash=self.bundle.hash,
            submission_hash=submission.hash,
        )

    def _due(self) -> datetime | None:
        due = self.assignment.settings.due
        return None if due is None else due.astimezone(UTC).replace(tzinfo=None)


def _shown(database: Database) -> str:
    return database.url.render_as_string(hide_password=True)
