"""Does anything in a notebook's file but the text of answers change a verdict, and does a broken file harm anybody?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attack_target as target
import pytest
from attack_room import Room
from hostile_notebooks import EMPTIED, LAZY, LIES, READABLE, REFUSED, TRAPS, Cells, skip, whole

import lessons
from saiten.grading import Engine
from saiten.results import Status
from saiten.submission import Submission

ANSWERS_SUFFICE = True

LOST = frozenset(LAZY)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__doc__.rstrip("."))
def test_metadata_earns_nothing(lie: Callable[[Cells], Cells], room: Room) -> None:
    """Do points come from the bundle's tests alone?"""
    cells = lie(target.cells_of(room.bundle, {**target.RIGHT, **LAZY}))
    result = room.engine.mark(lessons.submission(*cells))
    assert target.is_graded(result), result.message
    assert target.scores(result) == target.expected_scores(LOST)
    assert result.max_score == sum(target.POINTS.values())


@pytest.mark.parametrize("lie", [skip])
def test_the_lie_is_real(lie: Callable[[Cells], Cells], room: Room) -> None:
    """Does it earn everything where outputs decide?"""
    cells = lie(target.cells_of(room.bundle, target.WRONG))
    assert room.run_plainly(cells)["scores"] == target.POINTS


def test_another_kernel_is_ignored(room: Room) -> None:
    """Does a notebook for another language get what its text is worth?"""
    metadata = {
        "kernelspec": {"name": "bash", "language": "bash"},
        "language_info": {"name": "R"},
        "saiten": {"points": 9},
    }
    content = lessons.notebook(*target.cells_of(room.bundle, {**target.RIGHT, **LAZY}), metadata=metadata)
    result = room.engine.mark(Submission("student-666", "lesson", {"lesson": content}))
    assert target.scores(result) == target.expected_scores(LOST)


# -- files beside the notebook --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def open_handed() -> Iterator[Engine]:
    """An engine for an assignment whose students' files may all be seen by their own process."""
    bundle = target.make_bundle()
    generous = type(bundle)(**{**{n: getattr(bundle, n) for n in bundle.__dataclass_fields__}, "allow_files": ("*",)})
    with Engine(generous) as engine:
        yield engine


def test_packages_beside_the_notebook(room: Room, open_handed: Engine) -> None:
    """Do they reach neither judge nor verdict, whether the assignment lets the student's process see them or not?"""
    wrong = target.Attack("traps", "packages that are imported instead", LAZY)
    for engine in (room.engine, open_handed):
        result = engine.mark(target.hand_in(room.bundle, wrong, **TRAPS))
        assert target.scores(result) == target.expected_scores(LOST), result.questions
        after = engine.mark(target.honest(room.bundle))
        assert target.scores(after) == target.POINTS


def test_files_that_do_not_fit(room: Room, open_handed: Engine) -> None:
    """Are too many, too large and impossible files left out, without a fault of ours?"""
    right = target.Attack("files", "room")
    for files in (
        {"big.bin": bytes(20 << 20)},
        {"a": b"", "a/b": b"", "a/b/c": b""},
        {f"{number}.txt": b"" for number in range(25_000)},
        {"n" * 4000: b"", "zero\0byte": b"", "\udcff": b"", "x/" * 200 + "y": b""},
        {"work": b"", "../up.txt": b"", "../../../etc/passwd": b"", "/etc/passwd": b""},
    ):
        result = open_handed.mark(target.hand_in(room.bundle, right, **files))
        assert target.scores(result) == target.POINTS, (list(files)[:3], result.message)


# -- broken files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", READABLE)
def test_damage_that_leaves_the_answers(damage: str, room: Room) -> None:
    """Are right answers worth their points, wrong ones nothing?"""
    cells = target.cells_of(room.bundle, {**target.RIGHT, **LAZY})
    result = room.engine.mark(Submission("student-666", "lesson", {"lesson": READABLE[damage](whole(cells))}))
    assert target.is_graded(result), result.message
    assert target.scores(result) == target.expected_scores(LOST), result.questions


@pytest.mark.parametrize("damage", EMPTIED)
def test_damage_that_takes_the_answers(damage: str, room: Room) -> None:
    """Is the verdict that of a notebook without answers, as text that can be stored?"""
    cells = target.cells_of(room.bundle, target.RIGHT)
    result = room.engine.mark(Submission("student-666", "lesson", {"lesson": EMPTIED[damage](whole(cells))}))
    assert target.is_graded(result), result.message
    assert target.scores(result) == dict.fromkeys(target.POINTS, 0.0)
    result.to_json().encode()
    result.notebooks[0].document.encode()


@pytest.mark.parametrize("damage", REFUSED)
def test_what_is_no_notebook_is_rejected(damage: str, room: Room) -> None:
    """Is it a state of its own, with a reason and no score, and not a fault of ours?"""
    result = room.engine.mark(Submission("student-666", "lesson", {"lesson": REFUSED[damage]}))
    assert (result.status, result.score) == (Status.REJECTED, None), result.message
    assert result.message.endswith(".")
    assert len(result.message) < 300
