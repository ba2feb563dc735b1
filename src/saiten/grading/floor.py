"""The second floor: a sandbox for an ordinary user where namespaces are forbidden, as in most containers.

In: a `Seat`. Out: a confined child for every submission, by Landlock, seccomp and limits, and a warden that ends it.
The contract is that of `sandbox.Sandbox`; docs/reference/walls.md says wall by wall what differs from the first floor.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from saiten.bundle import Limits
from saiten.grading import cgroups, descendants, landlock, linux, litter, pipelock, seccomp
from saiten.grading.sandbox import (
    PLAIN_DEVICES,
    NamespaceSandbox,
    Sandbox,
    Seat,
    UnsafeSandbox,
    apply_limits,
    clean_environment,
    group_bytes,
    keep_only,
    or_end,
    user_maps,
)
from saiten.grading.tree import lay, lay_what_fits, snapshot
from saiten.grading.warden import Warden

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/sys/devices/system/cpu")
_ACCOUNTS = ("passwd", "group", "hosts", "nsswitch.conf", "ld.so.cache", "localtime", "mime.types", "alternatives")
_ETC = tuple(f"/etc/{name}" for name in (*_ACCOUNTS, "fonts"))
_MACHINE = tuple(f"/proc/{name}" for name in ("cpuinfo", "meminfo", "stat", "version", "filesystems", "uptime"))
_SELF = tuple(f"/proc/self/{name}" for name in ("status", "statm", "stat", "maps", "cmdline", "fd", "cgroup", "limits"))
_SPARE_PROCESSES = 8
"""The kernel counts a user's processes, not a submission's; the limit it keeps is so many times the submission's own,
over what the user has already, so that one submission cannot starve another. The warden keeps the exact one."""


class LandlockSandbox(Sandbox):
    """Landlock, seccomp and limits for the child; a warden for what it leaves behind. Needs no privilege at all."""

    name = "landlock"
    walls = ("files", "network", "processes", "IPC", "memory", "CPU", "file size")

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._home = root / "home"
        self._template: Mapping[str, bytes] | None = None
        self._others = 0

    def enclose(self, seat: Seat, map_user: Callable[[], None]) -> None:
        """See `Sandbox`; the process that returns is a child of the caller, which becomes the warden."""
        self._seat = seat
        self._landlock = landlock.abi()
        if self._landlock < landlock.SCOPES_ABI:
            raise OSError(errno.ENOSYS, f"Landlock ABI {landlock.SCOPES_ABI} is needed, here is {self._landlock}")
        self._filter = seccomp.compiled(namespaces=False)
        self._group = cgroups.join()
        self._others = _tasks_of(os.getuid())
        pipelock.load()
        linux.adopt_orphans()
        self._fresh_home(seat.files)
        child = os.fork()
        if child:
            _become_warden(Warden(child, self._home, seat.limits))
        linux.die_with_parent()
        linux.adopt_orphans()
        linux.no_new_privileges()
        clean_environment(self._home, temporary=self._home / ".tmp")
        os.chdir(self._home / "work")

    def fork(self, keep: int, files: Mapping[str, bytes]) -> int:
        """See `Sandbox`."""
        if self._template is None:  # after the leading cells: what they left in HOME comes to every child
            self._template = snapshot(self._home)
            if self._group is not None:
                self._group.bound(group_bytes(self._seat.limits), self._seat.limits.processes)
        os.chdir("/")
        self._fresh_home({})
        pid = os.fork()
        if pid:
            return pid
        with or_end():
            linux.die_with_parent()
            cgroups.die_first()
            os.setsid()
            lay(self._template, self._home, None)
            lay_what_fits(files, self._home / "work", None)
            os.chdir(self._home / "work")
            keep_only(keep)
            pipelock.prepare()
            limits = self._seat.limits
            apply_limits(limits, processes=self._others + _SPARE_PROCESSES * limits.processes)
            linux.drop_capabilities()
            landlock.restrict(self._rules(), self._landlock)
            self._filter.install()
        return 0

    def kill(self, pid: int) -> None:
        """See `Sandbox`: the child first, then whatever of it is left, until nothing is."""
        super().kill(pid)
        self.reap()
        if not descendants.wait_for_dead_children():
            descendants.end_all(os.getpid())
            descendants.wait_for_dead_children()

    def _fresh_home(self, files: Mapping[str, bytes]) -> None:
        litter.remove(self._home)
        for name in ("work", ".tmp"):
            (self._home / name).mkdir(parents=True)
        lay(files, self._home / "work", None)

    def _rules(self) -> landlock.Rules:
        return landlock.Rules(
            read=(*self._seat.readable, *_SYSTEM, *_ETC, *_MACHINE, *_SELF),
            write=(str(self._home),),
            use=PLAIN_DEVICES,
            control=self._seat.devices,
        )


FLOORS = (NamespaceSandbox.name, LandlockSandbox.name)
"""Sandboxes that wall a student's code off, the best first."""


def make_sandbox(name: str, root: Path) -> Sandbox:
    """The sandbox of that name, on an empty folder of its own."""
    kinds: tuple[type[Sandbox], ...] = (NamespaceSandbox, LandlockSandbox, UnsafeSandbox)
    return {kind.name: kind for kind in kinds}[name](root)


def best() -> str:
    """Name of the sandbox that marking uses on this machine, found by trying; empty if there is none."""
    for name in FLOORS:
        with tempfile.TemporaryDirectory(prefix="saiten-") as folder:
            if _allowed(name, Path(folder)):
                return name
    return ""


def _allowed(name: str, root: Path) -> bool:
    """Whether a process of its own can be enclosed; it ends at once."""
    ask_read, ask_write = os.pipe()
    answer_read, answer_write = os.pipe()
    pid = os.fork()
    if pid == 0:

        def map_user() -> None:
            os.write(ask_write, b"?")
            os.read(answer_read, 1)

        with suppress(OSError):
            make_sandbox(name, root).enclose(Seat(Limits()), map_user)
            os.write(ask_write, b"!")
        os._exit(0)
    for end in (ask_write, answer_read):
        os.close(end)
    said = os.read(ask_read, 1)
    if said == b"?":
        for kind, line in zip(("uid", "gid"), user_maps(), strict=True):
            Path(f"/proc/{pid}/{kind}_map").write_text(line, encoding="ascii")
        os.write(answer_write, b"!")
        said = os.read(ask_read, 1)
    for end in (ask_read, answer_write):
        os.close(end)
    os.waitpid(pid, 0)
    cgroups.sweep()
    return said == b"!"


def _become_warden(warden: Warden) -> None:
    """Watch in a session of its own, with nothing open, and exit; never returns."""
    os.setsid()
    os.chdir("/")
    os.closerange(0, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    for _ in range(3):
        os.open("/dev/null", os.O_RDWR)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    code = 1
    with suppress(BaseException):  # nobody reads what it says; its exit code is what counts
        code = warden.watch()
    os._exit(code)


def _tasks_of(user: int) -> int:
    """Processes and threads of a user, as RLIMIT_NPROC counts them."""
    count = 0
    for entry in os.listdir("/proc"):
        with suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == user:
                count += len(os.listdir(f"/proc/{entry}/task"))
    return count
