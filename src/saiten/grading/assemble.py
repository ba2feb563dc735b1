"""From records to results: cells' verdicts, question sums, and the marked notebook as nbformat JSON.

In: a bundle's notebook, the plan, one record per step. Out: `NotebookResult` and `CellResult`s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role, questions, solution_cells
from saiten.grading.progress import Record
from saiten.grading.rebuild import Plan, Step, document_ids
from saiten.results import CellResult, CellStatus, NotebookResult, QuestionResult, Status, summarise_question


def assemble(
    notebook: BundleNotebook, plan: Plan, records: Sequence[Record]
) -> tuple[NotebookResult, list[CellResult]]:
    """Results of one notebook that was handed in."""
    cells = [
        _cell_result(notebook.name, step.cell, record, plan)
        for step, record in zip(plan.steps, records, strict=True)
        if step.cell is not None and step.cell.role in (Role.TEST, Role.MANUAL, Role.TASK)
    ]
    document = _document(notebook, plan.steps, records)
    return NotebookResult(notebook.name, document, plan.unchanged), cells


def missing_notebook(notebook: BundleNotebook) -> tuple[NotebookResult, list[CellResult]]:
    """Results of a notebook that was not handed in: 0 for every cell, nothing to mark by hand."""
    cells = [
        CellResult(_name(cell), notebook.name, 0.0, cell.points, CellStatus.FAILED, "the notebook was not handed in")
        for cell in notebook.cells
        if cell.role in (Role.TEST, Role.MANUAL, Role.TASK)
    ]
    return NotebookResult(notebook.name, "", missing=True), cells


def solution_seconds(notebook: BundleNotebook, plan: Plan, records: Sequence[Record]) -> dict[tuple[str, str], float]:
    """Wall time of the solution cells that ran, by notebook and question."""
    ran = {
        _name(step.cell): record.seconds
        for step, record in zip(plan.steps, records, strict=True)
        if step.cell is not None and step.cell.role is Role.SOLUTION and record.ran
    }
    return {
        (notebook.name, question): sum(ran[each] for each in names if each in ran)
        for question, names in solution_cells(notebook).items()
        if not ran.keys().isdisjoint(names)
    }


def total(
    bundle: Bundle, cells: Sequence[CellResult], spent: Mapping[tuple[str, str], float]
) -> tuple[tuple[QuestionResult, ...], float, Status]:
    """Sum by question and over all; `needs_manual` if a person has to mark something."""
    by_name = {(cell.notebook, cell.name): cell for cell in cells}
    summed = tuple(
        summarise_question(
            name,
            notebook.name,
            tuple(by_name[notebook.name, _name(cell)] for cell in members),
            spent.get((notebook.name, name)),
        )
        for notebook in bundle.notebooks
        for name, members in questions(notebook)
    )
    score = sum(question.score or 0.0 for question in summed)
    manual = any(cell.status is CellStatus.NEEDS_MANUAL for cell in cells)
    return summed, score, Status.NEEDS_MANUAL if manual else Status.GRADED


def _cell_result(notebook: str, cell: BundleCell, record: Record, plan: Plan) -> CellResult:
    name, points = _name(cell), cell.points
    if cell.role is Role.TEST:
        status = record.status or CellStatus.FAILED
        seconds = record.seconds or None
        message = _one_line(record.message)
        return CellResult(name, notebook, record.score or 0.0, points, status, message, seconds, record.pictures)
    if cell.role is Role.MANUAL and cell.grade_id in plan.unchanged:
        return CellResult(name, notebook, 0.0, points, CellStatus.UNANSWERED, "no answer")
    return CellResult(name, notebook, None, points, CellStatus.NEEDS_MANUAL)


def _name(cell: BundleCell) -> str:
    return cell.grade_id or cell.id


def _one_line(message: str) -> str:
    """A message fit for a table: no control characters, at most 500 characters."""
    text = "".join(char if char.isprintable() else " " for char in message)
    text = " ".join(text.split())
    return text if len(text) <= 500 else text[:499] + "…"


def _document(notebook: BundleNotebook, steps: Sequence[Step], records: Sequence[Record]) -> str:
    cells: list[dict[str, Any]] = []
    for index, (step, record, cell_id) in enumerate(zip(steps, records, document_ids(steps), strict=True)):
        metadata = dict(step.cell.metadata) if step.cell is not None else {}
        cell: dict[str, Any] = {
            "cell_type": step.cell_type,
            "id": cell_id,
            "metadata": metadata,
            "source": step.source.splitlines(keepends=True),
        }
        if step.cell_type == "code":
            cell["execution_count"] = index + 1 if record.ran else None
            cell["outputs"] = record.outputs
        cells.append(cell)
    document = {
        "cells": cells,
        "metadata": {"kernelspec": dict(notebook.kernelspec)} if notebook.kernelspec else {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)
    return text.encode("utf-8", "replace").decode("utf-8")
