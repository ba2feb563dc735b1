"""Does `make demo` do what the README promises, twice, and leave the repository as it was?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRST, STUDENTS = 8, 3
"""Students of the first exercise's class, and of each other's."""
LEAST_SUBMISSIONS = 40
EXERCISES = sorted(path.parent.name for path in ROOT.glob("source/*/assignment.toml"))
SHOWN = EXERCISES[:2]
"""Exercises of the demo that is tried here: what the Makefile does with the others is the same, and takes minutes."""

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


def demo(folder: Path, exercises: list[str]) -> str:
    """Run `make demo` of some exercises with this environment, into a folder; return what it prints."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    # this environment is the one that make would make: READY names a file that exists
    options = [f"BIN={Path(sys.executable).parent}", "READY=requirements.lock", f"DEMO={folder}"]
    command = ["make", "demo", f"DEMO_FIRST={FIRST}", f"DEMO_STUDENTS={STUDENTS}", *options]
    command.append(f"DEMO_ASSIGNMENTS={' '.join(exercises)}")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_demo_is_large_enough() -> None:
    """Are at least 40 submissions marked in all classes together, as the README says?"""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    first, others = (
        int(re.findall(rf"^{name} \?= (\d+)$", text, re.MULTILINE)[0]) for name in ("DEMO_FIRST", "DEMO_STUDENTS")
    )
    assert first + others * (len(EXERCISES) - 1) >= LEAST_SUBMISSIONS


def test_demo_marks_a_class_and_says_where_to_look(tmp_path: Path) -> None:
    """Are all marked as foretold, exercise by exercise; is a second run known; is the tracked release what it was?"""
    first = demo(tmp_path / "demo", SHOWN)
    assert len(set(re.findall(r"student-\d{3}", first))) >= FIRST
    for number, exercise in enumerate(SHOWN):
        students = STUDENTS if number else FIRST
        assert f"{exercise}: all {students} sample submissions got what they have to get" in first
        for place in (f"autograded/student-001/{exercise}/", f"results-{exercise}.jsonl", f"release/{exercise}/"):
            assert place in first
        for page in (f"feedback/student-001/{exercise}/{exercise}.html", f"report/{exercise}/index.html"):
            assert (tmp_path / "demo" / page).is_file()
        assert (tmp_path / "demo" / f"results-{exercise}.jsonl").is_file()
    for place in ("expected.json", "jupyter lab", "docs/README.md"):
        assert place in first
    for path in ("gradebook.db", "expected.json"):
        assert (tmp_path / "demo" / path).is_file()
    second = demo(tmp_path / "demo", SHOWN[:1])
    assert re.findall(r"(\d+) known from before", second) == [str(FIRST)]
    changed = subprocess.run(
        ["git", "status", "--porcelain", *(f"release/{exercise}" for exercise in SHOWN)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert changed.stdout == "", "the built release is not the one that is tracked"
