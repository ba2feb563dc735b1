"""Setting the table: one class per exercise, in a course for Saiten and one for nbgrader that hold the same.

In: a course and one of its assignments. Out: a `Table` of folders under a scratch directory; nothing here is timed.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from saiten.build import build_assignment
from saiten.config import CONFIG_NAME
from saiten.course import Course
from saiten.sample import SampleSubmission, copy_course, write_class

LEFT_OUT = ("broken:endless-loop",)
"""It takes as long as the time limit that it is given, which says nothing about a marker."""


@dataclass(frozen=True, slots=True)
class Table:
    """What is to be marked, laid out for everybody."""

    assignment: str
    notebook: str
    saiten: Path
    """course with the whole class; bundle and Otter zip are built"""
    nbgrader: Path
    """nbgrader's own course with the sample that the others mark"""
    students: dict[str, SampleSubmission]
    sample: tuple[str, ...]
    """students that the others mark, too: all of them honest work in the released notebook"""

    @property
    def bundle(self) -> Path:
        """The built bundle's folder."""
        return Course.find(self.saiten).autograder_dir(self.assignment)

    @property
    def otter_zip(self) -> Path:
        """The autograder that Otter gets."""
        return self.bundle / "otter.zip"

    def submitted(self, student: str) -> Path:
        """The notebook that a student handed in."""
        return Course.find(self.saiten).submitted_dir(self.assignment, student) / f"{self.notebook}.ipynb"


def lay(root: Path, assignment: str, scratch: Path, number: int, peers: int, seed: int) -> Table:
    """Build the assignment in copies of its course, and hand in a class.

    Args:
        root: the course's folder; it is only read.
        assignment: one of its assignments, with one notebook.
        scratch: an empty folder.
        number: students of the class.
        peers: how many of them the other markers get, at most.
        seed: what the choice depends on.
    """
    origin = _sources(root, assignment, scratch / "origin")
    chosen = origin.assignment(assignment)
    build_assignment(chosen)
    course = copy_course(origin, chosen, scratch / "saiten")
    students = write_class(course, course.assignment(assignment), number, seed, LEFT_OUT)
    honest = [name for name, each in students.items() if each.honest]
    sample = tuple(sorted(random.Random(seed).sample(honest, min(peers, len(honest)))))
    (notebook,) = chosen.notebooks
    target = _nbgrader_course(origin, assignment, scratch / "nbgrader")
    for name in sample:
        shutil.copytree(course.submitted_dir(assignment, name), target.submitted_dir(assignment, name))
    return Table(assignment, notebook, course.root, target.root, students, sample)


def _sources(root: Path, assignment: str, target: Path) -> Course:
    """Copy configuration and source, so that building does not touch the real course."""
    origin = Course.find(root)
    target.mkdir(parents=True)
    shutil.copyfile(root / f"{CONFIG_NAME}.py", target / f"{CONFIG_NAME}.py")
    shutil.copytree(origin.source_dir(assignment), Course.find(target).source_dir(assignment))
    return Course.find(target)


def _nbgrader_course(origin: Course, assignment: str, target: Path) -> Course:
    """Make the same assignment for nbgrader: the source as .ipynb, its release generated, its gradebook filled."""
    import jupytext

    target.mkdir(parents=True)
    shutil.copyfile(origin.root / f"{CONFIG_NAME}.py", target / f"{CONFIG_NAME}.py")
    course = Course.find(target)
    folder = course.source_dir(assignment)
    folder.mkdir(parents=True)
    chosen = origin.assignment(assignment)
    for name, path in chosen.notebooks.items():
        jupytext.write(jupytext.read(path), folder / f"{name}.ipynb")
    for relative, path in chosen.data_files().items():
        (folder / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / relative)
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", assignment, "--force"]
    generated = subprocess.run(command, cwd=target, capture_output=True, text=True, check=False)
    if generated.returncode:
        raise RuntimeError(f"nbgrader generate_assignment failed:\n{generated.stderr}")
    return course
