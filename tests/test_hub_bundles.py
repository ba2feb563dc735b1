"""Is a built exercise marked while another one is being made, and is nothing made that nobody needs?"""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from fuzz.small_course import ASSIGNMENT, make_course
from saiten.bundle import Bundle
from saiten.course import Assignment, Course
from saiten.hub import bundles
from saiten.hub.bundles import Bundles, Ready

UNBUILT = "later"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """One exercise is built, the other is not."""
    root = tmp_path_factory.mktemp("bundles") / "course"
    made = make_course(root)
    folder = root / "source" / UNBUILT
    shutil.copytree(root / "source" / ASSIGNMENT, folder)
    (folder / f"{ASSIGNMENT}.py").rename(folder / f"{UNBUILT}.py")
    return made


def wait_for(known: Bundles, name: str) -> Ready:
    """Ask until it is there."""
    end = time.monotonic() + 60
    while not isinstance(found := known.get(name), Ready):
        assert found is None, found
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_a_built_exercise_does_not_wait_for_one_that_is_being_made(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is it read while the reference of the other runs, and is the other there in the end?"""
    asked, go_on = threading.Event(), threading.Event()

    def slowly(assignment: Assignment) -> Bundle:
        asked.set()
        assert go_on.wait(60)
        return Bundle.read(Path(assignment.course.autograder_dir(ASSIGNMENT)))

    monkeypatch.setattr(bundles, "current_bundle", slowly)
    known = Bundles(course)
    try:
        assert known.get(UNBUILT) is None
        assert asked.wait(60)
        assert wait_for(known, ASSIGNMENT).bundle.assignment == ASSIGNMENT
        assert known.get(UNBUILT) is None, "it is being made"
        go_on.set()
        assert wait_for(known, UNBUILT).assignment.name == UNBUILT
    finally:
        go_on.set()
        known.close()


def test_a_page_makes_nothing(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does a list of exercises read what is built, and run no reference of what is not?"""
    monkeypatch.setattr(bundles, "current_bundle", lambda assignment: pytest.fail(f"{assignment.name} was made"))
    heard = threading.Event()
    known = Bundles(course, lambda name: heard.set())
    try:
        assert known.get(UNBUILT, make=False) is None
        assert known.get(ASSIGNMENT, make=False) is None
        assert heard.wait(60)
        assert isinstance(known.get(ASSIGNMENT, make=False), Ready)
        assert known.get(UNBUILT, make=False) is None
        known.refresh()
        assert known.hashes() >= {wait_for(known, ASSIGNMENT).bundle.hash}
    finally:
        known.close()
