"""What names mean where: parameters, names bound before a place, names that are used as arrays.

In: a cell and a node of it. Out: names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from saiten.mutate.cell import FUNCTIONS, Cell, Function
from saiten.mutate.vocabulary import LIBRARIES


def bound_names(target: ast.AST) -> Iterator[str]:
    """Yield the names that an assignment's target binds: not those of `x[i]`, which are only changed."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for each in target.elts:
            yield from bound_names(each)
    elif isinstance(target, ast.Starred):
        yield from bound_names(target.value)


def parameters(function: Function) -> list[str]:
    """Return the names of a function's parameters, `self` and `cls` left out."""
    arguments = function.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def known_names(node: ast.AST, cell: Cell) -> set[str]:
    """Return the names of variables that have a value where a node begins.

    Those are parameters, what was bound before, and what the same function takes from outside.
    """
    scope: ast.AST = cell.function(node) or cell.tree
    here = cell.start(cell.statement(node))
    bound: dict[str, int] = {}
    loaded: set[str] = set()
    called: set[str] = set()
    for each in ast.walk(scope):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            bound[each.id] = min(bound.get(each.id, len(cell.text)), cell.start(each))
        elif isinstance(each, ast.Name):
            loaded.add(each.id)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name):
            called.add(each.func.id)
    known = {name for name in loaded - called if name not in bound} | {name for name in bound if bound[name] < here}
    if isinstance(scope, FUNCTIONS):
        known.update(parameters(scope))
    return known


def bound_before(name: str, node: ast.AST, cell: Cell) -> bool:
    """Tell whether a variable has a value of its own before a statement: a parameter, or assigned further up."""
    scope = cell.function(node)
    if scope is not None and name in parameters(scope):
        return True
    here = cell.start(cell.statement(node))
    return any(
        isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Store) and cell.start(each) < here
        for each in ast.walk(scope or cell.tree)
    )


def used_as_array(name: str, scope: ast.AST) -> bool:
    """Tell whether a name is indexed, asked for an attribute, or made an array of, somewhere in a function."""
    for each in ast.walk(scope):
        match each:
            case ast.Attribute(value=ast.Name(id=found)) | ast.Subscript(value=ast.Name(id=found)) if found == name:
                return True
            case ast.Call(func=ast.Attribute(attr="asarray" | "as_tensor"), args=[ast.Name(id=found), *_]):
                if found == name:
                    return True
            case ast.BinOp(op=ast.MatMult(), left=left, right=right):
                if any(isinstance(side, ast.Name) and side.id == name for side in (left, right)):
                    return True
    return False


def is_list(name: str, node: ast.AST, cell: Cell) -> bool:
    """Tell whether a variable is first bound to a list that is written out, in the function of a node."""
    for each in ast.walk(cell.function(node) or cell.tree):
        if not isinstance(each, ast.Assign):
            continue
        target, value = each.targets[0], each.value
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=False))
        for one, bound in pairs:
            if isinstance(one, ast.Name) and one.id == name:
                return isinstance(bound, ast.List | ast.ListComp)
    return False


def is_method(call: ast.Call) -> bool:
    """Tell whether a call is one of an object's methods and not of a library's functions."""
    if not isinstance(call.func, ast.Attribute):
        return False
    root: ast.expr = call.func.value
    while isinstance(root, ast.Attribute):
        root = root.value
    return not (isinstance(root, ast.Name) and root.id in LIBRARIES)
