"""Do tensors lie, or tell what stands beside them in memory?"""

from __future__ import annotations

from collections.abc import Iterator

import attack_target as target
import hostile_torch
import pytest

import lessons
from saiten.bundle import Bundle
from saiten.grading import Engine


@pytest.fixture(scope="module")
def lesson() -> Bundle:
    """Three questions on tensors."""
    return hostile_torch.make_bundle()


@pytest.fixture(scope="module")
def engine(lesson: Bundle) -> Iterator[Engine]:
    """Its engine, with torch in it."""
    with Engine(lesson) as running:
        yield running


def _lost(engine: Engine, lesson: Bundle, **answers: str) -> set[str]:
    result = engine.mark(lessons.answer(lesson, **{**hostile_torch.RIGHT, **answers}))
    assert target.is_graded(result), result.message
    assert set(target.scores(engine.mark(lessons.answer(lesson, **hostile_torch.RIGHT))).values()) == {1.0}
    return {question.name for question in result.questions if question.score == 0}


def test_right_answers(engine: Engine, lesson: Bundle) -> None:
    """Can all points be earned?"""
    assert _lost(engine, lesson) == set()


@pytest.mark.parametrize("attack", hostile_torch.ALL, ids=lambda attack: attack.name)
def test_tensors_do_not_lie(engine: Engine, lesson: Bundle, attack: target.Attack) -> None:
    """Is a subclass no tensor, what stands beside an argument absent, and nothing loaded that is no tensor?"""
    if attack.real:  # it works where both share a process: nothing is raised
        names: dict[str, object] = {}
        exec(hostile_torch.SETUP, names)
        for question, source in attack.answers.items():
            exec(source, names)
            exec(hostile_torch.QUESTIONS[question][1], names)
    assert _lost(engine, lesson, **attack.answers) == attack.questions
