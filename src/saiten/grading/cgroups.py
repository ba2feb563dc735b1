"""A control group: all memory of a submission together, whatever kind it is and whoever holds it, and all its tasks.

Stops: many processes that each stay below their own limit; shared mappings, page tables, buffers, files in memory; on
    the second floor, too many processes and threads, of root's as well, which no other limit of the kernel counts.
Needs: a control group of this process's own that it may divide: root, or a delegated group (systemd's Delegate=yes).
Without it: every process has its own limit (RLIMIT_DATA, RLIMIT_AS), and a submission may have `processes` of them; on
    the second floor the warden adds them up and ends what is too much.

In: nothing. Out: a `Group` that this process and all its later children are in; its limit counts from what is in use
already. Versions 1 and 2. The group's name carries the numbers of the process and its parent, so that what a killed
process left is found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "saiten-"


@dataclass(frozen=True, slots=True)
class Group:
    """A group that this process has joined; its files stay open, wherever this process's root will be."""

    _memory: _Meter
    _tasks: _Meter | None

    def bound(self, room: int, tasks: int | None = None) -> None:
        """Let the group use so much beyond what it uses now.

        Args:
            room: bytes; past that the kernel ends a process of the group.
            tasks: processes and threads; past that none can be started. None: as many as one likes.
        """
        self._memory.allow(room)
        if tasks is not None and self._tasks is not None:
            self._tasks.allow(tasks)


@dataclass(frozen=True, slots=True)
class _Meter:
    """Two open files of a group: what it uses, and what it may."""

    _usage: int
    _limit: int

    @classmethod
    def of(cls, place: Path, version: _Version) -> _Meter:
        usage = os.open(place / version.usage, os.O_RDONLY | os.O_CLOEXEC)
        return cls(usage, os.open(place / version.limit, os.O_RDWR | os.O_CLOEXEC))

    def allow(self, room: int) -> None:
        used = int(os.pread(self._usage, 32, 0))
        os.pwrite(self._limit, str(used + room).encode("ascii"), 0)


@dataclass(frozen=True, slots=True)
class _Version:
    mount: str
    """type of file system, and the controller among its options"""
    controller: str
    usage: str
    limit: str


_VERSIONS = (
    _Version("cgroup", "memory", "memory.usage_in_bytes", "memory.limit_in_bytes"),
    _Version("cgroup2", "", "memory.current", "memory.max"),
)
_TASKS = (
    _Version("cgroup", "pids", "pids.current", "pids.max"),
    _Version("cgroup2", "", "pids.current", "pids.max"),
)


def join() -> Group | None:
    """Make a group below this process's own and enter it; None where that is not possible for memory."""
    sweep()
    memory = _enter(_VERSIONS)
    return None if memory is None else Group(memory, _enter(_TASKS))


def _enter(versions: Sequence[_Version]) -> _Meter | None:
    """Be in a group of one's own that has a controller; of version 2 it is one group for all controllers."""
    name = f"{_PREFIX}{os.getppid()}-{os.getpid()}"
    for version, folder in _own_groups(versions):
        place = folder if folder.name == name else folder / name
        try:
            place.mkdir(exist_ok=True)
        except OSError:
            continue
        try:
            meter = _Meter.of(place, version)
            (place / "cgroup.procs").write_text("0", encoding="ascii")
        except OSError:  # no such controller in there, or no right to enter
            with suppress(OSError):
                place.rmdir()
            continue
        return meter
    return None


def die_first() -> None:
    """Where memory runs out, in the group or in the machine, this process goes before those that mark."""
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def sweep() -> int:
    """Remove groups of processes that are gone, or whose parents are; returns how many still have somebody in them.

    Those of another user's engines are left to that user's next one.
    """
    stay = 0
    for _, folder in _own_groups((*_VERSIONS, *_TASKS)):
        for place in folder.glob(f"{_PREFIX}*"):
            numbers = place.name.removeprefix(_PREFIX).split("-")
            if not all(number.isdigit() and Path(f"/proc/{number}").exists() for number in numbers):
                try:
                    place.rmdir()
                except (FileNotFoundError, PermissionError):
                    continue
                except OSError:
                    stay += 1
    return stay


def _own_groups(versions: Sequence[_Version]) -> Iterator[tuple[_Version, Path]]:
    """Where this process's groups are mounted, version 1 first: where both are there, it holds the memory."""
    paths = {}
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    for version in versions:
        for line in mounts:
            before, _, after = line.partition(" - ")
            kind, _, options = after.split(" ", 2)
            if kind != version.mount or (version.controller and version.controller not in options.split(",")):
                continue
            root, place = before.split()[3:5]
            own = _below(paths.get(version.controller, ""), root)
            if own is not None:
                yield version, Path(place) / own


def _below(path: str, root: str) -> str | None:
    """The part of a group's path that lies below what is mounted."""
    if not path.startswith("/") or not (path == root or root == "/" or path.startswith(root + "/")):
        return None
    return path.removeprefix(root).lstrip("/")
