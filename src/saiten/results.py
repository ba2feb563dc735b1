"""What marking one submission yields: frozen dataclasses, strict JSON in and out.

In: what the judge saw. Out: one `Result` per submission, always, in one of four states.
A result is plain data: the ledger stores it, the gradebook and `autograded/` are written from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

ENGINE_VERSION = "4"
"""Part of every result's key in the ledger; raised whenever the same submission could get another verdict."""


class Status(StrEnum):
    """State of a whole submission. Only the first two carry a score."""

    GRADED = "graded"
    NEEDS_MANUAL = "needs_manual"
    REJECTED = "rejected"
    """The submission cannot be read; the message says why. No score."""
    INFRA_ERROR = "infra_error"
    """A fault of ours; shown, tried again, never a zero."""


class CellStatus(StrEnum):
    """State of one cell that has points."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    """The judge ran the test and it did not hold (or the student's process gave no answer); the message says why."""
    UNANSWERED = "unanswered"
    """A manually marked cell that still holds the released text: 0, as in nbgrader."""
    NEEDS_MANUAL = "needs_manual"
    """A person has to mark it; the automatic score is None."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a public test attached to its failure; or, without a PNG, a sentence why there is none."""

    part: str
    """what it shows: "result" (of the student's function), "expected" or "difference\""""
    name: str
    """what the test's author calls it"""
    png: str
    """Base64; empty if it could not be drawn"""
    title: Mapping[str, str]
    """language code to what the part is called"""
    said: Mapping[str, str]
    """language code to the picture in words (shape, kind and range of the numbers), or why there is none"""


@dataclass(frozen=True, slots=True)
class CellResult:
    """Verdict on one cell that has points (nbgrader's grade cell or task cell)."""

    name: str
    """grade_id of the cell"""
    notebook: str
    """name of the notebook, without `.ipynb`"""
    score: float | None
    """points earned, 0 to max_score; None where a person has to mark"""
    max_score: float
    status: CellStatus
    message: str = ""
    """why points were lost, in the test's own words; for staff and students, never hidden values of ours"""
    seconds: float | None = field(default=None, compare=False)
    """wall time of the test; None where nothing ran, or for results kept from before times were noted"""
    pictures: tuple[Picture, ...] = ()
    """what its public part attached, in order"""


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """A question: one or several solution cells and the test cells behind them, summed."""

    name: str
    """grade_id of the question's first solution cell (or of the cell itself, where it stands alone)"""
    notebook: str
    score: float | None
    """sum of the automatic scores so far; None if no cell of it has one"""
    max_score: float
    status: CellStatus
    message: str = ""
    """the first message of its cells that is not empty"""
    cells: tuple[CellResult, ...] = ()
    seconds: float | None = field(default=None, compare=False)
    """wall time of its solution cells and tests; None where nothing ran, or it was not noted"""


@dataclass(frozen=True, slots=True)
class NotebookResult:
    """One marked notebook, as `autograded/` will show it."""

    name: str
    document: str
    """the marked notebook as nbformat 4 JSON: the instructor's cells in order, the student's text in the solution
    cells, the student's own cells where they stood, outputs as captured; empty if it was not handed in"""
    unchanged: tuple[str, ...] = ()
    """grade_ids of solution, manual cells that still hold the released text ("No response." in the gradebook)"""
    missing: bool = False
    """the submission did not hold this notebook: its cells get 0 and need no manual mark (as nbgrader documents)"""


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that marking one submission produced. Exactly one per submission."""

    student: str
    assignment: str
    status: Status
    score: float | None
    """sum of automatic scores; None for `rejected` and `infra_error`"""
    max_score: float
    questions: tuple[QuestionResult, ...] = ()
    seconds: float = 0.0
    """wall time of marking, in seconds"""
    message: str = ""
    """for `rejected` and `infra_error`: why; else empty"""
    notes: tuple[str, ...] = ()
    """things staff should know that cost no points: duplicates, ignored cells, restarts of the student's process"""
    notebooks: tuple[NotebookResult, ...] = ()
    bundle_hash: str = ""
    submission_hash: str = ""
    engine: str = field(default=ENGINE_VERSION)
    lost: int = 0
    """student processes that were lost while it was marked"""
    anew: tuple[str, ...] = ()
    """questions that were marked, where the others' verdicts are those of an earlier run of the same cells; empty: all
    were"""
    whole_because: str = ""
    """why all were marked, though only tests had changed since an earlier run"""

    @property
    def cells(self) -> tuple[CellResult, ...]:
        """All cells with points, in the order of the notebooks."""
        return tuple(cell for question in self.questions for cell in question.cells)

    def brief(self) -> Self:
        """The same without what only a page of this one submission shows: outputs of cells, pictures of tests."""
        questions = tuple(
            replace(question, cells=tuple(replace(cell, pictures=()) for cell in question.cells))
            for question in self.questions
        )
        notebooks = tuple(replace(part, document=_without_outputs(part.document)) for part in self.notebooks)
        return replace(self, questions=questions, notebooks=notebooks)

    def to_json(self) -> str:
        """Everything, as one line of JSON with sorted keys; `from_json` gives an equal object back."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Rebuild a result; raises `ValueError`, `KeyError` or `TypeError` if the text is not one."""
        raw: dict[str, Any] = json.loads(text)
        questions = tuple(_question(item) for item in raw.pop("questions"))
        notebooks = tuple(
            NotebookResult(**{**item, "unchanged": tuple(item["unchanged"])}) for item in raw.pop("notebooks")
        )
        status, notes = Status(raw.pop("status")), tuple(raw.pop("notes"))
        anew = tuple(raw.pop("anew", ()))  # older results have none
        return cls(**raw, status=status, notes=notes, anew=anew, questions=questions, notebooks=notebooks)

    def public(self) -> dict[str, Any]:
        """What `saiten grade --json` prints for this submission."""
        return {
            "student": self.student,
            "assignment": self.assignment,
            "status": str(self.status),
            "score": self.score,
            "max_score": self.max_score,
            "questions": [
                {
                    "name": question.name,
                    "notebook": question.notebook,
                    "score": question.score,
                    "max_score": question.max_score,
                    "status": str(question.status),
                    "message": question.message,
                    "seconds": _rounded(question.seconds),
                    "cells": [
                        {**asdict(replace(cell, pictures=())), "status": str(cell.status)}
                        | {"seconds": _rounded(cell.seconds), "pictures": len(cell.pictures)}
                        for cell in question.cells
                    ],
                }
                for question in self.questions
            ],
            "seconds": _rounded(self.seconds),
            "message": self.message,
            "notes": list(self.notes),
            "anew": list(self.anew),
            "whole_because": self.whole_because,
        }


def _without_outputs(document: str) -> str:
    """A marked notebook's cells with ids, metadata and source; text that is empty stays so."""
    if not document:
        return ""
    kept = ("cell_type", "id", "metadata", "source")
    cells = [{name: cell[name] for name in kept if name in cell} for cell in json.loads(document)["cells"]]
    return json.dumps({"cells": cells}, ensure_ascii=False, sort_keys=True)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)


def _cell(raw: dict[str, Any]) -> CellResult:
    pictures = tuple(Picture(**each) for each in raw.get("pictures", ()))  # older results have none
    return CellResult(**{**raw, "status": CellStatus(raw["status"]), "pictures": pictures})


def _question(raw: dict[str, Any]) -> QuestionResult:
    cells = tuple(_cell(cell) for cell in raw["cells"])
    return QuestionResult(**{**raw, "cells": cells, "status": CellStatus(raw["status"])})


def summarise_question(
    name: str, notebook: str, cells: tuple[CellResult, ...], spent: float | None = None
) -> QuestionResult:
    """Sum the cells of one question; the weakest cell gives the status, the first message stands for all.

    Args:
        name: of the question.
        notebook: its notebook's name.
        cells: those with points.
        spent: wall time of its solution cells, in seconds; None if none ran.
    """
    scores = [cell.score for cell in cells if cell.score is not None]
    score = sum(scores) if scores else None
    max_score = sum(cell.max_score for cell in cells)
    states = {cell.status for cell in cells}
    if CellStatus.NEEDS_MANUAL in states:
        status = CellStatus.NEEDS_MANUAL
    elif len(states) == 1:
        status = next(iter(states))
    else:
        status = CellStatus.PARTIAL if score else CellStatus.FAILED
    message = next((cell.message for cell in cells if cell.message), "")
    seconds = [each for each in (spent, *(cell.seconds for cell in cells)) if each is not None]
    return QuestionResult(name, notebook, score, max_score, status, message, cells, sum(seconds) if seconds else None)
