"""Does the service know who may hand in later: in what it calls late, what it shows, and what a late hand-in costs?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fake_course import rows
from fake_desk import NOW, lively
from fake_engine import ASSIGNMENT, FakeEngine
from hub_class import Student, make_fake_hub_course, until
from saiten.course import Course
from saiten.hub.dates import ExtensionsNow
from saiten.hub.desk import MarkingDesk
from saiten.hub.model import State
from saiten.hub.web.views import exercises

DUE = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
HEAD = "assignment,student,extra\n"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course whose assignment was due an hour ago; one student has a day more."""
    course = make_fake_hub_course(tmp_path, toml=f"due = {DUE.isoformat()}\n[instant_feedback]\nquiet_hours = 48\n")
    (course.root / "extensions.csv").write_text(HEAD + "ps1,student-001,1d\n")
    return course


@pytest.fixture
def desk(course: Course) -> Iterator[MarkingDesk]:
    """The service, at work."""
    with MarkingDesk.open(course, workers=1, factory=FakeEngine, unsafe=True, poll_seconds=0.02) as desk:
        yield desk


def test_who_has_an_extension_is_not_late(course: Course, desk: MarkingDesk, tmp_path: Path) -> None:
    """Of two who hand in now, is one late and one not, for the page and the gradebook; is the quiet time theirs?"""
    for name in ("student-001", "student-002"):
        Student(tmp_path, name, ASSIGNMENT).order(scores={"mean-test": 2})
    found = until(lambda: (done := desk.hand_ins(for_staff=False)) and len(done) == 2 and
                  all(each.state is State.MARKED for each in done) and done)  # fmt: skip
    by_student = {each.student: each for each in found}
    assert {name: each.late for name, each in by_student.items()} == {"student-001": False, "student-002": True}
    own = DUE + timedelta(days=1)
    assert desk.own_dues("student-001") == {ASSIGNMENT: own}
    assert desk.own_dues("student-002") == {}
    assert by_student["student-001"].withheld_until == own, "the last hours before the student's own due date"
    assert by_student["student-002"].withheld_until is None
    held = rows(course.root, "select student_id, extension from submitted_assignment order by 1")
    assert [(row["student_id"], row["extension"] is not None) for row in held] == [
        ("student-001", True),
        ("student-002", False),
    ]


def test_a_slip_in_the_file_changes_nothing(course: Course, caplog: pytest.LogCaptureFixture) -> None:
    """While a line cannot be meant, does what was known before hold, and is it said in the log, once?"""
    now = ExtensionsNow(course)
    clock = [0.0]

    def look() -> object:
        clock[0] += 2
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("saiten.hub.dates.time.monotonic", lambda: clock[0])
            known = now()
        return None if known is None else known.due(ASSIGNMENT, "student-001", DUE)

    assert look() == DUE + timedelta(days=1)
    file = course.root / "extensions.csv"
    file.write_text(HEAD + "ps1,student-001,tomorrow or so\n")
    assert look() == look() == DUE + timedelta(days=1)
    assert len(re.findall("extensions stay as they were", caplog.text)) == 1
    file.write_text(HEAD + "ps1,student-001,3d\n")
    assert look() == DUE + timedelta(days=3)
    file.unlink()
    assert look() is None


def test_the_students_page_counts_down_to_their_own_due_date() -> None:
    """Is the time left that of the extension, and does the page say that there is one?"""
    desk = lively()
    due = next(card for card in desk.all_cards if card.due is not None and card.released)
    own = NOW + timedelta(hours=5)
    plain = {each.card.name: each for each in exercises(desk.all_cards, [], NOW)}
    mine = {each.card.name: each for each in exercises(desk.all_cards, [], NOW, {due.name: own})}
    assert mine[due.name].left == 5 * 3600
    assert mine[due.name].card.due == own
    assert (mine[due.name].extended, plain[due.name].extended) == (True, False)
    others = mine.keys() - {due.name}
    assert {name: mine[name] for name in others} == {name: plain[name] for name in others}
