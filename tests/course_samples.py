"""Small courses made for a test, and a quick stand-in for the reference run.

In: cells as plain dictionaries. Out: a course's folder on disk. The stand-in runs cells in this process.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from saiten.bundle import Limits
from saiten.course import Assignment, Course
from saiten.grading.reference import ReferenceCell, ReferenceInput
from saiten.ipython_code import parse_cell

Cell = dict[str, Any]


def cell(kind: str, source: str, *, tags: Sequence[str] = (), **nbgrader: Any) -> Cell:
    """Make a cell; keyword arguments become nbgrader's metadata, completed to schema 3."""
    metadata: dict[str, Any] = {"tags": list(tags)} if tags else {}
    if nbgrader:
        full = {"schema_version": 3, "grade": False, "solution": False, "locked": False} | nbgrader
        metadata["nbgrader"] = {key: value for key, value in full.items() if value is not None}
    made: Cell = {"cell_type": kind, "metadata": metadata, "source": source}
    return made | {"outputs": [], "execution_count": None} if kind == "code" else made


def solution(grade_id: str, source: str, **more: Any) -> Cell:
    """Make a solution cell."""
    return cell("code", source, **({"grade_id": grade_id, "solution": True} | more))


def graded(grade_id: str, source: str, points: float = 1, **more: Any) -> Cell:
    """Make a test cell."""
    return cell("code", source, **({"grade_id": grade_id, "grade": True, "points": points} | more))


def written(grade_id: str, source: str, points: float = 1, **more: Any) -> Cell:
    """Make a manually marked markdown cell."""
    return cell(
        "markdown", source, **({"grade_id": grade_id, "grade": True, "solution": True, "points": points} | more)
    )


DOUBLE = [
    cell("markdown", "# Doubling"),
    cell("code", "import math\nimport json as j"),
    solution(
        "double",
        'def double(x):\n    """Twice x."""\n    ### BEGIN SOLUTION\n    twice_of_x = x + x\n    return twice_of_x\n'
        "    ### END SOLUTION",
    ),
    graded(
        "double-tests",
        "assert double(2) == 4\n### BEGIN HIDDEN TESTS\nassert double(-21) == -42, 'negative'\n### END HIDDEN TESTS",
        3,
    ),
    written("why", "Because addition is repeated.", 2),
]
"""A small notebook with every usual kind of cell, worth 5 points."""


def notebook_json(cells: Sequence[Cell], **metadata: Any) -> str:
    """Write cells as a notebook of nbformat 4.4, which has no cell ids."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    raw = {"cells": list(cells), "metadata": {"kernelspec": kernel} | metadata, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(raw, ensure_ascii=False, indent=1)


def make_course(
    root: Path,
    notebooks: Mapping[str, Sequence[Cell]] | None = None,
    *,
    name: str = "a1",
    config: str = "",
    toml: str = "",
    files: Mapping[str, str] | None = None,
) -> Assignment:
    """Write a course with one assignment and return that assignment."""
    folder = root / "source" / name
    folder.mkdir(parents=True, exist_ok=True)
    for notebook, cells in (notebooks or {"n1": DOUBLE}).items():
        (folder / f"{notebook}.ipynb").write_text(notebook_json(cells), encoding="utf-8")
    if config:
        (root / "nbgrader_config.py").write_text(f"c = get_config()\n{config}\n", encoding="utf-8")
    if toml:
        (folder / "assignment.toml").write_text(toml, encoding="utf-8")
    for path, text in (files or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return Course.find(root).assignment(name)


def quick_run(
    cells: Sequence[ReferenceInput], *, files: Mapping[str, bytes], imports: Sequence[str], limits: Limits
) -> list[ReferenceCell]:
    """Run cells in this process: no limits, no folder, printed text as the only output."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    results = []
    for each in cells:
        if each.cell_type != "code":
            results.append(ReferenceCell())
            continue
        before, printed, error = dict(namespace), io.StringIO(), ""
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(parse_cell(each.source), "<cell>", "exec"), namespace)
        except Exception as caught:
            error = f"{type(caught).__name__}: {caught}"
        brings = tuple(sorted(key for key, value in namespace.items() if before.get(key) is not value))
        text = printed.getvalue()
        outputs: list[dict[str, Any]] = [{"output_type": "stream", "name": "stdout", "text": text}] if text else []
        results.append(ReferenceCell(outputs, tuple(key for key in brings if not key.startswith("__")), error, 0.0))
    return results


def tree(folder: Path) -> dict[str, bytes]:
    """Read a folder: relative path to bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
