"""Is Otter's own autograder misled by the cell that brings the public tests to students, or by calls of `grader`?"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from otter_same import otter_scores

from course_samples import DOUBLE, make_course
from saiten.build import build_assignment

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def test_public_tests_count_for_nothing_under_otter_run(tmp_path: Path) -> None:
    """A notebook that passes the public tests alone and asks for them: does it get the hidden tests' verdict, once?"""
    assignment = make_course(tmp_path, {"n1": DOUBLE}, toml="otter_check = true")
    report = build_assignment(assignment)
    notebooks = {}
    for name, text in {"right": "double = lambda x: x + x", "public": "double = lambda x: abs(x + x)"}.items():
        notebook = nbformat.read(report.release / "n1.ipynb", as_version=4)
        at = next(number for number, each in enumerate(notebook.cells) if each.id == "double")
        notebook.cells[at].source = text
        calls = "grader.check('double')\ngrader.check_all()"
        notebook.cells.insert(at + 1, nbformat.v4.new_code_cell("grader.check('double')"))
        notebook.cells.append(nbformat.v4.new_code_cell(calls))
        notebooks[name] = tmp_path / name / "n1.ipynb"
        notebooks[name].parent.mkdir()
        notebooks[name].write_text(nbformat.writes(notebook), encoding="utf-8")
    (tmp_path / "scratch").mkdir()
    assert otter_scores(report.otter[0], notebooks, tmp_path / "scratch") == {
        "right": {"double": 3},
        "public": {"double": 0},
    }
