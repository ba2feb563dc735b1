"""The bundles that hand-ins are marked with, read once and again when they change.

In: a course. Out: for each assignment its settings and, as soon as it is there, its bundle with all that is made of it.
What was built counts: a source that is being edited changes no mark before it is built again. Only where nothing was
built is a bundle made of the source, in a thread of its own, for that runs the reference.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from saiten.batch.freshness import current_bundle
from saiten.build import source_hash
from saiten.bundle import Bundle
from saiten.course import Assignment, Course
from saiten.errors import CourseError, SaitenError, UserError
from saiten.hub.dates import ExtensionsNow
from saiten.hub.pages import Answers

_LOOK_SECONDS = 0.5
"""between two looks at the same files"""
_SWAP_SECONDS = 0.5
"""for a build to put its folder into its place"""

_Look = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Ready:
    """An assignment that can be marked."""

    assignment: Assignment
    bundle: Bundle
    answers: Answers


@dataclass(frozen=True, slots=True)
class Broken:
    """An assignment that cannot be marked now, and why."""

    reason: str


@dataclass(slots=True)
class _Entry:
    looked: float = float("-inf")
    look: _Look = ()
    making: Future[Ready | Broken | None] | None = None
    found: Ready | Broken | None = None
    before: Ready | None = None
    """what was found before, while another one is being made"""


class Bundles:
    """Bundles of a course's assignments. Any thread may ask.

    Args:
        course: whose.
        on_ready: called, in another thread, when a bundle is there that was not.
    """

    def __init__(self, course: Course, on_ready: Callable[[str], None] = lambda _: None) -> None:
        self._course = course
        self._on_ready = on_ready
        self._lock = threading.RLock()
        self._entries: dict[str, _Entry] = {}
        self._assignments: dict[str, tuple[float, _Look, Assignment]] = {}
        self._built: dict[str, tuple[_Look, bool]] = {}
        self.extensions = ExtensionsNow(course)
        """who may hand in later"""
        # what is built is read at once, however long the reference of another assignment runs meanwhile
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="bundles-read")
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="bundles-made")

    def close(self) -> None:
        """Wait for what is being made."""
        for pool in (self._reader, self._maker):
            pool.shutdown(wait=True, cancel_futures=True)

    def assignment(self, name: str) -> Assignment:
        """An assignment with its settings as they are now; while its file cannot be read, as they were.

        Raises:
            CourseError: there is none of that name, or its settings cannot be read and never could.
        """
        with self._lock:
            kept = self._assignments.get(name)
        if kept is not None and time.monotonic() - kept[0] < _LOOK_SECONDS:
            return kept[2]
        look = _look_at(self._course.source_dir(name))
        if kept is None or kept[1] != look:
            try:
                assignment = self._course.assignment(name)
            except CourseError:
                if kept is None:
                    raise
                assignment = kept[2]
        else:
            assignment = kept[2]
        with self._lock:
            self._assignments[name] = time.monotonic(), look, assignment
        return assignment

    def get(self, name: str, *, make: bool = True) -> Ready | Broken | None:
        """What an assignment is marked with; None while that is being made.

        Args:
            name: of the assignment.
            make: make one of the source where none is built, which takes as long as the reference runs; False: then
                there is none before somebody needs it.
        """
        try:
            assignment = self.assignment(name)
        except CourseError as error:
            return Broken(str(error))
        with self._lock:
            if not make and name not in self._entries and not _look_at(self._course.autograder_dir(name), deep=False):
                return None
            entry = self._entries.setdefault(name, _Entry())
            if entry.making is not None:
                return None
            if time.monotonic() - entry.looked > _LOOK_SECONDS:
                entry.looked = time.monotonic()
                look = self._look(name) + _settings_of(assignment)
                if look != entry.look or entry.found is None:
                    entry.before = entry.found if isinstance(entry.found, Ready) else entry.before
                    entry.look, entry.found = look, None
                    self._begin(entry, name, self._reader.submit(self._read, name, assignment))
                    return None
            return entry.found

    def refresh(self) -> None:
        """Look at the files of every assignment that was asked for; `on_ready` is called for what has changed."""
        with self._lock:
            names = list(self._entries)
        for name in names:
            self.get(name)

    def hashes(self) -> set[str]:
        """Hashes of all bundles in use."""
        with self._lock:
            ready = [
                each
                for entry in self._entries.values()
                for each in (entry.found, entry.before)
                if isinstance(each, Ready)
            ]
        return {bundle.hash for each in ready for bundle in (each.bundle, each.answers.public) if bundle is not None}

    def is_built(self, name: str) -> bool:
        """Whether the bundle under `autograder/` is that of the source as it is now."""
        folder = self._course.autograder_dir(name)
        look = _look_at(self._course.source_dir(name)) + _look_at(folder, deep=False)
        with self._lock:
            kept = self._built.get(name)
        if kept is not None and kept[0] == look:
            return kept[1]
        try:
            fresh = Bundle.read(folder).source_hash == source_hash(self.assignment(name))
        except SaitenError:
            fresh = False
        with self._lock:
            self._built[name] = look, fresh
        return fresh

    def _look(self, name: str) -> _Look:
        built = _look_at(self._course.autograder_dir(name), deep=False)
        return built or _look_at(self._course.source_dir(name))

    def _begin(self, entry: _Entry, name: str, making: Future[Ready | Broken | None]) -> None:
        entry.making = making
        making.add_done_callback(lambda made: self._made(name, made))

    def _read(self, name: str, assignment: Assignment) -> Ready | None:
        """Read what is built; None if nothing is."""
        folder = self._course.autograder_dir(name)
        for pause in (_SWAP_SECONDS, 0.0):
            try:
                return self._ready(assignment, Bundle.read(folder))
            except CourseError:
                time.sleep(pause)
        return None

    def _make(self, assignment: Assignment) -> Ready | Broken:
        """Make one of the source."""
        try:
            return self._ready(assignment, current_bundle(assignment))
        except UserError as error:
            return Broken(str(error))

    def _ready(self, assignment: Assignment, bundle: Bundle) -> Ready:
        answers = Answers(bundle, tuple(self._course.options.languages), assignment.settings.hints)
        return Ready(assignment, bundle, answers)

    def _made(self, name: str, made: Future[Ready | Broken | None]) -> None:
        if made.cancelled():
            return
        error = made.exception()
        found = made.result() if error is None else Broken(f"{type(error).__name__}: {error}")
        with self._lock:
            entry = self._entries[name]
            if found is None:
                with suppress(RuntimeError):  # the service ends
                    assignment = self._assignments[name][2]
                    self._begin(entry, name, self._maker.submit(self._make, assignment))
                return
            entry.making = entry.before = None
            entry.found = found
            entry.looked = time.monotonic()
        self._on_ready(name)


def _settings_of(assignment: Assignment) -> _Look:
    """Hints stand in pages: other hints are another bundle's worth of answers."""
    return ((repr(assignment.settings), 0, 0),)


def _look_at(folder: Path, *, deep: bool = True) -> _Look:
    """Names, sizes and times of the files of a folder; empty if it is not there."""
    found = []
    for path in sorted(folder.rglob("*") if deep else folder.glob("bundle.json")):
        try:
            about = path.stat()
        except OSError:
            continue
        found.append((str(path), about.st_size, about.st_mtime_ns))
    return tuple(found)
