"""A thousand submissions on a cluster to which everything happens: does the gradebook notice?"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cluster_chaos import ChaosCluster, Coordinator, all_that_can_happen, gradebook_rows, live_through

from fuzz.small_course import ASSIGNMENT, hand_in, honest_class, make_course, results, start
from saiten.course import Course

NUMBER = 1000
SEED = 20261122

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class of a thousand, not marked yet."""
    course = make_course(tmp_path_factory.mktemp("chaos") / "course")
    for number, submission in enumerate(honest_class(course, NUMBER, SEED)):
        hand_in(course, f"student-{number:04d}", submission.files)
    return course


def copy_of(course: Course, name: str) -> Course:
    """The same class in a folder of its own."""
    shutil.copytree(course.root, course.root.parent / name)
    return Course.find(course.root.parent / name)


def test_whatever_happens_the_gradebook_is_that_of_a_quiet_run(course: Course, tmp_path: Path) -> None:
    """Workers killed, one cut off, the scheduler and the coordinator killed: every score there once, and the same?"""
    quiet, stormy = copy_of(course, "quiet"), copy_of(course, "stormy")
    process = start(quiet, tmp_path / "quiet.jsonl", tmp_path / "scratch")
    assert process.wait() == 0, (tmp_path / "quiet.err").read_text()
    with ChaosCluster(tmp_path / "cluster") as cluster:
        coordinator = Coordinator(cluster, stormy, tmp_path / "stormy.jsonl")
        live_through(stormy, coordinator, all_that_can_happen(cluster, coordinator))
        assert coordinator.wait() == 0, coordinator.log.with_suffix(".err").read_text() + cluster.logs()
    found = results(tmp_path / "stormy.jsonl")
    assert len(found) == NUMBER
    assert {each["status"] for each in found.values()} <= {"graded", "needs_manual"}
    assert gradebook_rows(stormy.coursedir.db_url) == gradebook_rows(quiet.coursedir.db_url)
    assert len(list((stormy.root / "autograded").glob(f"*/{ASSIGNMENT}/*.ipynb"))) == NUMBER
