"""Is it told rightly what a change of tests can change, and what a test may owe to earlier ones?"""

from __future__ import annotations

from dataclasses import replace

import pytest

import lessons
from saiten.batch.changes import Change, Parts, change
from saiten.batch.reads import reads_first
from saiten.bundle import Bundle, BundleCell, Limits

READS = {
    "x": {"x"},
    "x = 1\nassert x": set(),
    "assert x\nx = 1": {"x"},
    "x += 1": {"x"},
    "x = y = z": {"z"},
    "del x\nx": {"x"},
    "x = 1\ndel x\nx": {"x"},
    "for k in range(3):\n    assert f(k)": {"range", "f"},
    "for k in ():\n    n = 1\nassert n": {"n"},
    "while x:\n    y = 1\ny": {"x", "y"},
    "if c:\n    a = 1\nelse:\n    a = 2\na": {"c"},
    "if c:\n    a = 1\na": {"c", "a"},
    "with f() as g:\n    h = g\nh": {"f"},
    "try:\n    a = f()\nexcept ValueError as e:\n    a = e\na": {"f", "ValueError"},
    "try:\n    a = f()\nexcept ValueError:\n    pass\na": {"f", "ValueError", "a"},
    "def g(a, b=c):\n    d = a + e\n    return d": {"c", "e"},
    "def g(n):\n    return g(n - 1)": set(),
    "def g():\n    global n\n    n = n + 1": {"n"},
    "k = 1\ng = lambda a: a + k + m": {"m"},
    "[a for a in b if a > c]": {"b", "c"},
    "import numpy as np\nfrom a import b as c\nnp.x(c)": set(),
    "class K(B):\n    z = w": {"B", "w"},
    "match v:\n    case [a, *b]:\n        a, b\n    case {'k': c}:\n        c": {"v"},
    "(n := f())\nn": {"f"},
    "async def g():\n    return q": {"q"},
    "x: int = y": {"y", "int"},
    "print(f'{a!r:>{b}}')": {"print", "a", "b"},
}


@pytest.mark.parametrize("source", READS)
def test_names_that_a_cell_reads_first(source: str) -> None:
    """Are the names found that a cell reads before it binds them?"""
    assert reads_first(source) == READS[source]


def lesson(**tests: str) -> Bundle:
    """Three questions `a`, `b`, `c` with a test each; tests' texts can be given."""
    cells: list[BundleCell] = [lessons.setup("import numpy as np\ndata = [1, 2]")]
    for name in "abc":
        cells.append(lessons.solution(name, f"def {name}(x):\n    return x"))
        cells.append(lessons.test(f"test-{name}", tests.get(name, f"assert {name}(1) == 1")))
    return lessons.bundle(*cells)


BEFORE = lesson()


def told(before: Bundle, after: Bundle) -> Change:
    """What has changed; what is kept of a bundle is written and read back."""
    return change(Parts.from_json(Parts.of(before).to_json()), after)


@pytest.mark.parametrize(
    ("before", "after", "questions", "needed"),
    [
        ({}, {}, (), ()),
        ({}, {"b": "assert b(2) == 2"}, ("b",), ()),
        ({}, {"a": "assert a(0) == 0", "c": "assert c(3)"}, ("a", "c"), ()),
        # what the changed test binds is read by a later one, now or before
        ({"c": "assert c(n)"}, {"a": "n = 5\nassert a(n) == n", "c": "assert c(n)"}, ("a", "c"), ()),
        ({"a": "n = 5", "c": "assert c(n)"}, {"c": "assert c(n)"}, ("a", "c"), ()),
        # one that binds the name itself does not care
        ({"c": "n = 1\nassert c(n)"}, {"a": "n = 5", "c": "n = 1\nassert c(n)"}, ("a",), ()),
        # an earlier one does not care either
        ({"a": "assert a(1)"}, {"a": "assert a(1)", "c": "data = 3"}, ("c",), ()),
        # what the changed test reads is bound by an unchanged one, which needs another
        (
            {"a": "m = 1", "b": "n = m", "c": "assert c(n)"},
            {"a": "m = 1", "b": "n = m", "c": "assert c(n) == n"},
            ("c",),
            ("test-a", "test-b"),
        ),
        # modules that the notebook has anyway make no bond
        (
            {"a": "import numpy as np\nnp", "c": "np.ones(1)"},
            {"a": "import numpy as np\nnp.x", "c": "np.ones(1)"},
            ("a",),
            (),
        ),
    ],
)
def test_whose_questions_are_reached(
    before: dict[str, str], after: dict[str, str], questions: tuple[str, ...], needed: tuple[str, ...]
) -> None:
    """Are the questions named whose scores can differ, and the tests that those need?"""
    found = told(lesson(**before), lesson(**after))
    assert found.whole == ""
    assert found.questions == questions
    assert found.marked.get("lesson", frozenset()) == {f"test-{name}" for name in questions}
    assert found.needed.get("lesson", frozenset()) == set(needed)


def without(bundle: Bundle, name: str) -> Bundle:
    """The bundle without one cell."""
    (notebook,) = bundle.notebooks
    kept = tuple(cell for cell in notebook.cells if cell.id != name)
    return replace(bundle, notebooks=(replace(notebook, cells=kept),))


def test_a_test_that_goes_reaches_who_used_its_names() -> None:
    """Is a question marked again that read what a removed test bound?"""
    before = lesson(a="n = 5", c="assert c(n)")
    assert told(before, without(before, "test-a")).questions == ("c",)
    assert told(BEFORE, without(BEFORE, "test-a")) == Change("", {"lesson": frozenset()}, {"lesson": frozenset()}, ())


def test_a_new_test_is_marked() -> None:
    """Is a question marked again that got another test?"""
    assert told(without(BEFORE, "test-b"), BEFORE).questions == ("b",)


def test_points_count_as_a_change() -> None:
    """Is a question marked again whose points changed, and one whose test moved to another question?"""
    (notebook,) = BEFORE.notebooks
    cells = tuple(replace(cell, points=7.0) if cell.id == "test-b" else cell for cell in notebook.cells)
    assert told(BEFORE, replace(BEFORE, notebooks=(replace(notebook, cells=cells),))).questions == ("b",)
    order = [0, 1, 2, 3, 5, 4, 6]
    moved = replace(notebook, cells=tuple(notebook.cells[place] for place in order))
    found = told(BEFORE, replace(BEFORE, notebooks=(moved,)))
    assert (found.questions, found.marked) == (("b",), {"lesson": frozenset({"test-b", "test-c"})})


@pytest.mark.parametrize(
    "after",
    [
        replace(BEFORE, limits=Limits(cell_seconds=3)),
        replace(BEFORE, files={"a.csv": b"1"}),
        replace(BEFORE, hidden_files={"a.csv": b"1"}),
        replace(BEFORE, allow_files=("*.txt",)),
        replace(BEFORE, gpu="optional"),
        without(BEFORE, "a"),
    ],
)
def test_more_than_tests(after: Bundle) -> None:
    """Is everything marked again where cells, data or limits have changed?"""
    assert "more than tests" in told(BEFORE, after).whole


def test_titles_and_other_files_of_the_source_change_nothing() -> None:
    """Does nobody have to be marked again for a title?"""
    assert told(BEFORE, replace(BEFORE, title={"en": "New"}, source_hash="x")) == Change()


def test_magics_are_not_guessed_at() -> None:
    """Is everything marked again where a test holds what only IPython understands?"""
    assert "magics" in told(BEFORE, lesson(b="%time b(1)")).whole
