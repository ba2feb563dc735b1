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
import hostile_inventions
import pytest
from hostile_inventions import HIDDEN_INPUT, QUESTIONS, RIGHT, make_bundle

import lessons
from saiten.bundle import Bundle, Limits
from saiten.grading import Engine
from saiten.results import Result, Status


@pytest.fixture(scope="module")
def lesson() -> Bundle:
    """The assignment."""
    return make_bundle()


@pytest.fixture(scope="module")
def engine(lesson: Bundle) -> Iterator[Engine]:
    """Its engine."""
    with Engine(lesson) as running:
        yield running


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


@pytest.mark.parametrize("attack", hostile_inventions.NAMES, ids=lambda attack: attack.name)
def test_the_tests_own_names_are_out_of_reach(engine: Engine, lesson: Bundle, attack: target.Attack) -> None:
    """Can a call rebind the variable that holds the expected value, where the reference happens to bring that name?"""
    assert "twice" in lost(mark(engine, lesson, **attack.answers))


ALONE = (
    *hostile_inventions.ENDINGS,
    *hostile_inventions.CALL_BACKS,
    *hostile_inventions.SIZES,
    *hostile_inventions.PARTIAL,
    *hostile_inventions.LATE,
)


@pytest.mark.parametrize("attack", ALONE, ids=lambda attack: attack.name)
def test_an_invention_costs_its_own_question(engine: Engine, lesson: Bundle, attack: target.Attack) -> None:
    """Is one question lost, neither a loop of a test ended early nor the next question harmed, and the judge alive?"""
    assert lost(mark(engine, lesson, **attack.answers)) == attack.questions


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


@pytest.mark.parametrize("attack", hostile_inventions.MESSAGES, ids=lambda attack: attack.name)
def test_a_failure_does_not_tell_the_hidden_input(engine: Engine, lesson: Bundle, attack: target.Attack) -> None:
    """Can the input of a hidden test be smuggled into the message through whatever part of an error or object?"""
    result = mark(engine, lesson, **attack.answers)
    assert lost(result) == {"quiet"}
    message = next(question.message for question in result.questions if question.name == "quiet")
    assert HIDDEN_INPUT not in message.replace("_", "-")
    assert "77124" not in message


def test_a_replay_ends_with_the_submissions_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do cells that are slow only when they are run again bring a verdict, and not a fault of ours?"""
    import saiten.grading.house

    monkeypatch.setattr(saiten.grading.house, "SPARE_SECONDS", 4.0)
    quick = replace(make_bundle(), limits=Limits(cell_seconds=1.0, total_seconds=3.0))
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
    from saiten.grading.house import mix

    return mix(lesson.cells_hash, submission.hash)  # type: ignore[attr-defined]


def test_results_hold_no_hidden_text_in_the_students_cells(engine: Engine, lesson: Bundle) -> None:
    """Is what an honest failing submission's cells show free of hidden tests?"""
    result = mark(engine, lesson, quiet="def quiet(x):\n    return 0")
    document = json.loads(result.notebooks[0].document)
    own = [cell for cell in document["cells"] if not cell["id"].startswith("test-")]
    assert HIDDEN_INPUT not in json.dumps(own)
