"""The folder for temporary files of one service's or class's workers; what a killed one has left is swept by the next.

In: nothing, or folders below the machine's temporary one. Out: a folder that only this account enters, locked as long
as its process lives. A lock ends with its process however that ends, and also where a process id says nothing: in
another container, or once the number is another's.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from saiten.grading import litter

PREFIX = "saiten-workers-"
_LOCK = "in-use"
_GRACE_SECONDS = 10.0
"""that processes of killed workers get to end, so that nobody writes there any more"""


class Scratch:
    """One folder, made now; what others of this account left behind is removed first.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self) -> None:
        sweep()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        # locked before it has its name: who sweeps in this moment finds no lock, and leaves the folder alone
        unnamed = self.path / f"{_LOCK}.new"
        self._lock = os.open(unnamed, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unnamed.rename(self.path / _LOCK)

    def remove(self) -> None:
        """Remove it with what killed workers have left; their own processes may need a moment to end.

        What cannot be removed (somebody else's process works there) is left to the machine's cleaning of temporary
        files. A second call does nothing.
        """
        if self._lock < 0:
            return
        deadline = time.monotonic() + _GRACE_SECONDS
        while not _emptied(self.path) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.close(self._lock)
        self._lock = -1


def sweep() -> None:
    """Remove folders of this account whose process is gone; one try each, the rest is for the next start."""
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
        lock = _abandoned(folder)
        if lock is not None:
            try:
                _emptied(folder)
            finally:
                os.close(lock)


def _abandoned(folder: Path) -> int | None:
    """Take the lock of a folder that nobody uses; None where somebody does, it is not ours, or it has no lock."""
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            return None
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # without a lock: being made, or being removed
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _emptied(folder: Path) -> bool:
    """Remove what can be removed, the lock last: what is left is still known as abandoned. Says whether all is gone."""
    with suppress(OSError):
        for entry in folder.iterdir():
            if entry.name != _LOCK:
                with suppress(OSError):
                    litter.remove(entry)
        if [entry.name for entry in folder.iterdir()] == [_LOCK]:
            (folder / _LOCK).unlink()
        folder.rmdir()
    return not folder.exists()
