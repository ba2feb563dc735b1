"""Can tests step through a generator of the student's, and ask whether an object is there or empty?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lessons
from saiten.bundle import Bundle
from saiten.grading import Engine

QUESTIONS = {
    "steps": (
        "def steps(n):\n    for k in range(n):\n        yield k * k",
        "squares = steps(4)\nassert next(squares) == 0\nassert next(squares) == 1\nassert list(squares) == [4, 9]\n"
        "assert next(squares, None) is None",
    ),
    "endless": (
        "def endless():\n    k = 0\n    while True:\n        yield k\n        k += 2",
        "even = endless()\nassert [next(even) for _ in range(3)] == [0, 2, 4]\n"
        "assert [a for a, _ in zip(even, range(70))] == [*range(6, 146, 2)]",
    ),
    "Stack": (
        "class Stack:\n    def __init__(self):\n        self.items = []\n    def push(self, item):\n"
        "        self.items.append(item)\n    def __len__(self):\n        return len(self.items)",
        "stack = Stack()\nassert not stack\nstack.push(3)\nassert stack",
    ),
    "fit": ("class Model:\n    pass\ndef fit():\n    return Model()", "model = fit()\nassert model"),
    "even": ("def even(n):\n    return n % 2 == 0", "assert even(4)\nassert not even(5)"),
}
WRONG = {
    "one item after another that lies": (
        "steps",
        "class Yes:\n    __eq__ = lambda self, other: True\ndef steps(n):\n    while True:\n        yield Yes()",
    ),
    "an iterator that ends at once": ("steps", "def steps(n):\n    return iter(())"),
    "no iterator": ("steps", "def steps(n):\n    return [0, 1, 4, 9]"),
    "an end of iteration in the middle": (
        "endless",
        "class End:\n    __iter__ = lambda self: self\n    def __next__(self):\n        raise StopIteration\n"
        "def endless():\n    return End()",
    ),
    "always true": ("even", "class Yes:\n    __bool__ = lambda self: True\ndef even(n):\n    return Yes()"),
    "always empty": ("even", "class No:\n    __len__ = lambda self: 0\ndef even(n):\n    return No()"),
    "neither": (
        "even",
        "class Odd:\n    def __bool__(self):\n        raise SystemExit(0)\ndef even(n):\n    return Odd()",
    ),
    "never empty": ("Stack", "class Stack:\n    def push(self, item):\n        pass"),
}


@pytest.fixture(scope="module")
def lesson() -> Bundle:
    """One question for each kind of question to an object."""
    cells = [lessons.setup("import numpy as np", id="setup")]
    for name, (source, tests) in QUESTIONS.items():
        cells += [lessons.solution(name, source), lessons.test(f"test-{name}", tests)]
    return lessons.bundle(*cells)


@pytest.fixture(scope="module")
def engine(lesson: Bundle) -> Iterator[Engine]:
    """Its engine."""
    with Engine(lesson) as running:
        yield running


def test_right_answers(engine: Engine, lesson: Bundle) -> None:
    """Can all points be earned by plain generators and objects?"""
    result = engine.mark(lessons.answer(lesson, **{name: source for name, (source, _) in QUESTIONS.items()}))
    assert result.score == len(QUESTIONS), result.questions


@pytest.mark.parametrize("kind", WRONG)
def test_objects_that_lie_earn_nothing(kind: str, engine: Engine, lesson: Bundle) -> None:
    """Is an answer lost that says what a test wants to hear, whatever it is asked?"""
    question, answer = WRONG[kind]
    right = {name: source for name, (source, _) in QUESTIONS.items()}
    result = engine.mark(lessons.answer(lesson, **{**right, question: answer}))
    assert {each.name: each.score for each in result.questions} == {
        name: 0.0 if name == question else 1.0 for name in QUESTIONS
    }
