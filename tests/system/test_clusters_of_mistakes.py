"""Does the report of a real class name the mistakes that were planted in it: who made each, and in which line?"""

from __future__ import annotations

import copy
import csv
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from built_exercises import build, saiten

from saiten.sample import read_expected

EXERCISE = "01-regularization"
MISTAKES: Mapping[str, tuple[str, ...]] = {
    "thresholds": ("hard-in-place", "soft-overshoots", "soft-positive-only"),
    "ridge-fit": ("bias-penalised", "intercept-is-mean", "mean-error"),
    "choose-degree": ("by-test-error", "by-training-error", "index"),
    "train-linear": ("bias-penalised", "broadcast", "penalty-in-loop"),
    "error-by-size": ("all-rows", "lambda-per-row", "training-error"),
}
"""Three mistakes of each question; some fail in the same words."""
STUDENTS = 9
RIGHT = "right:right-other-types"
"""Another right way, which is in no cluster."""

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


def test_every_planted_mistake_is_a_cluster_of_its_own(tmp_path: Path) -> None:
    """Are exactly those who made a mistake put together, by what they read or by the line that only they have?"""
    course = tmp_path / "course"
    build(EXERCISE)
    groups = ("odd", "half-done", "broken", "hostile")
    run("sample", EXERCISE, "--into", str(course), *(f"--without={group}" for group in groups))
    made = hand_in(course)
    run("grade", EXERCISE, "--course", str(course), "--workers", "1")
    run("report", EXERCISE, "--course", str(course))
    clusters, parts = (rows(course / f"report/{EXERCISE}/{name}.csv") for name in ("clusters", "parts"))
    named = {(each["question"], each["who"]): each["reason"] for each in clusters}
    named |= {(each["question"], each["who"]): each["lines"] for each in parts}
    found = {mistake: named.get((mistake[0], " ".join(who)), "") for mistake, who in made.items()}
    assert [mistake for mistake, words in found.items() if not words] == []
    assert len(made) == sum(map(len, MISTAKES.values()))
    assert len(parts) > 0, "some fail in the same words"
    mistaken = {student for who in made.values() for student in who}
    assert {student for each in clusters for student in each["who"].split()} == mistaken, "nobody else's work failed"


def hand_in(course: Path) -> dict[tuple[str, str], list[str]]:
    """Replace the mistaken ones of a sample class by students who made a mistake in each of the questions.

    Returns:
        question and mistake to the students who made it: in each question they are divided otherwise.
    """
    kinds = {each.kind: student for student, each in read_expected(course, EXERCISE).items()}
    notebooks = {kind: read(course, student) for kind, student in kinds.items()}
    assert RIGHT in kinds
    for kind, student in kinds.items():
        if kind not in ("reference", RIGHT):
            shutil.rmtree(course / "submitted" / student)
    made: dict[tuple[str, str], list[str]] = {}
    for number in range(STUDENTS):
        student, work = f"student-{101 + number}", copy.deepcopy(notebooks["reference"])
        for place, (question, mistakes) in enumerate(MISTAKES.items()):
            mistake = mistakes[(number // 3 if place % 2 else number) % 3]
            paste(work, notebooks["reference"], notebooks[f"mistake:{question}-{mistake}"])
            made.setdefault((question, mistake), []).append(student)
        folder = course / "submitted" / student / EXERCISE
        folder.mkdir(parents=True)
        (folder / f"{EXERCISE}.ipynb").write_text(json.dumps(work), encoding="utf-8")
    return made


def paste(work: dict[str, Any], reference: dict[str, Any], mistaken: dict[str, Any]) -> None:
    """Take over the cells in which a mistaken notebook differs from the reference."""
    for mine, right, wrong in zip(work["cells"], reference["cells"], mistaken["cells"], strict=True):
        if wrong["source"] != right["source"]:
            mine["source"] = wrong["source"]


def read(course: Path, student: str) -> dict[str, Any]:
    """What a student of the sample handed in."""
    path = course / "submitted" / student / EXERCISE / f"{EXERCISE}.ipynb"
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def rows(path: Path) -> list[dict[str, str]]:
    """A table of the report."""
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def run(*arguments: str) -> None:
    """Run a command that has to go well."""
    done = saiten(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
