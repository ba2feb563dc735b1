"""The same chaos with the gradebook in PostgreSQL, whose server is lost as well: does a class end well?"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from cluster_chaos import AWAY_SECONDS, ChaosCluster, Coordinator, all_that_can_happen, gradebook_rows, live_through
from postgres_server import PostgresServer, postgres_server

from fuzz.small_course import ASSIGNMENT, hand_in, honest_class, make_course, results, start
from saiten.course import Course

NUMBER = 1000
SEED = 20261123

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]


def copy_of(course: Course, name: str, server: PostgresServer) -> Course:
    """The same class in a folder of its own, with a database of its own.

    The server is asked through its socket: a coordinator in another network namespace reaches it, too.
    """
    root = course.root.parent / name
    shutil.copytree(course.root, root)
    server.create(name)
    with (root / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.CourseDirectory.db_url = {server.socket_url(name)!r}\n")
    return Course.find(root)


def test_the_server_is_lost_as_well(tmp_path: Path) -> None:
    """Is every score there once, and the same as in a quiet run on this machine alone?"""
    course = make_course(tmp_path / "course")
    for number, submission in enumerate(honest_class(course, NUMBER, SEED)):
        hand_in(course, f"student-{number:04d}", submission.files)
    with postgres_server() as server:
        quiet, stormy = copy_of(course, "quiet", server), copy_of(course, "stormy", server)
        process = start(quiet, tmp_path / "quiet.jsonl", tmp_path / "scratch")
        assert process.wait() == 0, (tmp_path / "quiet.err").read_text()
        with ChaosCluster(tmp_path / "cluster") as cluster:
            coordinator = Coordinator(cluster, stormy, tmp_path / "stormy.jsonl")

            def restart_the_server(*, immediate: bool) -> None:
                server.stop(immediate=immediate)
                time.sleep(AWAY_SECONDS)
                server.start()

            def restart_everything() -> None:
                cluster.kill_scheduler()
                restart_the_server(immediate=False)
                cluster.start_scheduler()

            events = [
                *all_that_can_happen(cluster, coordinator),
                (220, lambda: restart_the_server(immediate=True)),
                (700, restart_everything),
            ]
            live_through(stormy, coordinator, sorted(events, key=lambda event: event[0]))
            said = coordinator.log.with_suffix(".err")
            assert coordinator.wait() == 0, said.read_text() + cluster.logs()
        assert "The gradebook's database answers again: going on." in said.read_text()
        assert len(results(tmp_path / "stormy.jsonl")) == NUMBER
        assert gradebook_rows(stormy.coursedir.db_url) == gradebook_rows(quiet.coursedir.db_url)
        held = "select count(*), count(distinct student), sum(cast(in_gradebook as int)) from saiten_ledger"
        assert server.sql(held, "stormy") == f"{NUMBER}|{NUMBER}|{NUMBER}"
        assert len(list((stormy.root / "autograded").glob(f"*/{ASSIGNMENT}/*.ipynb"))) == NUMBER
