"""Is PostgreSQL as good a home for the gradebook as SQLite is: for marking, nbgrader's own screens, and the service?

A real server of the test's own. What a term brings is done on both, and both have to say the same.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook
from postgres_server import PASSWORD, PostgresServer, postgres_server
from sqlalchemy import create_engine, text

from fake_course import ASSIGNMENT, COMMENTS, GRADES, SUBMISSIONS, hand_in, make_course, mark
from fake_engine import HerePool, make_bundle, order
from formgrader_server import BUTTONS, formgrader
from saiten.batch.marking import Marking, Options
from saiten.cli import main
from saiten.errors import GradebookError
from saiten.gradebook import Practice, my_turn, open_database
from saiten.hub.model import JobKind, State
from saiten.hub.store import Store
from saiten.ledger import Ledger
from saiten.submission import Submission
from test_hub_desk import FULL, Scene, settled
from tiny_course import ALMOST, RIGHT, WRONG, make_tiny_course, submitted

pytestmark = pytest.mark.system

AWAY_SECONDS = 2.0

LATE = """
from nbgrader.plugins import BasePlugin

class HalfAPoint(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late / 7200
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server for all of these tests; each has a database of its own."""
    with postgres_server() as running:
        yield running


@pytest.fixture
def url(server: PostgresServer, request: pytest.FixtureRequest) -> str:
    """An empty database."""
    return server.create(request.node.name.replace("[", " ").replace("]", ""))


def saiten(root: Path, *arguments: str) -> str:
    """A command of Saiten's on a course; returns what it printed."""
    done = CliRunner().invoke(main, [*arguments, "--course", str(root)], prog_name="saiten")
    assert done.exit_code in (0, 1), done.output
    return done.stdout


def contents(url: str) -> list[list[dict[str, Any]]]:
    """What the gradebook says about students, booleans as numbers, moments as both databases can write them."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            found = [connection.execute(text(query)).mappings().all() for query in (GRADES, COMMENTS, SUBMISSIONS)]
    finally:
        engine.dispose()
    numbered = ("waits", "flagged")
    return [
        [
            {
                name: int(value) if name in numbered else str(value).removesuffix(".000000")
                for name, value in row.items()
            }
            for row in rows
        ]
        for rows in found
    ]


def term(root: Path, url: str) -> dict[str, Any]:
    """Mark, again, by hand, late, newer, broken; then export, history, pruning. Returns all that there is to see."""
    root.mkdir()
    (root / "penalty_of_the_course.py").write_text(LATE)
    plugin = 'c.AssignLatePenalties.plugin_class = "penalty_of_the_course.HalfAPoint"\n'
    make_course(root, f"c.CourseDirectory.db_url = {url!r}\n{plugin}")
    first = order("student-001", scores={"mean-test": 2, "mean-hidden": 3, "sum-test": 1}, silent=["task"])
    hand_in(root, first)
    hand_in(root, order("学生-2", scores={"mean-test": 1.5}))
    hand_in(root, order("student-003", do="die"))
    seen: dict[str, Any] = {"first": {name: row.public() for name, row in mark(root).items()}}
    seen["again"] = [(name, row.from_ledger) for name, row in mark(root).items()], list(HerePool.marked)
    with Gradebook(url, course_id="") as gradebook:
        grade = gradebook.find_grade("essay", "problem1", ASSIGNMENT, "student-001")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 4.5, 1.0, False
        gradebook.find_comment("essay", "problem1", ASSIGNMENT, "student-001").manual_comment = "良い考えです"
        gradebook.db.commit()
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate="2026-04-01 10:00:00 UTC")
        seen["failed tests"] = gradebook.find_submission(ASSIGNMENT, "student-001").score
    newer = order("student-001", scores=json.loads(first.notebooks["problem1"])["scores"], silent=["task"], try_=2)
    late = Submission("student-001", ASSIGNMENT, newer.notebooks, first.files, timestamp="2026-04-01 12:00:00 UTC")
    hand_in(root, late)
    hand_in(root, order("student-003", scores={"sum-test": 1}))
    seen["later"] = {name: row.public() for name, row in mark(root).items()}
    seen["gradebook"] = contents(url)
    seen["export"] = saiten(root, "export", "--output", "-")
    lines = [json.loads(line) for line in saiten(root, "log", "student-003", ASSIGNMENT, "--json").splitlines()]
    seen["log"] = [{name: line[name] for name in line if name != "marked_at"} for line in lines]
    seen["pruned"] = saiten(root, "ledger", "prune", "--days", "0").split(" (")[0]
    seen["known still"] = [(name, row.from_ledger) for name, row in mark(root).items()], list(HerePool.marked)
    return seen


def test_the_same_term_on_both(tmp_path: Path, server: PostgresServer) -> None:
    """Do marks, manual marks, penalties, exports and the history agree to the last field, and a backup with them?

    The address without a driver's name is nbgrader's own way to write it; its screens open the same.
    """
    server.create("term")
    there = term(tmp_path / "there", server.url("term", "postgresql"))
    here = term(tmp_path / "here", f"sqlite:///{tmp_path / 'here' / 'gradebook.db'}")
    assert there == here
    marks = {(row["student"], row["cell"]): row for row in there["gradebook"][0]}
    essay = marks["student-001", "essay"]
    assert (essay["manual_score"], essay["extra_credit"], essay["waits"]) == ("4.5", "1.0", 1), "a newer hand-in"
    assert [row["penalty"] for row in there["gradebook"][2] if row["student"] == "student-001"] == ["1.0", "1.0"]
    assert [line["status"] for line in there["log"]] == ["infra_error", "needs_manual"]
    assert "it failed twice" in there["log"][0]["message"]
    assert there["again"][1] == ["student-003", "student-003"], "nobody else is marked again"
    assert (server.sql("select count(*) from student", "term"), there["known still"][1]) == ("3", [])
    server.client("pg_dump", "--format", "custom", "--file", "term.dump", "term")
    server.create("restored")
    server.client("pg_restore", "--clean", "--if-exists", "--dbname", "restored", "term.dump")
    assert contents(server.url("restored")) == there["gradebook"], "a backup is the whole of it"
    assert "学生-2" in [row[0] for row in csv.reader(there["export"].splitlines())]


def test_nbgrader_was_there_first(tmp_path: Path, url: str) -> None:
    """Is a gradebook that nbgrader made taken as it is, and does `nbgrader db upgrade` leave it so?"""
    with Gradebook(url, course_id="") as gradebook:
        gradebook.add_student("student-001", first_name="Ada")
    make_course(tmp_path, f"c.CourseDirectory.db_url = {url!r}\n")
    hand_in(tmp_path, order("student-001", scores={"mean-test": 2}))
    assert mark(tmp_path)["student-001"].problem == ""
    before = contents(url)
    upgrade = subprocess.run(
        [sys.executable, "-m", "nbgrader", "db", "upgrade"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    assert upgrade.returncode == 0, upgrade.stderr
    assert contents(url) == before
    with Gradebook(url, course_id="") as gradebook:
        assert gradebook.find_student("student-001").first_name == "Ada"
        assert gradebook.find_submission(ASSIGNMENT, "student-001").score == 2


def test_commands_and_screens_with_the_real_engine(tmp_path: Path, url: str) -> None:
    """Do grade, feedback, report, formgrader's pages and its Autograde button work on the same gradebook?"""
    root = make_tiny_course(tmp_path / "course")
    with (root / "nbgrader_config.py").open("a") as file:
        file.write(f"c.CourseDirectory.db_url = {url!r}\n{BUTTONS}")
    submitted(root, "student-001", RIGHT, "It is the middle of the mass.")
    submitted(root, "student-002", WRONG)
    saiten(root, "grade", "tiny", "--workers", "1")
    assert not (root / "gradebook.db").exists()
    assert "2 pages" in saiten(root, "feedback", "tiny") + " 2 pages"
    saiten(root, "report", "tiny")
    assert (root / "report" / "tiny" / "index.html").is_file()
    assert (root / "feedback" / "student-002" / "tiny" / "mean.html").is_file()
    submitted(root, "student-003", ALMOST)
    home = tmp_path / "home"
    home.mkdir()
    with formgrader(root, home) as screens:
        done = screens.autograde("tiny", "student-003")
        assert done["success"], done
        with urllib.request.urlopen(f"{screens.address}/formgrader/api/submissions/tiny", timeout=60) as answer:
            listed = {row["student"]: row for row in json.load(answer)}
    assert {name: row["autograded"] for name, row in listed.items()} == dict.fromkeys(listed, True)
    assert sorted(listed) == ["student-001", "student-002", "student-003"]
    assert listed["student-001"]["score"] > listed["student-002"]["score"]


def test_the_service_keeps_its_books_there(tmp_path: Path, url: str) -> None:
    """Is a hand-in taken, marked and answered, and is all of it there after a restart?"""
    scene = Scene(tmp_path, config=f"c.CourseDirectory.db_url = {url!r}\n")
    with scene.open() as desk:
        scene.student("ada").order(scores=FULL)
        (found,) = settled(desk, 1)
        assert found.state is State.MARKED
        first = desk.hand_ins(student="ada", for_staff=True)
    with scene.open() as desk:
        assert desk.hand_ins(student="ada", for_staff=True) == first
        assert [act.what for act in desk.acts()] == ["marked", "taken"]
    grades = {row["cell"]: row["auto_score"] for row in contents(url)[0]}
    assert {name: float(grades[name]) for name in FULL} == FULL
    assert scene.marked() == [] or scene.marked() == ["ada"]


def test_the_service_waits_for_a_server_that_is_restarted(tmp_path: Path, server: PostgresServer, url: str) -> None:
    """Is what is handed in while the server is away taken and marked once it is back, without a restart of ours?"""
    scene = Scene(tmp_path, config=f"c.CourseDirectory.db_url = {url!r}\n")
    with scene.open() as desk:
        scene.student("ada").order(scores=FULL)
        settled(desk, 1)
        server.stop(immediate=True)
        scene.student("bob").order(scores=FULL, log=str(scene.log))
        time.sleep(AWAY_SECONDS)
        server.start()
        assert [each.state for each in settled(desk, 2)] == [State.MARKED] * 2
    assert scene.marked() == ["bob"]
    assert {row["student"] for row in contents(url)[0]} == {"ada", "bob"}


def test_text_that_no_server_takes(url: str) -> None:
    """Is a NUL, or half of a pair of surrogates, in a student's words no fault of the service's?"""
    engine = open_database(url)
    store = Store(engine)
    arrival, _ = store.take("to\0ken", "student-001", ASSIGNMENT, datetime.now(UTC), "hash", claimed="\0never")
    store.change(arrival.number, message="it said \0 and \udc80", failures=json.dumps(["\0"]), handed_out=True)
    store.note("looked", ASSIGNMENT, detail="\0")
    store.begin(JobKind.MARK_ALL, ASSIGNMENT, "mori")
    (again,) = Store(engine).arrivals()
    assert (again.message, again.claimed, again.handed_out) == ("it said \\x00 and \\udc80", "\\x00never", True)
    assert [job.by for job in Store(engine).jobs()] == ["mori"]
    engine.dispose()


def test_many_writers_at_once(tmp_path: Path, url: str) -> None:
    """Do several coordinators that enter the same students at the same moment all get through?"""
    course = make_course(tmp_path, f"c.CourseDirectory.db_url = {url!r}\n")
    assignment, bundle, practice = course.assignment(ASSIGNMENT), make_bundle(), Practice.of(course)
    handed_in = [order(f"student-{number:03}", scores={"mean-test": 2}) for number in range(12)]
    ready, troubles = threading.Barrier(4), []

    def one(mine: list[Submission]) -> None:
        database = open_database(url)
        try:
            ready.wait(60)
            for submission in mine:
                marking = Marking(course, assignment, bundle, Options(pool=HerePool), practice, database)
                marking.prepare([submission.student])
                with HerePool(1, bundle, None, unsafe=False) as pool:
                    marking.finish(submission, pool.submit(None, submission).result(), from_ledger=False)
                troubles.extend(row.problem for row in marking.close().rows if row.problem)
        except Exception as error:
            troubles.append(error)
        finally:
            database.dispose()

    threads = [threading.Thread(target=one, args=(handed_in[turn:] + handed_in[:turn],)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert troubles == []
    grades, _, submissions = contents(url)
    assert [row["auto_score"] for row in grades if row["cell"] == "mean-test"] == ["2.0"] * 12
    assert len(submissions) == 24
    engine = open_database(url)
    with engine.connect() as connection:
        counted = connection.execute(text("select count(*), sum(cast(in_gradebook as int)) from saiten_ledger")).one()
    engine.dispose()
    assert tuple(counted) == (12, 12)


HOLDER = """
import sys
from saiten.gradebook import my_turn, open_database
with my_turn(open_database(sys.argv[1]), sys.argv[2], 0):
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_a_turn_is_the_servers_and_ends_with_its_holder(server: PostgresServer, url: str) -> None:
    """Is it said who marks; is the turn free after SIGKILL; is it noticed when the server has forgotten it?"""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, ASSIGNMENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    engine = open_database(url)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mine\n"
        told = pytest.raises(GradebookError, match=rf"is being marked by \S+ on \S+ \(process {holder.pid}, since ")
        with told, my_turn(engine, ASSIGNMENT, 0):
            pass
        with my_turn(engine, "another", 0):
            pass
        holder.kill()
    with my_turn(engine, ASSIGNMENT, 10.0) as mine:
        with pytest.raises(GradebookError, match=f"process {os.getpid()}"), my_turn(engine, ASSIGNMENT, 0):
            pass
        server.sql("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")
        assert not mine.turn.is_held()
        mine.looked = 0.0
        mine.keep()
        assert mine.turn.is_held()
    assert server.sql("select count(*) from pg_locks where locktype = 'advisory'") == "0"
    assert server.sql("select count(*) from saiten_coordinators", url.rpartition("/")[2].replace("%20", " ")) == "0"
    engine.dispose()


def test_what_is_wrong_is_one_sentence_without_the_password(server: PostgresServer) -> None:
    """Is a database that is not there, a wrong password, a server that is away, a driver that is missing all clear?"""
    elsewhere = f"postgresql+psycopg://saiten:{'x' * 9}@127.0.0.1:{server.port}/postgres"
    nobody = "postgresql+psycopg://saiten:secretly@127.0.0.1:1/postgres"
    for address in (server.url("nowhere"), elsewhere, nobody):
        with pytest.raises(GradebookError, match=r"cannot be opened.*db_url") as refused:
            open_database(address)
        assert not any(secret in str(refused.value) for secret in (PASSWORD, "x" * 9, "secretly"))
    with pytest.raises(GradebookError, match=r"psycopg2.*postgresql\+psycopg://.*pip install 'saiten\[postgresql\]'"):
        open_database(server.url("postgres", "postgresql+psycopg2"))


def test_a_long_name_of_bytes_fits_into_the_key(url: str) -> None:
    """Are two folders whose names are 255 bytes of no text kept apart by a server that limits its keys?"""
    from test_ledger import marked

    engine = open_database(url)
    ledger = Ledger(engine)
    from dataclasses import replace

    (one, result), names = marked(), ["\udc80" * 254 + last for last in ("\udc81", "\udc82")]
    for name in names:
        ledger.record(replace(one, student=name), replace(result, message=ascii(name)[-5:]))
    assert [ledger.get(replace(one, student=name)) for name in names] == [
        replace(result, message=ascii(name)[-5:]) for name in names
    ]
    engine.dispose()
