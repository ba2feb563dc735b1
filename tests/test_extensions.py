"""Does everybody learn the same of who may hand in later: the file's mistakes, its zones, and who asks?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from fake_course import SUBMISSIONS, everything, hand_in, make_course, mark, rows
from fake_engine import make_bundle, order
from saiten.build import source_hash
from saiten.cli import main
from saiten.course import Course
from saiten.errors import CourseError
from saiten.extensions import Extensions, read_extensions
from saiten.gradebook import LatePolicy, Practice, apply_dates, open_database
from saiten.lateness import own_due, seconds_late
from saiten.settings import read_settings
from saiten.zones import after, on_clock, zone_of
from tiny_course import make_tiny_course

DUE = datetime.fromisoformat("2026-04-10T23:59:00+09:00")
HEAD = "assignment,student,until,extra,reason\n"


def written(tmp_path: Path, lines: str, *, head: str = HEAD, zone: str = "") -> Extensions:
    """A file with these lines, read and looked through for a course of ps1 and ps2."""
    path = tmp_path / "extensions.csv"
    path.write_text(head + lines, encoding="utf-8")
    found = read_extensions(path, zone_of(zone))
    assert found is not None
    found.check({"ps1": DUE, "ps2": None})
    return found


def test_no_file_is_no_extension(tmp_path: Path) -> None:
    """Is a missing file told from an empty one, and is neither an error?"""
    assert read_extensions(tmp_path / "extensions.csv") is None
    assert written(tmp_path, "").due("ps1", "student-017", DUE) == DUE


@pytest.mark.parametrize(
    ("line", "due"),
    [
        ("ps1,student-017,2026-04-17T23:59:00+09:00,,ill", "2026-04-17T23:59:00+09:00"),
        ("ps1,student-017,2026-04-17T14:59:00Z,,ill", "2026-04-17T23:59:00+09:00"),
        ("ps1,student-017,2026-04-17 23:59,,in the zone of the due date", "2026-04-17T23:59:00+09:00"),
        ("ps1,student-017,,7d,", "2026-04-17T23:59:00+09:00"),
        ("ps1,student-017,,+1d 12h,", "2026-04-12T11:59:00+09:00"),
        ("*,student-*,,90 min,all of them", "2026-04-11T01:29:00+09:00"),
        ("ps1,student-01?,,2日 3時間,", "2026-04-13T02:59:00+09:00"),
        ("ps1,student-017,,0.5d,", "2026-04-11T11:59:00+09:00"),
        ("# ps1,student-017,,7d,not any more", "2026-04-10T23:59:00+09:00"),
        ("ps1,student-018,,7d,somebody else", "2026-04-10T23:59:00+09:00"),
        ("ps2,student-017,,7d,another assignment", "2026-04-10T23:59:00+09:00"),
    ],
)
def test_what_a_line_means(tmp_path: Path, line: str, due: str) -> None:
    """Is it the moment that its writer means?"""
    assert written(tmp_path, line).due("ps1", "student-017", DUE) == datetime.fromisoformat(due)


def test_what_a_spreadsheet_saves(tmp_path: Path) -> None:
    """Are semicolons, tabs, a byte order mark, quotes, other letters and other orders of columns understood?"""
    excel = written(tmp_path, 'student-017;"ps1";2d;"ill; a note"\n', head="\ufeffStudent;Assignment;Extra;Reason\n")
    assert excel.due("ps1", "student-017", DUE) == DUE + timedelta(days=2)
    tabs = written(tmp_path, "ps1\tstudent-017\t2026-04-12 10:00\n", head="assignment\tstudent\tuntil\n")
    assert tabs.due("ps1", "student-017", DUE) == datetime.fromisoformat("2026-04-12T10:00:00+09:00")


def test_the_more_exact_line_counts(tmp_path: Path) -> None:
    """Does one student's own line beat that of a group, and one assignment's that of all, in any order?"""
    lines = ["*,student-*,,1d,", "ps1,student-*,,2d,", "*,student-017,,3d,", "ps1,student-017,,4d,"]
    for some in (lines, lines[::-1]):
        file = written(tmp_path, "\n".join(some))
        days = [(file.due("ps1", who, DUE) or DUE) - DUE for who in ("student-017", "student-018")]
        assert days == [timedelta(days=4), timedelta(days=2)]
        assert file.ends("ps1", DUE) == [DUE + timedelta(days=number) for number in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("ps1,student-017,,7d,\nps1,student-017,,8d,", "line 3: 'student-017' has an extension for 'ps1' in line 2"),
        ("ps11,student-017,,7d,", r"line 2: the course has no assignment 'ps11'.*Did you mean ps1\?"),
        ("ps1,student-017,next week,,", "line 2: `until` must be a date and a time"),
        ("ps1,student-017,2026-04-17,,", "line 2: `until` must be a date and a time"),
        ("ps1,student-017,2026-02-30 10:00,,", "line 2: `until` must be a date and a time"),
        ("ps1,student-017,2026-04-09 10:00,,", r"line 2: 2026-04-09 10:00\+09:00 is before the due date of ps1"),
        ("ps1,student-017,,soon,", "line 2: `extra` must be a time such as 2d"),
        ("ps1,student-017,,0d,", "line 2: `extra` must be a time such as 2d"),
        ("ps1,student-017,,-2d,", "line 2: `extra` must be a time such as 2d"),
        ("ps1,student-017,,,ill", "line 2: it has neither"),
        ("ps1,student-017,2026-04-17 23:59,2d,", "line 2: it has both"),
        ("ps1,,,2d,", "line 2: it names no student"),
        (",student-017,,2d,", "line 2: it names no assignment"),
        ("*,student-017,2026-04-17 23:59,,", "line 2: `until` needs one assignment"),
    ],
)
def test_a_line_that_cannot_be_meant(tmp_path: Path, lines: str, message: str) -> None:
    """Is each mistake one sentence that names the line?"""
    with pytest.raises(CourseError, match=message) as caught:
        written(tmp_path, lines)
    assert str(tmp_path / "extensions.csv") in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("assignment,student,reason\n", "lacks a column 'until'"),
        ("assignment,until\n", "lacks a column 'student'"),
        ("assignment,student,due\n", "has a column 'due', which means nothing"),
    ],
)
def test_a_head_that_is_none(tmp_path: Path, head: str, message: str) -> None:
    """Is the first line of the file explained?"""
    with pytest.raises(CourseError, match=message):
        written(tmp_path, "", head=head)


def test_two_groups_that_overlap(tmp_path: Path) -> None:
    """Is it said for whom two lines say different things?"""
    file = written(tmp_path, "ps1,student-0*,,1d,\nps1,student-*,,2d,")
    assert file.due("ps1", "student-117", DUE) == DUE + timedelta(days=2)
    with pytest.raises(CourseError, match="'student-017' has an extension for 'ps1' in line 2 already"):
        file.due("ps1", "student-017", DUE)


def test_strangers_are_named(tmp_path: Path) -> None:
    """Is a slip of the pen in an id told, with the id that was probably meant?"""
    file = written(tmp_path, "ps1,student-17,,1d,\nps1,student-0*,,2d,\nps1,student-018,,1d,")
    told = file.strangers({"student-017", "student-018"})
    assert told == ["extensions.csv, line 2: nobody is known as 'student-17' yet. Did you mean student-017?"]


def test_a_zone_of_the_course(tmp_path: Path) -> None:
    """Does a date without an offset mean the course's clock, in summer and in winter, in both files?"""
    (tmp_path / "assignment.toml").write_text("release = 2026-10-19T09:00:00\ndue = 2026-10-23 23:59:00\n")
    zone = ZoneInfo("Europe/Berlin")
    settings = read_settings(tmp_path, zone)
    assert settings.due is not None
    assert settings.due.astimezone(UTC) == datetime(2026, 10, 23, 21, 59, tzinfo=UTC)
    path = tmp_path / "extensions.csv"
    path.write_text(HEAD + "ps1,student-017,2026-10-26 23:59,,\nps1,student-018,,3d,\nps1,student-019,,72h,\n")
    file = read_extensions(path, zone)
    assert file is not None
    winter = datetime(2026, 10, 26, 22, 59, tzinfo=UTC)
    ends = [file.due("ps1", f"student-0{number}", settings.due) for number in (17, 18, 19)]
    assert ends == [winter, winter, winter - timedelta(hours=1)], "three days later is 23:59 again, 72 hours are not"


@pytest.mark.parametrize(
    ("moment", "message"),
    [
        ("2026-03-29 02:30", "skip 2026-03-29 02:30"),
        ("2026-10-25 02:30", "show 2026-10-25 02:30 twice"),
    ],
)
def test_a_change_of_the_clocks(tmp_path: Path, moment: str, message: str) -> None:
    """Is a time that does not exist, or exists twice, refused instead of guessed at?"""
    with pytest.raises(ValueError, match=message):
        on_clock(datetime.fromisoformat(moment), ZoneInfo("Europe/Berlin"))
    (tmp_path / "assignment.toml").write_text(f"due = {moment}:00\n")
    with pytest.raises(CourseError, match=f"`due`.*{message}"):
        read_settings(tmp_path, ZoneInfo("Europe/Berlin"))
    assert on_clock(datetime.fromisoformat(moment), ZoneInfo("Asia/Tokyo")).utcoffset() == timedelta(hours=9)


def test_hours_run_through_a_change_of_the_clocks() -> None:
    """Is one hour after the last one of summer time an hour later, and a day later the same time of day?"""
    due = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, for the first time
    zone = ZoneInfo("Europe/Berlin")
    assert after(due, 0, timedelta(hours=1), zone).astimezone(UTC) == due + timedelta(hours=1)
    assert after(due, 1, timedelta(), zone).astimezone(UTC) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_a_zone_that_is_none(tmp_path: Path) -> None:
    """Does a wrong name in the configuration say so at once?"""
    make_tiny_course(tmp_path)
    (tmp_path / "nbgrader_config.py").write_text('c = get_config()\nc.Saiten.timezone = "Europe/Entenhausen"\n')
    with pytest.raises(CourseError, match="no time zone 'Europe/Entenhausen'"):
        Course.find(tmp_path)


def test_lateness() -> None:
    """Is the very moment in time, and does an extension move it?"""
    naive = datetime(2026, 4, 10, 12)
    assert seconds_late(naive, naive) == 0
    assert seconds_late(naive + timedelta(seconds=1), naive) == 1
    assert seconds_late(naive + timedelta(hours=3), naive, timedelta(hours=1)) == 7200
    assert seconds_late(None, naive) == seconds_late(naive, None, timedelta(hours=1)) == 0
    assert own_due(None, timedelta(hours=1)) is None


# --- the gradebook ----------------------------------------------------------------------------------------------------

HALF_A_POINT_AN_HOUR = """
from nbgrader.plugins import BasePlugin

class HourlyPenalty(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late / 7200
"""


def late_class(root: Path, extensions: str = "") -> None:
    """Three who handed in two hours late; a penalty for each hour."""
    (root / "extension_plugin.py").write_text(HALF_A_POINT_AN_HOUR)
    make_course(root, 'c.AssignLatePenalties.plugin_class = "extension_plugin.HourlyPenalty"\n')
    (root / "source" / "ps1" / "assignment.toml").write_text("due = 2026-04-01T19:00:00+09:00\n")
    for number in (1, 2, 3):
        made = order(f"student-00{number}", scores={"mean-test": 2, "mean-hidden": 3, "sum-test": 1})
        hand_in(root, replace(made, timestamp="2026-04-01 12:00:00 UTC"))
    if extensions:
        (root / "extensions.csv").write_text(HEAD + extensions)


def penalties(root: Path) -> list[float]:
    """Of the first notebook, by student."""
    return [row["penalty"] for row in rows(root, SUBMISSIONS) if row["notebook"] == "problem1"]


def test_extensions_reach_the_gradebook_where_nbgrader_looks_for_them(tmp_path: Path) -> None:
    """Is the extension in nbgrader's own column, does its own due date move, and does who has one pay less?"""
    late_class(tmp_path, "ps1,student-001,,1h,\nps1,student-002,2026-04-01 21:00,,\n")
    mark(tmp_path)
    assert penalties(tmp_path) == [0.5, None, 1.0]
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}", course_id="") as gradebook:
        submission = gradebook.find_submission("ps1", "student-001")
        assert submission.extension == timedelta(hours=1)
        assert submission.duedate == datetime(2026, 4, 1, 11)
        assert submission.total_seconds_late == 3600
    before = everything(tmp_path)
    mark(tmp_path)
    assert everything(tmp_path) == before, "the second time changes nothing"


def test_an_extension_given_later_needs_no_marking(tmp_path: Path) -> None:
    """Do a new line, a changed one and one taken out reach those who are not marked again, too?"""
    late_class(tmp_path)
    mark(tmp_path)
    assert penalties(tmp_path) == [1.0, 1.0, 1.0]
    (tmp_path / "extensions.csv").write_text(HEAD + "ps1,student-00[12],,1h,\n")
    mark(tmp_path, students=("student-003",))
    assert penalties(tmp_path) == [0.5, 0.5, 1.0]
    (tmp_path / "extensions.csv").write_text(HEAD + "ps1,student-002,,2h,\n")
    mark(tmp_path, students=("student-003",))
    assert penalties(tmp_path) == [1.0, None, 1.0]


def test_without_the_file_the_gradebooks_own_extensions_stay(tmp_path: Path) -> None:
    """Is what somebody entered by nbgrader's API kept, and does the file decide alone once it is there?"""
    late_class(tmp_path)
    mark(tmp_path)
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}", course_id="") as gradebook:
        gradebook.grant_extension("ps1", "student-001", hours=1)
    mark(tmp_path)
    assert penalties(tmp_path) == [0.5, 1.0, 1.0]
    (tmp_path / "extensions.csv").write_text(HEAD)
    mark(tmp_path)
    assert penalties(tmp_path) == [1.0, 1.0, 1.0]


def test_another_due_date_counts_for_all(tmp_path: Path) -> None:
    """If the due date is moved, do penalties and extensions follow it, also of those who are not marked now?"""
    late_class(tmp_path, "ps1,student-001,2026-04-01 20:00,,\n")
    mark(tmp_path)
    (tmp_path / "source" / "ps1" / "assignment.toml").write_text("due = 2026-04-01T20:00:00+09:00\n")
    mark(tmp_path, students=("student-003",))
    assert penalties(tmp_path) == [0.5, 0.5, 0.5]


def test_a_line_that_cannot_be_meant_stops_before_anything_is_marked(tmp_path: Path) -> None:
    """Is it the sentence, and is nothing in the gradebook?"""
    late_class(tmp_path, "ps1,student-001,,1h,\nps1,student-001,,2h,\n")
    with pytest.raises(CourseError, match="line 3"):
        mark(tmp_path)
    assert rows(tmp_path, "select id from submitted_assignment") == []


def test_a_plugin_that_fails_is_told(tmp_path: Path) -> None:
    """Does the penalty stay as it was, with a sentence about whose it is?"""
    late_class(tmp_path)
    mark(tmp_path)
    (tmp_path / "extensions.csv").write_text(HEAD + "ps1,student-001,,1h,\n")
    course = Course.find(tmp_path)
    assignment = course.assignment("ps1")

    class Broken:
        """A plugin of a course's."""

        def late_submission_penalty(self, *_: object) -> float:
            """Fail."""
            raise RuntimeError("no answer")

    database = open_database(Practice.of(course).url)
    try:
        with database.begin() as connection:
            moved = apply_dates(connection, assignment, course.extensions(), LatePolicy(Broken()))
    finally:
        database.dispose()
    assert moved.students == ["student-001"]
    assert "RuntimeError: no answer" in moved.problems["student-001"]
    assert penalties(tmp_path) == [1.0, 1.0, 1.0]


def test_who_reads_the_gradebook_reads_the_extensions_of_now(tmp_path: Path) -> None:
    """Without marking again, do export, feedback and report know a line that was written a moment ago?"""
    late_class(tmp_path)
    bundle = replace(make_bundle(), source_hash=source_hash(Course.find(tmp_path).assignment("ps1")))
    bundle.write(Course.find(tmp_path).autograder_dir("ps1"))
    mark(tmp_path, bundle=bundle)
    for hours, command in enumerate((["export", "--output", str(tmp_path / "o.csv")], ["feedback", "ps1"]), 1):
        (tmp_path / "extensions.csv").write_text(HEAD + f"ps1,student-002,,{hours}h,\n")
        done = CliRunner().invoke(main, [*command, "--course", str(tmp_path)], prog_name="saiten")
        assert done.exit_code in (0, 1), done.output
        assert penalties(tmp_path) == [1.0, [0.5, None][hours - 1], 1.0]
    (tmp_path / "extensions.csv").write_text(HEAD)
    done = CliRunner().invoke(main, ["report", "ps1", "--course", str(tmp_path)], prog_name="saiten")
    assert done.exit_code == 0, done.output
    assert penalties(tmp_path) == [1.0, 1.0, 1.0]


def test_groups_that_overlap_cost_nobody_else_their_marks(tmp_path: Path) -> None:
    """Is everybody marked, and is it said of whom two lines say different things?"""
    late_class(tmp_path, "ps1,student-00[12],,1h,\nps1,student-00[23],,2h,\n")
    found = mark(tmp_path)
    found = mark(tmp_path) if not found["student-002"].problem else found
    assert "has an extension for 'ps1' in line 2 already" in found["student-002"].problem
    assert (found["student-001"].problem, found["student-003"].problem) == ("", "")
    assert penalties(tmp_path) == [0.5, 1.0, None]
