"""Is what runs the instructor's notebook with the student's text in its places, whatever was handed in?"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lessons
from saiten.bundle import BundleCell, BundleNotebook, Role
from saiten.errors import SubmissionError
from saiten.grading import rebuild
from saiten.grading.rebuild import Plan, SubmittedCell, clean_text, document_ids, parse, plan

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
NOTEBOOK = lessons.bundle(
    lessons.text("# Title"),
    lessons.setup("import math", id="imports"),
    lessons.setup("SECRET = 1", grade_id="locked", locked=True),
    lessons.solution("f", "def f(): return 1", STUB),
    lessons.text("Some prose."),
    lessons.test("test-f", "assert f() == 1", "assert f() is not True"),
    lessons.setup("print(f())", id="demonstration"),
    lessons.solution("g", "def g(): return 2", STUB),
    lessons.test("test-g", "assert g() == 2", "assert g() != 3", tags=("in-student",)),
    lessons.manual("why", "Because."),
    BundleCell("task", "task", Role.TASK, "markdown", "Draw.", "Draw.", points=2.0),
    lessons.text("# End"),
).notebooks[0]


def released(notebook: BundleNotebook = NOTEBOOK) -> list[dict[str, Any]]:
    """The notebook as students get it."""
    cells = []
    for cell in notebook.cells:
        raw = lessons.code_cell(cell.release_source, cell.grade_id, id=cell.id)
        if cell.cell_type != "code":
            raw = {key: raw[key] for key in ("metadata", "source", "id")} | {"cell_type": cell.cell_type}
        cells.append(raw)
    return cells


def planned(cells: list[dict[str, Any]], notebook: BundleNotebook = NOTEBOOK) -> Plan:
    """Parse and lay out."""
    return plan(notebook, parse(lessons.notebook(*cells)))


def answered(**answers: str) -> list[dict[str, Any]]:
    """The released notebook with some answers."""
    cells = released()
    for cell in cells:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = answers.get(grade_id, cell["source"])
    return cells


def text_of(made: Plan, grade_id: str) -> str:
    """What counts for one of the instructor's cells."""
    return next(step.source for step in made.steps if step.cell is not None and step.cell.grade_id == grade_id)


def own(source: str, cell_type: str = "code") -> dict[str, Any]:
    """A cell of the student's own."""
    return {"cell_type": cell_type, "metadata": {}, "source": source}


# -- laws -----------------------------------------------------------------------------------------------------------

GRADE_IDS = [cell.grade_id for cell in NOTEBOOK.cells if cell.grade_id]
TEXTS = st.one_of(
    st.sampled_from(["", " \n", STUB, "def f(): return 3", *(cell.release_source for cell in NOTEBOOK.cells)]),
    st.sampled_from([cell.source for cell in NOTEBOOK.cells]),
    st.text(st.characters(exclude_categories=()), max_size=20),
)
SUBMITTED = st.lists(
    st.builds(
        SubmittedCell,
        cell_type=st.sampled_from(["code", "markdown", "raw"]),
        source=TEXTS,
        grade_id=st.none() | st.sampled_from([*GRADE_IDS, "unknown", ""]),
        id=st.none() | st.sampled_from([*(cell.id for cell in NOTEBOOK.cells), "", "x"]),
    ),
    max_size=25,
)
LAWS = settings(max_examples=300, deadline=None)


@LAWS
@given(SUBMITTED)
def test_the_instructors_cells_stand_once_and_in_order(submitted: list[SubmittedCell]) -> None:
    """Are all of them there, of their own type, whatever came?"""
    made = plan(NOTEBOOK, submitted)
    assert [step.cell for step in made.steps if step.cell is not None] == list(NOTEBOOK.cells)
    assert all(step.cell_type == step.cell.cell_type for step in made.steps if step.cell is not None)


@LAWS
@given(SUBMITTED)
def test_what_is_not_the_students_is_never_the_students(submitted: list[SubmittedCell]) -> None:
    """Is the text of tests the bundle's with its hidden part, and that of locked cells and tasks the released one?"""
    for step in plan(NOTEBOOK, submitted).steps:
        if step.cell is not None and step.cell.role is Role.TEST:
            assert step.source == step.cell.source
        elif step.cell is not None and (step.cell.role is Role.TASK or step.cell.grade_id == "locked"):
            assert step.source == step.cell.release_source
            assert not step.changed


@LAWS
@given(SUBMITTED)
def test_an_answer_is_text_that_was_handed_in_for_it(submitted: list[SubmittedCell]) -> None:
    """Is it the first cell of that grade_id that is neither empty nor the stub, else the first, else nothing?"""
    made = plan(NOTEBOOK, submitted)
    for cell in NOTEBOOK.cells:
        if cell.role not in (Role.SOLUTION, Role.MANUAL):
            continue
        texts = [each.source for each in submitted if each.grade_id == cell.grade_id]
        stub = {"", rebuild._normal(cell.release_source)}
        answers = [text for text in texts if rebuild._normal(text) not in stub]
        assert text_of(made, cell.grade_id or "") == (answers or texts or [""])[0]


@LAWS
@given(SUBMITTED)
def test_a_students_own_cells_keep_their_order_and_are_not_lost(submitted: list[SubmittedCell]) -> None:
    """Is every cell that is none of the instructor's there once, in the order in which it was handed in?"""
    made = plan(NOTEBOOK, submitted)
    mine = [(step.cell_type, step.source) for step in made.steps if step.cell is None]
    marked = [cell for cell in submitted if cell.grade_id in GRADE_IDS]
    rest = [(cell.cell_type, cell.source) for cell in submitted if cell not in marked]
    assert not Counter(mine) - Counter(rest), "nothing is made up, and no cell of the instructor's is taken for one"
    ids, texts = {cell.id for cell in NOTEBOOK.cells}, {rebuild._normal(cell.release_source) for cell in NOTEBOOK.cells}
    surely_mine = [
        (cell.cell_type, cell.source)
        for cell in submitted
        if cell.grade_id not in GRADE_IDS and cell.id not in ids and rebuild._normal(cell.source) not in texts
    ]
    assert not Counter(surely_mine) - Counter(mine), "nothing of one's own is lost"


@LAWS
@given(st.lists(st.tuples(st.integers(0, len(NOTEBOOK.cells)), st.integers(0, 99)), max_size=8))
def test_own_cells_stand_behind_what_they_stood_behind(inserted: list[tuple[int, int]]) -> None:
    """Is an own cell behind the instructor's cell that it followed, wherever it was put?"""
    cells: list[dict[str, Any]] = []
    expected: list[tuple[int, str]] = []
    for place in range(len(NOTEBOOK.cells) + 1):
        for number, (where, what) in enumerate(inserted):
            if where == place:
                cells.append(own(f"own_{number} = {what}"))
                expected.append((place, f"own_{number} = {what}"))
        if place < len(NOTEBOOK.cells):
            cells.append(released()[place])
    found, passed = [], 0
    for step in planned(cells).steps:
        if step.cell is None:
            found.append((passed, step.source))
        else:
            passed += 1
    assert found == expected


@LAWS
@given(SUBMITTED)
def test_the_same_cells_give_the_same_plan(submitted: list[SubmittedCell]) -> None:
    """Is the plan a function of what was handed in, and are the ids of its document unique?"""
    made = plan(NOTEBOOK, submitted)
    assert made == plan(NOTEBOOK, list(submitted))
    ids = document_ids(made.steps)
    assert len(ids) == len(set(ids)) == len(made.steps)


@LAWS
@given(st.permutations(range(len(NOTEBOOK.cells))))
def test_moved_cells_stand_where_they_belong(order: list[int]) -> None:
    """Does the order of the instructor's cells in a submission count for nothing?"""
    cells = answered(f="def f(): return 1", g="def g(): return 2", why="It is so.")
    moved = [cells[index] for index in order]
    assert [step.source for step in planned(moved).steps if step.cell is not None] == [
        step.source for step in planned(cells).steps
    ]


@LAWS
@given(st.binary(max_size=300))
def test_bytes_are_cells_or_a_refusal(content: bytes) -> None:
    """Does no file bring any other exception?"""
    try:
        cells = parse(content)
    except SubmissionError:
        return
    assert all(isinstance(cell, SubmittedCell) for cell in cells)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=9,
)
FIELDS = ["cell_type", "source", "metadata", "id", "nbgrader", "grade_id", "outputs"]
ODD_CELLS = st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(["code", "markdown"]), max_size=7)


@LAWS
@given(st.lists(ODD_CELLS | JSON, max_size=6), st.integers(-1, 6) | JSON, JSON)
def test_odd_json_is_cells_or_a_refusal(cells: list[Any], version: Any, metadata: Any) -> None:
    """The same for JSON that nearly is a notebook; and what is read can be laid out and written as UTF-8."""
    raw = {"nbformat": version, "metadata": metadata, "cells": cells, "worksheets": [{"cells": cells}]}
    try:
        made = plan(NOTEBOOK, parse(json.dumps(raw).encode()))
    except SubmissionError:
        return
    assert len(made.steps) >= len(NOTEBOOK.cells)
    for step in made.steps:
        step.source.encode()


@LAWS
@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_cleaned_text_can_be_written_and_is_clean(text: str) -> None:
    """Has it no NUL, no carriage return, no half of a character; and is cleaning twice cleaning once?"""
    cleaned = clean_text(text)
    cleaned.encode()
    assert not {"\0", "\r"} & set(cleaned)
    assert clean_text(cleaned) == cleaned


# -- cases ----------------------------------------------------------------------------------------------------------


def test_the_untouched_release() -> None:
    """Is it the instructor's notebook, with everything unchanged, nothing to note, and the warm start usable?"""
    made = planned(released())
    assert [step.cell for step in made.steps] == list(NOTEBOOK.cells)
    assert made.notes == ()
    assert made.unchanged == ("f", "g", "why")
    assert not made.leading_changed


def test_missing_answers_are_noted() -> None:
    """Does a deleted solution cell leave an empty one, and a note?"""
    made = planned([cell for cell in released() if cell["metadata"].get("nbgrader", {}).get("grade_id") != "f"])
    assert text_of(made, "f") == ""
    assert made.notes == ("f: the cell is missing from the submission.",)
    assert "f" not in made.unchanged


@pytest.mark.parametrize(
    ("texts", "counts"),
    [
        (["", "def f(): return 1"], "def f(): return 1"),
        ([STUB, "def f(): return 1"], "def f(): return 1"),
        ([STUB + "  \n\n", " ", "def f(): return 1", "def f(): return 2"], "def f(): return 1"),
        (["def f(): return 1", STUB], "def f(): return 1"),
        ([STUB, ""], STUB),
    ],
)
def test_duplicates(texts: list[str], counts: str) -> None:
    """Does the first that was answered count, with a note?"""
    cells = answered()
    at = next(index for index, cell in enumerate(cells) if cell["id"] == "f")
    cells[at : at + 1] = [{**cells[at], "source": text} for text in texts]
    made = planned(cells)
    assert text_of(made, "f") == counts
    assert made.notes == (f"f: the cell is there {len(texts)} times; the first one with an answer counts.",)
    assert len(made.steps) == len(NOTEBOOK.cells), "a duplicate is no cell of the student's own"


def test_duplicated_tests_and_prose_are_not_run_twice() -> None:
    """Do second copies of tests, tasks, locked cells and prose disappear?"""
    made = planned([cell for cell in released() for _ in range(2) if cell["id"] not in ("f", "g", "why")])
    extra = [step.source for step in made.steps if step.cell is None]
    assert extra == ["import math", "print(f())"], "copies of unlocked code are the student's own"


@pytest.mark.parametrize("cell_type", ["markdown", "raw"])
def test_an_answer_in_a_cell_of_another_type_is_code(cell_type: str) -> None:
    """Does the type come from the instructor?"""
    cells = answered(f="def f(): return 1")
    for cell in cells:
        cell["cell_type"] = cell_type
    made = planned(cells)
    assert text_of(made, "f") == "def f(): return 1"
    assert all(step.cell_type == "code" for step in made.steps if step.cell is not None and step.cell.grade_id == "f")


def test_unlocked_set_up_cells() -> None:
    """Is the student's version of an unlocked cell run, found by id or text, and the instructor's where it is gone?"""
    cells = answered()
    cells[1]["source"] = "import math, random"
    edited = planned(cells)
    assert edited.steps[1].source == "import math, random"
    assert edited.steps[1].changed
    assert edited.leading_changed
    for cell in cells:
        cell.pop("id")
    cells[1]["source"] = "import math  "
    found_by_text = planned(cells)
    assert not found_by_text.leading_changed
    assert all(step.cell is not None for step in found_by_text.steps)
    del cells[1]
    assert planned(cells).steps[1].source == "import math"


def test_own_code_above_the_set_up_makes_the_start_cold() -> None:
    """Is the warm namespace used only where nothing of the student's comes before it?"""
    assert planned([own("x = 1"), *released()]).leading_changed
    assert not planned([own("thoughts", "markdown"), *released()]).leading_changed
    assert not planned([*released(), own("x = 1")]).leading_changed


def test_which_steps_run_in_the_students_process() -> None:
    """Do only tests with the tag leave the judge, and prose run nowhere?"""
    made = planned([*answered(), own("x = 1"), own("# thoughts", "markdown")])
    names = [step.name for step in made.steps if step.runs_in_student]
    assert names == [
        "cell imports",
        "cell locked",
        "cell f",
        "cell demonstration",
        "cell g",
        "cell test-g",
        "your own cell",
    ]


def test_version_3() -> None:
    """Are answers of an old notebook found by grade_id, and its own cells kept?"""
    cells = [
        {"cell_type": "heading", "level": 1, "metadata": {}, "source": ["My title"]},
        {"cell_type": "code", "input": ["def f():\n", "    return 1"], "language": "python", "outputs": [],
         "metadata": {"nbgrader": {"grade_id": "f"}}, "collapsed": False, "prompt_number": 3},
        {"cell_type": "code", "input": "x = 1", "language": "python", "outputs": [], "metadata": {}},
    ]  # fmt: skip
    raw = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "old"}, "worksheets": [{"cells": cells}]}
    made = plan(NOTEBOOK, parse(json.dumps(raw).encode()))
    assert text_of(made, "f") == "def f():\n    return 1"
    assert [step.source for step in made.steps if step.cell is None] == ["# My title", "x = 1"]


def test_an_old_notebook_is_read_without_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is nbformat, which takes seconds for a megabyte of nonsense, never asked?"""
    monkeypatch.setitem(sys.modules, "nbformat", None)
    cells = [
        {"cell_type": kind, "source": [7, "x"], "input": {}, "level": kind} for kind in ("html", "heading", 7, None)
    ]
    raw = {"nbformat": 2, "worksheets": [{"cells": [*cells, 3, None]}, {}]}
    assert [cell.source for cell in parse(json.dumps(raw).encode())] == ["x", "x"]


def test_names_are_compared_as_people_read_them() -> None:
    """Are a composed and a decomposed accent one grade_id, and a name that is too long none?"""
    notebook = lessons.bundle(lessons.solution("größe", "x = 1", STUB)).notebooks[0]
    decomposed = unicodedata.normalize("NFD", "größe")
    made = planned([lessons.code_cell("x = 2", decomposed)], notebook)
    assert text_of(made, "größe") == "x = 2"
    assert parse(lessons.notebook(lessons.code_cell("x", "\u0301\u0323" * 600_000)))[0].grade_id is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "not valid JSON"),
        (b"\xff", "UTF-8"),
        (b"{", "not valid JSON"),
        (b"[]", "not a Jupyter notebook"),
        (b'{"nbformat": 4}', "no list of cells"),
        (b'{"nbformat": 3, "worksheets": 3}', "old format 3"),
        (b'{"nbformat": 3, "worksheets": [3, {"cells": []}]}', "old format 3"),
        (b'{"nbformat": 3, "worksheets": [{"cells": {}}]}', "old format 3"),
        (b'{"nbformat": 0, "cells": []}', "old format 0"),
        (b'{"nbformat": 4, "cells": [' + b"{}," * 5000 + b"{}]}", "more than 5000 cells"),
        (b" " * (rebuild.MAX_NOTEBOOK_BYTES + 1), "larger than 64 MB"),
    ],
)
def test_refusals_say_why(content: bytes, words: str) -> None:
    """Does the sentence name what is wrong?"""
    with pytest.raises(SubmissionError, match=words):
        parse(content)
