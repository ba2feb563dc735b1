"""The course's exercises as bundles: a clean checkout has none. In: an exercise's name. Out: its bundle, made once."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXERCISES = sorted(path.parent.name for path in ROOT.glob("source/*/assignment.toml"))


def saiten(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of this environment in the repository."""
    command = [sys.executable, "-c", "from saiten.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@functools.cache
def build(exercise: str) -> None:
    """Make the exercise's bundle in the repository, once in a run; `saiten sample` needs it."""
    built = saiten("build", exercise)
    assert built.returncode == 0, built.stderr
