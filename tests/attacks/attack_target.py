"""The assignment that is attacked, its right answers, and what one submission of an attacker looks like.

Four questions, each with its own way of testing, so that a lie can be told to each; the last one is always answered
right, to see that an attack changes nothing but its own question. Markers stand where students must never read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import lessons
from saiten.bundle import Bundle, Limits, Role
from saiten.results import Result, Status
from saiten.submission import Submission

HIDDEN_TEST = "kappa-marker-of-a-hidden-test"
REFERENCE = "kappa-marker-of-the-reference"
HIDDEN_FILE = "kappa-marker-of-a-hidden-file"
OTHERS_WORK = "kappa-marker-of-another-student"
ENVIRONMENT = "kappa-marker-of-the-environment"
PUBLIC = "kappa-marker-of-the-release"
GOT_THROUGH = "kappa-got-through"
"""What an attack prints where it succeeded; it stands nowhere in its text."""
SAYS_SO = "print('kappa-got-' + 'through')"
SECRETS = (HIDDEN_TEST, REFERENCE, HIDDEN_FILE, OTHERS_WORK, ENVIRONMENT)

SETUP = f"""
import math
import numpy as np
X = np.array([1.0, 2.0, 5.0])
A = np.array([[4.0, 1.0], [2.0, 3.0]])
NOTE = {PUBLIC!r}
"""

RIGHT = {
    "double": "def double(x):\n    return x * 2",
    "solve": "def solve(a, b):\n    return np.linalg.solve(a, b)",
    "count": "def count(text):\n    return {letter: text.count(letter) for letter in text}",
    "last": "def last(items):\n    return items[-1]",
}
"""Question to a right answer."""

WRONG = {
    "double": "def double(x):\n    return x * 3",
    "solve": "def solve(a, b):\n    return b",
    "count": "def count(text):\n    return {}",
    "last": "def last(items):\n    return items[0]",
}
"""Question to an honest wrong answer: what an attack gets must be what this gets."""

POINTS = {"double": 2.0, "solve": 3.0, "count": 4.0, "last": 1.0}

_PUBLIC_TESTS = {
    "double": "assert double(3) == 6\nassert abs(double(1.5) - 3.0) < 1e-9\nassert (double(X) == 2 * X).all()",
    "solve": "b = np.array([1.0, 2.0])\nnp.testing.assert_allclose(solve(A, b), np.linalg.solve(A, b))",
    "count": "assert count('aab') == {'a': 2, 'b': 1}\nassert len(count('xyz')) == 3",
    "last": "assert last([1, 2, 3]) == 3",
}
_HIDDEN_TESTS = {
    "double": f"note = {HIDDEN_TEST!r}\nassert math.isclose(double(21.0), 42.0)\n"
    "np.testing.assert_allclose(double(np.eye(2)), reference.double(np.eye(2)))",
    "solve": "assert np.allclose(solve(2 * A, A[0]), reference.solve(2 * A, A[0])) and solve(A, A[0]).shape == (2,)",
    "count": "assert sorted(count('banana').items()) == [('a', 3), ('b', 1), ('n', 2)]",
    "last": "assert last((4, 5)) == 5",
}

LIMITS = Limits(
    cell_seconds=10.0,
    total_seconds=60.0,
    memory_mb=256,
    processes=24,
    scratch_mb=8,
    file_mb=4,
    open_files=128,
    output_kb=64,
    message_mb=16,
)

HASTE = replace(LIMITS, cell_seconds=1.0, total_seconds=20.0)
"""For what would never end."""


def make_bundle(limits: Limits = LIMITS) -> Bundle:
    """The assignment: NumPy alone, small limits."""
    cells = [lessons.text("# Attack me"), lessons.setup(SETUP, id="setup")]
    for name, source in RIGHT.items():
        cells.append(lessons.solution(name, f"{source}  # {REFERENCE}"))
        cells.append(lessons.test(f"test-{name}", _PUBLIC_TESTS[name], _HIDDEN_TESTS[name], points=POINTS[name]))
    return lessons.bundle(*cells, limits=limits, hidden_files={"labels.txt": HIDDEN_FILE.encode()})


@dataclass(frozen=True)
class Attack:
    """One hostile submission, as data."""

    name: str
    tries: str
    """what it is after, in a sentence"""
    answers: dict[str, str] = field(default_factory=dict)
    """question to the attacker's text; the others are answered right"""
    before: str = ""
    """a cell of the attacker's own at the top"""
    after: str = ""
    """a cell of the attacker's own at the end"""
    real: bool = True
    """whether it works where student and test share a process (nbgrader); tested, not only said"""
    prose: str = ""
    """a cell of prose of the attacker's own at the end"""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """of the notebook"""
    then: Attack | None = None
    """what the next student hands in, who is in league with this one"""
    lesson: str = "target"
    """the assignment that is attacked (see `attack_catalogue.LESSONS`)"""

    @property
    def questions(self) -> frozenset[str]:
        """Questions that must get 0."""
        return frozenset(self.answers)


def cells_of(bundle: Bundle, answers: dict[str, str], before: str = "", after: str = "") -> list[dict[str, Any]]:
    """The released notebook, filled in, as raw cells."""
    raw: list[dict[str, Any]] = [lessons.code_cell(before)] if before else []
    for cell in bundle.notebooks[0].cells:
        source = answers.get(cell.grade_id or "", cell.release_source)
        if cell.cell_type == "code":
            raw.append(lessons.code_cell(source, cell.grade_id, id=cell.id))
        else:
            raw.append({"cell_type": cell.cell_type, "metadata": {}, "source": source, "id": cell.id})
    return [*raw, *([lessons.code_cell(after)] if after else [])]


def hand_in(bundle: Bundle, attack: Attack, student: str = "student-666", **files: bytes) -> Submission:
    """The attacker's submission."""
    cells = cells_of(bundle, {**RIGHT, **attack.answers}, attack.before, attack.after)
    return lessons.submission(*cells, student=student, files=files)


def honest(bundle: Bundle, answers: dict[str, str] | None = None, student: str = "student-007") -> Submission:
    """A submission without guile."""
    return lessons.submission(*cells_of(bundle, {**RIGHT, **(answers or {})}), student=student)


def scores(result: Result) -> dict[str, float | None]:
    """Question to score."""
    return {question.name: question.score for question in result.questions}


def expected_scores(lost: frozenset[str]) -> dict[str, float]:
    """Full marks, but for the questions that were answered wrong."""
    return {name: 0.0 if name in lost else points for name, points in POINTS.items()}


def outputs(result: Result) -> str:
    """All that students could read of their own cells: outputs, messages, notes; not the tests' own source."""
    document = json.loads(result.notebooks[0].document)
    shown = [
        cell.get("outputs", [])
        for cell in document["cells"]
        if not cell["metadata"].get("nbgrader", {}).get("grade") and not cell["id"].startswith("test-")
    ]
    messages = [cell.message for cell in result.cells]
    return json.dumps([shown, messages, list(result.notes), result.message], ensure_ascii=False)


def leaked(text: str) -> list[str]:
    """Secrets in a text, plain, reversed or in Base64 (whatever an attacker's cell did to get them past a filter)."""
    return [
        secret
        for secret in SECRETS
        if secret in text or secret[::-1] in text or base64.b64encode(secret.encode()).decode().rstrip("=")[:-1] in text
    ]


def is_graded(result: Result) -> bool:
    """Whether marking ended in a verdict, and not in a fault of ours."""
    return result.status is Status.GRADED


def test_sources(bundle: Bundle) -> dict[str, tuple[str, float]]:
    """grade_id of each test cell to its whole source and its points."""
    return {
        cell.grade_id or "": (cell.source, cell.points) for cell in bundle.notebooks[0].cells if cell.role is Role.TEST
    }


test_sources.__test__ = False  # type: ignore[attr-defined]
