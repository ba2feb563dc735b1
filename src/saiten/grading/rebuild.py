"""Rebuild what is to be run: the instructor's cells in the instructor's order, the student's text in its places.

In: a bundle's notebook and the bytes of a submitted one. Out: `Plan`: steps to run and to show, with notes.
From the submission only source text is taken. Its tags, points, cell types, outputs, metadata, and its versions of
locked cells count for nothing.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saiten.bundle import BundleCell, BundleNotebook, Role
from saiten.errors import SubmissionError

MAX_NOTEBOOK_BYTES = 64 << 20
MAX_CELLS = 5000
MAX_SOURCE = 4 << 20
MAX_NAME = 1000
"""Characters of a grade_id."""


@dataclass(frozen=True, slots=True)
class SubmittedCell:
    """What is read of a submitted cell."""

    cell_type: str
    source: str
    grade_id: str | None
    id: str | None
    attachments: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """of prose: what was pasted into it, as it was handed in and not looked at"""


@dataclass(frozen=True, slots=True)
class Step:
    """One cell of the rebuilt notebook."""

    cell: BundleCell | None
    """the instructor's cell, or None for the student's own"""
    cell_type: str
    source: str
    """the text to run and to show"""
    leading: bool = False
    """stands before the first cell that is not the instructor's code; run once, before the fork, if not changed"""
    changed: bool = False
    """the student changed the instructor's text of an unlocked cell"""

    @property
    def name(self) -> str:
        """For tracebacks and messages."""
        if self.cell is None:
            return "your own cell"
        return f"cell {self.cell.grade_id or self.cell.id}"

    @property
    def runs_in_student(self) -> bool:
        """Code that runs in the student's process."""
        ours = self.cell is not None and self.cell.role is Role.TEST and not self.cell.in_student
        return self.cell_type == "code" and not ours


@dataclass(frozen=True, slots=True)
class Plan:
    """The rebuilt notebook."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    """grade_ids of solution and manual cells that still hold the released text"""

    @property
    def leading_changed(self) -> bool:
        """Whether the warm namespace cannot be used because an unlocked leading cell was edited or preceded."""
        seen_own = False
        for step in self.steps:
            if step.cell is None and step.cell_type == "code":
                seen_own = True
            if step.leading and (step.changed or seen_own):
                return True
        return False


def plan(notebook: BundleNotebook, submitted: Sequence[SubmittedCell]) -> Plan:
    """Lay the student's text into the instructor's notebook.

    Solution and manual cells are found by grade_id; of duplicates the first that is neither empty nor the released stub
    counts. Unlocked cells of the instructor's without grade_id are found by cell id, else by their text. All else is
    the student's own and stays behind the cell it stood behind.
    """
    notes: list[str] = []
    laid = _laid(notebook, submitted, notes)
    unchanged = [
        cell.grade_id
        for cell, source in ((step.cell, step.source) for step, _ in laid)
        if cell is not None and cell.role in _WRITTEN and cell.grade_id and _same(source, cell.release_source)
    ]
    return Plan(tuple(step for step, _ in laid), tuple(notes), tuple(unchanged))


def pasted(notebook: BundleNotebook, content: bytes) -> dict[str, Mapping[str, Any]]:
    """Find what was pasted into the prose that counts.

    No step carries it, for it may be large, and nothing that runs or judges needs it.

    Args:
        notebook: the instructor's.
        content: the submitted notebook's bytes.

    Returns:
        id of a cell of the marked notebook to its attachments, as they were handed in and not looked at; nothing if the
        bytes are no notebook.
    """
    if b'"attachments"' not in content:  # most notebooks: not worth reading again
        return {}
    try:
        laid = _laid(notebook, parse(content), [])
    except SubmissionError:
        return {}
    ids = document_ids(step for step, _ in laid)
    return {name: given.attachments for name, (_, given) in zip(ids, laid, strict=True) if given and given.attachments}


def _laid(
    notebook: BundleNotebook, submitted: Sequence[SubmittedCell], notes: list[str]
) -> list[tuple[Step, SubmittedCell | None]]:
    """Each step, and the submitted cell whose text it holds, if any."""
    places, own = _match(notebook, submitted)
    leading = leading_cells(notebook)
    steps: list[tuple[Step, SubmittedCell | None]] = []
    steps.extend((Step(None, cell.cell_type, cell.source), cell) for cell in own.get(-1, ()))
    for index, cell in enumerate(notebook.cells):
        given = _given(cell, places.get(index, ()), notes)
        source = _text_of(cell, given)
        changed = cell.role is Role.SETUP and not _same(source, cell.release_source)
        steps.append((Step(cell, cell.cell_type, source, leading=index in leading, changed=changed), given))
        steps.extend((Step(None, extra.cell_type, extra.source), extra) for extra in own.get(index, ()))
    return steps


def leading_cells(notebook: BundleNotebook) -> frozenset[int]:
    """Indices of the instructor's set-up code before the first cell that the student writes or that tests."""
    indices = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.role is not Role.SETUP:
            break
        if cell.role is Role.SETUP and cell.cell_type == "code":
            indices.append(index)
    return frozenset(indices)


def parse(content: bytes) -> list[SubmittedCell]:
    """Read a submitted notebook, whatever its age.

    Raises:
        SubmissionError: it is not a notebook; the message says why in words a student understands.
    """
    if len(content) > MAX_NOTEBOOK_BYTES:
        raise SubmissionError(f"The notebook is larger than {MAX_NOTEBOOK_BYTES >> 20} MB.", _SAVE_AGAIN)
    if not content.strip():
        raise SubmissionError("The notebook file is empty.", _SAVE_AGAIN)
    try:
        raw = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SubmissionError("The notebook is not a text file in UTF-8.", _SAVE_AGAIN) from None
    except (ValueError, RecursionError):
        raise SubmissionError("The notebook is not valid JSON (perhaps cut off while saving).", _SAVE_AGAIN) from None
    if not isinstance(raw, dict) or type(raw.get("nbformat")) is not int:
        raise SubmissionError("The file is JSON, but not a Jupyter notebook.", _SAVE_AGAIN)
    cells = _upgraded(raw) if raw["nbformat"] < 4 else raw.get("cells")
    if not isinstance(cells, list):
        raise SubmissionError("The notebook holds no list of cells.", _SAVE_AGAIN)
    if len(cells) > MAX_CELLS:
        raise SubmissionError(f"The notebook has more than {MAX_CELLS} cells.", "Delete cells that are not needed.")
    return [cell for cell in map(_submitted_cell, cells) if cell is not None]


def clean_text(text: str) -> str:
    """Text that can be written as UTF-8 and holds no NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "�").replace("\r\n", "\n").replace("\r", "\n")


_SAVE_AGAIN = "Open it in Jupyter, save it, and hand it in again."


def _upgraded(raw: dict[str, Any]) -> list[Any]:
    """Cells of a notebook of before 2015, as format 4 has them.

    nbformat's own upgrade checks all against JSON schemas: seconds for a megabyte that somebody wrote on purpose.
    """
    sheets = raw.get("worksheets")
    cells: list[Any] = []
    for sheet in sheets if isinstance(sheets, list) else [None]:
        found = sheet.get("cells", []) if isinstance(sheet, dict) else None
        if not isinstance(found, list):
            text = f"The notebook is in the old format {raw['nbformat']} and cannot be upgraded."
            raise SubmissionError(text, _SAVE_AGAIN)
        cells += [_upgraded_cell(cell) for cell in found if isinstance(cell, dict)]
    return cells


def _upgraded_cell(cell: dict[str, Any]) -> dict[str, Any]:
    kind = cell.get("cell_type")
    if kind == "code":
        return {**cell, "source": cell.get("input", "")}
    if kind not in ("heading", "html"):
        return cell
    level, source = cell.get("level", 1), cell.get("source", "")
    if kind == "heading" and type(level) is int:
        text = "".join(part for part in source if isinstance(part, str)) if isinstance(source, list) else source
        source = f"{'#' * min(max(level, 1), 6)} {text}" if isinstance(text, str) else ""
    return {**cell, "cell_type": "markdown", "source": source}


def _submitted_cell(raw: Any) -> SubmittedCell | None:
    if not isinstance(raw, dict) or raw.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = raw.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    if not isinstance(source, str):
        return None
    metadata = raw.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
    cell_id, attachments = raw.get("id"), raw.get("attachments")
    prose = raw["cell_type"] == "markdown"
    return SubmittedCell(
        cell_type=raw["cell_type"],
        source=clean_text(source[:MAX_SOURCE]),
        grade_id=_name(grade_id),
        id=cell_id if isinstance(cell_id, str) else None,
        attachments=attachments if prose and isinstance(attachments, dict) else {},
    )


def _name(grade_id: Any) -> str | None:
    """A grade_id as nbgrader compares it; one that is too long for any is none (long ones take hours to normalise)."""
    short = isinstance(grade_id, str) and len(grade_id) <= MAX_NAME
    return unicodedata.normalize("NFC", grade_id) if short else None


_Own = dict[int, list[SubmittedCell]]


def _match(notebook: BundleNotebook, submitted: Sequence[SubmittedCell]) -> tuple[dict[int, list[SubmittedCell]], _Own]:
    """Find each submitted cell's place: at an instructor's cell, or the student's own behind one."""
    by_grade_id = {cell.grade_id: index for index, cell in enumerate(notebook.cells) if cell.grade_id}
    by_id = {cell.id: index for index, cell in enumerate(notebook.cells) if not cell.grade_id}
    by_text: dict[tuple[str, str], list[int]] = {}
    for index, original in enumerate(notebook.cells):
        if not original.grade_id:
            by_text.setdefault((original.cell_type, _normal(original.release_source)), []).append(index)
    places: dict[int, list[SubmittedCell]] = {}
    own: _Own = {}
    anchor = -1
    for cell in submitted:
        place = by_grade_id.get(cell.grade_id) if cell.grade_id else None
        if place is None and cell.id in by_id and by_id[cell.id] not in places:
            place = by_id[cell.id]
            place = place if notebook.cells[place].cell_type == cell.cell_type else None
        if place is None:
            same = by_text.get((cell.cell_type, _normal(cell.source)), [])
            place = next((index for index in same if index not in places and index > anchor), None)
            if place is None and cell.cell_type == "markdown" and same:
                continue  # a second copy of the instructor's own prose
        if place is None:
            own.setdefault(anchor, []).append(cell)
        else:
            places.setdefault(place, []).append(cell)
            anchor = place
    return places, own


_WRITTEN = (Role.SOLUTION, Role.MANUAL)


def _given(cell: BundleCell, found: Sequence[SubmittedCell], notes: list[str]) -> SubmittedCell | None:
    """The submitted cell whose text counts for an instructor's cell; None where none does."""
    if cell.role not in _WRITTEN:
        return found[0] if found and cell.role not in (Role.TEST, Role.TASK) and not cell.locked else None
    if not found:
        notes.append(f"{cell.grade_id}: the cell is missing from the submission.")
        return None
    if len(found) > 1:
        notes.append(f"{cell.grade_id}: the cell is there {len(found)} times; the first one with an answer counts.")
    answered = (item for item in found if item.source.strip() and not _same(item.source, cell.release_source))
    return next(answered, found[0])


def _text_of(cell: BundleCell, given: SubmittedCell | None) -> str:
    """The text that counts for an instructor's cell."""
    if given is not None:
        return given.source
    if cell.role in _WRITTEN:
        return ""
    return cell.source if cell.role is Role.TEST else cell.release_source


def _normal(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def _same(one: str, other: str) -> bool:
    return _normal(one) == _normal(other)


def document_ids(steps: Iterable[Step]) -> list[str]:
    """A unique nbformat cell id for each step: the bundle's, or `own-N`."""
    ids, count = [], 0
    for step in steps:
        if step.cell is None:
            count += 1
            ids.append(f"own-{count}")
        else:
            ids.append(step.cell.id)
    return ids
