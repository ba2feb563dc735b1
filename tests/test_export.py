"""Are exported marks those of the gradebook, is a missing one never a zero, is a final grade what the policy says?"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nbgrader.api import Gradebook

from fake_course import hand_in, make_course, mark
from fake_engine import ASSIGNMENT, order
from saiten.cli import main
from saiten.errors import CourseError
from saiten.export import Mark, Person, Roll, State, export_table, read_policy, read_roster
from saiten.export.policy import Group, Late, Policy, final_grade, members
from saiten.export.roll import Column

DAY = 86_400.0
COLUMNS = (Column("01-a", 10, None), Column("02-b", 20, None), Column("03-c", 10, None), Column("exam", 50, None))


def roll(**marks: tuple[Mark | float, ...]) -> Roll:
    """One student a keyword; a number is a mark of so many points."""
    found = {}
    for student, own in marks.items():
        for column, value in zip(COLUMNS, own, strict=False):
            found[student, column.name] = Mark(State.MARKED, float(value)) if isinstance(value, int | float) else value
    return Roll(tuple(Person(each) for each in sorted(marks)), COLUMNS, found)


def rows(text: str) -> list[list[str]]:
    """Fields of a CSV file."""
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Three have handed in; one is marked throughout, one waits for a person, one is not marked."""
    make_course(tmp_path, 'c.CourseDirectory.course_id = "faces"\n')
    hand_in(tmp_path, order("student-001", scores={"mean-test": 2, "sum-test": 1}, silent=["essay", "task"]))
    hand_in(tmp_path, order("student-002", scores={"mean-test": 2}))
    mark(tmp_path)
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        for grade in gradebook.find_submission(ASSIGNMENT, "student-001").notebooks[0].grades:
            if (grade.manual_score is None and grade.auto_score is None) or grade.needs_manual_grade:
                grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.update_or_create_student("student-004", first_name="花子", last_name="=1+1", email="h@example.org")
        gradebook.db.commit()
        wanted = gradebook.find_submission(ASSIGNMENT, "student-001").score
        assert wanted >= 3
    hand_in(tmp_path, order("student-003"))
    return tmp_path


def run(*arguments: str) -> Result:
    """`saiten export`."""
    return CliRunner().invoke(main, ["export", *arguments], prog_name="saiten")


def test_points_are_the_gradebooks_and_what_is_missing_is_empty(course: Path, tmp_path: Path) -> None:
    """Is every field right, every missing mark named with its reason, and the exit code 1?"""
    target = tmp_path / "out.csv"
    done = run("--course", str(course), "--output", str(target))
    assert done.exit_code == 1, done.output
    head, *found = rows(target.read_text("utf-8"))
    assert head == ["student", "last_name", "first_name", "email", ASSIGNMENT, "not marked"]
    by_student = {row[0]: row for row in found}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, "student-001")
        assert float(by_student["student-001"][4]) == submission.score
    assert by_student["student-001"][5] == ""
    assert by_student["student-002"][4:] == ["", f"{ASSIGNMENT} (waits)"]
    assert by_student["student-003"][4:] == ["", f"{ASSIGNMENT} (unmarked)"]
    assert by_student["student-004"][1:] == ["'=1+1", "花子", "h@example.org", "", ""]
    assert "1 wait for a person" in done.output
    assert "1 are handed in and not marked" in done.output
    assert "1 would have been formulas" in done.output
    assert target.read_bytes().startswith(b"\xef\xbb\xbf")


def test_nbgraders_own_command_writes_the_same(course: Path) -> None:
    """Does `nbgrader export --exporter=...` give the marks that `saiten export` gives, but for what it cannot see?"""
    program = str(Path(sys.executable).with_name("nbgrader"))
    plugin = "--exporter=saiten.export.plugin.CanvasExport"
    subprocess.run([program, "export", plugin, "--to", "n.csv"], cwd=course, check=True, capture_output=True)
    ours = run("--course", str(course), "--to", "canvas", "--output", "-")
    theirs = rows((course / "n.csv").read_text("utf-8"))
    text = ours.stdout
    assert [row for row in rows(text) if "student-003" not in row] == theirs
    assert theirs[0][:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert theirs[1] == ["    Points Possible", "", "", "", "", "15"]


def test_an_assignment_that_is_not_there_is_the_users_to_mend(course: Path) -> None:
    """Is it one sentence, and no file?"""
    done = run("--course", str(course), "ps2", "--output", str(course / "none.csv"))
    assert done.exit_code == 2
    assert "ps2" in done.output
    assert not (course / "none.csv").exists()


def test_canvas_people_and_columns_are_matched(tmp_path: Path) -> None:
    """Do Canvas's own ids and column titles come back, and are strangers on both sides named?"""
    path = tmp_path / "canvas.csv"
    path.write_text(
        "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,02-b (4711),Current Score\n"
        "    Points Possible,,,,,20,(read only)\n"
        '"Hanako, S",11,u1,STUDENT-001,A,3,1\n"Taro, S",12,u2,other@example.org,A,,\n"Student, Test",13,,,A,,\n'
    )
    made = export_table("canvas", roll(**{"student-001": (7.25, 20), "student-002": (1, 1)}), {}, read_roster(path))
    head, possible, *people = rows(made.text)
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01-a", "02-b (4711)", "03-c", "exam"]
    assert possible == ["    Points Possible", "", "", "", "", "10", "20", "10", "50"]
    assert people[0] == ["Hanako, S", "11", "u1", "STUDENT-001", "A", "7.25", "20", "", ""]
    assert people[1][1:] == ["12", "u2", "other@example.org", "A", "", "", "", ""]
    assert made.not_listed == ("student-002",)
    assert made.not_known == ("other@example.org",)
    assert not made.text.startswith("\ufeff"), "Canvas reads the mark as a part of the first heading"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_moodle_people_are_matched(tmp_path: Path, encoding: str) -> None:
    """Are they found by a number or an address, in a list as Moodle or a Japanese Excel writes it?"""
    path = tmp_path / "moodle.csv"
    path.write_text(
        "名,IDナンバー,メールアドレス\n花子,student-001,x@example.org\n太郎,,student-002@example.org\n", encoding
    )
    made = export_table("moodle", roll(**{"student-001": (1,), "student-002": (2,)}), {}, read_roster(path), zeros=True)
    assert rows(made.text) == [
        ["IDナンバー", "メールアドレス", "01-a", "02-b", "03-c", "exam"],
        ["student-001", "x@example.org", "1", "0", "0", "0"],
        ["", "student-002@example.org", "2", "0", "0", "0"],
    ]
    assert (made.not_listed, made.not_known) == ((), ())


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"a,a\n1,2\n", b"\xff\xfe\x00", b"a\0,b\n1,2\n"])
def test_a_list_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    """Is anything but a table of people told in a sentence?"""
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(CourseError):
        read_roster(path)


def test_a_name_that_a_spreadsheet_would_calculate_is_text(tmp_path: Path) -> None:
    """Does every format put an apostrophe before it, and leave numbers alone?"""
    for kind in ("plain", "canvas", "moodle"):
        made = export_table(kind, roll(**{"=cmd|' /C calc'!A1": (1,), "-5": (2,)}), {})
        fields = [field for row in rows(made.text) for field in row]
        assert "'=cmd|' /C calc'!A1" in fields
        assert "-5" in fields
        assert not any(field.startswith(("=", "+", "@")) for field in fields)


POLICY = """
[final]
points = 100
digits = 1
[late]
grace_minutes = 15
per_day = 0.1
most = 0.5
[[group]]
name = "exercises"
assignments = ["0*"]
weight = 3
drop_lowest = 1
[[group]]
name = "exam"
assignments = ["exam"]
weight = 1
"""


def grade(policy: Policy, marks: tuple[Mark | float, ...]) -> tuple[Decimal | None, tuple[str, ...], tuple[str, ...]]:
    """Final points, what was dropped, what is missing."""
    found = roll(s=marks)
    final = final_grade(policy, members(policy, found.columns), found, "s")
    return final.points, final.dropped, final.missing


def test_a_final_grade_by_weights_with_the_lowest_dropped(tmp_path: Path) -> None:
    """Is it what one reckons by hand?"""
    path = tmp_path / "final.toml"
    path.write_text(POLICY)
    policy = read_policy(path)
    # shares 0.8, 0.5 and 1; the lowest is dropped: 0.9. Exam 0.5. (3 * 0.9 + 0.5) / 4 = 0.8
    assert grade(policy, (8, 10, 10, 25)) == (Decimal("80.0"), ("02-b",), ())
    # not handed in is 0, and dropped
    assert grade(policy, (8, Mark(State.ABSENT), 10, 25)) == (Decimal("80.0"), ("02-b",), ())
    # a day and 16 minutes late: two days, 20 % of 20 points
    late = Mark(State.MARKED, 20, seconds_late=DAY + 16 * 60)
    assert grade(policy, (0, late, 10, 25)) == (Decimal("80.0"), ("01-a",), ())
    # ten days cost no more than half, and 15 minutes nothing
    late = Mark(State.MARKED, 20, seconds_late=10 * DAY)
    assert grade(policy, (0, late, 10, 25)) == (Decimal("68.8"), ("01-a",), ())
    late = Mark(State.MARKED, 20, seconds_late=15 * 60)
    assert grade(policy, (0, late, 10, 25)) == (Decimal("87.5"), ("01-a",), ())


@pytest.mark.parametrize("state", [State.WAITS, State.UNMARKED])
def test_no_final_grade_before_all_is_marked(state: State) -> None:
    """Is a missing mark no zero, even where it might be dropped?"""
    policy = Policy((Group("all", ("*",), drop_lowest=1),))
    assert grade(policy, (10, Mark(state), 10, 50)) == (None, (), ("02-b",))


def test_by_points_and_half_up() -> None:
    """Do points count instead of assignments where asked, and are halves rounded up?"""
    by_points = Policy((Group("all", ("0*",), by_points=True),), points=40)
    assert grade(by_points, (10, 0, 10, 0))[0] == Decimal(20)
    assert grade(Policy((Group("all", ("01-a",)),), points=10), (0.5,))[0] == Decimal(1)
    assert grade(Policy((Group("all", ("01-a",)),), points=10), (2.5,))[0] == Decimal(3)


def test_nbgraders_penalty_stands_unless_the_policy_has_a_rule() -> None:
    """Is lateness counted once?"""
    late = Mark(State.MARKED, 10, penalty=4, seconds_late=DAY)
    assert grade(Policy((Group("all", ("01-a",)),)), (late,))[0] == Decimal(60)
    assert grade(Policy((Group("all", ("01-a",)),), late=Late(per_day=0.1)), (late,))[0] == Decimal(90)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[final]\n",
        "[[group]]\nname = 'a'\n",
        "[[group]]\nname = 'a'\nassignments = ['*']\nwieght = 1\n",
        "[[group]]\nname = 'a'\nassignments = ['*']\nweight = -1\n",
        "[[group]]\nname = 'a'\nassignments = ['*']\nweight = 0\n",
        "[[group]]\nname = 'a'\nassignments = ['*']\n[[group]]\nname = 'a'\nassignments = ['*']\n",
        "[late]\nper_day = 'x'\n[[group]]\nname = 'a'\nassignments = ['*']\n",
        "[late]\nmost = 2\n[[group]]\nname = 'a'\nassignments = ['*']\n",
        "[final]\ndigits = 1.5\n[[group]]\nname = 'a'\nassignments = ['*']\n",
        "group = 3\n",
        "[[group]\n",
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    """Is it named, before anything is written?"""
    path = tmp_path / "final.toml"
    path.write_text(text)
    with pytest.raises(CourseError, match=str(path)):
        read_policy(path)


@pytest.mark.parametrize("group", [Group("none", ("x*",)), Group("all", ("0*",), drop_lowest=3)])
def test_a_group_that_does_not_fit_the_course_is_refused(group: Group) -> None:
    """Is a group without assignments, or that drops them all, a sentence instead of a grade?"""
    with pytest.raises(CourseError, match=group.name):
        members(Policy((group,)), COLUMNS)


def test_a_final_grade_on_the_command_line(course: Path, tmp_path: Path) -> None:
    """Does it stand in the file for who is marked, and is it empty for who is not?"""
    path = tmp_path / "final.toml"
    path.write_text('[[group]]\nname = "all"\nassignments = ["*"]\n')
    done = run("--course", str(course), "--policy", str(path), "--output", str(tmp_path / "f.csv"))
    assert done.exit_code == 1
    assert "2 have no final grade yet" in done.output
    head, *found = rows((tmp_path / "f.csv").read_text("utf-8"))
    place = head.index("Final grade")
    finals = {row[0]: row[place] for row in found}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        score = gradebook.find_submission(ASSIGNMENT, "student-001").score
    assert finals == {
        "student-001": str(round(100 * score / 15)),
        "student-002": "",
        "student-003": "",
        "student-004": "0",
    }
