"""expected.json: what each sample submission has to get, and how marking's results are held against it.

In: the composed class; later, results as `saiten grade --json` prints them. Out: a JSON file with sorted keys beside
`submitted/`; a list of `Difference`s, empty if marking did what was foretold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saiten.errors import CourseError
from saiten.results import Status
from saiten.sample.work import Expected, SampleSubmission

FILE_NAME = "expected.json"

_TOLERANCE = 1e-6
"""Points; two scores that are nearer than this are the same."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What expected.json says of one student."""

    kind: str
    title: str
    honest: bool
    expected: Expected


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that marking did not do as foretold."""

    student: str
    kind: str
    what: str
    """"status", "result", or the key of a question"""
    expected: str
    found: str
    message: str = ""
    """what marking said about it"""


def read_expected(root: Path, assignment: str) -> dict[str, Recorded]:
    """Read what expected.json in a course's folder says of an assignment; empty if it says nothing.

    Raises:
        CourseError: the file is there and is not what `saiten sample` writes.
    """
    try:
        students = _read(root).get(assignment, {})
        return {student: _recorded(entry) for student, entry in students.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            f"{root / FILE_NAME} is not a record of `saiten sample` ({error}).", "Move it away, then sample again."
        ) from error


def write_expected(root: Path, assignment: str, submissions: Mapping[str, SampleSubmission]) -> Path:
    """Record what the students of an assignment have to get; other assignments' records stay."""
    try:
        record = _read(root)
    except ValueError as error:
        raise CourseError(f"{root / FILE_NAME} is not JSON ({error}).", "Move it away, then sample again.") from error
    record[assignment] = {
        student: {
            "kind": each.kind,
            "title": each.title,
            "honest": each.honest,
            "status": each.expected.status,
            "questions": dict(each.expected.questions),
        }
        for student, each in submissions.items()
    }
    path = root / FILE_NAME
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def compare(recorded: Mapping[str, Recorded], results: Iterable[Mapping[str, Any]]) -> list[Difference]:
    """Hold results against the record.

    Args:
        recorded: what was foretold, by student.
        results: objects as `saiten grade --json` prints them.

    Returns:
        every difference, by student: a status or a question's points that differ, a student without result or with two.
    """
    found: list[Difference] = []
    seen: set[str] = set()
    for result in results:
        student = result["student"]
        if student not in recorded:
            continue
        if student in seen:
            found.append(Difference(student, recorded[student].kind, "result", "one", "two"))
        seen.add(student)
        found.extend(_differences(student, recorded[student], result))
    missing = [student for student in recorded if student not in seen]
    found.extend(Difference(student, recorded[student].kind, "result", "one", "none") for student in missing)
    return sorted(found, key=lambda each: (each.student, each.what))


def _differences(student: str, recorded: Recorded, result: Mapping[str, Any]) -> Iterable[Difference]:
    expected = recorded.expected
    if expected.status is not None and result["status"] != expected.status:
        yield Difference(student, recorded.kind, "status", expected.status, result["status"], result.get("message", ""))
    by_key = {question["name"]: question for question in result["questions"]}
    by_key |= {f"{question['notebook']}/{question['name']}": question for question in result["questions"]}
    for key, points in expected.questions.items():
        question = by_key.get(key, {})
        score = question.get("score")
        if (score is None) != (points is None) or abs((score or 0) - (points or 0)) > _TOLERANCE:
            yield Difference(student, recorded.kind, key, _shown(points), _shown(score), question.get("message", ""))


def _shown(points: float | None) -> str:
    return "none yet" if points is None else f"{points:g}"


def _read(root: Path) -> dict[str, Any]:
    path = root / FILE_NAME
    if not path.exists():
        return {}
    raw = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict):
        raise ValueError("no object")
    return raw


def _recorded(entry: Mapping[str, Any]) -> Recorded:
    status = entry["status"]
    expected = Expected(None if status is None else Status(status), dict(entry["questions"]))
    return Recorded(entry["kind"], entry["title"], bool(entry["honest"]), expected)
