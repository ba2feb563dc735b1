"""What a student may know, cut out of results before anything is written: public tests, questions, one number, all.

In: results, the bundle, how much may be shown. Out: a `Verdict` for lists, one HTML page for each notebook. A page
is made of the cut result alone: what a student may not see is not hidden in it, it is not there.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from saiten.bundle import Bundle, BundleCell, Role
from saiten.feedback import Gatherer, Hints, Page, render
from saiten.feedback.headings import headings
from saiten.feedback.model import QuestionPage
from saiten.grading.rebuild import pasted
from saiten.hub.model import Shown
from saiten.hub.verdict import Titles, Verdict, verdict_of
from saiten.results import CellResult, CellStatus, NotebookResult, QuestionResult, Result, Status, summarise_question
from saiten.submission import Submission

_SCORED = (Status.GRADED, Status.NEEDS_MANUAL)


def public_bundle(bundle: Bundle) -> Bundle | None:
    """The same assignment with the tests that students have, and without hidden data; it has a hash of its own.

    Returns:
        None where nothing is hidden: the bundle itself is that already.
    """
    if not bundle.hidden_files and not any(_hides(cell) for cell in _cells(bundle)):
        return None
    notebooks = tuple(
        replace(
            notebook,
            cells=tuple(replace(cell, source=cell.release_source) if _hides(cell) else cell for cell in notebook.cells),
        )
        for notebook in bundle.notebooks
    )
    return replace(bundle, notebooks=notebooks, hidden_files={})


@dataclass(frozen=True)
class Answers:
    """Makes what students and staff read about results of one bundle.

    Args:
        bundle: what the results were marked with.
        languages: codes of the course's languages, the first in front.
        hints: the author's, by question.
    """

    bundle: Bundle
    languages: tuple[str, ...]
    hints: Hints

    @cached_property
    def public(self) -> Bundle | None:
        """See `public_bundle`."""
        return public_bundle(self.bundle)

    @cached_property
    def titles(self) -> Titles:
        """Headings of all questions."""
        return {
            (notebook.name, name): heading
            for notebook in self.bundle.notebooks
            for name, heading in headings(notebook, self.languages).items()
        }

    def verdict(self, result: Result) -> Verdict:
        """Everything, for staff."""
        notebooks = tuple(notebook.name for notebook in self.bundle.notebooks)
        return verdict_of(result, Shown.FULL, self.titles, notebooks)

    def pages(self, result: Result, submission: Submission) -> dict[str, bytes]:
        """Everything, for staff: a page for each notebook."""
        return self._render(result, submission)

    def for_student(
        self, shown: Shown, result: Result, public: Result | None, submission: Submission
    ) -> tuple[Verdict, dict[str, bytes]]:
        """What the policy allows, once the student may see it.

        Args:
            shown: how much.
            result: the verdict that counts.
            public: the verdict of the public tests alone; None where nothing is hidden, or it could not be had.
            submission: what was handed in.
        """
        if result.status not in _SCORED:
            return verdict_of(result, shown, {}, ()), {}
        match shown:
            case Shown.FULL:
                cut = result
            case Shown.QUESTIONS:
                cut = self._without_hidden_words(result)
            case Shown.PUBLIC if public is not None or self.public is None:
                cut = self._public_alone(result if public is None else public)
            case Shown.TOTAL:
                return self._total(result)
            case _:
                return Verdict(Shown.NOTHING, None, result.max_score), {}
        pages = self._render(cut, submission, "" if shown is Shown.FULL else shown.value)
        return verdict_of(cut, shown, self.titles, tuple(pages)), pages

    # -- cutting ----------------------------------------------------------------------------------------------------

    @cached_property
    def _hidden(self) -> frozenset[tuple[str, str]]:
        """Test cells of which students do not know all; with hidden data, that is every one."""
        return frozenset(
            (notebook.name, cell.grade_id or cell.id)
            for notebook in self.bundle.notebooks
            for cell in notebook.cells
            if cell.role is Role.TEST and (self.bundle.hidden_files or _hides(cell))
        )

    @cached_property
    def _silent(self) -> frozenset[tuple[str, str]]:
        """Test cells of which students have nothing at all: in the public bundle everybody passes them."""
        return frozenset(
            (notebook.name, cell.grade_id or cell.id)
            for notebook in self.bundle.notebooks
            for cell in notebook.cells
            if _hides(cell) and _is_empty(cell.release_source)
        )

    def _public_alone(self, result: Result) -> Result:
        kept = [
            replace(question, cells=tuple(cell for cell in question.cells if _key(cell) not in self._silent))
            for question in result.questions
        ]
        return _summed(replace(result, notes=()), [question for question in kept if question.cells])

    def _without_hidden_words(self, result: Result) -> Result:
        def cut(cell: CellResult) -> CellResult:
            return replace(cell, message="", pictures=()) if _key(cell) in self._hidden else cell

        kept = [replace(question, cells=tuple(map(cut, question.cells))) for question in result.questions]
        # what cells put out while hidden tests ran beside them stays away, too
        documents = tuple(replace(part, document=_without_outputs(part)) for part in result.notebooks)
        return _summed(replace(result, notes=(), notebooks=documents), kept)

    def _total(self, result: Result) -> tuple[Verdict, dict[str, bytes]]:
        waits = result.status is Status.NEEDS_MANUAL
        score = result.score or 0.0
        state = "needs_manual" if waits else "passed" if score >= result.max_score else "partial" if score else "failed"
        titles = {code: self.bundle.title.get(code, result.assignment) for code in self.languages}
        one = QuestionPage(result.assignment, titles, state, score, result.max_score)
        pages = {
            notebook.name: _bytes(
                Page(result.student, result.assignment, notebook.name, titles, self.languages, (one,), part="total")
            )
            for notebook in self.bundle.notebooks
        }
        return Verdict(Shown.TOTAL, None if waits else score, result.max_score, notebooks=tuple(pages)), pages

    # -- pages ------------------------------------------------------------------------------------------------------

    def _render(self, result: Result, submission: Submission, part: str = "") -> dict[str, bytes]:
        attached = {
            notebook.name: pasted(notebook, submission.notebooks.get(notebook.name, b""))
            for notebook in self.bundle.notebooks
        }
        gatherer = Gatherer(self.bundle, self.languages, self.hints)
        found = {}
        for page in gatherer.pages(result, {}, attached):
            if part == Shown.QUESTIONS.value:
                page = self._without_hidden_checks(page, result)
            found[page.notebook] = _bytes(replace(page, part=part))
        return found

    def _without_hidden_checks(self, page: Page, result: Result) -> Page:
        """Points by question: whether one hidden test holds is not said by itself."""
        tests = {(name.name, cell.grade_id or cell.id) for name in self.bundle.notebooks for cell in name.cells
                 if cell.role is Role.TEST}  # fmt: skip
        cells = {question.name: question.cells for question in result.questions if question.notebook == page.notebook}
        kept = []
        for question in page.questions:
            tested = [cell for cell in cells[question.name] if _key(cell) in tests]
            checks = zip(tested, question.checks, strict=True)
            open_ones = tuple(check for cell, check in checks if _key(cell) not in self._hidden)
            kept.append(replace(question, checks=open_ones))
        return replace(page, questions=tuple(kept))


def _summed(result: Result, questions: Sequence[QuestionResult]) -> Result:
    """The same result with other questions, added up anew."""
    summed = tuple(
        summarise_question(question.name, question.notebook, question.cells, question.seconds) for question in questions
    )
    waits = any(cell.status is CellStatus.NEEDS_MANUAL for question in summed for cell in question.cells)
    return replace(
        result,
        questions=summed,
        score=sum(question.score or 0.0 for question in summed),
        max_score=sum(question.max_score for question in summed),
        status=Status.NEEDS_MANUAL if waits else Status.GRADED,
    )


def _without_outputs(part: NotebookResult) -> str:
    if not part.document:
        return ""
    document = json.loads(part.document)
    for cell in document["cells"]:
        if "outputs" in cell:
            cell["outputs"] = []
    return json.dumps(document, ensure_ascii=False)


def _hides(cell: BundleCell) -> bool:
    return cell.role is Role.TEST and cell.source != cell.release_source


def _is_empty(source: str) -> bool:
    """Whether a cell holds nothing but comments."""
    try:
        return not ast.parse(source).body
    except (SyntaxError, ValueError):  # magics: something
        return False


def _cells(bundle: Bundle) -> list[BundleCell]:
    return [cell for notebook in bundle.notebooks for cell in notebook.cells]


def _key(cell: CellResult) -> tuple[str, str]:
    return cell.notebook, cell.name


def _bytes(page: Page) -> bytes:
    return render(page).encode("utf-8", "replace")
