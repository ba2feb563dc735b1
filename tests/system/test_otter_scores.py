"""Does Otter give the exercises' submissions the points that Saiten gives, question by question?

The reference, the untouched release and a hand-in with three mistakes of each exercise. `python
tests/system/otter_same.py` asks it of every honest submission of the sample classes: tens of minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from built_exercises import EXERCISES, ROOT
from marked_class import WRONG, MarkedClass
from otter_same import differences, otter_scores

pytestmark = [pytest.mark.system, pytest.mark.timeout(1500)]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_otter_gives_the_same_points(exercise: str, marked: Callable[[str], MarkedClass], tmp_path: Path) -> None:
    """Do full marks, no marks and lost marks stand at the same questions?"""
    whole = marked(exercise)
    (reference,) = [student for student, kind in whole.kinds.items() if kind == "reference"]
    notebooks = {
        student: whole.course.submitted_dir(exercise, student) / f"{exercise}.ipynb" for student in (reference, WRONG)
    }
    notebooks["untouched"] = ROOT / "release" / exercise / f"{exercise}.ipynb"
    otter = otter_scores(ROOT / "autograder" / exercise / "otter.zip", notebooks, tmp_path)
    full = whole.exercise.full_marks()
    assert otter[reference] == full
    assert set(otter["untouched"].values()) == {0}
    saiten = {question.name: question.score for question in whole.results[WRONG].questions if question.name in full}
    assert saiten.keys() == full.keys() == otter[WRONG].keys()
    assert differences(saiten, otter[WRONG]) == {}
    assert {name for name, points in otter[WRONG].items() if points < full[name]} == whole.spoilt
