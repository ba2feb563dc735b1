"""Where Saiten differs from nbgrader on purpose: does each do what docs/reference/nbgrader-differences.md says?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from fake_course import GRADES, rows

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "nbgrader-differences.md"
TESTS = Path(__file__).parents[1]

# name of the function: what the reference, student-001, student-002 and all others return
RETURNED = {
    "warns": ("1", "warnings.warn('careful') or 1", "1", "1"),
    "negative": ("1", "-1", "1", "1"),
    "no_number": ("1", "float('nan')", "1", "1"),
    "half": ("1", "0.5", "1", "1"),
    "skipped": ("1", "2", "1", "1"),
    "deleted": ("1", "1", "1", "1"),
    "doubled": ("1", "1", "1", "1"),
    "too_much": ("1", "1", "3", "1"),
}
ASSERTED = ("warns", "skipped", "deleted", "doubled")
"""tested by an assert; the others end with the number that the function returns: partial credit"""


COMMANDS = {
    "nbgrader": [("nbgrader", "generate_assignment", "odd"), ("nbgrader", "autograde", "odd")],
    "saiten": [("saiten", "grade", "odd")],
}


def _run(root: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment in a course's folder."""
    folder = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    command = [str(folder / program), *arguments]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def _cell(text: str, grade_id: str, points: float | None = None) -> nbformat.NotebookNode:
    marks = {
        "grade": False,
        "grade_id": grade_id,
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }
    if points is not None:
        marks |= {"grade": True, "locked": True, "points": points, "solution": False}
    return nbformat.v4.new_code_cell(text, metadata={"nbgrader": marks})


def _notebook(which: int) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell("import warnings")]
    for name, returned in RETURNED.items():
        body = f"    return {returned[which]}"
        if which == 0:
            body = f"    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
        cells.append(_cell(f"def {name}():\n{body}", name))
        cells.append(_cell(f"assert {name}() == 1" if name in ASSERTED else f"{name}()", f"{name}-test", 1.0))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _hand_in(root: Path, student: str, notebook: nbformat.NotebookNode) -> None:
    folder = root / "submitted" / student / "odd"
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / "odd.ipynb")


def _find(notebook: nbformat.NotebookNode, grade_id: str) -> int:
    return next(
        place
        for place, cell in enumerate(notebook.cells)
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same odd hand-ins, marked by both: (student, cell) -> automatic score."""
    found: dict[str, Any] = {}
    for who in ("nbgrader", "saiten"):
        root = tmp_path_factory.mktemp(who)
        (root / "source" / "odd").mkdir(parents=True)
        nbformat.write(_notebook(0), root / "source" / "odd" / "odd.ipynb")
        mine = _notebook(1)
        mine.cells[_find(mine, "skipped-test")].metadata["tags"] = ["skip-execution"]
        del mine.cells[_find(mine, "deleted-test")]
        twice = _notebook(3)
        twice.cells.insert(_find(twice, "doubled") + 1, _cell("def doubled():\n    return 2", "doubled"))
        for number, notebook in enumerate((mine, _notebook(2), twice, _notebook(3)), 1):
            _hand_in(root, f"student-00{number}", notebook)
        done = [_run(root, *command) for command in COMMANDS[who]]
        found[who] = {(row["student"], row["cell"]): row["auto_score"] for row in rows(root, GRADES)}
        found[f"{who} codes"] = [each.returncode for each in done]
        found[f"{who} words"] = "".join(each.stderr for each in done)
        found[f"{who} autograded"] = sorted(path.parts[-3] for path in root.glob("autograded/*/odd/odd.ipynb"))
    return found


@pytest.mark.parametrize(
    ("cell", "nbgrader", "saiten"),
    [
        ("warns-test", 0.0, 1.0),
        ("negative-test", 1.0, 0.0),
        ("no_number-test", 1.0, 0.0),
        ("half-test", 0.5, 0.5),
        ("skipped-test", 1.0, 0.0),
        ("deleted-test", None, 1.0),
        ("too_much-test", 1.0, 1.0),
    ],
)
def test_odd_cells(odd: dict[str, Any], cell: str, nbgrader: float | None, saiten: float) -> None:
    """Does each of the two give exactly the score that the page says?"""
    assert odd["nbgrader"]["student-001", cell] == nbgrader
    assert odd["saiten"]["student-001", cell] == saiten


def test_more_than_all_points(odd: dict[str, Any]) -> None:
    """Does a test that ends with more than its points cost that cell here, and the whole hand-in there?"""
    assert "partial credit cannot be greater than maximum points" in odd["nbgrader words"]
    assert "student-002" not in odd["nbgrader autograded"]
    mine = {cell: score for (student, cell), score in odd["saiten"].items() if student == "student-002"}
    assert mine == {f"{name}-test": 0.0 if name == "too_much" else 1.0 for name in RETURNED}


def test_a_cell_that_is_there_twice(odd: dict[str, Any]) -> None:
    """Does a duplicated solution cell cost nothing here, and stop the batch there?"""
    assert odd["nbgrader codes"] == [0, 1], odd["nbgrader words"]
    assert "One or more notebooks in the assignment use an old version" in odd["nbgrader words"]
    assert odd["nbgrader autograded"] == ["student-001"]  # student-004, who did everything right, is not there either
    assert odd["saiten codes"] == [0]
    assert odd["saiten autograded"] == ["student-001", "student-002", "student-003", "student-004"]
    for student in ("student-003", "student-004"):
        assert {score for (who, _), score in odd["saiten"].items() if who == student} == {1.0}


def test_every_row_of_the_page_names_its_test() -> None:
    """Does each difference name a test that there is, or say that none can be?"""
    table = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    differences = [line.strip("|").split("|") for line in table if not re.match(r"\|\s*(-+|what)\s*\|", line)]
    assert len(differences) > 15
    there = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    for *_, proof in differences:
        names = re.findall(r"`(test_\w+)`", proof)
        assert names or proof.strip().startswith("by design"), proof
        assert set(names) <= there, proof
