"""Do the strongest attacks get nothing in the course's own exercises, where they get points from a plain grader?

Each exercise gets one hand-in with another attack in each of eight questions; the other questions are answered right.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from built_exercises import EXERCISES, ROOT
from exercise_attacks import ENDS, FAMILIES, ORDER, OWN_WIRE, TARGETS
from marked_class import ATTACKER, MarkedClass

from saiten.results import Result, Status
from saiten.sample.work import Exercise

pytestmark = [pytest.mark.system, pytest.mark.timeout(1500)]


def without_walls(name: str, attacks: Mapping[str, Mapping[str, str]], folder: Path) -> dict[str, dict[str, Any]]:
    """What each attacked question gets where answers and tests share a process; see `plain_exercise`."""
    tasks = [json.dumps({"question": question, "answers": answers}) for question, answers in attacks.items()]
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("plain_exercise.py"))]
    paths = f"{ROOT}:{ROOT / 'tests'}"
    environment = {"PYTHONPATH": paths, "HOME": str(folder), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(ROOT / "source" / name)],
        input="\n".join(tasks),
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        check=True,
    )
    return dict(zip(attacks, map(json.loads, done.stdout.splitlines()), strict=True))


def scores(exercise: Exercise, result: Result) -> dict[str, float | None]:
    """Points of the automatically marked questions."""
    assert result.status in (Status.GRADED, Status.NEEDS_MANUAL), result.message
    return {question.name: question.score for question in result.questions if question.name in exercise.full_marks()}


@pytest.mark.parametrize("name", EXERCISES)
def test_attacks_get_nothing_in_a_real_exercise(
    name: str, marked: Callable[[str], MarkedClass], tmp_path: Path
) -> None:
    """Is each attack a real one, and does it cost its own question here, and no other one?"""
    whole = marked(name)
    exercise, attacks, result = whole.exercise, whole.attacks, whole.results[ATTACKER]
    elsewhere = {
        question: text for question, text in attacks.items() if question != TARGETS[name][ORDER.index(OWN_WIRE)]
    }
    fooled = without_walls(name, elsewhere, tmp_path)
    for family, question in zip(ORDER, TARGETS[name], strict=True):
        if family in ENDS:
            assert fooled[question] == {"exit": 0}, (family, question)
        elif family != OWN_WIRE:
            assert fooled[question].get("score", 0) > 0, (family, question, fooled[question])
    assert scores(exercise, result) == {
        question: 0.0 if question in attacks else points for question, points in exercise.full_marks().items()
    }
    told = {question.name: question.message for question in result.questions}
    assert "not the student's" in told[TARGETS[name][ORDER.index(OWN_WIRE)]]


def test_every_family_is_tried_in_every_exercise() -> None:
    """Has every exercise a question of its own for each family?"""
    assert sorted(TARGETS) == EXERCISES
    assert all(len(set(targets)) == len(FAMILIES) for targets in TARGETS.values())
