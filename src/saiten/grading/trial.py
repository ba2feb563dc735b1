"""Each wall is tried: a submission attempts every forbidden thing on a floor, a process each mechanism alone.

In: a floor's name. Out: what each attempt ended with. For `saiten doctor` and for tests: what is said to be closed has
been tried here, on this machine, by the engine that marks.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from saiten.bundle import Bundle, BundleCell, BundleNotebook, Limits, Role
from saiten.errors import EngineError
from saiten.grading import cgroups, landlock, linux, seccomp
from saiten.grading.engine import Engine
from saiten.submission import Submission

WALLS = {
    "files": ("a file of this user's, outside the sandbox", "open(FILE).read()"),
    "writing": ("writing to Python's own folder", "open(os.path.join(sys.prefix, 'saiten-doctor'), 'w').close()"),
    "TCP": ("a service on this machine's loopback", "socket.create_connection(('127.0.0.1', PORT), 2)"),
    "UDP": ("a datagram to it", "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', PORT))"),
    "abstract sockets": ("a service that has a name but no file", "socket.socket(socket.AF_UNIX).connect(NAME)"),
    "file sockets": ("a service behind a socket file", "socket.socket(socket.AF_UNIX).connect(SOCKET)"),
    "raw sockets": ("a socket that sees every packet", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"),
    "netlink": ("a socket to the kernel's network settings", "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)"),
    "signals": ("a signal to another process", "os.kill(OTHER, 0)"),
    "other processes": ("the command line of another process", "open(f'/proc/{OTHER}/cmdline').read()"),
    "limits of others": ("limits of another process", "resource.prlimit(OTHER, resource.RLIMIT_NOFILE)"),
    "tracing": ("ptrace of another process", "need(libc.ptrace(0x4206, OTHER, None, None) == 0)"),
    "namespaces": ("new namespaces", "need(libc.unshare(0x10000000) == 0)"),
    "mounts": ("a mount", "need(libc.mount(b'x', b'.', b'tmpfs', 0, None) == 0)"),
    "keyrings": ("a key in a keyring of the kernel", "need(call(keyctl=(0, -4, 1)) != -1)"),
    "memory files": ("memory that no limit counts", "os.memfd_create('x')"),
    "shared memory": ("a segment for the next submission to find", "need(libc.shmget(0, 4096, 0o1600) != -1)"),
    "bpf": ("a program within the kernel", "need(call(bpf=(5, bytes(128), 128)) != -1 or wrong())"),
    "perf": ("counters of the processor", "need(call(perf=(bytes(128), 0, -1, -1, 0)) != -1 or wrong())"),
    "io_uring": ("the kernel's other way of input and output", "need(call(ring=(1, bytes(120))) != -1 or wrong())"),
    "memory": ("four times the allowed memory", "bytearray(MEMORY)"),
    "file size": ("a file beyond the allowed size", "big()"),
    "environment": ("a variable of this process's environment", "os.environ[SECRET]"),
}
"""name of a wall to what is tried (in words) and how; an attempt that succeeds is a hole"""

_LIMITS = Limits(cell_seconds=20, total_seconds=60, memory_mb=256, file_mb=8, scratch_mb=64)

_ATTEMPTS = """
import ctypes, errno, os, resource, signal, socket, sys

libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {"keyctl": (250, 219), "bpf": (321, 280), "perf": (298, 241), "ring": (425, 425)}

def call(**how):
    (name, arguments), = how.items()
    return libc.syscall(NUMBERS[name][os.uname().machine == "aarch64"], *arguments)

def wrong():
    "The kernel itself found fault with the arguments: the call came through."
    return ctypes.get_errno() == errno.EINVAL

def need(condition):
    if not condition:
        raise OSError("refused")

def big():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open("big", "wb") as file:
        for _ in range(16):
            file.write(bytes(1 << 20))

def attempt(wall):
    try:
        eval(ATTEMPTS[wall], globals())
        return "open"
    except BaseException as error:
        return type(error).__name__
"""


@dataclass(frozen=True, slots=True)
class Bait:
    """What attempts reach for, outside the sandbox."""

    secret: Path
    """a file with something to read in it"""
    port: int
    """of a service that listens on 127.0.0.1"""
    name: str
    """of one that listens on an abstract socket"""
    socket: Path
    """of one that listens on a socket file"""


@contextmanager
def bait() -> Iterator[Bait]:
    """Lay it out, and a variable in this process's environment."""
    os.environ[_SECRET] = "seen"
    name = f"\0saiten-doctor-{os.getpid()}"
    try:
        with (
            tempfile.TemporaryDirectory(prefix="saiten-doctor-") as folder,
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.socket(socket.AF_UNIX) as abstract,
            socket.socket(socket.AF_UNIX) as by_path,
        ):
            laid = Bait(Path(folder) / "secret.txt", server.getsockname()[1], name, Path(folder) / "socket")
            laid.secret.write_text("seen", encoding="utf-8")
            for service, address in ((abstract, name), (by_path, str(laid.socket))):
                service.bind(address)
                service.listen()
            yield laid
    finally:
        del os.environ[_SECRET]


_SECRET = "SAITEN_DOCTOR_SECRET"
REFUSALS = frozenset(
    {"FileNotFoundError", "OSError", "PermissionError", "ProcessLookupError", "MemoryError", "KeyError"}
    | {"ConnectionRefusedError"}
)
"""What an attempt ends with at a wall; any other exception would be a fault of the attempt's and proves nothing."""


def try_walls(laid: Bait, floor: str = "", *, unsafe: bool = False) -> dict[str, str]:
    """Mark a submission that attempts everything.

    Args:
        laid: what it reaches for.
        floor: which sandbox to try; without a name, the one that marking would use.
        unsafe: without walls, to see that the attempts are real.

    Returns:
        name of the wall to "open", or to the name of the exception that the attempt ended with.

    Raises:
        SandboxError: this machine does not allow that floor.
    """
    values = {"FILE": str(laid.secret), "PORT": laid.port, "NAME": laid.name, "SOCKET": str(laid.socket)}
    values |= {"OTHER": os.getpid(), "MEMORY": 1 << 30, "SECRET": _SECRET}
    head = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    attempts = f"ATTEMPTS = { ({name: how for name, (_, how) in WALLS.items()})!r}"
    answer = f"{head}\n{attempts}\n{_ATTEMPTS}\noutcomes = {{wall: attempt(wall) for wall in ATTEMPTS}}"
    report = "import json\nprint(json.dumps(outcomes))"
    cells = (
        BundleCell("attempts", "attempts", Role.SOLUTION, "code", "outcomes = {}", "outcomes = {}"),
        BundleCell("report", "report", Role.TEST, "code", report, report, points=1, locked=True),
    )
    bundle = Bundle("doctor", (BundleNotebook("doctor", cells),), limits=_LIMITS)
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [{"cell_type": "code", "source": answer, "metadata": {"nbgrader": {"grade_id": "attempts"}}}],
    }
    with Engine(bundle, unsafe=unsafe, sandbox=floor) as engine:
        result = engine.mark(Submission("doctor", "doctor", {"doctor": json.dumps(notebook).encode()}))
    if not result.notebooks:
        raise EngineError(result.message)
    outputs = json.loads(result.notebooks[0].document)["cells"][1]["outputs"]
    outcomes: dict[str, str] = json.loads(outputs[0]["text"]) if outputs else {}
    return outcomes


def try_landlock() -> str:
    """Confine a process to nothing and open a file there; what that ended with, "" without Landlock."""

    def confined() -> str:
        version = landlock.abi()
        if not version:
            return ""
        linux.no_new_privileges()
        landlock.restrict(landlock.Rules(), version)
        try:
            os.listdir("/")
        except PermissionError as error:
            return type(error).__name__
        return "open"

    return _in_child(confined)


def try_seccomp() -> str:
    """Put the filter on a process and make a memory file there; what that ended with, "" without libseccomp."""

    def confined() -> str:
        try:
            filter_ = seccomp.compiled(namespaces=True)
        except seccomp.SeccompMissing:
            return ""
        linux.no_new_privileges()
        filter_.install()
        try:
            os.memfd_create("x")
        except PermissionError as error:
            return type(error).__name__
        return "open"

    return _in_child(confined)


def try_memory_group() -> str:
    """Take more shared memory in a bounded group than it may; what that ended with, "" without a group."""
    read, write = os.pipe()

    def confined() -> str:
        group = cgroups.join()
        if group is None:
            return ""
        os.write(write, b"!")
        group.bound(_GROUP_ROOM)
        block = mmap.mmap(-1, 4 * _GROUP_ROOM)
        for place in range(0, len(block), mmap.PAGESIZE):
            block[place] = 1
        return "open"

    said = _in_child(confined)
    os.close(write)
    with open(read, "rb") as pipe:
        joined = bool(pipe.read())
    cgroups.sweep()
    return "killed" if joined and not said else said


_GROUP_ROOM = 16 << 20


def _in_child(what: Callable[[], str]) -> str:
    """What a function says in a process of its own; "" if that process was killed.

    Raises:
        EngineError: it raised.
    """
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, what().encode())
        except BaseException as error:
            os.write(write, f"!{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(write)
    with open(read, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    if said.startswith("!"):
        raise EngineError(said[1:])
    return said
