"""A real course of one quick notebook, for tests with the real engine: a mean, its tests, and a sentence about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat

ASSIGNMENT = "tiny"
STUB = "def mean(values):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
RIGHT = "def mean(values):\n    return sum(values) / len(values)"
WRONG = "def mean(values):\n    return sum(values) / 2"
ALMOST = "def mean(values):\n    return sum(values) / max(len(values), 2)"
MAXIMUM = 6.0

_SOLUTION = "def mean(values):\n    ### BEGIN SOLUTION\n    return sum(values) / len(values)\n    ### END SOLUTION"
_HIDDEN = (
    'assert mean([4, 2]) == 3, "the mean of 4 and 2"\n'
    '### BEGIN HIDDEN TESTS\nassert mean([5]) == 5, "the mean of one number"\n### END HIDDEN TESTS'
)


def _marks(grade_id: str, points: float | None = None, **kind: bool) -> dict[str, Any]:
    flags = {"grade": False, "solution": False, "task": False, "locked": False} | kind
    marks: dict[str, Any] = {"grade_id": grade_id, "schema_version": 3, **flags}
    return {"nbgrader": marks if points is None else marks | {"points": points}}


def _notebook(mean: str, essay: str, *, released: bool) -> str:
    test, manual = _marks("mean-test", 4.0, grade=True, locked=True), _marks("essay", 2.0, grade=True, solution=True)
    tests = _HIDDEN.split("\n###")[0] if released else _HIDDEN
    cells = [
        nbformat.v4.new_code_cell("import math", id="setup"),
        nbformat.v4.new_code_cell(mean, id="mean", metadata=_marks("mean", solution=True)),
        nbformat.v4.new_code_cell(tests, id="mean-test", metadata=test),
        nbformat.v4.new_markdown_cell(essay, id="essay", metadata=manual),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))


def make_tiny_course(root: Path) -> Path:
    """Write source and nothing else: what nbgrader calls a course."""
    folder = root / "source" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / "mean.ipynb").write_text(_notebook(_SOLUTION, "YOUR ANSWER HERE", released=False))
    return root


def submitted(root: Path, student: str, mean: str = STUB, essay: str = "YOUR ANSWER HERE") -> Path:
    """Hand in an answer."""
    folder = root / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mean.ipynb").write_text(_notebook(mean, essay, released=True))
    return folder
