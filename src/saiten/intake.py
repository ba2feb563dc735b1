"""Reading what a student handed in, as files that may be hostile.

In: one folder under `submitted/`. Out: a `Submission` with bytes, notes on what was refused, or a `problem`.
No link is followed, only regular files are opened, depth, sizes and counts are limited; nothing is parsed.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from saiten.submission import Submission

_MAX_DEPTH = 16
_MAX_ENTRIES_PER_FILE = 10
"""Directory entries looked at for each file that may be read: bounds the walk through 100,000 empty folders."""
_MAX_NOTES = 50
_MAX_OTHERS = 5
"""notebooks that do not belong to the assignment and are named"""
_TIMESTAMP = "timestamp.txt"
_TIMESTAMP_BYTES = 256
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class FolderLimits:
    """How much of one submission is read; past a limit a file is left out with a note."""

    file_bytes: int
    total_bytes: int
    files: int
    ignore: tuple[str, ...] = ()
    """globs of names that are passed over silently, as nbgrader does"""
    include: tuple[str, ...] = ("*",)
    """globs of which a file must match one"""


@dataclass(slots=True)
class _Harvest:
    limits: FolderLimits
    contents: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """relative path to the reason"""
    total: int = 0
    entries: int = 0
    overflow: str = ""

    def refuse(self, path: str, reason: str) -> None:
        self.refused[path] = reason


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder holds, before anything is made of it."""

    files: dict[str, bytes]
    """relative path to bytes; of `timestamp.txt` no more than its beginning"""
    left_out: dict[str, str]
    """relative path to the reason"""


def read_contents(folder: Path, limits: FolderLimits) -> Contents:
    """Read the files of a folder that may be hostile, as `read_submission` does, and nothing else.

    Raises:
        OSError: the folder itself cannot be read, or is a link.
    """
    harvest = _Harvest(limits)
    descriptor = os.open(folder, _FLAGS | os.O_DIRECTORY)
    try:
        _walk(descriptor, "", 0, harvest)
    finally:
        os.close(descriptor)
    if harvest.overflow:
        harvest.refuse("...", harvest.overflow)
    return Contents(harvest.contents, harvest.refused)


def submission_of(contents: Contents, student: str, assignment: str, expected: tuple[str, ...]) -> Submission:
    """Make the submission that `read_submission` would make of a folder with these contents."""
    harvest = _Harvest(FolderLimits(0, 0, 0), dict(contents.files), dict(contents.left_out))
    return _sort_out(harvest, student, assignment, expected)


def read_submission(
    folder: Path, student: str, assignment: str, expected: tuple[str, ...], limits: FolderLimits
) -> Submission:
    """Read one submission's folder.

    Args:
        folder: the student's folder for this assignment.
        student: id of the student, part of the result.
        assignment: name of the assignment, part of the result.
        expected: names of the assignment's notebooks, without suffix.
        limits: how much is read.

    Returns:
        always a submission; `problem` says why if its notebooks cannot be read.
    """
    try:
        student.encode()
    except UnicodeEncodeError:
        shown = readable(student)
        return Submission(shown, assignment, {}, problem=f"the folder's name {shown} is not valid UTF-8")
    harvest = _Harvest(limits)
    try:
        descriptor = os.open(folder, _FLAGS | os.O_DIRECTORY)
    except OSError as error:
        reason = "it is a link, not a folder" if folder.is_symlink() else (error.strerror or str(error)).lower()
        return Submission(student, assignment, {}, problem=f"the submission's folder cannot be opened: {reason}")
    try:
        _walk(descriptor, "", 0, harvest)
    except OSError as error:
        return Submission(student, assignment, {}, problem=f"the submission cannot be read: {error.strerror}")
    finally:
        os.close(descriptor)
    return _sort_out(harvest, student, assignment, expected)


def readable(name: str) -> str:
    """Make a file name safe to print: control, bidirectional and undecodable characters are escaped, length is cut."""
    shown = "".join(
        ascii(char)[1:-1] if unicodedata.category(char).startswith(("C", "Zl", "Zp")) else char for char in name
    )
    return shown if len(shown) <= 120 else shown[:117] + "..."


def _walk(descriptor: int, prefix: str, depth: int, harvest: _Harvest) -> None:
    limits = harvest.limits
    names = []
    with os.scandir(descriptor) as entries:
        for entry in entries:
            harvest.entries += 1
            if harvest.entries > limits.files * _MAX_ENTRIES_PER_FILE:
                harvest.overflow = "it holds too many files and folders; the rest was not read"
                break
            names.append(entry.name)
    # the top level's notebooks first: what is cut by a limit must not be them
    for name in sorted(names, key=lambda each: (depth > 0 or not each.endswith(".ipynb"), each)):
        if not any(fnmatch.fnmatch(name, pattern) for pattern in limits.ignore):
            _take(descriptor, name, prefix + name, depth, harvest)


def _take(parent: int, name: str, path: str, depth: int, harvest: _Harvest) -> None:
    """Read one entry of a folder, or note why not; the type is asked of the open file, so that none can be swapped."""
    limits = harvest.limits
    try:
        path.encode()
    except UnicodeEncodeError:
        return harvest.refuse(path, "its name is not valid UTF-8")
    try:
        # looked at first: to open a device is to do something with it
        reason = _odd(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
        if reason:
            return harvest.refuse(path, reason)
        descriptor = os.open(name, _FLAGS, dir_fd=parent)
    except OSError as error:
        return harvest.refuse(path, _why_not_opened(error))
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            if depth >= _MAX_DEPTH:
                return harvest.refuse(path, "it lies too deep")
            return _walk(descriptor, path + "/", depth + 1, harvest)
        if not stat.S_ISREG(status.st_mode):
            return harvest.refuse(path, "it is not a regular file")
        if status.st_nlink > 1:
            return harvest.refuse(path, "it is a hard link to a file that also stands elsewhere")
        if not any(fnmatch.fnmatch(name, pattern) for pattern in limits.include):
            return None
        if path == _TIMESTAMP:
            harvest.contents[path] = os.read(descriptor, _TIMESTAMP_BYTES)
            return None
        if status.st_size > limits.file_bytes:
            return harvest.refuse(path, f"it is larger than {limits.file_bytes // 1000} kB")
        if len(harvest.contents) >= limits.files:
            return harvest.refuse(path, f"the submission holds more than {limits.files} files")
        if harvest.total + status.st_size > limits.total_bytes:
            return harvest.refuse(path, f"the submission is larger than {limits.total_bytes // 1000} kB")
        content = b"".join(_chunks(descriptor, status.st_size))
        harvest.total += len(content)
        harvest.contents[path] = content
    finally:
        os.close(descriptor)
    return None


def _chunks(descriptor: int, size: int) -> Iterator[bytes]:
    """Read no more than the size that was checked, even if the file grows meanwhile."""
    while size > 0 and (chunk := os.read(descriptor, min(size, 1 << 20))):
        size -= len(chunk)
        yield chunk


def _odd(mode: int) -> str:
    """Say what a thing is that is neither a folder nor a regular file, or ""."""
    if stat.S_ISLNK(mode):
        return "it is a symbolic link"
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else "it is not a regular file"


def _why_not_opened(error: OSError) -> str:
    if error.errno == errno.ELOOP:  # put there after it was looked at
        return "it is a symbolic link"
    return f"it cannot be opened ({(error.strerror or type(error).__name__).lower()})"


def _sort_out(harvest: _Harvest, student: str, assignment: str, expected: tuple[str, ...]) -> Submission:
    notes = [f"{readable(path)} was left out: {reason}." for path, reason in sorted(harvest.refused.items())]
    if len(notes) > _MAX_NOTES:
        notes[_MAX_NOTES:] = [f"{len(notes) - _MAX_NOTES} more were left out."]
    if harvest.overflow:
        notes.append(f"The submission was read in part: {harvest.overflow}.")
    raw_time = harvest.contents.pop(_TIMESTAMP, None)
    timestamp = None if raw_time is None else raw_time.decode("utf-8", "replace")
    notebooks = {path[:-6]: data for path, data in harvest.contents.items() if _is_notebook(path)}
    files = {path: data for path, data in harvest.contents.items() if not _is_notebook(path)}
    lost = {path[:-6]: reason for path, reason in harvest.refused.items() if _is_notebook(path)}
    notebooks, problem = _match_names(notebooks, lost, expected, notes)
    deeper = sorted(path for path in files if path.endswith(".ipynb"))
    if deeper and not notebooks:
        problem += f" at its top; there is {readable(deeper[0])}"
    return Submission(student, assignment, notebooks, files, timestamp, tuple(notes), problem)


def _is_notebook(path: str) -> bool:
    return "/" not in path and path.endswith(".ipynb") and path != ".ipynb"


def _match_names(
    notebooks: dict[str, bytes], lost: dict[str, str], expected: tuple[str, ...], notes: list[str]
) -> tuple[dict[str, bytes], str]:
    """Give notebooks the names the assignment knows; return them and, if none can be marked, the problem."""
    for name in expected:
        twins = [each for each in sorted(notebooks) if _same_name(each, name)]
        if name not in notebooks and twins:
            notebooks[name] = notebooks.pop(twins[0])
            notes.append(f"{readable(twins[0])}.ipynb was taken as {name}.ipynb: only its Unicode form differs.")
    for name, reason in sorted(lost.items()):
        if any(_same_name(name, each) for each in expected if each not in notebooks) or not notebooks:
            return notebooks, f"{readable(name)}.ipynb cannot be read: {reason}"
    if not notebooks:
        return notebooks, "the submission holds no notebook (.ipynb)"
    if len(expected) == 1 and expected[0] not in notebooks:
        if len(notebooks) > 1:
            names = ", ".join(f"{readable(name)}.ipynb" for name in sorted(notebooks)[:5])
            return notebooks, f"none of its {len(notebooks)} notebooks is called {expected[0]}.ipynb: {names}"
        (other, content), *_ = notebooks.items()
        notes.append(f"{readable(other)}.ipynb was taken as {expected[0]}.ipynb: it is the only notebook.")
        notebooks = {expected[0]: content}
    if not any(name in notebooks for name in expected):
        names = ", ".join(f"{name}.ipynb" for name in expected)
        return notebooks, f"none of its notebooks has a name of this assignment ({names})"
    others = sorted(name for name in notebooks if name not in expected)
    if others:
        names = ", ".join(f"{readable(name)}.ipynb" for name in others[:_MAX_OTHERS])
        more = f" and {len(others) - _MAX_OTHERS} more" if len(others) > _MAX_OTHERS else ""
        notes.append(f"{names}{more}: no notebook of this assignment, not marked.")
    return notebooks, ""


def _same_name(one: str, other: str) -> bool:
    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
