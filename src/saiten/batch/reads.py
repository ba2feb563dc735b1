"""Which names a test cell may read before it has bound them itself: those that it can owe to earlier tests.

In: the text of a cell that is plain Python. Out: names. In doubt a name is read: what a loop or a branch binds counts
only inside of it, and a function's body reads when the function is made. (`grading.scope` guesses where it is in doubt:
there it is enough to be right about usual cells.)
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def reads_first(source: str) -> frozenset[str]:
    """Return the names.

    Raises:
        SyntaxError: it is not plain Python.
    """
    reads: set[str] = set()
    _block(ast.parse(source).body, set(), reads)
    return frozenset(reads)


def _block(statements: Iterable[ast.stmt], bound: set[str], reads: set[str]) -> None:
    """Go through statements in order; `bound` grows by what is certainly bound, `reads` by what is read before."""
    for statement in statements:
        _statement(statement, bound, reads)


def _statement(node: ast.stmt, bound: set[str], reads: set[str]) -> None:
    if isinstance(node, ast.For | ast.AsyncFor):
        _read(node.iter, bound, reads)
        _block(node.body, bound | _stored(node.target), reads)
        _block(node.orelse, set(bound), reads)
    elif isinstance(node, ast.While):
        _read(node.test, bound, reads)
        for part in (node.body, node.orelse):
            _block(part, set(bound), reads)
    elif isinstance(node, ast.If):
        _read(node.test, bound, reads)
        _branches([node.body, node.orelse], bound, reads)
    elif isinstance(node, ast.With | ast.AsyncWith):
        for item in node.items:
            _read(item.context_expr, bound, reads)
            if item.optional_vars is not None:
                bound |= _stored(item.optional_vars)
        _block(node.body, bound, reads)
    elif isinstance(node, ast.Try | ast.TryStar):
        _try(node, bound, reads)
    elif isinstance(node, ast.Match):
        _read(node.subject, bound, reads)
        for case in node.cases:
            _block(case.body, bound | _stored(case.pattern), reads)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        bound.add(node.name)  # it may call itself
        _read(node, bound, reads)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        bound |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    else:
        _read(node, bound, reads)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            reads |= {node.target.id} - bound
        if isinstance(node, ast.Delete):
            bound -= {target.id for target in node.targets if isinstance(target, ast.Name)}
        else:
            bound |= _stored(node)


def _branches(parts: list[list[ast.stmt]], bound: set[str], reads: set[str]) -> None:
    ends = []
    for part in parts:
        mine = set(bound)
        _block(part, mine, reads)
        ends.append(mine)
    bound |= set.intersection(*ends)


def _try(node: ast.Try | ast.TryStar, bound: set[str], reads: set[str]) -> None:
    whole = set(bound)
    _block(node.body, whole, reads)
    _block(node.orelse, whole, reads)
    ends = [whole]
    for handler in node.handlers:
        mine = bound | ({handler.name} if handler.name else set())
        if handler.type is not None:
            _read(handler.type, bound, reads)
        _block(handler.body, mine, reads)
        ends.append(mine)
    bound |= set.intersection(*ends)
    _block(node.finalbody, bound, reads)


def _read(node: ast.AST, bound: set[str], reads: set[str]) -> None:
    reads |= set(_loads(node, frozenset())) - bound


def _loads(node: ast.AST, local: frozenset[str]) -> Iterator[str]:
    """Names of the notebook that are read in an expression or a definition, whenever that is."""
    if isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Store) and node.id not in local:
            yield node.id
        return
    inner = local
    if isinstance(node, _Function):
        inner = local | _locals(node)
    elif isinstance(node, _Comprehension):
        inner = local.union(*(_stored(part.target) for part in node.generators))
    for child in ast.iter_child_nodes(node):
        yield from _loads(child, inner)


def _locals(node: _Function) -> frozenset[str]:
    """A function's own names: its arguments, and what it binds without saying that it is the notebook's."""
    given = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
    if isinstance(node, ast.Lambda):
        return frozenset(given)
    outer = {name for each in ast.walk(node) if isinstance(each, ast.Global) for name in each.names}
    made = {name for statement in node.body for name in _stored(statement)}
    return frozenset((given | made) - outer)


def _stored(node: ast.AST) -> set[str]:
    """Names that a statement, a target or a pattern binds, in whatever way."""
    found: set[str] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            found.add(each.id)
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(each.name)
        elif isinstance(each, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in each.names}
        elif isinstance(each, ast.MatchAs | ast.MatchStar) and each.name:
            found.add(each.name)
    return found
