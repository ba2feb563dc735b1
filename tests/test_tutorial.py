"""Does what the tutorial tells a newcomer to do work, from the notebook on the page to a marked class?

Its notebook is taken from the page; build, sample, grade and compare run as a user runs them, with the real engine.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from saiten.cli import main
from saiten.sample.hostile import TRACE

PAGE = Path(__file__).parent.parent / "docs" / "tutorial" / "mark-your-first-class.md"
MISTAKE = "# ---\n# kind: mistake\n# title: forgets the last\n# scores: {mean: 0}\n# ---\n\n# %% mean\n"
MISTAKE += "def mean(numbers):\n    return sum(numbers[:-1]) / len(numbers)\n"


def saiten(*arguments: str | Path, code: int = 0) -> Result:
    """Run a command, with the exit code that is expected of it."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The course that the tutorial's reader makes, with one planted mistake."""
    (notebook,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    folder = tmp_path / "mine" / "source" / "hello"
    (folder / "answers").mkdir(parents=True)
    (folder / "hello.py").write_text(notebook, encoding="utf-8")
    (folder / "answers" / "forgets.py").write_text(MISTAKE, encoding="utf-8")
    return tmp_path / "mine"


def test_the_release_shows_neither_solution_nor_hidden_test(course: Path) -> None:
    """Is the tutorial's description of the release true?"""
    saiten("build", "hello", "--course", course)
    document = json.loads((course / "release" / "hello" / "hello.ipynb").read_text(encoding="utf-8"))
    text = "\n".join("".join(cell["source"]) for cell in document["cells"])
    assert "raise NotImplementedError()" in text
    assert "The mean of 2 and 4 is 3." in text
    for secret in ("sum(numbers)", "reference", "HIDDEN", "SOLUTION"):
        assert secret not in text


def test_a_class_of_every_kind_gets_what_it_has_to_get(course: Path, tmp_path: Path) -> None:
    """Do right, odd, mistaken, half-done, broken and hostile submissions all get the foretold status and points?"""
    trial, results = tmp_path / "trial", tmp_path / "results.jsonl"
    saiten("build", "hello", "--course", course)
    saiten("sample", "hello", "--course", course, "--into", trial, "--cell-seconds", "2")
    graded = saiten("grade", "hello", "--course", trial, "--json", "--workers", "2", code=1)
    results.write_text(graded.stdout, encoding="utf-8")
    compared = saiten("sample", "hello", "--course", trial, "--compare", results)
    kinds = [entry["kind"] for entry in json.loads((trial / "expected.json").read_text())["hello"].values()]
    assert f"all {len(kinds)} sample submissions" in compared.output
    assert {"reference", "mistake:forgets", "broken:endless-loop", "odd:renamed", "hostile:shows-scripts"} <= set(kinds)
    assert list(tmp_path.rglob(TRACE)) == []
    assert not (course / "gradebook.db").exists()


def test_a_change_of_points_marks_again_and_nothing_else_does(course: Path) -> None:
    """Is a second run known from before, and a class marked anew when the assignment changed?"""
    saiten("build", "hello", "--course", course)
    saiten("sample", "hello", "--course", course, "-n", "1")
    first = saiten("grade", "hello", "--course", course, "--workers", "1")
    second = saiten("grade", "hello", "--course", course, "--workers", "1")
    source = course / "source" / "hello" / "hello.py"
    source.write_text(source.read_text(encoding="utf-8").replace('"points": 2', '"points": 4'), encoding="utf-8")
    third = saiten("grade", "hello", "--course", course, "--workers", "1")
    assert "1 marked" in first.output
    assert "1 known from before" in second.output
    assert "1 marked" in third.output
    assert "4 / 4" in third.output
