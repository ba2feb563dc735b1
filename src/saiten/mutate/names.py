"""Operators on names: one variable taken for another, arguments and results in the wrong order, inputs changed.

In: names, calls, assignments, returns. Out: changes of them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from saiten.mutate.arithmetic import is_number
from saiten.mutate.cell import Cell, Change, called_name
from saiten.mutate.scope import bound_before, is_list, known_names, parameters, used_as_array
from saiten.mutate.table import operator
from saiten.mutate.vocabulary import CONFUSED, OBJECTS, words

_SYMMETRIC = re.compile(
    r"minimum|maximum|min|max|add|multiply|allclose|isclose|array_equal|logical_\w+|bitwise_\w+|hypot|\w*dist\w*|"
    r"\w*rmse\w*|mse\w*|\w*mean_squared_error|\w*accuracy\w*|iou|l1_loss|gcd|lcm|intersect1d|union1d|equal|not_equal"
)
"""functions that give the same with their arguments exchanged"""
_ORDERED = words(
    "range arange where isinstance issubclass hasattr getattr setattr append reshape view transpose permute swapaxes "
    "moveaxis zeros ones enumerate"
)
"""functions with operators of their own, or where everybody notices"""


@operator(
    "variable", ast.Name, "def f(x_train, x_test):\n    return x_train", "def f(x_train, x_test):\n    return x_test"
)
def other_variable(node: ast.Name, cell: Cell) -> Iterator[Change]:
    """A variable taken for another whose name says almost the same."""
    parent = cell.parent(node)
    if not isinstance(node.ctx, ast.Load) or (isinstance(parent, ast.Call) and parent.func is node):
        return
    known = known_names(node, cell)
    for other in _confused(node.id):
        if other in known:
            yield cell.rename(node, other)
            return


def _confused(name: str) -> Iterator[str]:
    """Yield names that differ in one word, or in the number at the end."""
    words = name.split("_")
    for place, word in enumerate(words):
        for group in CONFUSED:
            if word in group:
                at = group.index(word)
                for other in (*group[at + 1 :], *group[:at]):
                    yield "_".join([*words[:place], other, *words[place + 1 :]])
    match = re.fullmatch(r"(.*?)(\d)", name)
    if match:
        for digit in (int(match[2]) + 1, int(match[2]) - 1):
            yield f"{match[1]}{digit}"


@operator("arguments", ast.Call, "f(x, y)", "f(y, x)")
def exchanged_arguments(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """The first two arguments exchanged, unless the function does not mind."""
    name = called_name(node)
    if len(node.args) < 2 or name in _ORDERED or _SYMMETRIC.fullmatch(name):
        return
    if name == "zip" and isinstance(cell.parent(node), ast.For | ast.comprehension):
        return  # `order` exchanges what they are unpacked to
    one, other = node.args[:2]
    odd = (ast.Starred, ast.Tuple, ast.List, ast.Lambda, ast.Constant)
    flag = isinstance(other, ast.Attribute) and other.attr.isupper()  # cv2.CV_64F is no picture
    if isinstance(one, odd) or isinstance(other, odd) or flag or ast.dump(one) == ast.dump(other):
        return
    between = cell.text[cell.end(one) : cell.start(other)]
    edit = (cell.start(one), cell.end(other), cell.source(other) + between + cell.source(one))
    yield cell.replace(node, ast.Call(node.func, [other, one, *node.args[2:]], node.keywords), edit)


@operator("arguments", ast.Call, "cv2.Sobel(x, depth, 1, 0)", "cv2.Sobel(x, depth, 0, 1)")
def exchanged_numbers(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """Two numbers beside each other exchanged, such as the orders of two derivatives."""
    if called_name(node) in _ORDERED:
        return
    for one, other in pairwise(node.args):
        if is_number(one) and is_number(other) and ast.dump(one) != ast.dump(other):
            between = cell.text[cell.end(one) : cell.start(other)]
            edit = (cell.start(one), cell.end(other), cell.source(other) + between + cell.source(one))
            new = {one: other, other: one}
            args = [new.get(each, each) for each in node.args]
            yield cell.replace(node, ast.Call(node.func, args, node.keywords), edit)
            return


@operator("order", ast.Assign, "height, width = image.shape", "width, height = image.shape")
def exchanged_targets(node: ast.Assign, cell: Cell) -> Iterator[Change]:
    """What comes out of a tuple, taken in another order; not where a tuple is written out beside it."""
    target = node.targets[0]
    if isinstance(target, ast.Tuple) and not isinstance(node.value, ast.Tuple):
        yield from _exchanged(target, cell)


@operator("order", ast.For, "for x, y in pairs:\n    f(x, y)", "for y, x in pairs:\n    f(x, y)")
def exchanged_loop_targets(node: ast.For, cell: Cell) -> Iterator[Change]:
    """The same in a loop."""
    if isinstance(node.target, ast.Tuple):
        yield from _exchanged(node.target, cell)


@operator("order", ast.Return, "def f(w, b):\n    return w, b", "def f(w, b):\n    return b, w")
def exchanged_results(node: ast.Return, cell: Cell) -> Iterator[Change]:
    """Results returned in another order."""
    if isinstance(node.value, ast.Tuple):
        yield from _exchanged(node.value, cell)


def _exchanged(node: ast.Tuple, cell: Cell) -> Iterator[Change]:
    for place in range(len(node.elts) - 1):
        one, other = node.elts[place], node.elts[place + 1]
        if ast.dump(one) == ast.dump(other):
            continue
        between = cell.text[cell.end(one) : cell.start(other)]
        edit = (cell.start(one), cell.end(other), cell.source(other) + between + cell.source(one))
        elements = [*node.elts[:place], other, one, *node.elts[place + 2 :]]
        yield cell.replace(node, ast.Tuple(elements, node.ctx), edit)


@operator("result", ast.Return, "def f(x):\n    return g(x) + 1", "def f(x):\n    return x")
def returned_argument(node: ast.Return, cell: Cell) -> Iterator[Change]:
    """The first argument returned as it came."""
    function = cell.function(node)
    names = parameters(function) if function else []
    if node.value is None or not names or isinstance(node.value, ast.Constant):
        return
    if not isinstance(node.value, ast.Name) or node.value.id != names[0]:
        yield cell.replace(node.value, ast.Name(names[0], ast.Load()))


@operator(
    "result", ast.Return, "def f(x):\n    return [g(y) for y in x]", "def f(x):\n    return [g(y) for y in x][:-1]"
)
def shortened_result(node: ast.Return, cell: Cell) -> Iterator[Change]:
    """A list without its last element."""
    value = node.value
    if isinstance(value, ast.ListComp) or (isinstance(value, ast.Name) and is_list(value.id, node, cell)):
        last = ast.Slice(upper=ast.UnaryOp(ast.USub(), ast.Constant(1)))
        yield cell.replace(value, ast.Subscript(value, last, ast.Load()))


@operator("result", ast.Return, "def f(x):\n    return x.sum()", "def f(x):\n    return -x.sum()")
def negative_result(node: ast.Return, cell: Cell) -> Iterator[Change]:
    """A result with the wrong sign."""
    for value in node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]:
        if isinstance(value, ast.Name) and (value.id in OBJECTS or is_list(value.id, node, cell)):
            continue
        if isinstance(value, ast.Name | ast.Call | ast.BinOp | ast.Subscript):
            yield cell.replace(value, ast.UnaryOp(ast.USub(), value))


@operator(
    "in-place",
    ast.Assign,
    "def f(x):\n    y = x - x.mean()\n    return y",
    "def f(x):\n    x -= x.mean(); y = x\n    return y",
)
def changed_input(node: ast.Assign, cell: Cell) -> Iterator[Change]:
    """An array of the caller's changed, instead of a new one made."""
    function = cell.function(node)
    match node:
        case ast.Assign(targets=[ast.Name(id=target)], value=ast.BinOp(left=ast.Name(id=name), op=op, right=right)):
            symbol = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}.get(type(op))
        case _:
            return
    if symbol is None or function is None or name not in parameters(function) or not used_as_array(name, function):
        return
    if node.lineno != node.end_lineno:
        return
    text = f"{name} {symbol}= {cell.source(right)}"
    text += "" if target == name else f"; {target} = {name}"
    yield cell.edit(cell.start(node), cell.end(node), text, node)


@operator("in-place", ast.AugAssign, "def f(x):\n    x[0] = 1\n    x += 1", "def f(x):\n    x[0] = 1\n    x = x + (1)")
def unchanged_input(node: ast.AugAssign, cell: Cell) -> Iterator[Change]:
    """A new array made, where the caller's should change."""
    function = cell.function(node)
    if not isinstance(node.target, ast.Name) or function is None or not bound_before(node.target.id, node, cell):
        return
    name = node.target.id
    if name in parameters(function) and used_as_array(name, function):
        symbol = cell.text[cell.end(node.target) : cell.start(node.value)].strip().removesuffix("=")
        text = f"{name} = {name} {symbol} ({cell.source(node.value)})"
        yield cell.edit(cell.start(node), cell.end(node), text, node)
