"""Is nothing lost or marked twice where the server is restarted, or coordinators are killed, while a class is marked?

A thousand hand-ins, the fake engine in real workers, a real server. In the end the gradebook is that of a quiet run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresServer, postgres_server
from sqlalchemy import create_engine, text

from fake_course import ASSIGNMENT, COMMENTS, GRADES, SUBMISSIONS, hand_in, make_course
from fake_engine import order

pytestmark = pytest.mark.system

CLASS, SMALL = 1000, 200
PATIENCE = 120.0
"""seconds until a test gives up waiting for something that must happen"""
AWAY_SECONDS = 2.0
"""how long the server is away"""
IN_FLIGHT = 2 * 2
"""hand-ins that two workers can be at, and that wait for them, when their coordinator is killed"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server for these tests."""
    with postgres_server() as running:
        yield running


def make_class(root: Path, url: str, size: int = CLASS) -> Path:
    """A class that has handed in; each run of a submission leaves a line in `runs`."""
    root.mkdir()
    make_course(root, f"c.CourseDirectory.db_url = {url!r}\n")
    for number in range(size):
        scores = {"mean-test": number % 3, "mean-hidden": number % 4, "sum-test": number % 2}
        hand_in(root, order(f"student-{number:04}", scores=scores, log=str(root.parent / "runs")))
    return root


@contextmanager
def coordinator(root: Path, seconds: float = 60.0) -> Iterator[subprocess.Popen[str]]:
    """Start `saiten grade` on a class; it is killed at the end if it runs still."""
    driver = Path(__file__).with_name("postgres_driver.py")
    command = [sys.executable, str(driver), str(seconds), "grade", ASSIGNMENT, "--course", str(root), "--workers", "2"]
    places = os.pathsep.join([str(driver.parents[1]), str(driver.parent)])
    process = subprocess.Popen(
        [*command, "--unsafe"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([places, os.environ.get("PYTHONPATH", "")])},
        preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0),
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def marked(server: PostgresServer, name: str) -> int:
    """How many results the ledger holds."""
    if server.sql("select to_regclass('saiten_ledger') is null", name) == "t":
        return 0
    return int(server.sql("select count(*) from saiten_ledger", name))


def until_marked(server: PostgresServer, name: str, number: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many are marked."""
    deadline = time.monotonic() + PATIENCE
    while marked(server, name) < number:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, f"{number} are never marked"
        time.sleep(0.1)


def contents(url: str) -> list[list[dict[str, Any]]]:
    """What the gradebook says about students."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [
                [dict(row) for row in connection.execute(text(query)).mappings()]
                for query in (GRADES, COMMENTS, SUBMISSIONS)
            ]
    finally:
        engine.dispose()


def finished(process: subprocess.Popen[str]) -> str:
    """Wait until a run has ended well; returns what it said on standard error."""
    said = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 0, said
    return said


def check_whole(server: PostgresServer, name: str, size: int = CLASS) -> None:
    """Is there exactly one result for each hand-in, held by the gradebook, and one mark?"""
    held = "select count(*), count(distinct student), sum(cast(in_gradebook as int)) from saiten_ledger"
    assert server.sql(held, name) == f"{size}|{size}|{size}"
    assert server.sql("select count(*), count(distinct student_id) from submitted_assignment", name) == f"{size}|{size}"


def test_the_server_is_restarted_and_the_coordinator_killed(tmp_path: Path, server: PostgresServer) -> None:
    """Does the class end as it does in a quiet run: fast and immediate stops of the server, SIGKILL to the run?"""
    quiet, wild = server.create("quiet"), server.create("wild")
    make_class(tmp_path / "quiet", quiet)
    with coordinator(tmp_path / "quiet") as run:
        assert "answer" not in finished(run)
    check_whole(server, "quiet")
    runs = tmp_path / "runs"
    runs.unlink()
    make_class(tmp_path / "wild", wild)
    with coordinator(tmp_path / "wild") as run:
        until_marked(server, "wild", 100, run)
        server.stop(immediate=True)
        time.sleep(AWAY_SECONDS)
        server.start()
        until_marked(server, "wild", 350, run)
        os.killpg(run.pid, signal.SIGKILL)
        first = run.communicate()[1]
    assert "The gradebook's database does not answer" in first
    assert "The gradebook's database answers again: going on." in first
    with coordinator(tmp_path / "wild") as run:
        until_marked(server, "wild", 600, run)
        server.stop()
        time.sleep(AWAY_SECONDS)
        server.start()
        said = finished(run)
    assert "is being marked by" not in said, "who was killed holds nobody up"
    assert "answers again" in said
    check_whole(server, "wild")
    assert contents(wild) == contents(quiet)
    times = Counter(runs.read_text().split())
    assert len(times) == CLASS
    assert sum(times.values()) <= CLASS + IN_FLIGHT, "no more than what was under way is run again"


def test_a_database_that_stays_away_is_one_sentence(tmp_path: Path, server: PostgresServer) -> None:
    """Does the run end with exit code 2 and the next step, and does the next run go on where it was?"""
    url = server.create("lost")
    root = make_class(tmp_path / "lost", url, SMALL)
    with coordinator(root, 3.0) as run:
        until_marked(server, "lost", 60, run)
        server.stop(immediate=True)
        said = run.communicate(timeout=PATIENCE)[1]
        assert run.returncode == 2, said
    assert "has not answered for 3 s" in said
    assert "then run again: what was marked is kept" in said
    assert "Traceback" not in said
    server.start()
    kept = marked(server, "lost")
    assert kept >= 60
    with coordinator(root) as run:
        finished(run)
    check_whole(server, "lost", SMALL)
    times = Counter((tmp_path / "runs").read_text().split())
    assert sum(times.values()) <= SMALL + IN_FLIGHT


def test_two_coordinators_at_once(tmp_path: Path, server: PostgresServer) -> None:
    """Does the second say who is marking and wait, and go on at once, alone, when the first is killed?"""
    url = server.create("two")
    root = make_class(tmp_path / "two", url, SMALL)
    # so that the first one is not done before the second has begun: this one lasts until its worker is killed
    endless = {"do": "wait", "trace": str(tmp_path / "begun"), "log": str(tmp_path / "runs")}
    hand_in(root, order(f"student-{SMALL - 1:04}", **endless))
    with coordinator(root) as first:
        until_marked(server, "two", 50, first)
        with coordinator(root) as second:
            assert second.stderr is not None
            words = ""
            while "is being marked by" not in words:
                words = second.stderr.readline()
                assert words, "it never said whom it waits for"
            assert f"(process {first.pid}, since " in words
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
            assert "That is done: going on." in finished(second)
    check_whole(server, "two", SMALL)
    times = Counter((tmp_path / "runs").read_text().split())
    assert sum(times.values()) <= SMALL + IN_FLIGHT
