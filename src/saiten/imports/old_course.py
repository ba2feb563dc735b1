"""An old nbgrader course: looked through, and copied with everything brought to what nbgrader reads today.

In: the course's folder, which is only read. Out: `OldCourse`, with a remark for each finding; on request a new folder.
Sources and submissions keep their text; metadata and the gradebook's tables are upgraded, by nbgrader's own code.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.dbutil import write_alembic_ini

from saiten.config import CONFIG_NAME
from saiten.course import Assignment, Course
from saiten.errors import CourseError
from saiten.gradebook.database import nbgrader_version
from saiten.imports.old_config import old_names
from saiten.imports.old_notebook import OldNotebook, apply, upgrade
from saiten.imports.remarks import Remark

Progress = Callable[[str], None]
"""Called with a few words when a step begins."""

_SQLITE = "sqlite:///"
_NEVER_COPIED = (".git", ".ipynb_checkpoints", "__pycache__", ".nbgrader.log")
_OWN_PLACE = """

# Added by `saiten import nbgrader`: this copy has its own folder and its own gradebook.
import os as _os

c = get_config()
for _old in ("NbGrader", "NbGraderConfig", "BasicConfig", "BaseNbGraderApp", "BaseApp"):
    for _name in ("course_directory", "db_url"):
        if _old in c:
            c[_old].pop(_name, None)
c.CourseDirectory.root = _os.path.dirname(_os.path.abspath(__file__))
c.CourseDirectory.db_url = "sqlite:///" + _os.path.join(c.CourseDirectory.root, "gradebook.db")
"""


@dataclass(frozen=True, slots=True)
class OldAssignment:
    """What was found of one assignment."""

    name: str
    notebooks: tuple[OldNotebook, ...]
    """of `.ipynb` sources; names are `assignment/notebook`"""
    data_files: tuple[str, ...]
    students: int
    """who handed something in"""


@dataclass(frozen=True, slots=True)
class OldCourse:
    """What was found of a course."""

    root: Path
    course: Course
    assignments: tuple[OldAssignment, ...]
    gradebook: Path | None
    """SQLite file; None if there is none, or it is another database"""
    gradebook_old: bool
    remarks: tuple[Remark, ...]

    @property
    def lost(self) -> list[Remark]:
        """What a person has to look at."""
        return [each for each in self.remarks if each.lost]


def check_course(root: Path, progress: Progress | None = None) -> OldCourse:
    """Look through a course; nothing is written.

    Args:
        root: the course's folder.
        progress: called when a step begins.

    Raises:
        CourseError: it is no nbgrader course, or its configuration cannot be read.
    """
    tell = progress or (lambda words: None)
    course = Course.find(root)
    if course.root != root.absolute():
        raise CourseError(f"{root} is no course of its own: it is part of {course.root}.", "Give that folder.")
    remarks = list(_configuration(course))
    found = []
    for assignment in course.assignments():
        tell(f"reading {assignment.name}")
        if not assignment.folder.is_relative_to(course.root):
            raise CourseError(f"{assignment.folder} lies outside of {course.root}.", "Give a course in one folder.")
        found.append(_assignment(course, assignment, remarks))
    if not found:
        raise CourseError(
            f"{course.root} has no assignments.", f"They are looked for in {course.source_dir('<assignment>')}."
        )
    gradebook, old = _gradebook(course, remarks)
    return OldCourse(course.root, course, tuple(found), gradebook, old, tuple(remarks))


def copy_course(old: OldCourse, into: Path, progress: Progress | None = None) -> list[Remark]:
    """Write an upgraded copy of a course; the original stays as it is.

    What was released, marked and written as feedback is left out: it can be made again.

    Args:
        old: as `check_course` found it.
        into: an empty folder, or one that is not there yet.
        progress: called when a step begins.

    Returns:
        what turned up while copying.

    Raises:
        CourseError: `into` holds something or lies inside the course, a file cannot be read, the gradebook cannot be
            upgraded.
    """
    tell = progress or (lambda words: None)
    into = into.absolute()
    if into == old.root or into.is_relative_to(old.root) or old.root.is_relative_to(into):
        raise CourseError(
            f"{into} and {old.root} lie in each other.", "Give an empty folder elsewhere with --into DIR."
        )
    if into.exists() and any(into.iterdir()):
        raise CourseError(f"{into} is not empty: nothing was written.", "Give an empty folder with --into DIR.")
    tell("copying")
    _copy_tree(old, into)
    remarks: list[Remark] = []
    if old.gradebook is not None:
        _copy_gradebook(old, into / "gradebook.db")
    if _points_elsewhere(old):
        with (into / f"{CONFIG_NAME}.py").open("a", encoding="utf-8") as config:
            config.write(_OWN_PLACE)
        _own_place_in_json(into / f"{CONFIG_NAME}.json")
        remarks.append(Remark(f"{CONFIG_NAME}.py", "folder and gradebook of the copy are set at its end"))
    for assignment in old.assignments:
        for notebook in assignment.notebooks:
            if notebook.notebook is not None and notebook.changed:
                path = old.course.assignment(assignment.name).notebooks[notebook.name.partition("/")[2]]
                nbformat.write(notebook.notebook, into / path.relative_to(old.root), version=nbformat.NO_CONVERT)
        tell(f"submissions of {assignment.name}")
        remarks += _submissions(old, assignment, into)
    return remarks


def _configuration(course: Course) -> Iterator[Remark]:
    path = course.root / f"{CONFIG_NAME}.py"
    if path.is_file():
        yield from old_names(path.read_text(encoding="utf-8", errors="replace"), path.name)


def _assignment(course: Course, assignment: Assignment, remarks: list[Remark]) -> OldAssignment:
    notebooks = []
    for name, path in assignment.notebooks.items():
        if path.suffix == ".ipynb":
            notebooks.append(upgrade(path.read_bytes(), f"{assignment.name}/{name}"))
            remarks += notebooks[-1].remarks
    students = course.students(assignment.name)
    for student in students:
        submission = course.submission(assignment, student)
        missing = sorted(assignment.notebooks.keys() - submission.notebooks.keys())
        where = f"submitted/{student}/{assignment.name}"
        if submission.problem:
            remarks.append(Remark(where, submission.problem, lost=True))
        elif missing:
            remarks.append(Remark(where, f"{', '.join(missing)} is not there"))
    return OldAssignment(assignment.name, tuple(notebooks), tuple(assignment.data_files()), len(students))


def _gradebook(course: Course, remarks: list[Remark]) -> tuple[Path | None, bool]:
    url = course.coursedir.db_url
    path = Path(url.removeprefix(_SQLITE))
    if not url.startswith(_SQLITE):
        remarks.append(
            Remark("gradebook", "it is no SQLite file: back it up, and run `nbgrader db upgrade`", lost=True)
        )
        return None, False
    if not path.is_file():
        return None, False
    try:
        version, counted = _read_gradebook(path)
    except sqlite3.Error as error:
        remarks.append(Remark(path.name, f"it is no gradebook of nbgrader's ({error})", lost=True))
        return None, False
    old = version != nbgrader_version()
    said = f"its tables are of version {version or 'none'}; `nbgrader db upgrade` brings the copy up to date"
    remarks.append(Remark(path.name, f"{counted}{f'; {said}' if old else ''}"))
    return path, old


def _read_gradebook(path: Path) -> tuple[str, str]:
    """Version of the tables, and what is in them in words."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
        version = ""
        if "alembic_version" in tables:
            row = connection.execute("select version_num from alembic_version").fetchone()
            version = row[0] if row else ""
        counts = []
        for table in ("student", "assignment", "grade"):
            (count,) = connection.execute(f"select count(*) from {table}").fetchone()
            counts.append(f"{count} {table}{'s' if count != 1 else ''}")
    finally:
        connection.close()
    return version, ", ".join(counts)


def _copy_tree(old: OldCourse, into: Path) -> None:
    directory = old.course.coursedir
    made = {directory.release_directory, directory.autograded_directory, directory.feedback_directory,
            directory.solution_directory, old.course.options.autograder_directory}  # fmt: skip

    def left_out(folder: str, names: list[str]) -> set[str]:
        top = Path(folder) == old.root
        gradebook = {f"{old.gradebook.name}{end}" for end in ("", "-wal", "-shm")} if old.gradebook else set()
        return {name for name in names if name in _NEVER_COPIED or (top and name in made | gradebook)}

    try:
        shutil.copytree(old.root, into, symlinks=True, ignore=left_out, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(into, ignore_errors=True)
        raise CourseError(f"{old.root} cannot be copied: {error}.", "Mend or remove what is named there.") from error


def _copy_gradebook(old: OldCourse, target: Path) -> None:
    assert old.gradebook is not None
    source = sqlite3.connect(f"{old.gradebook.absolute().as_uri()}?mode=ro", uri=True)
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        source.close()
        copy.close()
    if not old.gradebook_old:
        return
    with tempfile.TemporaryDirectory(prefix="saiten-upgrade-") as folder:
        settings = Path(folder) / "alembic.ini"
        write_alembic_ini(str(settings), f"{_SQLITE}{target}")
        # a process of its own: nbgrader's migrations set logging up for themselves
        command = [sys.executable, "-c", "from alembic.config import main; main()", "-c", str(settings)]
        done = subprocess.run([*command, "upgrade", "head"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CourseError(f"The gradebook's copy {target} cannot be upgraded: {last}", "The original is as it was.")


def _points_elsewhere(old: OldCourse) -> bool:
    """Whether the configuration names a folder or gradebook that the copy must not use."""
    section = old.course.config.get("CourseDirectory", {})
    return bool(section.get("root") or section.get("db_url"))


def _own_place_in_json(path: Path) -> None:
    """Take folder and gradebook out of the copy's nbgrader_config.json, which would win over the .py."""
    if not path.is_file():
        return
    options = json.loads(path.read_text(encoding="utf-8"))
    for section in ("CourseDirectory", "NbGrader"):
        for name in ("root", "course_directory", "db_url"):
            options.get(section, {}).pop(name, None)
    path.write_text(json.dumps(options, indent=1), encoding="utf-8")


def _submissions(old: OldCourse, assignment: OldAssignment, into: Path) -> Iterator[Remark]:
    """Give the copies of submitted notebooks the grade_ids that the sources have now."""
    for notebook in assignment.notebooks:
        name = notebook.name.partition("/")[2]
        for student in old.course.students(assignment.name) if notebook.renames else ():
            path = into / (old.course.submitted_dir(assignment.name, student) / f"{name}.ipynb").relative_to(old.root)
            if not path.is_file() or path.is_symlink():
                continue
            content, problem = apply(notebook.renames, path.read_bytes())
            path.write_bytes(content)
            if problem:
                where = f"submitted/{student}/{assignment.name}/{name}.ipynb"
                yield Remark(where, f"its cells cannot all be told apart: {problem}", lost=True)
