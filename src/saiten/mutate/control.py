"""Operators on the flow of control: statements forgotten, conditions turned round, loops that end too soon.

In: statements, and conditions inside expressions. Out: changes of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from saiten.mutate.cell import Cell, Change, called_name
from saiten.mutate.scope import bound_before, bound_names
from saiten.mutate.table import operator
from saiten.mutate.vocabulary import MODES, SEEDS

_LEAVES = (ast.Break, ast.Continue, ast.Return, ast.Raise)


@operator("statement", ast.Expr, "model.zero_grad()", "pass")
def dropped_call(node: ast.Expr, cell: Cell) -> Iterator[Change]:
    """A call that stands on its own, forgotten."""
    if isinstance(node.value, ast.Call) and called_name(node.value) in {"__init__", *SEEDS, *MODES}:
        return  # a model that was never initialised is noticed; `mode` changes modes
    if isinstance(node.value, ast.Call | ast.Await):
        yield cell.drop(node)


@operator("statement", ast.Assign, "x = f(1)\nx = abs(x)", "x = f(1)\npass")
def dropped_assignment(node: ast.Assign, cell: Cell) -> Iterator[Change]:
    """An assignment forgotten; only where the name has a value before, for everybody notices a NameError."""
    names = [name for target in node.targets for name in bound_names(target)]
    if _only_converts(node):
        return
    attributes = [each for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Attribute)]
    if not attributes and all(bound_before(name, node, cell) for name in names):
        yield cell.drop(node)


@operator("statement", ast.AugAssign, "n += 1", "pass")
def dropped_update(node: ast.AugAssign, cell: Cell) -> Iterator[Change]:
    """An update forgotten."""
    yield cell.drop(node)


@operator("statement", ast.Assert, "assert x > 0", "pass")
def dropped_assert(node: ast.Assert, cell: Cell) -> Iterator[Change]:
    """A check forgotten."""
    yield cell.drop(node)


@operator(
    "statement",
    ast.Return,
    "def f(x):\n    if x < 0:\n        return 0\n    return x",
    "def f(x):\n    if x < 0:\n        pass\n    return x",
)
def dropped_return(node: ast.Return, cell: Cell) -> Iterator[Change]:
    """An early return forgotten; not the last one, for everybody notices a None."""
    function = cell.function(node)
    if function is not None and node not in _last_ones(function.body):
        yield cell.drop(node)


def _last_ones(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements that a block may end with."""
    match body[-1]:
        case ast.With(body=inner) | ast.AsyncWith(body=inner):
            return _last_ones(inner)
        case ast.If(body=inner, orelse=other) if other:
            return [*_last_ones(inner), *_last_ones(other)]
        case last:
            return [last]


@operator("raise", ast.Raise, "if n < 0:\n    raise ValueError('n')", "if n < 0:\n    pass")
def dropped_raise(node: ast.Raise, cell: Cell) -> Iterator[Change]:
    """A forbidden input let through."""
    yield cell.drop(node)


@operator("raise", ast.Raise, "raise ValueError('n')", "raise RuntimeError('n')")
def other_exception(node: ast.Raise, cell: Cell) -> Iterator[Change]:
    """An exception of another type."""
    name = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    if isinstance(name, ast.Name) and name.id[0].isupper():
        yield cell.rename(name, "ValueError" if name.id == "RuntimeError" else "RuntimeError")


@operator("loop", ast.Break, "while f():\n    break", "while f():\n    continue")
def continued_break(node: ast.Break, cell: Cell) -> Iterator[Change]:
    """A `break` that does not leave the loop."""
    yield cell.edit(cell.start(node), cell.end(node), "continue", node)


@operator(
    "loop",
    ast.Continue,
    "for x in xs:\n    if x:\n        continue\n    f(x)",
    "for x in xs:\n    if x:\n        break\n    f(x)",
)
def broken_continue(node: ast.Continue, cell: Cell) -> Iterator[Change]:
    """A `continue` that leaves the loop, or is not there."""
    yield cell.edit(cell.start(node), cell.end(node), "break", node)
    yield cell.drop(node)


@operator("loop", ast.For, "for x in xs:\n    f(x)", "for x in xs:\n    f(x)\n    break")
def first_round_only(node: ast.For, cell: Cell) -> Iterator[Change]:
    """A loop that ends after its first round, like one with the `return` indented too far."""
    last = node.body[-1]
    if isinstance(last, _LEAVES):
        return
    if last.lineno == node.lineno:
        yield Change(cell.end(last), cell.end(last), "; break", last)
    else:
        end = cell.line_end(last)  # behind a comment
        yield Change(end, end, f"\n{cell.indentation(node.body[0])}break", last)


@operator("loop", ast.For, "for x in xs:\n    f(x)", "for x in xs[1:]:\n    f(x)")
def first_element_skipped(node: ast.For, cell: Cell) -> Iterator[Change]:
    """A loop that begins with the second element."""
    if isinstance(node.iter, ast.Name):
        rest = ast.Subscript(node.iter, ast.Slice(lower=ast.Constant(1)), ast.Load())
        yield cell.replace(node.iter, rest)


@operator("loop", ast.comprehension, "[f(x) for x in xs]", "[f(x) for x in xs[1:]]")
def first_element_left_out(node: ast.comprehension, cell: Cell) -> Iterator[Change]:
    """The same in a comprehension."""
    if isinstance(node.iter, ast.Name):
        rest = ast.Subscript(node.iter, ast.Slice(lower=ast.Constant(1)), ast.Load())
        yield cell.replace(node.iter, rest)


@operator("condition", ast.If, "if a and b:\n    f()", "if not (a and b):\n    f()")
def negated_condition(node: ast.If, cell: Cell) -> Iterator[Change]:
    """A condition turned round; simple comparisons are left to `comparison`, a `not` to `sign`."""
    yield from _negated(node.test, cell)


@operator("condition", ast.If, "if a:\n    f()\n    g()", "if False:\n    f()\n    g()")
def decided_condition(node: ast.If, cell: Cell) -> Iterator[Change]:
    """A special case that never is one, or, where there is an `else`, always."""
    if node.orelse:
        yield cell.replace(node.test, ast.Constant(True))
    one = node.body[0]
    alone = len(node.body) == 1 and isinstance(
        one, ast.Raise | ast.Return | ast.Assign | ast.AugAssign | ast.Expr | ast.Continue | ast.Break
    )
    if node.orelse or not alone:  # the statement alone is dropped by `statement`, `raise` or `loop`
        yield cell.replace(node.test, ast.Constant(False))


@operator("condition", ast.While, "while a and b:\n    f()", "while not (a and b):\n    f()")
def negated_loop(node: ast.While, cell: Cell) -> Iterator[Change]:
    """A loop's condition turned round."""
    if not isinstance(node.test, ast.Constant):
        yield from _negated(node.test, cell)


@operator("condition", ast.IfExp, "x = a if f() else b", "x = b if f() else a")
def decided_choice(node: ast.IfExp, cell: Cell) -> Iterator[Change]:
    """The two sides of a conditional expression exchanged, or always the same one."""
    if not _is_simple(node.test):
        yield cell.replace(node, ast.IfExp(node.test, node.orelse, node.body))
    yield cell.replace(node, node.body)
    yield cell.replace(node, node.orelse)


@operator("boolean", ast.BoolOp, "a and b", "a or b")
def other_boolean(node: ast.BoolOp, cell: Cell) -> Iterator[Change]:
    """`and` for `or`, or the other way round."""
    old, new = ("and", ast.Or()) if isinstance(node.op, ast.And) else ("or", ast.And())
    edit = None
    if len(node.values) == 2:
        edit = cell.replace_operator(node.values[0], node.values[1], old, "or" if old == "and" else "and")
    yield cell.replace(node, ast.BoolOp(new, node.values), edit)


@operator("boolean", ast.BoolOp, "a and b and c", "a and c")
def forgotten_condition(node: ast.BoolOp, cell: Cell) -> Iterator[Change]:
    """One of several conditions forgotten."""
    for place in range(len(node.values)):
        rest = [*node.values[:place], *node.values[place + 1 :]]
        yield cell.replace(node, rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest))


@operator("filter", ast.ListComp, "[x for x in xs if x]", "[x for x in xs]")
def list_filter(node: ast.ListComp, cell: Cell) -> Iterator[Change]:
    """A comprehension's filter forgotten."""
    for generators in _unfiltered(node.generators):
        yield cell.replace(node, ast.ListComp(node.elt, generators))


@operator("filter", ast.GeneratorExp, "sum(x for x in xs if x)", "sum(x for x in xs)")
def generator_filter(node: ast.GeneratorExp, cell: Cell) -> Iterator[Change]:
    """A generator's filter forgotten."""
    for generators in _unfiltered(node.generators):
        yield cell.replace(node, ast.GeneratorExp(node.elt, generators))


def _unfiltered(generators: list[ast.comprehension]) -> Iterator[list[ast.comprehension]]:
    for place, each in enumerate(generators):
        if each.ifs:
            bare = ast.comprehension(each.target, each.iter, [], each.is_async)
            yield [*generators[:place], bare, *generators[place + 1 :]]


def _negated(test: ast.expr, cell: Cell) -> Iterator[Change]:
    if not _is_simple(test):
        yield cell.replace(test, ast.UnaryOp(ast.Not(), test))


def _is_simple(test: ast.expr) -> bool:
    """Tell whether `comparison` or `sign` turns a condition round."""
    compared = isinstance(test, ast.Compare) and len(test.ops) == 1
    return compared or (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))


def _only_converts(node: ast.Assign) -> bool:
    """Tell whether an assignment only makes arrays of several names, `x, y = asarray(x), asarray(y)`: see `call`."""
    target = node.targets[0]
    if not isinstance(target, ast.Tuple) or not isinstance(node.value, ast.Tuple):
        return False
    return len(target.elts) == len(node.value.elts) and all(
        isinstance(value, ast.Call) and value.args and ast.unparse(value.args[0]) == ast.unparse(name)
        for name, value in zip(target.elts, node.value.elts, strict=True)
    )
