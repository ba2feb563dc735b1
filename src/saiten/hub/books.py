"""What people entered into the gradebook, for pages: points by hand, due dates, extensions.

In: the gradebook's database. Out: verdicts with marks, due dates. Each assignment is read at most every few seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from saiten.database import reading
from saiten.errors import CourseError
from saiten.extensions import Extensions
from saiten.feedback.marks import Marks, read_marks
from saiten.gradebook.tables import ASSIGNMENT, SUBMITTED
from saiten.hub.store import refused
from saiten.hub.verdict import Verdict, with_marks
from saiten.lateness import own_due

_SECONDS = 3.0
"""for which what was read is taken to hold"""


@dataclass(slots=True)
class _Dates:
    due: datetime | None = None
    extensions: dict[str, timedelta] = field(default_factory=dict)


class Books:
    """Reads the gradebook for pages. Any thread may ask.

    Args:
        database: engine of the gradebook's database.
        extensions: who may hand in later, by the course's file; None of it: the gradebook's own extensions count.
    """

    def __init__(self, database: Engine, extensions: Callable[[], Extensions | None] = lambda: None) -> None:
        self._database, self._extensions = database, extensions
        self._lock = threading.Lock()
        self._marks: dict[str, tuple[float, Mapping[str, Mapping[str, Marks]]]] = {}
        self._dates: dict[str, tuple[float, _Dates]] = {}

    def whole(self, verdict: Verdict, assignment: str, student: str) -> Verdict:
        """A verdict on what the gradebook holds, with what people made of it."""
        return with_marks(verdict, self._of(assignment).get(student, {}))

    def forget(self, assignment: str) -> None:
        """The gradebook holds something else than before: it is read anew when somebody asks."""
        with self._lock:
            self._marks.pop(assignment, None)

    def due(self, assignment: str, student: str, due: datetime | None) -> datetime | None:
        """The due date of an assignment, or of one student.

        Args:
            assignment: which.
            student: whose extension counts; empty: nobody's.
            due: the date that the course's files give; None: the gradebook's.
        """
        dates = self._dates_of(assignment)
        date = dates.due if due is None else due
        file = self._extensions() if student else None
        if file is None:
            return own_due(date, dates.extensions.get(student))
        try:
            return file.due(assignment, student, date)
        except CourseError:  # two lines contradict each other for this student: whoever marks is told
            return own_due(date, dates.extensions.get(student))

    def _of(self, assignment: str) -> Mapping[str, Mapping[str, Marks]]:
        with self._lock:
            kept = self._marks.get(assignment)
            if kept is None or time.monotonic() - kept[0] > _SECONDS:
                found: dict[str, dict[str, Marks]] = {}
                try:
                    with closing(reading(self._database).connect()) as connection:
                        for (student, notebook), marks in read_marks(connection, assignment).items():
                            found.setdefault(student, {})[notebook] = marks
                except SQLAlchemyError as error:
                    raise refused(self._database, error) from error
                kept = time.monotonic(), found
                self._marks[assignment] = kept
            return kept[1]

    def _dates_of(self, assignment: str) -> _Dates:
        with self._lock:
            kept = self._dates.get(assignment)
            if kept is None or time.monotonic() - kept[0] > _SECONDS:
                kept = time.monotonic(), self._read_dates(assignment)
                self._dates[assignment] = kept
            return kept[1]

    def _read_dates(self, assignment: str) -> _Dates:
        dates = _Dates()
        with_extension = (
            select(SUBMITTED.c.student_id, SUBMITTED.c.extension)
            .join(ASSIGNMENT, ASSIGNMENT.c.id == SUBMITTED.c.assignment_id)
            .where(ASSIGNMENT.c.name == assignment, SUBMITTED.c.extension.is_not(None))
        )
        try:
            with closing(reading(self._database).connect()) as connection:
                due = connection.execute(select(ASSIGNMENT.c.duedate).where(ASSIGNMENT.c.name == assignment)).scalar()
                dates.due = None if due is None else due.replace(tzinfo=UTC)
                for row in connection.execute(with_extension):
                    dates.extensions[row.student_id] = row.extension
        except SQLAlchemyError as error:
            raise refused(self._database, error) from error
        return dates
