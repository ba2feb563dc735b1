"""Extensions as the service knows them: the file is read again when it changes, and never stops anybody's marking.

In: a course. Out: what extensions.csv says; while it cannot be meant as it stands, what it said before. Any thread
may ask.
"""

from __future__ import annotations

import logging
import threading
import time

from saiten.course import Course
from saiten.errors import CourseError
from saiten.extensions import FILE_NAME, Extensions

LOG = logging.getLogger("saiten.hub")

_LOOK_SECONDS = 1.0
"""between two looks at the file"""
_READ_SECONDS = 30.0
"""after which it is read again although it is the same: the due dates that it extends may have changed"""


class ExtensionsNow:
    """Extensions of a course, as of a second ago.

    Args:
        course: whose.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._lock = threading.Lock()
        self._looked = self._read_at = float("-inf")
        self._look: tuple[int, int, int] | None = None
        self._known: Extensions | None = None
        self._problem = ""

    def __call__(self) -> Extensions | None:
        """Return what the file says, or said before somebody made a slip in it; None without a file."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked < _LOOK_SECONDS:
                return self._known
            self._looked, look = now, self._stat()
            if look != self._look or now - self._read_at > _READ_SECONDS:
                self._look, self._read_at = look, now
                self._read()
            return self._known

    def _read(self) -> None:
        try:
            self._known, self._problem = self._course.extensions(), ""
        except CourseError as error:
            if str(error) != self._problem:
                LOG.warning("extensions stay as they were: %s", error)
            self._problem = str(error)

    def _stat(self) -> tuple[int, int, int] | None:
        try:
            about = (self._course.root / FILE_NAME).stat()
        except OSError:
            return None
        return about.st_ino, about.st_size, about.st_mtime_ns
