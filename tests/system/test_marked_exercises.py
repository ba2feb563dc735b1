"""Does every exercise of the course hold when it is marked for real, in the engine, class and all?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from built_exercises import EXERCISES
from marked_class import EVERY_ODDITY, MarkedClass, mark

from saiten.sample.hostile import TRACE

BROKEN = EXERCISES[0]
"""Where all broken and half-done hand-ins are tried, with hostile ones: what they do is the same everywhere."""
HOSTILE = EXERCISES[2]
"""Where hostile ones are tried again: an exercise with PyTorch and pictures."""
ODDITIES, SOME_ODDITIES = 7, 2

pytestmark = [pytest.mark.system, pytest.mark.timeout(1500)]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_reference_gets_everything_and_every_demonstration_runs(
    exercise: str, marked: Callable[[str], MarkedClass]
) -> None:
    """Do the reference and odd hand-ins get full marks within the course's own limits, without error or missing glyph?

    The other right ways are marked whole by `make check`.
    """
    whole = marked(exercise)
    (reference,) = [student for student, kind in whole.kinds.items() if kind == "reference"]
    odd = [kind for kind in whole.kinds.values() if kind != "reference"]
    assert len(set(odd)) == len(odd) == (ODDITIES if exercise == EVERY_ODDITY else SOME_ODDITIES)
    assert all(kind.startswith("odd:") for kind in odd)
    assert list(complaints(whole.course.root, exercise, reference)) == []


def test_what_is_broken_costs_what_it_has_to(tmp_path: Path) -> None:
    """Do half-done, broken and hostile hand-ins get their exact points, and does none leave a trace?

    Those that hang are cut off early. Mistakes are left out: `make check` marks each of them in the engine.
    """
    groups = ("mistake", "odd", "right")
    mark(BROKEN, tmp_path / "course", "--cell-seconds=12", *(f"--without={group}" for group in groups))
    assert list(tmp_path.rglob(TRACE)) == []


def test_what_is_hostile_costs_what_it_has_to(tmp_path: Path) -> None:
    """Do hostile hand-ins get their exact points in an exercise of another kind, too, and leave no trace?"""
    groups = ("mistake", "odd", "right", "half-done", "broken")
    mark(HOSTILE, tmp_path / "course", "--cell-seconds=12", *(f"--without={group}" for group in groups))
    assert list(tmp_path.rglob(TRACE)) == []


def complaints(course: Path, exercise: str, student: str) -> Iterator[str]:
    """Yield what a right answer's notebook says that it should not: an error in a demonstration, a missing glyph."""
    path = course / "autograded" / student / exercise / f"{exercise}.ipynb"
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                yield f"{student}: {cell['id']}: {output['ename']}: {output['evalue']}"
            if "missing from" in "".join(output.get("text", "")):
                yield f"{student}: {cell['id']}: {output['text']}"


def test_there_are_exercises() -> None:
    """Is there anything to try?"""
    assert "01-regularization" in EXERCISES
