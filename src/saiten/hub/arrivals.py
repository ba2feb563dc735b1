"""Taking hand-ins: out of students' reach as soon as they are complete, then into `submitted/` as the service's own.

In: inbound folders of the exchange. Out: `submitted/<student>/<assignment>/`, with the time of arrival, and rows of the
store. Whatever was begun when the service stopped is ended at the next start: nothing is lost, nothing taken twice.

    inbound/student-017+ps1+...   as `nbgrader submit` left it
      │ rename                    the time of arrival is part of the new name
      ▼
    taken/<time>~<random>~...     0700: no student gets there any more by a path
      │ read as hostile files, write as our own, note in the database, remove
      ▼
    submitted/student-017/ps1/
"""

from __future__ import annotations

import itertools
import os
import pwd
import secrets
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from saiten.build.staging import staged
from saiten.course import Course, source_notebooks
from saiten.errors import CourseError
from saiten.hub.exchange import exchange_folders
from saiten.hub.store import Arrival, Store
from saiten.intake import Contents, read_contents, readable, submission_of

TAKEN, REFUSED = "taken", "refused"
_TIME_FILE, _SECRET_FILE = "timestamp.txt", "submission_secret.txt"
_OPEN = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO
"""the mode that `nbgrader submit` gives a hand-in's folder with its very last call"""
_QUIET_SECONDS = 0.5
_FORGOTTEN_SECONDS = 120.0
"""after which staff are told of a folder that never became complete"""
_MOST_LOOKED_AT = 20_000
"""files and folders of one hand-in"""
_STAMP = "%Y%m%dT%H%M%S.%f"
_TIME = "%Y-%m-%d %H:%M:%S.%f %Z"
"""nbgrader's own format of timestamp.txt"""

OnTaken = Callable[[Arrival, list[Arrival]], None]
"""called with a new hand-in and those that it replaces"""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a hand-in's name says."""

    student: str
    assignment: str


class Arrivals:
    """Takes hand-ins of one course. One thread uses it.

    Args:
        course: whose.
        store: where they are noted.
        on_taken: called for each one.

    Raises:
        CourseError: the course has no id, or the exchange has no place that only this account can enter.
    """

    def __init__(self, course: Course, store: Store, on_taken: OnTaken) -> None:
        self._course = course
        self._store = store
        self._on_taken = on_taken
        self._folders = exchange_folders(course)
        self._taken = self._private(TAKEN)
        self._refused = self._private(REFUSED)
        self._left: set[str] = set()
        """folders that cannot be moved: said once"""
        self._seen: dict[str, float] = {}
        """incomplete folders, and since when they are known; infinite once staff have been told"""

    def _private(self, name: str) -> Path:
        folder = self._folders.course / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = folder.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
                raise CourseError(
                    f"{folder} is not a folder of this account: a student may have made it.",
                    "Look at it, move it away.",
                )
            folder.chmod(0o700)
        except OSError as error:
            raise CourseError(
                f"{folder}, where hand-ins are taken to, cannot be made ({error.strerror}).",
                "Run `saiten serve` as the course's account, with --mend if the exchange is new.",
            ) from error
        return folder

    # -- at the start -----------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """End what was begun when the service was stopped; the oldest first."""
        for folder in sorted(self._taken.iterdir()):
            self._bring_in(folder)

    # -- again and again --------------------------------------------------------------------------------------------

    def poll(self) -> int:
        """Take every hand-in that is complete; how many these were."""
        found: list[tuple[int, Path, str | None]] = []
        for inbound, owner in self._folders.inbounds():
            try:
                entries = list(os.scandir(inbound))
            except FileNotFoundError:
                continue
            for entry in entries:
                if entry.path in self._left:
                    continue
                try:
                    last = _complete_since(Path(entry.path))
                except OSError:  # it was taken away again, or cannot be looked at
                    last = None
                if last is not None:
                    found.append((last, Path(entry.path), owner))
                else:
                    self._wait_for(entry)
        # the oldest first, by a clock that students cannot turn back
        return sum(self._take(path, last, owner) for last, path, owner in sorted(found, key=lambda each: each[:2]))

    def _wait_for(self, entry: os.DirEntry[str]) -> None:
        since = self._seen.setdefault(entry.path, time.monotonic())
        if time.monotonic() - since > _FORGOTTEN_SECONDS:
            self._seen[entry.path] = float("inf")
            self._tell("left", entry.name, "it has not become a whole hand-in of `nbgrader submit`")

    def _take(self, path: Path, last: int, whose: str | None) -> bool:
        self._seen.pop(str(path), None)
        claim = _parse(path.name)
        reason = "its name is not one of `nbgrader submit`" if claim is None else self._objection(claim, path, whose)
        arrived = min(datetime.fromtimestamp(last / 1e9, UTC), datetime.now(UTC))
        goal = self._refused if reason or claim is None else self._taken
        claimed = "" if claim is None else f"{claim.student}+{claim.assignment}+0+0"  # `_parse` gets the same out of it
        target = goal / f"{arrived.strftime(_STAMP)}~{secrets.token_hex(6)}~{claimed}"
        try:
            path.rename(target)
        except FileNotFoundError:  # taken back in the last moment
            return False
        except OSError as error:
            self._leave(path, f"it cannot be moved ({(error.strerror or str(error)).lower()})")
            return False
        if goal is self._refused:
            self._tell("refused", path.name, reason)
            return False
        return self._bring_in(target)

    def _leave(self, path: Path, reason: str) -> None:
        self._left.add(str(path))
        self._tell("left", path.name, reason)

    def _tell(self, what: str, name: str, reason: str) -> None:
        claim = _parse(name) or _Claim("", "")
        detail = f"{readable(name)}: {reason}"
        self._store.note(what, readable(claim.assignment), readable(claim.student), detail)

    def _objection(self, claim: _Claim, path: Path, whose: str | None) -> str:
        """Why a hand-in is not taken as its name says, or ""."""
        if not self._course.source_dir(claim.assignment).is_dir() or claim.assignment.startswith("."):
            return "there is no such assignment"
        if whose is not None:
            return "" if claim.student == whose else f"it lay in the folder of {readable(whose)}"
        owner = path.lstat().st_uid
        if owner == os.geteuid():  # where all servers are one account, there is nothing else to go by
            return ""
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            return f"it belongs to uid {owner}, which is nobody here"
        return "" if name == claim.student else f"it belongs to {name}"

    # -- from taken/ to submitted/ ----------------------------------------------------------------------------------

    def _bring_in(self, folder: Path) -> bool:
        """Copy a taken hand-in to its place, note it, remove it; each step may be done a second time."""
        stamp, _, rest = folder.name.partition("~")
        token, _, name = rest.partition("~")
        claim = _parse(name)
        try:
            arrived = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
        except ValueError:
            return False  # nothing of ours
        if claim is None or self._store.taken(token) is not None:
            self._remove(folder)
            return False
        student, assignment = claim.student, claim.assignment
        try:
            contents = read_contents(folder, self._course.folder_limits())
        except OSError as error:
            self._store.note("refused", assignment, student, f"its folder cannot be read ({error.strerror})")
            self._put_away(folder)
            return False
        files = dict(contents.files)
        claimed = files.pop(_TIME_FILE, b"").decode("utf-8", "replace").strip()
        files[_TIME_FILE] = arrived.strftime(_TIME).encode()
        newest = self._store.newest(student, assignment)
        if newest is None or newest.arrived < arrived:
            self._place(files, self._course.submitted_dir(assignment, student))
        expected = tuple(source_notebooks(self._course.source_dir(assignment)))
        submission = submission_of(Contents(files, {}), student, assignment, expected)
        arrival, replaced = self._store.take(token, student, assignment, arrived, submission.hash, claimed)
        if contents.left_out:
            some = "; ".join(f"{readable(path)}: {why}" for path, why in sorted(contents.left_out.items())[:10])
            self._store.note("left-out", assignment, student, some)
        self._remove(folder)
        self._on_taken(arrival, replaced)
        return True

    def _remove(self, folder: Path) -> None:
        """Remove what a student made; what cannot be removed (folders in it are the student's) is put away."""
        try:
            shutil.rmtree(folder)
        except OSError:
            self._put_away(folder)

    def _put_away(self, folder: Path) -> None:
        try:
            folder.rename(self._refused / folder.name)
        except OSError as error:  # it is looked at again at the next start
            self._store.note("left", "", "", f"{readable(folder.name)}: it cannot be removed ({error.strerror})")

    def _place(self, files: dict[str, bytes], target: Path) -> None:
        """Write a submission as files of our own, whole or not at all."""
        shared = bool(self._course.coursedir.groupshared)
        with staged([target]) as (stage,):
            for name, content in sorted(files.items()):
                path = stage / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())  # what a student has handed in outlives a power cut
                if shared:
                    path.chmod(0o660)
            if shared:
                for here, _, _ in os.walk(stage):
                    os.chmod(here, 0o2770)


def _parse(name: str) -> _Claim | None:
    """Read `<student>+<assignment>+<time>[+<random>]`, as `nbgrader collect` does; None: it is nothing such."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return None
    parts = name.rsplit("+", 3)
    if len(parts) < 3:
        return None
    student, assignment = parts[0], parts[1]
    odd = any(part in ("", ".", "..") or "/" in part or "\0" in part for part in (student, assignment))
    return None if odd else _Claim(student, assignment)


def _complete_since(folder: Path) -> int | None:
    """When a hand-in became complete, in nanoseconds; None if it is not, as far as one can tell.

    `nbgrader submit` (0.9.6) copies the folder, writes timestamp.txt and then submission_secret.txt, sets the modes of
    all files, then of the folders, at last 0777 on the folder itself. It fails if the folder is gone by then. A student
    whose own folder has 0777 gives it that mode from the start; so the folder must also have been touched after the
    secret was, and where the clock's ticks are too long to tell, nothing may have happened for a while.
    The time is that of the inodes' last change: no student can set it, and moving the folder later shows in it.
    """
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or stat.S_IMODE(about.st_mode) & _OPEN != _OPEN:
        return None
    try:
        written = (folder / _SECRET_FILE).lstat()
        secret = written.st_ctime_ns
        last = max(about.st_ctime_ns, secret, (folder / _TIME_FILE).lstat().st_ctime_ns)
    except FileNotFoundError:
        return None
    inside = (os.path.join(here, name) for here, folders, names in os.walk(folder) for name in (*folders, *names))
    if not written.st_size:  # made, and not yet written: the folder's time is then the later one
        return None
    for path in itertools.islice(inside, _MOST_LOOKED_AT):
        last = max(last, os.lstat(path).st_ctime_ns)
    touched_last = about.st_ctime_ns > secret and last == about.st_ctime_ns
    return last if touched_last or time.time_ns() - last > _QUIET_SECONDS * 1e9 else None
