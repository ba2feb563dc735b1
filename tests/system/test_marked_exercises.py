"""Does every exercise of the course hold when it is marked for real, in the engine, class and all?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from saiten.sample import read_expected
from saiten.sample.hostile import TRACE

ROOT = Path(__file__).parents[2]
EXERCISES = sorted(path.parent.name for path in ROOT.glob("source/*/assignment.toml"))


def saiten(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of this environment in the repository."""
    command = [sys.executable, "-c", "from saiten.cli import main; main()", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.system
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_class_of_every_kind_gets_what_it_has_to_get(exercise: str, tmp_path: Path) -> None:
    """Do right, odd, half-done, broken and hostile hand-ins get their exact points, and does every demonstration run?

    Mistakes are left out: `make check` marks each of them in the engine.
    """
    course, results = tmp_path / "course", tmp_path / "results.jsonl"
    made = saiten("sample", exercise, "--into", str(course), "--cell-seconds", "12", "--without", "mistake")
    assert made.returncode == 0, made.stderr
    marked = saiten("grade", exercise, "--course", str(course), "--json")
    assert marked.returncode in (0, 1), marked.stderr
    results.write_text(marked.stdout, encoding="utf-8")
    compared = saiten("sample", exercise, "--course", str(course), "--compare", str(results))
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "got what they have to get" in compared.stdout + compared.stderr
    assert list(tmp_path.rglob(TRACE)) == []
    answers = {student: each.kind for student, each in read_expected(course, exercise).items()}
    right = [student for student, kind in answers.items() if kind == "reference" or kind.startswith("right:")]
    assert len(right) > 3
    assert [each for student in right for each in complaints(course, exercise, student)] == []


def complaints(course: Path, exercise: str, student: str) -> Iterator[str]:
    """Yield what a right answer's notebook says that it should not: an error in a demonstration, a missing glyph."""
    path = course / "autograded" / student / exercise / f"{exercise}.ipynb"
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            # a demonstration with a slow answer may need more than the 12 seconds that hanging ones get here
            late = output.get("ename") == "CellTimeout" or output.get("evalue", "").startswith("time is up")
            if output["output_type"] == "error" and not late:
                yield f"{student}: {cell['id']}: {output['ename']}: {output['evalue']}"
            if "missing from" in "".join(output.get("text", "")):
                yield f"{student}: {cell['id']}: {output['text']}"


@pytest.mark.system
def test_there_are_exercises() -> None:
    """Is there anything to try?"""
    assert "01-regularization" in EXERCISES
