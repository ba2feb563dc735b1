"""The final grade: how much each assignment counts, what is dropped, what lateness costs.

In: a TOML file, a `Roll`. Out: a final grade for each student, or why there is none yet. Reckoned in decimals and
rounded once, half up, as people do it.
"""

from __future__ import annotations

import fnmatch
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from saiten.errors import CourseError
from saiten.export.roll import Column, Mark, Roll, State

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Late:
    """What lateness costs, in place of nbgrader's own penalties."""

    grace_minutes: float = 0.0
    """after the due date that cost nothing"""
    per_day: float = 0.0
    """share of an assignment's points that each day, or part of one, costs"""
    most: float = 1.0
    """share that lateness costs at most"""


@dataclass(frozen=True, slots=True)
class Group:
    """Assignments that count together."""

    name: str
    assignments: tuple[str, ...]
    """globs of their names"""
    weight: float = 1.0
    """beside the other groups'"""
    drop_lowest: int = 0
    """how many of the lowest are left out for each student"""
    by_points: bool = False
    """an assignment of 20 points counts twice as much as one of 10; else all count the same"""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a final grade is made."""

    groups: tuple[Group, ...]
    points: float = 100.0
    """full marks"""
    digits: int = 0
    """behind the point"""
    late: Late | None = None
    """None: nbgrader's own penalties stand"""


@dataclass(frozen=True, slots=True)
class Final:
    """One student's final grade."""

    points: Decimal | None
    """None while something that counts is not marked"""
    shares: Mapping[str, float] = field(default_factory=dict)
    """group to share of its points, 0 to 1 (more with extra credit)"""
    dropped: tuple[str, ...] = ()
    """assignments that were left out"""
    missing: tuple[str, ...] = ()
    """assignments that are handed in, and not marked"""


def read_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        CourseError: it cannot be read, has an unknown key, or a value that makes no sense.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CourseError(
            f"{path} cannot be read: {error}.", "docs/how-to/export-marks.md shows such a file."
        ) from error
    _known(path, raw, {"final", "late", "group"}, "the file")
    final, late = _table(path, raw, "final"), _table(path, raw, "late")
    _known(path, final, {"points", "digits"}, "[final]")
    _known(path, late, {each.name for each in fields(Late)}, "[late]")
    groups = raw.get("group")
    if not isinstance(groups, list) or not groups or not all(isinstance(each, dict) for each in groups):
        raise _wrong(path, "group", "one [[group]] or more, each with `name` and `assignments`")
    found = tuple(_group(path, number, each) for number, each in enumerate(groups, 1))
    if len({group.name for group in found}) < len(found):
        raise _wrong(path, "group.name", "a name for each group that no other group has")
    if not any(group.weight > 0 for group in found):
        raise _wrong(path, "group.weight", "above 0 in one group at least")
    digits = final.get("digits", 0)
    if not isinstance(digits, int) or isinstance(digits, bool) or not 0 <= digits <= 6:
        raise _wrong(path, "final.digits", "a whole number from 0 to 6")
    rule = None
    if "late" in raw:
        rule = Late(**{each.name: _number(path, f"late.{each.name}", late.get(each.name, each.default))
                       for each in fields(Late)})  # fmt: skip
        if rule.most > 1:
            raise _wrong(path, "late.most", "a share from 0 to 1")
    return Policy(found, _number(path, "final.points", final.get("points", 100.0)), digits, rule)


def _group(path: Path, number: int, raw: Mapping[str, Any]) -> Group:
    where = f"group {number}"
    _known(path, raw, {each.name for each in fields(Group)}, where)
    name, globs, drop = raw.get("name"), raw.get("assignments"), raw.get("drop_lowest", 0)
    if not isinstance(name, str) or not name:
        raise _wrong(path, f"{where}: name", "text in quotes")
    if not isinstance(globs, list) or not globs or not all(isinstance(each, str) for each in globs):
        raise _wrong(path, f"{where}: assignments", 'a list of names or globs, such as ["0*"]')
    if not isinstance(drop, int) or isinstance(drop, bool) or drop < 0:
        raise _wrong(path, f"{where}: drop_lowest", "a whole number, 0 or more")
    if not isinstance(raw.get("by_points", False), bool):
        raise _wrong(path, f"{where}: by_points", "true or false")
    weight = _number(path, f"{where}: weight", raw.get("weight", 1.0))
    return Group(name, tuple(globs), weight, drop, raw.get("by_points", False))


def _known(path: Path, table: Mapping[str, Any], names: set[str], where: str) -> None:
    unknown = sorted(set(table) - names)
    if unknown:
        raise CourseError(
            f"{path}: {where} has an unknown key `{unknown[0]}`.", f"Known are: {', '.join(sorted(names))}."
        )


def _table(path: Path, raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(path, key, f"a table, written [{key}]")
    return value


def _number(path: Path, key: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise _wrong(path, key, "a number, 0 or more")
    return float(value)


def _wrong(path: Path, key: str, wanted: str) -> CourseError:
    return CourseError(f"{path}: `{key}` must be {wanted}.", "Mend it; docs/how-to/export-marks.md shows such a file.")


# -- reckoning ---------------------------------------------------------------------------------------------------------


def members(policy: Policy, columns: Sequence[Column]) -> dict[str, tuple[Column, ...]]:
    """Return, by group, its assignments; an assignment belongs to the first group that names it.

    Raises:
        CourseError: a group has none, or none that has points.
    """
    left = list(columns)
    found: dict[str, tuple[Column, ...]] = {}
    for group in policy.groups:
        own = [each for each in left if any(fnmatch.fnmatchcase(each.name, glob) for glob in group.assignments)]
        left = [each for each in left if each not in own]
        with_points = tuple(each for each in own if each.max_score > 0)
        if not with_points:
            raise CourseError(
                f"The policy's group {group.name} has no assignment with points in the gradebook.",
                f"There are: {', '.join(each.name for each in columns) or 'none'}.",
            )
        if group.drop_lowest >= len(with_points):
            raise CourseError(
                f"The policy's group {group.name} drops {group.drop_lowest} of {len(with_points)} assignments.",
                "Drop fewer than there are.",
            )
        found[group.name] = with_points
    return found


def points_of(mark: Mark, column: Column, late: Late | None) -> float | None:
    """Points of one mark after lateness; None where they are not known, 0 where nothing was handed in."""
    if mark.state is State.ABSENT:
        return 0.0
    if late is None or mark.raw is None:
        return mark.points
    over = mark.seconds_late - 60 * late.grace_minutes
    days = math.ceil(over / _DAY) if over > 0 else 0
    return max(0.0, mark.raw - min(late.most, late.per_day * days) * column.max_score)


def final_grade(policy: Policy, groups: Mapping[str, Sequence[Column]], roll: Roll, student: str) -> Final:
    """Reckon one student's final grade.

    Args:
        policy: how.
        groups: from `members`.
        roll: everybody's marks.
        student: who.

    Returns:
        the grade. While anything that counts is handed in and not marked there is none: it could still be dropped, or
        be the one that is not.
    """
    known: dict[str, float] = {}
    missing = []
    for column in (each for own in groups.values() for each in own):
        points = points_of(roll.mark(student, column.name), column, policy.late)
        if points is None:
            missing.append(column.name)
        else:
            known[column.name] = points
    if missing:
        return Final(None, missing=tuple(missing))
    shares: dict[str, float] = {}
    dropped: list[str] = []
    for group in policy.groups:
        own = sorted(groups[group.name], key=lambda each: known[each.name] / each.max_score)
        dropped += [each.name for each in own[: group.drop_lowest]]
        kept = own[group.drop_lowest :]
        if group.by_points:
            shares[group.name] = sum(known[each.name] for each in kept) / sum(each.max_score for each in kept)
        else:
            shares[group.name] = sum(known[each.name] / each.max_score for each in kept) / len(kept)
    weights = sum(group.weight for group in policy.groups)
    share = sum(group.weight * shares[group.name] for group in policy.groups) / weights
    # through repr: 0.1 + 0.2 is what people mean by it; the last bits of a float decide no grade
    exact = Decimal(repr(round(policy.points * share, 9)))
    return Final(exact.quantize(Decimal(1).scaleb(-policy.digits), ROUND_HALF_UP), shares, tuple(sorted(dropped)))
