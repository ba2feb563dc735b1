"""Otter's checks in the students' notebook: a cell after which `grader.check("question")` runs the public tests.

In: a notebook, where assignment.toml says `otter_check = true`. Out: one more cell before the first code cell. Students
get it with the public tests inside, for on Colab there is nothing but the notebook; marking runs one that does nothing.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.utils import compute_checksum

from saiten.build.otter import OTTER_VERSION, tested_questions, uses_reference
from saiten.build.otter_harness import run_cell
from saiten.bundle import BundleCell, BundleNotebook
from saiten.errors import SourceError
from saiten.notebook import SCHEMA_VERSION, grade_id_of

GRADE_ID = "otter-check"
FOLDER = "public_tests"
"""Where the students' cell puts test files. Not `tests`, where Otter's own autograder puts the hidden ones."""

INERT = """\
from types import SimpleNamespace

# Otter's checks are for students. Where submissions are marked they do nothing.
grader = SimpleNamespace(
    **dict.fromkeys(
        ("add_plugin_files", "check", "check_all", "export", "run_plugin", "to_pdf"), lambda *given, **named: None
    )
)"""
"""What stands in the cell when a submission is marked, whether Otter is there or not."""

_CELL = """\
#@title Otter: このセルを一度実行すると、公開テストを grader.check("{first}") のように試せます / run this cell once
import sys
from pathlib import Path

if "google.colab" in sys.modules:
    %pip install -q otter-grader=={version}
import otter

_run_cell = {harness}
_questions = {{
{questions}}}
_folder = Path("{folder}")
_folder.mkdir(exist_ok=True)
for _question, _cells in _questions.items():
    _lines = ["from __future__ import annotations", "from typing import Any", "from otter.test_files import test_case"]
    _lines += ["OK_FORMAT = False", f"name = {{_question!r}}", f"points = {{len(_cells)}}", _run_cell]
    for _number, (_name, _points, _source) in enumerate(_cells):
        _lines += [f"@test_case(name={{_name!r}}, points=1)", f"def test_{{_number}}(env):"]
        _lines += [f"    failed = run_cell({{_source!r}}, {{_name!r}}, {{_points!r}}, env)"]
        _lines += ["    if failed is not None:", "        raise AssertionError(failed[1])"]
    (_folder / f"{{_question}}.py").write_text("\\n".join(_lines) + "\\n", encoding="utf-8")
grader = otter.Notebook(tests_dir=str(_folder))"""


def with_check_cell(notebook: NotebookNode, label: str) -> NotebookNode:
    """Put the cell that does nothing in front of the first code cell.

    Args:
        notebook: the instructor's; it is left as it is.
        label: how messages call it.

    Raises:
        SourceError: another cell has its grade_id.
    """
    if any(grade_id_of(cell) == GRADE_ID for cell in notebook.cells):
        raise SourceError(
            f"{label}: `otter_check` adds a cell with the grade_id {GRADE_ID!r}, which another cell has.",
            "Give that cell another grade_id, or take `otter_check` out of assignment.toml.",
        )
    marks = {"grade": False, "solution": False, "locked": True, "task": False}
    cell = new_code_cell(INERT, id=GRADE_ID)
    cell.metadata["nbgrader"] = NotebookNode({"grade_id": GRADE_ID, "schema_version": SCHEMA_VERSION, **marks})
    made = copy.deepcopy(notebook)
    at = next((index for index, each in enumerate(made.cells) if each.cell_type == "code"), len(made.cells))
    made.cells.insert(at, cell)
    return made


def with_public_tests(released: NotebookNode, notebook: BundleNotebook) -> NotebookNode:
    """Write the public tests into that cell, for students; a notebook without the cell stays as it is.

    Args:
        released: the students' notebook.
        notebook: the same in the bundle; its `release_source` alone is read.
    """
    place = next((at for at, cell in enumerate(released.cells) if grade_id_of(cell) == GRADE_ID), None)
    if place is None or released.cells[place].source != INERT:
        return released
    filled: NotebookNode = copy.deepcopy(released)
    cell = filled.cells[place]
    cell.source = students_cell(tested_questions(notebook))
    cell.metadata["jupyter"] = {"source_hidden": True}
    cell.metadata["cellView"] = "form"
    if "checksum" in cell.metadata.nbgrader:
        cell.metadata.nbgrader["checksum"] = compute_checksum(cell)
    return filled


def students_cell(tests: Sequence[tuple[str, Sequence[BundleCell]]]) -> str:
    """Write the students' cell.

    Args:
        tests: question to its test cells. Tests without a public part, and those that need the reference, are left out.
    """
    public = {name: _public(cells) for name, cells in tests}
    public = {name: cells for name, cells in public.items() if cells}
    return _CELL.format(
        first=next(iter(public), "..."),
        version=OTTER_VERSION,
        harness=_text(inspect.getsource(run_cell)),
        questions="".join(_entry(name, cells) for name, cells in public.items()),
        folder=FOLDER,
    )


def _public(cells: Sequence[BundleCell]) -> Mapping[str, tuple[float, str]]:
    """Name of each cell that has a public part to the points that a number at its end has to reach, and its text."""
    return {
        cell.grade_id or cell.id: (cell.points if cell.release_source == cell.source else 0.0, cell.release_source)
        for cell in cells
        if any(line.strip() and line.strip()[0] != "#" for line in cell.release_source.split("\n"))
        and not uses_reference(cell.release_source)
    }


def _entry(question: str, cells: Mapping[str, tuple[float, str]]) -> str:
    lines = "".join(f"({name!r}, {points!r}, {_text(source)}),\n" for name, (points, source) in cells.items())
    return f"{question!r}: [\n{lines}],\n"


def _text(source: str) -> str:
    """Write text line by line as it is where a raw string can hold it: people, and the search for leaks, read it so."""
    for quotes in ("'''", '"""'):
        if quotes not in source and not source.endswith(("\\", quotes[0])) and "\r" not in source:
            return f"r{quotes}{source}{quotes}"
    return repr(source)
