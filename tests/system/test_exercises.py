"""Does every exercise of the course hold when it is marked for real, in the engine, class and all?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXERCISES = sorted(path.parent.name for path in ROOT.glob("source/*/assignment.toml"))


def saiten(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of this environment in the repository."""
    command = [sys.executable, "-c", "from saiten.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.system
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_planted_answer_gets_what_it_declares(exercise: str, tmp_path: Path) -> None:
    """Do the reference, the release, every right way, every mistake and every broken hand-in get their exact points?"""
    course, results = tmp_path / "course", tmp_path / "results.jsonl"
    made = saiten("sample", exercise, "--into", str(course), "--cell-seconds", "5")
    assert made.returncode == 0, made.stderr
    marked = saiten("grade", exercise, "--course", str(course), "--json")
    assert marked.returncode in (0, 1), marked.stderr
    results.write_text(marked.stdout, encoding="utf-8")
    compared = saiten("sample", exercise, "--course", str(course), "--compare", str(results))
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "got what they have to get" in compared.stdout + compared.stderr


@pytest.mark.system
def test_there_are_exercises() -> None:
    """Is there anything to try?"""
    assert "01-regularization" in EXERCISES
