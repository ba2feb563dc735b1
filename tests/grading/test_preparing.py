"""Is what is prepared once right: changed objects found, pictures drawn where somebody sees them and nowhere else?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

import lessons
from saiten.grading import Engine
from saiten.grading.ground import fingerprint
from saiten.results import Result

CHANGES = {
    "one number of an array": (lambda: np.zeros((50, 50)), "value[3, 4] = 1"),
    "an array in Fortran's order": (lambda: np.zeros((5, 4), order="F"), "value[1, 2] = 1"),
    "a part of a larger array": (lambda: np.zeros((9, 9))[::2, ::3], "value[1, 2] = 1"),
    "the order of an array": (lambda: np.arange(9), "value[:] = value[::-1].copy()"),
    "an array in a list in a dictionary": (lambda: {"a": [1, np.zeros(2)]}, "value['a'][1][0] = 1"),
    "a tensor": (lambda: torch.zeros(3, 4), "value[0, 0] = 1"),
    "a tensor of a type that NumPy does not have": (lambda: torch.zeros(3, dtype=torch.bfloat16), "value[0] = 1"),
    "a weight of a network": (lambda: torch.nn.Linear(3, 4), "with torch.no_grad():\n    value.weight[0, 0] += 1"),
    "which weights are trained": (lambda: torch.nn.Linear(3, 4), "value.weight.requires_grad_(False)"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_in_place_is_found(kind: str) -> None:
    """Is an object told from what it was before, and not from itself when it was only read?"""
    make, change = CHANGES[kind]
    value = make()
    before = fingerprint(value)
    repr(value)
    assert before
    assert fingerprint(value) == before
    exec(change, {"value": value, "torch": torch})
    assert fingerprint(value) != before


def test_what_cannot_be_compared_is_taken_for_unchanged() -> None:
    """Does a generator end nothing?"""
    assert fingerprint(iter(range(3)) for _ in ()) == b""


def test_pictures_are_drawn_for_who_sees_them() -> None:
    """Is a student's figure in the marked notebook, and does a run that only asks whether tests hold go without?"""
    draw = "plt.plot([1, 2])\nplt.show()"
    lesson = lessons.bundle(
        lessons.setup("import matplotlib.pyplot as plt\nplt.plot([3, 4])\nplt.show()", id="leading"),
        lessons.solution("work", f"{draw}\ndef work():\n    return 3"),
        lessons.test("test-work", "assert work() == 3"),
        imports=("matplotlib.pyplot",),
    )
    with Engine(lesson) as engine:
        seen = engine.mark(lessons.answer(lesson, work=f"{draw}\ndef work():\n    return 3"))
        asked = engine.mark(lessons.answer(lesson, work=f"{draw}\ndef work():\n    return 3"), until="test-work")
    assert seen.score == asked.score == 1
    assert pictures(seen) == 2
    assert pictures(asked) == 1, "the leading cell's, which was drawn once for all"


def pictures(result: Result) -> int:
    """How many pictures the marked notebook has."""
    cells: list[dict[str, Any]] = [cell for each in result.notebooks for cell in json.loads(each.document)["cells"]]
    return sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))
