"""`autograded/<student>/<assignment>/`: the marked notebooks and the files beside them, as nbgrader lays them out.

In: a result, the submission's files, the bundle's public files. Out: files below one folder, each written in one step
and only if it differs. Names come from students: every path is checked here again, and no link is followed. Staff open
these files in a browser: notebooks are cleaned (`saiten.sanitise`), files that could run scripts there stay away.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from saiten.bundle import Bundle, BundleNotebook
from saiten.errors import GradebookError
from saiten.gradebook.files import PARTIAL, make_real, refused, remove, write_file
from saiten.gradebook.moment import parse_moment
from saiten.gradebook.practice import Practice
from saiten.grading.rebuild import pasted
from saiten.intake import readable
from saiten.results import NotebookResult, Result
from saiten.sanitise import Instructor, clean_notebook
from saiten.submission import Submission

_LONGEST_PART = 255
"""bytes that a file system gives to one name"""
_LONGEST_PATH = 2000
"""bytes of a relative path: with the course's own folder it stays below the system's 4096"""
_RUNS_SCRIPTS = frozenset(
    {"htm", "html", "mht", "mhtml", "shtml", "svg", "svgz", "swf", "xht", "xhtml", "xml", "xsl", "xslt"}
)
"""endings of files whose scripts a browser may run; formgrader serves what lies here in the instructor's own origin"""


@dataclass(frozen=True, slots=True)
class MarkedFolder:
    """What one student's folder has to hold."""

    files: Mapping[str, bytes]
    """relative POSIX path to content"""
    notes: tuple[str, ...] = ()
    """submitted files that cannot stand there, and what was left out of notebooks, in words"""


def marked_folder(bundle: Bundle, submission: Submission, result: Result, practice: Practice) -> MarkedFolder:
    """Gather the files of one student's folder: what was submitted, over it the released files, then the notebooks.

    Files that `Autograde.exclude_overwriting` names stay as they were submitted, or away. Notebooks that the
    assignment does not have are left out, as nbgrader leaves them out. A time stamp that holds no time is left out: it
    would stop `nbgrader generate_feedback`. The result itself is not changed: what is cleaned here can be cleaned again
    by other rules.
    """
    notes: list[str] = []
    kept = set(practice.keep_submitted.get(bundle.assignment, ()))
    originals = {notebook.name: notebook for notebook in bundle.notebooks}
    ours: dict[str, bytes] = {}
    for part in result.notebooks:
        if not part.missing:
            content = submission.notebooks.get(part.name, b"")
            ours[f"{part.name}.ipynb"], remarks = _clean(part, originals.get(part.name), content)
            notes += (f"{part.name}.ipynb as it stands in autograded/: {remark}" for remark in remarks)
    released = {name: content for name, content in bundle.files.items() if name not in kept}
    files: dict[str, bytes] = {}
    places = {*released, *ours, "timestamp.txt"}
    folders = {parent for name in places for parent in _parents(name)}
    for name, content in submission.files.items():
        if name.endswith(".ipynb"):
            continue
        reason = _unsafe(name)
        if not reason and (name in folders or not places.isdisjoint(_parents(name))):
            reason = "another file of the assignment needs its place"
        if not reason and name not in places and name.rpartition(".")[2].lower() in _RUNS_SCRIPTS:
            reason = "a browser could run what is in it"
        if reason:
            notes.append(f"{readable(name)} is not in autograded/: {reason}")
        else:
            files[name] = content
    if submission.timestamp is not None and parse_moment(submission.timestamp)[0] is not None:
        files["timestamp.txt"] = submission.timestamp.encode("utf-8", "surrogatepass")
    for name in released:
        if reason := _unsafe(name):
            raise GradebookError(f"The assignment's file {name!r} cannot be copied: {reason}.", "Rename it.")
    return MarkedFolder({**files, **released, **ours}, tuple(notes))


def _clean(part: NotebookResult, original: BundleNotebook | None, content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a marked notebook that is safe to look at, and remarks on what is gone from it.

    Pictures that were pasted into prose come from the submitted notebook's bytes: the result holds none.
    """
    gone: list[str] = []
    try:
        document = json.loads(part.document)
    except (ValueError, RecursionError):
        # the engine wrote it: only what a student put out can be nested so deeply that it cannot be read back
        document, gone = {}, ["nothing of it could be read"]
    cells = original.cells if original is not None else ()
    instructor = Instructor(
        frozenset((cell.cell_type, text) for cell in cells for text in (cell.source, cell.release_source)),
        {cell.id: cell.metadata for cell in cells},
        original.kernelspec if original is not None else {},
    )
    if not isinstance(document, dict):
        document = {}
    if original is not None and (attached := pasted(original, content)):
        cells_of_document = document.get("cells")
        for cell in cells_of_document if isinstance(cells_of_document, list) else ():
            if isinstance(cell, dict) and cell.get("id") in attached:
                cell["attachments"] = attached[cell["id"]]
    cleaned = clean_notebook(document, instructor)
    text = json.dumps(cleaned.notebook, ensure_ascii=False, sort_keys=True, indent=1)
    return text.encode("utf-8"), (*gone, *cleaned.remarks)


def write_folder(folder: Path, wanted: MarkedFolder, practice: Practice, *, clean: bool) -> bool:
    """Bring one student's folder up to date.

    Args:
        folder: `autograded/<student>/<assignment>`; created where it is missing.
        wanted: what it has to hold.
        practice: modes of files and folders.
        clean: whether to remove what else is there: another hand-in stood there before.

    Returns:
        whether anything was written or removed.

    Raises:
        GradebookError: the file system refuses.
    """
    try:
        changed = make_real(folder, practice)
        keep = {part for name in wanted.files for part in (name, *_parents(name))}
        for path in list(_walk(folder)):
            relative = path.relative_to(folder).as_posix()
            leftover = path.name.startswith(PARTIAL) and relative not in keep
            foreign = relative in keep and (path.is_symlink() or path.is_dir() == (relative in wanted.files))
            if leftover or foreign or (clean and relative not in keep):
                remove(path)
                changed = True
        for name, content in sorted(wanted.files.items()):
            for part in reversed(_parents(name)):
                changed |= make_real(folder / part, practice)
            changed |= write_file(folder / name, content, practice.permissions)
    except OSError as error:
        raise refused(folder, error) from error
    return changed


def remove_folder(folder: Path) -> bool:
    """Remove one student's folder: what was handed in last cannot be read. Returns whether there was one."""
    if not folder.exists() and not folder.is_symlink():
        return False
    try:
        remove(folder)
    except OSError as error:
        raise refused(folder, error) from error
    return True


def _parents(name: str) -> list[str]:
    """Folders of a relative path, the innermost first."""
    return [parent.as_posix() for parent in PurePosixPath(name).parents[:-1]]


def _walk(folder: Path) -> Iterator[Path]:
    """Yield what is below a folder, children first; links are not followed."""
    for here, folders, names in os.walk(folder, topdown=False):
        for name in (*names, *folders):
            yield Path(here, name)


def _unsafe(name: str) -> str:
    """Say why a relative path may not be written, or ""."""
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return "its name is not valid text"
    parts = name.split("/")
    if name.startswith("/") or "\0" in name or any(part in ("", ".", "..") for part in parts):
        return "its path leads elsewhere"
    if size > _LONGEST_PATH or any(len(part.encode("utf-8")) > _LONGEST_PART for part in parts):
        return "its name is too long"
    if any(part.startswith(PARTIAL) for part in parts):
        return f"names that begin with {PARTIAL} are used while files are written"
    return ""
