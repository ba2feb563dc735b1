"""Whether an attack succeeded: what a grader made of a submission, and what of the world it touched, in words.

In: a `Case` and what was `Seen`. Out: the successes, as phrases; none if it got what an honest wrong answer gets.
*Success* is points for a wrong answer, or reading, changing or delaying what is not the student's.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import attack_target as target
from attack_catalogue import LESSONS, Case, honest
from attack_world import World
from hostile_shows import live_markup

from saiten.bundle import Bundle
from saiten.gradebook.autograded import marked_folder
from saiten.gradebook.practice import Practice
from saiten.grading import Engine
from saiten.intake import FolderLimits, read_submission
from saiten.results import Result, Status
from saiten.submission import Submission

ATTACKER, ACCOMPLICE, HONEST = "student-666", "student-667", "student-007"
SPARE_SECONDS = 2.0
"""What a submission may take beyond its own limit."""
FOLDER = FolderLimits(file_bytes=64 << 20, total_bytes=256 << 20, files=2000)


TOO_DANGEROUS: dict[tuple[str, str], str] = {}
"""Attacks, by floor, that are known to succeed there and to harm the machine: counted as successes, not run again."""


@dataclass(frozen=True)
class Seen:
    """What a grader made of one submission."""

    scores: Mapping[str, float] | None
    """question to points; None: no verdict was reached"""
    verdict: str
    """in a few words"""
    shown: str = ""
    """what the student can read: outputs of cells without points, messages, notes"""
    page: bytes = b""
    """the marked notebook, as a browser of the staff's is given it"""
    late: str = ""
    """in words, if it took longer than it may"""


@dataclass(frozen=True)
class Outcome:
    """What an attack got."""

    verdict: str
    successes: tuple[str, ...] = ()


def successes(case: Case, seen: Seen) -> list[str]:
    """What one submission got that it must not get."""
    got = []
    earned = sum((seen.scores or {}).get(name, 0.0) for name in case.lost)
    if earned > 0:
        got.append(f"{earned:g} points for wrong answers")
    if case.refused and seen.scores is not None and sum(seen.scores.values()) > 0:
        got.append("points for what is no notebook")
    if leaks := target.leaked(seen.shown):
        got.append("read: " + ", ".join(leak.removeprefix("kappa-marker-of-") for leak in leaks))
    if target.GOT_THROUGH in seen.shown:
        got.append("got through")
    if seen.page and (live := live_markup(seen.page)):
        got.append(f"runs in the staff's browser: {live[0]}")
    if seen.late:
        got.append(seen.late)
    return got


class Floor:
    """Saiten with one of its sandboxes: an engine for each assignment, started when it is first needed."""

    def __init__(self, sandbox: str, world: World) -> None:
        self._sandbox = sandbox
        self._world = world
        self._open: dict[str, tuple[Engine, Bundle]] = {}

    def close(self) -> None:
        """End all engines."""
        for engine, _ in self._open.values():
            engine.__exit__(None, None, None)

    def try_out(self, case: Case) -> Outcome:
        """Hand in an attack, its accomplice, and an honest submission; say what they got."""
        if (self._sandbox, case.name) in TOO_DANGEROUS:
            return Outcome("not run again", (TOO_DANGEROUS[self._sandbox, case.name],))
        engine, bundle = self._engine(case.lesson)
        before = self._world.fingerprint()
        got: list[str] = []
        verdict = ""
        for each, student in ((case, ATTACKER), *([(case.then, ACCOMPLICE)] if case.then else [])):
            seen = self._mark(engine, bundle, each, student)
            verdict = f"{verdict}; then {seen.verdict}" if verdict else seen.verdict
            got += successes(each, seen)
            got += ["no verdict"] if seen.scores is None and not each.refused else []
        got += [f"reached a socket: {name}" for name in self._world.listeners.heard()]
        if self._world.fingerprint() != before:
            got.append("changed the course")
        content = honest(bundle, LESSONS[case.lesson].right)
        after = engine.mark(Submission(HONEST, "lesson", {"lesson": content}))
        if after.score != bundle.max_score:
            got.append("the next student lost points")
        return Outcome(verdict, tuple(got))

    def _mark(self, engine: Engine, bundle: Bundle, case: Case, student: str) -> Seen:
        folder = self._world.course / "submitted" / ATTACKER / "lesson"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            (folder / "lesson.ipynb").write_bytes(case.notebook(bundle, self._world))
            if case.fill is not None:
                case.fill(folder, self._world.course)
            started = time.perf_counter()
            submission = read_submission(folder, student, "lesson", ("lesson",), FOLDER)
            result = engine.mark(submission)
            seconds = time.perf_counter() - started
            return seen_by_saiten(case, bundle, submission, result, seconds)
        finally:
            _remove(folder)

    def _engine(self, lesson: str) -> tuple[Engine, Bundle]:
        if lesson not in self._open:
            bundle = LESSONS[lesson].bundle()
            self._open[lesson] = (Engine(bundle, sandbox=self._sandbox).__enter__(), bundle)
        return self._open[lesson]


def seen_by_saiten(case: Case, bundle: Bundle, submission: Submission, result: Result, seconds: float) -> Seen:
    """What `saiten grade` would store and show of a result."""
    verdict = _verdict(case, result)
    limit = bundle.limits.total_seconds + SPARE_SECONDS
    late = f"took {seconds:.0f} s" if seconds > limit else ""
    if result.status is Status.REJECTED:
        return Seen(None, verdict, f"{result.message} {result.notes}", late=late)
    if not target.is_graded(result):
        return Seen(None, verdict, result.message, late=late)
    pages = marked_folder(bundle, submission, result, Practice("sqlite://")).files
    scores = {question.name: question.score or 0.0 for question in result.questions}
    return Seen(scores, verdict, target.outputs(result), pages["lesson.ipynb"], late)


def _verdict(case: Case, result: Result) -> str:
    if result.status is Status.REJECTED:
        return "rejected"
    if not target.is_graded(result):
        return f"{result.status.value}: {result.message[:60]}"
    return points(case, {question.name: question.score or 0.0 for question in result.questions}, result.max_score)


def points(case: Case, scores: Mapping[str, float], most: float) -> str:
    """Scores in a few words: what the attacked questions got, and the whole."""
    whole = f"{sum(scores.values()):g} of {most:g}"
    attacked = sum(scores.get(name, 0.0) for name in case.lost)
    return f"{attacked:g} for {'it' if len(case.lost) == 1 else 'them'}, {whole} in all" if case.lost else f"{whole}"


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
