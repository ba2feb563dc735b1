"""Does `check_exchange` see every mode that students could abuse, and does `prepare_exchange` mend it?"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from saiten.course import Course
from saiten.errors import CourseError
from saiten.hub import exchange
from saiten.hub.exchange import check_exchange, exchange_folders, prepare_exchange, require_exchange

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "faces"
c.Exchange.root = {root!r}
"""


@pytest.fixture
def course() -> Iterator[Course]:
    """A course with an exchange that `prepare_exchange` made, below a folder that is open (pytest's own is not)."""
    with tempfile.TemporaryDirectory(prefix="saiten-modes-") as folder:
        top = Path(folder)
        top.chmod(0o755)
        place = top / "course"
        (place / "source").mkdir(parents=True)
        place.chmod(0o700)
        (place / "nbgrader_config.py").write_text(CONFIG.format(root=str(top / "exchange")))
        made = Course.find(place)
        prepare_exchange(made)
        yield made


def test_what_is_made_has_nothing_to_find_and_nothing_to_mend(course: Course) -> None:
    """Is a new exchange as it has to be, whatever the umask, and is asking again for it nothing?"""
    folders = exchange_folders(course)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folders.root, folders.course, folders.inbound)}
    assert modes == {folders.root: 0o1777, folders.course: 0o755, folders.inbound: 0o3733}
    assert check_exchange(course) == []
    assert prepare_exchange(course) == []
    assert require_exchange(course) == []


def test_what_is_missing_is_made_before_nbgrader_makes_it(course: Course) -> None:
    """Has a course that was never released its folders, with our modes, once the service has looked at the exchange?"""
    folders = exchange_folders(course)
    shutil.rmtree(folders.course)
    assert len(require_exchange(course)) == 5
    assert stat.S_IMODE(folders.inbound.stat().st_mode) == 0o3733
    assert check_exchange(course) == []
    shutil.rmtree(folders.root)
    with pytest.raises(CourseError):
        require_exchange(course)


@pytest.mark.parametrize(
    ("place", "mode", "problem"),
    [
        ("exchange", 0o777, "rename or remove a whole course"),
        ("exchange", 0o755, "lets nobody hand in"),
        ("exchange/faces", 0o777, "can write in"),
        ("exchange/faces/outbound", 0o775, "can write in"),
        ("exchange/faces/outbound/ps1/ps1.ipynb", 0o666, "which others fetch"),
        ("exchange/faces/feedback", 0o755, "can list"),
        ("exchange/faces/inbound-of", 0o755, "can list"),
        ("exchange/faces/inbound", 0o3777, "read what others handed in"),
        ("exchange/faces/inbound", 0o2733, "move another's hand-in"),
        ("exchange/faces/inbound", 0o1700, "cannot hand in"),
        ("course", 0o755, "source, solutions, submissions and gradebook"),
        ("course", 0o701, "source, solutions, submissions and gradebook"),
    ],
)
def test_each_mode_that_can_be_abused(course: Course, place: str, mode: int, problem: str) -> None:
    """Is it found, refused with a command that mends it, and mended on request?"""
    path = course.root.parent / place
    if not path.exists():
        path.parent.mkdir()
        path.write_text("{}")
    path.chmod(mode)
    (finding,) = check_exchange(course)
    assert finding.path == path
    assert problem in finding.problem
    assert str(path) in finding.problem
    with pytest.raises(CourseError, match=re.escape(finding.next_step)):
        require_exchange(course)
    assert require_exchange(course, mend=True) == [f"Set the mode of {path} to {finding.mode:04o}."]
    assert check_exchange(course) == []


def test_a_closed_folder_above_the_course_is_enough(course: Course) -> None:
    """Is a course in a home that nobody else enters left as it is?"""
    course.root.chmod(0o755)
    course.root.parent.chmod(0o700)
    assert [finding for finding in check_exchange(course) if finding.path == course.root] == []


def test_a_gradebook_elsewhere_is_looked_at_too(course: Course) -> None:
    """Is a database outside the course's folder found when students can read it?"""
    database = course.root.parent / "marks.db"
    database.touch(0o600)
    database.chmod(0o604)
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write(f"c.CourseDirectory.db_url = 'sqlite:///{database}'\n")
    (finding,) = check_exchange(Course.find(course.root))
    assert (finding.path, finding.mode) == (database, 0o600)


def test_the_group_counts_unless_it_is_the_accounts_own(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a course readable by a group with others in it found?"""
    course.root.chmod(0o750)
    monkeypatch.setattr(exchange, "_others_in_group", lambda about: False)
    assert check_exchange(course) == []
    monkeypatch.setattr(exchange, "_others_in_group", lambda about: True)
    (finding,) = check_exchange(course)
    assert finding.mode == 0o700


def test_a_course_that_somebody_else_made_first_is_a_persons_to_look_at(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is a folder of another account refused, and never taken over by --mend?"""
    us = os.geteuid()
    monkeypatch.setattr(exchange.os, "geteuid", lambda: us + 1)
    problems = [finding.problem for finding in check_exchange(course) if finding.mode is None]
    assert any("a student may have made it" in problem for problem in problems)
    with pytest.raises(CourseError, match=r"can rename every course|may have made it"):
        prepare_exchange(course)


def test_a_folder_that_may_not_be_made_says_the_command(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does an account without the right get the line for root?"""

    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    folders = exchange_folders(course)
    folders.feedback.rmdir()
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(CourseError, match=f"As root: mkdir -p {folders.feedback} && chmod 0711"):
        prepare_exchange(course)


def test_every_folder_in_which_hand_ins_arrive(course: Course) -> None:
    """Does a student in a container have a folder that says who it is, and is a link no such folder?"""
    folders = exchange_folders(course)
    (folders.inbound_of / "student-002").mkdir()
    (folders.inbound_of / "student-003").symlink_to(folders.inbound)
    assert folders.inbounds() == [(folders.inbound, None), (folders.inbound_of / "student-002", "student-002")]


def test_a_course_without_an_id_is_refused(tmp_path: Path) -> None:
    """Is the missing option named?"""
    (tmp_path / "source").mkdir()
    with pytest.raises(CourseError, match=r"CourseDirectory\.course_id"):
        check_exchange(Course.find(tmp_path))
