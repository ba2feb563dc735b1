"""Does `saiten build` say what it did, or in one sentence why not, and does `saiten` start at once?"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import click
import pytest
from click.testing import CliRunner, Result

import saiten.cli
from course_samples import DOUBLE, cell, graded, make_course, quick_run, solution, tree
from saiten.cli import COMMANDS, main
from saiten.errors import EngineError, GradebookError

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _quick_reference() -> Iterator[None]:
    with patch("saiten.grading.reference.run_reference", quick_run):
        yield


def build(*arguments: object) -> Result:
    """Run `saiten build`."""
    return CliRunner().invoke(main, ["build", *map(str, arguments)], env={"COLUMNS": "120"})


def test_a_build_ends_in_a_table(tmp_path: Path) -> None:
    """Are notebook, cells, questions, points and the three folders shown?"""
    make_course(tmp_path)
    result = build("a1", "--course", tmp_path)
    assert result.exit_code == 0, result.output
    (row,) = [line for line in result.stdout.splitlines() if "a1/n1" in line]
    assert [part.strip() for part in row.strip("│ ").split("│")][:4] == ["a1/n1", "5", "2", "5"]
    for folder in ("release/a1", "solution/a1", "autograder/a1"):
        assert folder in result.stdout
        assert tree(tmp_path / folder)


def test_json_is_one_object_a_line(tmp_path: Path) -> None:
    """Is the output for machines nothing but JSON, one line for each assignment, in order?"""
    make_course(tmp_path, name="b")
    make_course(tmp_path, name="a")
    result = build("--json", "--course", tmp_path)
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["assignment"], line["points"]) for line in lines] == [("a", 5), ("b", 5)]
    assert lines[0]["release"] == str(tmp_path / "release" / "a")
    assert lines[0]["notebooks"][0]["questions"] == 2


def test_one_bad_assignment_does_not_keep_the_others(tmp_path: Path) -> None:
    """Are the good ones built, the bad ones named, each in a sentence, and is the exit code 2?"""
    make_course(tmp_path, {"n1": [solution("", "1")]}, name="bad")
    make_course(tmp_path, {"n1": [solution("f", "1"), graded("f", "1")]}, name="double")
    make_course(tmp_path, name="good")
    result = build("--course", tmp_path)
    assert result.exit_code == 2
    assert "good" in result.stdout
    assert "bad/n1: cell 1 (1) has no grade_id." in result.stderr
    assert "double/n1: the grade_id 'f' is used 2 times, in cells 1, 2." in result.stderr
    assert "Traceback" not in result.output
    assert sorted(path.name for path in (tmp_path / "release").iterdir()) == ["good"]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([cell("markdown", "x")], "no cell has a grade_id"),
        ([solution("f", "1"), solution("f", "2")], "is used 2 times"),
        ([solution("f", "1"), graded("t", "1", points=None)], "has no points"),
        ([solution("f", "def f(:"), graded("t", "1")], "syntax error in line 1"),
        ([solution("f", "f = 1"), graded("t", "assert f == 2")], "the reference solution fails its own test"),
    ],
)
def test_bad_sources_are_one_sentence_and_exit_code_2(tmp_path: Path, cells: list, message: str) -> None:  # type: ignore[type-arg]
    """Does each usual mistake end without a traceback, with nothing written?"""
    make_course(tmp_path, {"n1": cells})
    result = build("a1", "--course", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.startswith("Error: a1")
    assert "Traceback" not in result.stderr
    assert not list((tmp_path / "release").glob("*"))


def test_unknown_names_and_places_are_one_sentence(tmp_path: Path) -> None:
    """Are a wrong assignment, an empty course and a folder that is none told, with the next step?"""
    make_course(tmp_path, name="ps1")
    for arguments, message, step in (
        (["ps2", "--course", tmp_path], "has no assignment 'ps2'.", "Did you mean ps1?"),
        (["--course", tmp_path / "x"], f"There is no folder {tmp_path / 'x'}.", "--course DIR"),
    ):
        result = build(*arguments)
        assert result.exit_code == 2
        assert (message in result.stderr, step in result.stderr) == (True, True)
    (tmp_path / "empty" / "source").mkdir(parents=True)
    result = build("--course", tmp_path / "empty")
    assert result.exit_code == 2
    assert "has no assignments" in result.stderr


def command_that(error: BaseException) -> ModuleType:
    """Make a module with a command that raises."""
    module = ModuleType("raising")

    @click.command()
    def command() -> None:
        raise error

    module.command = command  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(
    ("error", "code", "shown", "traceback"),
    [
        (GradebookError("It is locked.", "Close it."), 2, "Error: It is locked.\nClose it.\n", False),
        (GradebookError("It is locked."), 2, "Error: It is locked.\n", False),
        (EngineError("wrong"), 3, "This is a fault of Saiten: please report it", True),
        (KeyError("x"), 3, "This is a fault of Saiten: please report it", True),
        (click.UsageError("no such thing"), 2, "Error: no such thing", False),
        (click.Abort(), 1, "Aborted!", False),
    ],
)
def test_the_two_kinds_of_errors(error: BaseException, code: int, shown: str, traceback: bool) -> None:
    """Is what a person can mend one sentence and code 2, and a fault of ours a traceback and code 3?"""
    with patch.object(saiten.cli, "import_module", lambda name: command_that(error)):
        result = CliRunner().invoke(main, ["build"])
    assert result.exit_code == code
    assert shown in result.stderr
    assert ("Traceback (most recent call last)" in result.stderr) == traceback
    assert result.stdout == ""


def test_help_and_version_import_no_command() -> None:
    """Does `saiten --help` list every command without importing one, or torch, NumPy or nbgrader?"""
    code = (
        "import sys\nfrom saiten.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'nbgrader', 'nbformat', 'rich', 'sqlalchemy', 'IPython', 'traitlets'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for name, entry in COMMANDS.items():
        assert f"  {name}" in done.stdout
        assert entry.help.split()[0] in done.stdout
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert CliRunner().invoke(main, ["--version"]).output == f"saiten, version {version}\n"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    """Has each command of the table a module, a help with an example, and does a wrong option end in code 2?"""
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"saiten {name}" in result.output
    assert CliRunner().invoke(main, [name, "--no-such-option"]).exit_code == 2


def test_an_unknown_command_is_refused() -> None:
    """Is a command that does not exist a usage error?"""
    result = CliRunner().invoke(main, ["biuld"])
    assert result.exit_code == 2
    assert "No such command 'biuld'" in result.stderr


def test_the_source_stays_as_it_is(tmp_path: Path) -> None:
    """Does a build write nothing into the source folder?"""
    make_course(tmp_path, {"n1": DOUBLE}, files={"data/x.csv": "1"})
    before = tree(tmp_path / "source")
    assert build("--course", tmp_path).exit_code == 0
    assert tree(tmp_path / "source") == before
