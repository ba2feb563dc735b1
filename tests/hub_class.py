"""A course with an exchange of its own, and students who hand in by nbgrader's own means."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeFetchFeedback, ExchangeSubmit
from traitlets.config import Config

from fake_course import make_course as make_fake_course
from fake_engine import ASSIGNMENT as FAKE
from fake_engine import make_bundle, order
from saiten.course import Course
from saiten.hub.exchange import prepare_exchange
from tiny_course import RIGHT, make_tiny_course, submitted

COURSE_ID = "tiny101"
ASSIGNMENT = "tiny"


def make_hub_course(root: Path, toml: str = "", config: str = "") -> Course:
    """The tiny course, with an exchange beside it; what `saiten build` makes is not there."""
    folder = root / "course"
    make_tiny_course(folder)
    (folder / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = {COURSE_ID!r}\nc.Exchange.root = {str(root / 'exchange')!r}\n"
        + config
    )
    if toml:
        (folder / "source" / ASSIGNMENT / "assignment.toml").write_text(toml)
    folder.chmod(0o700)
    course = Course.find(folder)
    prepare_exchange(course)
    outbound = root / "exchange" / COURSE_ID / "outbound" / ASSIGNMENT
    outbound.mkdir()
    (outbound / "mean.ipynb").write_text("{}")
    return course


def make_fake_hub_course(root: Path, toml: str = "", config: str = "") -> Course:
    """A course for the fake engine, built, with an exchange beside it; see `fake_engine`."""
    folder = root / "course"
    lines = f"c.CourseDirectory.course_id = {COURSE_ID!r}\nc.Exchange.root = {str(root / 'exchange')!r}\n"
    course = make_fake_course(folder, lines + config)
    make_bundle().write(course.autograder_dir(FAKE))
    if toml:
        (folder / "source" / FAKE / "assignment.toml").write_text(toml)
    folder.chmod(0o700)
    prepare_exchange(course)
    outbound = root / "exchange" / COURSE_ID / "outbound" / FAKE
    outbound.mkdir()
    for name in ("problem1", "problem2"):
        (outbound / f"{name}.ipynb").write_text("{}")
    return course


class Student:
    """One student with a home of their own.

    Args:
        root: of the whole scene.
        name: of the student.
        assignment: what they work on.
    """

    def __init__(self, root: Path, name: str, assignment: str = ASSIGNMENT) -> None:
        self.name, self.assignment = name, assignment
        self.home = root / "homes" / name
        self.home.mkdir(parents=True, exist_ok=True)
        self._exchange = root / "exchange"

    def _step(self, kind: Any) -> Any:
        config = Config()
        config.Exchange.root = str(self._exchange)
        config.Exchange.cache = str(self.home / "cache")
        config.Exchange.assignment_dir = str(self.home)
        directory = CourseDirectory(config=config)
        directory.course_id, directory.assignment_id, directory.student_id = COURSE_ID, self.assignment, self.name
        return kind(coursedir=directory, authenticator=Authenticator(config=config), config=config)

    def write(self, mean: str = RIGHT, essay: str = "It is the middle.", **files: str) -> Path:
        """Write an answer into the student's own folder."""
        made = submitted(self.home / "work", self.name, mean, essay)
        folder = self.home / ASSIGNMENT
        folder.mkdir(exist_ok=True)
        (folder / "mean.ipynb").write_bytes((made / "mean.ipynb").read_bytes())
        for name, text in files.items():
            (folder / name.replace("__", ".")).write_text(text)
        return folder

    def hand_in(self, mean: str = RIGHT, essay: str = "It is the middle.", **files: str) -> None:
        """Write an answer and press Submit."""
        self.write(mean, essay, **files)
        self.submit()

    def order(self, **what: Any) -> None:
        """Hand in what orders its own result of the fake engine."""
        folder = self.home / self.assignment
        folder.mkdir(exist_ok=True)
        for name, content in order(self.name, **what).notebooks.items():
            (folder / f"{name}.ipynb").write_bytes(content)
        self.submit()

    def submit(self) -> None:
        """Press Submit, with whatever is there."""
        self._step(ExchangeSubmit).start()

    def fetch(self) -> dict[str, str]:
        """Press Fetch Feedback; the pages that are there, by notebook."""
        step = self._step(ExchangeFetchFeedback)
        step.start()
        pages = sorted((self.home / self.assignment / "feedback").rglob("*.html"))
        return {path.stem: path.read_text(encoding="utf-8") for path in pages}


def until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait for something to be there; it fails the test that is still waiting long after."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.02)
    return found
