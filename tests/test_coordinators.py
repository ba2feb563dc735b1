"""Do several coordinators on one course keep out of each other's way, and does none outlive its turn?"""

from __future__ import annotations

import ctypes
import getpass
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from fake_course import ASSIGNMENT, gradebook_contents, hand_in, make_course, mark, rows
from fake_engine import HerePool, make_bundle, order
from saiten.batch.marking import Marked, Marking, Options, mark_class
from saiten.bundle import Bundle
from saiten.cli import main
from saiten.course import Course
from saiten.database import Patience, reading
from saiten.errors import GradebookError
from saiten.formgrader import Marks, converters, warm
from saiten.gradebook import Practice, my_turn, open_database
from saiten.results import Result, Status
from saiten.submission import Submission

PATIENCE = 60.0
"""seconds until a test gives up waiting for something that must happen"""

HOLDER = """
import sys
from saiten.gradebook import my_turn, open_database
with my_turn(open_database(sys.argv[1]), sys.argv[2], 0):
    print("mine", flush=True)
    sys.stdin.read()
"""


class Gate:
    """Two events: somebody is inside; and may go on."""

    def __init__(self) -> None:
        self.inside, self.open = threading.Event(), threading.Event()


def gated(gate: Gate) -> type[HerePool]:
    """A pool that stops before its first submission until the gate is opened."""

    class Gated(HerePool):
        def submit(self, fn: object, submission: Submission, /, *more: object) -> Future[Result]:
            gate.inside.set()
            assert gate.open.wait(PATIENCE)
            return super().submit(fn, submission, *more)

    return Gated


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course with two hand-ins."""
    make_course(tmp_path)
    for number in (1, 2):
        hand_in(tmp_path, order(f"student-00{number}", scores={"mean-test": number}))
    return tmp_path


@pytest.fixture
def database(root: Path) -> Iterator[Engine]:
    """The course's gradebook."""
    engine = open_database(f"sqlite:///{root / 'gradebook.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def held(root: Path, database: Engine) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the turn until it is ended."""
    command = [sys.executable, "-c", HOLDER, str(database.url), ASSIGNMENT]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0),
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "mine\n"
        yield process
        process.kill()


def run(
    root: Path, pool: type[HerePool] = HerePool, tell: Callable[[str], None] = print, **more: object
) -> list[Marked]:
    """Mark the class; returns its rows."""
    course = Course.find(root)
    options = replace(Options(pool=pool), **more)
    return list(mark_class(course, course.assignment(ASSIGNMENT), make_bundle(), options, tell=tell).rows)


def in_background(work: Callable[[], object]) -> threading.Thread:
    """Start a piece of work beside the test."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_the_second_waits_and_marks_nothing_again(root: Path) -> None:
    """Does it say who marks, since when and that it goes on, and take from the ledger what the first has marked?"""
    gate, told, found = Gate(), [], []
    waits = threading.Event()

    def tell(words: str) -> None:
        told.append(words)
        waits.set()

    HerePool.marked.clear()
    first = in_background(lambda: run(root, gated(gate)))
    assert gate.inside.wait(PATIENCE)
    second = in_background(lambda: found.extend(run(root, tell=tell)))
    assert waits.wait(PATIENCE)
    assert HerePool.marked == []
    gate.open.set()
    for thread in (first, second):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert sorted(HerePool.marked) == ["student-001", "student-002"]
    assert [row.from_ledger for row in found] == [True, True]
    holder = f"{getpass.getuser()} on {socket.gethostname()} (process {os.getpid()}, since 20"
    assert told[0].startswith(f"{ASSIGNMENT} is being marked by {holder}")
    assert told[0].endswith("waiting until that is done.")
    assert told[1:] == ["That is done: going on."]
    assert sorted(path.name for path in root.glob("gradebook.db-marking*")) == []
    alone = gradebook_contents(root)
    (root / "gradebook.db").rename(root / "old.db")
    mark(root)
    assert gradebook_contents(root) == alone


def test_no_wait_refuses_and_says_who(root: Path, held: subprocess.Popen[str]) -> None:
    """Is it one sentence with account, host and process, exit code 2, and is nothing marked?"""
    arguments = ["grade", ASSIGNMENT, "--course", str(root), "--no-wait", "--unsafe"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert f"{ASSIGNMENT} is being marked by {getpass.getuser()} on {socket.gethostname()}" in done.stderr
    assert f"(process {held.pid}, since " in done.stderr
    assert "Try again when that is done" in done.stderr
    assert rows(root, "select * from student") == []


def test_who_was_killed_holds_nobody_up(root: Path, held: subprocess.Popen[str]) -> None:
    """Is the turn free as soon as its holder is gone, though its file lies there still?"""
    with pytest.raises(GradebookError, match=f"process {held.pid}"):
        run(root, wait_seconds=0)
    held.send_signal(signal.SIGKILL)
    held.wait()
    assert list(root.glob("gradebook.db-marking-*"))
    assert [row.result.status for row in run(root, wait_seconds=0)] == [Status.NEEDS_MANUAL] * 2
    assert not list(root.glob("gradebook.db-marking-*"))


def test_other_assignments_are_marked_meanwhile(database: Engine) -> None:
    """Is a turn one of one assignment, whatever it is called?"""
    with my_turn(database, ASSIGNMENT, 0):
        for name in ("ps2", "課題 1", "a/../b", "x" * 255):
            with my_turn(database, name, 0):
                refused = pytest.raises(GradebookError, match="is being marked by")
                with refused, my_turn(database, name, 0):
                    pass


def test_formgraders_button_does_not_stand_still(root: Path, database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is who presses Autograde told who is marking, after a while, as any other error of the course's?"""
    monkeypatch.setattr(converters, "_WAIT_SECONDS", 0.0)
    monkeypatch.setattr(warm, "bundle", lambda _: make_bundle())
    course = Course.find(root)
    course.coursedir.assignment_id = ASSIGNMENT
    button = Autograde(coursedir=course.coursedir, config=course.config)
    Marks(parent=button)
    with my_turn(database, ASSIGNMENT, 0), pytest.raises(NbGraderException, match=r"is being marked by .* Try again"):
        button.convert_notebooks()
    assert rows(root, "select * from student") == []


def test_a_database_in_memory_has_one_coordinator() -> None:
    """Is there no file, and no waiting for oneself?"""
    engine = open_database("sqlite://")
    with my_turn(engine, ASSIGNMENT, 0) as turn:
        turn.looked = 0.0
        turn.keep()
    engine.dispose()


def alone(course: Course, bundle: Bundle, submission: Submission) -> None:
    """Mark one hand-in as the marking service does: at once, waiting for no class."""
    database = open_database(Practice.of(course).url)
    assignment = course.assignment(ASSIGNMENT)
    marking = Marking(course, assignment, bundle, Options(pool=HerePool), Practice.of(course), database)
    marking.prepare([submission.student])
    with HerePool(1, bundle, None, unsafe=False) as pool:
        marking.finish(submission, pool.submit(None, submission).result(), from_ledger=False)
    assert [row.problem for row in marking.close().rows] == [""]
    database.dispose()


@pytest.mark.parametrize("known", [True, False])
def test_the_service_beside_a_class(root: Path, known: bool) -> None:
    """Does neither wait for the other, and does a newer hand-in stay, in every place, when the class is done?

    The class has read the older one before the newer came. Where the service has marked the newer with other tests, the
    class cannot know its result, and leaves alone what the service wrote.
    """
    course, bundle, gate = Course.find(root), make_bundle(), Gate()
    found: list[Marked] = []
    thread = in_background(lambda: found.extend(run(root, gated(gate))))
    assert gate.inside.wait(PATIENCE)
    hand_in(root, order("student-001", scores={"mean-test": 2, "sum-test": 1}))
    newer = course.submission(course.assignment(ASSIGNMENT), "student-001")
    alone(course, bundle if known else replace(bundle, title={"en": "mended"}), newer)
    gate.open.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    query = "select student, score, in_gradebook from saiten_ledger order by 1, 2"
    states = [tuple(row.values()) for row in rows(root, query)]
    assert states == [("student-001", 1.0, 0), ("student-001", 3.0, 1), ("student-002", 2.0, 1)]
    scores = {(row["student"], row["cell"]): row["auto_score"] for row in gradebook_contents(root)[0]}
    assert (scores["student-001", "sum-test"], scores["student-001", "mean-test"]) == (1.0, 2.0)
    problems = {row.result.student: (row.result.score, row.problem) for row in found}
    assert problems["student-002"] == (2.0, "")
    if known:
        assert problems["student-001"] == (3.0, "")
        folder = root / "autograded" / "student-001" / ASSIGNMENT
        assert '\\"sum-test\\": 1' in (folder / "problem1.ipynb").read_text()
    else:
        assert "newer hand-in" in problems["student-001"][1]


def test_a_reader_does_not_wait_for_the_writer(database: Engine) -> None:
    """Can who only reads do so while somebody writes, and sees it what was there before?"""
    with database.begin() as writer, reading(database).connect() as reader:
        writer.execute(text("insert into student (id) values ('student-009')"))
        assert reader.execute(text("select id from student")).all() == []


def lost(times: int) -> Callable[[], str]:
    """Work that meets a server that is away, a number of times."""

    class OperationalErrorOfServer(Exception):
        sqlstate = "57P01"

    left = iter(range(times))

    def work() -> str:
        if next(left, None) is not None:
            raise OperationalError("select", {}, OperationalErrorOfServer("terminating connection"))
        return "done"

    return work


def test_a_database_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is it told once, is the work done anew, and is the end of patience one sentence?"""
    told: list[str] = []
    patience = Patience(PATIENCE, told.append)
    assert patience(lost(2)) == "done"
    assert [line.split(" (")[0] for line in told] == [
        "The gradebook's database does not answer",
        "The gradebook's database answers again: going on.",
    ]
    with pytest.raises(GradebookError, match=r"has not answered for 0\.01 s.*what was marked is kept"):
        Patience(0.01)(lost(1000))
    with pytest.raises(OperationalError):
        Patience()(lost(1))
    with pytest.raises(GradebookError, match="locked"):
        patience(locked)


def locked() -> None:
    """Meet a fault that waiting does not mend."""
    raise GradebookError("The ledger is locked.") from OperationalError("update", {}, Exception("database is locked"))


def test_a_submission_that_kills_its_worker_twice(root: Path) -> None:
    """Is there no zero, but its evidence in the ledger and in `saiten log`, and does --only-failed mark it?"""
    hand_in(root, order("student-003", do="die"))
    marked = mark(root)
    assert marked["student-003"].result.status is Status.INFRA_ERROR
    assert HerePool.marked.count("student-003") == 2
    assert {row["student"] for row in gradebook_contents(root)[0]} == {"student-001", "student-002"}
    (row,) = rows(root, "select status, score, in_gradebook from saiten_ledger where student = 'student-003'")
    assert (row["status"], row["score"], row["in_gradebook"]) == ("infra_error", None, 0)
    shown = CliRunner().invoke(main, ["log", "student-003", ASSIGNMENT, "--course", str(root)])
    assert "it failed twice" in shown.output
    assert shown.output.count("SIGKILL") == 2
    from saiten.batch.choose import narrowed

    course = Course.find(root)
    names = ["student-001", "student-002", "student-003"]
    assert narrowed(course.assignment(ASSIGNMENT), names, only_failed=True) == ["student-003"]
    mark(root, students=("student-003",))
    assert HerePool.marked == ["student-003"] * 2
