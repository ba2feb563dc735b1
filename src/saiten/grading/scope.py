"""Which of the notebook's names a cell uses: function arguments, their locals and loop variables are not among them.

In: the text of cells. Out: sets of names, from Python's own symbol tables.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterable, Iterator

from IPython.core.inputtransformer2 import TransformerManager

from saiten.bundle import BundleCell

_MAGIC_CALLS = frozenset({"run_line_magic", "run_cell_magic", "system", "getoutput"})
"""what IPython makes of magics and shell commands"""
_AT_ONCE = frozenset({"listcomp", "setcomp", "dictcomp", "genexpr"})
"""Scopes whose code runs where it stands."""
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


def names_used(source: str) -> frozenset[str]:
    """Every name of the notebook's that a cell may read, and does not bind itself before: functions' bodies included.

    In doubt a name is used: an instructor's cell that may read an answer must not be taken for independent of it.
    """
    tree = parsed(source)
    if tree is None:
        return frozenset()
    used: set[str] = set()
    bound: set[str] = set()
    for statement in tree.body:
        top = _scopes(statement)
        here = {each.get_name() for each in top.get_symbols() if each.is_referenced()}
        for table in _below(top):
            read = {each.get_name() for each in table.get_symbols() if each.is_global() and each.is_referenced()}
            if table.get_name() in _AT_ONCE:
                here |= read
            else:
                used |= read  # when it is called, another cell may have bound the name anew
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            here.add(statement.target.id)
        used |= here - bound
        if not isinstance(statement, _COMPOUND):  # what stands in one of those may not be run
            bound |= {each.get_name() for each in top.get_symbols() if each.is_assigned() or each.is_imported()}
    for text in _magic_texts(tree):
        used |= names_used(text) if parsed(text) is not None else mentions(text)
    return frozenset(used)


def names_in_functions(source: str) -> frozenset[str]:
    """Names of the notebook's that functions, lambdas and classes of a cell read when they are called or made."""
    tree = parsed(source)
    if tree is None:
        return frozenset()
    found: set[str] = set()
    for statement in tree.body:
        for table in _below(_scopes(statement)):
            found |= {each.get_name() for each in table.get_symbols() if each.is_global()}
    return frozenset(found).union(*map(names_in_functions, _magic_texts(tree)))


def definitions(source: str) -> frozenset[str] | None:
    """Names that a cell defines which holds definitions and imports only, and computes nothing; None for others."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):
        return None
    names: set[str] = set()
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            made = [*node.decorator_list, *node.args.defaults, *(item for item in node.args.kw_defaults if item)]
            if any(not isinstance(item, ast.Constant | ast.Name | ast.Attribute | ast.UnaryOp) for item in made):
                return None
            names.add(node.name)
        elif not isinstance(node, ast.Import | ast.ImportFrom) and not _is_text(node):
            return None
    return frozenset(names)


def mentions(source: str) -> frozenset[str]:
    """Every word of a text that may be a name."""
    return frozenset(re.findall(r"[^\W\d]\w*", source))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def parsed(source: str) -> ast.Module | None:
    """Syntax tree of a cell as IPython runs it; None if it is no Python even so."""
    try:
        tree: ast.Module = ast.parse(TransformerManager().transform_cell(source))
        return tree
    except (SyntaxError, ValueError):
        return None


def syntax(source: str) -> list[ast.AST]:
    """Syntax of a cell; what stands behind a magic (`%%time`, `%timeit -o f(x)`) is in there, too."""
    tree = parsed(source)
    if tree is None:
        return []
    return [*ast.walk(tree), *(node for text in _magic_texts(tree) for node in syntax(text))]


def _scopes(statement: ast.stmt) -> symtable.SymbolTable:
    """Symbol tables of a statement at the top of a cell; of all its names where there are none."""
    try:
        return symtable.symtable(ast.unparse(statement), "<cell>", "exec")
    except SyntaxError:  # an asynchronous comprehension
        names = sorted({node.id for node in ast.walk(statement) if isinstance(node, ast.Name)})
        return symtable.symtable("; ".join(names), "<cell>", "exec")


def _magic_texts(tree: ast.Module) -> list[str]:
    """What is handed to magics and to the command shell."""
    texts = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MAGIC_CALLS:
            texts += [item.value for item in node.args if isinstance(item, ast.Constant) and type(item.value) is str]
    return texts
