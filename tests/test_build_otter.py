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

from course_samples import DOUBLE, cell, graded, make_course, quick_run, solution, written
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
POINTS = {"double": 3, "load": 1.5, "area": 2 + 2 + 1 + 1 + 1 + 0}
"""of the questions with test cells; the written answer (2 points) is for a person"""


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
    assert found == {name: (points, points) for name, points in POINTS.items()}


def test_stubs_and_mistakes_lose_their_points(report: BuildReport, tmp_path: Path) -> None:
    """Do an untouched stub and wrong answers lose exactly their tests, and do students see public parts only?"""
    solved, released = (
        nbformat.reads((folder / "n1.ipynb").read_text("utf-8"), as_version=4)
        for folder in (report.solutions, report.release)
    )
    for mine, theirs in zip(solved.cells, released.cells, strict=True):
        if mine.id == "load":
            mine.source = theirs.source
        elif mine.id == "area":
            mine.source = "area = lambda r: 1.0 * r * r"
        elif mine.id == "double":
            mine.source = "double = lambda x: abs(x + x)"
    (tmp_path / "n1.ipynb").write_text(nbformat.writes(solved), encoding="utf-8")
    (tmp_path / "results").mkdir()
    results = otter_run(report, tmp_path / "n1.ipynb", tmp_path / "results")
    # a test cell that ends in fewer points than it is worth fails in Otter, which has no parts of points
    assert scores(results) == {"double": (0, 3), "load": (0, 1.5), "area": (2 - 2 + 1 + 1 + 1, 7)}
    public, *rest = results["tests"]
    assert (public["name"], public["visibility"]) == ("Public Tests", "visible")
    assert {test["visibility"] for test in rest} == {"hidden"}
    output = {test["name"]: test["output"] for test in rest}
    assert "AssertionError: negative" in output["double"]
    assert "NameError: name 'load' is not defined" in output["load"]
    assert "line 1: assert load() == open('truth.txt').read().strip(), 'read the file'" in output["load"]
    assert "0.5 of 2 points" in output["area"]
    assert "double results: All test cases passed!" in public["output"]
    assert "-21" not in public["output"]
    assert "negative" not in public["output"]
    assert "NameError: name 'load' is not defined" in public["output"]


HERE = """
import json, sys, warnings
warnings.simplefilter("ignore")
from otter.nbmeta_config import NBMetadataConfig
from otter.test_files import create_test_file

def leave(number):
    raise SystemExit("so long")

answers = {"right": lambda x: x + x, "hidden": lambda x: abs(x + x), "public": lambda x: x, "exits": leave}
for name, answer in answers.items():
    calls = []
    test = create_test_file(sys.argv[1], NBMetadataConfig())
    test.run({"double": lambda x: calls.append(x) or answer(x)})
    cases = [(each.test_case.hidden, each.passed) for each in test.test_case_results]
    print(json.dumps([name, cases, test.score, test.possible, test.test_case_results[1].message, calls]))
"""


def test_a_cell_runs_once_and_is_two_cases(report: BuildReport, tmp_path: Path) -> None:
    """Does the public part fail where a public line fails, and the whole, which has the points, wherever one fails?"""
    with zipfile.ZipFile(report.autograder / "otter.zip") as archive:
        path = archive.extract("tests/001-double.py", tmp_path)
    done = subprocess.run([sys.executable, "-c", HERE, path], capture_output=True, text=True, check=True)
    found = {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}
    for name, (public, whole, words) in {
        "right": (True, True, "passed"),
        "hidden": (True, False, "negative"),
        "public": (False, False, "line 1: assert double(2) == 4"),
        "exits": (False, False, "SystemExit: so long"),
    }.items():
        cases, score, possible, message, calls = found[name]
        assert cases == [[False, public], [True, whole]], name
        assert (score, possible) == (3 * whole, 3), name
        assert words in message
        assert calls == [2, -21][: 1 + public], name


def test_hidden_tests_are_hidden_and_files_are_there(report: BuildReport) -> None:
    """Are exactly the cells with hidden tests marked hidden, and data, scripts and pinned packages in the zip?"""
    with zipfile.ZipFile(report.autograder / "otter.zip") as archive:
        names = archive.namelist()
        cases = {name: archive.read(name).decode() for name in names if name.startswith("tests/")}
        config = json.loads(archive.read("otter_config.json"))
        assert archive.read("files/truth.txt") == b"1,2\n"
        assert archive.getinfo("run_autograder").external_attr >> 16 == 0o755
        assert b"otter-grader==7.0.0\n" in archive.read("requirements.txt")
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        for script in ("run_autograder", "setup.sh"):
            subprocess.run(["bash", "-n"], input=archive.read(script), check=True)
    assert names == sorted(names)
    assert [name for name, text in cases.items() if "hidden=True" in text] == ["tests/001-double.py"]
    assert list(cases) == ["tests/001-double.py", "tests/002-load.py", "tests/003-area.py"]
    assert cases["tests/001-double.py"].count("@test_case") == 2
    assert (config["show_hidden"], config["show_stdout"]) == (False, False)
    assert "files/saiten_reference.py" in names


def test_several_notebooks_give_several_zips(tmp_path: Path) -> None:
    """Has each notebook with tests a zip of its own, without the reference where no test asks for it?"""
    notebooks = {"n1": DOUBLE, "n2": DOUBLE, "essay": [written("w", "long")]}
    report = build_assignment(make_course(tmp_path, notebooks), run=quick_run)
    zips = sorted(path.name for path in report.autograder.glob("*.zip"))
    assert zips == ["otter-n1.zip", "otter-n2.zip"]
    assert report.otter == (report.autograder / "otter-n1.zip", report.autograder / "otter-n2.zip")
    with zipfile.ZipFile(report.autograder / "otter-n1.zip") as archive:
        assert archive.namelist() == [
            "otter_config.json",
            "requirements.txt",
            "run_autograder",
            "setup.sh",
            "tests/001-double.py",
        ]


def test_any_text_survives_in_a_test_file(tmp_path: Path) -> None:
    """Is a test cell with quotes, braces, backslashes and other scripts carried letter for letter?"""
    source = 'text = """{a} {{b}} \\n \'x\' 日本語 \\\\ \x0c"""\n\n# end\nassert text'
    report = build_assignment(make_course(tmp_path, {"n1": [cell("code", "1"), graded("t", source)]}), run=quick_run)
    content = zipfile.ZipFile(io.BytesIO((report.autograder / "otter.zip").read_bytes())).read("tests/001-t.py")
    values = [node.value for node in ast.parse(content).body if isinstance(node, ast.Assign)]
    assert {"t": (source, 1)} in [ast.literal_eval(value) for value in values]
