"""Putting a sample class on disk, and a course of its own around it.

In: a course with a built assignment. Out: `submitted/student-NNN/<assignment>/` and `expected.json`; on request a
separate course folder, so that trying things out leaves the real course and its gradebook alone.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

from saiten.answers import read_answers
from saiten.build import source_hash
from saiten.bundle import Bundle
from saiten.config import CONFIG_NAME
from saiten.course import ANSWERS_FOLDER, Assignment, Course
from saiten.errors import CourseError
from saiten.sample.klass import compose
from saiten.sample.record import FILE_NAME, read_expected, write_expected
from saiten.sample.work import Exercise, SampleSubmission
from saiten.settings import FILE_NAME as SETTINGS_NAME

_BEFORE_DUE = timedelta(days=1)
"""How long before the due date a sample class hands in, where there is one."""

_OWN_PLACE = """
# Added by `saiten sample --into`: this copy has its own folder and its own gradebook.
import os as _os

c = get_config()
c.CourseDirectory.root = _os.path.dirname(_os.path.abspath(__file__))
c.CourseDirectory.db_url = "sqlite:///" + _os.path.join(c.CourseDirectory.root, "gradebook.db")
"""


def write_class(
    course: Course, assignment: Assignment, number: int | None, seed: int, without: Collection[str] = ()
) -> dict[str, SampleSubmission]:
    """Write a sample class into a course; one that was sampled before for this assignment is replaced.

    Args:
        course: where `submitted/` and expected.json go.
        assignment: a built assignment of it.
        number: how many students; None: one for every kind of submission.
        seed: the same seed gives the same bytes.
        without: kinds that are left out, such as `broken:endless-loop`, or whole groups, such as `mistake`.

    Returns:
        student to submission.

    Raises:
        CourseError: the assignment is not built, or a student's real submission stands where a sample would go.
        SourceError: a planted answer does not fit the assignment.
    """
    answers = read_answers(assignment.folder / ANSWERS_FOLDER)
    submissions = compose(exercise(course, assignment), answers, number, seed, without)
    students = dict(zip(_names(len(submissions)), submissions, strict=True))
    sampled = read_expected(course.root, assignment.name)
    for student in students:
        folder = course.submitted_dir(assignment.name, student)
        if folder.exists() and student not in sampled:
            raise CourseError(
                f"{folder} is there and was not sampled: nothing was written.", "Give another course with --into DIR."
            )
    for student in sampled:
        shutil.rmtree(course.submitted_dir(assignment.name, student), ignore_errors=True)
    # recorded first: if writing breaks off, the next call knows which folders are samples
    write_expected(course.root, assignment.name, students)
    for student, submission in students.items():
        folder = course.submitted_dir(assignment.name, student)
        for name, content in {**submission.files, **_timestamp(assignment)}.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    return students


def exercise(course: Course, assignment: Assignment) -> Exercise:
    """Read what `saiten build` made of an assignment.

    Raises:
        CourseError: it is not built.
    """
    bundle = Bundle.read(course.autograder_dir(assignment.name))
    released: dict[str, bytes] = {}
    for notebook in bundle.notebooks:
        path = course.release_dir(assignment.name) / f"{notebook.name}.ipynb"
        try:
            released[notebook.name] = path.read_bytes()
        except OSError as error:
            raise CourseError(
                f"{path} cannot be read: {error.strerror}.", f"Run `saiten build {assignment.name}` first."
            ) from error
    return Exercise(bundle, released, _solution_markers(course))


def copy_course(course: Course, assignment: Assignment, into: Path, cell_seconds: float | None = None) -> Course:
    """Make a course of its own that holds one assignment: source, release, bundle and configuration, no students.

    The copy has its own gradebook whatever the configuration of the original says. What an earlier call put there is
    renewed; submissions, results and the gradebook of the copy stay.

    Args:
        course: the original; it is only read.
        assignment: one of it.
        into: the copy's folder; made if need be.
        cell_seconds: another time limit for a cell, so that trying out code that hangs is quick.

    Raises:
        CourseError: `into` is the course itself or lies around it, or holds files of something else.
    """
    into = into.absolute()
    if course.root.is_relative_to(into):
        raise CourseError(f"{into} holds the course itself.", "Give an empty folder with --into DIR.")
    if into.exists() and any(into.iterdir()) and not (into / FILE_NAME).exists():
        raise CourseError(f"{into} is not empty and is no sample course.", "Give an empty folder with --into DIR.")
    into.mkdir(parents=True, exist_ok=True)
    if not (into / FILE_NAME).exists():
        (into / FILE_NAME).write_text("{}\n", encoding="utf-8")
    for path in sorted(course.root.glob("*.py")):  # plugins that the configuration imports stand beside it
        shutil.copyfile(path, into / path.name)
    _copy_json_configuration(course.root / f"{CONFIG_NAME}.json", into / f"{CONFIG_NAME}.json")
    with (into / f"{CONFIG_NAME}.py").open("a", encoding="utf-8") as config:
        config.write(_OWN_PLACE)
    copy = Course.find(into)
    for folder in (Course.source_dir, Course.release_dir, Course.autograder_dir):
        origin, target = folder(course, assignment.name), folder(copy, assignment.name)
        if origin.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(origin, target)
    if cell_seconds is not None:
        _limit(copy, assignment.name, cell_seconds)
    return copy


def _limit(copy: Course, name: str, cell_seconds: float) -> None:
    """Set the time limit of a cell in the copy's assignment.toml and in its bundle."""
    path = copy.source_dir(name) / SETTINGS_NAME
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    text = re.sub(r"^cell_seconds\s*=.*\n", "", text, flags=re.MULTILINE)
    line = f"[limits]\ncell_seconds = {cell_seconds:g}\n"
    if re.search(r"^\[limits\]", text, flags=re.MULTILINE):
        text = re.sub(r"^\[limits\].*\n", line, text, count=1, flags=re.MULTILINE)
    else:
        text = f"{text}\n{line}"
    path.write_text(text, encoding="utf-8")
    folder, assignment = copy.autograder_dir(name), copy.assignment(name)
    bundle = Bundle.read(folder)
    replace(bundle, limits=assignment.settings.limits, source_hash=source_hash(assignment)).write(folder)


def _copy_json_configuration(origin: Path, target: Path) -> None:
    """Copy it without the options that the copy sets for itself: nbgrader lets .json win over .py."""
    if not origin.exists():
        return
    options = json.loads(origin.read_text(encoding="utf-8"))
    for name in ("root", "db_url"):
        options.get("CourseDirectory", {}).pop(name, None)
    target.write_text(json.dumps(options, indent=1), encoding="utf-8")


def _solution_markers(course: Course) -> tuple[str, str]:
    options = course.config.get("ClearSolutions", {})
    begin, end = options.get("begin_solution_delimeter"), options.get("end_solution_delimeter")
    default = Exercise.solution_markers
    return begin or default[0].removeprefix("### "), end or default[1].removeprefix("### ")


def _timestamp(assignment: Assignment) -> dict[str, bytes]:
    due = assignment.settings.due
    if due is None:
        return {}
    moment = (due - _BEFORE_DUE).astimezone(UTC)
    return {"timestamp.txt": moment.strftime("%Y-%m-%d %H:%M:%S.%f UTC").encode()}


def _names(number: int) -> Sequence[str]:
    width = max(3, len(str(number)))
    return [f"student-{index:0{width}d}" for index in range(1, number + 1)]
