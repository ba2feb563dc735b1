"""What is prepared once for a notebook: leading cells and reference run, and which names come from whom.

In: a bundle's notebook and a shell in a fresh process. Out: `Ground` for the judge; the leading cells' outputs.
Names that solution cells bring belong to the student; so do names of the instructor's cells that use them.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import re
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from saiten.bundle import BundleCell, BundleNotebook, Role
from saiten.errors import EngineError
from saiten.grading.judge import Ground
from saiten.grading.rebuild import leading_cells
from saiten.grading.shell import CaptureShell, Output


@dataclass(slots=True)
class Brought:
    """What running a cell did to the namespace."""

    outputs: list[Output]
    names: dict[str, Any] = field(default_factory=dict)
    error: BaseException | None = None


def run_and_compare(shell: CaptureShell, source: str, name: str, count: int, limit: int) -> Brought:
    """Run a cell and tell which names it added or bound anew (those with a leading underscore are IPython's)."""
    names = shell.user_ns
    before = dict(names)
    ran = shell.run(source, name, count, limit)
    brought = {
        key: value
        for key, value in names.items()
        if not key.startswith("_") and key not in _SHELL_NAMES and before.get(key, _MISSING) is not value
    }
    return Brought(ran.outputs, brought, ran.error)


_MISSING = object()
_MAGIC_CALLS = frozenset({"run_line_magic", "run_cell_magic", "system", "getoutput"})
"""what IPython makes of magics and shell commands"""
_SHELL_NAMES = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open", "reference"})


def run_leading(shell: CaptureShell, notebook: BundleNotebook, limit: int) -> dict[str, Brought]:
    """Run the instructor's leading cells in the current namespace.

    Raises:
        EngineError: one of them failed; the reference run did not see that, so the machine differs.
    """
    done: dict[str, Brought] = {}
    for index in sorted(leading_cells(notebook)):
        cell = notebook.cells[index]
        ran = run_and_compare(shell, cell.release_source, f"cell {cell.grade_id or cell.id}", index + 1, limit)
        if ran.error is not None:
            raise EngineError(f"the instructor's cell {cell.grade_id or cell.id} failed: {ran.error!r}")
        done[cell.id] = ran
    return done


def prepare(shell: CaptureShell, notebook: BundleNotebook, limit: int) -> Ground:
    """Run leading cells, then the whole reference in a second namespace; the shell is left in the first one."""
    first = ModuleType("__main__")
    shell.use(first)
    leading = run_leading(shell, notebook, limit)
    second = ModuleType("__main__")
    second.__dict__.update({name: value for name, value in first.__dict__.items() if not name.startswith("_")})
    shell.use(second)
    brought: dict[str, dict[str, Any]] = {cell_id: ran.names for cell_id, ran in leading.items()}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or cell.id in leading or cell.role is Role.TEST:
            continue
        ran = run_and_compare(shell, cell.source, f"cell {cell.grade_id or cell.id}", index + 1, limit)
        if ran.error is not None and cell.role is Role.SOLUTION:
            raise EngineError(f"the reference solution of {cell.grade_id} failed: {ran.error!r}")
        brought[cell.id] = ran.names
    shell.use(first)
    remote, tainted = divide(notebook.cells, brought)
    for cell_id in tainted & set(leading):
        for name in remote.get(cell_id, ()):
            first.__dict__.pop(name, None)
    outputs = {cell_id: ran.outputs for cell_id, ran in leading.items()}
    return Ground(notebook, first, second, brought, tainted, remote, outputs)


def divide(
    cells: Iterable[BundleCell], brought: dict[str, dict[str, Any]]
) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    """Which names of which cell are the student's, and which cells of the instructor's depend on those.

    Modules, and what a cell imports from them, are never the student's: a test's `np` is the judge's own.
    """
    code = [cell for cell in cells if cell.cell_type == "code" and cell.role is not Role.TEST]
    remote: dict[str, tuple[str, ...]] = {}
    theirs: set[str] = set()
    for cell in code:
        if cell.role in (Role.SOLUTION, Role.MANUAL):
            remote[cell.id] = not_imported(cell.source, brought.get(cell.id, {}))
            theirs.update(remote[cell.id])
    tainted: set[str] = set()
    while True:
        size = len(theirs), len(tainted)
        for cell in code:
            if cell.role is Role.SETUP and cell.id not in tainted and names_used(cell.source) & theirs:
                tainted.add(cell.id)
                remote[cell.id] = not_imported(cell.source, brought.get(cell.id, {}))
                theirs.update(remote[cell.id])
        if (len(theirs), len(tainted)) == size:
            return remote, frozenset(tainted)


def not_imported(source: str, brought: Mapping[str, Any]) -> tuple[str, ...]:
    """Of the names that a cell brought, those that are its own work, sorted.

    Only an import statement makes something the library's: `loss = np.linalg.norm` and `predict = model.predict` are
    answers, though their values were defined elsewhere.
    """
    imported: set[str] = set()
    for node in _nodes(source):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            library = getattr(sys.modules.get(node.module or ""), "__dict__", {})
            imported.update(name for name, value in brought.items() if library.get(name) is value)
    return tuple(sorted(name for name, value in brought.items() if not is_library(value, name in imported)))


def is_library(value: Any, imported: bool) -> bool:
    """A module, or a function or class that was imported."""
    if isinstance(value, ModuleType):
        return True
    if not imported or not callable(value) or not hasattr(value, "__name__"):
        return False
    return getattr(value, "__module__", "__main__") not in ("__main__", None)


def test_imports(notebook: BundleNotebook) -> tuple[str, ...]:
    """Modules that test cells import, so that the judges inherit them."""
    found: dict[str, None] = {}
    for cell in notebook.cells:
        if cell.role is Role.TEST:
            for node in _nodes(cell.source):
                if isinstance(node, ast.Import):
                    found.update(dict.fromkeys(alias.name for alias in node.names))
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found[node.module] = None
    return tuple(found)


test_imports.__test__ = False  # type: ignore[attr-defined]


def import_all(names: Iterable[str]) -> None:
    """Import modules ahead of the cells that need them; what fails is left for those to say."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def names_used(source: str) -> frozenset[str]:
    """Every name that a cell mentions, functions' bodies included."""
    return frozenset(node.id for node in _nodes(source) if isinstance(node, ast.Name))


def _nodes(source: str) -> list[ast.AST]:
    """Syntax of a cell; what stands behind a magic (`%%time`, `%timeit -o f(x)`) is in there, too."""
    try:
        nodes = list(ast.walk(ast.parse(TransformerManager().transform_cell(source))))
    except (SyntaxError, ValueError):
        return []
    for node in list(nodes):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MAGIC_CALLS:
            texts = [item.value for item in node.args if isinstance(item, ast.Constant) and type(item.value) is str]
            for text in texts:
                nodes += _nodes(text) or [ast.Name(word) for word in re.findall(r"[^\W\d]\w*", text)]
    return nodes
