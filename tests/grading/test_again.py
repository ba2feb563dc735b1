"""Are some questions of a submission marked again as a whole run would mark them, and is all else left as it was?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

import lessons
from saiten.bundle import Bundle
from saiten.grading import Engine
from saiten.grading.again import Again
from saiten.results import CellStatus, Result

FIRST = lessons.solution("first", "def first(x):\n    return x + 1\nprint('first', first(1))")
SHOW = lessons.setup("print('shown', first(2), np.random.default_rng().integers(10**9))", locked=True)
SECOND = lessons.solution("second", "def second(x):\n    return 2 * x\nlost = 0")
TAIL = lessons.setup("lost = lost + 1\nprint('tail', lost)", locked=True)
WRITTEN = lessons.manual("why", "because")


def lesson(first: str = "first(3) == 4", second: str = "second(3) == 6") -> Bundle:
    """Two questions of code, tests that can be changed, and a written one."""
    return lessons.bundle(
        lessons.setup("import numpy as np"),
        FIRST,
        lessons.test("test-first", "assert first(1) == 2", f"assert {first}, 'the first'", points=2.0),
        SHOW,
        SECOND,
        lessons.test("test-second", f"assert {second}, 'the second'", points=3.0),
        TAIL,
        WRITTEN,
    )


BEFORE = lesson()
ANSWERS = {
    "both are right": {"first": FIRST.source, "second": SECOND.source},
    "the first is wrong": {"first": "def first(x):\n    return 2 * x\nprint(7)", "second": SECOND.source},
    "the second is not there": {"first": FIRST.source},
    "nothing is there": {},
    "a cell stops": {"first": "1 / 0", "second": SECOND.source},
}


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, Engine]]:
    """By what has changed: engines for the lesson of before and of after."""
    bundles = {
        "before": BEFORE,
        "first": lesson(first="first(10) == 11 and first(2) == 4"),
        "second": lesson(second="second(4) == 8"),
        "neither": BEFORE,
    }
    open_ones = {name: Engine(bundle).__enter__() for name, bundle in bundles.items()}
    yield open_ones
    for engine in open_ones.values():
        engine.close()


def what(*tests: str, before: Result) -> Again:
    """Mark these tests again."""
    return Again(before, {"lesson": frozenset(tests)}, {})


def plain(result: Result) -> Result:
    """A result without what tells how it was made."""
    notebooks = tuple(replace(part, document="") for part in result.notebooks)
    return replace(result, seconds=0.0, anew=(), whole_because="", bundle_hash="", notebooks=notebooks)


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("changed", ["first", "second"])
def test_a_part_says_what_the_whole_says(engines: dict[str, Engine], changed: str, kind: str) -> None:
    """Does marking one question again give the scores, states and messages that marking everything gives?"""
    work = lessons.answer(BEFORE, **ANSWERS[kind])
    before = engines["before"].mark(work)
    part = engines[changed].mark_again(work, what(f"test-{changed}", before=before))
    assert plain(part) == plain(engines[changed].mark(work))
    assert (part.anew, part.whole_because) == ((changed,), "")
    assert part.bundle_hash != before.bundle_hash


def test_what_cells_showed_stays(engines: dict[str, Engine]) -> None:
    """Are outputs of cells those of the first run, random numbers included, and the changed test's the new one's?"""
    work = lessons.answer(BEFORE, **ANSWERS["both are right"])
    before = engines["before"].mark(work)
    part = engines["first"].mark_again(work, what("test-first", before=before))
    old, new = before.notebooks[0].document, part.notebooks[0].document
    for text in ("first 2", "shown 3", "tail 1"):
        assert text in old
        assert text in new
    assert old.count("AssertionError") == 0
    assert new.count("AssertionError: the first") > 0
    numbers = [line for line in old.splitlines() if "shown" in line and "text" not in line]
    assert numbers
    assert all(line in new for line in numbers)


def test_only_the_marked_question_changes(engines: dict[str, Engine]) -> None:
    """Does a verdict that is not marked stay, though another run would say something else?"""
    work = lessons.answer(BEFORE, **ANSWERS["the first is wrong"])
    before = engines["before"].mark(work)
    part = engines["second"].mark_again(work, what("test-second", before=before))
    assert [cell.status for cell in part.cells[:2]] == [CellStatus.FAILED, CellStatus.PASSED]
    assert part.cells[0] == before.cells[0]
    forged = replace(before, questions=(replace(before.questions[0], score=2.0), *before.questions[1:]))
    kept = engines["second"].mark_again(work, what("test-second", before=forged))
    assert kept.cells[0] == before.cells[0]  # from the cells, of which a question is the sum
    assert kept.questions[0].score == 0.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lost": 1}, "the student's process had ended early"),
        ({"seconds": 50.0}, "it had taken most of its time"),
    ],
)
def test_an_uncertain_run_is_not_built_upon(engines: dict[str, Engine], change: dict[str, float], reason: str) -> None:
    """Is everything marked where the earlier run lost a process or was near its limit, and is that said?"""
    work = lessons.answer(BEFORE, **ANSWERS["both are right"])
    before = replace(engines["before"].mark(work), **change)
    whole = engines["second"].mark_again(work, what("test-second", before=before))
    assert (whole.anew, whole.whole_because) == ((), reason)
    assert whole.score == 5.0


def test_a_process_that_dies_now_means_the_whole(engines: dict[str, Engine]) -> None:
    """Is everything marked where a cell ends the student's process?"""
    ends = "import os\nos._exit(3)"
    work = lessons.answer(BEFORE, first=FIRST.source, second=ends)
    before = engines["before"].mark(work)
    assert before.lost == 1
    whole = engines["first"].mark_again(work, what("test-first", before=replace(before, lost=0)))
    assert whole.anew == ("first",)  # nothing behind the first question ran
    whole = engines["second"].mark_again(work, what("test-second", before=replace(before, lost=0)))
    assert (whole.anew, whole.whole_because) == ((), "the student's process ended early")
    assert [question.score for question in whole.questions[:2]] == [2.0, 0.0]


def test_cells_behind_the_last_test_do_not_run(engines: dict[str, Engine]) -> None:
    """Is what stands behind the marked question spared, and its output kept?"""
    sleeps = SECOND.source + "\nimport time\ntime.sleep(3)\nprint('slept')"
    work = lessons.answer(BEFORE, first=FIRST.source, second=sleeps)
    before = engines["before"].mark(work)
    assert before.seconds > 3
    part = engines["first"].mark_again(work, what("test-first", before=before))
    assert part.anew == ("first",)
    assert part.seconds < 3  # not timed: the sleep alone would take as long
    assert "slept" in part.notebooks[0].document


def test_tests_that_bind_what_others_need_run_too() -> None:
    """Does a test find what an earlier question's test binds, whose own verdict stays?"""
    cells = [
        FIRST,
        lessons.test("test-first", "given = first(1)\nassert given == 3"),
        SECOND,
        lessons.test("test-second", "assert second(given) == 4"),
    ]
    bundle = lessons.bundle(*cells)
    work = lessons.answer(bundle, first=FIRST.source, second=SECOND.source)
    with Engine(bundle) as engine:
        before = engine.mark(work)
        alone = engine.mark_again(work, what("test-second", before=before))
        needed = Again(before, {"lesson": frozenset({"test-second"})}, {"lesson": frozenset({"test-first"})})
        both = engine.mark_again(work, needed)
    assert [cell.score for cell in before.cells] == [0.0, 1.0]
    assert [cell.score for cell in alone.cells] == [0.0, 0.0]
    assert [cell.score for cell in both.cells] == [0.0, 1.0]
    assert both.anew == ("second",)


def test_a_test_that_has_gone(engines: dict[str, Engine]) -> None:
    """Does a removed test leave result and marked notebook, and is nothing run for that?"""
    work = lessons.answer(BEFORE, **ANSWERS["both are right"])
    before = engines["before"].mark(work)
    (notebook,) = BEFORE.notebooks
    kept = tuple(cell for cell in notebook.cells if cell.id != "test-second")
    bundle = replace(BEFORE, notebooks=(replace(notebook, cells=kept),))
    with Engine(bundle, warm=False) as engine:
        part = engine.mark_again(work, Again(before, {"lesson": frozenset()}, {}))
        assert engine.floor == ""  # no process was started
    assert (part.score, part.max_score, part.whole_because) == (2.0, 3.0, "")
    assert "test-second" not in part.notebooks[0].document
    assert "tail 1" in part.notebooks[0].document


def test_a_damaged_earlier_result_costs_nothing(engines: dict[str, Engine]) -> None:
    """Is the whole marked where the earlier result does not fit?"""
    work = lessons.answer(BEFORE, **ANSWERS["both are right"])
    before = replace(engines["before"].mark(work), questions=(), notebooks=())
    whole = engines["second"].mark_again(work, what("test-second", before=before))
    assert whole.score == 5.0
    assert "could not be marked by themselves" in whole.whole_because
