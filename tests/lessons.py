"""Small assignments for tests, written as a list of cells; and submissions to them."""

from __future__ import annotations

import json
from typing import Any

from saiten.bundle import Bundle, BundleCell, BundleNotebook, Limits, Role
from saiten.submission import Submission

Cell = BundleCell


def setup(source: str, *, grade_id: str | None = None, locked: bool = False, id: str = "") -> Cell:
    """An instructor's cell without points."""
    return BundleCell(id or grade_id or "", grade_id, Role.SETUP, "code", source, source, locked=locked)


def text(source: str) -> Cell:
    """Prose."""
    return BundleCell("", None, Role.TEXT, "markdown", source, source)


def solution(grade_id: str, source: str, stub: str = "# YOUR CODE HERE\nraise NotImplementedError()") -> Cell:
    """A solution cell: the reference and what students get."""
    return BundleCell(grade_id, grade_id, Role.SOLUTION, "code", source, stub)


def test(grade_id: str, public: str, hidden: str = "", *, points: float = 1.0, tags: tuple[str, ...] = ()) -> Cell:
    """A test cell with a public and a hidden part."""
    source = public
    if hidden:
        source += f"\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    return BundleCell(grade_id, grade_id, Role.TEST, "code", source, public, points=points, locked=True, tags=tags)


test.__test__ = False  # type: ignore[attr-defined]


def manual(grade_id: str, source: str, stub: str = "YOUR ANSWER HERE", points: float = 1.0) -> Cell:
    """A written answer."""
    return BundleCell(grade_id, grade_id, Role.MANUAL, "markdown", source, stub, points=points)


def bundle(*cells: Cell, imports: tuple[str, ...] = ("numpy",), limits: Limits | None = None, **more: Any) -> Bundle:
    """One notebook called `lesson`; cells without an id are numbered."""
    named = tuple(
        cell if cell.id else BundleCell(**{**_fields(cell), "id": f"cell-{index}"}) for index, cell in enumerate(cells)
    )
    notebook = BundleNotebook("lesson", named, imports=imports)
    return Bundle("lesson", (notebook,), limits=limits or Limits(cell_seconds=10, total_seconds=60), **more)


def code_cell(source: str, grade_id: str | None = None, **more: Any) -> dict[str, Any]:
    """A submitted code cell."""
    metadata: dict[str, Any] = {"nbgrader": {"grade_id": grade_id}} if grade_id else {}
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None, **more}


def notebook(*cells: dict[str, Any], **more: Any) -> bytes:
    """A submitted notebook's bytes."""
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}).encode()


def submission(
    *cells: dict[str, Any], student: str = "student-001", files: dict[str, bytes] | None = None
) -> Submission:
    """A submission of the `lesson` notebook."""
    return Submission(student, "lesson", {"lesson": notebook(*cells)}, files or {})


def answer(lesson: Bundle, student: str = "student-001", **answers: str) -> Submission:
    """The released notebook with some solution cells filled in (names with `-` are written with `_`)."""
    cells = []
    for cell in lesson.notebooks[0].cells:
        key = (cell.grade_id or "").replace("-", "_")
        source = answers.get(key, cell.release_source)
        raw = code_cell(source, cell.grade_id, id=cell.id)
        if cell.cell_type != "code":
            raw = {"cell_type": cell.cell_type, "metadata": raw["metadata"], "source": source, "id": cell.id}
        cells.append(raw)
    return submission(*cells, student=student)


def _fields(cell: Cell) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in BundleCell.__dataclass_fields__}
