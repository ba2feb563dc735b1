"""Hand-ins that came another way: what formgrader's "Collect" or `nbgrader collect` put under `submitted/`.

In: `submitted/`. Out: rows of the store for whatever there is no row of yet. Nothing is moved or written here.
"""

from __future__ import annotations

import hashlib
import os
import time
from datetime import UTC, datetime, timedelta

from saiten.course import Assignment, Course
from saiten.errors import CourseError
from saiten.gradebook import parse_moment
from saiten.hub.arrivals import OnTaken
from saiten.hub.store import Arrival, Store

_QUIET_SECONDS = 1.0
"""without a change, after which a folder is taken to be written to its end"""

_Look = tuple[int, int, int]


class Collected:
    """Finds hand-ins that the service did not take itself. One thread uses it."""

    def __init__(self, course: Course, store: Store, on_taken: OnTaken) -> None:
        self._course = course
        self._store = store
        self._on_taken = on_taken
        self._known: dict[tuple[str, str], _Look] = {}

    def look(self, seconds: float = 0.2) -> None:
        """Look at every folder that has changed since the last time; after some seconds the rest waits for the next."""
        end = time.monotonic() + seconds
        for assignment in self._assignments():
            for student in self._course.students(assignment.name):
                folder = self._course.submitted_dir(assignment.name, student)
                try:
                    about = os.stat(folder)
                except OSError:
                    continue
                look = about.st_ino, about.st_ctime_ns, about.st_mtime_ns
                key = student, assignment.name
                if self._known.get(key) != look and time.time_ns() - about.st_ctime_ns > _QUIET_SECONDS * 1e9:
                    self.adopt(assignment, student)
                    self._known[key] = look
                    if time.monotonic() > end:
                        return

    def adopt(self, assignment: Assignment, student: str) -> Arrival | None:
        """Note what stands under `submitted/` for a student, unless it is the last hand-in that is known.

        Returns:
            the hand-in; None if nothing can be read there.
        """
        submission = self._course.submission(assignment, student)
        newest = self._store.newest(student, assignment.name)
        if newest is not None and newest.submission_hash == submission.hash:
            return newest
        if submission.problem and not submission.files and not submission.notebooks:
            return newest
        text = "\0".join((student, assignment.name, submission.hash, submission.timestamp or ""))
        token = f"collected:{hashlib.blake2b(text.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"
        if self._store.taken(token) is not None:  # an older one was put back: the ledger knows it
            token = f"{token}:{time.time_ns()}"
        arrived = self._moment(submission.timestamp, self._course.submitted_dir(assignment.name, student))
        if newest is not None and arrived <= newest.arrived:  # staff put it there: it is the one that counts
            arrived = newest.arrived + timedelta(microseconds=1)
        claimed = (submission.timestamp or "").strip()
        arrival, replaced = self._store.take(token, student, assignment.name, arrived, submission.hash, claimed)
        self._on_taken(arrival, replaced)
        return arrival

    def _moment(self, timestamp: str | None, folder: os.PathLike[str]) -> datetime:
        moment, _ = parse_moment(timestamp)
        now = datetime.now(UTC)
        if moment is not None:
            return min(moment.replace(tzinfo=UTC), now)
        return min(datetime.fromtimestamp(os.stat(folder).st_ctime, UTC), now)

    def _assignments(self) -> list[Assignment]:
        try:
            return self._course.assignments()
        except CourseError:  # an assignment.toml is being edited: what it says is told where it is needed
            return []
