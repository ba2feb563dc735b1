"""The course's exercises as bundles: a clean checkout has none. In: an exercise's name. Out: its bundle, made once.

Tests run in two processes. What uses the same exercise stays in one of them (`together.group_of`), so that nothing is
prepared twice; whoever builds takes a lock all the same, and leaves a note for the other process of the same run.
"""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
from pathlib import Path

from together import EXERCISES

__all__ = ["EXERCISES", "ROOT", "build", "saiten"]

ROOT = Path(__file__).parents[2]


def saiten(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of this environment in the repository."""
    command = [sys.executable, "-c", "from saiten.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@functools.cache
def build(exercise: str) -> None:
    """Make the exercise's bundle in the repository, once in a run of all processes; `saiten sample` needs it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"process {os.getpid()}")
    notes = ROOT / ".pytest_cache" / "built"
    notes.mkdir(parents=True, exist_ok=True)
    with (notes / exercise).open("a+", encoding="utf-8") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        note.seek(0)
        if note.read() == run:
            return
        built = saiten("build", exercise)
        assert built.returncode == 0, built.stderr
        note.truncate(0)
        note.write(run)
