"""What confines a student's process: one contract, several ways to keep it.

In: a `Seat` (what the process may see and use). Out: a confined parent in which the instructor's leading cells run, and
confined children, one per submission. `NamespaceSandbox` keeps the whole contract; `UnsafeSandbox` keeps only the
limits and exists for `--unsafe`. Both pass the same contract suite (`tests/sandbox`), each as far as it promises.
"""

from __future__ import annotations

import os
import resource
import signal
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from saiten.bundle import Limits
from saiten.grading import cgroups, landlock, linux, seccomp
from saiten.grading.tree import HOME, TMP, USER, Kept, build_tree, lay, lay_what_fits, mount_scratch, snapshot
from saiten.grading.warden import MAX_FILES, watch_memory


@dataclass(frozen=True, slots=True)
class Seat:
    """What a student's process may see and use.

    Everything else is out of reach: the network, other processes, the course, homes, other submissions.
    """

    limits: Limits
    files: Mapping[str, bytes] = field(default_factory=dict)
    """working directory, at the start of every submission: relative path to content; may be changed there"""
    readable: tuple[str, ...] = ()
    """folders of the machine that stay visible, read-only"""
    devices: tuple[str, ...] = ()
    """device files that stay usable (a GPU's)"""


class Sandbox(ABC):
    """Confines a process and its children.

    `enclose` is called once, in a process of one thread that was forked for the purpose. It returns in the process
    (perhaps a child of it) that goes on. `fork` is called there for every submission.
    """

    name: str
    """for `saiten doctor` and results"""
    walls: tuple[str, ...]
    """what is kept out, in words"""

    @abstractmethod
    def enclose(self, seat: Seat, map_user: Callable[[], None]) -> None:
        """Confine this process for good.

        Args:
            seat: what it may see.
            map_user: asks a process outside to write this one's user map, and waits until that is done.

        Raises:
            OSError: the machine does not allow it.
        """

    @abstractmethod
    def fork(self, keep: int, files: Mapping[str, bytes]) -> int:
        """Fork a child for one submission.

        Args:
            keep: the one file descriptor that stays open in the child (beside 0, 1 and 2).
            files: the submission's own files that it may see, laid over the working directory.

        Returns:
            0 in the child, confined and in its working directory; its pid in the parent.
        """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._ended: list[int] = []

    def kill(self, pid: int) -> None:
        """End a child and everything it started: none of it runs another instruction; `reap` waits until it is gone."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self._ended.append(pid)

    def reap(self) -> None:
        """Wait until what was killed is gone, with its memory and its namespaces."""
        while self._ended:
            with suppress(ChildProcessError):
                os.waitpid(self._ended.pop(), 0)


class NamespaceSandbox(Sandbox):
    """User, PID, mount, network, IPC and UTS namespaces with a minimal file tree; Landlock and seccomp beneath; limits.

    Landlock and seccomp are put on where the machine has them: what they keep out is kept out by namespaces, too, but
    for keyrings, memory files and the kernel's own faults. `second_wall=False` is for measuring what they cost.
    """

    name = "namespaces"
    walls = ("files", "network", "processes", "IPC", "memory", "CPU", "file size")

    def __init__(self, root: Path, *, second_wall: bool = True) -> None:
        super().__init__(root)
        self._second_wall = second_wall
        self._landlock = 0
        self._filter: seccomp.Filter | None = None
        self._group: cgroups.Group | None = None
        self._pid_namespace = -1
        self._template: Mapping[str, bytes] | None = None
        self._kept: Kept = ()

    def enclose(self, seat: Seat, map_user: Callable[[], None]) -> None:
        """See `Sandbox`; the process that returns is a child of the caller, which waits for it and exits."""
        self._seat = seat
        if self._second_wall:
            self._group = cgroups.join()
            self._landlock = landlock.abi()
            with suppress(seccomp.SeccompMissing):  # doctor says so
                self._filter = seccomp.compiled(namespaces=True)
        uid, gid = os.getuid(), os.getgid()
        linux.unshare(linux.CLONE_NEWUSER)
        if uid == 0:
            map_user()
            os.setresgid(0, 0, 0)
            os.setresuid(0, 0, 0)
        else:
            Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
            Path("/proc/self/uid_map").write_text(f"{USER} {uid} 1", encoding="ascii")
            Path("/proc/self/gid_map").write_text(f"{USER} {gid} 1", encoding="ascii")
        self._outside_root = uid == 0
        spaces = linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
        linux.unshare(spaces)
        child = os.fork()
        if child:
            _wait_and_exit(child)
        linux.die_with_parent()
        self._kept = build_tree(self._root, seat.readable, seat.devices)
        # Namespaces within this one would give their makers capabilities again.
        Path("/proc/sys/user/max_user_namespaces").write_text("0", encoding="ascii")
        self._pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._mount_scratch()
        lay(seat.files, HOME / "work", self._owner())
        os.chdir(HOME / "work")
        clean_environment()
        if self._second_wall and self._group is None and os.fork() == 0:
            os.closerange(0, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
            watch_memory(os.getppid(), seat.limits)

    def fork(self, keep: int, files: Mapping[str, bytes]) -> int:
        """See `Sandbox`."""
        if self._template is None:  # after the leading cells: what they left in HOME comes to every child
            self._template = snapshot(HOME)
            if self._group is not None:
                self._group.bound(group_bytes(self._seat.limits))
        linux.unshare(linux.CLONE_NEWPID)
        pid = os.fork()
        if pid:
            linux.setns(self._pid_namespace, linux.CLONE_NEWPID)
            return pid
        with or_end():
            linux.die_with_parent()
            cgroups.die_first()
            linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWIPC)
            linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
            self._mount_scratch()
            lay(self._template, HOME, self._owner())
            lay_what_fits(files, HOME / "work", self._owner())
            os.chdir(HOME / "work")
            keep_only(keep)
            apply_limits(self._seat.limits)
            if self._outside_root:
                os.setgroups([])
                os.setresgid(USER, USER, USER)
                os.setresuid(USER, USER, USER)
            linux.drop_capabilities()
            linux.no_new_privileges()
            linux.set_dumpable()
            if self._landlock:
                landlock.restrict(_tree_rules(self._seat.devices), self._landlock)
            if self._filter is not None:
                self._filter.install()
        return 0

    def _owner(self) -> int | None:
        return USER if self._outside_root else None

    def _mount_scratch(self) -> None:
        mount_scratch(self._seat.limits.scratch_mb, MAX_FILES, self._owner(), self._kept)


class UnsafeSandbox(Sandbox):
    """Limits only; a student's code can read and write whatever this user can. For `--unsafe` and for tests of it."""

    name = "unsafe"
    walls = ("memory", "CPU", "file size")

    def enclose(self, seat: Seat, map_user: Callable[[], None]) -> None:
        """See `Sandbox`."""
        self._seat = seat
        work = self._root / "work"
        work.mkdir(exist_ok=True)
        lay(seat.files, work, None)
        os.chdir(work)
        clean_environment(home=self._root)

    def fork(self, keep: int, files: Mapping[str, bytes]) -> int:
        """See `Sandbox`."""
        pid = os.fork()
        if pid:
            return pid
        with or_end():
            linux.die_with_parent()
            os.setpgid(0, 0)
            lay_what_fits(files, self._root / "work", None)
            keep_only(keep)
            apply_limits(self._seat.limits)
            linux.no_new_privileges()
        return 0

    def kill(self, pid: int) -> None:
        """See `Sandbox`; whatever left the process group lives on."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        super().kill(pid)


def user_maps(outside_uid: int = 65534) -> tuple[str, str]:
    """Lines for uid_map and gid_map when the caller is root: root for the set-up, nobody for the student."""
    line = f"0 0 1\n{USER} {outside_uid} 1\n"
    return line, line


def _tree_rules(devices: tuple[str, ...]) -> landlock.Rules:
    """Within its own tree: scratch space to write, everything else to read, /proc included."""
    return landlock.Rules(read=("/",), write=(str(HOME), str(TMP)), use=PLAIN_DEVICES, control=devices)


def _wait_and_exit(child: int) -> None:
    """Stand between the new PID namespace and the outside, with nothing open, until its first process ends."""
    os.closerange(0, 1024)
    while True:
        try:
            _, status = os.waitpid(child, 0)
        except InterruptedError:
            continue
        except ChildProcessError:
            os._exit(1)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


@contextmanager
def or_end() -> Iterator[None]:
    """In a new child: whatever goes wrong ends it, for it must never go on in its parent's loop."""
    try:
        yield
    except BaseException:
        os._exit(1)


def keep_only(keep: int) -> None:
    """Close every descriptor but one; 0 leads nowhere, 1 and 2 to a file in memory, which the file size limit bounds.

    It is made here, for a child behind its walls can make none.
    """
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    output = os.memfd_create("output")
    for standard in (1, 2):
        os.dup2(output, standard)
    os.closerange(3, keep)
    os.closerange(keep + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def apply_limits(limits: Limits, processes: int | None = None) -> None:
    """Limit this process and each that it starts, by what the kernel counts for one process.

    Args:
        limits: memory counts from what the process has already.
        processes: of this user's, all of them together, where that is not the submission's own number.
    """
    address_space, private = linux.memory_in_use()
    room = limits.memory_mb << 20
    linux.limit(resource.RLIMIT_DATA, private + room)
    # Threads reserve address space that they never use (stacks, malloc arenas): twice the room, and 2 GB.
    linux.limit(resource.RLIMIT_AS, address_space + 2 * room + (2 << 30))
    linux.limit(resource.RLIMIT_CPU, int(limits.total_seconds) + 10)
    linux.limit(resource.RLIMIT_FSIZE, limits.file_mb << 20)
    linux.limit(resource.RLIMIT_NOFILE, limits.open_files)
    linux.limit(resource.RLIMIT_NPROC, limits.processes if processes is None else processes)
    linux.limit(resource.RLIMIT_CORE, 0)
    linux.limit(resource.RLIMIT_MEMLOCK, 1 << 20)
    linux.limit(resource.RLIMIT_MSGQUEUE, 0)
    linux.limit(resource.RLIMIT_RTPRIO, 0)


def group_bytes(limits: Limits) -> int:
    """What all processes of a submission may use together: memory, files in memory, and the kernel's own part."""
    return (limits.memory_mb + limits.scratch_mb + limits.file_mb + _KERNEL_MB) << 20


def clean_environment(home: Path = HOME, temporary: Path = TMP) -> None:
    """Leave in the environment what a notebook needs, and nothing that tells of this machine or its user."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    os.environ.clear()
    os.environ.update(
        kept, HOME=str(home), USER="student", LOGNAME="student", TMPDIR=str(temporary), PATH="/usr/bin:/bin"
    )
    tempfile.tempdir = None  # what was found before TMPDIR was set


_KERNEL_MB = 64
"""for page tables, processes and pipes of a submission"""
PLAIN_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_KEPT = frozenset(
    {"LANG", "LC_ALL", "TZ", "SHELL", "MPLBACKEND", "CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED"}
    | {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"}
    | {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}
)
