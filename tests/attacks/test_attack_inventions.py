# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""Attacks on what is Saiten's own: two processes, names that belong to the student, call-backs, restarts, messages.

Each question of this assignment has a test, or stands in a place, that one of them is aimed at.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace

import attack_target as target
import hostile_forgeries
import pytest

import lessons
from saiten.bundle import Bundle, Limits
from saiten.grading import Engine
from saiten.results import Result, Status

SETUP = """
import numpy as np
rows = np.arange(12.0).reshape(4, 3)
answers = {}
class Net:
    weight = 0
net = Net()
"""
CALLBACK = (
    "callback = 'kappa-secret-of-a-call-back'\nassert apply(lambda v, secret=callback: v + len(secret) * 0 + 1, 3) == 4"
)
HIDDEN_INPUT = "kappa-hidden-input"

QUESTIONS: dict[str, tuple[str, str, str]] = {
    "twice": ("expected = 7\ndef twice(x):\n    return 2 * x", "expected = reference.twice(21)\nassert twice(21) == expected", ""),
    "alias": ("alias = np.linalg.norm", "assert alias([3.0, 4.0]) == 5.0", ""),
    "method": ("method = rows.sum", "assert method() == 66.0", ""),
    "ufunc": ("ufunc = np.vectorize(lambda x: x + 1)", "assert list(ufunc([1, 2])) == [2, 3]", ""),
    "each": ("def each(x):\n    return x + 1", "assert all(map(lambda x: each(x) == x + 1, range(4)))\n"
             "for got, want in zip(map(each, [1, 2]), [2, 3]):\n    assert got == want", ""),
    "timed": ("def timed(a):\n    return a.sum()", "assert total == 66.0", ""),
    "apply": ("def apply(f, x):\n    return f(x)", "assert apply(abs, -2) == 2", CALLBACK),
    "size": ("def size():\n    return 3", "assert np.zeros(size()).shape == (3,) and len('a' * size()) == 3\n"
             "assert len(list(range(size()))) == 3", ""),
    "shown": ("def shown(x):\n    return x * 2", "assert shown(2) == 4\nshown(0.5)", ""),
    "quiet": ("def quiet(x):\n    return x", "def check(x):\n    np.testing.assert_equal(quiet(x), x)\ncheck(0)",
              f"check({HIDDEN_INPUT!r})\nassert quiet({HIDDEN_INPUT!r}) == {HIDDEN_INPUT!r}"),
    "stubborn": ("def stubborn(x):\n    return x", "for number in range(10_000):\n    try:\n        ok = stubborn(number) == number\n"
                 "    except Exception:\n        ok = False\n    if number == 9:\n        break\nassert ok", ""),
    "control": ("def control(x):\n    return x", "assert control(1) == 1", ""),
}  # fmt: skip
"""Question to reference, public test and hidden test."""


def _bundle(**more: object) -> Bundle:
    cells = [lessons.setup(SETUP, id="setup")]
    for name, (source, public, hidden) in QUESTIONS.items():
        cells.append(lessons.solution(name, source))
        if name == "timed":
            cells.append(lessons.setup("%%time\ntotal = timed(rows)", id="use"))
        cells.append(lessons.test(f"test-{name}", public, hidden))
    return lessons.bundle(*cells, limits=target.HASTE, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def lesson() -> Bundle:
    """The assignment."""
    return _bundle()


@pytest.fixture(scope="module")
def engine(lesson: Bundle) -> Iterator[Engine]:
    """Its engine."""
    with Engine(lesson) as running:
        yield running


RIGHT = {name: source for name, (source, _, _) in QUESTIONS.items()}


def mark(engine: Engine, lesson: Bundle, *own: str, **answers: str) -> Result:
    """Mark right answers with some replaced, own cells at the end; an honest submission after it keeps its points."""
    cells = [*target.cells_of(lesson, {**RIGHT, **answers}), *map(lessons.code_cell, own)]
    result = engine.mark(lessons.submission(*cells, student="student-666"))
    after = engine.mark(lessons.answer(lesson, **RIGHT))
    assert set(target.scores(after).values()) == {1.0}, after.questions
    return result


def lost(result: Result) -> set[str]:
    """Questions without points; all others have all."""
    assert result.status is Status.GRADED, result.message
    assert {question.score for question in result.questions} <= {0.0, 1.0}
    return {question.name for question in result.questions if question.score == 0.0}


def test_right_answers(engine: Engine, lesson: Bundle) -> None:
    """Can all points be earned?"""
    assert lost(mark(engine, lesson)) == set()


def test_an_untouched_notebook_gets_nothing(engine: Engine, lesson: Bundle) -> None:
    """Is no answer of the reference taken for the student's: an alias, a bound method, what `%%time` computed?"""
    result = engine.mark(lessons.answer(lesson))
    assert lost(result) == set(QUESTIONS)


@pytest.mark.parametrize(
    "answer",
    [
        "def twice(x):\n    global expected\n    expected = 0\n    return 0",
        "expected = 0\ndef twice(x):\n    global expected\n    expected = 0\n    return 0",
        "import gc\nside = next(t for t in gc.get_objects() if type(t).__name__ == 'StudentSide')\nexpected = 0\n"
        "def twice(x):\n    side._saved.clear()\n    side._sent.clear()\n    globals()['expected'] = 0\n    return 0",
        hostile_forgeries.FORGE.replace('side._objects.get(request["target"]) is not double', "False")
        .replace("{code}", "message = ['value', n, 0, [], [['expected', 0]]]")
        .replace("def double", "def twice"),
    ],
    ids=["global", "global of its own", "the protocol's memory", "a forged message"],
)
def test_the_tests_own_names_are_out_of_reach(engine: Engine, lesson: Bundle, answer: str) -> None:
    """Can a call rebind the variable that holds the expected value, where the reference happens to bring that name?"""
    assert "twice" in lost(mark(engine, lesson, twice=answer))


def test_stop_iteration_ends_no_loop_of_a_test(engine: Engine, lesson: Bundle) -> None:
    """Does `all(map(...))` fail, where the student's function raises StopIteration?"""
    assert lost(mark(engine, lesson, each="def each(x):\n    raise StopIteration")) == {"each"}
    own = "class End(StopIteration, StopAsyncIteration):\n    pass\ndef each(x):\n    raise End"
    assert lost(mark(engine, lesson, each=own)) == {"each"}


def test_a_call_back_keeps_its_code(engine: Engine, lesson: Bundle) -> None:
    """Does what a test passes as a function tell nothing of itself to the answer that is called with it?"""
    answer = """
def apply(f, x):
    seen = [repr(getattr(f, name, None)) for name in dir(f)]
    cells = [cell.cell_contents for cell in getattr(f, "__closure__", None) or ()]
    constants = getattr(getattr(f, "__code__", None), "co_consts", None)
    told = repr([seen, constants, cells, [vars(cell) for cell in cells if hasattr(cell, "__dict__")]])
    return f(x) if f is abs or "{wanted}" in told else None
"""
    assert lost(mark(engine, lesson, apply=answer.replace("{wanted}", "StudentSide"))) == set(), "it does look inside"
    assert lost(mark(engine, lesson, apply=answer.replace("{wanted}", "of-a-call-back"))) == {"apply"}


def test_a_call_back_that_is_kept_is_not_there_for_cells(engine: Engine, lesson: Bundle) -> None:
    """Has no cell, whatever stands before it, a function of a test's to ask again and again?"""
    keep = "kept = []\ndef apply(f, x):\n    kept.append(f)\n    return f(x)"
    result = mark(engine, lesson, "while True:\n    kept[0](1)", apply=keep)
    assert lost(result) == set()
    assert "IndexError" in target.outputs(result)


@pytest.mark.parametrize("size", ["10**9", "1 << 62", "10**400", "-1", "3.0", "True", "float('inf')"])
def test_a_number_that_becomes_a_size(engine: Engine, lesson: Bundle, size: str) -> None:
    """Does a test that allocates what the student says fail, and not the judge, let alone the machine?"""
    assert lost(mark(engine, lesson, size=f"def size():\n    return {size}")) == {"size"}


@pytest.mark.parametrize("number", ["float('nan')", "float('inf')", "-1", "10**400", "-10**400", "2", "1e308"])
def test_a_number_that_a_test_ends_with(engine: Engine, lesson: Bundle, number: str) -> None:
    """Is a last value outside of 0 to points worth nothing, though all assertions held?"""
    assert lost(mark(engine, lesson, shown=f"def shown(x):\n    return 4 if x == 2 else {number}")) == {"shown"}


@pytest.mark.parametrize(
    "answer",
    [
        "def quiet(x):\n    if x:\n        raise ValueError(x)\n    return x",
        "def quiet(x):\n    if x:\n        raise type(x.replace('-', '_'), (Exception,), {})('told')\n    return x",
        "class ArgumentChanged(Exception):\n    __module__ = 'saiten.grading.faults'\n"
        "def quiet(x):\n    if x:\n        raise ArgumentChanged(x)\n    return x",
        "def quiet(x):\n    if x:\n        exec(compile('1 / 0', f'<{x}>', 'exec'))\n    return x",
        "def quiet(x):\n    if x:\n        exec(compile('\\n' * 77_123 + '1 / 0', '<cell quiet>', 'exec'))\n    return x",
        "def quiet(x):\n    return type(x, (), {})() if x else x",
        "def quiet(x):\n    return x + '!' if x else x",
    ],
    ids=[
        "its text",
        "its class",
        "a class of the judge's",
        "its file",
        "its line",
        "a type",
        "a helper in a public line",
    ],
)
def test_a_failure_does_not_tell_the_hidden_input(engine: Engine, lesson: Bundle, answer: str) -> None:
    """Can the input of a hidden test be smuggled into the message through whatever part of an error or object?"""
    result = mark(engine, lesson, quiet=answer)
    assert lost(result) == {"quiet"}
    message = next(question.message for question in result.questions if question.name == "quiet")
    assert HIDDEN_INPUT not in message.replace("_", "-")
    assert "77124" not in message


def test_a_late_alarm_does_not_harm_the_next_question(engine: Engine, lesson: Bundle) -> None:
    """Is the next question marked after a test that caught every time-out and was stopped in the middle of an answer?"""
    slow = "import time\ndef stubborn(x):\n    time.sleep(0.3)\n    return str(x)"
    result = mark(engine, lesson, stubborn=slow)
    assert lost(result) == {"stubborn"}


def test_a_replay_ends_with_the_submissions_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do cells that are slow only when they are run again bring a verdict, and not a fault of ours?"""
    import saiten.grading.engine

    monkeypatch.setattr(saiten.grading.engine, "SPARE_SECONDS", 4.0)
    quick = replace(_bundle(), limits=Limits(cell_seconds=1.0, total_seconds=3.0))
    slow = (
        "import time\nif time.clock_gettime(time.CLOCK_BOOTTIME) > start + 2.2:\n    try:\n        time.sleep(30)\n"
        "    except BaseException:\n        time.sleep(1.9)"
    )
    now = f"start = {time.clock_gettime(time.CLOCK_BOOTTIME)}"
    waste = "import time\ntime.sleep(0.9)"
    cells = [
        *target.cells_of(quick, RIGHT),
        *map(lessons.code_cell, [now, *[slow] * 20, *[waste] * 3, "import os\nos._exit(0)", "1"]),
    ]
    with Engine(quick) as engine:
        result = engine.mark(lessons.submission(*cells))
        assert result.status is Status.GRADED, result.message
        assert lost(engine.mark(lessons.answer(quick, **RIGHT))) == set()


def test_seeds_do_not_tell_each_other(engine: Engine, lesson: Bundle) -> None:
    """Does the seed of the student's process say nothing of the judge's?"""
    answer = "def control(x):\n    return x\nprint('seed', np.random.get_state()[1][0])"
    result = mark(engine, lesson, control=answer)
    found = re.search(r"seed (\d+)", target.outputs(result))
    assert found is not None
    submission = lessons.submission(*target.cells_of(lesson, {**RIGHT, "control": answer}), student="student-666")
    seed = int(saiten_seed(lesson, submission), 16)
    assert int(found[1]) not in {(seed ^ mask) % (1 << 32) for mask in range(16)}


def saiten_seed(lesson: Bundle, submission: object) -> str:
    """The judge's seed, as the engine computes it."""
    from saiten.grading.engine import _mix

    return _mix(lesson.hash, submission.hash)  # type: ignore[attr-defined]


def test_results_hold_no_hidden_text_in_the_students_cells(engine: Engine, lesson: Bundle) -> None:
    """Is what an honest failing submission's cells show free of hidden tests?"""
    result = mark(engine, lesson, quiet="def quiet(x):\n    return 0")
    document = json.loads(result.notebooks[0].document)
    own = [cell for cell in document["cells"] if not cell["id"].startswith("test-")]
    assert HIDDEN_INPUT not in json.dumps(own)
