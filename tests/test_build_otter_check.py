"""Otter's checks for students: do they find the public tests in a lone notebook, and does marking not care?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.utils import compute_checksum

from course_samples import DOUBLE, cell, graded, make_course, quick_run, solution, tree
from saiten.build import build_assignment, otter_check
from saiten.build.otter_check import GRADE_ID, INERT
from saiten.bundle import Bundle
from saiten.course import Assignment
from saiten.errors import SourceError
from saiten.grading.engine import Engine
from saiten.submission import Submission

CELLS = [
    *DOUBLE,
    solution("half", "def half(x):\n    return x / 2"),
    graded("half-quotes", "text = \"'''\"\nassert half(4) == 2, '''two\\\\'''", 1),
    graded("half-hidden", "### BEGIN HIDDEN TESTS\nassert half(-4) == -2\n### END HIDDEN TESTS", 1),
    graded("half-reference", "assert half(3) == reference.half(3)", 1),
]
SECRETS = ("double(-21)", "negative", "half(-4)", "twice_of_x")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """An assignment that asks for Otter's checks, built by the engine."""
    assignment = make_course(tmp_path_factory.mktemp("check"), {"n1": CELLS}, toml="otter_check = true")
    build_assignment(assignment)
    return assignment


def released(assignment: Assignment) -> Any:
    """The students' notebook."""
    return nbformat.read(assignment.course.release_dir(assignment.name) / "n1.ipynb", as_version=4)


def students_cell(assignment: Assignment) -> Any:
    """Otter's cell in it."""
    (found,) = [each for each in released(assignment).cells if each.id == GRADE_ID]
    return found


def test_public_tests_are_in_the_notebook_and_hidden_ones_are_not(built: Assignment) -> None:
    """Is the cell in front of all code, with every public test, and is no line of a solution or hidden test there?"""
    code = [each for each in released(built).cells if each.cell_type == "code"]
    assert code[0].id == GRADE_ID
    assert "assert double(2) == 4" in code[0].source
    assert "half(4) == 2" in code[0].source
    whole = "".join(path.read_text() for path in built.course.release_dir("a1").rglob("*") if path.is_file())
    assert [secret for secret in SECRETS if secret in whole] == []
    assert "reference.half" not in code[0].source
    marks = code[0].metadata.nbgrader
    assert (marks.locked, marks.grade, marks.solution) == (True, False, False)
    assert marks.checksum == compute_checksum(code[0])


def test_every_build_gives_the_same_bytes(built: Assignment) -> None:
    """Is the release byte-stable, and does the bundle hold the cell that does nothing?"""
    before = tree(built.course.release_dir("a1"))
    build_assignment(built)
    assert tree(built.course.release_dir("a1")) == before
    notebook = Bundle.read(built.course.autograder_dir("a1")).notebooks[0]
    (kept,) = [each for each in notebook.cells if each.grade_id == GRADE_ID]
    assert (kept.source, kept.release_source) == (INERT, INERT)
    assert not [name for name in notebook.imports if name.startswith("otter")]


def test_without_the_option_nothing_is_added(tmp_path: Path) -> None:
    """Is the release of an assignment that does not ask for it as it was?"""
    assignment = make_course(tmp_path, {"n1": DOUBLE})
    build_assignment(assignment, run=quick_run)
    assert GRADE_ID not in (assignment.course.release_dir("a1") / "n1.ipynb").read_text()


def test_a_hidden_test_in_the_cell_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would the search for leaks see it if this cell were written from the whole tests?"""
    monkeypatch.setattr(otter_check, "_public", lambda cells: {each.grade_id: (1.0, each.source) for each in cells})
    with pytest.raises(SourceError, match="hidden tests would be released"):
        build_assignment(make_course(tmp_path, {"n1": DOUBLE}, toml="otter_check = true"), run=quick_run)


def test_its_name_is_its_own(tmp_path: Path) -> None:
    """Is an assignment that has a cell of that name refused?"""
    assignment = make_course(tmp_path, {"n1": [solution(GRADE_ID, "x = 1")]}, toml="otter_check = true")
    with pytest.raises(SourceError, match="adds a cell with the grade_id"):
        build_assignment(assignment, run=quick_run)


STUDENT = """
import json, os, sys, types, warnings
warnings.simplefilter("ignore")
from IPython.core.interactiveshell import InteractiveShell

source = json.load(sys.stdin)
shell = InteractiveShell.instance()
installed = []
shell.register_magic_function(installed.append, magic_name="pip")

def run(text):
    done = shell.run_cell(text)
    done.raise_error()
    return repr(done.result)

for place in ("jupyter", "colab"):
    os.makedirs(place)
    os.chdir(place)
    found = {"place": place, "refused": ""}
    if place == "colab":
        InteractiveShell.__str__ = lambda self: "<google.colab._shell.Shell>"
        sys.modules["google.colab"] = types.ModuleType("google.colab")
        try:
            run("import otter; otter.Notebook()")
        except ValueError as error:
            found["refused"] = str(error)
    run(source)
    found["right"] = run("double = lambda x: x + x\\ngrader.check('double')")
    found["wrong"] = run("double = lambda x: x\\ngrader.check('double')")
    found["half"] = run("half = lambda x: x / 2\\ngrader.check('half')")
    found["everything"] = run("grader.check_all()")
    found["installed"] = list(installed)
    print("FOUND" + json.dumps(found))
    os.chdir("..")
"""


def test_students_can_check_with_nothing_but_the_notebook(built: Assignment, tmp_path: Path) -> None:
    """In an empty folder, in Jupyter and by the rules that Otter has for Colab: does `grader.check` run the tests?"""
    command, text = [sys.executable, "-c", STUDENT], json.dumps(students_cell(built).source)
    done = subprocess.run(command, input=text, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [json.loads(line.removeprefix("FOUND")) for line in done.stdout.splitlines() if line.startswith("FOUND")]
    assert [each["place"] for each in lines] == ["jupyter", "colab"]
    for found in lines:
        assert "All test cases passed!" in found["right"]
        assert "line 1: assert double(2) == 4" in found["wrong"]
        assert "All test cases passed!" in found["half"]
        assert "double results" in found["everything"]
    jupyter, colab = lines
    # what Otter says there to a notebook without test files: neither a folder nor metadata would come along
    assert (jupyter["refused"], colab["refused"]) == ("", "Tests directory ./tests does not exist")
    assert (jupyter["installed"], colab["installed"]) == ([], ["install -q otter-grader==7.0.0"])


@pytest.fixture(scope="module")
def engine(built: Assignment) -> Iterator[Engine]:
    """Ready to mark it."""
    with Engine(Bundle.read(built.course.autograder_dir("a1"))) as ready:
        yield ready


CALLS = "result = grader.check('double')\ngrader.check_all()\ngrader.export(run_tests=True)"
OWN = "import otter\ngrader = otter.Notebook()"
ABSENT = "import sys\nsys.modules['otter'] = None"


@pytest.mark.parametrize(
    "extra",
    [[CALLS], [OWN, "grader.check('double')", CALLS], [ABSENT, OWN, CALLS], ["del grader", CALLS]],
    ids=["calls", "own", "absent", "deleted"],
)
def test_marking_does_not_care(built: Assignment, engine: Engine, extra: list[str]) -> None:
    """Do calls of `grader`, Otter's own or none at all leave a right answer its points?"""
    notebook = released(built)
    for each in notebook.cells:
        if each.id == "double":
            each.source = "def double(x):\n    return x + x"
        elif each.id == "half":
            each.source = "def half(x):\n    return x / 2\n\n" + "grader.check('half')" * (extra == [CALLS])
    at = next(number for number, each in enumerate(notebook.cells) if each.id == "half")
    notebook.cells[at:at] = [nbformat.v4.new_code_cell(text) for text in extra]
    if extra == [CALLS]:
        notebook.cells = [each for each in notebook.cells if each.id != GRADE_ID]
    result = engine.mark(Submission("student-017", "a1", {"n1": nbformat.writes(notebook).encode()}, {}))
    assert (result.score, result.max_score) == (6, 8), result  # the written answer (2) is for a person


def test_an_instructors_own_check_cells_are_marked(tmp_path: Path) -> None:
    """Can the source itself hold `grader.check(...)` where its question ends?"""
    cells = [*DOUBLE, cell("code", "grader.check('double')")]
    report = build_assignment(make_course(tmp_path, {"n1": cells}, toml="otter_check = true"), run=quick_run)
    assert report.points == 5
