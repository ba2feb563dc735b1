"""What a run leaves behind: processes, files, mounts, namespaces, shared memory, control groups.

In: a run of our own, watched from its beginning. Out: every trace of it that is still there a while after its end.
Others use the machine meanwhile, tests in another process among them, which mount containers: only what belonged to
this run, or lies where only this run writes, is looked at.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_EVERY = 0.1
"""Seconds between two looks at the processes."""
PATIENCE = 20.0
"""Seconds until what is still there counts as left behind."""
_SPACES = ("ipc", "mnt", "net", "pid", "user", "uts")


def _namespaces(pid: int | str) -> set[str]:
    found = set()
    for name in _SPACES:
        with suppress(OSError):
            found.add(os.readlink(f"/proc/{pid}/ns/{name}"))
    return found


def _segments() -> dict[str, str]:
    """System V memory, semaphores and queues: a line of each, by kind and id, with the process that made it."""
    found = {}
    for kind in ("shm", "sem", "msg"):
        for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]:
            words = line.split()
            found[f"{kind} {words[1]}"] = words[4]
    return found


def _shared_files() -> set[str]:
    return {f"/dev/shm/{name}" for name in os.listdir("/dev/shm")}


def _holders(paths: set[str]) -> dict[str, set[int]]:
    """Which living processes have some files in their memory, as semaphores are."""
    found: dict[tuple[str, str], str] = {}  # device and inode: a semaphore is mapped under another name than it keeps
    for path in paths:
        with suppress(OSError):
            about = os.stat(path)
            found[f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}", str(about.st_ino)] = path
    holders: dict[str, set[int]] = {path: set() for path in paths}
    for place in Path("/proc").glob("[0-9]*/maps") if found else ():
        with suppress(OSError):
            mapped = {(words[3], words[4]) for words in map(str.split, place.read_text().splitlines())}
            for each in mapped & found.keys():
                holders[found[each]].add(int(place.parent.name))
    return holders


def _is_worker(process: psutil.Process) -> bool:
    """Whether a process is one of the run's workers, and no child of one that has not begun its own program yet."""
    parent = process.parent()
    return _spawned(process) and parent is not None and not _spawned(parent)


def _spawned(process: psutil.Process) -> bool:
    return any("spawn_main" in word for word in process.cmdline())


def _mounted_namespaces() -> set[str]:
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return {words[3] for words in lines if "nsfs" in words[6:]}


def _mounts(folder: Path) -> set[str]:
    """What is mounted below a folder, for all to see."""
    places = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    return {place for place in places if Path(place).is_relative_to(folder)}


class Watch:
    """Watches a run; orphans of its processes become children of this process, so that none escapes the count.

    Args:
        scratch: the folder that the run has for temporary files; beside it is the course. Nobody else writes there.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._mine = _namespaces("self")
        self._before = {child.pid for child in psutil.Process().children(recursive=True)}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.processes: dict[int, psutil.Process] = {}
        """every process of the run that was seen"""
        self.workers: set[int] = set()
        self.namespaces: set[str] = set()
        self.groups: set[Path] = set()
        self._old = _segments(), _shared_files(), _mounts(scratch.parent)
        self._whose: dict[str, bool] = {}
        """shared files that some process was seen to hold, and whether it is one of the run's"""

    def __enter__(self) -> Self:
        _adopt_orphans(True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        _adopt_orphans(False)

    def _look(self) -> None:
        while not self._stop.wait(_EVERY):
            self.look()

    def look(self) -> list[psutil.Process]:
        """Take note of all processes of the run that there are just now, and of strangers' shared files."""
        holders = _holders(_shared_files() - self._old[1] - self._whose.keys())
        found = [each for each in psutil.Process().children(recursive=True) if each.pid not in self._before]
        for process in found:
            if process.pid not in self.processes:
                self.processes[process.pid] = process
                with suppress(psutil.Error, OSError):
                    if _is_worker(process):
                        self.workers.add(process.pid)
            self.namespaces |= _namespaces(process.pid) - self._mine
            with suppress(OSError):
                self.groups.update(_groups(process.pid))
        for path, pids in holders.items():  # listed before the run's processes were: none of its own is a stranger
            if living := {pid for pid in pids if psutil.pid_exists(pid)}:
                self._whose[path] = bool(living & self.processes.keys())
        return found

    def left(self) -> list[str]:
        """What is still there, in words; waits for it to go."""
        deadline = time.monotonic() + PATIENCE
        while (found := self._left()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return found

    def _left(self) -> list[str]:
        segments, shared, mounts = self._old
        pids = {str(pid) for pid in self.processes}
        here = _alive(self.look())
        # a stranger that was killed leaves its semaphores behind: not the run's
        new = {path for path in _shared_files() - shared if self._whose.get(path, True)}
        # only processes and mounts keep a namespace; its number alone may be that of a stranger's by now
        held = {space for each in here for space in _namespaces(each.pid)} | _mounted_namespaces()
        return [
            *(f"process {each.pid} {each.name()}" for each in here),
            *(f"file {path}" for path in sorted(self._scratch.rglob("*"))),
            *(f"mount {place}" for place in sorted(_mounts(self._scratch.parent) - mounts)),
            *(f"namespace {space}" for space in sorted(self.namespaces & held)),
            *(f"segment {name}" for name, maker in _segments().items() if name not in segments and maker in pids),
            *(f"shared {path}" for path in sorted(new)),
            *(f"control group {path}" for path in sorted(self.groups) if path.exists()),
        ]


def _alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that are no zombies; a zombie that became our child is reaped."""
    alive = []
    for process in processes:
        with suppress(psutil.Error, ChildProcessError):
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
            elif process.ppid() == os.getpid():
                os.waitpid(process.pid, os.WNOHANG)
    return alive


def _groups(pid: int) -> list[Path]:
    found = []
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if Path(path).name.startswith("saiten-"):
            found.append(Path("/sys/fs/cgroup") / controllers.removeprefix("name=") / path.lstrip("/"))
    return found


def _adopt_orphans(wanted: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
