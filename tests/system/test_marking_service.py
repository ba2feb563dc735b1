"""The marking service with the real engine: a kill loses nothing, and students' code gets nothing of it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

import hub_driver
from hub_class import ASSIGNMENT, Student, make_hub_course, until
from saiten.build import build_assignment
from saiten.course import Course
from saiten.hub.desk import MarkingDesk
from saiten.hub.model import JobKind, JobState, Shown, State
from tiny_course import ALMOST, RIGHT, WRONG

pytestmark = pytest.mark.system

TOKEN = "this-token-is-the-services-own"
STUDENTS = 10


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The tiny course, built, with its exchange."""
    made = make_hub_course(tmp_path)
    build_assignment(made.assignment(ASSIGNMENT))
    return made


def rows(course: Course, query: str) -> list[tuple[Any, ...]]:
    """What the service's tables hold."""
    with closing(sqlite3.connect(course.root / "gradebook.db", timeout=30)) as connection:
        return connection.execute(query).fetchall()


def temporary(course: Course) -> Path:
    """Where the service's temporary files go."""
    folder = course.root.parent / "temporary"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def service(course: Course) -> Iterator[subprocess.Popen[str]]:
    """The service in a process of its own; killed at the end, if it was not before."""
    command = [sys.executable, hub_driver.__file__, str(course.root)]
    environment = {
        **os.environ,
        "JUPYTERHUB_API_TOKEN": TOKEN,
        "OMP_NUM_THREADS": "1",
        "TMPDIR": str(temporary(course)),
    }
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_killed_three_times_every_hand_in_is_marked_once(course: Course) -> None:
    """Is every hand-in marked exactly once, and in the gradebook, though the service is killed while it works?"""
    root = course.root.parent
    students = [Student(root, f"student-{number:03d}") for number in range(STUDENTS)]
    answers = {student.name: (RIGHT, WRONG, ALMOST)[number % 3] for number, student in enumerate(students)}
    marked = "select 1 from saiten_arrivals where state = 'marked'"
    for some, wanted in ((students[:4], 1), (students[4:7], 4), (students[7:], 8), ([], STUDENTS)):
        with service(course):
            for student in some:
                student.hand_in(answers[student.name])
            until(lambda least=wanted: len(rows(course, marked)) >= least)
            assert len(list(temporary(course).iterdir())) == 1, "what those before have left is swept"
    found = rows(course, "select student, state, attempt from saiten_arrivals order by student")
    assert found == [(student.name, "marked", 1) for student in students]
    acts = rows(course, "select student, what, count(*) from saiten_acts group by 1, 2")
    assert sorted(acts) == sorted((student.name, what, 1) for student in students for what in ("taken", "marked"))
    ledger = rows(course, "select student, count(*) from saiten_ledger group by 1")
    assert ledger == [(student.name, 2) for student in students]  # with all tests, and with the public ones
    scores = dict(rows(course, "select student, score from saiten_ledger where in_gradebook"))
    assert scores == {name: 4.0 if answer == RIGHT else 0.0 for name, answer in answers.items()}
    for student in students:
        page = student.fetch()["mean"]
        assert "the mean of one number" not in page
        assert "4 of 6" in page  # of the public tests, which all of them hold


SPY = """
import os, pathlib
def mean(values):
    return sum(values) / len(values)
seen = [f"{name}={value}" for name, value in os.environ.items()]
for place in %s:
    try:
        entry = pathlib.Path(place)
        seen.append(str([each.name for each in entry.iterdir()] if entry.is_dir() else entry.read_bytes()[:200]))
    except OSError as error:
        seen.append(type(error).__name__)
for entry in pathlib.Path("/proc").glob("[0-9]*/environ"):
    try:
        seen.append(entry.read_text())
    except OSError:
        pass
print("SPY", seen)
"""


def test_students_code_gets_no_token_no_exchange_and_no_gradebook(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is there nothing of the service's in what a student's cell can read: environment, folders, other processes?"""
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", TOKEN)
    root = course.root.parent
    places = [str(root / "exchange"), str(course.root / "gradebook.db"), str(course.root / "source"), str(course.root)]
    with MarkingDesk.open(course, workers=1) as desk:
        ada = Student(root, "ada")
        ada.hand_in(SPY % json.dumps(places))
        until(lambda: [each for each in desk.hand_ins(for_staff=True) if each.state is State.MARKED])
        until(lambda: desk.page(1, for_staff=True))
        (own,) = desk.hand_ins(for_staff=True)
        assert own.questions[0].score == 4.0
    text = (course.autograded_dir(ASSIGNMENT, "ada") / "mean.ipynb").read_text()
    assert "SPY" in text
    assert TOKEN not in text
    assert "JUPYTERHUB" not in text
    assert "gradebook" not in text.split("SPY", 2)[2]
    assert text.count("FileNotFoundError") + text.count("PermissionError") >= len(places)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # nbgrader leaves timestamp.txt open
def test_a_course_from_build_to_feedback(course: Course) -> None:
    """Do build, release, hand-in, correction, a class marked again and feedback work one after the other?"""
    root = course.root.parent
    with MarkingDesk.open(course, workers=1) as desk:

        def done(kind: JobKind) -> str:
            job = desk.start(kind, ASSIGNMENT, "teacher")
            until(lambda: desk.jobs()[0].state not in (JobState.WAITING, JobState.RUNNING))
            assert desk.jobs()[0].number == job.number
            assert desk.jobs()[0].state is JobState.DONE, desk.jobs()[0].message
            return desk.jobs()[0].message

        assert "mean" in done(JobKind.BUILD)
        done(JobKind.RELEASE)
        assert desk.cards()[0].built
        released = root / "exchange" / course.coursedir.course_id / "outbound" / ASSIGNMENT / "mean.ipynb"
        assert "the mean of one number" not in released.read_text()
        ada = Student(root, "ada")
        ada.hand_in(WRONG)
        until(lambda: desk.hand_ins(for_staff=True)[:1] and desk.hand_ins(for_staff=True)[0].state is State.MARKED)
        ada.hand_in(RIGHT)
        until(lambda: [each.state for each in desk.hand_ins(for_staff=True)] == [State.MARKED] * 2)
        newest, first = desk.hand_ins(student="ada", for_staff=True)
        assert (first.questions[0].score, newest.questions[0].score, newest.attempt) == (0.0, 4.0, 2)
        assert done(JobKind.MARK_ALL) == "1 marked"
        assert done(JobKind.FEEDBACK).startswith("1 students")
        newest, first = desk.hand_ins(student="ada", for_staff=False)
        assert (newest.shown, first.shown) == (Shown.FULL, Shown.PUBLIC)
        checked = desk.start(JobKind.CHECK, ASSIGNMENT, "teacher")
        desk.cancel(checked.number, "teacher")
        until(lambda: desk.jobs()[0].state is JobState.CANCELLED)


def test_the_service_ends_by_a_signal_with_all_its_workers(course: Course) -> None:
    """Does SIGKILL leave no process of the service's behind?"""
    from saiten.grading.descendants import descendants, look

    with service(course) as process:
        until(lambda: len(descendants(process.pid)) > 4)  # a warm worker, its engine's processes
        below = descendants(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
        until(lambda: all((now := look(each.pid)) is None or now.dead or now.started != each.started for each in below))
