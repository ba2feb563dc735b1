"""Which of the notebook's names a cell uses: function arguments, their locals and loop variables are not among them.

In: the text of cells. Out: sets of names, from Python's own symbol tables.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable, Iterator

from saiten.bundle import BundleCell
from saiten.grading.ground import names_used

_COMPOUND = (ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.While, ast.If, ast.Try)


def free_names(cells: Iterable[BundleCell]) -> set[str]:
    """Names that cells, run one after the other, use before they bind them themselves."""
    return names_in(cell.source for cell in cells if cell.cell_type == "code")


def names_in(sources: Iterable[str]) -> set[str]:
    """The same for texts of code cells."""
    free: set[str] = set()
    bound: set[str] = set()
    for source in sources:
        try:
            statements = ast.parse(source).body
        except SyntaxError:  # IPython's own syntax
            free |= names_used(source) - bound
            continue
        for statement in statements:
            used, assigned = _names(statement)
            free |= used - bound
            bound |= assigned
    return free


def names_bound(source: str) -> set[str]:
    """Names that a cell binds in the notebook; none if it is not plain Python."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return set()
    return {name for statement in statements for name in _names(statement)[1]}


def _names(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """What a statement at the top of a cell uses of the notebook's names, and what it binds."""
    top = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
    assigned = {each.get_name() for each in top.get_symbols() if each.is_assigned() or each.is_imported()}
    used = {each.get_name() for each in top.get_symbols() if each.is_referenced()}
    if isinstance(statement, _COMPOUND):  # what such a statement binds, it mostly binds before it uses it
        added = [node.target for node in ast.walk(statement) if isinstance(node, ast.AugAssign)]
        used -= assigned - {target.id for target in added if isinstance(target, ast.Name)}
    elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        used.add(statement.target.id)
    for table in _below(top):
        used |= {each.get_name() for each in table.get_symbols() if each.is_global() and each.is_referenced()}
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        used.discard(statement.name)  # a function that calls itself
    return used, assigned


def _below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _below(child)
