"""What a schedule has done so far, in `.saiten/schedule.json` of the course's folder, and the lock of who does it.

In: a course. Out: `Progress` by assignment, written in one step after each thing done. A run that is killed leaves what
it had done noted, and its lock open.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saiten.course import Course
from saiten.errors import CourseError

FOLDER = ".saiten"
_STATE, _LOCK = "schedule.json", "schedule.lock"


class Busy(Exception):  # no fault: somebody else does the work
    """Another run is at work; the text says whose."""


@dataclass(slots=True)
class Progress:
    """What was done with one assignment."""

    released: datetime | None = None
    """when it was given to students by the schedule"""
    collected: datetime | None = None
    """as of when hand-ins were last collected"""
    to_grade: bool = False
    """whether something was collected that is not marked"""
    to_hand_out: bool = False
    """whether something was marked of which feedback is not handed out"""


@dataclass(slots=True)
class State:
    """All that was done in a course; `save` after each change."""

    path: Path
    by_assignment: dict[str, Progress] = field(default_factory=dict)

    def of(self, assignment: str) -> Progress:
        """Return an assignment's progress; a new one has none."""
        return self.by_assignment.setdefault(assignment, Progress())

    def save(self) -> None:
        """Write the file in one step.

        Raises:
            CourseError: it cannot be written.
        """
        raw = {name: _raw(progress) for name, progress in sorted(self.by_assignment.items())}
        text = json.dumps(raw, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            with partial.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise _unwritable(self.path, error) from error


@contextmanager
def opened(course: Course, *, dry: bool = False) -> Iterator[State]:
    """Read what was done; nobody else works on the course's schedule meanwhile.

    Args:
        course: whose.
        dry: only look: nothing is written, and nobody is kept out.

    Raises:
        Busy: another run is at work.
        CourseError: the file cannot be read, or the folder cannot be made.
    """
    folder = course.root / FOLDER
    if dry:
        yield _read(folder / _STATE)
        return
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(folder / _LOCK, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(os.read(descriptor, 200).decode("utf-8", "replace").strip()) from error
        os.ftruncate(descriptor, 0)
        now = datetime.now(UTC).isoformat(" ", "seconds")
        os.write(descriptor, f"process {os.getpid()}, since {now}\n".encode())
        yield _read(folder / _STATE)
    finally:
        os.close(descriptor)


def _read(path: Path) -> State:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return State(path, {name: _progress(each) for name, each in raw.items()})
    except FileNotFoundError:
        return State(path)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CourseError(
            f"{path}, which says what the schedule has done, cannot be read ({error}).",
            "Mend it, or move it away: what is due is then done once more, and what is released stays.",
        ) from error


def _raw(progress: Progress) -> dict[str, Any]:
    values = {item.name: getattr(progress, item.name) for item in fields(Progress)}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if value not in (None, False)
    }


def _progress(raw: dict[str, Any]) -> Progress:
    moments = {name: datetime.fromisoformat(raw[name]) for name in ("released", "collected") if raw.get(name)}
    if any(moment.tzinfo is None for moment in moments.values()):
        raise ValueError("a time lacks its offset")
    return Progress(**moments, to_grade=bool(raw.get("to_grade")), to_hand_out=bool(raw.get("to_hand_out")))


def _unwritable(path: Path, error: OSError) -> CourseError:
    return CourseError(
        f"{path} cannot be written ({error.strerror}).", "Run the schedule as the account that owns the course."
    )
