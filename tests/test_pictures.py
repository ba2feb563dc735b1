"""Does a test's picture show what the student made, never what nobody allowed, and does it never cost anything?"""

from __future__ import annotations

import base64
import html
import io
import json
import math
import re
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lessons
from saiten.bundle import Bundle, Limits
from saiten.grading import Engine
from saiten.pictures import attach_pictures, sent_to
from saiten.pictures.draw import LARGEST_SIDE, MOST_NUMBERS, boxes_of, pictures_of
from saiten.results import CellStatus, Picture, Result


def pixels(picture: Picture) -> np.ndarray[Any, Any]:
    """What a PNG holds."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.png))))


def attached(*, fails: bool, **options: Any) -> list[Picture]:
    """What a block sends that fails, or does not."""
    taken: list[Picture] = []
    with sent_to(taken.append):
        try:
            with attach_pictures("f", np.eye(3), np.ones((3, 3)), **options):
                assert not fails
        except AssertionError:
            pass
    return taken


# -- what is drawn ---------------------------------------------------------------------------------------------------


def test_only_a_failure_shows_and_only_what_is_allowed() -> None:
    """Is nothing attached that holds, and of what was expected nothing without the author's word?"""
    assert attached(fails=False) == []
    assert [each.part for each in attached(fails=False, always=True)] == ["result"]
    (result,) = attached(fails=True)
    assert (result.part, result.name) == ("result", "f")
    assert pixels(result).tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    parts = attached(fails=True, show_expected=True)
    assert [each.part for each in parts] == ["result", "expected", "difference"]
    assert pixels(parts[1]).tolist() == [[255] * 3] * 3


def test_the_expected_range_is_no_hint() -> None:
    """Does an expected result that is not shown leave no trace, not even in the scale of the student's?"""
    taken: list[Picture] = []
    for expected in (np.full((2, 2), 1e6), np.zeros((5, 5))):
        with sent_to(taken.append), attach_pictures("f", np.eye(2), expected, always=True):
            pass
    assert taken[0] == taken[1]


def test_an_error_leaves_the_block_as_it_came() -> None:
    """Does the test still fail, with its own message?"""
    with pytest.raises(ValueError, match="as it was"), attach_pictures("f", object()):
        raise ValueError("as it was")


def test_colours_of_the_difference() -> None:
    """Is what is too large red, too small blue, equal white, the strongest the largest?"""
    *_, difference = pictures_of("f", np.array([[5.0, 3.0], [1.0, 2.0]]), [[3.0, 3], [2.0, 2]])
    assert pixels(difference).tolist() == [[[255, 0, 0], [255, 255, 255]], [[128, 128, 255], [255, 255, 255]]]
    assert "a difference of 2" in difference.said["en"]
    assert "差 2" in difference.said["ja"]


def test_words_say_what_the_numbers_are() -> None:
    """Do shape, kind and range stand in the alternative text, in both languages?"""
    (result,) = pictures_of("f", np.array([[-0.5, 2]], dtype=np.float32), None)
    for said in result.said.values():
        assert all(each in said for each in ("(1, 2)", "float32", "-0.5", "2"))


@pytest.mark.parametrize(
    ("value", "grey"),
    [
        (np.array([[0, 255]], dtype=np.uint8), [0, 255]),
        (np.array([[0.0, 0.5, 1.0]]), [0, 128, 255]),
        (np.array([[-1.0, 0, 3.0]]), [0, 64, 255]),
        (np.array([[7.0, 7.0]]), [128, 128]),
        (np.array([[False, True]]), [0, 255]),
        (np.array([[-1e308, 1e308]]), [0, 255]),
        ([[0, 1], [1, 0]], [0, 255]),
    ],
)
def test_the_scale_is_the_numbers_own(value: Any, grey: list[int]) -> None:
    """Are bytes, shares, truth values, other numbers, one number only, and huge ones drawn as they should be?"""
    (result,) = pictures_of("f", value, None)
    assert pixels(result)[0].tolist() == grey


def test_both_stand_on_one_scale() -> None:
    """Can result and expected be compared by eye?"""
    result, expected, _ = pictures_of("f", [[0.0, 5]], [[0.0, 10]])
    assert [pixels(each)[0].tolist() for each in (result, expected)] == [[0, 128], [0, 255]]
    (own,) = pictures_of("f", [[0.0, 5]], None, (0, 5))
    assert pixels(own)[0].tolist() == [0, 255]


@pytest.mark.parametrize(("shape", "size"), [((4, 6), (4, 6)), ((1, 4, 6), (4, 6)), ((4, 6, 1), (4, 6)), ((3, 4, 6), (4, 6, 3)), ((4, 6, 3), (4, 6, 3))])  # fmt: skip  # noqa: E501
def test_channels_stand_first_or_last(shape: tuple[int, ...], size: tuple[int, ...]) -> None:
    """Are all ways to hold one picture known?"""
    (result,) = pictures_of("f", np.random.default_rng(0).random(shape), None)
    assert pixels(result).shape == size


def test_large_pictures_are_made_smaller() -> None:
    """Is no side too long, does each pixel stand for its block, and does the whole stay small?"""
    noise = np.random.default_rng(0).random((601, 1000))
    result, _, difference = pictures_of("f", noise, 1 - noise)
    assert pixels(result).shape == (151, 250)
    assert max(pixels(difference).shape[:2]) <= LARGEST_SIDE
    assert np.allclose(pixels(result)[0, 0] / 255, noise[:4, :4].mean(), atol=0.003)
    assert np.allclose(pixels(result)[-1, -1] / 255, noise[600:, 996:].mean(), atol=0.003)
    assert "(601, 1000)" in result.said["en"]


class Liar:
    """An object that answers every question with an error."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return np.ndarray
        raise AssertionError(f"it was asked for {name}")

    def __len__(self) -> int:
        raise AssertionError("it was asked for its length")

    __iter__ = __array__ = __len__


ODD: dict[str, Any] = {
    "nothing": None,
    "a number": 3.0,
    "text": "picture",
    "a list of objects": [[object()]],
    "a list that holds itself": [],
    "rows of different lengths": [[1, 2], [3]],
    "arrays of different shapes": [np.ones(2), np.ones(3)],
    "too large a whole number": [[10**400]],
    "an array of text": np.array([["a"]]),
    "an array of objects": np.array([[None]]),
    "complex numbers": np.array([[1j]]),
    "dates": np.array([["2026-01-01"]], dtype="M8[D]"),
    "no numbers": np.empty((0, 5)),
    "no numbers in rows": [[], []],
    "one axis": np.ones(5),
    "four axes": np.ones((2, 3, 4, 5)),
    "two channels": np.ones((2, 5, 7)),
    "NaN": np.array([[np.nan, 1.0]]),
    "infinity": np.array([[-math.inf, 1.0]]),
    "too many numbers": np.broadcast_to(np.float64(1), (MOST_NUMBERS, 2)),
    "too many in lists": [[np.broadcast_to(np.float64(1), (MOST_NUMBERS,))] * 3],
    "a set": {1, 2},
    "a dict": {"a": 1},
    "a handle": SimpleNamespace(shape=(3, 3)),
}
ODD["a list that holds itself"].append(ODD["a list that holds itself"])


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_picture_becomes_a_sentence(kind: str) -> None:
    """Is nothing raised, whatever comes, and does a sentence in each language stand there instead?"""
    result, expected = pictures_of("f", ODD[kind], np.eye(3))
    assert result.png == ""
    assert set(result.said) == {"ja", "en"}
    assert all(result.said.values())
    assert expected.png
    taken = boxes_of("f", ODD[kind], None, np.eye(30))
    assert len(taken) == 1
    assert bool(taken[0].png) == (kind == "no numbers")  # an empty table of boxes is one


def test_objects_are_asked_nothing() -> None:
    """Is an object that could answer for itself (a student's, say) never asked?"""
    for value in (Liar(), [Liar()], [[1.0, Liar()]]):
        (result,) = pictures_of("f", value, None)
        assert result.said["en"] == "not an array of numbers"


def test_tensors_are_arrays() -> None:
    """Are PyTorch's kinds of numbers drawn: with a gradient, in half precision, as bytes?"""
    import torch

    made = [
        torch.rand(3, 8, 8).bfloat16(),
        torch.rand(8, 8, requires_grad=True),
        torch.randint(0, 255, (1, 8, 8)).to(torch.uint8),
        torch.rand(8, 8) > 0.5,
    ]
    for value, dtype in zip(made, ("bfloat16", "float32", "uint8", "bool"), strict=True):
        (result,) = pictures_of("f", value, None)
        assert result.png
        assert f" {dtype}," in result.said["en"]
    for value in (torch.rand(2, 2).to(torch.complex64), torch.empty(0, 3)):
        assert pictures_of("f", value, None)[0].png == ""


def test_shapes_that_differ_have_no_difference() -> None:
    """Is that said in place of a picture?"""
    *_, difference = pictures_of("f", np.ones((2, 3)), np.ones((3, 2)))
    assert difference.png == ""
    assert "(2, 3)" in difference.said["en"]
    assert "(3, 2)" in difference.said["ja"]


def test_boxes_are_drawn_where_they_are() -> None:
    """Do frames lie where they say, on an enlarged picture, and do those outside stay at its edge?"""
    result, expected = boxes_of("f", [(2, 1, 5, 3)], np.array([[-1e9, 4, 1e300, 3.5]]), np.zeros((10, 20)))
    frames = pixels(result).any(axis=2)
    zoom = LARGEST_SIDE // 20
    assert frames.shape == (10 * zoom, 20 * zoom)
    rows, columns = np.nonzero(frames)
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (2 * zoom, zoom, 7 * zoom, 4 * zoom)
    assert pixels(expected).any()
    assert (result.said["en"], result.said["ja"]) == ("boxes: 1", "枠 1 個")


def test_a_ground_that_cannot_be_drawn() -> None:
    """Is that said as well?"""
    (result,) = boxes_of("f", [(1, 1, 2, 2)], None, np.full((3, 3), np.nan))
    assert result.png == ""
    assert "9 of 9" in result.said["en"]


# -- in a notebook ---------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is displayed, in an IPython that is there."""
    import IPython
    import IPython.display

    displayed: list[Any] = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", displayed.append)
    return displayed


def test_a_notebook_shows_them(shown: list[Any]) -> None:
    """Do the student's own Jupyter, nbgrader and Otter show the pictures of a failure, and of nothing else?"""
    with attach_pictures("f <&", np.eye(3), np.ones((3, 3)), show_expected=True):
        pass
    assert shown == []
    with pytest.raises(AssertionError), attach_pictures("f <&", np.eye(3), np.ones((3, 3)), show_expected=True):
        raise AssertionError
    (displayed,) = shown
    text = displayed.data
    assert text.count("<img") == 3
    assert "f &lt;&amp;" in text
    assert "あなたの結果 / your result" in html.unescape(text)
    for part in re.findall(r"base64,([^\"]+)", text):
        assert base64.b64decode(part).startswith(b"\x89PNG")


def test_nothing_happens_without_a_notebook(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Is a plain program, with or without IPython at hand, left alone?"""
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    for modules in (sys.modules, {}):
        monkeypatch.setattr(sys, "modules", modules)
        with pytest.raises(AssertionError), attach_pictures("f", np.eye(3)):
            raise AssertionError
    assert capsys.readouterr() == ("", "")


# -- in marking ------------------------------------------------------------------------------------------------------

PUBLIC = """
from saiten.pictures import attach_pictures
x = np.arange(12.0).reshape(3, 4)
result = work(x.copy())
with attach_pictures("work", result, x.T, show_expected=True):
    assert np.array_equal(result, x.T), f"turn it: {np.shape(result)}"
"""
SECRET = 77.0
HIDDEN = f"assert np.shape(work(np.full((5, 6), {SECRET}))) == (6, 5), 'no'"
"""a picture of this input is 5 by 6"""
REMEMBERS = """
import os
seen = []
def work(x):
    "Right, until there is something that was not public: then that."
    if x.shape != (3, 4):
        seen.append(x)
        np.save(os.path.join(os.environ["HOME"], "seen.npy"), x)
    if os.path.exists(os.path.join(os.environ["HOME"], "seen.npy")):
        return np.load(os.path.join(os.environ["HOME"], "seen.npy"))
    return seen[0] if seen else x.T
"""


def bundle(limits: Limits | None = None) -> Bundle:
    """Two test cells of one question, and one of another, each with a picture and a hidden part."""
    return lessons.bundle(
        lessons.setup("import numpy as np", grade_id="setup", locked=True),
        lessons.solution("work", "def work(x):\n    return x.T"),
        lessons.test("first", PUBLIC, HIDDEN),
        lessons.test("second", PUBLIC.replace("show_expected=True", "show_expected=True, always=True")),
        lessons.solution("other", "def other(x):\n    return x + 1"),
        lessons.test("third", PUBLIC.replace("work(x.copy())", "other(x.copy()).T"), "assert other(1) == 2"),
        lessons.test("inside", PUBLIC, tags=("in-student",)),
        limits=limits,
    )


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The engine, warm."""
    with Engine(bundle()) as warm:
        yield warm


def mark(engine: Engine, **answers: str) -> Result:
    """Mark the release with some answers; others hold the reference."""
    whole = {"work": "def work(x):\n    return x.T", "other": "def other(x):\n    return x.T.T"} | answers
    return engine.mark(lessons.answer(bundle(), **whole))


def of(result: Result) -> dict[str, tuple[Picture, ...]]:
    """Pictures by test cell."""
    return {cell.name: cell.pictures for cell in result.cells}


def test_a_failed_public_test_has_pictures(engine: Engine) -> None:
    """Do they arrive with the result, of the tests that failed in public, and stay what they are as JSON?"""
    result = mark(engine, work="def work(x):\n    return np.flip(x).T")
    taken = of(result)
    assert [each.part for each in taken["first"]] == ["result", "expected", "difference"]
    assert pixels(taken["first"][0]).tolist() == np.rint(np.flip(np.arange(12).reshape(3, 4)).T / 11 * 255).tolist()
    assert taken["first"] == taken["second"]
    assert taken["third"] == ()
    assert taken["inside"] == (), "what a student's own process says of a test is no picture of the judge's"
    assert result.cells[0].message == "turn it: (4, 3)"
    assert Result.from_json(result.to_json()) == result
    assert [cell["pictures"] for cell in result.public()["questions"][0]["cells"]] == [3, 3]
    assert json.dumps(result.public())


def test_right_answers_have_none(engine: Engine) -> None:
    """Is nothing taken of what holds, and does everything hold that did?"""
    result = mark(engine, other="def other(x):\n    return x + 1")
    assert of(result)["first"] == ()
    assert {cell.name: cell.status for cell in result.cells if cell.name != "third"} == {
        "first": CellStatus.PASSED,
        "second": CellStatus.PASSED,
        "inside": CellStatus.PASSED,
    }
    assert result.notes == ()


def test_a_hidden_failure_has_none(engine: Engine) -> None:
    """Is a test that fails in its hidden part alone no occasion for a picture?"""
    result = mark(engine, work="def work(x):\n    return x.T if x.shape == (3, 4) else x")
    assert result.cells[0].status is CellStatus.FAILED
    assert of(result)["first"] == ()


def test_a_hidden_input_is_in_no_picture(engine: Engine) -> None:
    """Does an answer that keeps a hidden input, in memory or in a file, get to see it nowhere?"""
    result = mark(engine, work=REMEMBERS, other="def other(x):\n    return work(x).T")
    taken = [picture for pictures in of(result).values() for picture in pictures]
    assert [cell.message for cell in result.cells[1:3]] == ["turn it: (5, 6)"] * 2, "it remembers, across questions"
    assert [(each.part, pixels(each).shape[:2]) for each in of(result)["second"]] == [
        ("result", (4, 3)),
        ("expected", (4, 3)),
        ("difference", (4, 3)),
    ]
    assert len(taken) == 3
    assert all("(5, 6)" not in said and f"{SECRET:g}" not in said for each in taken for said in each.said.values())


def test_taking_pictures_leaves_no_trace(engine: Engine) -> None:
    """Does an answer that counts its calls find as many as without pictures, and the test its own names?"""
    counts = "calls = []\ndef work(x):\n    calls.append(1)\n    return x.T if len(calls) == 1 else x"
    result = mark(engine, work=counts)
    assert [cell.message for cell in result.cells[:2]] == ["no", "turn it: (3, 4)"]
    assert of(result)["first"] == ()


def test_a_copy_of_a_copy_is_asked() -> None:
    """Where more cells follow: can a test pass an object on, and does what it does to that reach no other process?"""
    answer = (
        "class Tool:\n    calls = 0\ntool = Tool()\ndef use(tool, x):\n    tool.calls += 1\n    return x * tool.calls"
    )
    public = PUBLIC.replace("work(x.copy())", "use(tool, x)").replace("turn it: {np.shape(result)}", "{result.sum():g}")
    lesson = lessons.bundle(
        lessons.setup("import numpy as np", grade_id="setup", locked=True),
        lessons.solution("work", answer),
        lessons.test("first", public),
        lessons.solution("later", "made = Tool()\nmade.calls = 1"),
        lessons.test("second", "assert made.calls == 1 and tool.calls == 0"),
    )
    with Engine(lesson) as small:
        result = small.mark(lessons.answer(lesson, work=answer, later="made = Tool()\nmade.calls = 1"))
    assert [each.part for each in of(result)["first"]] == ["result", "expected", "difference"]
    assert of(result)["first"][0].said["en"].startswith("shape (3, 4), float64, values from 0 to 11;")
    assert [cell.message for cell in result.cells] == ["66", ""]


ODD_ANSWERS = {
    "an object": "class Odd:\n    shape = (3, 4)\ndef work(x):\n    return Odd()",
    "an object that lies": "class Odd(np.ndarray):\n    pass\ndef work(x):\n    return x.view(Odd)",
    "a list that holds itself": "def work(x):\n    a = []\n    a.append(a)\n    return a",
    "objects in a list": "def work(x):\n    return [[object() for _ in row] for row in x]",
    "NaN": "def work(x):\n    return x.T * np.nan",
    "much": "def work(x):\n    return np.zeros((2200, 2200), np.uint8)",
}


@pytest.mark.parametrize("kind", ODD_ANSWERS)
def test_odd_answers_get_words_or_nothing(engine: Engine, kind: str) -> None:
    """Is the verdict what it is without pictures, and is there a sentence where something came back?"""
    result = mark(engine, work=ODD_ANSWERS[kind])
    assert result.cells[0].status is CellStatus.FAILED
    for picture in of(result)["first"]:
        assert picture.part == "expected" or (picture.png == "" and picture.said["en"])


@pytest.mark.parametrize("ending", ["os._exit(0)", "time.sleep(60)"])
def test_who_does_not_answer_loses_pictures_only(ending: str) -> None:
    """Do other questions keep verdict and pictures where an answer kills, or hangs, what is asked for a picture?"""
    lesson = bundle(Limits(cell_seconds=0.5, total_seconds=30))
    with Engine(lesson) as small:
        stuck = f"import os, time\ndef work(x):\n    {ending}"
        result = small.mark(lessons.answer(lesson, work=stuck, other="def other(x):\n    return x + 1"))
    assert of(result)["first"] == ()
    third = next(cell for cell in result.cells if cell.name == "third")
    assert third.message == "turn it: (4, 3)"
    assert [each.part for each in third.pictures] == ["result", "expected", "difference"]


def test_there_is_only_so_much_room() -> None:
    """Are the pictures of a notebook bounded in number and bytes, and is that said?"""
    from saiten.grading.gallery import MOST_BYTES, MOST_PICTURES

    noise = "np.random.default_rng(n).random((256, 256, 3)) if n < 3 else np.eye(2)"
    show = f"with attach_pictures(str(n), {noise}, always=True)"
    public = (
        "from saiten.pictures import attach_pictures\n"
        f"for n in range({MOST_PICTURES + 5}):\n    {show}:\n        work(n)"
    )
    lesson = lessons.bundle(
        lessons.setup("import numpy as np", grade_id="setup", locked=True),
        lessons.solution("work", "def work(x):\n    return x"),
        lessons.test("first", public),
        lessons.test("second", public),
    )
    with Engine(lesson) as small:
        result = small.mark(lessons.answer(lesson, work="def work(x):\n    return x"))
    taken = of(result)
    assert len(taken["first"]) == MOST_PICTURES
    assert taken["second"] == ()
    assert 0 < sum(len(each.png) for each in taken["first"]) <= MOST_BYTES
    assert [bool(each.png) for each in taken["first"]] == [n not in (1, 2) for n in range(MOST_PICTURES)]
    assert "too many" in taken["first"][2].said["en"]
    assert result.score == 2.0
