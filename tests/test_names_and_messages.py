"""Are ids, messages and file names of students harmless where people read them: table, JSON, gradebook, export?"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from course_samples import DOUBLE, make_course, notebook_json, solution
from fake_course import GRADES, connected, hand_in, mark, rows
from fake_course import make_course as make_fake_course
from fake_engine import order
from saiten.batch.marking import ClassReport, Marked
from saiten.cli import main
from saiten.cli.table import Places, print_report
from saiten.results import Result, Status
from saiten.sanitise import is_formula

HOSTILE = (
    "[red]x[/red] [link=http://t]y[/link] \x1b[2J\x1b]8;;http://t\x07z\x1b]8;;\x07 \u202egnp\u2066 \x9b31m"
    "\nnext :smile:"
)


def test_the_table_shows_names_and_messages_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Is there neither a command for the terminal nor markup in it, and every row on a line of its own?"""
    row = Result(HOSTILE, "ps1", Status.REJECTED, None, 5.0, message=HOSTILE)
    report = ClassReport((Marked(row, False), Marked(replace(row, student="student-002"), False, HOSTILE)), "sqlite://")
    print_report(report, Places(tmp_path, tmp_path, tmp_path), 1.0, 1)
    shown = capsys.readouterr().out
    assert "[red]x[/red] [link=http://t]y[/link]" in shown
    assert ":smile:" in shown
    assert all(char.isprintable() or char == "\n" for char in shown)


def _grade(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("saiten")), "grade", "a1", "--course", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A course marked by the engine: student-017 claims to be another in every place, student-018 is right."""
    root = tmp_path_factory.mktemp("course")
    make_course(root)
    claim = {"student": "student-018", "student_id": "student-018", "nbgrader": {"student": "student-018"}}
    raising = f"raise ValueError({HOSTILE!r})"
    hand_ins = {
        "student-017": notebook_json([solution("double", f"def double(x):\n    {raising}")], **claim, saiten=claim),
        "student-018": notebook_json([solution("double", "def double(x):\n    return 2 * x"), *DOUBLE[3:]]),
        '=HYPERLINK("http:t")': notebook_json([solution("double", "def double(x):\n    return 2 * x")]),
        "evil\x1b[2J\u202e\n2": notebook_json([solution("double", "def double(x):\n    return 0")]),
    }
    for student, text in hand_ins.items():
        folder = root / "submitted" / student / "a1"
        folder.mkdir(parents=True)
        (folder / "n1.ipynb").write_text(text, encoding="utf-8")
    (root / "submitted" / "student-017" / "a1" / "student-018").mkdir()
    (root / "submitted" / "student-017" / "a1" / "student.txt").write_text("student-018")
    done = _grade(root, "--json")
    assert done.returncode == 1, done.stderr
    return root, [json.loads(line) for line in done.stdout.splitlines()]


def test_json_has_no_command_in_it(graded: tuple[Path, list[dict[str, Any]]]) -> None:
    """Is each result one line of characters that no terminal obeys, and the meaning whole?"""
    root, results = graded
    lines = _grade(root, "--json").stdout.splitlines()
    assert len(lines) == len(results) == 4
    assert all(char.isprintable() for line in lines for char in line)
    assert {each["student"] for each in results} >= {"evil\x1b[2J\u202e\n2", "student-017"}


def test_another_students_id_counts_for_nothing(graded: tuple[Path, list[dict[str, Any]]]) -> None:
    """Is the folder the only thing that says whose work it is?"""
    root, results = graded
    scores = {each["student"]: each["score"] for each in results}
    assert (scores["student-017"], scores["student-018"]) == (0.0, 3.0)
    with connected(root) as connection:
        found = connection.exec_driver_sql(
            "select sa.student_id, g.auto_score from grade g join submitted_notebook sn on sn.id = g.notebook_id"
            " join submitted_assignment sa on sa.id = sn.assignment_id join base_cell b on b.id = g.cell_id"
            " where b.name = 'double-tests'"
        ).all()
    assert dict(map(tuple, found)) == {"student-017": 0.0, "student-018": 3.0}


def test_ids_that_a_spreadsheet_or_terminal_obeys_stay_out_of_the_gradebook(
    graded: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """Does `nbgrader export` write no formula, and is the result still told, with its reason?"""
    root, results = graded
    refused = [each for each in results if "gradebook does not take this id" in " ".join(each["notes"])]
    assert {each["student"] for each in refused} == {'=HYPERLINK("http:t")', "evil\x1b[2J\u202e\n2"}
    target = tmp_path / "grades.csv"
    command = [sys.executable, "-m", "nbgrader", "export", "--CsvExportPlugin.output_file=grades.csv", f"--to={target}"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table = list(csv.DictReader(io.StringIO(target.read_text())))
    assert {row["student_id"] for row in table} == {"student-017", "student-018"}
    assert not [cell for row in table for cell in row.values() if cell and is_formula(cell)]
    assert {path.name for path in (root / "autograded").iterdir()} == {"student-017", "student-018"}


@pytest.mark.parametrize(
    "student", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", " =x", "＝x", "a\nb", "a\x1bb", "a\u202eb"]
)
def test_which_ids_are_refused(student: str, tmp_path: Path) -> None:
    """Is an id refused that the gradebook does not know, and taken where the instructor has entered it?"""
    make_fake_course(tmp_path)
    hand_in(tmp_path, order(student, scores={"sum-test": 1}))
    hand_in(tmp_path, order("student-001", scores={"sum-test": 1}))
    assert "does not take this id" in mark(tmp_path)[student].problem
    assert {row["student"] for row in rows(tmp_path, GRADES)} == {"student-001"}
    with connected(tmp_path) as connection:
        connection.exec_driver_sql("insert into student (id) values (?)", (student,))
    assert mark(tmp_path)[student].problem == ""
    assert {row["student"] for row in rows(tmp_path, GRADES)} == {"student-001", student}


@pytest.mark.parametrize("student", ["student-017", "s1234567", "山田", "o'neil", "a.b@example.org", "x=1", "a-b+c"])
def test_ordinary_ids_are_taken(student: str, tmp_path: Path) -> None:
    """Is nobody refused for a name?"""
    make_fake_course(tmp_path)
    hand_in(tmp_path, order(student))
    assert mark(tmp_path)[student].problem == ""


def test_errors_show_names_as_text(tmp_path: Path) -> None:
    """Is a folder's name harmless in the sentence that lists who handed in?"""
    make_fake_course(tmp_path)
    hand_in(tmp_path, order("evil\x1b[2J\u202e"))
    done = CliRunner().invoke(main, ["grade", "ps1", "--course", str(tmp_path), "--student", "nobody"])
    assert done.exit_code == 2
    assert r"There are: evil\x1b[2J\u202e." in done.output
    assert "\u202e" not in done.output
