"""One notebook of an old nbgrader course, brought to what nbgrader and Saiten read today.

In: its bytes. Out: the notebook with metadata of schema 3, upgraded by nbgrader's own code, every cell with a grade_id
of its own, and a remark for what was done and what a person has to mend. The file is not touched.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from saiten.errors import SourceError
from saiten.imports.remarks import Remark
from saiten.notebook import SCHEMA_VERSION, cell_label, check_source, with_stable_ids

_GRADE_ID = re.compile(r"[a-zA-Z0-9_\-]+")
_FLAGS = ("grade", "solution", "locked", "task")


@dataclass(frozen=True, slots=True)
class Renames:
    """New grade_ids, which submissions of the assignment need as well."""

    missing: tuple[str, ...] = ()
    """for each nbgrader cell without a grade_id, in order, the one it has now"""
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """old grade_id to what each cell that had it is called now, in order"""

    def __bool__(self) -> bool:
        return bool(self.missing or self.others)


@dataclass(frozen=True, slots=True)
class OldNotebook:
    """A notebook of an old course, upgraded in memory."""

    name: str
    notebook: NotebookNode | None
    """None if it cannot be read or is not in Python: it is then copied as it is"""
    changed: bool
    cells: int
    marked: int
    """cells with points"""
    points: float
    schema: str
    """versions of nbgrader's metadata that were found, such as `1` or `0, 2`; empty if no cell has any"""
    renames: Renames
    remarks: tuple[Remark, ...]


def upgrade(content: bytes, name: str) -> OldNotebook:
    """Upgrade an instructor's notebook.

    Args:
        content: a `.ipynb` of any nbformat.
        name: what remarks call it, such as `ps1/problem1`.

    Returns:
        the notebook and what was found; it never raises for what it holds.
    """
    import nbformat
    from nbformat import reader

    remarks: list[Remark] = []
    try:
        raw = json.loads(content.decode("utf-8-sig"))
        notebook: NotebookNode = nbformat.convert(reader.reads(json.dumps(raw)), 4)
        cells = list(notebook.cells)
    except Exception as error:  # nbformat raises KeyError, AttributeError and others on damaged files
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        remarks.append(Remark(name, f"it cannot be read as a notebook ({reason})", lost=True))
        return OldNotebook(name, None, False, 0, 0, 0.0, "", Renames(), tuple(remarks))
    changed = raw.get("nbformat") != 4
    if changed:
        remarks.append(Remark(name, f"nbformat {raw.get('nbformat')}: upgraded to 4"))
    language = _language(notebook)
    if language != "python":
        remarks.append(Remark(name, f"a notebook in {language}: Saiten builds and marks Python only", lost=True))
        return OldNotebook(name, None, False, len(cells), 0, 0.0, "", Renames(), tuple(remarks))
    if notebook.metadata.get("kernelspec", {}).get("name") == "python2":
        remarks.append(Remark(name, "its kernel is Python 2: its code may need a change", lost=True))
        notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
        changed = True
    schema = _upgrade_metadata(notebook, name, remarks)
    renames = _rename(notebook, name, remarks)
    _check(notebook, name, remarks)
    marked = [cell for cell in notebook.cells if _marks(cell).get("grade") or _marks(cell).get("task")]
    old = any(version < SCHEMA_VERSION for version in schema)
    return OldNotebook(
        name,
        notebook,
        changed or old or bool(renames),
        len(cells),
        len(marked),
        sum(_number(_marks(cell).get("points")) for cell in marked),
        ", ".join(map(str, sorted(schema))),
        renames,
        tuple(remarks),
    )


def apply(renames: Renames, content: bytes) -> tuple[bytes, str]:
    """Give the cells of a submitted notebook the grade_ids that the source has now.

    Args:
        renames: of the source.
        content: the student's `.ipynb`.

    Returns:
        the notebook, and why not all cells could be named, in words; empty if they could.
    """
    try:
        raw = json.loads(content.decode("utf-8-sig"))
        cells = raw["cells"] if "cells" in raw else raw["worksheets"][0]["cells"]
        marks = [cell["metadata"].get("nbgrader") for cell in cells]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        return content, f"it cannot be read ({type(error).__name__})"
    found = [each for each in marks if isinstance(each, dict) and any(each.get(flag) for flag in _FLAGS)]
    nameless = [each for each in found if not each.get("grade_id")]
    problem = ""
    if len(nameless) == len(renames.missing):
        for each, grade_id in zip(nameless, renames.missing, strict=True):
            each["grade_id"] = grade_id
    elif renames.missing:
        problem = f"{len(nameless)} cells without grade_id, the source has {len(renames.missing)}"
    for old, new in renames.others.items():
        same = [each for each in found if each.get("grade_id") == old]
        for each, grade_id in zip(same, new, strict=False):
            each["grade_id"] = grade_id
    return (json.dumps(raw, ensure_ascii=False, indent=1) + "\n").encode(), problem


def _language(notebook: NotebookNode) -> str:
    kernel = notebook.metadata.get("kernelspec", {})
    named = kernel.get("language") or notebook.metadata.get("language_info", {}).get("name") or ""
    if named:
        return str(named).lower()
    name = str(kernel.get("name", "python")).lower()
    return "python" if "python" in name else {"ir": "r"}.get(name, name)


def _marks(cell: NotebookNode) -> dict[str, Any]:
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) else {}


def _number(points: Any) -> float:
    return float(points) if isinstance(points, int | float) and not isinstance(points, bool) else 0.0


def _upgrade_metadata(notebook: NotebookNode, name: str, remarks: list[Remark]) -> set[int]:
    """Let nbgrader upgrade each cell's metadata; return the versions that were there."""
    from nbgrader.nbgraderformat import MetadataValidator

    validator = MetadataValidator()
    versions: Counter[int] = Counter()
    for number, cell in enumerate(notebook.cells, 1):
        if "nbgrader" not in cell.metadata:
            continue
        where = f"{name}: {cell_label(number, cell)}"
        marks = _marks(cell)
        version = marks.get("schema_version", 0)
        if not isinstance(version, int):
            remarks.append(Remark(where, f"nbgrader's metadata cannot be read: {cell.metadata.nbgrader!r}", lost=True))
            continue
        versions[version] += 1
        before = dict(marks)
        try:
            validator.upgrade_cell_metadata(cell)
        except (ValueError, TypeError, KeyError) as error:
            remarks.append(Remark(where, f"nbgrader cannot upgrade its metadata ({error})", lost=True))
            continue
        after = _marks(cell)
        gone = sorted(before.keys() - after.keys() - {"schema_version"}) if after else []
        if gone:
            remarks.append(Remark(where, f"nbgrader knows no {', '.join(gone)} any more: taken out"))
        if before.get("grade") and "points" in before and before["points"] != after.get("points"):
            remarks.append(Remark(where, f"{before['points']!r} points became {after.get('points')!r}"))
    for version, count in sorted(versions.items()):
        if version < SCHEMA_VERSION:
            remarks.append(Remark(name, f"nbgrader's metadata of schema {version} upgraded in {count} cells"))
    return set(versions)


def _rename(notebook: NotebookNode, name: str, remarks: list[Remark]) -> Renames:
    """Give each nbgrader cell a grade_id of its own: those without, those that share one, those malformed."""
    known = [
        (number, cell)
        for number, cell in enumerate(notebook.cells, 1)
        if any(_marks(cell).get(flag) for flag in _FLAGS)
    ]
    used = {str(_marks(cell).get("grade_id")) for _, cell in known}
    taken: set[str] = set()
    missing: list[str] = []
    others: dict[str, list[str]] = {}
    for number, cell in known:
        marks, where = _marks(cell), f"{name}: {cell_label(number, cell)}"
        old = marks.get("grade_id") or ""
        if isinstance(old, str) and _GRADE_ID.fullmatch(old) and old not in taken:
            taken.add(old)
            others.setdefault(old, []).append(old)
            continue
        base = re.sub(r"[^a-zA-Z0-9_\-]+", "-", str(old)).strip("-") or "cell"
        new, count = base, 1
        while new in used | taken:
            count += 1
            new = f"{base}-{count}"
        taken.add(new)
        marks["grade_id"] = new
        if not old:
            missing.append(new)
            remarks.append(Remark(where, f"it had no grade_id and is called {new} now"))
            continue
        others.setdefault(str(old), []).append(new)
        why = "another cell has the same grade_id" if _GRADE_ID.fullmatch(str(old)) else "the grade_id is malformed"
        remarks.append(
            Remark(where, f"{why}: it is called {new} now, and marks under the old name are not found", True)
        )
    changed = {old: tuple(new) for old, new in others.items() if list(new) != [old]}
    return Renames(tuple(missing), changed)


def _check(notebook: NotebookNode, name: str, remarks: list[Remark]) -> None:
    """Ask what `saiten build` would say of the first thing that it cannot build."""
    try:
        check_source(with_stable_ids(notebook), name)
    except SourceError as error:
        remarks.append(Remark(name, f"{error.message.removeprefix(f'{name}: ')} {error.next_step}".strip(), lost=True))
