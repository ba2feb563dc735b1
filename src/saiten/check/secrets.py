"""What a hidden test knows: the numbers and texts that it gives to an answer, or holds an answer against.

In: a prepared assignment. Out: `Secrets`. The reference runs once more, with every argument and every side of a
comparison in the hidden part of its tests noted down; the code is the instructor's, so that needs no walls.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from saiten.build.bundle import Parts
from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role
from saiten.errors import EngineError
from saiten.grading.reference import ReferenceCell, ReferenceInput, run_reference
from saiten.grading.verdict import hidden_lines

_OUTPUT_KB = 64 << 10
_NOTE = "_saiten_note"
_COMPARED = 2
"""leading arguments of an `assert_...` function that are the answer and what it has to be; then come names and hints"""

_BEFORE = f"""
def {_NOTE}(value, texts, found={{"one": {{}}, "many": {{}}, "texts": {{}}}}, most_of_one=4096, most=400_000):
    import numbers
    import numpy
    waiting = [(value, "one", texts != "none")]
    while waiting and len(found["many"]) < most:
        each, kind, tells = waiting.pop()
        if hasattr(each, "detach"):
            each = each.detach().cpu().numpy()
        if isinstance(each, bool):
            continue
        if isinstance(each, numbers.Real):
            found[kind][float(each)] = None
        elif isinstance(each, numpy.ndarray) and each.dtype.kind in "fiu":
            found["one" if each.ndim == 0 else "many"].update(dict.fromkeys(each.ravel()[:most_of_one].tolist()))
        elif isinstance(each, str) and tells:
            found["texts"][each] = None
        elif isinstance(each, (list, tuple, set)):
            waiting += [(part, kind, texts == "all") for part in list(each)[:most_of_one]]
        elif isinstance(each, dict):
            waiting += [(part, kind, False) for part in list(each)[:most_of_one]]
            waiting += [(part, kind, texts == "all") for part in list(each.values())[:most_of_one]]
    return value
"""
_AFTER = f"""
import json, sys
sys.stdout.write(json.dumps({{kind: list(each) for kind, each in {_NOTE}.__defaults__[0].items()}}))
"""


@dataclass(frozen=True)
class Secrets:
    """Values of hidden tests."""

    single: NDArray[np.float64]
    """numbers that stand alone, or in a list or table of Python's; sorted, finite"""
    every: NDArray[np.float64]
    """those, and the elements of arrays; sorted, finite"""
    texts: frozenset[str]

    @classmethod
    def none(cls) -> Secrets:
        """Return no values: whoever has them looks for lines only."""
        return cls(_sorted(()), _sorted(()), frozenset())


def find_secrets(parts: Parts) -> Secrets:
    """Run the reference of every notebook, and note what its hidden tests ask and expect.

    Args:
        parts: the assignment, prepared; its tests hold for the reference.

    Raises:
        EngineError: the reference, which ran a moment ago, does not run any more.
    """
    found: dict[str, dict[float | str, None]] = {"one": {}, "many": {}, "texts": {}}
    for notebook in parts.bundle.notebooks:
        for kind, values in _noted(parts.bundle, notebook).items():
            found[kind].update(dict.fromkeys(values))
        for cell in notebook.cells:
            found["one"].update(dict.fromkeys(_literals(cell)))
    single = [float(each) for each in found["one"]]
    return Secrets(_sorted(single), _sorted([*single, *map(float, found["many"])]), frozenset(map(str, found["texts"])))


def _noted(bundle: Bundle, notebook: BundleNotebook) -> Mapping[str, Sequence[float | str]]:
    """What one notebook's hidden tests ask and expect."""
    answers = {name for cell in notebook.cells if cell.role is Role.SOLUTION for name in cell.brings}
    cells = [ReferenceInput("code", _BEFORE)]
    for cell in notebook.cells:
        test = cell.role is Role.TEST
        cells.append(ReferenceInput(cell.cell_type, noting(cell, answers) if test else cell.source, test=test))
    cells.append(ReferenceInput("code", _AFTER))
    limits = replace(bundle.limits, output_kb=_OUTPUT_KB)
    files = {**bundle.files, **bundle.hidden_files}
    ran = run_reference(cells, files=files, imports=notebook.imports, limits=limits)
    failed = next((cell.error for cell in (ran[0], ran[-1]) if cell.error), "")
    if failed:
        raise EngineError(f"the values of hidden tests could not be noted: {failed}")
    values: Mapping[str, Sequence[float | str]] = json.loads(_printed(ran[-1]))
    return values


def _printed(cell: ReferenceCell) -> str:
    return "".join(str(output.get("text", "")) for output in cell.outputs)


def noting(cell: BundleCell, answers: set[str]) -> str:
    """Write a test cell so that its hidden part notes what it asks and expects.

    Args:
        cell: of a bundle.
        answers: names that solution cells bring.

    Returns:
        the cell's text, as it is if it hides nothing or is not plain Python.
    """
    hidden = hidden_lines(cell)
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        return cell.source
    return ast.unparse(ast.fix_missing_locations(_Noting(hidden, answers).visit(tree))) if hidden else cell.source


class _Noting(ast.NodeTransformer):
    """Passes values through the function that notes them."""

    def __init__(self, hidden: frozenset[int], answers: set[str]) -> None:
        self._hidden, self._answers = hidden, answers

    def visit_Call(self, node: ast.Call) -> ast.expr:
        line = node.lineno
        self.generic_visit(node)
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if line not in self._hidden:
            return node
        if name in self._answers:
            node.args = [each if isinstance(each, ast.Starred) else _through(each) for each in node.args]
            for keyword in node.keywords:
                keyword.value = _through(keyword.value) if keyword.arg else keyword.value
            theirs = isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "reference"
            return _through(node) if theirs else node
        if name.startswith("assert_") and not any(isinstance(each, ast.Starred) for each in node.args):
            compared = [_through(each, texts="none") for each in node.args[:_COMPARED]]
            node.args = [*compared, *node.args[_COMPARED:]]
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        line = node.lineno
        self.generic_visit(node)
        if line in self._hidden:
            lookup = any(isinstance(each, ast.In | ast.NotIn) for each in node.ops)  # which part it is, not what it is
            texts = "none" if lookup else "alone"
            node.left = _through(node.left, texts=texts)
            node.comparators = [_through(each, texts=texts) for each in node.comparators]
        return node


def _through(node: ast.expr, *, texts: str = "all") -> ast.expr:
    """Write the call that notes a value; of its texts all, one that stands alone (sets of names are none), or none."""
    return ast.Call(ast.Name(_NOTE, ast.Load()), [node, ast.Constant(texts)], [])


def _literals(cell: BundleCell) -> list[float]:
    """Numbers with a decimal point that are written in the hidden part of a test."""
    hidden = hidden_lines(cell) if cell.role is Role.TEST else frozenset()
    try:
        nodes = list(ast.walk(ast.parse(cell.source))) if hidden else []
    except SyntaxError:
        return []
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and node.lineno in hidden
    ]


def _sorted(values: Sequence[float]) -> NDArray[np.float64]:
    return np.unique(np.asarray([each for each in values if math.isfinite(each)], dtype=np.float64))
