"""A course and its assignments, found from nbgrader's own layout and configuration.

In: a folder of (or inside) a course. Out: frozen dataclasses that say where everything is and how it is configured.
Nothing is written here, and no notebook is opened: `saiten.notebook` reads sources, `saiten.intake` submissions.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from saiten.config import CONFIG_NAME, Saiten, course_directory, load_config, saiten_options
from saiten.errors import CourseError
from saiten.extensions import FILE_NAME as EXTENSIONS_NAME
from saiten.extensions import Extensions, read_extensions
from saiten.intake import FolderLimits, read_submission
from saiten.notebook import is_text_notebook
from saiten.settings import FILE_NAME as SETTINGS_NAME
from saiten.settings import Settings, read_settings
from saiten.submission import Submission
from saiten.zones import zone_of

ANSWERS_FOLDER = "answers"
"""Folder in an assignment's source with planted answers; it is never released."""
WAIVERS_FILE = "waivers.toml"
"""File in an assignment's source that names mutants which no test can tell from the reference; never released."""

_NOBODY = "."
"""The student id that nbgrader uses for steps that belong to no student."""

_SLOT = "\x00slot\x00"
"""Stands for the unknown part while a path of `directory_structure` is searched; no file name can hold it."""


@dataclass(frozen=True)
class Assignment:
    """One assignment as the instructor wrote it."""

    name: str
    folder: Path
    """its folder under the course's source directory"""
    notebooks: Mapping[str, Path]
    """notebook name (without suffix) to its source: `.py` (jupytext percent) or `.ipynb`"""
    settings: Settings
    course: Course = field(repr=False)

    def data_files(self) -> dict[str, Path]:
        """Return the files that come along with the notebooks: relative POSIX path to file, sorted by path.

        As nbgrader copies them (`CourseDirectory.ignore`, no `.ipynb`), without what is the staff's: text notebooks,
        assignment.toml, the planted answers and the waivers. Hidden files are among them: `is_hidden` tells.
        """
        ignore: list[str] = [*self.course.coursedir.ignore, "*.ipynb"]
        found: dict[str, Path] = {}
        for folder, folders, names in os.walk(self.folder):
            here = Path(folder)
            top = here == self.folder
            skipped = {ANSWERS_FOLDER} if top else set()
            folders[:] = sorted(name for name in folders if name not in skipped and not _matches(name, ignore))
            for name in sorted(names):
                staff = top and (name in (SETTINGS_NAME, WAIVERS_FILE) or is_text_notebook(here / name))
                if not staff and not _matches(name, ignore):
                    found[(here / name).relative_to(self.folder).as_posix()] = here / name
        return dict(sorted(found.items()))

    def is_hidden(self, path: str) -> bool:
        """Tell whether a data file, by its relative POSIX path, is for the judge alone."""
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.settings.hidden_files)


@dataclass(frozen=True)
class Course:
    """A course: its folder, nbgrader's configuration, Saiten's options."""

    root: Path
    coursedir: CourseDirectory
    """nbgrader's own object with every option of the course applied; `root` and `db_url` are absolute"""
    config: Config
    """everything that the configuration files say, for nbgrader's own classes"""
    options: Saiten
    """`c.Saiten`"""

    @classmethod
    def find(cls, path: Path | None = None) -> Course:
        """Find the course of a folder.

        The nearest folder, from `path` upwards, that holds nbgrader_config.py (or .json) or a folder `source` is the
        course. Its own `CourseDirectory.root` points elsewhere only if no `path` is given; then, too, a root that
        Jupyter's configuration names is the course if none is found above the current folder.

        Args:
            path: the course's folder or one inside it; None means the current folder.

        Raises:
            CourseError: there is none, or its configuration cannot be read.
        """
        start = Path(os.path.abspath(path or Path.cwd()))
        if not start.is_dir():
            raise CourseError(f"There is no folder {start}.", "Give the course's folder with --course DIR.")
        root = next((folder for folder in (start, *start.parents) if _is_course(folder)), None)
        config = load_config(root)
        if path is None:
            named = config.CourseDirectory.get("root", "")
            if named and root is not None and named == load_config(None).CourseDirectory.get("root", ""):
                named = ""  # Jupyter's own files speak only where no course is found
            elsewhere = Path(os.path.abspath((root or start) / named)) if named else root
            if elsewhere != root:
                root, config = elsewhere, load_config(elsewhere)
        if root is None:
            raise CourseError(
                f"No course at {start} or above: there is neither {CONFIG_NAME}.py nor a folder `source`.",
                "Go to the course's folder, or give it with --course DIR.",
            )
        return cls(root, course_directory(config, root), config, saiten_options(config, root))

    def assignments(self) -> list[Assignment]:
        """Return the assignments under the source directory that hold a notebook, by name.

        Raises:
            CourseError: an assignment.toml cannot be read.
        """
        return [
            self._assignment(name, folder)
            for name, folder in self._fill(self.coursedir.source_directory, _NOBODY, _SLOT)
            if source_notebooks(folder)
        ]

    def assignment_names(self) -> list[str]:
        """Return the names of what `assignments` returns, without reading an assignment.toml."""
        found = self._fill(self.coursedir.source_directory, _NOBODY, _SLOT)
        return [name for name, folder in found if source_notebooks(folder)]

    def assignment(self, name: str) -> Assignment:
        """Return one assignment.

        Raises:
            CourseError: there is none of that name (with the nearest one there is), it has no notebook, or its
                assignment.toml cannot be read.
        """
        folder = self.source_dir(name)
        if name not in ("", ".", "..") and "/" not in name and folder.is_dir():
            if source_notebooks(folder):
                return self._assignment(name, folder)
            raise CourseError(f"{folder} holds no notebook.", "Put a .ipynb or a jupytext percent .py there.")
        names = [each for each, _ in self._fill(self.coursedir.source_directory, _NOBODY, _SLOT)]
        close = difflib.get_close_matches(name, names, 1, cutoff=0.4)
        if close:
            hint = f"Did you mean {close[0]}?"
        elif names:
            hint = f"There are: {', '.join(names)}."
        else:
            hint = f"{self.source_dir('<assignment>')} is where assignments are looked for."
        raise CourseError(f"The course {self.root} has no assignment {name!r}.", hint)

    def _assignment(self, name: str, folder: Path) -> Assignment:
        return Assignment(name, folder, source_notebooks(folder), read_settings(folder, self.zone), self)

    @property
    def zone(self) -> ZoneInfo | None:
        """What dates without an offset are in: `c.Saiten.timezone`; None if it names none."""
        return zone_of(self.options.timezone)

    def extensions(self) -> Extensions | None:
        """Read who may hand in later, as extensions.csv says it now; None without that file.

        Raises:
            CourseError: the file cannot be read, or a line of it cannot be meant as it stands.
        """
        found = read_extensions(self.root / EXTENSIONS_NAME, self.zone)
        if found is not None:
            found.check({name: self._due(name) for name in self.assignment_names()})
        return found

    def _due(self, name: str) -> datetime | None:
        try:
            return self.assignment(name).settings.due
        except CourseError:  # its file cannot be read: that is told where it is needed
            return None

    def source_dir(self, assignment: str) -> Path:
        """Folder of the instructor's notebooks of an assignment."""
        return self._path(self.coursedir.source_directory, _NOBODY, assignment)

    def release_dir(self, assignment: str) -> Path:
        """Folder of what students get."""
        return self._path(self.coursedir.release_directory, _NOBODY, assignment)

    def solutions_dir(self, assignment: str) -> Path:
        """Folder of the executed reference notebooks (nbgrader's `solution_directory`)."""
        return self._path(self.coursedir.solution_directory, _NOBODY, assignment)

    def autograder_dir(self, assignment: str) -> Path:
        """Folder of the bundle (`c.Saiten.autograder_directory`)."""
        return self._path(self.options.autograder_directory, _NOBODY, assignment)

    def submitted_dir(self, assignment: str, student: str) -> Path:
        """Folder of what one student handed in."""
        return self._path(self.coursedir.submitted_directory, student, assignment)

    def autograded_dir(self, assignment: str, student: str) -> Path:
        """Folder of one student's marked notebooks."""
        return self._path(self.coursedir.autograded_directory, student, assignment)

    def feedback_dir(self, assignment: str, student: str) -> Path:
        """Folder of what one student reads."""
        return self._path(self.coursedir.feedback_directory, student, assignment)

    def report_page(self, assignment: str) -> Path:
        """The page on which staff read how the class did."""
        return self.root / "report" / assignment / "index.html"

    def students(self, assignment: str | None = None) -> list[str]:
        """Return the ids of the students who handed in one assignment, or any of the course's assignments, sorted."""
        if assignment is not None:
            names = [assignment]
        else:
            names = [name for name, _ in self._fill(self.coursedir.source_directory, _NOBODY, _SLOT)]
        step = self.coursedir.submitted_directory
        found = {student for name in names for student, _ in self._fill(step, _SLOT, name)}
        excluded = {part.strip() for part in self.coursedir.student_id_exclude.split(",")}
        return sorted(found - excluded)

    def submissions(self, assignment: Assignment, student: str = "*") -> Iterator[Submission]:
        """Read what was handed in, one submission after the other, by student id.

        The folders are hostile: no link is followed, only regular files are opened, sizes and counts are limited.

        Args:
            assignment: whose submissions.
            student: one id, or a glob of ids; "*" means `CourseDirectory.student_id`, which is all by default.

        Yields:
            one `Submission` for each folder; its `problem` is set where nothing can be read.
        """
        wanted = self.coursedir.student_id if student == "*" else student
        for name in self.students(assignment.name):
            if name == wanted or fnmatch.fnmatchcase(name, wanted):
                yield self.submission(assignment, name)

    def submission(self, assignment: Assignment, student: str) -> Submission:
        """Read what one student handed in; without a folder, the submission's `problem` says so."""
        folder = self.submitted_dir(assignment.name, student)
        return read_submission(folder, student, assignment.name, tuple(assignment.notebooks), self.folder_limits())

    def folder_limits(self) -> FolderLimits:
        """How much is read of a submission, by nbgrader's options and `c.Saiten.max_submission_files`."""
        return FolderLimits(
            file_bytes=self.coursedir.max_file_size * 1000,
            total_bytes=self.coursedir.max_dir_size * 1000,
            files=self.options.max_submission_files,
            ignore=tuple(self.coursedir.ignore),
            include=tuple(self.coursedir.include),
        )

    def _path(self, step: str, student: str, assignment: str) -> Path:
        return Path(os.path.normpath(self.coursedir.format_path(step, student, assignment)))

    def _fill(self, step: str, student: str, assignment: str) -> list[tuple[str, Path]]:
        """Find what fits in for `_SLOT` in a path of `directory_structure`: name and folder, by name."""
        parts = Path(os.path.normpath(self.coursedir.format_path(step, student, assignment))).parts
        at = next((index for index, part in enumerate(parts) if _SLOT in part), None)
        if at is None:
            raise CourseError(
                f"`CourseDirectory.directory_structure` of {self.root} lacks {{student_id}} or {{assignment_id}}.",
                "Both must stand in it.",
            )
        before, after = parts[at].split(_SLOT, 1)
        parent = Path(*parts[:at])
        try:
            names = sorted(os.listdir(parent))
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = []
        for entry in names:
            name = entry[len(before) : len(entry) - len(after)]
            fits = entry.startswith(before) and entry.endswith(after) and len(entry) >= len(before + after)
            if not fits or not name or entry.startswith(".") or _matches(entry, self.coursedir.ignore):
                continue
            folder = parent.joinpath(entry, *(part.replace(_SLOT, name) for part in parts[at + 1 :]))
            if folder.is_dir() or folder.is_symlink():
                found.append((name, folder))
        return found


def source_notebooks(folder: Path) -> dict[str, Path]:
    """Return the notebooks of an assignment's source folder, by name; `.py` beats the `.ipynb` of the same name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.suffix == ".ipynb":
            found.setdefault(path.stem, path)
        elif is_text_notebook(path):
            found[path.stem] = path
    return dict(sorted(found.items()))


def _is_course(folder: Path) -> bool:
    return (
        any((folder / f"{CONFIG_NAME}{suffix}").is_file() for suffix in (".py", ".json"))
        or (folder / "source").is_dir()
    )


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
