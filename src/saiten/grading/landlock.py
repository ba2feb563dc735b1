"""Landlock: the files that a student's process may use; other files, TCP, and signals to the outside are refused.

Stops: every file that is not named here, whatever its permissions say (ABI 1), moving files out of their folder (2),
    emptying them (3), TCP (4), controls of devices (5), signals to and abstract sockets of processes outside (6).
Needs: Linux 5.13 or newer with Landlock among its security modules; no privilege. Each ABI needs a newer kernel.
Without it: the namespaces stand alone; the second floor does not exist. An older ABI keeps what it knows.
What Landlock has no right for (`stat`, `chdir`, owners and modes, Unix sockets by path) is seccomp's part.

In: folders and files to be read or written. Out: this process, and all that come from it, confined for good.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from stat import S_ISDIR

from saiten.grading import linux

_SYS_CREATE_RULESET, _SYS_ADD_RULE, _SYS_RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST_RIGHTS = (1 << 13) - 1
_NET_TCP = 0b11
_SCOPES = 0b11

_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
"""rights that a rule on a file, not a folder, may give"""
READ = _EXECUTE | _READ_FILE | _READ_DIR
WRITE = (_FIRST_RIGHTS & ~(_MAKE_CHAR | _MAKE_BLOCK)) | _REFER | _TRUNCATE
"""everything but device files"""
USE = _READ_FILE | _WRITE_FILE | _TRUNCATE
"""for devices such as /dev/null"""
CONTROL = USE | _IOCTL_DEV
"""for a GPU"""

SCOPES_ABI = 6
"""First ABI that keeps signals and abstract sockets in."""


class _RulesetAttr(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("fd", ctypes.c_int32))


@dataclass(frozen=True, slots=True)
class Rules:
    """What stays possible, as paths; a path that does not exist is left out."""

    read: tuple[str, ...] = ()
    """folders and files to read and to run"""
    write: tuple[str, ...] = ()
    """folders in which everything is allowed but device files"""
    use: tuple[str, ...] = ()
    """device files to read and write"""
    control: tuple[str, ...] = ()
    """device files with `ioctl`, too"""

    def every(self) -> Iterable[tuple[str, int]]:
        """Path and rights, one by one."""
        for paths, rights in ((self.read, READ), (self.write, WRITE), (self.use, USE), (self.control, CONTROL)):
            for path in paths:
                yield path, rights


def abi() -> int:
    """What this kernel knows: 0 without Landlock."""
    with suppress(OSError):
        return linux.syscall("landlock_create_ruleset", _SYS_CREATE_RULESET, 0, 0, _CREATE_RULESET_VERSION)
    return 0


def restrict(rules: Rules, version: int) -> None:
    """Confine this process for good; `linux.no_new_privileges` comes first.

    Args:
        rules: what stays possible.
        version: from `abi`, at least 1.

    Raises:
        OSError: the kernel refuses.
    """
    handled = _handled(version)
    attributes = _RulesetAttr(handled, _NET_TCP if version >= 4 else 0, _SCOPES if version >= SCOPES_ABI else 0)
    size = 8 if version < 4 else 16 if version < SCOPES_ABI else 24
    address = ctypes.addressof(attributes)
    ruleset = linux.syscall("landlock_create_ruleset", _SYS_CREATE_RULESET, address, size, 0)
    try:
        for path, rights in rules.every():
            _allow(ruleset, path, rights & handled)
        linux.syscall("landlock_restrict_self", _SYS_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _handled(version: int) -> int:
    newer = ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
    return _FIRST_RIGHTS | sum(right for since, right in newer if version >= since)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # nothing there: nothing to allow
    try:
        if not S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_FILES
        rule = _PathBeneath(rights, place)
        linux.syscall("landlock_add_rule", _SYS_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.addressof(rule), 0)
    finally:
        os.close(place)
