"""The assignment's side of the gradebook: its notebooks and cells, as nbgrader's SaveCells writes them.

In: a bundle and an open transaction. Out: rows of assignment, notebook, base_cell, grade_cells, solution_cells,
task_cells and source_cell. Writing the same bundle twice changes no row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nbformat import NotebookNode, from_dict
from nbgrader import api
from nbgrader.utils import compute_checksum, is_grade, is_locked, is_solution, is_task
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.sql.schema import Table

from saiten.bundle import Bundle, BundleCell, BundleNotebook
from saiten.errors import GradebookError
from saiten.gradebook.tables import (
    ASSIGNMENT,
    BASE_CELL,
    COURSE,
    GRADE_CELL,
    NOTEBOOK,
    SOLUTION_CELL,
    SOURCE_CELL,
    SUBMITTED,
    TASK_CELL,
)

KINDS: dict[str, Table] = {
    "GradeCell": GRADE_CELL,
    "SolutionCell": SOLUTION_CELL,
    "TaskCell": TASK_CELL,
}
"""nbgrader's kinds of cells (its `base_cell.type`) and their tables; one cell may be of two kinds"""

_HELD_TYPES = ("code", "markdown")
"""cell types that nbgrader's tables can hold; a locked raw cell has no row"""


@dataclass(frozen=True, slots=True)
class _Cells:
    """What SaveCells would collect of one notebook."""

    kinds: dict[tuple[str, str], dict[str, Any]]
    """(grade_id, kind) to the columns of that kind's table"""
    sources: dict[str, dict[str, Any]]
    """grade_id to the columns of source_cell"""


def save_assignment(connection: Connection, bundle: Bundle, course_id: str, due: datetime | None = None) -> str:
    """Create or update the assignment of a bundle.

    Args:
        connection: an open transaction on a gradebook.
        bundle: the assignment as it is marked now.
        course_id: nbgrader's `CourseDirectory.course_id`.
        due: the due date (naive, UTC) where the course's files give one; None leaves the gradebook's own.

    Returns:
        the id of the assignment's row.

    Raises:
        GradebookError: there are submissions already, and notebooks or cells were added or removed since.
    """
    identity = _assignment_row(connection, bundle.assignment, course_id, due)
    wanted = {notebook.name: _collect(notebook) for notebook in bundle.notebooks}
    present: dict[str, str] = {
        row.name: row.id
        for row in connection.execute(
            select(NOTEBOOK.c.name, NOTEBOOK.c.id).where(NOTEBOOK.c.assignment_id == identity)
        )
    }
    submissions = connection.execute(
        select(func.count()).select_from(SUBMITTED).where(SUBMITTED.c.assignment_id == identity)
    ).scalar_one()
    if submissions:
        _refuse_other_cells(connection, bundle.assignment, wanted, present)
    for name in present.keys() - wanted.keys():
        _save_cells(connection, present[name], _Cells({}, {}))
        connection.execute(delete(NOTEBOOK).where(NOTEBOOK.c.id == present[name]))
    for notebook in bundle.notebooks:
        row = _notebook_row(connection, identity, notebook)
        _save_cells(connection, row, wanted[notebook.name])
    return identity


def _assignment_row(connection: Connection, name: str, course_id: str, due: datetime | None) -> str:
    row = connection.execute(select(ASSIGNMENT).where(ASSIGNMENT.c.name == name)).mappings().one_or_none()
    if row is not None:
        if due is not None and row["duedate"] != due:
            connection.execute(update(ASSIGNMENT).where(ASSIGNMENT.c.id == row["id"]).values(duedate=due))
        return str(row["id"])
    # nbgrader enters no course of the empty name; a database that checks foreign keys wants one
    if course_id or connection.dialect.name != "sqlite":
        known = connection.execute(select(COURSE.c.id).where(COURSE.c.id == course_id)).one_or_none()
        if known is None:
            connection.execute(insert(COURSE).values(id=course_id))
    identity = api.new_uuid()
    connection.execute(insert(ASSIGNMENT).values(id=identity, name=name, duedate=due, course_id=course_id))
    return str(identity)


def _notebook_row(connection: Connection, assignment: str, notebook: BundleNotebook) -> str:
    kernelspec = json.dumps(dict(notebook.kernelspec))
    match = (NOTEBOOK.c.assignment_id == assignment, NOTEBOOK.c.name == notebook.name)
    row = connection.execute(select(NOTEBOOK).where(*match)).mappings().one_or_none()
    if row is None:
        identity = api.new_uuid()
        connection.execute(
            insert(NOTEBOOK).values(id=identity, name=notebook.name, assignment_id=assignment, kernelspec=kernelspec)
        )
        return str(identity)
    if row["kernelspec"] is None:  # as nbgrader: one that is there stays
        connection.execute(update(NOTEBOOK).where(NOTEBOOK.c.id == row["id"]).values(kernelspec=kernelspec))
    return str(row["id"])


def _save_cells(connection: Connection, notebook: str, wanted: _Cells) -> None:
    """Bring one notebook's cells up to date: rows that are right stay as they are."""
    present = _present_kinds(connection, notebook)
    gone = [identity for key, (identity, _) in present.items() if key not in wanted.kinds]
    for table in (*KINDS.values(), BASE_CELL):
        if gone:
            connection.execute(delete(table).where(table.c.id.in_(gone)))
    for (name, kind), columns in wanted.kinds.items():
        table = KINDS[kind]
        if (name, kind) not in present:
            identity = api.new_uuid()
            connection.execute(insert(BASE_CELL).values(id=identity, name=name, notebook_id=notebook, type=kind))
            connection.execute(insert(table).values(id=identity, **columns))
        elif present[name, kind][1] != columns:
            connection.execute(update(table).where(table.c.id == present[name, kind][0]).values(**columns))
    held = {
        row["name"]: dict(row)
        for row in connection.execute(select(SOURCE_CELL).where(SOURCE_CELL.c.notebook_id == notebook)).mappings()
    }
    for name in held.keys() - wanted.sources.keys():
        connection.execute(delete(SOURCE_CELL).where(SOURCE_CELL.c.id == held[name]["id"]))
    for name, columns in wanted.sources.items():
        row = held.get(name)
        if row is None:
            connection.execute(
                insert(SOURCE_CELL).values(id=api.new_uuid(), name=name, notebook_id=notebook, **columns)
            )
        elif {key: row[key] for key in columns} != columns:
            connection.execute(update(SOURCE_CELL).where(SOURCE_CELL.c.id == row["id"]).values(**columns))


def _present_kinds(connection: Connection, notebook: str) -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    found: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    for kind, table in KINDS.items():
        query = (
            select(table, BASE_CELL.c.name)
            .join(BASE_CELL, BASE_CELL.c.id == table.c.id)
            .where(BASE_CELL.c.notebook_id == notebook)
        )
        for row in connection.execute(query).mappings():
            columns = {column.name: row[column.name] for column in table.columns if column.name != "id"}
            found[row["name"], kind] = row["id"], columns
    return found


def _refuse_other_cells(
    connection: Connection, assignment: str, wanted: dict[str, _Cells], present: dict[str, str]
) -> None:
    """Refuse, as nbgrader does, to add or remove cells under submissions: their grades hang on them."""
    for name in sorted(wanted.keys() | present.keys()):
        if name not in present or name not in wanted:
            change = "is new" if name in wanted else "is gone"
            raise _contradiction(assignment, f"notebook {name} {change}")
        kinds = {key for key, _ in _present_kinds(connection, present[name]).items()}
        sources = set(
            connection.execute(select(SOURCE_CELL.c.name).where(SOURCE_CELL.c.notebook_id == present[name])).scalars()
        )
        new = {key[0] for key in wanted[name].kinds.keys() - kinds} | (wanted[name].sources.keys() - sources)
        gone = {key[0] for key in kinds - wanted[name].kinds.keys()} | (sources - wanted[name].sources.keys())
        if new or gone:
            parts = [f"{', '.join(sorted(cells))} {word}" for cells, word in ((new, "new"), (gone, "gone")) if cells]
            raise _contradiction(assignment, f"cells of notebook {name} changed: {'; '.join(parts)}")


def _contradiction(assignment: str, change: str) -> GradebookError:
    return GradebookError(
        f"The gradebook holds submissions of {assignment} in another version: {change}.",
        "Undo the change, give the new version another name, or remove the old one with its grades and comments by"
        f" `nbgrader db assignment remove {assignment} --force`.",
    )


def _collect(notebook: BundleNotebook) -> _Cells:
    kinds: dict[tuple[str, str], dict[str, Any]] = {}
    sources: dict[str, dict[str, Any]] = {}
    for cell, node in _named_cells(notebook):
        name = str(cell.grade_id)
        graded = {"max_score": float(cell.points), "cell_type": cell.cell_type}
        if is_grade(node):
            kinds[name, "GradeCell"] = graded
        if is_solution(node):
            kinds[name, "SolutionCell"] = {}
        if is_task(node):
            kinds[name, "TaskCell"] = graded
        if is_grade(node) or is_solution(node) or is_locked(node) or is_task(node):
            sources[name] = {
                "cell_type": cell.cell_type,
                "locked": bool(is_locked(node)),
                "source": _source_text(cell, node),
                "checksum": cell.checksum,
            }
    return _Cells(kinds, sources)


def _named_cells(notebook: BundleNotebook) -> Iterator[tuple[BundleCell, NotebookNode]]:
    """Yield the cells that nbgrader's metadata names, each with a node that nbgrader's own predicates can read."""
    for cell in notebook.cells:
        if cell.grade_id is not None and cell.cell_type in _HELD_TYPES:
            yield cell, from_dict({"cell_type": cell.cell_type, "source": cell.source, "metadata": dict(cell.metadata)})


def _source_text(cell: BundleCell, node: NotebookNode) -> str:
    """Return the text that nbgrader's database holds: stubs in, hidden tests still there.

    The checksum was made of exactly that text, so it decides; `nbgrader autograde` restores locked cells from it and
    stops if the two differ.
    """
    for text in (cell.source, cell.release_source):
        if cell.checksum == compute_checksum(NotebookNode({**node, "source": text})):
            return text
    return cell.source if is_locked(node) else cell.release_source
