"""Extensions: who may hand in later than the others, in a file that the instructor edits.

In: `extensions.csv` in the course's folder. Out: `Extensions`, which answers until when a student hands in.
A line that cannot be meant as it stands is a `CourseError` that names it; nothing is guessed.
"""

from __future__ import annotations

import csv
import difflib
import fnmatch
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from saiten.errors import CourseError
from saiten.zones import after, on_clock

FILE_NAME = "extensions.csv"
EVERY = "*"
"""stands for all assignments, or all students"""
_COLUMNS = ("assignment", "student", "until", "extra", "reason")
_SPAN = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>days?|d|日|hours?|h|時間|minutes?|min|m|分)\s*")
_EXAMPLE = "An example: ps1,student-017,2026-04-17 23:59,,ill   or: ps1,student-017,,2d 12h,ill"


@dataclass(frozen=True, slots=True)
class Extension:
    """One line of the file."""

    line: int
    assignment: str
    """its name, or `EVERY`"""
    student: str
    """an id, or a glob of ids"""
    until: datetime | None
    """as it was written: with an offset, or on the course's clock; None: `days` and `rest` say it"""
    days: int = 0
    """after the due date, by the clock on the wall"""
    rest: timedelta = timedelta()
    """on top of the days"""
    reason: str = ""

    @property
    def rank(self) -> tuple[bool, bool]:
        """How exactly it says whose it is; the more exact of two lines counts."""
        return not _is_glob(self.student), self.assignment != EVERY


@dataclass(frozen=True, slots=True)
class Extensions:
    """What the file says."""

    path: Path
    lines: tuple[Extension, ...]
    zone: tzinfo | None = None
    """of times without an offset; None: that of the assignment's due date"""
    _by_student: dict[str, list[Extension]] = field(init=False, repr=False, compare=False)
    """lines by what stands under `student`, so that a large class is not a large table times a large class"""
    _globs: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_student: dict[str, list[Extension]] = {}
        for line in self.lines:
            by_student.setdefault(line.student, []).append(line)
        object.__setattr__(self, "_by_student", by_student)
        object.__setattr__(self, "_globs", tuple(pattern for pattern in by_student if _is_glob(pattern)))

    def of(self, assignment: str, student: str) -> Extension | None:
        """Return the line that counts for a student.

        Raises:
            CourseError: two lines are as exact as each other.
        """
        found = sorted(self._matching(assignment, student), key=lambda each: each.rank, reverse=True)
        if len(found) > 1 and found[0].rank == found[1].rank:
            raise self._double(found[1], found[0], student)
        return found[0] if found else None

    def due(self, assignment: str, student: str, due: datetime | None) -> datetime | None:
        """Return until when a student hands in.

        Args:
            assignment: its name.
            student: an id.
            due: the due date of everybody, aware; None: there is none, and nothing can be extended.

        Raises:
            CourseError: two lines contradict each other, or one ends before the due date.
        """
        line = None if due is None else self.of(assignment, student)
        return due if line is None or due is None else self.end(line, due)

    def ends(self, assignment: str, due: datetime) -> list[datetime]:
        """Return when extensions of an assignment end, each once, the first in front."""
        return sorted({self.end(line, due) for line in self.lines if line.assignment in (EVERY, assignment)})

    def end(self, line: Extension, due: datetime) -> datetime:
        """Return when a line's extension ends, for an assignment with this due date.

        Raises:
            CourseError: it ends before the due date, or at a time that the clocks never show.
        """
        zone = self.zone or due.tzinfo
        if line.until is None:
            return after(due, line.days, line.rest, zone)
        try:
            end = on_clock(line.until, zone)
        except ValueError as error:
            raise self._wrong(line.line, f"{error}", "Write it with its offset: 2026-04-17T23:59:00+09:00.") from error
        if end < due:
            text = f"{end.isoformat(' ', 'minutes')} is before the due date of {line.assignment}, {due.isoformat(' ')}"
            raise self._wrong(line.line, text, "Give a later date; an extension makes nothing shorter.")
        return end

    def check(self, dues: Mapping[str, datetime | None]) -> None:
        """See that every line can be meant as it stands.

        Args:
            dues: name of every assignment to its due date.

        Raises:
            CourseError: a line names no assignment of the course, ends too early, or is there twice.
        """
        seen: dict[tuple[str, str], Extension] = {}
        for line in self.lines:
            if line.assignment != EVERY and line.assignment not in dues:
                close = difflib.get_close_matches(line.assignment, dues, 1, cutoff=0.4)
                hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(dues) or 'none'}."
                raise self._wrong(line.line, f"the course has no assignment {line.assignment!r}", hint)
            earlier = seen.setdefault((line.assignment, line.student), line)
            if earlier is not line:
                raise self._double(line, earlier, line.student)
            due = dues.get(line.assignment)
            if due is not None:
                self.end(line, due)

    def strangers(self, known: Collection[str]) -> list[str]:
        """Say which lines name nobody of the course, one sentence each: a slip of the pen would cost a student points.

        Args:
            known: ids of everybody who is in the gradebook or has handed in.
        """
        found = []
        for line in self.lines:
            if not any(_fits(line.student, each) for each in known):
                close = difflib.get_close_matches(line.student, sorted(known), 1, cutoff=0.6)
                hint = f" Did you mean {close[0]}?" if close else ""
                found.append(f"{self.path.name}, line {line.line}: nobody is known as {line.student!r} yet.{hint}")
        return found

    def _matching(self, assignment: str, student: str) -> Iterator[Extension]:
        for pattern in [student, *(each for each in self._globs if each != student and _fits(each, student))]:
            for line in self._by_student.get(pattern, ()):
                if line.assignment in (EVERY, assignment):
                    yield line

    def _wrong(self, line: int, what: str, hint: str) -> CourseError:
        return CourseError(f"{self.path}, line {line}: {what}.", hint)

    def _double(self, line: Extension, earlier: Extension, student: str) -> CourseError:
        text = f"{student!r} has an extension for {line.assignment!r} in line {earlier.line} already"
        return self._wrong(line.line, text, "Take one of the two lines out.")


def read_extensions(path: Path, zone: tzinfo | None = None) -> Extensions | None:
    """Read the file.

    Args:
        path: CSV in UTF-8 (with or without a byte order mark), separated by commas, semicolons or tabs.
        zone: what times without an offset are in.

    Returns:
        what it says; None if there is no file.

    Raises:
        CourseError: it cannot be read, or a line is not what it should be.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}.", 'Save it as "CSV UTF-8".') from error
    rows = text.splitlines()
    head = next((row for row in rows if row.strip()), "")
    separator = max(",;\t", key=head.count)
    names = [name.strip().casefold() for name in next(csv.reader([head], delimiter=separator), [])]
    missing = [name for name in ("assignment", "student") if name not in names]
    unknown = [name for name in names if name and name not in _COLUMNS]
    if missing or unknown or not {"until", "extra"} & set(names):
        lacks = (*missing, "until")[0]
        what = f"has a column {unknown[0]!r}, which means nothing" if unknown else f"lacks a column {lacks!r}"
        raise CourseError(f"{path} {what}.", f"Its first line is: {','.join(_COLUMNS)}")
    found = []
    reader = csv.reader(rows, delimiter=separator)
    begun = False
    for values in reader:
        cells = [value.strip() for value in values]
        if not any(cells) or cells[0].startswith("#"):
            continue
        if not begun:
            begun = True
            continue
        found.append(_line(path, reader.line_num, dict(zip(names, cells, strict=False))))
    return Extensions(path, tuple(found), zone)


def _line(path: Path, number: int, cells: Mapping[str, str]) -> Extension:
    def wrong(what: str) -> CourseError:
        return CourseError(f"{path}, line {number}: {what}.", _EXAMPLE)

    assignment, student = cells.get("assignment", ""), cells.get("student", "")
    until, extra = cells.get("until", ""), cells.get("extra", "")
    if not assignment or not student:
        raise wrong("it names no assignment" if not assignment else "it names no student")
    if bool(until) == bool(extra):
        raise wrong("it has both `until` and `extra`" if until else "it has neither `until` nor `extra`")
    if extra:
        span = _span(extra)
        if span is None:
            raise wrong(f"`extra` must be a time such as 2d, 36h or 1d 12h, not {extra!r}")
        return Extension(number, assignment, student, None, *span, cells.get("reason", ""))
    if assignment == EVERY:
        raise wrong("`until` needs one assignment; for all of them give `extra`")
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        moment = None
    if moment is None or (len(until) <= len("2026-04-17") and ":" not in until):
        raise wrong(f"`until` must be a date and a time such as 2026-04-17 23:59, not {until!r}")
    return Extension(number, assignment, student, moment, reason=cells.get("reason", ""))


def _span(text: str) -> tuple[int, timedelta] | None:
    """Read "2d 12h": days, and what is beside them."""
    text = text.removeprefix("+").strip().casefold()
    days, rest, at = 0.0, timedelta(), 0
    while at < len(text):
        match = _SPAN.match(text, at)
        if match is None:
            return None
        number, unit, at = float(match["number"]), match["unit"], match.end()
        if unit.startswith("d") or unit == "日":
            days += number
        else:
            rest += timedelta(hours=number) if unit.startswith("h") or unit == "時間" else timedelta(minutes=number)
    whole = int(days)
    rest += timedelta(days=days - whole)
    return (whole, rest) if whole or rest else None


def _is_glob(pattern: str) -> bool:
    return any(char in pattern for char in "*?[")


def _fits(pattern: str, student: str) -> bool:
    return pattern == student or (_is_glob(pattern) and fnmatch.fnmatchcase(student, pattern))
