"""A class of a real exercise, marked once for all tests that ask something of it.

In: an exercise, an empty folder. Out: the course on disk and every result: of the reference, of odd hand-ins, of one
with mistakes in three questions, of one with eight attacks. Preparing an exercise takes longer than marking a few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from built_exercises import EXERCISES, ROOT, build, saiten
from exercise_attacks import attacks_of

from saiten.answers import Kind, read_answers
from saiten.bundle import Bundle
from saiten.course import ANSWERS_FOLDER, Course
from saiten.feedback.write import verdict_on
from saiten.gradebook import Practice, open_database
from saiten.ledger import Ledger
from saiten.results import Result
from saiten.sample import read_expected
from saiten.sample.damage import odd
from saiten.sample.work import Exercise
from saiten.sample.write import exercise as read_exercise
from saiten.submission import Submission

MISTAKES = 3
EVERY_ODDITY = EXERCISES[1]
"""The lightest exercise: here each oddity is tried, in the others two, which change from one to the next."""
WRONG, ATTACKER = "student-901", "student-666"


@dataclass(frozen=True)
class MarkedClass:
    """What became of the class."""

    course: Course
    """a copy of the course with this exercise only; `submitted/` and `autograded/` are in it"""
    exercise: Exercise
    kinds: Mapping[str, str]
    """student of the sample to what was handed in: "reference", "odd:colab", ..."""
    submissions: Mapping[str, Submission]
    results: Mapping[str, Result]
    spoilt: frozenset[str]
    """questions that WRONG got wrong"""
    attacks: Mapping[str, Mapping[str, str]]
    """question that ATTACKER attacked to the texts of its cells, by key"""


def mark(exercise: str, course: Path, *options: str) -> None:
    """Make a sample class and mark it, with whoever else hands in there; ask that everybody got what was foretold."""
    sample(exercise, course, *options)
    grade(exercise, course)


def sample(exercise: str, course: Path, *options: str) -> None:
    """Make a sample class in a course of its own."""
    build(exercise)
    made = saiten("sample", exercise, "--into", str(course), *options)
    assert made.returncode == 0, made.stderr


def grade(exercise: str, course: Path) -> None:
    """Mark a sample class by one worker, for a second one would prepare the exercise once more; compare."""
    marked = saiten("grade", exercise, "--course", str(course), "--json", "--workers", "1")
    assert marked.returncode in (0, 1), marked.stderr
    results = course / "results.jsonl"
    results.write_text(marked.stdout, encoding="utf-8")
    compared = saiten("sample", exercise, "--course", str(course), "--compare", str(results))
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "got what they have to get" in compared.stdout + compared.stderr


def mark_class(name: str, root: Path) -> MarkedClass:
    """Make the class of an exercise and mark it.

    Args:
        name: of the exercise.
        root: where the course's copy goes.
    """
    build(name)
    exercise = read_exercise(Course.find(ROOT), Course.find(ROOT).assignment(name))
    sample(name, root, *(f"--without={each}" for each in _left_out(name, exercise)))
    course = Course.find(root)
    wrong, spoilt = _mixed(name)
    attacks = attacks_of(exercise, ROOT / "autograder" / name / "bundle.json")
    attacked = {key: text for texts in attacks.values() for key, text in texts.items()}
    for student, cells in ((WRONG, wrong), (ATTACKER, attacked)):
        folder = course.submitted_dir(name, student)
        folder.mkdir(parents=True)
        for path, content in exercise.hand_in({**exercise.answers(), **cells}, student).files().items():
            (folder / path).write_bytes(content)
    grade(name, root)
    submissions = {each.student: each for each in course.submissions(course.assignment(name))}
    kinds = {student: each.kind for student, each in read_expected(course.root, name).items()}
    results = dict(_results(course, name, submissions))
    return MarkedClass(course, exercise, kinds, submissions, results, frozenset(spoilt), attacks)


def _left_out(name: str, exercise: Exercise) -> list[str]:
    """What of a sample class is not tried here: other right ways and mistakes are marked by `saiten check`."""
    oddities = [each.kind for each in odd(exercise, lambda: "1")]
    place = EXERCISES.index(name)
    kept = oddities if name == EVERY_ODDITY else [oddities[(place + step) % len(oddities)] for step in (0, 3)]
    answers = read_answers(ROOT / "source" / name / ANSWERS_FOLDER)
    right = [f"right:{answer.name}" for answer in answers if answer.kind is Kind.RIGHT]
    return [*right, *(each for each in oddities if each not in kept), "mistake", "broken", "hostile", "half-done"]


def _mixed(name: str) -> tuple[dict[str, str], set[str]]:
    """Cells of the first mistakes that stand in different questions, and the questions that lose points."""
    cells: dict[str, str] = {}
    spoilt: list[str] = []
    for answer in read_answers(ROOT / "source" / name / ANSWERS_FOLDER):
        apart = cells.keys().isdisjoint(answer.cells) and not set(spoilt) & answer.scores.keys()
        if answer.kind is Kind.MISTAKE and apart and len(spoilt) < MISTAKES:
            cells |= answer.cells
            spoilt += answer.scores
    return cells, set(spoilt)


def _results(course: Course, name: str, submissions: Mapping[str, Submission]) -> Iterator[tuple[str, Result]]:
    """Every result with its marked notebooks, from the ledger."""
    database = open_database(Practice.of(course).url)
    try:
        ledger, bundle = Ledger(database), Bundle.read(course.autograder_dir(name))
        for student, submission in submissions.items():
            result = verdict_on(ledger, bundle, submission)
            assert result is not None, student
            yield student, result
    finally:
        database.dispose()
