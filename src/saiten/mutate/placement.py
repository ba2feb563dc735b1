"""Operators on places: a line indented too far or too little, done twice, or in the opposite order.

In: loops, statements, and calls that put things in order. Out: changes of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from saiten.mutate.arithmetic import is_number
from saiten.mutate.cell import Cell, Change, called_name
from saiten.mutate.scope import bound_names
from saiten.mutate.table import operator
from saiten.mutate.vocabulary import words

_ADDS_UP = words("append extend add insert update")
_STARTS = words("zeros zeros_like ones list dict set zero_grad clear")
_MOVABLE = (ast.Assign, ast.AugAssign, ast.Expr)


@operator(
    "indentation", ast.For, "for x in xs:\n    y = f(x)\n    ys.append(y)", "for x in xs:\n    y = f(x)\nys.append(y)"
)
def left_the_loop(node: ast.For, cell: Cell) -> Iterator[Change]:
    """The last line of a loop's body indented too little: it runs once, behind the loop."""
    last = node.body[-1]
    if len(node.body) > 1 and isinstance(last, _MOVABLE) and not node.orelse and not cell.is_frozen(last):
        yield from _indented(last, node, cell)


@operator("indentation", ast.stmt, "for x in xs:\n    y += x\ny /= n", "for x in xs:\n    y += x\n    y /= n")
def entered_the_loop(node: ast.stmt, cell: Cell) -> Iterator[Change]:
    """The line behind a loop indented too far: it runs in every round."""
    before = _neighbour(node, cell, -1)
    if not isinstance(before, ast.For) or before.orelse:
        return
    uses_itself = isinstance(node, ast.Assign) and {n for t in node.targets for n in bound_names(t)} & _loaded(
        node.value
    )
    if isinstance(node, ast.AugAssign | ast.Expr) or uses_itself:
        yield from _indented(node, before.body[0], cell)


@operator(
    "indentation",
    ast.For,
    "for x in xs:\n    s = 0\n    for y in x:\n        s += y",
    "s = 0\nfor x in xs:\n    for y in x:\n        s += y",
)
def begun_before_the_loop(node: ast.For, cell: Cell) -> Iterator[Change]:
    """What every round begins with, done only once: a sum that is not set back, gradients that add up."""
    first = node.body[0]
    if len(node.body) < 2 or first.lineno == node.lineno or not _starts_something(first):
        return
    if set(bound_names(node.target)) & _loaded(first):
        return
    start, end = cell.start(node), cell.line_end(first)
    head = cell.text[start : cell.offset(first.lineno, 0)]
    line = cell.text[cell.start(first) : end]
    if "\n" not in line:
        text = f"{line}\n{cell.indentation(node)}{head}".rstrip()
        yield Change(start, end, text, first)


@operator("twice", ast.AugAssign, "total += x", "total += x; total += x")
def done_twice(node: ast.AugAssign, cell: Cell) -> Iterator[Change]:
    """An update done twice."""
    yield _repeated(node, cell)


@operator("twice", ast.Expr, "xs.append(x)", "xs.append(x); xs.append(x)")
def called_twice(node: ast.Expr, cell: Cell) -> Iterator[Change]:
    """The same for a call that adds something."""
    if isinstance(node.value, ast.Call) and called_name(node.value) in _ADDS_UP:
        yield _repeated(node, cell)


@operator("reversed", ast.Call, "order = np.argsort(x)", "order = np.argsort(x)[::-1]")
def reversed_order(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """What is put in order, or counted up, the other way round."""
    name = called_name(node)
    backwards = ast.Slice(step=ast.UnaryOp(ast.USub(), ast.Constant(1)))
    parent = cell.parent(node)
    if name == "arange" and len(node.args) > 1 and isinstance(node.args[0], ast.UnaryOp):
        return  # from -r to r: the same both ways, but for the sign
    if isinstance(parent, ast.Subscript) and isinstance(parent.slice, ast.Slice) and parent.slice.step is not None:
        return  # `slice` takes the reversal away
    if any(each.arg == "reverse" for each in node.keywords) or isinstance(parent, ast.For | ast.Expr):
        return
    if name in ("argsort", "arange", "sorted", "sort"):
        yield cell.replace(node, ast.Subscript(node, backwards, ast.Load()))


@operator("reversed", ast.List, "[0.3, 0.6, 0.1]", "[0.1, 0.6, 0.3]")
def reversed_coefficients(node: ast.List, cell: Cell) -> Iterator[Change]:
    """Coefficients in the opposite order: convolution for correlation, BGR for RGB."""
    numbers = [each.operand if isinstance(each, ast.UnaryOp) else each for each in node.elts]
    if len(numbers) > 1 and all(is_number(each) for each in numbers) and isinstance(node.ctx, ast.Load):
        yield cell.replace(node, ast.List(node.elts[::-1], ast.Load()))


def _repeated(node: ast.stmt, cell: Cell) -> Change:
    return Change(cell.end(node), cell.end(node), f"; {cell.source(node)}", node)


def _starts_something(node: ast.stmt) -> bool:
    """Tell whether a statement sets something to what it begins with: `total = 0`, `rows = []`, `zero_grad()`."""
    if not isinstance(node, ast.Assign | ast.Expr):
        return False
    value = node.value
    if isinstance(value, ast.Call):
        return called_name(value) in _STARTS
    return isinstance(node, ast.Assign) and isinstance(value, ast.Constant | ast.List | ast.Dict)


def _neighbour(node: ast.stmt, cell: Cell, step: int) -> ast.stmt | None:
    """Return the statement before or behind another one in the same block."""
    for _, block in ast.iter_fields(cell.parent(node)):
        if isinstance(block, list) and node in block:
            place = block.index(node) + step
            return block[place] if 0 <= place < len(block) else None
    return None


def _loaded(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _indented(node: ast.stmt, model: ast.stmt, cell: Cell) -> Iterator[Change]:
    """Yield the change that indents a statement as another one; none if it does not have its lines to itself."""
    if cell.indentation(node).strip() or cell.indentation(model).strip() or node.lineno != node.end_lineno:
        return
    start = cell.offset(node.lineno, 0)
    yield Change(start, cell.start(node), cell.indentation(model), node)
