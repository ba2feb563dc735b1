"""Seccomp: system calls that a student's process has no use for are refused; the kernel behind them is out of reach.

Stops: tracing and reading other processes, keyrings, memory that no limit counts (memory files, SysV shared memory),
    namespaces and mounts, io_uring, bpf, perf, userfaultfd, sockets of rare families, and, without namespaces, all
    sockets and whatever reaches another process or file of the same user.
Needs: Linux with seccomp filters on x86_64 or aarch64, and libseccomp (Debian: libseccomp2), through `pyseccomp`.
Without it: the namespaces stand alone; the second floor (`floor.LandlockSandbox`) does not exist.

In: a kind of floor. Out: a compiled `Filter`, made once by the parent, and put on by every child in microseconds.
It is a list of what is refused, not of what is allowed: docs/decisions/0003-second-wall.md says why. Calls that Linux
has got since the list was made are refused as not implemented, which every C library takes for an older kernel.
"""

from __future__ import annotations

import ctypes
import errno
import os
import tempfile
from dataclasses import dataclass
from functools import cache
from typing import Any

from saiten.grading import linux

FIRST_UNKNOWN = 457
"""Numbers from here on (the same on every architecture) are newer than this list."""
_LAST_UNKNOWN = 512
_MSEAL = 462  # glibc seals its own memory where it can; harmless

_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER = 1
_SPEC_ALLOW = 4  # older kernels slow every process under a filter down, against its own speculation
_INSTRUCTION_BYTES = 8

REFUSED: dict[str, tuple[str, ...]] = {
    "other processes": (
        *("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise"),
        *("process_mrelease", "move_pages", "migrate_pages", "ioprio_set"),
    ),
    "keyrings, which belong to no namespace": ("add_key", "request_key", "keyctl"),
    "memory that no limit of a process counts": (
        *("memfd_create", "memfd_secret", "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl"),
        *("semtimedop", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink"),
    ),
    "large parts of the kernel that marking never needs": (
        *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"),
        *("fanotify_init", "fanotify_mark", "lookup_dcookie", "personality", "modify_ldt", "vm86", "vm86old"),
    ),
    "namespaces, mounts, handles of files": (
        *("unshare", "setns", "mount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsopen", "fsconfig"),
        *("fsmount", "fspick", "pivot_root", "chroot", "name_to_handle_at", "open_by_handle_at"),
    ),
    "the machine": (
        *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon"),
        *("swapoff", "quotactl", "quotactl_fd", "acct", "syslog", "iopl", "ioperm", "settimeofday", "clock_settime"),
        *("clock_adjtime", "adjtimex", "sethostname", "setdomainname", "vhangup", "uselib", "nfsservctl", "_sysctl"),
    ),
}
"""Refused on both floors, with EPERM: why, and which. Names that an architecture does not have are left out there."""

_SPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
"""CLONE_NEW*: mount, cgroup, UTS, IPC, user, PID, network"""
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_SOCK_MASK, _SOCK_RAW, _SOCK_PACKET = 0xF, 3, 10
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_FS_IOC_SETFLAGS, _FS_IOC_FSSETXATTR = 0x40086602, 0x401C5820
_F_SETLEASE = 1024
_PR_SET_DUMPABLE = 4
_PRIO_PROCESS = 0
_WORD = 0xFFFFFFFF

_PRETENDED = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "utimensat", "futimesat"),
)
"""Landlock knows no right for them, and the same user may do them to any file of its own that it can name: nothing
happens, and the caller is told that it did, for `shutil.copy` and `zipfile` end every copy with one."""
_REFUSED_WITHOUT_NAMESPACES = (
    *(
        "socket",
        "inotify_add_watch",
        "setxattr",
        "lsetxattr",
        "fsetxattr",
        "removexattr",
        "lremovexattr",
        "fremovexattr",
    ),
)


class SeccompMissing(OSError):
    """No filter can be made here: a library is missing."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled filter: BPF instructions, eight bytes each."""

    program: bytes

    def install(self) -> None:
        """Put it on this thread, and on all that come from it, for good; `linux.no_new_privileges` comes first.

        Raises:
            OSError: the kernel does not take it.
        """
        buffer = ctypes.create_string_buffer(self.program, len(self.program))
        program = _Program(len(self.program) // _INSTRUCTION_BYTES, ctypes.addressof(buffer))
        number = _SYS_SECCOMP[os.uname().machine]
        linux.syscall("seccomp", number, _SET_MODE_FILTER, _SPEC_ALLOW, ctypes.addressof(program))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


@cache
def compiled(*, namespaces: bool) -> Filter:
    """The filter of a floor.

    Args:
        namespaces: the floor has network, IPC and PID namespaces; without them, what these keep out is refused here.

    Raises:
        SeccompMissing: libseccomp or its binding is not there.
        OSError: it refuses a rule.
    """
    try:
        import pyseccomp
    except (ImportError, RuntimeError) as error:
        raise SeccompMissing(errno.ENOSYS, f"libseccomp: {error}") from None
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.ERRNO(errno.ENOSYS))  # 32-bit calls of a 64-bit machine
    rules.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, 2)  # a tree: a dozen comparisons for a call instead of two hundred
    writer = _Writer(pyseccomp, rules)
    for names in REFUSED.values():
        for name in names:
            writer.refuse(name)
    for number in range(FIRST_UNKNOWN, _LAST_UNKNOWN):
        if number != _MSEAL:
            writer.refuse(number, error=errno.ENOSYS)
    writer.refuse(
        "clone3", error=errno.ENOSYS
    )  # its flags are in memory, where no filter looks: glibc takes clone then
    for flag in _SPACES:
        writer.refuse("clone", (0, "masked", flag, flag))
    for request in (_TIOCSTI, _TIOCLINUX):
        writer.refuse("ioctl", (1, "masked", _WORD, request))
    writer.refuse("setpriority", (0, "ne", _PRIO_PROCESS))
    writer.refuse("setpriority", (1, "ne", 0))
    writer.refuse("socketpair", (0, "ne", _AF_UNIX))
    if namespaces:
        _refuse_rare_sockets(writer)
    else:
        _refuse_what_namespaces_keep_out(writer)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return Filter(file.read())


def _refuse_rare_sockets(writer: _Writer) -> None:
    """Raw, packet, netlink, vsock, alg, ...: what is left is Unix, and IP without any interface that is up."""
    for family in range(_AF_INET6):
        if family not in (_AF_UNIX, _AF_INET):
            writer.refuse("socket", (0, "eq", family))
    writer.refuse("socket", (0, "gt", _AF_INET6))
    for kind in (_SOCK_RAW, _SOCK_PACKET):
        writer.refuse("socket", (1, "masked", _SOCK_MASK, kind))


def _refuse_what_namespaces_keep_out(writer: _Writer) -> None:
    for name in _REFUSED_WITHOUT_NAMESPACES:
        writer.refuse(name)
    for name in _PRETENDED:
        writer.refuse(name, error=0)
    for name in ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"):
        writer.refuse(
            name, (0, "ne", 0)
        )  # 0 is the caller itself; any other number may be another process of this user's
    for request in (_FS_IOC_SETFLAGS, _FS_IOC_FSSETXATTR):
        writer.refuse("ioctl", (1, "masked", _WORD, request))
    writer.refuse("fcntl", (1, "masked", _WORD, _F_SETLEASE))
    # The warden looks into /proc for deleted files that are held open; who hides from it could fill the disk.
    writer.refuse("prctl", (0, "masked", _WORD, _PR_SET_DUMPABLE))


class _Writer:
    """Adds rules; a call that this architecture never had is not an error."""

    def __init__(self, pyseccomp: Any, rules: Any) -> None:
        self._lib = pyseccomp
        self._rules = rules
        self._compare = {
            "eq": self._lib.EQ,
            "ne": self._lib.NE,
            "gt": self._lib.GT,
            "masked": self._lib.MASKED_EQ,
        }

    def refuse(
        self, call: str | int, *conditions: tuple[int, str, int] | tuple[int, str, int, int], error: int = errno.EPERM
    ) -> None:
        """Refuse a call, by name or number, where all conditions on its arguments hold."""
        number = call
        if isinstance(call, str):
            try:
                number = self._lib.resolve_syscall(self._lib.Arch.NATIVE, call)
            except (OSError, ValueError):
                return
            if number < 0:
                return
        arguments = [self._lib.Arg(index, self._compare[how], *data) for index, how, *data in conditions]
        self._rules.add_rule(self._lib.ERRNO(error), number, *arguments)
