"""Is every hand-in taken once: not before it is whole, for nobody but its owner, whenever the service stops?"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from hub_class import ASSIGNMENT, COURSE_ID, Student, make_hub_course, until
from saiten.course import Course
from saiten.gradebook import open_database, parse_moment
from saiten.hub import arrivals as module
from saiten.hub.arrivals import Arrivals
from saiten.hub.model import State
from saiten.hub.store import Arrival, Store
from tiny_course import RIGHT, WRONG


class Scene:
    """A course, its exchange, and the part of the service that takes hand-ins."""

    def __init__(self, root: Path) -> None:
        self.root, self.course = root, make_hub_course(root)
        self.inbound = root / "exchange" / COURSE_ID / "inbound"
        self.taken_folder = self.inbound.parent / "taken"
        self.refused = self.inbound.parent / "refused"
        self.databases: list[Engine] = []
        self.told: list[Arrival] = []
        self.start()

    def start(self) -> None:
        """Start the service, as if for the first time."""
        self.databases.append(open_database(self.course.coursedir.db_url))
        self.store = Store(self.databases[-1])
        self.arrivals = Arrivals(self.course, self.store, lambda arrival, _: self.told.append(arrival))
        self.arrivals.recover()

    def take(self, number: int = 1) -> list[Arrival]:
        """Wait until so many hand-ins are taken, and return all of them, the oldest first."""
        until(lambda: self.arrivals.poll() or len(self.store.arrivals()) >= number)
        until(lambda: (self.arrivals.poll(), len(self.store.arrivals()) >= number)[1])
        return self.store.arrivals()[::-1]

    def acts(self, what: str) -> list[str]:
        """Details of the acts of a kind."""
        return [act.detail for act in self.store.acts() if act.what == what]

    def submitted(self, student: str) -> Path:
        """A student's folder under `submitted/`."""
        return self.course.submitted_dir(ASSIGNMENT, student)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """The scene; its databases are closed afterwards."""
    made = Scene(tmp_path)
    yield made
    for database in made.databases:
        database.dispose()


def test_a_hand_in_is_moved_copied_and_noted(scene: Scene) -> None:
    """Is what a student submitted in `submitted/`, gone from the exchange, in one row, with the time of arrival?"""
    before = datetime.now(UTC) - timedelta(seconds=1)
    Student(scene.root, "ada").hand_in(data__csv="1,2")
    (arrival,) = scene.take()
    assert (arrival.student, arrival.assignment, arrival.attempt, arrival.state) == ("ada", "tiny", 1, State.WAITING)
    assert before <= arrival.arrived <= datetime.now(UTC)
    files = {path.name for path in scene.submitted("ada").iterdir()}
    assert files == {"mean.ipynb", "data.csv", "timestamp.txt", "submission_secret.txt"}
    moment, note = parse_moment((scene.submitted("ada") / "timestamp.txt").read_text())
    assert (moment, note) == (arrival.arrived.replace(tzinfo=None), "")
    assert arrival.submission_hash == scene.course.submission(scene.course.assignment(ASSIGNMENT), "ada").hash
    assert list(scene.inbound.iterdir()) == list(scene.taken_folder.iterdir()) == []
    assert stat.S_IMODE(scene.taken_folder.stat().st_mode) == 0o700


def test_a_time_that_the_student_wrote_counts_for_nothing(scene: Scene) -> None:
    """Is a hand-in whose timestamp.txt says 2020 one of today, and the claim kept?"""
    ada = Student(scene.root, "ada")
    ada.hand_in()
    (folder,) = scene.inbound.iterdir()
    (folder / "timestamp.txt").write_text("2020-01-01 00:00:00.000000 UTC")
    os.utime(folder / "mean.ipynb", (0, 0))
    os.utime(folder, (0, 0))
    (arrival,) = scene.take()
    assert abs(arrival.arrived - datetime.now(UTC)) < timedelta(minutes=5)
    assert arrival.claimed.startswith("2020-01-01")
    assert "2020" not in (scene.submitted("ada") / "timestamp.txt").read_text()


def test_what_lay_there_while_nobody_looked_arrived_when_it_was_written(scene: Scene) -> None:
    """Is a student in time whose hand-in waited for a service that was down?"""
    Student(scene.root, "ada").hand_in()
    (folder,) = scene.inbound.iterdir()
    written = folder.stat().st_ctime
    time.sleep(1.2)
    (arrival,) = scene.take()
    assert abs(arrival.arrived.timestamp() - written) < 0.1


@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_a_hand_in_is_left_until_nbgrader_is_done_with_it(
    scene: Scene, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Does `nbgrader submit` never fail because its folder was taken too early, whatever the student's own mode is?"""
    ada = Student(scene.root, "ada")
    ada.write().chmod(mode)
    polls: list[int] = []
    chmod, opened = os.chmod, open

    def look(step: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = step(*args, **kwargs)
            if str(args[0]).startswith(str(scene.inbound)):
                polls.append(scene.arrivals.poll())
            return result

        return call

    from nbgrader.exchange.default import submit

    monkeypatch.setattr(submit.os, "chmod", look(chmod))
    monkeypatch.setattr(submit, "open", look(opened), raising=False)
    ada.submit()
    monkeypatch.undo()
    assert len(polls) > 5
    assert not any(polls[:-1])  # before the last call of nbgrader's that concerns the folder
    assert len(scene.take()) == 1


def test_what_never_becomes_whole_is_told_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a folder that is no hand-in left where it is, and staff told of it, once?"""
    monkeypatch.setattr(module, "_FORGOTTEN_SECONDS", 0.0)
    (scene.inbound / "ada+tiny+2026-01-01 00:00:00 UTC+x").mkdir()
    for _ in range(5):
        scene.arrivals.poll()
    assert len(scene.acts("left")) == 1
    assert scene.store.arrivals() == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ada+nothing+2026-01-01 00:00:00.0 UTC+abc", "there is no such assignment"),
        ("ada+..+2026-01-01 00:00:00.0 UTC+abc", "its name is not one"),
        ("..+tiny+2026-01-01 00:00:00.0 UTC+abc", "its name is not one"),
        ("nonsense", "its name is not one"),
    ],
)
def test_what_is_no_hand_in_of_this_course_is_put_away(scene: Scene, name: str, reason: str) -> None:
    """Is a folder that names no student's assignment refused, with the reason in the log?"""
    Student(scene.root, "ada").hand_in()
    (folder,) = scene.inbound.iterdir()
    folder.rename(scene.inbound / name)
    until(lambda: scene.arrivals.poll() or scene.acts("refused"))
    assert reason in scene.acts("refused")[0]
    assert scene.store.arrivals() == []
    assert len(list(scene.refused.iterdir())) == 1
    assert not (scene.course.root / "submitted").exists()


def test_a_folder_of_another_account_is_that_accounts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where accounts differ: is a hand-in named for somebody else refused, and one's own taken?"""
    Student(scene.root, "ada").hand_in()
    me = os.geteuid()
    monkeypatch.setattr(module.os, "geteuid", lambda: me + 1)
    monkeypatch.setattr(module.pwd, "getpwuid", lambda uid: known[uid])

    class Entry:
        pw_name = "bob"

    known = {os.stat(scene.inbound).st_uid: Entry}
    until(lambda: scene.arrivals.poll() or scene.acts("refused"))
    assert "it belongs to bob" in scene.acts("refused")[0]
    Student(scene.root, "bob").hand_in()
    assert [each.student for each in scene.take()] == ["bob"]


def test_a_folder_in_somebodys_own_inbound_is_theirs(scene: Scene) -> None:
    """Containers: does the folder in which a hand-in lies say whose it is?"""
    own = scene.inbound.parent / "inbound-of" / "bob"
    own.mkdir()
    Student(scene.root, "bob").hand_in()
    Student(scene.root, "ada").hand_in(WRONG)
    for folder in list(scene.inbound.iterdir()):
        folder.rename(own / folder.name)
    assert [each.student for each in scene.take()] == ["bob"]
    until(lambda: scene.arrivals.poll() or scene.acts("refused"))
    assert "it lay in the folder of bob" in scene.acts("refused")[0]


def test_links_and_devices_stay_outside(scene: Scene) -> None:
    """Does a link in a hand-in bring nothing of the course's into it?"""
    ada = Student(scene.root, "ada")
    ada.hand_in()
    (folder,) = scene.inbound.iterdir()
    (folder / "secret.txt").symlink_to(scene.course.root / "nbgrader_config.py")
    os.mkfifo(folder / "pipe")
    folder.chmod(0o777)
    scene.take()
    assert {path.name for path in scene.submitted("ada").iterdir()} == {
        "mean.ipynb", "timestamp.txt", "submission_secret.txt"
    }  # fmt: skip
    assert "secret.txt: it is a symbolic link" in scene.acts("left-out")[0]


def test_a_newer_hand_in_replaces_a_waiting_one_and_an_older_one_replaces_nothing(scene: Scene) -> None:
    """Is the newest hand-in the one under `submitted/`, in whatever order they are brought in?"""
    ada = Student(scene.root, "ada")
    ada.hand_in(WRONG)
    first = scene.take(1)[0]
    ada.hand_in(RIGHT)
    assert [each.state for each in scene.take(2)] == [State.REPLACED, State.WAITING]
    right = (scene.submitted("ada") / "mean.ipynb").read_bytes()
    late = scene.taken_folder / f"{first.arrived.strftime('%Y%m%dT%H%M%S.%f')}~abcdef~ada+tiny+0+0"
    ada.hand_in(WRONG)
    (folder,) = scene.inbound.iterdir()
    folder.rename(late)
    scene.arrivals.recover()
    states = {each.token: each.state for each in scene.store.arrivals()}
    assert states["abcdef"] is State.REPLACED
    assert (scene.submitted("ada") / "mean.ipynb").read_bytes() == right
    newest = scene.store.newest("ada", "tiny")
    assert newest is not None
    assert newest.state is State.WAITING


class PowerCutError(Exception):
    """The service ends here."""


@pytest.mark.parametrize("step", ["_bring_in", "_place", "take", "_remove"])
def test_whatever_the_service_was_doing_when_it_was_killed(
    scene: Scene, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is a hand-in there once after the next start, whichever step was the last?"""
    Student(scene.root, "ada").hand_in()
    owner: Any = Store if step == "take" else Arrivals

    def cut(*_: Any, **__: Any) -> None:
        raise PowerCutError

    monkeypatch.setattr(owner, step, cut)
    with pytest.raises(PowerCutError):
        until(scene.arrivals.poll)
    monkeypatch.undo()
    scene.start()
    scene.start()
    (arrival,) = scene.store.arrivals()
    assert (arrival.student, arrival.attempt, arrival.state) == ("ada", 1, State.WAITING)
    assert (scene.submitted("ada") / "mean.ipynb").is_file()
    assert list(scene.taken_folder.iterdir()) == []
    assert [act.what for act in scene.store.acts()] == ["taken"]


def test_what_was_taken_is_out_of_the_students_reach(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does a change in a folder that was kept open change nothing of what counts?"""
    ada = Student(scene.root, "ada")
    ada.hand_in(WRONG)
    (folder,) = scene.inbound.iterdir()
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    scene.take()
    counted = (scene.submitted("ada") / "mean.ipynb").read_bytes()
    with pytest.raises(FileNotFoundError):
        os.open("mean.ipynb", os.O_WRONLY, dir_fd=descriptor)
    os.close(descriptor)
    assert (scene.submitted("ada") / "mean.ipynb").read_bytes() == counted


def test_a_course_without_an_id_is_refused(tmp_path: Path) -> None:
    """Is a course that the exchange cannot know told so in one sentence?"""
    from saiten.errors import CourseError
    from saiten.hub.desk import MarkingDesk
    from tiny_course import make_tiny_course

    course = Course.find(make_tiny_course(tmp_path))
    with pytest.raises(CourseError, match="has no id"):
        MarkingDesk(course)
