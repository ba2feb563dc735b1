"""Scratch folders that a hostile program has filled: measured and removed, whatever it has made in them.

In: a folder. Out: bytes and number of files in it; or nothing of it left. No path gets longer by what is in there
(10,000 folders deep is no deeper than one), and links are not followed.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_BLOCK = 512


def measure(folder: Path, enough: int) -> tuple[int, int]:
    """Bytes on disk and number of entries below a folder.

    Args:
        folder: where; what is gone meanwhile counts for nothing.
        enough: entries after which counting stops; a folder too deep to be named, or closed to its owner, counts as
            that many.
    """
    size = count = 0
    waiting = [str(folder)]
    while waiting and count < enough:
        try:
            with suppress(FileNotFoundError, NotADirectoryError):
                for entry in _entries(waiting.pop()):
                    count += 1
                    size += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:  # a name is too long, or may not be read; opening it by force could be led elsewhere
            return size, enough
    return size, count


def remove(folder: Path) -> None:
    """Remove a folder and all that is in it, closed folders included; nothing may be at work there any more.

    Raises:
        OSError: something cannot be removed.
    """
    if not folder.is_dir() or folder.is_symlink():
        folder.unlink(missing_ok=True)
        return
    number = 0
    heap = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    folder.rename(heap / "0")
    while True:
        lying = [entry for entry in _entries(str(heap)) if entry.is_dir(follow_symlinks=False)]
        if not lying:
            break
        for entry in lying:
            number = _flatten(entry.path, heap, number)
    heap.rmdir()


def _flatten(folder: str, heap: Path, number: int) -> int:
    """Remove a folder's files, lay its folders beside it, remove it; returns the last number that was given away."""
    os.chmod(folder, 0o700)
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            number += 1
            os.chmod(entry.path, 0o700)  # a folder is moved only by who may write into it
            os.rename(entry.path, heap / str(number))
        else:
            os.unlink(entry.path)
    os.rmdir(folder)
    return number


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return list(found)
