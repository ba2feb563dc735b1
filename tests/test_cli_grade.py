"""Does `saiten grade` mark a class with the real engine, say what it did, and tell in a sentence what it cannot?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fake_course import GRADES, rows
from saiten.batch.marking import ClassReport
from saiten.batch.marking import Marked as Marking
from saiten.cli import main
from saiten.cli.table import Places, costly, histogram, plain, reason, to_look_at, where
from saiten.results import CellResult, CellStatus, Status, summarise_question
from saiten.results import Result as Marked
from tiny_course import ALMOST, ASSIGNMENT, MAXIMUM, RIGHT, STUB, WRONG, make_tiny_course, submitted

EXPECTED = {
    "student-001": ("needs_manual", 4.0),
    "student-002": ("graded", 0.0),
    "student-003": ("needs_manual", 0.0),
    "student-004": ("graded", 0.0),
    "student-005": ("rejected", None),
    "student-006": ("rejected", None),
}


def fill(root: Path) -> None:
    """Right, wrong, almost right, untouched, not JSON, and a folder without a notebook."""
    submitted(root, "student-001", RIGHT, "It is the middle of the mass.")
    submitted(root, "student-002", WRONG)
    submitted(root, "student-003", ALMOST, "It is a sum.")
    submitted(root, "student-004", STUB)
    (submitted(root, "student-005") / "mean.ipynb").write_text("this is no notebook")
    (submitted(root, "student-006") / "mean.ipynb").rename(
        root / "submitted" / "student-006" / ASSIGNMENT / "essay.txt"
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with six submissions."""
    root = make_tiny_course(tmp_path_factory.mktemp("course"))
    fill(root)
    return root


def grade(root: Path, *arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, ["grade", ASSIGNMENT, "--course", str(root), "--workers", "1", *arguments])


def lines(output: str) -> dict[str, dict[str, Any]]:
    """Read what `--json` printed: nothing but one object a line."""
    objects = [json.loads(line) for line in output.splitlines()]
    return {each["student"]: each for each in objects}


def timeless(value: Any) -> Any:
    """A result as JSON but for the seconds that it, its questions and its tests took."""
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key != "seconds"}
    return [timeless(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def first(root: Path) -> Result:
    """The first run, as JSON."""
    return grade(root, "--json")


def test_one_object_for_each_submission(root: Path, first: Result) -> None:
    """Is standard output one JSON object a line, by student, with the documented keys, and the exit code 1?"""
    assert first.exit_code == 1, first.output
    found = lines(first.stdout)
    assert {student: (each["status"], each["score"]) for student, each in found.items()} == EXPECTED
    assert list(found) == sorted(found)
    wanted = {"student", "assignment", "status", "score", "max_score", "questions", "seconds", "message", "notes"}
    wanted |= {"anew", "whole_because"}
    assert all(set(each) == wanted and each["max_score"] == MAXIMUM for each in found.values())
    (question, essay) = found["student-003"]["questions"]
    assert (question["name"], question["score"], question["max_score"]) == ("mean", 0.0, 4.0)
    assert question["message"]
    assert essay["status"] == "needs_manual"
    assert "2 of 6 could not be marked" in first.stderr
    assert "JSON" in found["student-005"]["message"]


def test_the_course_got_nothing_but_gradebook_and_marked_notebooks(root: Path, first: Result) -> None:
    """Is an nbgrader course left as it is otherwise?"""
    assert {path.name.split("-")[0] for path in root.iterdir()} == {"source", "submitted", "autograded", "gradebook.db"}
    assert sorted(path.name for path in (root / "autograded").iterdir()) == [
        *("student-001", "student-002", "student-003", "student-004")
    ]
    assert {row["student"] for row in rows(root, GRADES)} == {f"student-00{number}" for number in range(1, 5)}


def test_a_table_and_what_to_do_next(root: Path, first: Result) -> None:
    """Does a second run, from the ledger, show everybody with one reason, the class, and where things are?"""
    shown = grade(root)
    assert shown.exit_code == 1
    text = " ".join(shown.stdout.split())
    for student, (status, score) in EXPECTED.items():
        assert f"│ {student} │ {'-' if score is None else format(score, 'g')} / 6 │ {status} │" in text
    assert "0 marked, 6 known from before" in text
    assert "6 submissions: 2 graded, 2 wait for a person, 2 rejected (cannot be read)." in text
    assert "Automatic scores of 6: mean 1.0, median 0, lowest 0, highest 4; from 0 to 6:" in text
    assert "|█     ▃   |" in shown.stdout
    assert "gradebook.db" in text
    assert "autograded/<student>/tiny" in text
    assert "Next: ask those whose work was rejected" in text
    for page, verb in (("feedback/<student>/tiny", "feedback"), ("report/tiny/index.html", "report")):
        assert f"{page} (not there yet; written by saiten {verb} tiny --course {root})" in text
    assert "To look at:\n  student-00" in shown.stdout


def test_only_the_changed_one_is_marked(root: Path, first: Result) -> None:
    """Does `--student` choose, and is only what has changed marked again?"""
    folder = submitted(root, "student-007", WRONG)
    assert grade(root, "--student", "student-00[247]").exit_code == 0
    submitted(root, "student-007", RIGHT)
    shown = grade(root, "--student", "student-007", "--student", "student-002")
    assert shown.exit_code == 0
    assert "1 marked, 1 known from before" in shown.stdout
    assert lines(grade(root, "--student", "student-007", "--json").stdout)["student-007"]["score"] == 4.0
    assert folder.exists()


def test_marked_again_on_demand(root: Path, first: Result) -> None:
    """Does `--again` mark what is known, with the same outcome?"""
    shown = grade(root, "--again", "--student", "student-001", "--json")
    found, before = lines(shown.stdout)["student-001"], lines(first.stdout)["student-001"]
    assert timeless(found) == timeless(before)
    seconds = [question["seconds"] for question in found["questions"]]
    assert all(0 < each < found["seconds"] for each in seconds if each is not None)
    assert sum(each is not None for each in seconds) == 1, "the essay is not run"
    assert "1 marked" in grade(root, "--again", "--student", "student-004").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("grade", "tinny"), "Did you mean tiny?"),
        (("grade", "tiny", "--student", "nobody"), "No submission of tiny by nobody."),
        (("grade", "tiny", "--workers", "0"), "--workers"),
        (("grade",), "ASSIGNMENT"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(root: Path, arguments: tuple[str, ...], message: str) -> None:
    """Is what the user can mend told without a traceback?"""
    done = CliRunner().invoke(main, [*arguments, "--course", str(root)])
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_nobody_has_handed_in(tmp_path: Path) -> None:
    """Is an empty submitted/ exit code 2, without a gradebook?"""
    make_tiny_course(tmp_path)
    (tmp_path / "submitted").mkdir()
    done = grade(tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Nobody has handed in tiny" in done.stderr
    assert not (tmp_path / "gradebook.db").exists()


def test_the_built_bundle_is_used_while_it_is_current(tmp_path: Path) -> None:
    """Is autograder/ read instead of running the reference again, and passed over when the source has changed?"""
    make_tiny_course(tmp_path)
    submitted(tmp_path, "student-001", RIGHT)
    assert CliRunner().invoke(main, ["build", ASSIGNMENT, "--course", str(tmp_path)]).exit_code == 0
    shown = grade(tmp_path, "--json")
    assert lines(shown.stdout)["student-001"]["score"] == 4.0, shown.output
    source = tmp_path / "source" / ASSIGNMENT / "mean.ipynb"
    source.write_text(source.read_text().replace('"points": 4.0', '"points": 8.0'))
    changed = lines(grade(tmp_path, "--json").stdout)["student-001"]
    assert (changed["score"], changed["max_score"]) == (8.0, 10.0)


def test_as_a_program(tmp_path: Path) -> None:
    """Does it work from a shell in the course's folder, with a clean standard output and the configured workers?"""
    make_tiny_course(tmp_path)
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.Saiten.workers = 1\n")
    noisy = "import os, sys\nprint('noise')\nos.write(1, b'noise\\n')\nos.write(2, b'noise\\n')\n" + RIGHT
    submitted(tmp_path, "student-001", noisy)
    environment = {name: value for name, value in os.environ.items() if name != "PATH"} | {"PATH": "/usr/bin:/bin"}
    command = [str(Path(sys.executable).with_name("saiten")), "grade", ASSIGNMENT, "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)["student-001"]["score"] == 4.0


def test_help_shows_examples() -> None:
    """Does `--help` show what to type, and what the exit codes mean?"""
    shown = CliRunner().invoke(main, ["grade", "--help"])
    assert shown.exit_code == 0
    assert "saiten grade ps1 --course ~/my-nbgrader-course" in shown.stdout
    assert "Exit codes" in shown.stdout


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("a\nb\tc\r\0d", "a b c d"),
        ("\u202eevil\u2066", "evil"),
        ("[bold]x[/bold] [link=http://x]y[/link]", "[bold]x[/bold] [link=http://x]y[/link]"),
        ("あ" * 300, "あ" * 199 + "…"),
    ],
)
def test_text_of_a_students_is_shown_plainly(text: str, shown: str) -> None:
    """Can no name or message colour, turn round or break the table?"""
    assert plain(text) == shown


def test_one_reason() -> None:
    """Is the first lost question's message shown, then what waits for a person?"""
    lost = CellResult("b-test", "n", 0.0, 2.0, CellStatus.FAILED, "b did not hold")
    fine = CellResult("a-test", "n", 1.0, 1.0, CellStatus.PASSED)
    manual = CellResult("essay", "n", None, 3.0, CellStatus.NEEDS_MANUAL)

    def result(*cells: CellResult, message: str = "") -> Marked:
        questions = tuple(summarise_question(cell.name[0], "n", (cell,)) for cell in cells)
        return Marked("student-001", "tiny", Status.GRADED, 0.0, 6.0, questions, message=message)

    assert reason(result(fine, manual, lost)) == "b: b did not hold"
    assert reason(result(fine, manual)) == "to be marked by a person: essay"
    assert reason(result(fine)) == ""
    assert reason(result(lost, message="cannot be read")) == "cannot be read"


def test_what_cost_the_most() -> None:
    """Are the three costliest questions named, the costliest first, and none where no point was lost?"""

    def row(**scores: float | None) -> Marking:
        cells = [CellResult(f"{name}-test", "n", score, 4.0, CellStatus.FAILED) for name, score in scores.items()]
        questions = tuple(summarise_question(cell.name[0], "n", (cell,)) for cell in cells)
        return Marking(Marked("student-001", "tiny", Status.GRADED, 0.0, 16.0, questions), from_ledger=False)

    rows = [row(a=4.0, b=1.5, c=0.0, d=3.0, e=None), row(a=3.5, b=4.0, c=4.0, d=2.0, e=None)]
    (said,) = costly(rows)
    assert said == "What cost the most: c (4 points, 1 student), d (3 points, 2 students), b (2.5 points, 1 student)."
    assert costly([row(a=4.0, e=None)]) == []


def test_who_is_to_be_looked_at() -> None:
    """Are those without a score named with their reasons, five of them, and nobody where all went well?"""
    fine = Marking(Marked("student-001", "tiny", Status.GRADED, 0.0, 6.0), from_ledger=False)
    odd = [
        Marking(Marked(f"student-{at:03}", "tiny", Status.REJECTED, None, 6.0, message=f"cut\noff {at}"), False)
        for at in range(2, 9)
    ]
    said = to_look_at([fine, *odd])
    assert said[:2] == ["To look at:", "  student-002: cut off 2"]
    assert said[-2:] == ["  student-006: cut off 6", "  and 2 more: see their rows above"]
    assert to_look_at([fine]) == []


def test_where_the_pages_are(tmp_path: Path) -> None:
    """Does the end say whether a page is there, and what writes it?"""
    row = Marking(Marked("student-001", "tiny", Status.GRADED, 0.0, 6.0), from_ledger=False)
    page = tmp_path / "index.html"
    places = Places(tmp_path / "autograded", tmp_path / "feedback", page, option=" --course 'my course'")
    *_, feedback, report = where(ClassReport((row,), "sqlite://"), places)
    assert feedback.endswith("(not there yet; written by saiten feedback tiny --course 'my course')")
    page.touch()
    *_, feedback, report = where(ClassReport((row,), "sqlite://"), replace(places, has_feedback=True, option=""))
    assert feedback.endswith("feedback (of an earlier time; written anew by saiten feedback tiny)")
    assert report == f"Page for staff: {page} (of an earlier time; written anew by saiten report tiny)"


@pytest.mark.parametrize(
    ("scores", "drawn"),
    [([0, 10], "█        █"), ([10] * 8 + [0], "▁        █"), ([5], "     █    "), ([0.999999], "█         ")],
)
def test_histogram(scores: list[float], drawn: str) -> None:
    """Does every tenth that is not empty show, and full marks lie in the last one?"""
    assert histogram(scores, 10) == drawn
