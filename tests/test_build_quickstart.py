"""Does the quickstart course that ships inside nbgrader build to what nbgrader itself makes of it?"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import nbgrader
import pytest

from course_samples import quick_run, tree
from saiten.build import build_assignment
from saiten.bundle import Bundle, Role
from saiten.course import Course

GUIDE = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quickstart's source, built by nbgrader into `release` and `gradebook.db`."""
    root = tmp_path_factory.mktemp("quickstart")
    shutil.copytree(GUIDE / "source", root / "source")
    shutil.copy(GUIDE / "autotests.yml", root)
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\nc.IncludeHeaderFooter.header = 'source/header.ipynb'\n"
        "c.ClearSolutions.code_stub = {'python': '# your turn\\nraise NotImplementedError()'}\n"
    )
    for assignment in ("ps1", "ps1_autotest"):
        command = [sys.executable, "-m", "nbgrader", "generate_assignment", assignment]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    (root / "release").rename(root / "nbgraders")
    return root


def load(path: Path) -> Any:
    """Read a notebook as nbformat does."""
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


@pytest.mark.parametrize("name", ["ps1", "ps1_autotest"])
def test_the_release_is_nbgraders(course: Path, name: str) -> None:
    """Are sources, cell metadata and checksums, cell for cell, what `nbgrader generate_assignment` writes?"""
    assignment = Course.find(course).assignment(name)
    report = build_assignment(assignment, run=quick_run)
    assert sorted(tree(report.release)) == sorted(tree(course / "nbgraders" / name))
    for notebook in assignment.notebooks:
        mine, theirs = (load(folder / f"{notebook}.ipynb") for folder in (report.release, course / "nbgraders" / name))
        assert [cell.source for cell in mine.cells] == [cell.source for cell in theirs.cells]
        assert [cell.metadata for cell in mine.cells] == [cell.metadata for cell in theirs.cells]
        assert [cell.cell_type for cell in mine.cells] == [cell.cell_type for cell in theirs.cells]
        assert [cell.get("outputs") for cell in mine.cells] == [cell.get("outputs") for cell in theirs.cells]
        assert mine.metadata.kernelspec.name == "python3"
    assert (report.release / "jupyter.png").read_bytes() == (course / "source" / name / "jupyter.png").read_bytes()


@pytest.mark.parametrize("name", ["ps1", "ps1_autotest"])
def test_the_bundle_holds_the_databases_sources(course: Path, name: str) -> None:
    """Are checksums, points, lock and cell types of the bundle what SaveCells put into nbgrader's database?"""
    report = build_assignment(Course.find(course).assignment(name), run=quick_run)
    bundle = Bundle.read(report.autograder)
    query = """
        select notebook.name, source_cell.name, checksum, locked, cell_type from source_cell
        join notebook on source_cell.notebook_id = notebook.id join assignment on notebook.assignment_id = assignment.id
        where assignment.name = ?"""
    database = sqlite3.connect(course / "gradebook.db")
    try:
        theirs = {(row[0], row[1]): row[2:] for row in database.execute(query, [name])}
    finally:
        database.close()
    mine = {
        (notebook.name, cell.grade_id): (cell.checksum, int(cell.locked), cell.cell_type)
        for notebook in bundle.notebooks
        for cell in notebook.cells
        if cell.grade_id is not None
    }
    assert mine == {key: (checksum, int(locked), kind) for key, (checksum, locked, kind) in theirs.items()}
    assert bundle.max_score == report.points == 13


def test_the_reference_runs_in_the_engine(course: Path) -> None:
    """With the engine itself: do solutions hold outputs, and do cells bring the names that they define?"""
    report = build_assignment(Course.find(course).assignment("ps1"))
    bundle = Bundle.read(report.autograder)
    brings = {cell.grade_id: cell.brings for cell in bundle.notebooks[0].cells if cell.role is Role.SOLUTION}
    assert brings == {"squares": ("squares",), "sum_of_squares": ("sum_of_squares",)}
    solved = load(report.solutions / "problem1.ipynb")
    nbformat.validate(solved)
    outputs = [output for cell in solved.cells for output in cell.get("outputs", [])]
    texts = [output["data"]["text/plain"] for output in outputs if "data" in output]
    assert "385" in texts
    assert "[1, 4, 9, 16, 25, 36, 49, 64, 81, 100]" in texts
    code = [cell for cell in solved.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert json.loads((report.autograder / "bundle.json").read_text(encoding="utf-8"))["assignment"] == "ps1"
