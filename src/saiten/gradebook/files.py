"""Files that staff or students will read, written so that a reader sees the old or the new one, never half of one.

In: folders, contents, the course's modes. Out: whether anything changed. No link is followed out of a folder.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from saiten.errors import GradebookError
from saiten.gradebook.practice import Practice

_GROUP_MODE = 0o2770
"""nbgrader's mode of folders that are for the group: its members may write, new files belong to the group"""
PARTIAL = ".saiten-"
"""start of the name of a file that is not written to its end yet"""


def write_pages(folder: Path, pages: Mapping[str, bytes], practice: Practice) -> bool:
    """Write files into one folder, which is made where it is missing; what else is there stays.

    Args:
        folder: where.
        pages: plain file name to content.
        practice: modes of files and folders.

    Returns:
        whether anything is new or changed.

    Raises:
        GradebookError: the file system refuses.
    """
    try:
        changed = make_real(folder, practice)
        for name, content in pages.items():
            changed |= write_file(folder / name, content, practice.permissions)
    except OSError as error:
        raise refused(folder, error) from error
    return changed


def make_real(folder: Path, practice: Practice) -> bool:
    """See that a path is a folder of its own, not a link to another; parents are the course's and may be links."""
    made = False
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        remove(folder)
    if not folder.is_dir():
        missing = [folder, *(parent for parent in folder.parents if not parent.exists())]
        folder.mkdir(parents=True)
        made = True
        if practice.groupshared:
            for each in missing:
                each.chmod((stat.S_IMODE(each.stat().st_mode) | _GROUP_MODE) & 0o2777)
    return made


def write_file(target: Path, content: bytes, mode: int) -> bool:
    """Write one file in one step: a reader sees the old or the new one, whenever the machine stops."""
    try:
        status = target.stat(follow_symlinks=False)
        same = stat.S_ISREG(status.st_mode) and status.st_size == len(content) and target.read_bytes() == content
        if same and stat.S_IMODE(status.st_mode) == mode:
            return False
        if same:
            target.chmod(mode)
            return True
    except FileNotFoundError:
        pass
    descriptor, name = tempfile.mkstemp(prefix=PARTIAL, dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def refused(folder: Path, error: OSError) -> GradebookError:
    """What to tell the user where the file system says no."""
    return GradebookError(
        f"{folder} cannot be written ({error.strerror or error}).",
        "See that there is room and that the course's folder can be written, then run again: what was marked is kept.",
    )
