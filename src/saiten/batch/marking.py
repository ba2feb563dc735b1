"""Marking a class: every submission of an assignment, from `submitted/` to the gradebook.

In: a course, an assignment, its bundle. Out: ledger, gradebook, `autograded/`, and one row for each submission.
This is the coordinator: it runs no student code, opens no student notebook, and is the only one that writes.
"""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Engine as Database
from sqlalchemy.exc import SQLAlchemyError

from saiten.batch.earlier import Earlier, note_bundle, with_reason
from saiten.batch.pool import LocalPool, PoolFactory
from saiten.batch.run import run_batch
from saiten.batch.worker import MarkerFactory, make_engine, mark
from saiten.bundle import Bundle
from saiten.course import Assignment, Course
from saiten.database import LOST_SECONDS, Patience, reading
from saiten.errors import CourseError, GradebookError
from saiten.extensions import Extensions
from saiten.gradebook import (
    WITH_SCORE,
    Entry,
    Practice,
    Waiting,
    apply_dates,
    marked_folder,
    my_turn,
    open_database,
    parse_moment,
    refused_students,
    remove_folder,
    save_assignment,
    write_folder,
    write_gradebook,
)
from saiten.ledger import Key, Known, Ledger, in_gradebook, note_in_gradebook
from saiten.results import ENGINE_VERSION, Result, Status
from saiten.submission import Submission

_GLOB = frozenset("*?[")
_WRITTEN_AT_ONCE = 1000
"""students in one transaction of the gradebook: who else writes waits for no more than a few seconds"""


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
    wait_seconds: float = math.inf
    """how long to wait for another coordinator that marks the same assignment; 0: not at all"""
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
    named, globs = set(wanted), [each for each in wanted if not _GLOB.isdisjoint(each)]
    chosen = [name for name in everybody if name in named or any(fnmatch.fnmatchcase(name, each) for each in globs)]
    if not chosen:
        some = ", ".join(everybody[:5]) + (", ..." if len(everybody) > 5 else "")
        raise CourseError(f"No submission of {assignment.name} by {' or '.join(wanted)}.", f"There are: {some}.")
    return chosen


def mark_class(
    course: Course,
    assignment: Assignment,
    bundle: Bundle,
    options: Options,
    on_result: OnResult = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> ClassReport:
    """Mark what was handed in, and bring ledger, gradebook and `autograded/` up to date.

    What the ledger knows is not marked again. Each result is in the ledger as soon as it is there: a run that is
    stopped or killed goes on where it was when it is started again. Another coordinator that marks this assignment is
    waited for, and so is, for a while, a database that does not answer.

    Args:
        course: the course.
        assignment: one of it.
        bundle: made of that assignment as it is now.
        options: how to mark.
        on_result: called in this process, for a progress bar.
        tell: told in one sentence what it waits for, and that it goes on.

    Raises:
        CourseError: nobody has handed in.
        GradebookError: the gradebook cannot be written, contradicts the bundle, or somebody else has been marking this
            assignment for longer than `wait_seconds`.
        UserError: the engine cannot start for a reason that the user can mend.
        KeyboardInterrupt: workers are ended; what is finished is in the ledger.
    """
    students = chosen_students(course, assignment, options.students)
    practice = Practice.of(course)
    database, patience = open_database(practice.url), Patience(LOST_SECONDS, tell)
    try:
        with my_turn(database, assignment.name, options.wait_seconds, patience) as turn:
            marking = Marking(course, assignment, bundle, options, practice, database, on_result, patience, turn)
            marking.prepare(students)
            with options.pool(options.workers, bundle, options.factory, unsafe=options.unsafe) as pool:
                for submission, result in run_batch(bundle, marking.unmarked(), pool, mark, more=marking.more):
                    whole = with_reason(result, marking.reasons.pop(submission.student, ""))
                    marking.finish(submission, whole, from_ledger=False)
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
    patience: Patience = field(default_factory=Patience)
    """how to bear a database that is away"""
    turn: Waiting | None = None
    """the right to mark the assignment; None for who marks single submissions, and waits for nobody"""
    read_extensions: Callable[[], Extensions | None] | None = None
    """who may hand in later; None: as the course's file says it"""
    extensions: Extensions | None = None
    students: Sequence[str] = ()
    ledger: Ledger = field(init=False)
    ahead: Known | None = None
    """what is known of the class, where most of it is asked for"""
    earlier: Earlier | None = None
    """what an earlier run is good for, where tests alone have changed since; None: nobody has asked yet"""
    reasons: dict[str, str] = field(default_factory=dict)
    """student to the reason why the whole submission is marked, though it was before"""
    refused: dict[str, str] = field(default_factory=dict)
    """student to the reason why the gradebook will not take any result"""
    held: dict[str, Key] = field(default_factory=dict)
    """student to the key of the result that the gradebook holds"""
    marked: dict[str, Marked] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    moments: dict[str, datetime | None] = field(default_factory=dict)

    def prepare(self, students: Sequence[str]) -> None:
        """Open the ledger, and refuse before anything is marked what would be refused afterwards."""
        self.extensions = (self.read_extensions or self.course.extensions)()
        self.students = students
        self.patience(partial(self._prepare, students))

    def _prepare(self, students: Sequence[str]) -> None:
        self.ledger = Ledger(self.database)
        with self.database.begin() as connection:
            apply_dates(connection, self.assignment, self.extensions, self.practice.late, self._whose_dates())
            save_assignment(connection, self.bundle, self.practice.course_id, self._due())
            self.refused = refused_students(connection, students, self.practice)
            self.held = in_gradebook(connection, self.bundle.assignment, students)
            note_bundle(connection, self.bundle)

    def more(self, submission: Submission) -> tuple[Any, ...]:
        """What a worker is told beside the submission: what is known of it."""
        if self.options.again:
            return ()
        if self.earlier is None:
            self.earlier = self.patience(partial(self._read_earlier, self.students or [submission.student]))
        earlier = self.earlier
        again, reason = self.patience(lambda: earlier.of(submission, self.ledger))
        if reason:
            self.reasons[submission.student] = reason
        return () if again is None else (again,)

    def _read_earlier(self, students: Sequence[str]) -> Earlier:
        with reading(self.database).connect() as connection:
            return Earlier.read(connection, self.bundle, self._engine(), students)

    def unmarked(self) -> Iterator[Submission]:
        """Read the submissions, one after the other; what is known or cannot be read is finished at once."""
        mine = Key(self.bundle.hash, "", self._engine(), "", self.bundle.assignment)
        if not self.options.again:
            self.ahead = self.patience(lambda: self.ledger.known(mine.bundle_hash, mine.engine, mine.assignment))
        for student in self.students:
            submission = self.course.submission(self.assignment, student)
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
        if self.options.again:
            return None
        source, key = self.ahead or self.ledger, self.key(submission)
        return self.patience(lambda: source.get(key))

    def finish(self, submission: Submission, result: Result, *, from_ledger: bool) -> None:
        """Write one result to the ledger and to `autograded/`."""
        self.on_result(self._take_in(submission, result, from_ledger=from_ledger))

    def _take_in(self, submission: Submission, result: Result, *, from_ledger: bool) -> Marked:
        student, key = result.student, self.key(submission)
        if self.turn is not None:
            self.patience(self.turn.keep)
        if not from_ledger:
            self.patience(lambda: self.ledger.record(key, result))
        moment, note = parse_moment(submission.timestamp)
        notes = [*result.notes, *(each for each in (*submission.notes, note) if each and each not in result.notes)]
        if student not in self.refused:
            notes += self._write_folder(submission, result)
        marked = Marked(_slim(replace(result, notes=tuple(notes))), from_ledger, self.refused.get(student, ""))
        self.marked[student], self.keys[student], self.moments[student] = marked, key, moment
        return marked

    def close(self) -> ClassReport:
        """Write the gradebook, each part of it in one transaction with the note of what it holds."""
        self._look_for_newer()
        students = sorted(self.marked.keys() - self.refused.keys())
        problems = dict(self.refused)
        for first in range(0, len(students), _WRITTEN_AT_ONCE):
            if self.turn is not None:
                self.patience(self.turn.keep)
            problems |= self.patience(partial(self._write, students[first : first + _WRITTEN_AT_ONCE]))
        problems |= self.patience(self._move_dates)
        return ClassReport(
            tuple(replace(self.marked[each], problem=problems.get(each, "")) for each in sorted(self.marked)),
            _shown(self.database),
        )

    def _write(self, students: Sequence[str]) -> Mapping[str, str]:
        """Write the rows of some students; returns what could not be written, and why."""
        entries = [
            Entry(self.marked[each].result, self.moments[each], self._is_new(each, self.keys[each]))
            for each in students
        ]
        with self.database.begin() as connection:
            outcome = write_gradebook(connection, self.bundle, entries, self.practice, self._due())
            keys = {student: self.keys[student] for student in outcome.written}
            note_in_gradebook(connection, self.bundle.assignment, keys)
        return outcome.problems

    def _move_dates(self) -> Mapping[str, str]:
        with self.database.begin() as connection:
            whose = self._whose_dates()
            return apply_dates(connection, self.assignment, self.extensions, self.practice.late, whose).problems

    def _whose_dates(self) -> Sequence[str] | None:
        """Who marks the class brings everybody's up to date; who marks single submissions need not read thousands."""
        return self.students if self.turn is None else None

    def _look_for_newer(self) -> None:
        """See whom another coordinator (the marking service) has marked meanwhile: a newer hand-in is not undone."""
        before, self.held = self.held, self.patience(self._held_now)
        for student, key in self.keys.items():
            if self.held.get(student) in (before.get(student), key):
                continue
            submission = self.course.submission(self.assignment, student)
            newer = self.key(submission)
            if newer == key:  # what lies there is what we have marked
                continue
            known = self.patience(partial(self.ledger.get, newer))
            if known is not None:
                self._take_in(submission, known, from_ledger=True)
            else:
                self.refused[student] = "there is a newer hand-in, which is being marked elsewhere"

    def _held_now(self) -> dict[str, Key]:
        with reading(self.database).connect() as connection:
            return in_gradebook(connection, self.bundle.assignment, self.keys)

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
        return Key(self.bundle.hash, submission.hash, self._engine(), submission.student, self.bundle.assignment)

    def _engine(self) -> str:
        return f"{ENGINE_VERSION}+unsafe" if self.options.unsafe else ENGINE_VERSION

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


def _slim(result: Result) -> Result:
    """A result without what is written by now: a class of marked notebooks and pictures need not stay in memory."""
    questions = []
    for question in result.questions:
        cells = tuple(
            replace(cell, pictures=tuple(replace(each, png="") for each in cell.pictures)) if cell.pictures else cell
            for cell in question.cells
        )
        questions.append(replace(question, cells=cells))
    notebooks = tuple(replace(part, document="") for part in result.notebooks)
    return replace(result, questions=tuple(questions), notebooks=notebooks)


def _shown(database: Database) -> str:
    return database.url.render_as_string(hide_password=True)
