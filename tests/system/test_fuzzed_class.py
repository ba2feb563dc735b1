"""Hundreds of damaged notebooks in one batch: is there a result with a reason for each, and nothing else left?"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fuzz.broken_notebooks import BYTES, STRUCTURE, damaged
from fuzz.small_course import ASSIGNMENT, WORKERS, bad_ones, hand_in, honest_class, make_course, results, start
from fuzz.traces import Watch
from saiten.course import Course

NUMBER = 400
SEED = 20260401

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]


def write_class(course: Course) -> dict[str, str]:
    """Hand in a damaged notebook for each student; returns what was done to it."""
    good = [each.files for each in honest_class(course, 40, SEED)]
    bad = bad_ones(course)
    hostile = [each.files for each in (next(bad) for _ in range(20)) if each.kind.startswith("hostile")]
    origins = [files[f"{ASSIGNMENT}.ipynb"] for files in (*good, *hostile) if f"{ASSIGNMENT}.ipynb" in files]
    assert len(origins) > 40
    done = {}
    for index in range(NUMBER):
        student = f"student-{index:04d}"
        content, done[student] = damaged(origins[index % len(origins)], SEED + index)
        hand_in(course, student, {f"{ASSIGNMENT}.ipynb": content})
    return done


def reasons_missing(result: dict[str, Any]) -> list[str]:
    """What of a result is worse than full marks and says nothing of why."""
    if result["status"] == "rejected":
        return [] if result["message"] else ["rejected"]
    lost = [each for each in result["questions"] if each["score"] is not None and each["score"] < each["max_score"]]
    return [each["name"] for each in lost if not each["message"] and not result["notes"]]


def test_hundreds_of_damaged_notebooks(tmp_path: Path) -> None:
    """Is every one marked or rejected with a reason, by the workers that began, with nothing left behind?"""
    course = make_course(tmp_path / "course")
    done = write_class(course)
    kinds = Counter(kind for each in done.values() for kind in each.split("+"))
    assert set(kinds) == {change.__name__.strip("_") for change in (*BYTES, *STRUCTURE)}
    log, scratch = tmp_path / "results.jsonl", tmp_path / "scratch"
    with Watch(scratch) as watch:
        code = start(course, log, scratch).wait()
        left = watch.left()
    said = log.with_suffix(".err").read_text(encoding="utf-8")
    assert code in (0, 1), said
    found = results(log)
    assert sorted(found) == sorted(done)
    ended = Counter(result["status"] for result in found.values())
    assert set(ended) <= {"graded", "needs_manual", "rejected"}, _first(found, "infra_error")
    assert ended["rejected"] > NUMBER // 10
    assert ended["graded"] + ended["needs_manual"] > NUMBER // 3
    assert {student: missing for student, each in found.items() if (missing := reasons_missing(each))} == {}
    assert len(watch.workers) == WORKERS
    assert len(watch.processes) > WORKERS
    assert left == []
    outside = {path.name for path in course.root.iterdir()} - {"gradebook.db", "autograded", "submitted"}
    assert outside == {"source", "release", "autograder", "solution", "nbgrader_config.py"}
    json.dumps(found)


def _first(found: dict[str, dict[str, Any]], status: str) -> str:
    return next((f"{student}: {each['message']}" for student, each in found.items() if each["status"] == status), "")
