"""Does an imported Otter Assign notebook give the points that Otter gives for what `otter assign` makes of it?

What Saiten gives for the same answers is asked in tests/test_import_otter.py, of the same tables.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from otter_same import otter_scores

from otter_masters import DOCTESTS, EXCEPTIONS, FILES, POINTS, WRONG, Cell, write_master

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

FULL = {"doctests": POINTS, "exceptions": {"q1": 2.0, "q2": 1.5}}
NOTEBOOKS = {
    "doctests": [("odd square", "whole mean", "no hello", "truth"), ("no ten", "positive mean")],
    "exceptions": [("odd square", "late"), ("text",)],
}
"""master to wrong answers that stand in one notebook: each is to another question"""


def solution_of(cells: list[Cell], question: str) -> str:
    """The first code cell of a question's solution, as it stands in the master."""
    names = [
        cell["source"].split("name: ")[1].split("\n")[0] if "BEGIN QUESTION" in cell["source"] else "" for cell in cells
    ]
    at = next(number for number, name in enumerate(names) if name.replace(".", "-") == question)
    opened = next(n for n, cell in enumerate(cells[at:], at) if cell["source"] == "# BEGIN SOLUTION")
    return str(next(cell["source"] for cell in cells[opened:] if cell["cell_type"] == "code"))


def with_answers(notebook: dict[str, Any], cells: list[Cell], answers: dict[str, str]) -> dict[str, Any]:
    """Replace the solution cells of some questions in the notebook that Otter made for staff."""
    changed: dict[str, Any] = json.loads(json.dumps(notebook))
    for question, text in answers.items():
        wanted = solution_of(cells, question)
        (cell,) = [each for each in changed["cells"] if "".join(each["source"]) == wanted]
        cell["source"] = text
    return changed


@pytest.mark.parametrize("name", ["doctests", "exceptions"])
def test_otter_gives_these_points_for_the_original(name: str, tmp_path: Path) -> None:
    """Reference, untouched release, wrong answers: does Otter give what tests/otter_masters.py says?"""
    cells = {"doctests": DOCTESTS, "exceptions": EXCEPTIONS}[name]
    master = write_master(tmp_path / "hw.ipynb", cells)
    for file, text in FILES.items():
        (tmp_path / file).write_text(text)
    command = [sys.executable, "-m", "otter", "assign", master.name, "dist", "--no-run-tests", "--no-pdfs"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (otter_zip,) = (tmp_path / "dist" / "autograder").glob("*.zip")
    staff = json.loads((tmp_path / "dist" / "autograder" / "hw.ipynb").read_text(encoding="utf-8"))
    handed_in = {"reference": staff}
    handed_in["untouched"] = json.loads((tmp_path / "dist" / "student" / "hw.ipynb").read_text(encoding="utf-8"))
    has_to_get = {"reference": FULL[name], "untouched": dict.fromkeys(FULL[name], 0.0)}
    for names in NOTEBOOKS[name]:
        answers = {question: WRONG[name][each][0] for each in names for question in WRONG[name][each][1]}
        handed_in["+".join(names)] = with_answers(staff, cells, answers)
        lost = {question: points for each in names for question, points in WRONG[name][each][1].items()}
        has_to_get["+".join(names)] = {**FULL[name], **lost}
    paths = {}
    for number, (kind, notebook) in enumerate(handed_in.items()):
        paths[kind] = tmp_path / f"{number}" / "hw.ipynb"
        paths[kind].parent.mkdir()
        paths[kind].write_text(json.dumps(notebook), encoding="utf-8")
    (tmp_path / "scratch").mkdir()
    given = otter_scores(otter_zip, paths, tmp_path / "scratch")
    renamed = {kind: {key.replace(".", "-"): points for key, points in each.items()} for kind, each in given.items()}
    assert renamed == has_to_get


def test_every_wrong_answer_is_asked_for() -> None:
    """Is none of the wrong answers of tests/otter_masters.py left out here?"""
    for name, groups in NOTEBOOKS.items():
        assert {each for names in groups for each in names} == set(WRONG[name])
