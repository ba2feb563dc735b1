"""Operators on arithmetic: another sign, a term or factor forgotten, operands the wrong way round.

In: unary, binary and augmented operations, and comparisons. Out: changes of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from saiten.mutate.cell import Cell, Change
from saiten.mutate.scope import used_as_array
from saiten.mutate.table import operator

_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_ARITHMETIC: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.BitXor: (ast.BitOr,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
}
_COMPARISON: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
_COMMUTES = (ast.Add, ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)
_EVEN = ("abs", "absolute", "fabs", "square", "norm", "hypot", "cos")
"""functions that give the same for x and -x"""


def is_sequence(node: ast.expr) -> bool:
    """Tell whether an operand is a list, a tuple or a text, which `+` joins and `*` repeats."""
    if isinstance(node, ast.BinOp):
        return is_sequence(node.left) or is_sequence(node.right)
    text = isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    return text or isinstance(node, ast.List | ast.Tuple | ast.ListComp | ast.JoinedStr)


def is_number(node: ast.expr, *values: float) -> bool:
    """Tell whether a node is one of these numbers (any, if none is given)."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return False
    return isinstance(node.value, int | float) and (not values or node.value in values)


def _is_neutral(node: ast.BinOp) -> bool:
    """Tell whether an operation does nothing anyway: + 0, * 1, ** 1."""
    return is_number(node.right, 0 if isinstance(node.op, ast.Add | ast.Sub) else 1)


def _sign_is_lost(node: ast.expr, cell: Cell) -> bool:
    """Tell whether what is around an expression gives the same for its negative: a square, an absolute value."""
    match cell.parent(node):
        case ast.BinOp(op=ast.Pow(), left=left, right=ast.Constant(value=int(power))):
            return left is node and power % 2 == 0
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _EVEN
        case ast.Attribute(attr=name) as method:
            return name in _EVEN and isinstance(cell.parent(method), ast.Call)
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return ast.dump(left) == ast.dump(right)
        case ast.Assign(targets=[ast.Name(id=name)]):
            uses = [
                each
                for each in ast.walk(cell.function(node) or cell.tree)
                if isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load)
            ]
            return bool(uses) and all(_sign_is_lost(each, cell) for each in uses)
    return False


def _is_matrix(node: ast.expr) -> bool:
    """Tell whether an operand of `@` is a matrix for sure: something transposed, or a capital letter."""
    parts = list(ast.walk(node))
    names = [each.id for each in parts if isinstance(each, ast.Name)]
    return any(isinstance(each, ast.Attribute) and each.attr in ("T", "mT") for each in parts) or (
        isinstance(node, ast.Name) and names[0][0].isupper()
    )


@operator("arithmetic", ast.BinOp, "a + b", "a - b")
def other_operator(node: ast.BinOp, cell: Cell) -> Iterator[Change]:
    """Another operator between the same operands: `-`, `/`, `//`, `*` for `+`, `*`, `/`, `**` or `@`, and so on."""
    if _is_neutral(node) or is_sequence(node) or (isinstance(node.left, ast.Constant) and isinstance(node.op, ast.Mod)):
        return
    old = _SYMBOLS[type(node.op)]
    for kind in _ARITHMETIC[type(node.op)]:
        edit = cell.replace_operator(node.left, node.right, old, _SYMBOLS[kind])
        yield cell.replace(node, ast.BinOp(node.left, kind(), node.right), edit)


@operator("operand", ast.BinOp, "error + penalty", "error")
def forgotten_operand(node: ast.BinOp, cell: Cell) -> Iterator[Change]:
    """A term, factor or divisor forgotten."""
    if _is_neutral(node) or (isinstance(node.op, ast.Mod) and is_sequence(node.left)):
        return
    if not isinstance(node.left, ast.Constant):
        yield cell.replace(node, node.left)
    in_chain = isinstance(node.left, ast.BinOp) and type(node.left.op) is type(node.op)
    repeated = isinstance(node.op, ast.Mult) and is_sequence(node.left)
    if isinstance(node.op, _COMMUTES) and not in_chain and not repeated and not isinstance(node.right, ast.Constant):
        yield cell.replace(node, node.right)


@operator("swapped-operands", ast.BinOp, "a - b", "b - a")
def swapped_operands(node: ast.BinOp, cell: Cell) -> Iterator[Change]:
    """Operands the wrong way round, where that makes a difference."""
    if isinstance(node.op, _COMMUTES) or _is_neutral(node) or is_sequence(node):
        return
    if isinstance(node.op, ast.Sub) and _sign_is_lost(node, cell):
        return
    if isinstance(node.op, ast.MatMult) and not (_is_matrix(node.left) or _is_matrix(node.right)):
        return  # of two vectors, the product is the same
    if isinstance(node.right, ast.Constant) and not isinstance(node.op, ast.Sub):
        return  # nobody writes 2 / x or 2 ** x for x / 2 or x ** 2
    if ast.dump(node.left) != ast.dump(node.right):
        yield cell.replace(node, ast.BinOp(node.right, node.op, node.left))


@operator(
    "broadcast",
    ast.BinOp,
    "def f(x, y):\n    y = np.asarray(y)\n    return x - y",
    "def f(x, y):\n    y = np.asarray(y)\n    return x - y[:, np.newaxis]",
)
def wrong_broadcasting(node: ast.BinOp, cell: Cell) -> Iterator[Change]:
    """Every element with every other one, because one operand stands upright."""
    function = cell.function(node)
    if not isinstance(node.op, ast.Sub) or not isinstance(node.right, ast.Name) or function is None:
        return
    if used_as_array(node.right.id, function) and not isinstance(node.left, ast.Constant):
        axis = ast.Attribute(ast.Name("np", ast.Load()), "newaxis", ast.Load())
        index = ast.Tuple([ast.Slice(), axis], ast.Load())
        right = ast.Subscript(node.right, index, ast.Load())
        yield cell.replace(node, ast.BinOp(node.left, node.op, right))


@operator("arithmetic", ast.AugAssign, "total += x", "total -= x")
def other_augmented_operator(node: ast.AugAssign, cell: Cell) -> Iterator[Change]:
    """Another operator in front of the `=`."""
    if not is_sequence(node.value):
        for kind in _ARITHMETIC[type(node.op)][:1]:
            yield _augmented(node, cell, _SYMBOLS[kind])


@operator("overwrite", ast.AugAssign, "total += x", "total = x")
def overwrite(node: ast.AugAssign, cell: Cell) -> Iterator[Change]:
    """Overwritten instead of added up."""
    yield _augmented(node, cell, "")


def _augmented(node: ast.AugAssign, cell: Cell, symbol: str) -> Change:
    first = cell.end(node.target)
    start = cell.text.index(_SYMBOLS[type(node.op)] + "=", first)
    return cell.edit(start, start + len(_SYMBOLS[type(node.op)]), symbol, node)


@operator("sign", ast.List, "[-1, 0, 1]", "[1, 0, 1]")
def positive_coefficient(node: ast.List, cell: Cell) -> Iterator[Change]:
    """A minus sign forgotten among the coefficients of a filter."""
    for each in node.elts:
        if isinstance(each, ast.UnaryOp) and isinstance(each.op, ast.USub) and is_number(each.operand):
            yield cell.replace(each, each.operand)


@operator("sign", ast.UnaryOp, "y = -x", "y = x")
def forgotten_sign(node: ast.UnaryOp, cell: Cell) -> Iterator[Change]:
    """A minus sign, a `~` or a `not` forgotten."""
    if isinstance(node.op, ast.UAdd) or isinstance(node.operand, ast.Constant):
        return  # negative numbers are the business of `constant` and `index`
    if not isinstance(node.op, ast.USub) or not _sign_is_lost(node, cell):
        yield cell.replace(node, node.operand)


@operator("comparison", ast.Compare, "a < b", "a <= b")
def other_comparison(node: ast.Compare, cell: Cell) -> Iterator[Change]:
    """A comparison that takes the other side of the limit, or is the wrong way round."""
    operands = [node.left, *node.comparators]
    for place, op in enumerate(node.ops):
        old = _SYMBOLS[type(op)]
        for kind in _COMPARISON[type(op)]:
            ops = [*node.ops[:place], kind(), *node.ops[place + 1 :]]
            edit = cell.replace_operator(operands[place], operands[place + 1], old, _SYMBOLS[kind])
            yield cell.replace(node, ast.Compare(node.left, ops, node.comparators), edit)
