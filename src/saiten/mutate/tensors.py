"""Operators on torch: modes of a model, gradients, layers and losses taken for their neighbours.

In: statements and calls as training loops have them. Out: changes of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from saiten.mutate.cell import Cell, Change, called_name
from saiten.mutate.table import operator
from saiten.mutate.vocabulary import LAYERS, MODES


@operator("mode", ast.Call, "model.eval()", "model.train()")
def other_mode(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """Training for evaluation, gradients for none."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in MODES and not node.args:
        yield cell.rename(node.func, MODES[node.func.attr])


@operator("layer", ast.Call, "nn.MaxPool2d(2)", "nn.AvgPool2d(2)")
def other_layer(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """A layer or loss taken for its neighbour."""
    if called_name(node) in LAYERS and isinstance(node.func, ast.Name | ast.Attribute):
        yield cell.rename(node.func, LAYERS[called_name(node)])


@operator("parameters", ast.Call, "SGD(model.fc.parameters())", "SGD(model.parameters())")
def other_parameters(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """The parameters of the whole model instead of one layer's, or of the last ones only."""
    if called_name(node) != "parameters" or not isinstance(node.func, ast.Attribute) or node.args:
        return
    owner = node.func.value
    if isinstance(owner, ast.Attribute) and not (isinstance(owner.value, ast.Name) and owner.value.id == "self"):
        whole = ast.Attribute(owner.value, "parameters", ast.Load())
        yield cell.replace(node, ast.Call(whole, [], []))
    last = ast.Slice(lower=ast.UnaryOp(ast.USub(), ast.Constant(1)))
    yield cell.replace(node, ast.Subscript(ast.Call(ast.Name("list", ast.Load()), [node], []), last, ast.Load()))


@operator("element", ast.Call, "nn.Sequential(conv, nn.ReLU(), fc)", "nn.Sequential(conv, fc)")
def forgotten_layer(node: ast.Call, cell: Cell) -> Iterator[Change]:
    """A layer or transform of a sequence forgotten."""
    if called_name(node) not in ("Sequential", "Compose", "make_pipeline") or not node.args:
        return
    listed = node.args[0]
    elements = listed.elts if isinstance(listed, ast.List) else node.args
    for place in range(len(elements) if len(elements) > 1 else 0):
        rest = [*elements[:place], *elements[place + 1 :]]
        first, last = (elements[place - 1], elements[place]) if place else (elements[0], elements[1])
        edit = (cell.end(first), cell.end(last), "") if place else (cell.start(first), cell.start(last), "")
        if isinstance(listed, ast.List):
            yield cell.replace(listed, ast.List(rest, ast.Load()), edit)
        else:
            yield cell.replace(node, ast.Call(node.func, rest, node.keywords), edit)
