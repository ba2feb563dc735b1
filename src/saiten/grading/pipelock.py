"""What `multiprocessing` and torch need where /dev/shm and sockets are walled off: locks of pipes, tensors by value.

In: nothing. Out: `multiprocessing` of this process (and all that it forks) works without shared memory of the
machine's: locks, queues, pools, `DataLoader` workers, arrays shared through files in the scratch folder. Named shared
memory (`multiprocessing.shared_memory`) and tensors in shared memory do not.
Why: a file in /dev/shm can be read by the next submission, and glibc's semaphores are such files.
"""

from __future__ import annotations

import importlib
import os
import select
import sys
import threading
import time
from typing import Any

_RECURSIVE = 0
_MOST = 1 << 15
"""A pipe holds twice as many bytes; a semaphore of more (a queue without a size) is one that always has another."""


class PipeLock:
    """Stands in for `_multiprocessing.SemLock`: a pipe that holds as many bytes as the semaphore's value is.

    The same attributes and methods, for `multiprocessing.synchronize` builds everything else from them.
    """

    SEM_VALUE_MAX = 2**31 - 1

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        self.kind, self.maxvalue, self.name = kind, maxvalue, None if unlink else name
        self._endless = value > _MOST
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        self._depth = 0
        self._owner = 0
        if not self._endless:
            os.write(self._write, bytes(value))

    @property
    def handle(self) -> int:
        """A number for it; only forked processes share it."""
        return self._read

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take one; False when the time is up."""
        if self.kind == _RECURSIVE and self._is_mine():
            self._depth += 1
            return True
        if self._endless:
            return True
        deadline = None if timeout is None else time.monotonic() + max(0.0, timeout)
        while True:
            try:
                if os.read(self._read, 1):
                    break
            except BlockingIOError:
                pass
            left = None if deadline is None else deadline - time.monotonic()
            if not block or (left is not None and left <= 0):
                return False
            select.select([self._read], [], [], left)
        self._depth += 1
        self._owner = threading.get_ident()
        return True

    def release(self) -> None:
        """Give one back.

        Raises:
            AssertionError: a recursive lock of somebody else's.
            ValueError: more than the semaphore was made for.
        """
        if self._endless:
            return
        if self.kind == _RECURSIVE:
            if not self._is_mine():
                raise AssertionError("attempt to release recursive lock not owned by thread")
            if self._depth > 1:
                self._depth -= 1
                return
        elif self._get_value() >= self.maxvalue:
            raise ValueError("semaphore or lock released too many times")
        self._depth -= 1
        os.write(self._write, b"\0")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __del__(self) -> None:
        for end in (getattr(self, "_read", -1), getattr(self, "_write", -1)):
            if end >= 0:
                os.close(end)

    def _count(self) -> int:
        return self._depth

    def _is_mine(self) -> bool:
        return self._depth > 0 and self._owner == threading.get_ident()

    def _get_value(self) -> int:
        if self._endless:
            return self.maxvalue
        import array
        import fcntl
        import termios

        waiting = array.array("i", [0])
        fcntl.ioctl(self._read, termios.FIONREAD, waiting)
        return waiting[0]

    def _is_zero(self) -> bool:
        return self._get_value() == 0

    def _after_fork(self) -> None:
        self._depth = 0


def load() -> None:
    """Import what `prepare` changes: once in a parent, not in every child."""
    for name in ("_multiprocessing", "multiprocessing.heap", "multiprocessing.reduction"):
        importlib.import_module(name)


def prepare() -> None:
    """Put all of it in place; what a module holds that is imported later is looked after, too."""
    import multiprocessing.heap
    from multiprocessing.reduction import ForkingPickler

    compiled: Any = importlib.import_module("_multiprocessing")  # has no stubs
    compiled.SemLock = PipeLock
    multiprocessing.heap.Arena._dir_candidates = []  # type: ignore[attr-defined]
    pickler: Any = ForkingPickler
    for kind in [kind for kind in pickler._extra_reducers if _of_torch(kind)]:
        del pickler._extra_reducers[kind]
    register = pickler.register

    def register_others(kind: type, reduce: Any) -> None:
        if not _of_torch(kind):
            register(kind, reduce)

    pickler.register = register_others
    torch: Any = sys.modules.get("torch")
    if torch is not None:  # what is imported later fails in `DataLoader` workers, and says why
        torch.UntypedStorage._new_shared = classmethod(_plain_storage)


def _plain_storage(kind: Any, size: int, *, device: Any = "cpu") -> Any:
    """Stands in for `UntypedStorage._new_shared`: a worker's batch is put together in memory of its own."""
    return kind(size, device=device)


def _of_torch(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "torch"
