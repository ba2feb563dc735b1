"""Is a whole notebook clean, valid and the instructor's part of it untouched, whatever was handed in?"""

from __future__ import annotations

import copy
import json
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saiten.sanitise import VERSION, Instructor, clean_notebook
from saiten.sanitise.attachments import clean_name

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PROSE = "<details><summary>English</summary><script>x</script></details> ![x](https://example.org/x.png) $\\href{a}{b}$"
MARKS = {
    "nbgrader": {"grade": True, "grade_id": "essay", "points": 2, "solution": True, "locked": False, "task": False}
}


def cell(kind: str, source: Any, name: str = "c1", **more: Any) -> dict[str, Any]:
    """A cell as the engine writes it."""
    made = {"cell_type": kind, "id": name, "metadata": {}, "source": source}
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    return made | more


def whole(*cells: Any, **metadata: Any) -> dict[str, Any]:
    """A notebook."""
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def test_the_instructors_words_stay_and_the_same_words_of_a_student_do_not() -> None:
    """Is it the text that decides whose it is, whatever cell it stands in?"""
    mine = Instructor(frozenset({("markdown", PROSE)}), {"intro": {"tags": ["lang-en"]}})
    intro = cell("markdown", PROSE.splitlines(keepends=True), "intro", metadata={"tags": ["lang-en"]})
    other = cell("markdown", PROSE + " ", "own-1", metadata={"tags": ["<script>"], "trusted": True})
    cleaned = clean_notebook(whole(intro, other), mine)
    first, second = cleaned.notebook["cells"]
    assert first == intro
    assert second["metadata"] == {}
    assert "".join(second["source"]).startswith("< details>< summary>English< /summary>< script>")
    assert cleaned.remarks == (
        "taken out of action: HTML that acts, in cell 2",
        "taken out of action: pictures that are not in the notebook, in cell 2",
        "taken out of action: TeX commands that do more than show a formula, in cell 2",
    )


def test_a_cell_is_named_by_the_instructors_metadata() -> None:
    """Are grade_ids believed only where they are the instructor's, and used for remarks and headings?"""
    mine = Instructor(metadata={"a": MARKS})
    cells = [
        cell("markdown", "# essay\n<script>", "a", metadata=MARKS),
        cell("markdown", "<script>", "b", metadata={"nbgrader": {"grade_id": "\x1b[31mfake", "points": 1000}}),
    ]
    cleaned = clean_notebook(whole(*cells), mine)
    assert [each["metadata"] for each in cleaned.notebook["cells"]] == [MARKS, {}]
    assert cleaned.notebook["cells"][0]["source"] == ["# \u200bessay\n", "< script>"]
    assert cleaned.remarks == ("taken out of action: HTML that acts, in essay, cell 2",)


def test_metadata_of_the_notebook() -> None:
    """Are only the kernel's plain names and the version of the rules left?"""
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "<script>", "x": [1]}
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": {}, "version_major": 2}}
    language = {"name": "<script>", "pygments_lexer": "x", "nbconvert_exporter": "x"}
    cleaned = clean_notebook(whole(kernelspec=kernel, widgets=widgets, title="<script>", language_info=language))
    kept = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
    assert cleaned.notebook["metadata"] == {"kernelspec": kept, "saiten": {"cleaned": VERSION}}
    known = clean_notebook(whole(kernelspec=kernel), Instructor(kernelspec=kernel))
    assert known.notebook["metadata"]["kernelspec"] == kernel


def test_code_is_shown_as_it_is_but_for_characters_that_hide_it() -> None:
    """Does code stay to the letter, except where it would be read in another order than it runs?"""
    plain = "x = '<script>alert(1)</script>'  # あ\n%%html\n<b>\tx</b> \\href"
    cleaned = clean_notebook(whole(cell("code", plain)))
    assert ("".join(cleaned.notebook["cells"][0]["source"]), cleaned.remarks) == (plain, ())
    trojan = clean_notebook(whole(cell("code", "if a != 'user\u202e \u2066# admin\u2069 \u2066': \x1b[2Jpass")))
    assert trojan.notebook["cells"][0]["source"] == ["if a != 'user\\u202e \\u2066# admin\\u2069 \\u2066': pass"]
    assert trojan.remarks == ("taken out of action: control characters in code, in cell 1",)


def test_attached_pictures() -> None:
    """Do pictures stay with their cell, and nothing else that calls itself an attachment?"""
    attachments = {
        "scan.png": {"image/svg+xml": "PHN2Zz4=", "image/png": PIXEL},
        "evil.svg": {"image/svg+xml": "PHN2Zz4="},
        "page.html": {"text/html": "PHNjcmlwdD4="},
        'a" onerror="x': {"image/png": PIXEL},
        "odd.png": {"image/png": [1, None, PIXEL]},
        "none.png": "x",
    }
    source = "".join(f"![x](attachment:{name}) " for name in attachments)
    cleaned = clean_notebook(whole(cell("markdown", source, attachments=attachments)))
    (only,) = cleaned.notebook["cells"]
    names = ("scan.png", clean_name('a" onerror="x'), "odd.png")
    assert only["attachments"] == {name: {"image/png": PIXEL} for name in names}
    assert "".join(only["source"]).count("![x](attachment:") == 2
    assert cleaned.remarks[0] == "left out: an attachment that is no PNG, JPEG or GIF picture, or too large, in cell 1"


def test_remarks_are_few() -> None:
    """Is a notebook of a thousand hostile cells one line for staff?"""
    cells = [cell("markdown", "<script>", f"c{number}") for number in range(1000)]
    cleaned = clean_notebook(whole(*cells))
    assert cleaned.remarks == (
        "taken out of action: HTML that acts, in cell 1, cell 2, cell 3, cell 4 and 996 more",
    )  # fmt: skip


@pytest.mark.parametrize(
    "notebook",
    [
        *(
            {},
            {"cells": 3},
            {"cells": [None, 3, "x", [], {}]},
            whole({"cell_type": "unknown"}),
            whole({"cell_type": []}),
        ),
        whole(cell("code", {"a": 1}, outputs={"x": 1}, execution_count="<script>"), kernelspec=[1]),
        whole(cell("code", [1, None, "x"], 7, outputs=[None, 3, {"output_type": 3}])),
        whole(cell("markdown", None, attachments=[1], metadata=[1]), cell("raw", "<b>", "x" * 100)),
        {"cells": [cell("markdown", "\ud800\0", "a")], "metadata": None},
    ],
)
def test_anything_becomes_a_notebook(notebook: dict[str, Any]) -> None:
    """Is what comes out always valid, and text that can be written?"""
    before = copy.deepcopy(notebook)
    cleaned = clean_notebook(notebook).notebook
    assert notebook == before
    text = json.dumps(cleaned, ensure_ascii=False, allow_nan=False)
    text.encode()
    nbformat.validate(nbformat.reads(text, as_version=4))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("<script>x</script>"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "cell_type",
                        "source",
                        "outputs",
                        "metadata",
                        "id",
                        "attachments",
                        "data",
                        "text/html",
                        "image/png",
                    ),
                    *("output_type", "text", "name", "traceback", "execution_count", "nbgrader", "text/markdown", "x"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
CELL = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw", "x"]), "source": JSON},
    optional={"outputs": st.lists(JSON, max_size=3), "metadata": JSON, "id": JSON, "attachments": JSON},
)


@settings(max_examples=300, deadline=None)
@given(st.lists(CELL | JSON, max_size=4), JSON)
def test_twice_is_once(cells: list[Any], metadata: Any) -> None:
    """Does cleaning a clean notebook change nothing, and is it valid?"""
    once = clean_notebook({"cells": cells, "metadata": metadata}).notebook
    twice = clean_notebook(once)
    assert (twice.notebook, twice.remarks) == (once, ())
    nbformat.validate(nbformat.from_dict(once))
