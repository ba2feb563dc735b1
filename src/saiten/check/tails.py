"""Notebooks that begin just before a question: what a wrong answer there can change, and nothing else.

In: a bundle with its reference run. Out: for each question a `Tail`: everything before it has become set-up code that
runs once and is forked from; the question, and later ones that use its names, are as they were.
A submission that differs from the reference only in one question is then marked in the time of that question.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from saiten.answers import question_keys
from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role, questions
from saiten.check.order import blocks
from saiten.grading.scope import free_names

_QUICK_SECONDS = 0.2
"""A leading cell that brings no name and takes longer only draws."""


@dataclass(frozen=True)
class Tail:
    """One question of an assignment's notebook, and the later ones that use its names."""

    question: str
    """key of the question, see `saiten.answers.question_keys`"""
    notebook: BundleNotebook
    solutions: tuple[BundleCell, ...]
    """the question's solution cells"""
    tests: tuple[BundleCell, ...]
    original: str
    """name of the assignment's notebook"""


def make_tails(
    bundle: Bundle,
    seconds: Mapping[str, Mapping[str, float]],
    *,
    prune: bool = True,
    wanted: Mapping[str, set[str]] | None = None,
) -> list[Tail]:
    """Make the tail of every question that is marked automatically.

    Args:
        bundle: the assignment.
        seconds: notebook to id of a cell to the time that it took in the reference run.
        prune: leave out set-up cells (figures, demonstrations) whose names nothing needs. What such a cell changes in
            other ways is missing then: try the reference first, and take all cells if it does not get full marks.
        wanted: question to names that are needed in any case: planted answers may use others than the reference.
    """
    keys = question_keys(bundle)
    tails = []
    for notebook in bundle.notebooks:
        members = question_members(notebook)
        for name, tests in questions(notebook):
            if name in members and all(cell.role is Role.TEST for cell in tests):
                key = keys[notebook.name, name]
                cells = _from_question(notebook, members[name])
                if prune:
                    cells = _needed(cells, seconds[notebook.name], set((wanted or {}).get(key, ())))
                mark = "@" if prune else "@@"
                made = replace(notebook, name=f"{notebook.name}{mark}{name}", cells=tuple(cells))
                tails.append(Tail(key, made, tuple(members[name]), tuple(tests), notebook.name))
    return tails


def question_members(notebook: BundleNotebook) -> dict[str, list[BundleCell]]:
    """Question to its solution cells; one that has none is absent."""
    found: dict[str, list[BundleCell]] = {}
    waiting: list[BundleCell] = []
    owner = {cell.id: name for name, cells in questions(notebook) for cell in cells}
    for cell in notebook.cells:
        if cell.role is Role.SOLUTION:
            waiting.append(cell)
        elif cell.id in owner and waiting:
            found.setdefault(owner[cell.id], []).extend(waiting)
            waiting = []
    return found


def _from_question(notebook: BundleNotebook, solutions: Sequence[BundleCell]) -> list[BundleCell]:
    begin = next(index for index, cell in enumerate(notebook.cells) if cell.id == solutions[0].id)
    before = [cell for cell in notebook.cells[:begin] if cell.cell_type == "code" and cell.role is not Role.TEST]
    # what a person marks (a picture) is the student's, and decides nothing here
    rest = [cell for cell in _touched(notebook, begin) if cell.cell_type == "code" and cell.role is not Role.MANUAL]
    return [*map(_as_setup, before), *rest]


def _touched(notebook: BundleNotebook, begin: int) -> list[BundleCell]:
    """The question that begins there, and every later one that uses a name that it brings, directly or not."""
    cells: list[BundleCell] = []
    names: set[str] = set()
    for block in blocks(notebook)[1]:
        own = block[0].id == notebook.cells[begin].id
        if own or names & free_names(block):
            cells += block
            names |= _brought(block, names, everything=own)
    return cells


def _brought(block: Sequence[BundleCell], names: set[str], *, everything: bool) -> set[str]:
    """Names of a block that depend on `names`, or on its solution cells (of the first block all of those count)."""
    found: set[str] = set()
    for cell in block:
        if cell.cell_type != "code" or cell.role is Role.TEST:
            continue
        if (everything and cell.role is Role.SOLUTION) or free_names([cell]) & (names | found):
            found.update(cell.brings)
    return found


def _as_setup(cell: BundleCell) -> BundleCell:
    return replace(cell, role=Role.SETUP, locked=True, points=0.0, release_source=cell.source)


def _needed(cells: Sequence[BundleCell], seconds: Mapping[str, float], wanted: set[str]) -> list[BundleCell]:
    """Keep the set-up cells that import, or that bring or change something that a later cell names."""
    kept: list[BundleCell] = []
    begun = True  # from the end: behind the first cell that is not set-up
    for index in reversed(range(len(cells))):
        cell = cells[index]
        begun = begun and any(each.role is not Role.SETUP for each in cells[:index])
        silent = not begun and not cell.brings and seconds.get(cell.id, 0.0) < _QUICK_SECONDS
        needed = bool(wanted.intersection(cell.brings)) or _works_on(cell.source, wanted)
        if cell.role is not Role.SETUP or silent or needed or (not begun and _imports(cell.source)):
            kept.append(cell)
            wanted |= free_names([cell])
    return kept[::-1]


def _imports(source: str) -> bool:
    """Whether a cell imports something: any answer may use that."""
    try:
        return any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(source).body)
    except SyntaxError:
        return True


def _works_on(source: str, wanted: set[str]) -> bool:
    """Whether a statement at the top of a cell assigns into a named object, or calls a method of it for its effect."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # IPython's own syntax: better kept
        return True
    for node in statements:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign):
            targets = [node.target]
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            targets = [node.value.func]
        for target in targets:
            if isinstance(target, ast.Attribute | ast.Subscript) and _base(target) in wanted - _MODULES:
                return True
    return False


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


_MODULES = frozenset({"plt", "np", "torch", "mpl", "sns", "cv2", "pd"})
"""What a notebook calls by these names is a library: a call of it works on nothing of the notebook's."""
