"""From another system's number or name to a student of the course, by that system's own list.

In: a list (CSV), claims. Out: ids. Who is not in the list, or is in it twice, is nobody: told, and not collected.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from saiten.collect.naming import Claim
from saiten.errors import CourseError
from saiten.export import Roster

_IDS = ("sis login id", "sis user id", "username", "ユーザ名", "id number", "idナンバー", "学籍番号")
_MAILS = ("email address", "email", "メールアドレス")
_NUMBERS = ("identifier", "識別子", "id")
_NAMES = ("full name", "フルネーム", "氏名", "student", "name")
_LAST, _FIRST = ("last name", "surname", "姓"), ("first name", "名")


@dataclass(frozen=True, slots=True)
class People:
    """Who is who.

    Without a list a claim has to say the student's id itself.
    """

    known: Mapping[str, str] = field(default_factory=dict)
    """number or name, folded, to id"""
    twice: frozenset[str] = frozenset()
    """numbers or names that several people have"""
    listed: bool = False

    @classmethod
    def of(cls, roster: Roster | None, column: str = "") -> People:
        """Read a list.

        Args:
            roster: Moodle's grading worksheet or participants, Canvas's gradebook; None: there is none.
            column: heading of the column with the ids that the course uses; empty: the first that is known.

        Raises:
            CourseError: there is no such column.
        """
        if roster is None:
            return cls()
        by_name = {name.casefold(): name for name in roster.head}
        ids = [column] if column else [by_name[each] for each in (*_IDS, *_MAILS) if each in by_name]
        ids = [name for name in ids if any(row.get(name, "").strip() for row in roster.rows)]
        if not ids or ids[0] not in roster.head:
            raise CourseError(
                f"The list has no column {column}." if column else "The list has no column with students' ids.",
                f"Name it with --id; it has: {', '.join(roster.head)}.",
            )
        pairs: list[tuple[str, str]] = []
        for row in roster.rows:
            student = row.get(ids[0], "").strip()
            if not student:
                continue
            if not column and ids[0].casefold() in _MAILS:
                student = student.partition("@")[0]
            pairs += [(key, student) for key in {*_keys(row, by_name), fold(student)} if key]
        counts = Counter(key for key, _ in set(pairs))
        twice = frozenset(key for key, number in counts.items() if number > 1)
        return cls({key: student for key, student in pairs if key not in twice}, twice, listed=True)

    def student(self, claim: Claim) -> tuple[str, str]:
        """Find a claim's student.

        Returns:
            id, or "" and the reason.
        """
        if not self.listed:
            return (claim.student, "") if claim.student else ("", "its name holds no student's id; give the list")
        for text in (claim.student, claim.number, claim.name):
            key = fold(text)
            if key in self.known:
                return self.known[key], ""
            if key in self.twice:
                return "", f"{text} stands in the list more than once"
        return "", f"{claim.who} is not in the list"


def _keys(row: Mapping[str, str], by_name: Mapping[str, str]) -> Sequence[str]:
    def values(names: Sequence[str]) -> list[str]:
        return [row.get(by_name[name], "").strip() for name in names if name in by_name]

    found = [fold(value) for value in values(_NAMES)]
    for value in values(_NUMBERS):  # "Participant 12345", "参加者 12345", or the number alone
        found.append(fold(value.split()[-1]) if value.split() else "")
    for last in values(_LAST):
        for first in values(_FIRST):
            found += [fold(f"{first} {last}"), fold(f"{last} {first}"), fold(last + first)]
    return found


def fold(text: str) -> str:
    """A number or name without case, spaces, commas, and without the ways in which the same letters can be written."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in plain if not char.isspace() and char not in ",")
