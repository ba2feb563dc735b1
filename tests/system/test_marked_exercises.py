"""Does every exercise of the course hold when it is marked for real, in the engine, class and all?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from built_exercises import EXERCISES, ROOT, build, saiten

from saiten.answers import Kind, read_answers
from saiten.sample import read_expected
from saiten.sample.hostile import TRACE

TRIED_HARD = [*EXERCISES[:1], *EXERCISES[2:3]]
"""Where broken and hostile hand-ins are tried: what they do is the same everywhere, and each class takes minutes."""


def mark(exercise: str, course: Path, *options: str) -> None:
    """Make a class, mark it, and ask that everybody got what was foretold."""
    build(exercise)
    made = saiten("sample", exercise, "--into", str(course), *options)
    assert made.returncode == 0, made.stderr
    marked = saiten("grade", exercise, "--course", str(course), "--json")
    assert marked.returncode in (0, 1), marked.stderr
    results = course / "results.jsonl"
    results.write_text(marked.stdout, encoding="utf-8")
    compared = saiten("sample", exercise, "--course", str(course), "--compare", str(results))
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "got what they have to get" in compared.stdout + compared.stderr


@pytest.mark.system
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_reference_gets_everything_and_every_demonstration_runs(exercise: str, tmp_path: Path) -> None:
    """Do the reference and odd hand-ins get full marks within the course's own limits, without error or missing glyph?

    The other right ways are marked whole by `make check`.
    """
    course = tmp_path / "course"
    answers = read_answers(ROOT / "source" / exercise / "answers")
    right = [f"right:{answer.name}" for answer in answers if answer.kind is Kind.RIGHT]
    mark(exercise, course, *(f"--without={each}" for each in (*right, "mistake", "broken", "hostile", "half-done")))
    kinds = {student: each.kind for student, each in read_expected(course, exercise).items()}
    (reference,) = [student for student, kind in kinds.items() if kind == "reference"]
    assert len(kinds) > 5
    assert not any(kind.startswith("right:") for kind in kinds.values())
    assert list(complaints(course, exercise, reference)) == []


@pytest.mark.system
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("exercise", TRIED_HARD)
def test_what_is_broken_costs_what_it_has_to(exercise: str, tmp_path: Path) -> None:
    """Do half-done, broken and hostile hand-ins get their exact points, and does none leave a trace?

    Those that hang are cut off early. Mistakes are left out: `make check` marks each of them in the engine.
    """
    groups = ("mistake", "odd", "right")
    mark(exercise, tmp_path / "course", "--cell-seconds=12", *(f"--without={group}" for group in groups))
    assert list(tmp_path.rglob(TRACE)) == []


def complaints(course: Path, exercise: str, student: str) -> Iterator[str]:
    """Yield what a right answer's notebook says that it should not: an error in a demonstration, a missing glyph."""
    path = course / "autograded" / student / exercise / f"{exercise}.ipynb"
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                yield f"{student}: {cell['id']}: {output['ename']}: {output['evalue']}"
            if "missing from" in "".join(output.get("text", "")):
                yield f"{student}: {cell['id']}: {output['text']}"


@pytest.mark.system
def test_there_are_exercises() -> None:
    """Is there anything to try?"""
    assert "01-regularization" in EXERCISES
