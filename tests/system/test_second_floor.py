"""Does an honest submission keep all of its points on the second floor? A share of what `saiten check` shows in full.

All planted answers there: `saiten check --no-mutants --floor landlock`, which takes minutes.
"""

from __future__ import annotations

import pytest
from built_exercises import EXERCISES, ROOT, build

from saiten.answers import Kind, read_answers
from saiten.bundle import Bundle
from saiten.grading import Engine
from saiten.sample.work import Exercise
from saiten.submission import Submission

SHARE = {EXERCISES[0]: "right-other-types"}
"""Exercise to the planted right answer that is marked whole."""


@pytest.mark.system
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("exercise", "answer"), SHARE.items())
def test_another_right_way_keeps_its_points(exercise: str, answer: str) -> None:
    """Does a right answer that is not the reference get full marks behind Landlock, seccomp and limits alone?"""
    build(exercise)
    bundle = Bundle.read(ROOT / "autograder" / exercise)
    planted = {each.name: each for each in read_answers(ROOT / "source" / exercise / "answers")}[answer]
    assert planted.kind is Kind.RIGHT
    asked = Exercise(bundle, {exercise: (ROOT / "release" / exercise / f"{exercise}.ipynb").read_bytes()})
    work = asked.hand_in({**asked.answers(), **planted.cells}, answer)
    files = {name.removesuffix(".ipynb"): content for name, content in work.files().items()}
    with Engine(bundle, sandbox="landlock") as engine:
        result = engine.mark(Submission("student-001", exercise, files))
        assert engine.floor == "landlock"
    full = asked.full_marks()
    got = {question.name: question.score for question in result.questions if question.name in full}
    assert got == full, (result.message, result.questions)
