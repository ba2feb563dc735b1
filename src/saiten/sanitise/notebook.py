"""A marked notebook made safe to look at: in formgrader (the instructor's own origin), in feedback, in JupyterLab.

In: a notebook as nbformat 4 dicts and lists, and what of it the instructor wrote. Out: a clean copy, and remarks.
Any input gives a valid notebook; what the instructor wrote stays to the letter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from saiten.sanitise import text
from saiten.sanitise.attachments import clean_attachments, with_references
from saiten.sanitise.budget import Budget
from saiten.sanitise.markdown import clean_markdown, clean_raw
from saiten.sanitise.outputs import clean_output

VERSION = 2
"""Of the rules; stands in the metadata of every cleaned notebook."""

_PAGE_IDS = ("statusmessage", "help-dialog", "toc", "notebook", "notebook-container")
"""of formgrader's and the feedback's pages, beside those made of grade_ids"""
_KERNEL = ("display_name", "language", "name")
_PLAIN_NAME = re.compile(r"[\w .+()\[\]:/-]{1,100}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_CASES = 4
"""cells that a remark names"""


@dataclass(frozen=True, slots=True)
class Instructor:
    """What of a marked notebook is the instructor's, and therefore not touched."""

    sources: Collection[tuple[str, str]] = frozenset()
    """(cell type, source) of his cells, as built and as released"""
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """cell id to metadata"""
    kernelspec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What cleaning a notebook gives."""

    notebook: dict[str, Any]
    remarks: tuple[str, ...]
    """what was left out or taken out of action, in words for staff: one line for each kind"""


@dataclass(slots=True)
class _Log:
    cases: dict[str, list[str]] = field(default_factory=dict)
    """what was left out, to the cells it was left out of"""
    cell: str = ""

    def note(self, what: str) -> None:
        cells = self.cases.setdefault(what, [])
        if not cells or cells[-1] != self.cell:
            cells.append(self.cell)

    def remarks(self) -> tuple[str, ...]:
        return tuple(f"{what}, in {_listed(cells)}" for what, cells in self.cases.items())


def clean_notebook(notebook: Mapping[str, Any], instructor: Instructor | None = None) -> Cleaned:
    """Clean a marked notebook.

    Args:
        notebook: nbformat 4; not changed.
        instructor: whose texts and metadata stay as they are; without it, everything counts as a student's.
    """
    own, log, budget = instructor or Instructor(), _Log(), Budget()
    cells = [each for each in _list(notebook.get("cells")) if isinstance(each, dict)]
    names = [_grade_id(own.metadata.get(str(cell.get("id")), {})) for cell in cells]
    reserved = (*_PAGE_IDS, *(name for name in names if name))
    cleaned, taken = [], set[str]()
    for place, (cell, name) in enumerate(zip(cells, names, strict=True), start=1):
        log.cell = name or f"cell {place}"
        cleaned.append({**_cell(cell, own, budget, log, reserved), "id": _unique(cell.get("id"), place, taken)})
    metadata: dict[str, Any] = {"saiten": {"cleaned": VERSION}}
    raw = notebook.get("metadata")
    kernel = raw.get("kernelspec") if isinstance(raw, dict) else None
    if isinstance(kernel, dict):
        known = own.kernelspec and kernel == own.kernelspec
        metadata["kernelspec"] = dict(kernel) if known else {k: kernel[k] for k in _KERNEL if _is_name(kernel.get(k))}
    return Cleaned({"cells": cleaned, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, log.remarks())


def _cell(
    cell: Mapping[str, Any], own: Instructor, budget: Budget, log: _Log, reserved: Collection[str]
) -> dict[str, Any]:
    kind = cell.get("cell_type")
    kind = kind if kind in ("code", "markdown") else "raw"
    metadata = own.metadata.get(str(cell.get("id")))
    clean: dict[str, Any] = {
        "cell_type": kind,
        "metadata": dict(metadata) if metadata is not None and metadata == cell.get("metadata") else {},
    }
    source = _joined(cell.get("source"))
    is_own = (kind, source) in own.sources
    if kind == "code":
        clean["source"] = source if is_own else _noted(source, text.for_page(source), "control characters in code", log)
        clean["execution_count"] = _count(cell.get("execution_count"))
        outputs = [clean_output(each, budget, log.note) for each in _list(cell.get("outputs"))]
        clean["outputs"] = [each for each in outputs if each is not None]
    elif kind == "raw":
        clean["source"] = source if is_own else _noted(source, clean_raw(source), "HTML in a raw cell", log)
    else:
        left_out: list[str] = []
        attachments = clean_attachments(cell.get("attachments"), budget, left_out)
        if attachments:
            clean["attachments"] = attachments
        if left_out:
            log.note("left out: an attachment that is no PNG, JPEG or GIF picture, or too large")
        source = with_references(source, attachments)  # nbconvert fails on one that is not there
        if not is_own:
            prose = clean_markdown(source, budget, attachments, reserved)
            for words in prose.remarks:
                log.note(f"taken out of action: {words}")
            source = prose.source
        clean["source"] = source
    clean["source"] = clean["source"].splitlines(keepends=True)
    return clean


def _unique(name: Any, place: int, taken: set[str]) -> str:
    """Return the cell's own id where it is one and nobody else's, else one made of its place."""
    wanted = name if isinstance(name, str) and _ID.fullmatch(name) and name not in taken else f"cell-{place}"
    while wanted in taken:
        wanted += "-"
    taken.add(wanted)
    return wanted


def _grade_id(metadata: Mapping[str, Any]) -> str:
    marks = metadata.get("nbgrader")
    name = marks.get("grade_id") if isinstance(marks, Mapping) else None
    return name if isinstance(name, str) else ""


def _noted(before: str, after: str, what: str, log: _Log) -> str:
    if before != after:
        log.note(f"taken out of action: {what}")
    return after


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 1 << 31 else None


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _PLAIN_NAME.fullmatch(value) is not None


def _listed(cells: list[str]) -> str:
    more = len(cells) - _MOST_CASES
    return ", ".join(cells[:_MOST_CASES]) + (f" and {more} more" if more > 0 else "")
