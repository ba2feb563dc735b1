"""Are planted answers read as they are written, and is every slip in one told in a sentence?"""

from __future__ import annotations

from pathlib import Path

import pytest

from saiten.answers import Kind, read_answer, read_answers
from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role
from saiten.errors import SourceError

MISTAKE = """\
# ---
# kind: mistake
# title: 和を平均と取り違える (the sum instead of the mean)
# scores: {mean: 1}
# ---

# %% mean
# the sum
def mean(values):
    return sum(values)

# %% thoughts [markdown]
# It **grows**.
#
# Always.
"""


def bundle() -> Bundle:
    """Two questions of 4 and 2 points, and one that a person marks."""

    def cell(grade_id: str, role: Role, points: float = 0.0, cell_type: str = "code") -> BundleCell:
        return BundleCell(grade_id, grade_id, role, cell_type, "source", "release", points)

    cells = (
        cell("mean", Role.SOLUTION),
        cell("mean-public", Role.TEST, 1),
        cell("mean-hidden", Role.TEST, 3),
        cell("median", Role.SOLUTION),
        cell("median-test", Role.TEST, 2),
        cell("thoughts", Role.MANUAL, 5, "markdown"),
    )
    return Bundle("ps1", (BundleNotebook("ps1", cells),))


def write(folder: Path, text: str, name: str = "sum.py") -> Path:
    """Write one answer file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_mistake_is_read(tmp_path: Path) -> None:
    """Do header, code and prose arrive as text, without the comment marks of the percent format?"""
    answer = read_answer(write(tmp_path, MISTAKE))
    assert (answer.name, answer.kind) == ("sum", Kind.MISTAKE)
    assert answer.cells == {
        "mean": "# the sum\ndef mean(values):\n    return sum(values)",
        "thoughts": "It **grows**.\n\nAlways.",
    }
    assert answer.expected(bundle()) == {"mean": 1.0, "median": 2.0}


def test_a_right_way_gets_full_marks(tmp_path: Path) -> None:
    """Does a right way need no scores, and get all the points that no person gives?"""
    text = "# ---\n# kind: right\n# title: by a loop\n# ---\n\n# %% mean\nx = 1\n"
    assert read_answer(write(tmp_path, text)).expected(bundle()) == {"mean": 4.0, "median": 2.0}


def test_answers_come_by_name_and_may_be_absent(tmp_path: Path) -> None:
    """Is a folder read in order, and is no folder no answer?"""
    for name in ("b.py", "a.py"):
        write(tmp_path, MISTAKE, name)
    assert [answer.name for answer in read_answers(tmp_path)] == ["a", "b"]
    assert read_answers(tmp_path / "answers") == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (MISTAKE, "x = 1\n", "does not begin with a YAML header"),
        ("kind: mistake", "kind: [mistake", "not YAML"),
        ("kind: mistake", "kind: wrong", "right or mistake"),
        ("# kind: mistake\n", "", "right or mistake"),
        ("kind: mistake", "kind: right", "a right way gets full marks"),
        ("# scores: {mean: 1}\n", "", "a mistake needs `scores`"),
        ("{mean: 1}", "[mean]", "map a question"),
        ("{mean: 1}", "{mean: all}", "to a number"),
        ("title: 和を", "name: 和を", "nothing reads: name"),
        ("title: 和を平均と取り違える (the sum instead of the mean)", "title: ''", "needs a `title`"),
        ("# %% mean", "# %%", "does not say which solution cell"),
        ("# %% thoughts [markdown]", "# %% mean [markdown]", "stands there twice"),
        (MISTAKE[MISTAKE.index("# %% mean") :], "", "replaces no cell"),
    ],
)
def test_a_slip_is_told(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """Does each thing that can be wrong with the file give its own sentence, with the file's name?"""
    assert old in MISTAKE
    with pytest.raises(SourceError, match=r"sum\.py") as caught:
        read_answer(write(tmp_path, MISTAKE.replace(old, new)))
    assert complaint in caught.value.message


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    """Is a file that is not UTF-8 named, too?"""
    path = tmp_path / "sum.py"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match=r"sum\.py cannot be read"):
        read_answer(path)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("# %% mean", "# %% meen", "no solution cell 'meen'"),
        ("# %% mean", "# %% mean-hidden", "no solution cell 'mean-hidden'"),
        ("{mean: 1}", "{average: 1}", "'average', which is no automatically marked question"),
        ("{mean: 1}", "{thoughts: 1}", "'thoughts', which is no automatically marked question"),
        ("{mean: 1}", "{mean: 4}", "has to lose points"),
        ("{mean: 1}", "{mean: -1}", "has to lose points"),
    ],
)
def test_an_answer_that_does_not_fit_the_assignment_is_told(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """Are cells and questions that the assignment does not have, and points that cannot be, refused?"""
    answer = read_answer(write(tmp_path, MISTAKE.replace(old, new)))
    with pytest.raises(SourceError) as caught:
        answer.expected(bundle())
    assert complaint in caught.value.message
