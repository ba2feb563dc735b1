"""Operators on constants: one more or less, ten times as much, True for False, another choice of a text.

In: constants. Out: other constants; those that say axes, slices, indices and ranges belong to `arrays`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from saiten.mutate.arithmetic import is_number
from saiten.mutate.cell import Cell, Change, called_name
from saiten.mutate.table import operator
from saiten.mutate.vocabulary import AXIS_KEYWORDS, CHOICES, SEEDS, TUNING, WITHOUT_EFFECT, words

_HANDLED_BY_ARRAYS = words(
    "arange range reshape view transpose permute swapaxes moveaxis squeeze unsqueeze expand_dims flatten roll softmax "
    "log_softmax cumsum"
)


def place_of(node: ast.AST, cell: Cell) -> str:
    """Tell what an expression is good for: `axis`, `index`, `bounds`, `keyword:<name>`, or empty for a plain value."""
    parent = cell.parent(node)
    if isinstance(parent, ast.UnaryOp):
        return place_of(parent, cell)
    keyword = cell.keyword(node)
    if keyword in AXIS_KEYWORDS:
        return "axis"
    if keyword:
        return f"keyword:{keyword}"
    if isinstance(parent, ast.Slice):
        return "index"
    if isinstance(parent, ast.Subscript) and parent.slice is node:
        return "index"
    if isinstance(parent, ast.Tuple):
        above = cell.parent(parent)
        if isinstance(above, ast.Subscript) and above.slice is parent:
            return "index"
        if cell.keyword(parent) in AXIS_KEYWORDS:
            return "axis"
    if isinstance(parent, ast.Call) and node in parent.args:
        name = parent.func.attr if isinstance(parent.func, ast.Attribute) else getattr(parent.func, "id", "")
        if name in _HANDLED_BY_ARRAYS:
            return "bounds"
    return ""


def number(value: int | float) -> ast.expr:
    """Return a number as a node, a negative one as Python itself reads it."""
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


@operator("constant", ast.Constant, "size = 3", "size = 4")
def other_number(node: ast.Constant, cell: Cell) -> Iterator[Change]:
    """A whole number one off; a fraction doubled or halved; the step of a search (`lr`) a hundred times smaller."""
    place = place_of(node, cell)
    if not is_number(node) or place in ("axis", "index", "bounds"):
        return
    keyword = place.removeprefix("keyword:")
    call = cell.parent(node)
    if keyword in WITHOUT_EFFECT or (isinstance(call, ast.Call) and called_name(call) in SEEDS):
        return
    for value in _numbers(node.value, keyword, node, cell):
        yield cell.replace(node, number(value))


def _numbers(value: object, keyword: str, node: ast.Constant, cell: Cell) -> list[int | float]:
    if not isinstance(value, int | float):
        return []
    parent = cell.parent(node)
    if keyword in TUNING:
        return [value / 100] if value and isinstance(value, float) and value >= 1e-4 else []
    if keyword == "ddof":
        return [1 - value]
    if isinstance(value, float):
        if abs(value) < 1e-4:  # against division by zero: how small it is decides nothing
            return [0.0] if value else [1.0]
        if value in (0, 1):
            return [1.0] if value == 0 else [0.0, 2.0]
        power = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Pow)
        return [2.0] if power else [2 * value, value / 2]  # the power 1 is the power forgotten
    return _whole_numbers(value, parent)


def _whole_numbers(value: int, parent: ast.AST) -> list[int | float]:
    less = value - 1
    negative = isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub)
    if isinstance(parent, ast.Compare):
        op = parent.ops[0]
        if isinstance(op, ast.Lt | ast.GtE):
            return [less]  # for whole numbers, `< n + 1` is the `<= n` of `comparison`
        return [value + 1] if isinstance(op, ast.Gt | ast.LtE) or value == 0 else [value + 1, less]
    layer = isinstance(parent, ast.Call) and called_name(parent)[:1].isupper()
    if layer or isinstance(parent, ast.List | ast.Set):
        return [value + 1]  # one of many: the shape of a layer, the coefficients of a filter
    if value >= 1000:  # sizes of classes of numbers, seeds, rounds of training
        return [less]
    if value == 0:
        return [1]
    if isinstance(parent, ast.BinOp) and value == 1 and isinstance(parent.op, ast.Add | ast.Sub):
        return [2]  # 0 is the term forgotten, which is `operand`
    if isinstance(parent, ast.BinOp) and value == 2 and not isinstance(parent.op, ast.Add | ast.Sub):
        return [3]  # 1 is the factor or power forgotten
    if negative:
        return [value + 1]
    return [value + 1, less]


@operator("constant", ast.Constant, "f(x, keepdims=True)", "f(x, keepdims=False)")
def other_truth(node: ast.Constant, cell: Cell) -> Iterator[Change]:
    """True for False, or the other way round."""
    if isinstance(node.value, bool) and cell.keyword(node) not in WITHOUT_EFFECT and not _decides_branch(node, cell):
        yield cell.replace(node, ast.Constant(not node.value))


@operator("infinity", ast.Attribute, "best = -np.inf", "best = 0")
def finite_start(node: ast.Attribute, cell: Cell) -> Iterator[Change]:
    """Zero where a search, or the padding of a maximum, has to begin with infinity."""
    if node.attr == "inf":
        parent = cell.parent(node)
        whole = parent if isinstance(parent, ast.UnaryOp) else node
        yield cell.replace(whole, ast.Constant(0))


@operator("constant", ast.keyword, "np.linalg.lstsq(X, y, rcond=None)", "np.linalg.lstsq(X, y, rcond=0.01)")
def coarse_tolerance(node: ast.keyword, cell: Cell) -> Iterator[Change]:
    """A tolerance so coarse that what is merely small counts as zero."""
    if node.arg == "rcond" and isinstance(node.value, ast.Constant) and node.value.value is None:
        yield cell.replace(node.value, ast.Constant(0.01))


@operator("choice", ast.Constant, "np.pad(x, 1, mode='reflect')", "np.pad(x, 1, mode='constant')")
def other_choice(node: ast.Constant, cell: Cell) -> Iterator[Change]:
    """Another of the texts that a function lets one choose from: padding, reduction, mode."""
    if not isinstance(node.value, str) or _is_key(node, cell):
        return
    groups = [group for group in CHOICES if node.value in group]
    used = {
        each.value for each in ast.walk(cell.tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    # a list of padding modes in the cell says which library is meant
    groups.sort(key=lambda group: -len(used & set(group)))
    others = [other for group in groups[:1] for other in group if other != node.value]
    for other in others[:2]:
        quote = cell.source(node)[-1]
        edit = (cell.start(node), cell.end(node), f"{quote}{other}{quote}")
        yield cell.replace(node, ast.Constant(other), edit)


def _is_key(node: ast.Constant, cell: Cell) -> bool:
    """Tell whether a text is a key of a dict, or looks one up: everybody notices a KeyError."""
    parent = cell.parent(node)
    if isinstance(parent, ast.Dict):
        return node in parent.keys
    return isinstance(parent, ast.Subscript) and parent.slice is node


def _decides_branch(node: ast.Constant, cell: Cell) -> bool:
    parent = cell.parent(node)
    return isinstance(parent, ast.If | ast.While | ast.IfExp) and parent.test is node


@operator("keys", ast.Dict, "{'a': x, 'b': y}", "{'a': y, 'b': x}")
def exchanged_values(node: ast.Dict, cell: Cell) -> Iterator[Change]:
    """Two entries of a dict that hold each other's value."""
    for place in range(len(node.values) - 1):
        one, other = node.values[place], node.values[place + 1]
        if None in (node.keys[place], node.keys[place + 1]) or ast.dump(one) == ast.dump(other):
            continue
        start, end = cell.start(one), cell.end(other)
        between = cell.text[cell.end(one) : cell.start(other)]
        values = [*node.values[:place], other, one, *node.values[place + 2 :]]
        edit = (start, end, cell.source(other) + between + cell.source(one))
        yield cell.replace(node, ast.Dict(node.keys, values), edit)
