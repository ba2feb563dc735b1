"""What is prepared once for a notebook: leading cells and reference run, and which names come from whom.

In: a bundle's notebook and a shell in a fresh process. Out: `Ground` for the judge; the leading cells' outputs.
Names that solution cells bring belong to the student; so do names of the instructor's cells that use them.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import copy
import hashlib
import importlib
import io
import pickle
import random
import struct
import sys
import warnings
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import cloudpickle
import numpy as np

from saiten.bundle import BundleCell, BundleNotebook, Role
from saiten.errors import EngineError
from saiten.grading.names import Ground
from saiten.grading.rebuild import leading_cells
from saiten.grading.scope import names_bound, names_in_functions, names_used, parsed, syntax
from saiten.grading.shell import CaptureShell, Output, without_pictures


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
    own = {name: value for name, value in first.__dict__.items() if not name.startswith("_")}
    second.__dict__.update(copies(own))  # what the reference changes in place must not be changed for the tests
    shell.use(second)
    brought: dict[str, dict[str, Any]] = {cell_id: ran.names for cell_id, ran in leading.items()}
    objects = _Objects(second.__dict__)
    changed: dict[str, tuple[str, ...]] = {}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or cell.id in leading or cell.role is Role.TEST:
            continue
        with without_pictures(shell):  # nobody sees those of the reference run
            ran = run_and_compare(shell, cell.source, f"cell {cell.grade_id or cell.id}", index + 1, limit)
        if ran.error is not None and cell.role is Role.SOLUTION:
            raise EngineError(f"the reference solution of {cell.grade_id} failed: {ran.error!r}")
        changed[cell.id] = objects.changed_by(ran.names)
        worked_on = {name: second.__dict__[name] for name in changed[cell.id]}
        brought[cell.id] = copies({**ran.names, **worked_on}) if cell.role is Role.SETUP else ran.names
    shell.use(first)
    remote, tainted = divide(notebook.cells, brought, changed)
    for cell_id in tainted & set(leading):
        for name in remote.get(cell_id, ()):
            first.__dict__.pop(name, None)
    outputs = {cell_id: ran.outputs for cell_id, ran in leading.items()}
    functions = {
        cell.id: own_functions(cell.source, remote[cell.id])
        for cell in notebook.cells
        if cell.id in tainted and cell.id not in leading
    }
    shared, confiding = names_shared(notebook.cells), tests_that_confide(notebook.cells, second.__dict__, remote)
    return Ground(notebook, first, second, brought, tainted, remote, outputs, functions, shared, confiding)


class _Objects:
    """The instructor's objects, to tell which of them a cell changed in place."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names
        self._prints: dict[str, bytes] = {}
        self.changed_by(())

    def changed_by(self, brought: Iterable[str]) -> tuple[str, ...]:
        """Names whose objects are not what they were at the last call, but for those that were bound anew."""
        bound, changed = set(brought), []
        for name, value in self._names.items():
            if name.startswith("_") or isinstance(value, _NEVER_CHANGED):
                continue
            print_ = fingerprint(value)
            if name in self._prints and name not in bound and self._prints[name] != print_:
                changed.append(name)
            self._prints[name] = print_
        return tuple(sorted(changed))


_PLAIN = (ModuleType, FunctionType, BuiltinFunctionType, type, int, float, complex, str, bytes, tuple, type(None))
_RANDOM = (random.Random, np.random.Generator, np.random.RandomState)  # drawing from one is no work on it
_NEVER_CHANGED = (*_PLAIN, *_RANDOM)


def fingerprint(value: Any) -> bytes:
    """What tells an object from itself before a change; arrays are read where they are, not copied."""
    buffers: list[pickle.PickleBuffer] = []
    content = io.BytesIO()
    try:
        _Print(content, protocol=5, buffer_callback=buffers.append).dump(value)
        return b"".join([hashlib.blake2b(content.getbuffer(), digest_size=16).digest(), *map(_checksum, buffers)])
    except Exception:  # nothing that could be compared, or sent
        return b""


def _checksum(buffer: pickle.PickleBuffer) -> bytes:
    # four times as fast as a hash, for the hundred megabytes of a model and its pictures; nobody here forges collisions
    raw = buffer.raw()
    return struct.pack("<QI", raw.nbytes, zlib.crc32(raw))


class _Print(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles what shall only be compared: a tensor is its array."""

    def reducer_override(self, value: Any) -> Any:
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.Tensor):
            with contextlib.suppress(TypeError, RuntimeError):  # bfloat16, sparse, of a GPU: as torch pickles them
                return str, (value.detach().numpy(), value.requires_grad)
        return super().reducer_override(value)


def copies(names: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, copied where they can be: modules, functions and classes stay, objects become others."""
    memo: dict[int, Any] = {}
    copied: dict[str, Any] = {}
    for name, value in names.items():
        kind = type(value)
        drawing = kind.__module__.startswith("matplotlib") or (isinstance(value, np.ndarray) and value.dtype.hasobject)
        try:  # a copy of a figure would be shown once more
            copied[name] = value if drawing else copy.deepcopy(value, memo)
        except Exception:  # a generator, an open file, a lock: there is only one of them
            copied[name] = value
    return copied


def own_functions(source: str, remote: Iterable[str]) -> CodeType | None:
    """Code that defines a set-up cell's functions once more, with the judge: nothing of a test's may be replaceable.

    A helper such as `check(f)` beside a demonstration is the instructor's, though the demonstration uses an answer.
    """
    kept: list[ast.stmt] = [node for node in _functions(source) if node.name not in remote]
    return compile(ast.Module(kept, []), "<instructor's functions>", "exec") if kept else None


def _functions(source: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Function definitions of a cell that compute nothing when they are made."""
    tree = parsed(source)
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)] if tree else []
    plain = []
    for node in found:
        made = [*node.decorator_list, *node.args.defaults, *(item for item in node.args.kw_defaults if item)]
        if not any(isinstance(part, ast.Call) for item in made for part in ast.walk(item)) and not node.decorator_list:
            plain.append(node)
    return plain


def _function_names(source: str) -> frozenset[str]:
    """Functions that a cell defines and does not bind to anything else."""
    tree = parsed(source)
    if tree is None:
        return frozenset()
    defined = {node.name for node in _functions(source)}
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return frozenset(defined - stored)


def divide(
    cells: Iterable[BundleCell],
    brought: Mapping[str, Mapping[str, Any]],
    changed: Mapping[str, tuple[str, ...]],
) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    """Which names of which cell are the student's, and which cells of the instructor's depend on those.

    Modules, and what a cell imports from them, are never the student's: a test's `np` is the judge's own. An object of
    the instructor's that a cell with answers changes in place (a model that is trained) is the student's from there on.
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
        worked_on: set[str] = set()
        for cell in code:
            if cell.role is not Role.SETUP or cell.id in tainted:
                both = {*remote[cell.id], *changed.get(cell.id, ())}
                worked_on.update(changed.get(cell.id, ()))
                remote[cell.id] = tuple(sorted(both))
            elif names_used(cell.source) & (theirs | worked_on):
                tainted.add(cell.id)
                mine = _function_names(cell.source)
                found = not_imported(cell.source, brought.get(cell.id, {}))
                remote[cell.id] = tuple(name for name in found if name not in mine)
                theirs.update((*remote[cell.id], *mine))  # who calls such a function uses an answer, too
        if (len(theirs), len(tainted)) == size:
            return remote, frozenset(tainted)


def not_imported(source: str, brought: Mapping[str, Any]) -> tuple[str, ...]:
    """Of the names that a cell brought, those that are its own work, sorted.

    Only an import statement makes something the library's: `loss = np.linalg.norm` and `predict = model.predict` are
    answers, though their values were defined elsewhere.
    """
    imported: set[str] = set()
    for node in syntax(source):
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


def names_shared(cells: Iterable[BundleCell]) -> frozenset[str]:
    """Names of the notebook that functions and classes of the reference read when they are called.

    A test that binds such a name anew, or deletes it, does so for the student's code; any other name of a test's is
    its own, even if an answer happens to bring the same.
    """
    shared: set[str] = set()
    for cell in cells:
        if cell.cell_type == "code" and cell.role is not Role.TEST:
            shared |= names_in_functions(cell.source)
    return frozenset(shared)


def tests_that_confide(
    cells: Iterable[BundleCell], names: Mapping[str, Any], remote: Mapping[str, Iterable[str]]
) -> frozenset[str]:
    """Ids of test cells whose data tests behind later code use as well: an answer to these must not remember them."""
    theirs = {name for group in remote.values() for name in group}
    tools = {name for name, value in names.items() if isinstance(value, ModuleType) or callable(value)}
    place, uses = 0, []
    for cell in cells:
        if cell.cell_type == "code" and cell.role is not Role.TEST:
            place += 1
        elif cell.role is Role.TEST and not cell.in_student:
            read = names_used(cell.source) - theirs - tools - {"reference"} - set(vars(builtins))
            uses.append((place, cell.id, read, read | names_bound(cell.source)))
    return frozenset(
        cell_id
        for place, cell_id, _, passed in uses
        if any(later > place and not passed.isdisjoint(read) for later, _, read, _ in uses)
    )


def test_imports(notebook: BundleNotebook) -> tuple[str, ...]:
    """Modules that test cells import, so that the judges inherit them."""
    found: dict[str, None] = {}
    for cell in notebook.cells:
        if cell.role is Role.TEST:
            for node in syntax(cell.source):
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
