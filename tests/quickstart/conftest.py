"""The course that ships inside the nbgrader package, marked twice: by nbgrader itself and by Saiten, in the same run.

Two hand-ins and the untouched release as a third. A late penalty is configured, so that it is compared, too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbgrader
import pytest

GUIDE = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"

CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "example"
c.AssignLatePenalties.plugin_class = "daily_penalty.DailyPenalty"
"""

PLUGIN = """
from nbgrader.plugins import BasePlugin

class DailyPenalty(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.25 * total_seconds_late / 86400
"""

DUE = "2015-02-02 00:00:00 UTC"
"""bitdiddle handed in 23 hours later, hacker a day before"""


@dataclass(frozen=True)
class Marked:
    """A course that has been marked."""

    root: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment in the course's folder; it has to succeed."""
        folder = Path(sys.executable).parent
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(self.root)}
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def grade(self, *arguments: str) -> str:
        """Mark with Saiten; returns standard output."""
        command = [str(Path(sys.executable).with_name("saiten")), "grade", "ps1", *arguments]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def make_course(root: Path) -> Marked:
    """Copy the course without anything that nbgrader made of it."""
    shutil.copytree(GUIDE / "source" / "ps1", root / "source" / "ps1")
    for student in ("bitdiddle", "hacker"):
        shutil.copytree(GUIDE / "submitted" / student / "ps1", root / "submitted" / student / "ps1")
    shutil.copytree(GUIDE / "release" / "ps1", root / "submitted" / "release" / "ps1")
    (root / "nbgrader_config.py").write_text(CONFIG)
    (root / "daily_penalty.py").write_text(PLUGIN)
    course = Marked(root)
    course.run("nbgrader", "db", "assignment", "add", "ps1", f"--duedate={DUE}")
    return course


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Marked:
    """Marked by nbgrader."""
    course = make_course(tmp_path_factory.mktemp("theirs"))
    course.run("nbgrader", "generate_assignment", "ps1")
    course.run("nbgrader", "autograde", "ps1")
    return course


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Marked:
    """Marked by Saiten."""
    course = make_course(tmp_path_factory.mktemp("ours"))
    course.grade("--workers", "1")
    return course


@pytest.fixture
def copy(ours: Marked, tmp_path: Path) -> Iterator[Marked]:
    """A copy of the course as Saiten marked it, to be changed by one test."""
    root = tmp_path / "copy"
    shutil.copytree(ours.root, root)
    yield Marked(root)
    shutil.rmtree(root)
