"""From a result and the gradebook to what a page of feedback says.

In: bundle, result, marks by hand, hints. Out: one `Page` for each notebook. Nothing of a test's source is read here: a
student sees messages, the own cells, and what those showed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role, questions
from saiten.feedback.headings import headings
from saiten.feedback.marks import CellMark, Marks
from saiten.feedback.model import Check, Code, Figure, Page, QuestionPage, Shown
from saiten.results import CellResult, CellStatus, NotebookResult, Picture, Result, Status
from saiten.sanitise import Budget, clean_attachments, with_references

Hints = Mapping[str, Mapping[str, str]]
"""question name to language code to text"""

Pasted = Mapping[str, Any]
"""id of a cell to its attachments, as handed in"""

MOST_FIGURES = 12
"""of one question"""
LONGEST_TEXT = 4_000
"""characters of printed output of one question, and of each error"""
_LARGEST_FIGURE = 3 << 20
"""bytes, decoded"""
_MOST_PASTED = 12 << 20
"""bytes of all pictures that were pasted into the answers of a page"""
_MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff"}
_PLACE = re.compile(r"\(in your code: cell (?P<cell>.+?), line (?P<line>\d+)\)")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Gatherer:
    """Makes pages of one assignment; what they share is read once.

    Args:
        bundle: what the results were marked with.
        languages: codes of the course's languages, the first in front.
        hints: what the author would try next, by question.
    """

    def __init__(self, bundle: Bundle, languages: Sequence[str], hints: Hints) -> None:
        self._bundle = bundle
        self._languages = tuple(languages)
        self._notebooks = {notebook.name: _Layout.of(notebook, languages) for notebook in bundle.notebooks}
        self._hints = hints

    def pages(
        self, result: Result, marks: Mapping[str, Marks], pasted: Mapping[str, Pasted] | None = None
    ) -> Iterator[Page]:
        """Yield the page of each notebook.

        Args:
            result: of one submission, the marked notebooks' text included.
            marks: by notebook name, from the gradebook.
            pasted: by notebook name, what was pasted into prose; nothing of it has been looked at.
        """
        parts = {part.name: part for part in result.notebooks}
        for name in self._notebooks:
            titles = {code: self._bundle.title.get(code, result.assignment) for code in self._languages}
            if result.status in (Status.REJECTED, Status.INFRA_ERROR):
                yield Page(result.student, result.assignment, name, titles, self._languages, problem=result.message)
                continue
            part = parts.get(name, NotebookResult(name, "", missing=True))
            attached = (pasted or {}).get(name, {})
            yield self._page(result, part, marks.get(name, Marks()), titles, attached)

    def _page(
        self, result: Result, part: NotebookResult, marks: Marks, titles: Mapping[str, str], pasted: Pasted
    ) -> Page:
        layout = self._notebooks[part.name]
        document = json.loads(part.document)["cells"] if part.document else []
        regions = layout.regions(document, pasted)
        found = []
        for question in result.questions:
            if question.notebook == part.name:
                cells = regions.get(question.name, _Region())
                found.append(self._question(question.name, question.cells, layout, cells, marks))
        return Page(
            student=result.student,
            assignment=result.assignment,
            notebook=part.name,
            titles=titles,
            languages=self._languages,
            questions=tuple(found),
            penalty=marks.penalty,
            seconds_late=marks.seconds_late,
            missing=part.missing,
            own=_shown(regions.get("", _Region()).outputs),
        )

    def _question(
        self, name: str, cells: tuple[CellResult, ...], layout: _Layout, region: _Region, marks: Marks
    ) -> QuestionPage:
        given = {cell.name: marks.cells.get(cell.name, CellMark()) for cell in cells}
        scores = [_points(cell, given[cell.name]) for cell in cells]
        extra = sum(mark.extra for mark in given.values())
        known = [score for score in scores if score is not None]
        score = None if len(known) < len(scores) else sum(known) + extra
        max_score = sum(cell.max_score for cell in cells)
        by_hand = any(mark.manual is not None for mark in given.values())
        own = layout.solutions.get(name, ())
        comments = [marks.cells.get(each, CellMark()).comment for each in dict.fromkeys((*own, *given))]
        places = [_place(cell.message, name) for cell in cells]
        return QuestionPage(
            name=name,
            titles=layout.titles.get(name, dict.fromkeys(self._languages, name)),
            state=_state([cell.status for cell in cells], score, max_score, by_hand=by_hand),
            score=score,
            max_score=max_score,
            checks=tuple(
                Check(
                    str(cell.status),
                    cell.score or 0.0,
                    cell.max_score,
                    readable(cell.message),
                    tuple(map(_attached, cell.pictures)),
                )
                for cell in cells
                if cell.name in layout.tests
            ),
            codes=tuple(
                Code(source, next((line for where, line in places if line and where == grade_id), 0))
                for grade_id, source in region.codes
            ),
            answers=tuple(region.answers),
            pasted=region.pasted,
            comments=tuple(each for each in comments if each),
            extra=extra,
            hints=self._hints.get(name, {}) if score is not None and score < max_score else {},
            shown=_shown(region.outputs),
        )


@dataclass(frozen=True, slots=True)
class _Layout:
    """What is known of a notebook before any submission is seen."""

    titles: Mapping[str, Mapping[str, str]]
    owner: Mapping[str, str]
    """cell id to the question it begins or belongs to"""
    roles: Mapping[str, BundleCell]
    """cell id to the instructor's cell"""
    tests: frozenset[str]
    solutions: Mapping[str, tuple[str, ...]]
    """question to the grade_ids of its solution cells"""

    @classmethod
    def of(cls, notebook: BundleNotebook, languages: Sequence[str]) -> _Layout:
        grouped = dict(questions(notebook))
        owner = {cell.id: name for name, cells in grouped.items() for cell in cells}
        solutions: dict[str, tuple[str, ...]] = {}
        current = ""
        for cell in notebook.cells:
            if cell.role is Role.SOLUTION:
                if (cell.grade_id or cell.id) in grouped:
                    current = cell.grade_id or cell.id
                owner[cell.id] = current
                solutions[current] = (*solutions.get(current, ()), cell.grade_id or cell.id)
        tests = frozenset(cell.grade_id or cell.id for cell in notebook.cells if cell.role is Role.TEST)
        return cls(headings(notebook, languages), owner, {cell.id: cell for cell in notebook.cells}, tests, solutions)

    def regions(self, document: Iterable[Mapping[str, Any]], pasted: Pasted) -> dict[str, _Region]:
        """Divide a marked notebook: a question reaches from its first cell to the next question's prose."""
        regions: dict[str, _Region] = {}
        current, budget = "", Budget(attached=_MOST_PASTED)
        for cell in document:
            known = self.roles.get(cell["id"])
            current = self.owner.get(cell["id"], current)
            if known is not None and known.role is Role.TEXT and "\n#" in f"\n{known.release_source}":
                current = ""  # a heading: what follows belongs to the next question, whichever that is
            region = regions.setdefault(current, _Region())
            source = "".join(cell["source"])
            if known is not None and known.role in (Role.SOLUTION, Role.MANUAL, Role.TASK):
                if cell["cell_type"] == "code":
                    region.codes.append((known.grade_id or known.id, source))
                elif known.role is Role.MANUAL:
                    pictures = clean_attachments(pasted.get(cell["id"]), budget, [])
                    region.answers.append(with_references(source, pictures))
                    region.pasted.update(pictures)
            if known is None or known.role is not Role.TEST:  # what a test shows may be hidden
                region.outputs += cell.get("outputs", [])
        return regions


@dataclass(slots=True)
class _Region:
    codes: list[tuple[str, str]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    pasted: dict[str, Mapping[str, str]] = field(default_factory=dict)
    outputs: list[Mapping[str, Any]] = field(default_factory=list)


def readable(text: str) -> str:
    """Text without terminal escapes, control characters and marks that turn the direction of writing."""
    return _CONTROL.sub("", _ANSI.sub("", text))


def _points(cell: CellResult, mark: CellMark) -> float | None:
    """Points of one cell: a person's, else the test's; None while it waits for a person (to look again)."""
    if mark.waits:
        return None
    return cell.score if mark.manual is None else mark.manual


def _state(states: Sequence[CellStatus], score: float | None, max_score: float, *, by_hand: bool) -> str:
    if score is None:
        return "needs_manual"
    if by_hand:
        return "marked"
    if all(state is CellStatus.UNANSWERED for state in states):
        return "unanswered"
    return "passed" if score >= max_score else "partial" if score > 0 else "failed"


def _place(message: str, question: str) -> tuple[str, int]:
    """Cell and line that the judge named in its message."""
    match = _PLACE.search(message)
    return (match["cell"], int(match["line"])) if match else (question, 0)


def _shown(outputs: Iterable[Mapping[str, Any]]) -> Shown:
    figures: list[Figure] = []
    texts: list[str] = []
    errors: list[str] = []
    for output in outputs:
        if output.get("output_type") == "stream":
            texts.append(_text(output.get("text", "")))
        elif output.get("output_type") == "error":
            errors.append(readable(f"{output.get('ename', '')}: {output.get('evalue', '')}")[:LONGEST_TEXT])
        else:
            data = output.get("data", {})
            figure = next((each for kind in _MAGIC if (each := _figure(kind, data)) is not None), None)
            if figure is not None:
                figures.append(figure)
            elif "text/plain" in data:
                texts.append(_text(data["text/plain"]) + "\n")
    return Shown(tuple(figures[:MOST_FIGURES]), tuple(texts), tuple(errors))


def _figure(kind: str, data: Mapping[str, Any]) -> Figure | None:
    """A picture that is what it says it is, encoded anew; None for anything else."""
    raw = data.get(f"image/{kind}")
    if not isinstance(raw, str) or len(raw) > 2 * _LARGEST_FIGURE:
        return None
    try:
        content = base64.b64decode(raw, validate=False)
    except (binascii.Error, ValueError):
        return None
    if not content.startswith(_MAGIC[kind]) or len(content) > _LARGEST_FIGURE:
        return None
    return Figure(kind, base64.b64encode(content).decode("ascii"), _text(data.get("text/plain", ""))[:200])


def _attached(picture: Picture) -> Picture:
    """A test's picture, its PNG looked at like any other."""
    figure = _figure("png", {"image/png": picture.png})
    return replace(picture, png=figure.data if figure is not None else "")


def _text(value: object) -> str:
    text = "".join(map(str, value)) if isinstance(value, list) else str(value)
    return readable(text)
