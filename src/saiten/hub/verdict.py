"""What is kept of a result for lists: points by question, as far as somebody may know them.

In: a `Result`, a bundle's headings, what may be known. Out: a `Verdict`, small, as JSON in the service's table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

from saiten.feedback.marks import CellMark, Marks
from saiten.hub.model import QuestionScore, Shown
from saiten.results import Result, Status


@dataclass(frozen=True, slots=True)
class Verdict:
    """One result, or what a student may know of it."""

    shown: Shown
    """how much of the result this is; `FULL` for staff"""
    score: float | None
    """None while a person has to mark something"""
    max_score: float
    questions: tuple[QuestionScore, ...] = ()
    cells: tuple[tuple[tuple[str, str], ...], ...] = ()
    """for each question the (notebook, grade_id) of its cells with points; only where all is known"""
    notebooks: tuple[str, ...] = ()
    """those that have a page"""

    @property
    def waits(self) -> bool:
        """Whether a person has to mark something."""
        return any(question.score is None for question in self.questions)

    def to_json(self) -> str:
        """One line; `from_json` gives an equal object back."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back."""
        raw = json.loads(text)
        return cls(
            Shown(raw["shown"]),
            raw["score"],
            raw["max_score"],
            tuple(QuestionScore(**each) for each in raw["questions"]),
            tuple(tuple((notebook, cell) for notebook, cell in each) for each in raw["cells"]),
            tuple(raw["notebooks"]),
        )


def with_marks(verdict: Verdict, marks: Mapping[str, Marks]) -> Verdict:
    """The same verdict with what people made of it in formgrader: points by hand, extra credit, lateness.

    Args:
        verdict: all of a result, as staff see it.
        marks: by notebook, from the gradebook; it must hold this hand-in.
    """
    if not marks or not verdict.cells:
        return verdict
    questions = []
    for question, cells in zip(verdict.questions, verdict.cells, strict=True):
        given = [marks[notebook].cells[cell] for notebook, cell in cells if cell in _cells_of(marks, notebook)]
        if len(given) < len(cells):
            return verdict
        points = [mark.auto if mark.manual is None else mark.manual for mark in given]
        waits = any(mark.waits or point is None for mark, point in zip(given, points, strict=True))
        total = sum(point or 0.0 for point in points) + sum(mark.extra for mark in given)
        questions.append(replace(question, score=None if waits else total))
    known = [question.score for question in questions]
    penalty = sum(mark.penalty for mark in marks.values())
    score = None if None in known else max(0.0, sum(each or 0.0 for each in known) - penalty)
    return replace(verdict, questions=tuple(questions), score=score)


def _cells_of(marks: Mapping[str, Marks], notebook: str) -> Mapping[str, CellMark]:
    return marks[notebook].cells if notebook in marks else {}


Titles = Mapping[tuple[str, str], Mapping[str, str]]
"""(notebook, question) to language to heading"""


def verdict_of(result: Result, shown: Shown, titles: Titles, notebooks: tuple[str, ...]) -> Verdict:
    """Keep what a list shows of a result; a result that is to be cut is cut already.

    Args:
        result: with a score, or without: then there is nothing but its maximum.
        shown: how much of the result it is.
        titles: of all questions.
        notebooks: those that have a page.
    """
    if result.status not in (Status.GRADED, Status.NEEDS_MANUAL):
        return Verdict(shown, None, result.max_score, notebooks=notebooks)
    questions, cells = [], []
    for question in result.questions:
        waits = any(cell.score is None for cell in question.cells)
        title = titles.get((question.notebook, question.name), {})
        score = None if waits else question.score
        questions.append(QuestionScore(question.name, dict(title), score, question.max_score, question.message))
        cells.append(tuple((cell.notebook, cell.name) for cell in question.cells))
    total = None if result.status is Status.NEEDS_MANUAL else result.score
    return Verdict(shown, total, result.max_score, tuple(questions), tuple(cells), notebooks)
