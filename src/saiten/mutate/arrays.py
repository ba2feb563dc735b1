"""Operators on arrays: axes, slices, indices, ranges, new axes, transposes, shapes, dtypes.

In: subscripts, keyword arguments and calls as NumPy and torch have them. Out: changes of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from saiten.mutate.arithmetic import is_number
from saiten.mutate.cell import Cell, Change, called_name
from saiten.mutate.constants import number
from saiten.mutate.scope import is_method
from saiten.mutate.table import operator
from saiten.mutate.vocabulary import AXIS_KEYWORDS, DTYPES, words

_BY_AXIS = words("squeeze unsqueeze expand_dims softmax log_softmax cumsum")
"""functions whose axis also stands without a keyword"""
_SHAPES = words("zeros ones full reshape view tile broadcast_to expand repeat")
_PERMUTING = words("transpose permute swapaxes moveaxis")


def whole_number(node: ast.AST | None) -> int | None:
    """Return the value of a whole number as it is written, negative ones too; None for anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = whole_number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    return None


@operator("axis", ast.keyword, "x.mean(axis=0)", "x.mean(axis=1)")
def other_axis(node: ast.keyword, cell: Cell) -> Iterator[Change]:
    """Along another axis, or along all of them."""
    if node.arg not in AXIS_KEYWORDS:
        return
    yield from _other_axis(node.value, cell)
    call = cell.parent(node)
    if isinstance(call, ast.Call) and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield without_keyword(call, node, cell)


@operator("axis", ast.Call, "x.squeeze(1)", "x.squeeze(0)")
def other_axis_by_position(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """The same, where the axis is a plain argument."""
    name = called_name(node)
    axes = {"expand_dims": 1}.get(name, 0 if is_method(node) else 1)
    if name in _BY_AXIS and len(node.args) > axes:
        yield from _other_axis(node.args[axes], cell)


def _other_axis(value: ast.expr, cell: Cell) -> Iterator[Change]:
    axis = whole_number(value)
    if axis is not None:
        for other in {0: (1,), 1: (0,), -1: (0,), -2: (-1,)}.get(axis, (axis - 1,)):
            yield cell.replace(value, number(other))
    elif isinstance(value, ast.Tuple) and len(value.elts) > 1:
        yield cell.replace(value, value.elts[0])
        yield cell.replace(value, value.elts[-1])


def without_keyword(call: ast.Call, keyword: ast.keyword, cell: Cell) -> Change:
    """Return the change that takes a keyword argument away, with the comma before it."""
    rest = ast.Call(call.func, call.args, [each for each in call.keywords if each is not keyword])
    arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    before = [each for each in arguments if cell.end(each) <= cell.start(keyword)]
    if before:
        start = max(map(cell.end, before))
        edit = (start, cell.end(keyword), cell.text[start : cell.start(keyword)].split(",")[0].rstrip())
    else:
        edit = (cell.start(keyword), cell.end(keyword), "")
    return cell.replace(call, rest, edit)


@operator("slice", ast.Slice, "x[:-1]", "x[1:]")
def other_slice(node: ast.Slice, cell: Cell) -> Iterator[Change]:
    """A slice one off at either end, the other half, not reversed, or with every element."""
    if node.step is not None:
        yield cell.replace(node, ast.Slice(node.lower, node.upper))
        step = whole_number(node.step)
        if step is not None and step > 1:
            yield cell.replace(node.step, number(step + 1))
        elif step is None:
            yield from _one_more(node.step, cell)
    if node.lower is not None:
        yield from _moved(node, "lower", cell)
    if node.upper is not None:
        yield from _moved(node, "upper", cell)
    if node.upper is not None and node.lower is None and node.step is None:
        value = whole_number(node.upper)
        other = node.upper if value is None or value >= 0 else number(-value)
        yield cell.replace(node, ast.Slice(lower=other))
    elif node.lower is not None and node.upper is None and node.step is None:
        value = whole_number(node.lower)
        other = node.lower if value is None or value < 0 else number(-value)
        yield cell.replace(node, ast.Slice(upper=other))


def _moved(node: ast.Slice, end: str, cell: Cell) -> Iterator[Change]:
    bound = node.lower if end == "lower" else node.upper
    if bound is None:
        return
    value = whole_number(bound)
    if value is None:
        if end == "upper" and not isinstance(bound, ast.UnaryOp):
            yield cell.replace(bound, ast.BinOp(bound, ast.Sub(), ast.Constant(1)))
        if not isinstance(bound, ast.BinOp):
            yield from _one_more(bound, cell)
        return
    if (value == 0 and end == "lower") or (value == -1 and end == "upper"):
        yield cell.replace(bound, number(1 if value == 0 else -2))
        without = ast.Slice(None if end == "lower" else node.lower, node.upper if end == "lower" else None, node.step)
        if value == -1:
            yield cell.replace(node, without)
        return
    yield cell.replace(bound, number(value + 1 if value != -1 else -2))
    yield cell.replace(bound, number(value - 1 if value != -1 else 0))


def _one_more(bound: ast.expr, cell: Cell) -> Iterator[Change]:
    yield cell.replace(bound, ast.BinOp(bound, ast.Add(), ast.Constant(1)))


@operator("index", ast.Subscript, "y = x.shape[0]", "y = x.shape[1]")
def other_index(node: ast.Subscript, cell: Cell) -> Iterator[Change]:
    """The element beside the right one."""
    if _stands_in_type(node, cell):
        return
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for part in parts:
        value = whole_number(part)
        if value is not None:
            yield cell.replace(part, number({0: 1, -1: 0, -2: -1}.get(value, value - 1)))


@operator("index", ast.Subscript, "image[row, column]", "image[column, row]")
def exchanged_indices(node: ast.Subscript, cell: Cell) -> Iterator[Change]:
    """Rows for columns."""
    if not isinstance(node.slice, ast.Tuple):
        return
    elements = node.slice.elts
    for place in range(len(elements) - 1):
        one, other = elements[place], elements[place + 1]
        if ast.dump(one) == ast.dump(other):
            continue
        moved = ast.Tuple([*elements[:place], other, one, *elements[place + 2 :]], ast.Load())
        between = cell.text[cell.end(one) : cell.start(other)]
        edit = (cell.start(one), cell.end(other), cell.source(other) + between + cell.source(one))
        yield cell.replace(node.slice, moved, edit)


@operator("newaxis", ast.Subscript, "y = x[:, np.newaxis]", "y = x[:]")
def without_new_axis(node: ast.Subscript, cell: Cell) -> Iterator[Change]:
    """The new axis forgotten; `index` moves it."""
    if not isinstance(node.slice, ast.Tuple):
        return
    for place, each in enumerate(node.slice.elts):
        if not _is_new_axis(each):
            continue
        rest = [*node.slice.elts[:place], *node.slice.elts[place + 1 :]]
        index = rest[0] if len(rest) == 1 else ast.Tuple(rest, ast.Load())
        yield cell.replace(node, ast.Subscript(node.value, index, node.ctx))


def _is_new_axis(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "newaxis"
    return isinstance(node, ast.Constant) and node.value is None


def _stands_in_type(node: ast.Subscript, cell: Cell) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("list", "dict", "tuple", "set", "type")


@operator("range", ast.Call, "range(n)", "range(n - 1)")
def other_range(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """A range that ends one too early or too late, begins one off, or takes every number."""
    name = called_name(node)
    if name not in ("range", "arange") or not 1 <= len(node.args) <= 3:
        return
    if any(isinstance(each, ast.Starred) for each in node.args):
        return
    place = 0 if len(node.args) == 1 else 1
    stop = node.args[place]
    value = whole_number(stop)
    if not _only_repeats(node, cell):
        if value is not None:
            yield cell.replace(stop, number(value + 1))
        elif not isinstance(stop, ast.BinOp):
            yield cell.replace(stop, ast.BinOp(stop, ast.Add(), ast.Constant(1)))
    if value is None:
        if not _ends_in_number(stop):  # `n + 1` loses its 1 by `operand`, and changes it by `constant`
            yield cell.replace(stop, ast.BinOp(stop, ast.Sub(), ast.Constant(1)))
    elif not _only_repeats(node, cell) or value < 20:
        yield cell.replace(stop, number(value - 1))
    if place == 1:
        start = whole_number(node.args[0])
        if start is not None:
            yield cell.replace(node.args[0], number(start + 1))
            if start:
                yield cell.replace(node.args[0], number(start - 1))
    elif not _only_repeats(node, cell):
        yield cell.replace(node, ast.Call(node.func, [ast.Constant(1), stop], node.keywords))
    if len(node.args) == 3 and not _is_batch(node.args[2]):
        yield cell.replace(node, ast.Call(node.func, node.args[:2], node.keywords))


def _is_batch(step: ast.expr) -> bool:
    """Tell whether a step is the size of a batch: without it, a run takes long and gives the same."""
    value = whole_number(step)
    return "batch" in ast.unparse(step) if value is None else value >= 8


def _ends_in_number(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and is_number(node.right, 1)


def _only_repeats(node: ast.Call, cell: Cell) -> bool:
    """Tell whether a loop over a range never asks which round it is."""
    loop = cell.parent(node)
    if not isinstance(loop, ast.For) or loop.iter is not node or not isinstance(loop.target, ast.Name):
        return False
    name = loop.target.id
    return not any(isinstance(each, ast.Name) and each.id == name for part in loop.body for each in ast.walk(part))


@operator("transpose", ast.Attribute, "y = x.T", "y = x")
def forgotten_transpose(node: ast.Attribute, cell: Cell) -> Iterator[Change]:
    """A transpose forgotten."""
    if node.attr in ("T", "mT", "H") and isinstance(node.ctx, ast.Load):
        yield cell.replace(node, node.value)


@operator("shape", ast.Call, "x.transpose(0, 2, 1)", "x.transpose(2, 0, 1)")
def exchanged_lengths(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """Lengths or axes in another order: height for width, channels last for channels first."""
    name = called_name(node)
    if name not in _SHAPES | _PERMUTING:
        return
    lengths = [each for each in node.args if isinstance(each, ast.Tuple)][:1]
    elements = lengths[0].elts if lengths else node.args
    if not lengths and (
        name not in {"reshape", "view", "repeat", "expand"} | _PERMUTING or name in ("swapaxes", "moveaxis")
    ):
        return
    if not lengths and isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in ("np", "torch"):
        elements = elements[1:]
    for one, other in pairwise(elements):
        if ast.dump(one) == ast.dump(other):
            continue
        between = cell.text[cell.end(one) : cell.start(other)]
        new = {one: other, other: one}
        edit = (cell.start(one), cell.end(other), cell.source(other) + between + cell.source(one))
        if lengths:
            moved: ast.expr = ast.Tuple([new.get(each, each) for each in elements], ast.Load())
            yield cell.replace(lengths[0], moved, edit)
        else:
            args = [new.get(each, each) for each in node.args]
            yield cell.replace(node, ast.Call(node.func, args, node.keywords), edit)


@operator("dtype", ast.Call, "np.asarray(x, dtype=float)", "np.asarray(x)")
def forgotten_dtype(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """A dtype forgotten."""
    for keyword in node.keywords:
        if keyword.arg == "dtype":
            yield without_keyword(node, keyword, cell)


@operator("dtype", ast.Name, "np.asarray(x, dtype=float)", "np.asarray(x, dtype=int)")
def other_builtin_dtype(node: ast.Name, cell: Cell) -> Iterator[Change]:
    """Another dtype: too coarse, or cut to whole numbers."""
    parent = cell.parent(node)
    is_type = cell.keyword(node) == "dtype" or (isinstance(parent, ast.Call) and called_name(parent) == "astype")
    if is_type and isinstance(parent, ast.keyword | ast.Call) and node is not getattr(parent, "func", None):
        for other in DTYPES.get(node.id, ()):
            if "np" not in other or any(isinstance(each, ast.Name) and each.id == "np" for each in ast.walk(cell.tree)):
                yield cell.edit(cell.start(node), cell.end(node), other, node)


@operator("dtype", ast.Attribute, "x.astype(np.float32)", "x.astype(np.uint8)")
def other_dtype(node: ast.Attribute, cell: Cell) -> Iterator[Change]:
    """The same for the dtypes of NumPy and torch."""
    if isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy", "torch"):
        for other in DTYPES.get(node.attr, ()):
            yield cell.rename(node, other)
