"""Marking again what changed: the tests of some questions, on a submission whose other verdicts are known.

In: an earlier result of the same submission, with the same cells, and which tests are to run. Out: where a judge has
to begin, and the whole result that comes of what it found. The student's cells run again up to the last of these
tests, as they ran before; what they showed, and every other verdict, is the earlier run's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from saiten.bundle import Bundle, BundleNotebook, Limits, Role, questions
from saiten.grading.assemble import assemble
from saiten.grading.progress import Progress, Record
from saiten.grading.rebuild import Plan, document_ids
from saiten.results import CellResult, NotebookResult, Result, Status, summarise_question

_LEISURE = 0.5
"""share of the submission's time that the earlier run may have taken: in less, no limit of it decided anything"""


@dataclass(frozen=True, slots=True)
class Again:
    """What to mark again of a submission."""

    before: Result
    """an earlier one of the same bytes, with the same `Bundle.cells_hash` and engine, whole"""
    marked: Mapping[str, frozenset[str]]
    """by notebook, the test cells whose verdicts may differ"""
    needed: Mapping[str, frozenset[str]]
    """by notebook, further test cells that bind names which those use: they run, and their verdicts stay"""


def unfit(again: Again, limits: Limits) -> str:
    """Why the earlier run says too little for going on from it; empty if it does not."""
    before = again.before
    if before.status not in (Status.GRADED, Status.NEEDS_MANUAL):
        return "it had no verdict"
    if before.lost:
        return "the student's process had ended early"
    if before.seconds > limits.total_seconds * _LEISURE:
        return "it had taken most of its time"
    return ""


def start(notebook: BundleNotebook, plan: Plan, again: Again, limits: Limits) -> Progress:
    """Where the judge begins: tests that need not run have their verdicts, cells behind the last test are left out."""
    wanted = again.marked.get(notebook.name, frozenset()) | again.needed.get(notebook.name, frozenset())
    records = earlier_records(notebook, plan, again.before)
    places = [index for index, step in enumerate(plan.steps) if _test_name(plan, index) in wanted]
    last = max(places, default=-1)
    begun: list[Record] = []
    behind: set[int] = set()
    for index, step in enumerate(plan.steps):
        is_test = step.cell is not None and step.cell.role is Role.TEST
        runs = index in places or (step.cell_type == "code" and not is_test)
        begun.append(Record() if runs else records[index])
        if runs and index > last:
            behind.add(index)
    return Progress(begun, time.monotonic() + limits.total_seconds, left_out=behind)


def earlier_records(notebook: BundleNotebook, plan: Plan, before: Result) -> list[Record]:
    """What became of each step in the earlier run; the times of cells without points are not known."""
    verdicts = {cell.name: cell for cell in before.cells if cell.notebook == notebook.name}
    shown = _shown(next((part for part in before.notebooks if part.name == notebook.name), None))
    records = []
    for index, (step, cell_id) in enumerate(zip(plan.steps, document_ids(plan.steps), strict=True)):
        cell = shown.get(cell_id, {})
        record = Record(list(cell.get("outputs", ())), cell.get("execution_count") is not None)
        verdict = verdicts.get(_test_name(plan, index) or "")
        if step.cell is not None and step.cell.role is Role.TEST and verdict is not None:
            record.score, record.status, record.message = verdict.score, verdict.status, verdict.message
            record.seconds, record.pictures = verdict.seconds or 0.0, verdict.pictures
        records.append(record)
    return records


def _test_name(plan: Plan, index: int) -> str | None:
    cell = plan.steps[index].cell
    return (cell.grade_id or cell.id) if cell is not None and cell.role is Role.TEST else None


def _shown(part: NotebookResult | None) -> dict[str, dict[str, Any]]:
    """Cells of a marked notebook by id."""
    if part is None or not part.document:
        return {}
    return {cell["id"]: cell for cell in json.loads(part.document)["cells"]}


def merged(
    notebook: BundleNotebook, plan: Plan, again: Again, judged: Sequence[Record]
) -> tuple[NotebookResult, list[CellResult]]:
    """Results of a notebook: the marked tests' as they were judged, all else as it was."""
    marked = again.marked.get(notebook.name, frozenset())
    records = [
        new if _test_name(plan, index) in marked else old
        for index, (old, new) in enumerate(zip(earlier_records(notebook, plan, again.before), judged, strict=True))
    ]
    return assemble(notebook, plan, records)


def result_of(
    bundle: Bundle,
    again: Again,
    notebooks: Sequence[NotebookResult],
    judged: Mapping[tuple[str, str], CellResult],
    remarks: Collection[str],
) -> Result:
    """The whole result.

    Args:
        bundle: it is marked with now.
        again: what was to be marked.
        notebooks: all, in the bundle's order.
        judged: the cells with points of the notebooks that were judged, by notebook and name.
        remarks: of the judges.
    """
    before = again.before
    known = {(cell.notebook, cell.name): cell for cell in before.cells}
    spent = {  # by the solution cells
        (each.notebook, each.name): max(0.0, each.seconds - sum(cell.seconds or 0.0 for cell in each.cells))
        for each in before.questions
        if each.seconds is not None
    }
    anew, summed = [], []
    for notebook in bundle.notebooks:
        marked = again.marked.get(notebook.name, frozenset())
        for name, members in questions(notebook):
            keys = [(notebook.name, cell.grade_id or cell.id) for cell in members]
            cells = tuple(judged[key] if key[1] in marked else known[key] for key in keys)
            summed.append(summarise_question(name, notebook.name, cells, spent.get((notebook.name, name))))
            if any(key[1] in marked for key in keys):
                anew.append(name)
    manual = any(cell.score is None for question in summed for cell in question.cells)
    return replace(
        before,
        status=Status.NEEDS_MANUAL if manual else Status.GRADED,
        score=sum(question.score or 0.0 for question in summed),
        max_score=bundle.max_score,
        questions=tuple(summed),
        notebooks=tuple(notebooks),
        notes=(*before.notes, *(each for each in remarks if each not in before.notes)),
        bundle_hash=bundle.hash,
        anew=tuple(anew),
        whole_because="",
    )
