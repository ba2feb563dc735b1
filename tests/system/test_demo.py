"""Does `make demo` do what the README promises, twice, and leave the repository as it was?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUDENTS = 12

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


def demo(folder: Path) -> str:
    """Run `make demo` with this environment, into a folder; return what it prints."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    # this environment is the one that make would make: READY names a file that exists
    options = [f"BIN={Path(sys.executable).parent}", "READY=requirements.lock", f"DEMO={folder}"]
    command = ["make", "demo", f"DEMO_STUDENTS={STUDENTS}", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_demo_marks_a_class_and_says_where_to_look(tmp_path: Path) -> None:
    """Are all marked as foretold, with a table; is a second run known; and is the tracked release what it was?"""
    first = demo(tmp_path / "demo")
    assert len(set(re.findall(r"student-\d{3}", first))) >= STUDENTS
    assert f"all {STUDENTS} sample submissions got what they have to get" in first
    for place in ("autograded/student-001", "results.jsonl", "jupyter lab", "docs/README.md"):
        assert place in first
    for path in ("gradebook.db", "results.jsonl", "expected.json"):
        assert (tmp_path / "demo" / path).is_file()
    second = demo(tmp_path / "demo")
    assert re.search(r"\d+ known from before", second)
    changed = subprocess.run(
        ["git", "status", "--porcelain", "release"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert changed.stdout == "", "the built release is not the one that is tracked"
