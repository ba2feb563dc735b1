"""Is a class whose tests were mended marked again only where that can change something, and is it said?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from course_samples import cell, graded, make_course, notebook_json, solution
from saiten.batch import marking
from saiten.cli import main

ANSWERS = {
    "student-001": ("2 * x", "x * x"),
    "student-002": ("x + 2", "x * x"),
    "student-003": ("2 * x", "abs(x) * abs(x)"),
    "student-004": ("2 * x", "x ** 3"),
}
"""what twice and square return"""


def notebook(twice: str, square: str, *, source: bool, hidden: str = "assert square(0) == 0", setup: str = "") -> str:
    """The notebook of the instructor, or of a student."""
    begin, end = ("### BEGIN SOLUTION\n    ", "\n    ### END SOLUTION") if source else ("", "")
    secret = f"\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS" if source else ""
    return notebook_json(
        [
            cell("code", f"import math{setup}"),
            solution("twice", f"def twice(x):\n    {begin}return {twice}{end}"),
            graded("test-twice", "assert twice(3) == 6, 'twice 3'", 2, locked=True),
            solution("square", f"def square(x):\n    {begin}return {square}{end}"),
            graded("test-square", f"assert square(1) == 1, 'one'{secret}", 3, locked=True),
        ]
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with four hand-ins."""
    root = tmp_path_factory.mktemp("remark")
    make_course(root)
    for name, (twice, square) in ANSWERS.items():
        folder = root / "submitted" / name / "a1"
        folder.mkdir(parents=True)
        (folder / "n1.ipynb").write_text(notebook(twice, square, source=False), encoding="utf-8")
    return root


def author(course: Path, **more: str) -> None:
    """The instructor writes the notebook anew."""
    text = notebook("2 * x", "x * x", source=True, **more)
    (course / "source" / "a1" / "n1.ipynb").write_text(text, encoding="utf-8")


def run(course: Path, *arguments: str) -> Result:
    """Call `saiten`."""
    result = CliRunner().invoke(main, [*arguments, "--course", str(course)])
    assert result.exit_code == 0, result.output
    return result


def points(course: Path) -> dict[str, dict[str, float]]:
    """What everybody has, by question; nothing is marked for this."""
    rows = map(json.loads, run(course, "grade", "a1", "--json", "--workers", "1").stdout.splitlines())
    return {row["student"]: {each["name"]: each["score"] for each in row["questions"]} for row in rows}


def test_a_mended_test(course: Path) -> None:
    """After a hidden test changed: are its question's points new, all others untouched, and does the summary say so?"""
    author(course)
    first = run(course, "grade", "a1", "--workers", "1").stdout
    assert "In part" not in first
    assert "Whole again" not in first
    before = points(course)
    author(course, hidden="assert square(-2) == 4, 'minus two'")
    second = run(course, "grade", "a1", "--workers", "1").stdout
    assert "In part, 4 submissions: only the tests of square had changed; other points stay." in second
    assert "Whole again" not in second
    after = points(course)
    assert before["student-004"] == {"twice": 2.0, "square": 3.0}
    assert after["student-004"] == {"twice": 2.0, "square": 0.0}
    assert {name: after[name] for name in list(ANSWERS)[:3]} == {name: before[name] for name in list(ANSWERS)[:3]}
    marked = (course / "autograded" / "student-004" / "a1" / "n1.ipynb").read_text(encoding="utf-8")
    assert "minus two" in marked
    assert "4 known from before" in run(course, "grade", "a1", "--workers", "1").stdout
    log = run(course, "log", "student-004", "a1").stdout
    assert "5" in log
    assert "2" in log


def test_more_than_tests_has_changed(course: Path) -> None:
    """Is the whole class marked, and the reason named, where a cell changed that students run?"""
    author(course, hidden="assert square(-2) == 4, 'minus two'", setup="\nimport json")
    told = run(course, "grade", "a1", "--workers", "1").stdout
    assert "Whole again, 4 submissions: more than tests has changed: cells, data or limits." in told
    assert "In part" not in told


def test_another_engine_is_named(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the reason told where Saiten itself could judge otherwise now, and the course is as it was?"""
    run(course, "grade", "a1", "--workers", "1")
    monkeypatch.setattr(marking, "ENGINE_VERSION", "a later one")
    told = run(course, "grade", "a1", "--workers", "1").stdout
    assert "Whole again, 4 submissions: another version of the engine had marked it." in told


def test_a_new_hand_in_is_nobodys_second(course: Path) -> None:
    """Is a changed hand-in marked whole without a word, beside those that are known?"""
    path = course / "submitted" / "student-002" / "a1" / "n1.ipynb"
    path.write_text(notebook("2 * x", "x * x", source=False), encoding="utf-8")
    told = run(course, "grade", "a1", "--workers", "1").stdout
    assert "1 marked, 3 known from before" in told
    assert "Whole again" not in told


def test_again_is_whole(course: Path) -> None:
    """Does --again mark everything, whatever is known?"""
    told = run(course, "grade", "a1", "--workers", "1", "--again", "--student", "student-001").stdout
    assert "1 marked, in" in told
    assert "In part" not in told


def test_a_parts_verdict_is_kept_with_how_it_came_about(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is it noted in the result which questions were marked, and do workers get what is known only where it is?"""
    asked: list[int] = []
    real: Callable[..., Any] = marking.run_batch

    def spied(*given: Any, more: Callable[..., Any], **options: Any) -> Any:
        def seen(submission: Any) -> Any:
            found = more(submission)
            asked.append(len(found))
            return found

        return real(*given, more=seen, **options)

    monkeypatch.setattr(marking, "run_batch", spied)
    author(course, hidden="assert square(-3) == 9, 'minus three'", setup="\nimport json")
    rows = [json.loads(line) for line in run(course, "grade", "a1", "--json", "--workers", "1").stdout.splitlines()]
    assert asked == [1, 1, 1, 1]
    assert [row["anew"] for row in rows] == [["square"]] * 4
