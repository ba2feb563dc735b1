"""A class of 300, every tenth hostile or broken, processes killed while it is marked: does anybody else notice?"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from fuzz.small_course import (
    ASSIGNMENT,
    CELL_SECONDS,
    exercise,
    hand_in,
    make_course,
    mixed_class,
    outcome,
    results,
    start,
)
from fuzz.traces import Watch
from saiten.course import Course
from saiten.sample.hostile import TRACE
from saiten.sample.work import SampleSubmission

NUMBER = 300
EVERY = 10
SEED = 20260402
KILLS = 24
RESULTS_BETWEEN = (1, 8)
"""Results between two kills, at least and at most: what was killed has to be there again, on a slow machine, too."""
BUSY = 10.0
"""Seconds that a busy machine may take on top of what is allowed."""

pytestmark = [pytest.mark.system, pytest.mark.timeout(1500)]


class School:
    """The class, on disk as often as it is needed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._built = make_course(root / "built")
        self.members, self.culprits = mixed_class(self._built, NUMBER, EVERY, SEED)

    def course(self, name: str, members: dict[str, SampleSubmission]) -> Course:
        """A course of its own, with these submissions."""
        shutil.copytree(self._built.root, self.root / name)
        course = Course.find(self.root / name)
        for student, submission in members.items():
            hand_in(course, student, submission.files)
        return course

    def run(self, name: str, members: dict[str, SampleSubmission]) -> tuple[Course, Path, subprocess.Popen[bytes]]:
        """Start marking them."""
        course = self.course(name, members)
        log = self.root / f"{name}.jsonl"
        return course, log, start(course, log, self.root / f"{name}-scratch")

    def others(self, course: Course, log: Path) -> dict[str, Any]:
        """What became of everybody but the culprits."""
        return outcome(course, log, self.culprits)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> School:
    """Three hundred submissions, thirty of them bad."""
    return School(tmp_path_factory.mktemp("school"))


@pytest.fixture(scope="module")
def calm(school: School) -> dict[str, Any]:
    """What the honest ones get where there is nobody else."""
    honest = {student: each for student, each in school.members.items() if student not in school.culprits}
    course, log, process = school.run("calm", honest)
    assert process.wait() == 0, log.with_suffix(".err").read_text()
    found = outcome(course, log)
    assert found["results"].keys() == honest.keys()
    assert len(found["marked"]) == len(honest)
    wrong = [student for student, each in honest.items() if not _as_foretold(each, found["results"][student])]
    assert wrong == []
    return found


def _as_foretold(submission: SampleSubmission, result: dict[str, Any]) -> bool:
    scores = {question["name"]: question["score"] for question in result["questions"]}
    return all(scores[name] == score for name, score in submission.expected.questions.items())


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Where two outcomes are not the same, byte for byte; the first of them."""
    found = []
    for kind in ("results", "marked"):
        for key in sorted(one[kind].keys() | other[kind].keys()):
            if one[kind].get(key) != other[kind].get(key):
                found.append(f"{kind} {key}: {one[kind].get(key)!r} != {other[kind].get(key)!r}"[:2000])
    if one["gradebook"] != other["gradebook"]:
        found.append("gradebook")
    return found[:5]


def test_every_tenth_is_bad_and_nobody_else_notices(school: School, calm: dict[str, Any]) -> None:
    """Are results, gradebook rows and marked notebooks of all others those of a class without them?"""
    with Watch(school.root / "mixed-scratch") as watch:
        course, log, process = school.run("mixed", school.members)
        assert process.wait() in (0, 1), log.with_suffix(".err").read_text()
        left = watch.left()
    found = results(log)
    assert found.keys() == school.members.keys()
    assert {each["status"] for each in found.values()} == {"graded", "needs_manual", "rejected"}
    bad = {student: school.members[student] for student in school.culprits}
    assert len({each.kind for each in bad.values()}) >= 15
    assert [each.kind for student, each in bad.items() if not _bad_as_foretold(each, found[student])] == []
    assert differences(school.others(course, log), calm) == []
    assert left == []
    assert list(school.root.rglob(TRACE)) == []


def _bad_as_foretold(submission: SampleSubmission, result: dict[str, Any]) -> bool:
    if submission.expected.status is not None and submission.expected.status.value != result["status"]:
        return False
    return result["status"] == "rejected" or _as_foretold(submission, result)


# -- killing --------------------------------------------------------------------------------------------------------


def role(process: psutil.Process, coordinator: int, known: Collection[int]) -> str:
    """What a process of a run is: worker, zygote, judge parent, judge, student parent, student; or nothing to kill.

    A student that is killed from outside cannot be told from one that ends itself: that costs its question, as it must.
    On that side only what was there at the last look (`known`) and is not confined is a parent, and no student to be.
    """
    status = Path(f"/proc/{process.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if process.ppid() == coordinator:
        return "worker" if "spawn_main" in " ".join(process.cmdline()) else ""
    parent = psutil.Process(process.ppid())
    if parent.ppid() == coordinator:
        return "zygote"
    if _folder(process).endswith("/judge"):
        return "judge" if _folder(parent).endswith("/judge") else "judge parent"
    if fields["Seccomp"].strip() != "0" or fields["NoNewPrivs"].strip() != "0" or len(fields["NSpid"].split()) > 2:
        return "student"
    return "student parent" if process.pid in known else ""


def _folder(process: psutil.Process) -> str:
    """Where a process works; of a confined one an ordinary user is not told."""
    try:
        return process.cwd()
    except psutil.AccessDenied:
        return ""


def kill_at_random(process: subprocess.Popen[bytes], log: Path, chance: random.Random) -> Iterator[str]:
    """Kill processes of a run, one after the other; yields what each was.

    Ends before the run comes to those that are tried once more, alone: who is unlucky twice is quarantined, by design.
    """
    marked = log.parent / log.stem / "autograded"
    counts: Counter[str] = Counter()
    known: set[int] = set()
    while counts.total() < KILLS:
        there = len(list(marked.glob("*"))) + chance.randint(*RESULTS_BETWEEN)
        while process.poll() is None and len(list(marked.glob("*"))) < there:
            time.sleep(0.05)
        if process.poll() is not None or there > NUMBER * 2 // 3:
            return
        family: dict[str, list[psutil.Process]] = {}
        everybody = psutil.Process(process.pid).children(recursive=True)
        for each in everybody:
            with suppress(psutil.Error, OSError, KeyError):
                family.setdefault(role(each, process.pid, known), []).append(each)
        known = {each.pid for each in everybody}
        targets = sorted(name for name in family if name not in ("", "student"))
        if targets:
            name = min(targets, key=lambda each: (counts[each], chance.random()))
            with suppress(psutil.Error):
                chance.choice(family[name]).kill()
                counts[name] += 1
                yield name


def test_processes_are_killed_and_nobody_notices(school: School, calm: dict[str, Any]) -> None:
    """SIGKILL to workers, zygotes, parents and judges while it runs: is the outcome the same, and nothing left?"""
    with Watch(school.root / "killed-scratch") as watch:
        course, log, process = school.run("killed", school.members)
        killed = list(kill_at_random(process, log, random.Random(SEED)))
        assert process.wait() in (0, 1), log.with_suffix(".err").read_text()
        left = [each for each in watch.left() if not each.startswith("control group")]
    assert len(killed) >= 10
    assert {"worker", "zygote", "judge parent", "student parent"} <= set(killed)
    found = results(log)
    assert found.keys() == school.members.keys()
    assert {student: each["message"] for student, each in found.items() if each["status"] == "infra_error"} == {}
    assert differences(school.others(course, log), calm) == []
    assert left == []  # control groups of an engine that was killed are swept by the next one


# -- what runs full -------------------------------------------------------------------------------------------------

STOPS = {
    "memory balloon": """
kept = []
while True:
    kept.append(bytearray(1 << 24))
""",
    "fork bomb": """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
""",
    "full disk": """
number = 0
while True:
    number += 1
    try:
        open(f"f{number}", "wb").write(bytes(1 << 20))
    except OSError:
        pass
""",
    "endless output": """
while True:
    print("x" * 1000)
""",
    "deaf loop": """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
""",
}


def test_what_runs_full_ends_and_the_next_is_right(school: School) -> None:
    """Is each over within its limit and two seconds, at the cost of its own question; is the next submission right?"""
    made = exercise(school._built)
    members = {}
    for number, (name, code) in enumerate(STOPS.items()):
        cells = made.answers()
        cells["middle"] += code
        members[f"student-{number}1"] = made.hand_in(cells, name).files()
        members[f"student-{number}2"] = made.hand_in(made.answers(), name).files()
    course = school.course("stops", {})
    for student, files in members.items():
        hand_in(course, student, files)
    log = school.root / "stops.jsonl"
    process = start(course, log, school.root / "stops-scratch", "--workers=1")
    assert process.wait() == 0, log.with_suffix(".err").read_text()
    found = results(log)
    assert found.keys() == members.keys()
    for number, name in enumerate(STOPS):
        scores = {each["name"]: each["score"] for each in found[f"student-{number}1"]["questions"]}
        assert (scores["smooth"], scores["count"]) == (2, 2), name
        after = {each["name"]: each["score"] for each in found[f"student-{number}2"]["questions"]}
        assert (after["middle"], after["smooth"], after["count"]) == (2, 2, 2), name
    seconds = {row["student"]: row["seconds"] for row in map(json.loads, log.read_text().splitlines())}
    assert {each: took for each, took in seconds.items() if took > CELL_SECONDS + 2 + BUSY} == {}
    assert len(list((course.root / "autograded").glob(f"*/{ASSIGNMENT}"))) == len(members)
