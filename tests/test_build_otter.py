"""Does the Otter zip judge as Saiten does: full marks for the reference, none for the untouched release?"""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from course_samples import DOUBLE, Cell, cell, graded, make_course, quick_run, solution, written
from saiten.build import BuildReport, build_assignment

CELLS = [
    *DOUBLE,
    solution("load", "def load():\n    with open('data/x.csv') as file:\n        return file.read().strip()"),
    graded("load-tests", "assert load() == open('truth.txt').read().strip(), 'read the file'", 1.5),
    solution("area", "import math\narea = lambda r: math.pi * r * r"),
    graded("area-tests", "assert abs(reference.area(2) - area(2)) < 1e-9", 2),
    graded("partial", "2 if area(1) > 3 else 0.5", 2),
    graded("magic", "files = !echo 'a \"quoted\" line' && echo \\\\n\nassert len(files) == 2, files", 1),
    graded("waiting", "import asyncio\nawait asyncio.sleep(0)\nassert area", 1),
    graded(
        "deletes",
        "kept = area\ndel area\ntry:\n    area\n    raise AssertionError\nexcept NameError:\n    pass\narea = kept",
    ),
    graded("nothing", "pass", 0),
]
POINTS = 3 + 1.5 + 2 + 2 + 1 + 1 + 1 + 0
"""of the test cells; the written answer (2 points) is for a person"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    """The assignment above, built; tests that need `reference` or IPython are run by the engine itself."""
    files = {"data/x.csv": "1,2\n", "truth.txt": "1,2\n"}
    toml = 'hidden_files = ["truth.txt"]\nshared_code = ["data/*"]'
    return build_assignment(make_course(tmp_path_factory.mktemp("otter"), {"n1": CELLS}, toml=toml, files=files))


def otter_run(report: BuildReport, notebook: Path, folder: Path) -> dict[str, Any]:
    """Grade a notebook with Otter's own command and return its results."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "otter",
            "run",
            "--no-logo",
            "-a",
            report.autograder / "otter.zip",
            "-o",
            folder,
            notebook,
        ],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "IPYTHONDIR": str(folder / "ipython"), "SHELL": "/bin/bash"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return results


def scores(results: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Return name to score and maximum of the tests that carry points."""
    return {test["name"]: (test["score"], test["max_score"]) for test in results["tests"] if "max_score" in test}


def test_the_reference_gets_full_marks(report: BuildReport, tmp_path: Path) -> None:
    """Run by Otter, does the executed reference notebook earn every point of every test cell?"""
    found = scores(otter_run(report, report.solutions / "n1.ipynb", tmp_path))
    wanted = {
        made["metadata"]["nbgrader"]["grade_id"]: made["metadata"]["nbgrader"]["points"]
        for made in marked_by_otter(CELLS)
    }
    assert found == {name: (points, points) for name, points in wanted.items()}
    assert sum(score for score, _ in found.values()) == POINTS


def marked_by_otter(cells: list[Cell]) -> list[Cell]:
    """Return the test cells among cells."""
    marked = [made for made in cells if made["metadata"].get("nbgrader", {}).get("grade")]
    return [made for made in marked if not made["metadata"]["nbgrader"]["solution"]]


def test_a_stub_and_a_mistake_lose_their_points(report: BuildReport, tmp_path: Path) -> None:
    """Do an untouched stub and a wrong answer lose exactly their tests, with the test's own message?"""
    solved, released = (
        nbformat.reads((folder / "n1.ipynb").read_text("utf-8"), as_version=4)
        for folder in (report.solutions, report.release)
    )
    for mine, theirs in zip(solved.cells, released.cells, strict=True):
        if mine.id == "load":
            mine.source = theirs.source
        elif mine.id == "area":
            mine.source = "area = lambda r: 1.0 * r * r"
    (tmp_path / "n1.ipynb").write_text(nbformat.writes(solved), encoding="utf-8")
    (tmp_path / "results").mkdir()
    results = otter_run(report, tmp_path / "n1.ipynb", tmp_path / "results")
    lost = {name for name, (score, most) in scores(results).items() if score < most}
    assert lost == {"load-tests", "area-tests", "partial"}
    # a test cell that ends in fewer points than it is worth fails in Otter, which has no parts of points
    assert {name: score for name, (score, _) in scores(results).items() if name in lost} == dict.fromkeys(lost, 0)
    output = {test["name"]: test["output"] for test in results["tests"]}
    assert "NameError" in output["load-tests"]
    assert "0.5 of 2 points" in output["partial"]


def test_hidden_tests_are_hidden_and_files_are_there(report: BuildReport) -> None:
    """Are exactly the cells with hidden tests marked hidden, and data, scripts and pinned packages in the zip?"""
    with zipfile.ZipFile(report.autograder / "otter.zip") as archive:
        names = archive.namelist()
        hidden = {name: "hidden=True" in archive.read(name).decode() for name in names if name.startswith("tests/")}
        assert archive.read("files/truth.txt") == b"1,2\n"
        assert archive.getinfo("run_autograder").external_attr >> 16 == 0o755
        assert b"otter-grader==7.0.0\n" in archive.read("requirements.txt")
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        for script in ("run_autograder", "setup.sh"):
            subprocess.run(["bash", "-n"], input=archive.read(script), check=True)
    assert names == sorted(names)
    assert [name for name, is_hidden in hidden.items() if is_hidden] == ["tests/001-double-tests.py"]
    assert len(hidden) == len(marked_by_otter(CELLS))
    assert "files/saiten_reference.py" in names


def test_several_notebooks_give_several_zips(tmp_path: Path) -> None:
    """Has each notebook with tests a zip of its own, without the reference where no test asks for it?"""
    notebooks = {"n1": DOUBLE, "n2": DOUBLE, "essay": [written("w", "long")]}
    report = build_assignment(make_course(tmp_path, notebooks), run=quick_run)
    zips = sorted(path.name for path in report.autograder.glob("*.zip"))
    assert zips == ["otter-n1.zip", "otter-n2.zip"]
    with zipfile.ZipFile(report.autograder / "otter-n1.zip") as archive:
        assert archive.namelist() == [
            "otter_config.json",
            "requirements.txt",
            "run_autograder",
            "setup.sh",
            "tests/001-double-tests.py",
        ]


def test_any_text_survives_in_a_test_file(tmp_path: Path) -> None:
    """Is a test cell with quotes, braces, backslashes and other scripts carried letter for letter?"""
    source = 'text = """{a} {{b}} \\n \'x\' 日本語 \\\\ \x0c"""\n\n# end\nassert text'
    report = build_assignment(make_course(tmp_path, {"n1": [cell("code", "1"), graded("t", source)]}), run=quick_run)
    content = zipfile.ZipFile(io.BytesIO((report.autograder / "otter.zip").read_bytes())).read("tests/001-t.py")
    values = [node.value for node in ast.parse(content).body if isinstance(node, ast.Assign)]
    assert source in [ast.literal_eval(value) for value in values]
