"""Instructor's notebooks: read, told apart by role, given stable ids, checked before anything is built from them.

In: a `.ipynb` (any nbformat) or a jupytext percent `.py`. Out: nbformat 4.5 notebooks in memory, the file untouched.
What cannot be built is a `SourceError` that names the notebook and the cell.
"""

from __future__ import annotations

import copy
import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from saiten.bundle import Role
from saiten.errors import SourceError
from saiten.ipython_code import SyntaxProblem, find_syntax_problem

SCHEMA_VERSION = 3
"""Version of nbgrader's cell metadata that is understood."""

RAISES_TAG = "raises-exception"
"""Jupyter's tag of a cell that is meant to fail."""

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

_JUPYTEXT_CELL_KEYS = ("lines_to_next_cell", "lines_to_end_of_cell_marker")
_GRADE_ID = re.compile(r"[a-zA-Z0-9_\-]+")
_ID_LENGTH = 64
_HEADER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Delimiters:
    """A pair of markers around lines that students do not get, and the cells they may stand in."""

    what: str
    """in words, for messages"""
    begin: str
    end: str
    roles: frozenset[Role]
    enforce: bool = True
    """nbgrader's `enforce_metadata`: whether standing in another cell is an error"""


SOLUTION_ROLES = frozenset({Role.SOLUTION, Role.MANUAL})
HIDDEN_TEST_ROLES = frozenset({Role.TEST, Role.MANUAL})
DEFAULT_DELIMITERS = (
    Delimiters("solution", "BEGIN SOLUTION", "END SOLUTION", SOLUTION_ROLES),
    Delimiters("hidden tests", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS", HIDDEN_TEST_ROLES),
    Delimiters("mark scheme", "BEGIN MARK SCHEME", "END MARK SCHEME", frozenset({Role.TASK})),
)


def is_text_notebook(path: Path) -> bool:
    """Tell whether a `.py` file is a notebook in jupytext's percent format and not an ordinary module.

    It is one if it begins with jupytext's header, or if a cell marker carries nbgrader's metadata.
    """
    if path.suffix != ".py" or not path.is_file():
        return False
    with path.open("rb") as file:
        text = file.read(_HEADER_BYTES).decode("utf-8", "replace").removeprefix("\ufeff")
    if re.match(r"# ---\r?\n(#.*\r?\n)*?# jupyter:", text):
        return True
    return re.search(r"^# %%.*\bnbgrader=", text, re.MULTILINE) is not None


def read_source(path: Path) -> NotebookNode:
    """Read an instructor's notebook.

    Args:
        path: `.py` in percent format, or `.ipynb` of any nbformat version.

    Returns:
        the notebook as nbformat 4.5 with ids from `stable_ids`; Python is its language.

    Raises:
        SourceError: it cannot be read, or its language is not Python.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}.", "Save it again as UTF-8.") from error
    notebook = _parse_percent(text, path) if path.suffix == ".py" else _parse_ipynb(text, path)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise SourceError(f"{path} is a notebook in {language}.", "Saiten builds and marks Python notebooks only.")
    return with_stable_ids(notebook)


def _parse_percent(text: str, path: Path) -> NotebookNode:
    import jupytext

    try:
        notebook: NotebookNode = jupytext.reads(text, fmt="py:percent")
    except Exception as error:  # jupytext lets errors of the YAML header through as they come
        raise SourceError(f"{path} is not in jupytext's percent format ({error}).", "Mend its header.") from error
    notebook.metadata.pop("jupytext", None)
    for number, cell in enumerate(notebook.cells, 1):
        bad = cell.metadata.get("incorrectly_encoded_metadata")
        if bad is not None:
            raise SourceError(
                f"{path}: cell {number} begins with metadata that cannot be read: {bad}",
                'Write it as key=JSON, such as nbgrader={"grade": true, ...}, behind `# %%` or `# %% [markdown]`.',
            )
        for key in _JUPYTEXT_CELL_KEYS:
            cell.metadata.pop(key, None)
    return notebook


def _parse_ipynb(text: str, path: Path) -> NotebookNode:
    import nbformat
    from nbformat import reader

    try:
        notebook: NotebookNode = nbformat.convert(reader.reads(text), 4)
        for cell in notebook.cells:
            cell["id"] = "to-be-replaced"
            for key in ("cell_type", "metadata", "source"):
                cell[key]  # a missing key is what is looked for
        notebook.nbformat_minor = 5
        nbformat.validate(with_stable_ids(notebook))
    except Exception as error:  # nbformat raises KeyError, AttributeError and others on damaged files
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise SourceError(
            f"{path} is not a notebook that nbformat can read ({reason}).", "Open and save it in JupyterLab."
        ) from error
    return notebook


def nbgrader_metadata(cell: NotebookNode) -> dict[str, Any]:
    """Return nbgrader's part of a cell's metadata; empty if there is none."""
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) else {}


def role_of(cell: NotebookNode) -> Role:
    """Tell what a cell is for, from nbgrader's metadata (schema 3)."""
    metadata = nbgrader_metadata(cell)
    grade, solution = bool(metadata.get("grade")), bool(metadata.get("solution"))
    if metadata.get("task"):
        return Role.TASK
    if grade and solution:
        return Role.MANUAL
    if grade:
        return Role.TEST
    if solution:
        return Role.SOLUTION
    return Role.SETUP if cell.cell_type == "code" else Role.TEXT


def is_nbgrader_cell(cell: NotebookNode) -> bool:
    """Tell whether nbgrader knows the cell: it is marked, a solution, a task or read-only."""
    metadata = nbgrader_metadata(cell)
    return any(metadata.get(key) for key in ("grade", "solution", "locked", "task"))


def grade_id_of(cell: NotebookNode) -> str | None:
    """Return the cell's grade_id, or None for a cell that nbgrader does not know."""
    return nbgrader_metadata(cell).get("grade_id") if is_nbgrader_cell(cell) else None


def is_locked(cell: NotebookNode) -> bool:
    """Tell, as nbgrader does, whether a student's text of the cell counts for nothing."""
    metadata = nbgrader_metadata(cell)
    return not metadata.get("solution") and bool(metadata.get("grade") or metadata.get("locked"))


def tags_of(cell: NotebookNode) -> tuple[str, ...]:
    """Return the cell's tags."""
    tags = cell.metadata.get("tags", ())
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list | tuple) else ()


def stable_ids(grade_ids: Sequence[str | None]) -> list[str]:
    """Make nbformat cell ids that are the same in every build and move little when cells are added.

    A cell with a grade_id is called by it; any other by the grade_id before it and its place behind that.

    Args:
        grade_ids: for each cell in order, its grade_id, or None.

    Returns:
        as many ids, each of 1 to 64 characters out of a-z A-Z 0-9 - _, no two alike.
    """
    ids = [""] * len(grade_ids)
    used: set[str] = set()
    for index, grade_id in enumerate(grade_ids):
        if grade_id:
            ids[index] = _unused(_fit(re.sub(r"[^a-zA-Z0-9_\-]", "-", grade_id)), used)
    anchor, place = "start", 0
    for index, grade_id in enumerate(grade_ids):
        if grade_id:
            anchor, place = ids[index], 0
        else:
            place += 1
            ids[index] = _unused(_fit(f"{anchor}--{place}"), used)
    return ids


def _fit(text: str) -> str:
    if len(text) <= _ID_LENGTH:
        return text
    return f"{text[: _ID_LENGTH - 13]}-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"


def _unused(wanted: str, used: set[str]) -> str:
    candidate, number = wanted, 1
    while candidate in used:
        number += 1
        candidate = _fit(f"{wanted}-x{number}")
    used.add(candidate)
    return candidate


def with_stable_ids(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook whose cells have the ids of `stable_ids`."""
    notebook = copy.deepcopy(notebook)
    for cell, cell_id in zip(notebook.cells, stable_ids([grade_id_of(cell) for cell in notebook.cells]), strict=True):
        cell["id"] = cell_id
    return notebook


def cell_label(number: int, cell: NotebookNode) -> str:
    """Name a cell for a message: its place from 1, and its grade_id or first line."""
    first = next((line.strip() for line in cell.source.splitlines() if line.strip()), "empty")
    name = nbgrader_metadata(cell).get("grade_id") or (first if len(first) <= 40 else first[:37] + "...")
    return f"cell {number} ({name})"


def marked_lines(source: str, delimiters: Delimiters) -> tuple[list[bool], str]:
    """Find the lines between delimiters, by nbgrader's rules: a line that holds the text of a marker is one.

    Returns:
        for each line whether it is removed (the markers are), and what is wrong with the markers, if anything.
    """
    inside, problem = False, ""
    marks = []
    for number, line in enumerate(source.split("\n"), 1):
        begins, ends = delimiters.begin in line, delimiters.end in line
        if begins and inside:
            problem = problem or f"line {number}: {delimiters.begin!r} inside a region that is still open"
        elif ends and not begins and not inside:
            problem = problem or f"line {number}: {delimiters.end!r} without {delimiters.begin!r} before it"
        marks.append(inside or begins or ends)
        inside = begins or (inside and not ends)
    if inside:
        problem = problem or f"{delimiters.begin!r} without {delimiters.end!r} behind it"
    return marks, problem


def without_solution(cell: NotebookNode, delimiters: Sequence[Delimiters]) -> str:
    """Return a cell's text with the lines blank that a stub replaces: a whole answer if it has no solution region.

    nbgrader looks for other markers only in what is left, so that a mark scheme may stand in a written answer.
    """
    if role_of(cell) not in SOLUTION_ROLES:
        return str(cell.source)
    lines = cell.source.split("\n")
    marks = [marked_lines(cell.source, each)[0] for each in delimiters if each.what == "solution"]
    replaced = marks[0] if marks and any(marks[0]) else [bool(marks)] * len(lines)
    return "\n".join("" if mark else line for line, mark in zip(lines, replaced, strict=True))


def check_source(notebook: NotebookNode, name: str, delimiters: Sequence[Delimiters] = DEFAULT_DELIMITERS) -> None:
    """Check a notebook for everything that would make its release or its marking wrong.

    Args:
        notebook: as read, in the instructor's version.
        name: what to call it in messages, such as `ps1/problem1`.
        delimiters: as the course configures them.

    Raises:
        SourceError: schema too old or too new; a grade_id missing, malformed or used twice; points missing or negative;
            a cell type that cannot be marked; delimiters nested, unclosed or in the wrong cell; code that is no Python.
    """
    for number, cell in enumerate(notebook.cells, 1):
        where = f"{name}: {cell_label(number, cell)}"
        _check_metadata(cell, where)
        for each in delimiters:
            text = cell.source if each.what == "solution" else without_solution(cell, delimiters)
            marks, problem = marked_lines(text, each)
            if problem:
                raise SourceError(f"{where}: {problem}.", "Each region needs both markers, and none may hold another.")
            if any(marks) and each.enforce and role_of(cell) not in each.roles:
                kinds = " or ".join(sorted(f"{role} cell" for role in each.roles))
                raise SourceError(
                    f"{where}: a region of {each.what} stands in a {role_of(cell)} cell.",
                    f"Make it a {kinds} in nbgrader's Create Assignment tool, or remove the markers.",
                )
        if cell.cell_type == "code" and RAISES_TAG not in tags_of(cell):
            _check_syntax(find_syntax_problem(cell.source), where)
    _check_unique(notebook, name)


def _check_metadata(cell: NotebookNode, where: str) -> None:
    metadata = nbgrader_metadata(cell)
    if not metadata:
        return
    version = metadata.get("schema_version", 0)
    if not isinstance(version, int) or version < SCHEMA_VERSION:
        raise SourceError(
            f"{where}: nbgrader's metadata is of schema {version}, {SCHEMA_VERSION} is needed.",
            "Run `nbgrader update` on the notebook (in a .py source, update its .ipynb and save it again).",
        )
    if version > SCHEMA_VERSION:
        raise SourceError(
            f"{where}: nbgrader's metadata is of schema {version}, newer than {SCHEMA_VERSION}.",
            "It was made by a newer nbgrader than Saiten knows; update Saiten.",
        )
    if not is_nbgrader_cell(cell):
        return
    grade_id = metadata.get("grade_id")
    if not grade_id:
        raise SourceError(f"{where} has no grade_id.", "Give it one in nbgrader's Create Assignment tool.")
    if not isinstance(grade_id, str) or not _GRADE_ID.fullmatch(grade_id):
        raise SourceError(
            f"{where}: the grade_id {grade_id!r} is malformed.", "Use letters a to z, digits, `-` and `_` only."
        )
    _check_points(metadata, role_of(cell), where)
    _check_cell_type(cell, where)


def _check_points(metadata: dict[str, Any], role: Role, where: str) -> None:
    if role not in (Role.TEST, Role.MANUAL, Role.TASK):
        return
    points = metadata.get("points")
    if points is None:
        raise SourceError(f"{where} is marked but has no points.", "Give it points; 0 is allowed.")
    number = isinstance(points, int | float) and not isinstance(points, bool)
    if not number or not math.isfinite(points) or points < 0:
        raise SourceError(f"{where}: {points!r} is not a number of points.", "Points are 0 or more.")


def _check_cell_type(cell: NotebookNode, where: str) -> None:
    role = role_of(cell)
    if role is Role.TASK and cell.cell_type != "markdown":
        raise SourceError(f"{where} is a task but not a markdown cell.", "Turn it into markdown.")
    if role is Role.TEST and cell.cell_type != "code":
        raise SourceError(
            f"{where} has points but is neither code nor an answer.", "Choose `manually graded answer` for it."
        )
    if role is Role.SOLUTION and cell.cell_type != "code":
        raise SourceError(
            f"{where} is a written answer without points.", "Choose `manually graded answer` and give it points."
        )


def _check_syntax(problem: SyntaxProblem | None, where: str) -> None:
    if problem is not None:
        line = f" in line {problem.line}" if problem.line else ""
        raise SourceError(f"{where}: syntax error{line}: {problem.message}.", "Mend the code; magics are allowed.")


def _check_unique(notebook: NotebookNode, name: str) -> None:
    counted = Counter(grade_id for cell in notebook.cells if (grade_id := grade_id_of(cell)))
    for grade_id, count in counted.items():
        if count > 1:
            numbers = [str(at) for at, cell in enumerate(notebook.cells, 1) if grade_id_of(cell) == grade_id]
            raise SourceError(
                f"{name}: the grade_id {grade_id!r} is used {count} times, in cells {', '.join(numbers)}.",
                "Rename all but one of them.",
            )
