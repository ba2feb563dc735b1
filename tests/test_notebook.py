"""Are instructors' notebooks read, understood, folded and refused as they should be?"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode

from course_samples import DOUBLE, Cell, cell, graded, notebook_json, solution, written
from saiten.bundle import Role
from saiten.errors import SourceError
from saiten.ipython_code import find_syntax_problem, importable, top_level_imports
from saiten.languages import fold_languages
from saiten.notebook import (
    DEFAULT_DELIMITERS,
    check_source,
    grade_id_of,
    is_locked,
    marked_lines,
    read_source,
    role_of,
    stable_ids,
)

PERCENT = """\
# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] tags=["lang-ja"]
# # 見出し

# %% [markdown] tags=["lang-en"]
# # Heading

# %%
# %matplotlib inline
import math

# %% nbgrader={"grade": false, "grade_id": "f", "locked": false, "schema_version": 3, "solution": true}
def f(x):
    ### BEGIN SOLUTION
    return math.sqrt(x)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "t", "locked": true, "points": 2, "schema_version": 3, "solution": false}
assert f(4) == 2
"""


def write(folder: Path, cells: list[Cell], **metadata: Any) -> Path:
    """Write a notebook and return its path."""
    path = folder / "n.ipynb"
    path.write_text(notebook_json(cells, **metadata), encoding="utf-8")
    return path


# --- reading ----------------------------------------------------------------------------------------------------------


def test_ipynb_is_upgraded_in_memory_only(tmp_path: Path) -> None:
    """Does an old notebook come out as valid 4.5 with ids, while its file stays as it was?"""
    path = write(tmp_path, DOUBLE)
    before = path.read_bytes()
    notebook = read_source(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert [each.id for each in notebook.cells] == ["start--1", "start--2", "double", "double-tests", "why"]
    assert path.read_bytes() == before


def test_percent_text_is_a_notebook(tmp_path: Path) -> None:
    """Do cells, tags, nbgrader's metadata and magics of a .py source arrive, and jupytext's traces not?"""
    path = tmp_path / "n.py"
    path.write_text(PERCENT, encoding="utf-8")
    notebook = read_source(path)
    nbformat.validate(notebook)
    assert [role_of(each) for each in notebook.cells] == [Role.TEXT, Role.TEXT, Role.SETUP, Role.SOLUTION, Role.TEST]
    assert notebook.cells[0].metadata.tags == ["lang-ja"]
    assert notebook.cells[2].source.startswith("%matplotlib inline")
    assert notebook.cells[4].metadata.nbgrader.points == 2
    assert "jupytext" not in notebook.metadata
    assert all("lines_to_next_cell" not in each.metadata for each in notebook.cells)


def test_percent_metadata_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Is a typing error in a cell's header an error, instead of a test that silently becomes plain code?"""
    path = tmp_path / "n.py"
    path.write_text(PERCENT.replace('"grade": true, "grade_id": "t"', '"grade": tru, "grade_id": "t"'), "utf-8")
    with pytest.raises(SourceError, match="cell 5 begins with metadata that cannot be read"):
        read_source(path)


def test_old_formats_are_upgraded(tmp_path: Path) -> None:
    """Is a notebook of nbformat 3 read?"""
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell(input="1 + 1")])]
    )
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(old), encoding="utf-8")
    assert [each.source for each in read_source(path).cells] == ["1 + 1"]


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    """Is a notebook saved by an editor that writes a BOM read?"""
    path = tmp_path / "n.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + notebook_json(DOUBLE).encode())
    assert len(read_source(path).cells) == len(DOUBLE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
        b'{"nbformat": 9, "nbformat_minor": 0, "metadata": {}, "cells": []}',
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}',
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [3]}',
        b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": '
        b'[{"cell_type": "poem", "metadata": {}, "source": ""}]}',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_notebook_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    """Does damage of any kind name the file?"""
    path = tmp_path / "n.ipynb"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=re.escape(str(path))):
        read_source(path)


def test_another_language_is_refused(tmp_path: Path) -> None:
    """Does a notebook in R say that Saiten marks Python?"""
    path = write(tmp_path, DOUBLE, kernelspec={"display_name": "R", "language": "R", "name": "ir"})
    with pytest.raises(SourceError, match="is a notebook in R"):
        read_source(path)


# --- roles and ids ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "role", "locked"),
    [
        (cell("markdown", "x"), Role.TEXT, False),
        (cell("raw", "x"), Role.TEXT, False),
        (cell("markdown", "x", grade_id="a", locked=True), Role.TEXT, True),
        (cell("code", "x"), Role.SETUP, False),
        (cell("code", "x", grade_id="a", locked=True), Role.SETUP, True),
        (solution("a", "x"), Role.SOLUTION, False),
        (solution("a", "x", locked=True), Role.SOLUTION, False),
        (graded("a", "x"), Role.TEST, True),
        (written("a", "x"), Role.MANUAL, False),
        (solution("a", "x", grade=True, points=1), Role.MANUAL, False),
        (cell("markdown", "x", grade_id="a", task=True, points=1, locked=True), Role.TASK, True),
    ],
)
def test_roles_are_nbgraders(made: Cell, role: Role, locked: bool) -> None:
    """Is each kind of cell told apart, and locked exactly where nbgrader says so?"""
    from nbgrader import utils

    node = nbformat.from_dict(made)
    assert (role_of(node), is_locked(node)) == (role, locked)
    assert bool(utils.is_locked(node)) == locked


NAMES = st.one_of(st.none(), st.text("ab-_1", min_size=1, max_size=4), st.text("ab-_1", min_size=60, max_size=70))


@given(st.lists(NAMES, max_size=20))
def test_ids_are_valid_unique_and_the_same_again(grade_ids: list[str | None]) -> None:
    """Whatever the grade_ids, are the ids what nbformat allows, all different, and the same in a second build?"""
    ids = stable_ids(grade_ids)
    assert len(set(ids)) == len(grade_ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_\-]{1,64}", each) for each in ids)
    assert ids == stable_ids(grade_ids)
    firsts = {name: at for at, name in reversed(list(enumerate(grade_ids))) if name and len(name) <= 64}
    assert all(ids[at] == name for name, at in firsts.items())


def test_a_new_cell_moves_few_ids() -> None:
    """When a text cell is added, do only those up to the next grade_id move?"""
    before = stable_ids([None, "q1", None, "q2", None, None])
    after = stable_ids([None, None, "q1", None, "q2", None, None])
    assert before[1:] == after[2:]
    assert before[0] == after[0]


# --- what is refused --------------------------------------------------------------------------------------------------


def refused(cells: list[Cell]) -> str:
    """Return what `check_source` says about cells that it must refuse."""
    notebook = nbformat.from_dict(json.loads(notebook_json(cells)))
    with pytest.raises(SourceError) as caught:
        check_source(notebook, "ps1/n")
    return str(caught.value)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (solution("", "1"), "ps1/n: cell 1 (1) has no grade_id"),
        (graded("", "1"), "has no grade_id"),
        (cell("markdown", "read", grade_id="", locked=True), "has no grade_id"),
        (solution("a b", "1"), "the grade_id 'a b' is malformed"),
        (solution("問1", "1"), "is malformed"),
        (graded("t", "1", points=None), "cell 1 (t) is marked but has no points"),
        (written("w", "x", points=None), "has no points"),
        (cell("markdown", "x", grade_id="k", task=True), "has no points"),
        (graded("t", "1", points=-1), "-1 is not a number of points"),
        (graded("t", "1", points="3"), "'3' is not a number of points"),
        (graded("t", "1", points=True), "True is not a number of points"),
        (graded("t", "1", schema_version=2), "of schema 2, 3 is needed. Run `nbgrader update`"),
        (graded("t", "1", schema_version=None), "of schema 0, 3 is needed"),
        (graded("t", "1", schema_version=4), "of schema 4, newer than 3"),
        (cell("markdown", "x", grade_id="t", grade=True, points=1), "neither code nor an answer"),
        (cell("markdown", "x", grade_id="t", solution=True), "a written answer without points"),
        (cell("code", "x", grade_id="k", task=True, points=1), "a task but not a markdown cell"),
        (cell("code", "### BEGIN SOLUTION\n1\n### END SOLUTION"), "a region of solution stands in a setup cell"),
        (graded("t", "### BEGIN SOLUTION\n1\n### END SOLUTION"), "a region of solution stands in a test cell"),
        (cell("markdown", "BEGIN SOLUTION\nx\nEND SOLUTION"), "stands in a text cell"),
        (cell("code", "### BEGIN HIDDEN TESTS\n1\n### END HIDDEN TESTS"), "hidden tests stands in a setup cell"),
        (
            solution("a", "# BEGIN SOLUTION\n# END SOLUTION\n# BEGIN HIDDEN TESTS\n# END HIDDEN TESTS"),
            "hidden tests stands in a solution cell",
        ),
        (graded("t", "# BEGIN MARK SCHEME\n1\n# END MARK SCHEME"), "mark scheme stands in a test cell"),
        (solution("a", "### BEGIN SOLUTION\n1"), "'BEGIN SOLUTION' without 'END SOLUTION' behind it"),
        (solution("a", "1\n### END SOLUTION"), "line 2: 'END SOLUTION' without 'BEGIN SOLUTION' before it"),
        (graded("t", "### BEGIN HIDEN TESTS\n1\n### END HIDDEN TESTS"), "line 3: 'END HIDDEN TESTS' without"),
        (
            solution("a", "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION\n### END SOLUTION"),
            "line 2: 'BEGIN SOLUTION' inside a region that is still open",
        ),
        (solution("a", "def f(:\n    pass"), "cell 1 (a): syntax error in line 1"),
        (solution("a", "%%time\n\nx = 1\ny = = 2"), "syntax error in line 4"),
        (cell("code", "return 3"), "syntax error"),
        (graded("t", "assert f(1"), "syntax error"),
        (solution("a", "x = '\0'"), "syntax error"),
    ],
)
def test_what_cannot_be_built_names_the_cell(bad: Cell, message: str) -> None:
    """Is each mistake of an instructor one sentence that names notebook and cell?"""
    text = refused([bad])
    assert message in text
    assert text.startswith("ps1/n: cell 1 ")


def test_a_grade_id_used_twice_names_both_cells() -> None:
    """Do two cells of one grade_id, the plainest slip of copy and paste, get named?"""
    assert "the grade_id 'a' is used 2 times, in cells 1, 3" in refused(
        [solution("a", "1"), cell("markdown", "x"), graded("a", "1")]
    )


def test_ordinary_notebooks_and_ipython_are_not_refused() -> None:
    """Do magics, commands, help, top-level await, zero points and leftovers of nbgrader's metadata pass?"""
    code = "%matplotlib inline\n!ls\nmath?\nfiles = !ls\nawait wait()\nasync with a as b:\n    pass\nx = '\\d'"
    cells = [
        *DOUBLE,
        cell("code", code),
        cell("code", "%%bash\nfor x in a b; do echo $x; done"),
        cell("code", "%%time\n%%capture out\n1"),
        cell("code", "1 +", tags=["raises-exception"]),
        graded("zero", "1", points=0),
        cell("code", "1", grade_id="left-over"),
        cell("code", "1", grade_id="left-over"),
        cell("markdown", "do", grade_id="k", task=True, points=4, locked=True),
        written("answer-with-scheme", "Because.\n### BEGIN MARK SCHEME\n2 points\n### END MARK SCHEME"),
    ]
    check_source(nbformat.from_dict(json.loads(notebook_json(cells))), "n")


def test_delimiters_follow_the_configuration() -> None:
    """With other markers, are the usual ones plain text, and is a marker allowed anywhere where it is not enforced?"""
    from dataclasses import replace

    notebook = nbformat.from_dict(json.loads(notebook_json([cell("markdown", "<<BEGIN SOLUTION\n<<END SOLUTION")])))
    check_source(notebook, "n", [replace(each, begin="@@", end="@-") for each in DEFAULT_DELIMITERS])
    check_source(notebook, "n", [replace(each, enforce=False) for each in DEFAULT_DELIMITERS])


LINES = st.lists(
    st.sampled_from(["### BEGIN SOLUTION", "### END SOLUTION", "x = 1", "", "    # END SOLUTION BEGIN SOLUTION"])
)


@given(LINES)
def test_regions_are_found_as_nbgrader_finds_them(lines: list[str]) -> None:
    """For any sequence of markers, is what nbgrader would remove what `marked_lines` marks, or is it refused?"""
    from nbgrader.preprocessors import ClearHiddenTests

    source = "\n".join(lines)
    marks, problem = marked_lines(source, DEFAULT_DELIMITERS[0])
    step = ClearHiddenTests(begin_test_delimeter="BEGIN SOLUTION", end_test_delimeter="END SOLUTION")
    made = nbformat.v4.new_code_cell(source)
    try:
        step._remove_hidden_test_region(made)
    except RuntimeError:
        assert problem
    else:
        kept = [line for line, mark in zip(lines, marks, strict=False) if not mark]
        assert made.source == "\n".join(kept)


# --- languages --------------------------------------------------------------------------------------------------------


def folded(cells: list[Cell], languages: tuple[str, ...] = ("ja", "en")) -> list[NotebookNode]:
    """Fold cells and return those that come out; the input must stay as it was."""
    notebook = nbformat.from_dict(json.loads(notebook_json(cells)))
    before = copy.deepcopy(notebook)
    result = fold_languages(notebook, languages, "ps1/n")
    assert notebook == before
    return list(result.cells)


JA = cell("markdown", "# 和文\n\n- 一\n", tags=["lang-ja", "intro"])
EN = cell("markdown", "\n# Text\n\n- one\n", tags=["lang-en"])


def test_a_pair_becomes_one_cell() -> None:
    """Does the first language stand in front and the other fold, with blank lines that keep its markdown alive?"""
    for cells in ([JA, EN], [EN, JA]):
        (one,) = folded(cells)
        assert one.source == (
            "# 和文\n\n- 一\n\n<details>\n<summary>English</summary>\n\n# Text\n\n- one\n\n</details>"
        )
    assert folded([JA, EN])[0].metadata.tags == ["intro"]
    (other,) = folded([JA, EN], ("en", "ja"))
    assert other.source.startswith("# Text\n\n- one\n\n<details>\n<summary>日本語</summary>")
    assert "tags" not in other.metadata
    assert "tags" not in folded([JA, EN], ("en", "ja"))[0].metadata


def test_the_folded_text_is_markdown_still() -> None:
    """Does a markdown renderer make headings and lists of what stands inside <details>?"""
    from nbconvert.filters import markdown2html

    html = markdown2html(folded([JA, EN])[0].source)
    assert re.search(r"<details>.*<h1[^>]*>Text.*<li>one.*</details>", html, re.DOTALL)


def test_groups_follow_each_other_and_other_cells_stay() -> None:
    """Are several groups in a row kept apart, and are untagged cells left as they are?"""
    cells = folded([cell("code", "1"), JA, EN, JA, EN, written("w", "answer"), JA, EN])
    assert [each.cell_type for each in cells] == ["code", "markdown", "markdown", "markdown", "markdown"]
    assert cells[3].metadata.nbgrader.grade_id == "w"


def test_a_course_in_one_language_leaves_the_others_out() -> None:
    """With `languages = ["en"]`, is the Japanese text gone and nothing folded?"""
    (one,) = folded([JA, EN], ("en",))
    assert one.source == "# Text\n\n- one"


def test_a_locked_pair_keeps_its_grade_id() -> None:
    """Is nbgrader's metadata of a read-only text kept, whichever language carries it?"""
    locked = cell("markdown", "x", tags=["lang-en"], grade_id="intro", locked=True)
    (one,) = folded([JA, locked])
    assert grade_id_of(one) == "intro"


def test_attachments_move_along() -> None:
    """Do pictures of the folded language come with it, and two that differ under one name get refused?"""
    picture = EN | {"attachments": {"a.png": {"image/png": "AAAA"}}}
    (one,) = folded([JA, picture])
    assert one.attachments == {"a.png": {"image/png": "AAAA"}}
    other = JA | {"attachments": {"a.png": {"image/png": "BBBB"}}}
    with pytest.raises(SourceError, match=r"the attachment 'a\.png' differs"):
        folded([other, picture])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([JA], "stands in lang-ja but not in en"),
        ([JA, cell("code", "1"), EN], "stands in lang-ja but not in en"),
        ([JA, JA, EN, EN], "cell 1 (# 和文) stands in lang-ja but not in en"),
        ([EN, cell("markdown", "x", tags=["lang-jp"])], "stands in lang-en, lang-jp but not in ja"),
        ([cell("code", "1", tags=["lang-ja"])], "not a plain markdown cell"),
        ([JA, EN | {"metadata": written("w", "")["metadata"] | {"tags": ["lang-en"]}}], "not a plain markdown cell"),
        ([cell("markdown", "x", tags=["lang-ja", "lang-en"])], "more than one language tag"),
    ],
)
def test_an_incomplete_pair_names_the_cell(cells: list[Cell], message: str) -> None:
    """Is a missing translation, or a language tag where code or points are, refused with its cell?"""
    with pytest.raises(SourceError) as caught:
        folded(cells)
    assert message in str(caught.value)
    assert str(caught.value).startswith("ps1/n: cell ")


def test_other_tags_are_no_languages() -> None:
    """Is a tag that merely begins alike left in peace?"""
    odd = cell("code", "1", tags=["lang-", "language-note", "lang-Rlang9", "slide"])
    assert folded([odd])[0].metadata.tags == ["lang-", "language-note", "lang-Rlang9", "slide"]


# --- code -------------------------------------------------------------------------------------------------------------


def test_imports_are_those_outside_functions() -> None:
    """Are imports found with their dotted names, under if and try too, in magics' bodies, but not in functions?"""
    source = (
        "%%time\nfrom __future__ import annotations\nimport os.path, json as j\n"
        "from torch.nn import functional as F, Linear\nfrom math import *\n"
        "try:\n    import cupy\nexcept ImportError:\n    import array\nelse:\n    import bisect\n"
        "if True:\n    import heapq\nwith open('x'):\n    import queue\n"
        "from . import mine\n"
        "def f():\n    import socket\nclass A:\n    import wave\n"
    )
    assert top_level_imports(source) == [
        "os.path",
        "json",
        "torch.nn",
        "torch.nn.functional",
        "torch.nn.Linear",
        "math",
        "cupy",
        "bisect",
        "array",
        "heapq",
        "queue",
    ]
    assert top_level_imports("def (") == []


def test_only_modules_that_exist_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are functions, missing packages and the course's own modules dropped, without importing anything?"""
    import sys

    (tmp_path / "mine_of_this_test.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "folder_of_this_test").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("xml.dom.expatbuilder", None)
    wanted = [
        "xml.dom.expatbuilder",
        "xml.dom.nothing",
        "os.path",
        "math.sqrt",
        "sys",
        "no_such_package_anywhere.x",
        "mine_of_this_test",
        "folder_of_this_test",
    ]
    found = importable(wanted, without=[tmp_path])
    assert found == ("math", "os", "sys", "xml.dom", "xml.dom.expatbuilder")
    assert "xml.dom.expatbuilder" not in sys.modules
    assert "mine_of_this_test" in importable(wanted)


def test_a_syntax_problem_has_its_line() -> None:
    """Is the line counted in the cell as the instructor sees it?"""
    problem = find_syntax_problem("x = 1\ny = (\n")
    assert problem is not None
    assert problem.line == 2
    assert find_syntax_problem("x = 1") is None
    deep = find_syntax_problem("(" * 5000 + ")" * 5000)
    assert deep is not None
