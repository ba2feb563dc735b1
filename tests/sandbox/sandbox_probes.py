"""What tests of the sandboxes share: probes made of attempts, and a look at the machine from outside."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import cast

Run = Callable[..., list[object]]
"""the fixture `run`"""
ARM = os.uname().machine == "aarch64"

TRY = """
import ctypes, os, resource, signal, socket
libc = ctypes.CDLL(None, use_errno=True)
def attempt(how):
    try:
        return bool(how()) or True
    except OSError as error:
        return type(error).__name__
said = {name: attempt(how) for name, how in ATTEMPTS.items()}
"""


def attempts(**ways: str) -> str:
    """A probe that tries each of some expressions and answers True for those that went through."""
    table = ", ".join(f"{name!r}: lambda: {how}" for name, how in ways.items())
    return TRY.replace("ATTEMPTS", "{" + table + "}")


def through(said: object) -> list[str]:
    """Names of the attempts that went through."""
    return [name for name, outcome in cast("dict[str, object]", said).items() if outcome is True]


def running(name: str) -> list[str]:
    """Processes of this machine with this name."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                command = Path(f"/proc/{entry}/cmdline").read_bytes()
            except OSError:
                continue
            if command.startswith(name.encode()):
                found.append(entry)
    return found
