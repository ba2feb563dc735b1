"""Operators on calls: a function taken for its neighbour, a call forgotten, a keyword argument forgotten.

In: calls. Out: changes of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from saiten.mutate.arithmetic import is_number
from saiten.mutate.arrays import whole_number, without_keyword
from saiten.mutate.cell import Cell, Change, called_name
from saiten.mutate.scope import is_list, is_method
from saiten.mutate.table import operator
from saiten.mutate.vocabulary import (
    AXIS_KEYWORDS,
    BUILTIN_NEIGHBOURS,
    FORGETTABLE,
    METHODS,
    NEIGHBOURS,
    NEVER_METHODS,
    TUNING,
    WITHOUT_EFFECT,
)


@operator("function", ast.Call, "np.argmin(errors)", "np.argmax(errors)")
def other_function(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """A function taken for its neighbour: min for max, sum for mean, zeros for ones, floor for ceil."""
    name = called_name(node)
    if isinstance(node.func, ast.Name):
        for other in BUILTIN_NEIGHBOURS.get(name, ()):
            if name != "int" or not _is_whole_already(node):
                yield cell.rename(node.func, other)
    elif isinstance(node.func, ast.Attribute):
        method = is_method(node)
        if method and (name not in METHODS or isinstance(cell.parent(node), ast.Expr)):
            return
        if name in ("tile", "repeat") and any(isinstance(each, ast.Tuple) for each in node.args):
            return
        if name in ("zeros", "ones", "zeros_like", "ones_like") and _is_filled(node, cell):
            return
        for other in NEIGHBOURS.get(name, ()):
            if not method or other in METHODS:
                yield cell.rename(node.func, other)


def _is_whole_already(node: ast.Call) -> bool:
    """Tell whether `int(...)` holds what is a whole number anyway."""
    if len(node.args) != 1:
        return True
    inner = node.args[0]
    return not isinstance(inner, ast.BinOp) or not any(isinstance(e, ast.Div | ast.Mult) for e in ast.walk(inner))


def _is_filled(node: ast.Call, cell: Cell) -> bool:
    """Tell whether what an array begins with is written over: `out[i, j] = ...` in a loop, and nothing added to it."""
    assigned = cell.parent(node)
    if not isinstance(assigned, ast.Assign) or not isinstance(assigned.targets[0], ast.Name):
        return False
    name = assigned.targets[0].id
    filled = False
    for each in ast.walk(cell.function(node) or cell.tree):
        if not isinstance(each, ast.Assign | ast.AugAssign):
            continue
        target: ast.expr = each.target if isinstance(each, ast.AugAssign) else each.targets[0]
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and target.value.id == name:
            if isinstance(each, ast.AugAssign):
                return False
            filled = filled or any(isinstance(above, ast.For) for above in cell.ancestors(each))
    return filled


@operator("call", ast.Call, "y = np.abs(x)", "y = x")
def forgotten_call(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """A call forgotten, its first argument, or the object of its method, taken as it is."""
    name = called_name(node)
    if name not in FORGETTABLE or isinstance(cell.parent(node), ast.Expr):
        return
    if is_method(node) and name not in NEVER_METHODS and isinstance(node.func, ast.Attribute):
        kept: ast.expr = node.func.value
    elif node.args and not isinstance(node.args[0], ast.Starred):
        kept = node.args[0]
    else:
        return
    assigned = cell.parent(node)
    if isinstance(assigned, ast.Assign) and ast.unparse(assigned.targets[0]) == ast.unparse(kept):
        return  # `x = x` is the statement dropped
    if name in ("array", "asarray") and isinstance(kept, ast.Name) and is_list(kept.id, node, cell):
        return  # a list of numbers is as good as an array to every comparison
    literal = isinstance(kept, ast.Constant | ast.List | ast.Tuple | ast.ListComp | ast.GeneratorExp)
    if literal and name not in ("sorted", "reversed", "array", "asarray"):
        return
    yield cell.replace(node, kept)
    if name in ("maximum", "minimum") and len(node.args) == 2 and not is_number(node.args[1]):
        yield cell.replace(node, node.args[1])


@operator(
    "solver",
    ast.Call,
    "w, *_ = np.linalg.lstsq(X, y, rcond=None)",
    "w, *_ = (np.linalg.solve(X.T @ X, X.T @ y), 0, 0, 0)",
)
def normal_equations(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """The normal equations, which lose half of the digits and fail where columns depend on each other."""
    if called_name(node) != "lstsq" or len(node.args) != 2 or not isinstance(node.func, ast.Attribute):
        return
    X, y = node.args
    transposed = ast.Attribute(X, "T", ast.Load())
    square, right = ast.BinOp(transposed, ast.MatMult(), X), ast.BinOp(transposed, ast.MatMult(), y)
    linalg = node.func.value
    solved = ast.Call(ast.Attribute(linalg, "solve", ast.Load()), [square, right], [])
    inverted = ast.Call(ast.Attribute(linalg, "inv", ast.Load()), [square], [])
    rest = [ast.Constant(0)] * 3
    yield cell.replace(node, ast.Tuple([solved, *rest], ast.Load()))
    yield cell.replace(node, ast.Tuple([ast.BinOp(inverted, ast.MatMult(), right), *rest], ast.Load()))


@operator("where", ast.Call, "np.where(c, a, b)", "np.where(c, b, a)")
def other_side(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """The sides of `where` exchanged, or one of them everywhere."""
    if called_name(node) == "where" and len(node.args) == 3:
        condition, yes, no = node.args
        edit = _exchange(yes, no, cell)
        yield cell.replace(node, ast.Call(node.func, [condition, no, yes], node.keywords), edit)
        for side in (yes, no):
            if not is_number(side) and whole_number(side) is None:
                yield cell.replace(node, side)


@operator("keyword", ast.Call, "sorted(xs, key=f)", "sorted(xs)")
def forgotten_keyword(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """A keyword argument forgotten."""
    for keyword in node.keywords:
        own = keyword.arg in AXIS_KEYWORDS | TUNING | WITHOUT_EFFECT | {
            "rcond",
            "keepdims",
            "keepdim",
            "reverse",
            "ddof",
        }
        flag = isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool | None)
        if keyword.arg is not None and not own and not flag:
            yield without_keyword(node, keyword, cell)


@operator(
    "enumerate", ast.Call, "for i, x in enumerate(xs):\n    f(i, x)", "for i, x in enumerate(xs, 1):\n    f(i, x)"
)
def counted_from_one(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """Counted from 1."""
    if called_name(node) == "enumerate" and len(node.args) == 1 and not node.keywords:
        end = cell.end(node.args[0])
        counted = ast.Call(node.func, [*node.args, ast.Constant(1)], [])
        yield cell.replace(node, counted, (end, end, ", 1"))


def _exchange(one: ast.expr, other: ast.expr, cell: Cell) -> tuple[int, int, str]:
    between = cell.text[cell.end(one) : cell.start(other)]
    return cell.start(one), cell.end(other), cell.source(other) + between + cell.source(one)
