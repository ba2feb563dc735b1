"""The bundle: all that marking one assignment needs, in one folder or one object, self-contained.

In: what `saiten.build` made of an instructor's source. Out: frozen dataclasses, and `bundle.json` with the files
beside it under `autograder/<assignment>/`. A worker on another machine needs the bundle and a submission's bytes,
nothing else. The hash covers everything that can change a verdict and is part of every result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from saiten.errors import CourseError

SCHEMA = 1
"""Version of bundle.json; a bundle of another version must be built again."""


class Role(StrEnum):
    """What a cell is for, read once from nbgrader's metadata (schema 3)."""

    TEXT = "text"
    """markdown or raw, without points"""
    SETUP = "setup"
    """the instructor's code without points (imports, data, demonstrations), locked or not"""
    SOLUTION = "solution"
    """the student writes it; no points of its own"""
    TEST = "test"
    """code with points, not the student's: public and hidden tests"""
    MANUAL = "manual"
    """the student writes it and a person marks it (grade and solution, code or markdown)"""
    TASK = "task"
    """nbgrader's task cell: points for whatever the student puts around it, marked by a person"""


IN_STUDENT_TAG = "in-student"
"""Tag of a test cell that has to run in the student's process (and can therefore be lied to)."""


@dataclass(frozen=True, slots=True)
class BundleCell:
    """One cell of the instructor's notebook."""

    id: str
    """nbformat cell id as released; stable between builds"""
    grade_id: str | None
    role: Role
    cell_type: str
    """"code", "markdown" or "raw\""""
    source: str
    """the instructor's text: reference solution, public and hidden tests"""
    release_source: str
    """the text as students get it"""
    points: float = 0.0
    locked: bool = False
    """nbgrader's notion: the submission's text of this cell counts for nothing"""
    tags: tuple[str, ...] = ()
    checksum: str | None = None
    """nbgrader's checksum of the cell as its database holds it (stubs in, hidden tests still there)"""
    brings: tuple[str, ...] = ()
    """names that running this cell added to or changed in the notebook's namespace in the reference run"""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """the released cell's metadata (nbgrader's part included), for `autograded/`"""

    @property
    def in_student(self) -> bool:
        """Whether this test must run in the student's process."""
        return IN_STUDENT_TAG in self.tags


@dataclass(frozen=True, slots=True)
class BundleNotebook:
    """One notebook of the assignment."""

    name: str
    """file name without `.ipynb`"""
    cells: tuple[BundleCell, ...]
    kernelspec: Mapping[str, Any] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    """modules that released cells and the reference import at top level, to be imported once before any fork; never
    those that only tests import"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one submission may use. Every limit ends in a verdict for that submission only."""

    cell_seconds: float = 30.0
    """wall time of one cell, or of one call from a test"""
    total_seconds: float = 600.0
    """wall time of the whole submission"""
    memory_mb: int = 4096
    """memory the student's process may add to what it inherited"""
    processes: int = 64
    scratch_mb: int = 256
    """size of the working directory and HOME together"""
    file_mb: int = 128
    open_files: int = 512
    output_kb: int = 2048
    """captured output of one cell; more is cut and noted"""
    message_mb: int = 256
    """size of one answer from the student's process to the judge"""


@dataclass(frozen=True)
class Bundle:
    """All that marking one assignment needs."""

    assignment: str
    notebooks: tuple[BundleNotebook, ...]
    title: Mapping[str, str] = field(default_factory=dict)
    """language code to title"""
    limits: Limits = field(default_factory=Limits)
    gpu: str = "none"
    """"none", "optional" or "required\""""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """public data: path relative to the notebook's folder, to content; students have it, too"""
    hidden_files: Mapping[str, bytes] = field(default_factory=dict)
    """data only the judge sees"""
    allow_files: tuple[str, ...] = ()
    """globs of a submission's own files that its process may see"""
    source_hash: str = ""
    """hash of what it was built from, to tell whether it is stale"""

    @property
    def max_score(self) -> float:
        """Sum of all points."""
        return sum(cell.points for notebook in self.notebooks for cell in notebook.cells)

    @cached_property
    def hash(self) -> str:
        """BLAKE2b (128 bits, hex) of everything that can change a verdict."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(_dump(self).encode())
        for group in (self.files, self.hidden_files):
            for name in sorted(group):
                digest.update(f"\0{name}\0{len(group[name])}\0".encode())
                digest.update(group[name])
        return digest.hexdigest()

    @cached_property
    def cells_hash(self) -> str:
        """Hash of what a student's process can meet: everything but the tests, titles and where it was built from.

        While it stays, the same submission runs in the same way, whatever became of the tests.
        """
        notebooks = tuple(
            replace(notebook, cells=tuple(cell for cell in notebook.cells if cell.role is not Role.TEST))
            for notebook in self.notebooks
        )
        return replace(self, notebooks=notebooks, title={}, source_hash="").hash

    def write(self, folder: Path) -> None:
        """Write `bundle.json`, `files/` and `hidden/` under a folder; the same bundle gives the same bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        for part, group in (("files", self.files), ("hidden", self.hidden_files)):
            for name, content in group.items():
                target = folder / part / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        (folder / "bundle.json").write_text(_dump(self, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Bundle:
        """Read a bundle back.

        Raises:
            CourseError: there is none, it is damaged, or it was written by another version.
        """
        try:
            raw = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
            if raw.pop("schema") != SCHEMA:
                raise ValueError("written by another version of Saiten")
            hidden, public = raw.pop("hidden_files"), raw.pop("files")
            return cls(
                notebooks=tuple(_notebook(item) for item in raw.pop("notebooks")),
                limits=Limits(**raw.pop("limits")),
                files={name: (folder / "files" / name).read_bytes() for name in public},
                hidden_files={name: (folder / "hidden" / name).read_bytes() for name in hidden},
                allow_files=tuple(raw.pop("allow_files")),
                **raw,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CourseError(f"{folder} holds no usable bundle ({error}).", "Run `saiten build` again.") from error


def _dump(bundle: Bundle, indent: int | None = None) -> str:
    raw = asdict(bundle)
    raw["files"], raw["hidden_files"] = sorted(bundle.files), sorted(bundle.hidden_files)
    return json.dumps({"schema": SCHEMA, **raw}, ensure_ascii=False, sort_keys=True, indent=indent)


def _notebook(raw: dict[str, Any]) -> BundleNotebook:
    cells = tuple(
        BundleCell(**{**cell, "role": Role(cell["role"]), "tags": tuple(cell["tags"]), "brings": tuple(cell["brings"])})
        for cell in raw["cells"]
    )
    return BundleNotebook(**{**raw, "cells": cells, "imports": tuple(raw["imports"])})


def questions(notebook: BundleNotebook) -> list[tuple[str, list[BundleCell]]]:
    """Group the cells with points by question, in order.

    Solution cells open a question; the test cells behind them belong to it. Manual and task cells are questions of
    their own. A test before any solution cell is a question of its own, too.

    Returns:
        pairs of the question's name (grade_id of its first solution cell) and its cells with points.
    """
    return [(name, graded) for name, _, graded in _grouped(notebook)]


def solution_cells(notebook: BundleNotebook) -> dict[str, tuple[str, ...]]:
    """Return question to the grade_ids of its solution cells (of a manual cell: its own), in order."""
    return {name: tuple(cell.grade_id or cell.id for cell in cells) for name, cells, _ in _grouped(notebook)}


def _grouped(notebook: BundleNotebook) -> list[tuple[str, list[BundleCell], list[BundleCell]]]:
    """Questions: name, cells that the student writes, cells with points (at least one)."""
    groups: list[tuple[str, list[BundleCell], list[BundleCell]]] = []
    current: tuple[str, list[BundleCell], list[BundleCell]] | None = None
    for cell in notebook.cells:
        name = cell.grade_id or cell.id
        if cell.role is Role.SOLUTION:
            if current is None or current[2]:
                current = (name, [], [])
                groups.append(current)
            current[1].append(cell)
        elif cell.role is Role.TEST:
            if current is None:
                current = (name, [], [])
                groups.append(current)
            current[2].append(cell)
        elif cell.role in (Role.MANUAL, Role.TASK):
            groups.append((name, [cell], [cell]))
            current = None
    return [group for group in groups if group[2]]
