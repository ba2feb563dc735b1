"""Do the hostile submissions of a sample class get what they are said to get, and would they get more elsewhere?"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import attack_target as target
import psutil
import pytest
from attack_room import Room

from saiten.bundle import Role
from saiten.sample.hostile import TRACE, TRICKS, Trick, attempt, hostile, open_to_tricks
from saiten.sample.work import Exercise, SampleSubmission, dump
from saiten.submission import Submission

ANSWERS_SUFFICE = True

REAL = {
    "agrees-with-everything": "last",
    "patches-the-tests": "last",
    "asks-the-memory": "last",
    "steals-the-reference": "last",
}
"""Tricks that earn points, at this question, where answers and tests share a process and a disk."""


def exercise(room: Room) -> Exercise:
    """The assignment that is attacked, as `saiten sample` sees it."""
    cells = target.cells_of(room.bundle, {})
    for raw, cell in zip(cells, room.bundle.notebooks[0].cells, strict=True):
        if cell.grade_id:
            marks = {"grade_id": cell.grade_id, "solution": cell.role is Role.SOLUTION, "grade": cell.role is Role.TEST}
            raw["metadata"] = {"nbgrader": {**marks, "points": cell.points}}
    released = dump({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    return Exercise(room.bundle, {"lesson": released})


def handed_in(sample: SampleSubmission) -> Submission:
    """As intake reads it."""
    files = {name: content for name, content in sample.files.items() if not name.endswith(".ipynb")}
    return Submission("student-666", "lesson", {"lesson": sample.files["lesson.ipynb"]}, files)


def cells_of(sample: SampleSubmission) -> list[dict[str, Any]]:
    """The cells of its notebook."""
    cells: list[dict[str, Any]] = json.loads(sample.files["lesson.ipynb"])["cells"]
    return cells


def test_every_question_is_open_to_tricks(room: Room) -> None:
    """Is every question attacked that can be, and none that a test in the student's process decides?"""
    attacked = exercise(room)
    assert set(open_to_tricks(attacked)) == set(target.POINTS)
    trusting = tuple(
        replace(cell, tags=("in-student",)) if cell.grade_id == "test-last" else cell
        for cell in room.bundle.notebooks[0].cells
    )
    notebook = replace(room.bundle.notebooks[0], cells=trusting)
    assert open_to_tricks(replace(attacked, bundle=replace(room.bundle, notebooks=(notebook,)))) == []


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.kind)
def test_a_trick_earns_nothing(trick: Trick, room: Room) -> None:
    """At whatever question it is tried, does it cost that question and nothing else?"""
    for question in target.POINTS:
        sample = attempt(exercise(room), question, trick, "try")
        result = room.engine.mark(handed_in(sample))
        assert target.is_graded(result), result.message
        assert target.scores(result) == target.expected_scores(frozenset({question}))
        assert target.scores(result) == sample.expected.questions
        assert target.leaked(target.outputs(result)) == []


@pytest.mark.parametrize("kind", REAL)
def test_a_trick_is_a_real_one(kind: str, room: Room, tmp_path: Path) -> None:
    """Would it earn the points in a grader without walls, which finds the bundle above its folder?"""
    (trick,) = [each for each in TRICKS if each.kind == kind]
    sample = attempt(exercise(room), REAL[kind], trick, "try")
    room.bundle.write(tmp_path / "autograder" / "lesson")
    (tmp_path / "submitted" / "student-666" / "lesson").mkdir(parents=True)
    cells = cells_of(sample)
    fooled = replace(room, course=tmp_path).run_plainly([{**cell, "source": "".join(cell["source"])} for cell in cells])
    assert fooled["scores"][REAL[kind]] == target.POINTS[REAL[kind]], fooled["errors"]


def test_what_is_left_behind_is_gone(room: Room) -> None:
    """Are right answers beside an attack worth full marks, and no process or file left when it is over?"""
    before = {each.pid for each in psutil.process_iter()}
    harmless = [each for each in hostile(exercise(room), lambda: "try") if 0.0 not in each.expected.questions.values()]
    assert len(harmless) == 2
    for sample in harmless:
        result = room.engine.mark(handed_in(sample))
        assert target.scores(result) == target.POINTS == sample.expected.questions
    assert list(room.course.rglob(TRACE)) == []
    after = [each for each in psutil.process_iter() if each.pid not in before and "sleep" in each.name()]
    assert after == []


def test_what_would_be_left_behind(room: Room, tmp_path: Path) -> None:
    """Does the attack that writes to others do so where nothing stops it?"""
    (writes,) = [each for each in hostile(exercise(room), lambda: "try") if each.kind == "hostile:writes-to-others"]
    (code,) = ["".join(cell["source"]) for cell in cells_of(writes) if TRACE in "".join(cell["source"])]
    mine, other = tmp_path / "course" / "submitted" / "a", tmp_path / "course" / "submitted" / "b"
    for folder in (mine, other):
        folder.mkdir(parents=True)
    contained = code.replace("here.parents", f"[pathlib.Path({str(tmp_path / 'course')!r})]")
    assert contained != code
    subprocess.run([sys.executable, "-c", contained], cwd=mine, check=True)
    assert (other / TRACE).exists()


def test_the_edited_notebook_is_edited(room: Room) -> None:
    """Is what the metadata lie about really there: no test text, other points, a tag that skips?"""
    (trick,) = [each for each in TRICKS if each.kind == "edits-the-tests"]
    cells = cells_of(attempt(exercise(room), "last", trick, "try"))
    tests = [cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade")]
    assert len(tests) == len(target.POINTS)
    assert all(cell["source"] == ["pass"] for cell in tests)
    assert all(cell["metadata"]["tags"] == ["skip-execution"] for cell in tests)
    assert all(cell["metadata"]["nbgrader"]["points"] == 1000 for cell in tests)
