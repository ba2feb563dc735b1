"""A roll as CSV: for Canvas, for Moodle, or for a spreadsheet.

In: a `Roll`, final grades, the other system's own list of people where there is one. Out: an `Export`: text, and what
could not be put into it. No field can be a formula; an empty field means that there is no mark, which is not a zero.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from saiten.errors import CourseError
from saiten.export.policy import Final, Late, Policy, points_of
from saiten.export.roll import Column, Person, Roll, State
from saiten.sanitise import is_formula

FORMATS = ("plain", "canvas", "moodle")
FINAL = "Final grade"
"""heading of the final grade's column"""
_BOM = "\ufeff"
_CANVAS_HEAD = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_CANVAS_KEYS = ("SIS Login ID", "SIS User ID", "Email")
_CANVAS_KEPT = (*_CANVAS_HEAD[:4], "Root Account", "Section")
_POSSIBLE = "    Points Possible"
_MOODLE_KEYS = {
    "username": ("username", "ユーザ名"),
    "idnumber": ("idnumber", "id number", "idナンバー", "学籍番号"),
    "email": ("email", "email address", "メールアドレス", "メール"),
}
"""field of Moodle's to how its lists head it"""
_WITH_NUMBER = re.compile(r"^(?P<name>.*) \(\d+\)$")


@dataclass(frozen=True, slots=True)
class Roster:
    """Another system's own list of people, as it exports it."""

    head: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Export:
    """A file, and what people should know of it."""

    text: str
    """CSV; for spreadsheets it begins with a mark that says it is UTF-8"""
    students: int
    not_listed: tuple[str, ...] = ()
    """students of the gradebook whom the other system's list does not have: they are not in the file"""
    not_known: tuple[str, ...] = ()
    """people of that list whom the gradebook does not know: their fields are empty"""
    escaped: tuple[str, ...] = field(default=())
    """texts that a spreadsheet would have calculated; an apostrophe stands in front of them now"""


def read_roster(path: Path) -> Roster:
    """Read a list of people: a CSV file that Canvas (its gradebook) or Moodle (grades or participants) exported.

    Raises:
        CourseError: it cannot be read, or has no rows.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}.", "Export it from Canvas or Moodle.") from error
    text = _decoded(content)
    if text is None or "\0" in text:
        raise CourseError(f"{path} is no text in UTF-8 or Shift_JIS.", "Export it as CSV.")
    lines = list(csv.reader(io.StringIO(text)))
    if len(lines) < 2 or len(set(lines[0])) < len(lines[0]):
        raise CourseError(f"{path} has no rows, or two columns of the same name.", "Export it as CSV with a heading.")
    head = tuple(name.strip() for name in lines[0])
    rows = tuple(dict(zip(head, row, strict=False)) for row in lines[1:] if any(row))
    return Roster(head, rows)


def _decoded(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "cp932"):  # the second: saved by a Japanese Excel
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def export_table(
    kind: str,
    roll: Roll,
    finals: Mapping[str, Final],
    roster: Roster | None = None,
    policy: Policy | None = None,
    *,
    zeros: bool = False,
) -> Export:
    """Write the marks for another system.

    Args:
        kind: one of `FORMATS`.
        roll: everybody's marks.
        finals: by student; {} leaves the final grade out.
        roster: who is known there, and under which headings; None: ids are what nbgrader's are.
        policy: whose late rule stands in place of nbgrader's penalties, if it has one.
        zeros: write 0 for what was not handed in; else such a field is empty.

    Raises:
        CourseError: the roster lacks what is needed to find people in it.
    """
    late, full = (None, 0.0) if policy is None else (policy.late, policy.points)
    sheet = _Sheet(roll, finals, late, full, zeros=zeros)
    if kind == "canvas":
        return _canvas(sheet, roster)
    if kind == "moodle":
        return _moodle(sheet, roster)
    return _plain(sheet)


@dataclass
class _Sheet:
    roll: Roll
    finals: Mapping[str, Final]
    late: Late | None
    full: float
    zeros: bool
    escaped: list[str] = field(default_factory=list)

    def heads(self) -> list[str]:
        return [column.name for column in self.roll.columns] + ([FINAL] if self.finals else [])

    def most(self) -> list[str]:
        """Points possible, of the final grade as well."""
        return [_number(each.max_score) for each in self.roll.columns] + ([_number(self.full)] if self.finals else [])

    def marks(self, student: str) -> list[str]:
        found = [self.field(student, column) for column in self.roll.columns]
        if self.finals:
            final = self.finals.get(student)
            found.append("" if final is None or final.points is None else str(final.points))
        return found

    def field(self, student: str, column: Column) -> str:
        mark = self.roll.mark(student, column.name)
        if mark.state is State.ABSENT:
            return "0" if self.zeros else ""
        points = points_of(mark, column, self.late)
        return "" if points is None else _number(points)

    def csv(self, rows: Sequence[Sequence[str]]) -> str:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerows([self._harmless(value) for value in row] for row in rows)
        return buffer.getvalue()

    def _harmless(self, text: str) -> str:
        if not is_formula(text) or _is_number(text):
            return text
        self.escaped.append(text)
        return f"'{text}"


def _plain(sheet: _Sheet) -> Export:
    waits = {(student, name): state for student, name, state in sheet.roll.unknown()}
    rows = [["student", "last_name", "first_name", "email", *sheet.heads(), "not marked"]]
    for person in sheet.roll.people:
        missing = [f"{name} ({state})" for (student, name), state in waits.items() if student == person.id]
        names = [person.id, person.last_name, person.first_name, person.email]
        rows.append([*names, *sheet.marks(person.id), "; ".join(missing)])
    return Export(_BOM + sheet.csv(rows), len(rows) - 1, escaped=tuple(sheet.escaped))


def _canvas(sheet: _Sheet, roster: Roster | None) -> Export:
    """Canvas matches rows by ID or SIS ids, columns by "name (number)"; an unknown name makes a new assignment."""
    not_listed: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    if roster is None:
        head = list(_CANVAS_HEAD)
        people = [[_full_name(person), "", "", person.id, ""] for person in sheet.roll.people]
        keys = [person.id for person in sheet.roll.people]
        titles = sheet.heads()
    else:
        if "ID" not in roster.head or "Student" not in roster.head:
            raise CourseError(
                "The list has no columns `Student` and `ID`, as Canvas's own gradebook has.",
                "Export the gradebook from Canvas (Grades, Export), and give that file.",
            )
        head = [name for name in _CANVAS_KEPT if name in roster.head]
        listed = [row for row in roster.rows if row.get("ID", "").strip()]  # not "Points Possible" and the like
        found, not_listed, not_known = _match(sheet.roll.people, listed, [k for k in _CANVAS_KEYS if k in roster.head])
        known = {match["name"]: title for title in roster.head if (match := _WITH_NUMBER.match(title))}
        titles = [known.get(name, name) for name in sheet.heads()]
        people = [[row.get(name, "") for name in head] for row in listed]
        keys = [found.get(index, "") for index in range(len(listed))]
    rows = [[*head, *titles], [_POSSIBLE, *[""] * (len(head) - 1), *sheet.most()]]
    rows += [[*names, *_marks(sheet, key)] for names, key in zip(people, keys, strict=True)]
    return Export(sheet.csv(rows), len(people), not_listed, not_known, tuple(sheet.escaped))


def _moodle(sheet: _Sheet, roster: Roster | None) -> Export:
    """Moodle asks which column says who it is; each other column is mapped to a grade item by its name."""
    if roster is None:
        rows = [["username", "email", *sheet.heads()]]
        rows += [[person.id, person.email, *sheet.marks(person.id)] for person in sheet.roll.people]
        return Export(sheet.csv(rows), len(rows) - 1, escaped=tuple(sheet.escaped))
    names = {name.lower(): name for name in roster.head}
    keys = [names[each] for known in _MOODLE_KEYS.values() for each in known if each in names]
    if not keys:
        raise CourseError(
            f"The list has none of Moodle's columns that say who somebody is ({', '.join(_MOODLE_KEYS)}).",
            "Export participants or grades from Moodle with one of them.",
        )
    found, not_listed, not_known = _match(sheet.roll.people, roster.rows, keys)
    rows = [[*keys, *sheet.heads()]]
    for index, row in enumerate(roster.rows):
        rows.append([*(row.get(key, "") for key in keys), *_marks(sheet, found.get(index, ""))])
    return Export(sheet.csv(rows), len(roster.rows), not_listed, not_known, tuple(sheet.escaped))


def _marks(sheet: _Sheet, student: str) -> list[str]:
    return sheet.marks(student) if student else [""] * len(sheet.heads())


def _match(
    people: Sequence[Person], rows: Sequence[Mapping[str, str]], keys: Sequence[str]
) -> tuple[dict[int, str], tuple[str, ...], tuple[str, ...]]:
    """Find the gradebook's students in another system's list, by id or address, in any of some columns.

    Returns:
        index of a row to student; students who are not listed; listed people who are not known.
    """
    wanted: dict[str, str] = {}
    for person in people:
        for name in (person.id, person.email):
            if name:
                wanted.setdefault(name.casefold(), person.id)
    found: dict[int, str] = {}
    for index, row in enumerate(rows):
        values = [row.get(key, "").strip().casefold() for key in keys]
        values += [value.partition("@")[0] for value in values if "@" in value]
        student = next((wanted[value] for value in values if value in wanted), "")
        if student and student not in found.values():
            found[index] = student
    listed = set(found.values())
    not_known = [next((row[key] for key in keys if row.get(key)), "") for i, row in enumerate(rows) if i not in found]
    return found, tuple(person.id for person in people if person.id not in listed), tuple(filter(None, not_known))


def _full_name(person: Person) -> str:
    return ", ".join(name for name in (person.last_name, person.first_name) if name) or person.id


def _number(value: float) -> str:
    """Points: at most four digits behind the point, none that are 0."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
