"""Does an object that one question's test kept cost no other question its points?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lessons
from saiten.bundle import Bundle
from saiten.grading import Engine

FIRST = "def first(x):\n    return x + 1"
SECOND = "def second(x):\n    return x * 2\ndef third(x):\n    return x + offset"
OBJECTS = {
    "an object": "class Odd:\n    pass\ndef first(x):\n    return Odd()",
    "a list of objects": "class Odd:\n    pass\ndef first(x):\n    return [Odd(), Odd()]",
    "a function": "def first(x):\n    return lambda: x",
}


@pytest.fixture(scope="module")
def lesson() -> Bundle:
    """The first test binds a name that a function of the second question reads."""
    return lessons.bundle(
        lessons.setup("import numpy as np", id="setup"),
        lessons.solution("first", FIRST),
        lessons.setup("offset = first(0)", id="use"),
        lessons.test("test-first", "assert callable(first)", points=1),
        lessons.test("test-again", "offset = first(3)\nassert offset == 4", points=1),
        lessons.setup("print(first(9))", id="show"),
        lessons.solution("second", SECOND),
        lessons.test("test-second", "assert second(2) == 4"),
    )


@pytest.fixture(scope="module")
def engine(lesson: Bundle) -> Iterator[Engine]:
    """Its engine."""
    with Engine(lesson) as running:
        yield running


def test_right_answers(engine: Engine, lesson: Bundle) -> None:
    """Can all points be earned?"""
    assert engine.mark(lessons.answer(lesson, first=FIRST, second=SECOND)).score == 3


@pytest.mark.parametrize("kind", OBJECTS)
def test_an_object_that_a_test_kept(kind: str, engine: Engine, lesson: Bundle) -> None:
    """Where a wrong answer is an object that a test binds to a name, is that its own question's loss alone?"""
    result = engine.mark(lessons.answer(lesson, first=OBJECTS[kind], second=SECOND))
    assert {each.name: each.score for each in result.questions} == {"first": 1.0, "second": 1.0}, result.questions
