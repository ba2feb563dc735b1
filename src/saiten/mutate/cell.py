"""A solution cell as text and as tree at once: where each node stands, what may be changed, how a change is written.

In: the text of a cell that is plain Python.
Out: `Cell`, which turns "this node becomes that one" into one edit of the author's own text.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from saiten.errors import EngineError

Shape = tuple[object, ...]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef

_ATOMS = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Constant, ast.List, ast.Dict, ast.ListComp)
"""expressions that never need parentheses"""
_HELD = re.compile(r"(held_\d+_by_saiten)")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_SHOWS = re.compile(r"(print|pprint|display|plt|fig|figure|ax|axes|show|show_\w+|tqdm|warnings)\d*")
"""what only shows something: no test can see whether it was changed"""
_DRAWS = re.compile(
    r"set|set_\w+|plot|imshow|scatter|bar|hist|legend|text|axis|axhline|axvline|semilogy|suptitle|colorbar|savefig"
)
"""methods that do the same, on their own in a line"""


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of a cell's text."""

    start: int
    """index of the first character that is replaced"""
    end: int
    """index behind the last one"""
    text: str
    """what stands there instead"""
    statement: ast.stmt
    """the innermost statement that is changed"""
    shape: Shape | None = None
    """what the cell then means, where that is known already"""


def shape_of(node: ast.AST, known: Mapping[ast.AST, Shape] | None = None) -> Shape:
    """Return what a tree means, to compare and to hash: as `ast.dump`, without positions, in a third of the time.

    Args:
        node: the tree.
        known: shapes of parts of it that need not be looked at again.
    """
    if known is not None and (found := known.get(node)) is not None:
        return found
    parts: list[object] = [node.__class__]
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            parts.append(shape_of(value, known))
        elif isinstance(value, list):
            parts.append(tuple([shape_of(each, known) if isinstance(each, ast.AST) else each for each in value]))
        else:
            parts.append((value.__class__, value))  # 1, 1.0 and True are equal, but not the same
    return tuple(parts)


def parse(text: str) -> ast.Module:
    """Parse a cell; its warnings (an escape that Python does not know) are the author's business, not ours.

    Raises:
        SyntaxError, ValueError: it is not plain Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def compiles(tree: ast.Module) -> bool:
    """Tell whether a tree is more than grammar: no `break` outside a loop, no `return` outside a function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(tree, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except (SyntaxError, ValueError):
            return False
    return True


class Cell:
    """A cell's text, its tree, and the way from one to the other.

    Args:
        text: the cell's text.

    Raises:
        SyntaxError, ValueError: it is not plain Python (a magic, a `!` line, a null byte).
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = parse(text)
        self.shape = shape_of(self.tree)
        self.parents: dict[ast.AST, ast.AST] = {}
        self._shapes: dict[ast.AST, Shape] = {}
        for parent in ast.walk(self.tree):
            for child in ast.iter_child_nodes(parent):
                # contexts and operators are singletons: they have no place of their own
                if isinstance(child, ast.expr | ast.stmt) or child._fields:
                    self.parents[child] = parent
        self._starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]
        self._frozen = frozenset(_frozen(self.tree))

    # where things stand

    def offset(self, line: int, column: int) -> int:
        """Return the index of a character; `line` from 1, `column` in UTF-8 bytes, as `ast` counts."""
        first = self._starts[line - 1]
        if column == 0:
            return first
        last = self._starts[line] if line < len(self._starts) else len(self.text)
        return first + len(self.text[first:last].encode()[:column].decode())

    def start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        """Return the index of a node's first character."""
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        """Return the index behind a node's last character."""
        if node.end_lineno is None or node.end_col_offset is None:
            raise EngineError(f"a {type(node).__name__} has no place in the text")
        return self.offset(node.end_lineno, node.end_col_offset)

    def source(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """Return a node's own text."""
        return self.text[self.start(node) : self.end(node)]

    def line(self, offset: int) -> int:
        """Return the line, from 1, that a character stands in."""
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._starts[middle] <= offset else (low, middle)
        return low + 1

    def line_end(self, node: ast.stmt) -> int:
        """Return the index of the line break behind a statement, or of the end of the cell."""
        match = _NEWLINE.search(self.text, self.end(node))
        return match.start() if match else len(self.text)

    def indentation(self, node: ast.stmt) -> str:
        """Return the blanks before a statement that begins its line."""
        return self.text[self.offset(node.lineno, 0) : self.start(node)]

    # what surrounds a node

    def parent(self, node: ast.AST) -> ast.AST:
        """Return the node that holds a node."""
        return self.parents[node]

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what holds a node, from the inside out."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        """Return the innermost statement that a node is or stands in."""
        for each in (node, *self.ancestors(node)):
            if isinstance(each, ast.stmt):
                return each
        raise EngineError(f"a {type(node).__name__} stands in no statement")

    def function(self, node: ast.AST) -> Function | None:
        """Return the innermost function that a node stands in."""
        return next((each for each in self.ancestors(node) if isinstance(each, FUNCTIONS)), None)

    def function_name(self, node: ast.AST) -> str:
        """Return the dotted name of the functions and classes that a node stands in; empty outside of all."""
        names = [each.name for each in self.ancestors(node) if isinstance(each, (*FUNCTIONS, ast.ClassDef))]
        return ".".join(reversed(names))

    def keyword(self, node: ast.AST) -> str:
        """Return the name of the keyword argument whose value a node is; empty if it is none."""
        parent = self.parents.get(node)
        if isinstance(parent, ast.UnaryOp):
            return self.keyword(parent)
        return parent.arg or "" if isinstance(parent, ast.keyword) else ""

    def is_frozen(self, node: ast.AST) -> bool:
        """Tell whether a node decides nothing, or must not be touched."""
        return node in self._frozen

    def nodes(self) -> list[ast.AST]:
        """Return all nodes that may be changed, outer before inner, otherwise in the order of the text."""
        found: list[ast.AST] = []
        pending: list[ast.AST] = [self.tree]
        while pending:
            node = pending.pop()
            if node in self._frozen:
                continue
            found.append(node)
            pending.extend(reversed(list(ast.iter_child_nodes(node))))
        return found

    # how a change is written

    def edit(self, start: int, end: int, text: str, node: ast.AST) -> Change:
        """Return a change of the text as it stands, without looking at the tree."""
        return Change(start, end, text, self.statement(node))

    def rename(self, node: ast.Name | ast.Attribute, name: str) -> Change:
        """Return the change of a name, or of the name behind the last dot."""
        old = node.id if isinstance(node, ast.Name) else node.attr
        end = self.end(node)
        return self.edit(end - len(old), end, name, node)

    def drop(self, statement: ast.stmt) -> Change:
        """Return the change of a statement into `pass`."""
        return Change(self.start(statement), self.end(statement), "pass", statement)

    def replace(self, node: ast.expr, new: ast.expr, wanted: tuple[int, int, str] | None = None) -> Change:
        """Return the change of one expression into another.

        Args:
            node: an expression of this cell.
            new: what stands there instead; nodes of this cell in it keep their own text.
            wanted: the edit (start, end, text) that changes least; taken if it means the same as `new`.

        Raises:
            EngineError: `new` cannot be written down, which is a mistake of the operator.
        """
        start, end = self.start(node), self.end(node)
        meant = self._shape_with(node, new)
        for first, last, text in self._edits(start, end, new, wanted):
            try:
                tree = parse(self.text[:first] + text + self.text[last:])
            except (SyntaxError, ValueError):
                continue
            if shape_of(tree) == meant:
                return Change(first, last, text, self.statement(node), meant)
        raise EngineError(f"{ast.unparse(new)!r} cannot be written in place of {self.source(node)!r}")

    def replace_operator(self, left: ast.expr, right: ast.expr, old: str, new: str) -> tuple[int, int, str] | None:
        """Return the edit that changes the operator between two operands, past comments and parentheses."""
        first, last = self.end(left), self.start(right)
        between = re.sub(r"#[^\r\n]*", lambda match: " " * len(match.group()), self.text[first:last])
        match = re.search(r"\s+".join(map(re.escape, old.split())), between)
        return (first + match.start(), first + match.end(), new) if match else None

    def _edits(
        self, start: int, end: int, new: ast.expr, wanted: tuple[int, int, str] | None
    ) -> Iterator[tuple[int, int, str]]:
        if wanted is not None:
            yield wanted
        around = self.text[max(start - 1, 0) : start] + self.text[end : end + 1]
        for text in self._spellings(new):
            if around == "()" and isinstance(new, _ATOMS):
                yield start - 1, end + 1, text  # parentheses that are needed no more
            yield start, end, text

    def _shape_with(self, node: ast.expr, new: ast.expr) -> Shape:
        """Return what the cell means with one expression in place of another."""
        if not self._shapes:
            self._shapes = {each: shape_of(each) for each in self.parents if isinstance(each, ast.expr | ast.stmt)}
        above = set(self.ancestors(node))
        known = {each: shape for each, shape in self._shapes.items() if each not in above}
        known[node] = shape_of(new, known)
        return shape_of(self.tree, known)

    def _spellings(self, new: ast.expr) -> Iterator[str]:
        """Yield texts for an expression, those with the fewest parentheses first; nodes of this cell keep theirs."""
        held: dict[str, ast.expr] = {}

        def hold(node: ast.AST) -> ast.AST:
            if isinstance(node, ast.expr) and node in self.parents:
                name = f"held_{len(held)}_by_saiten"
                held[name] = node
                return ast.Name(name, ast.Load())
            copied = type(node)()
            for name, value in ast.iter_fields(node):
                if isinstance(value, list):
                    setattr(copied, name, [hold(each) if isinstance(each, ast.AST) else each for each in value])
                else:
                    setattr(copied, name, hold(value) if isinstance(value, ast.AST) else value)
            return copied

        pattern = ast.unparse(ast.fix_missing_locations(hold(new)))
        for bare in ((ast.expr,), _ATOMS, ()):
            texts = {name: self._operand(node, bare) for name, node in held.items()}
            text = "".join(texts.get(part, part) for part in _HELD.split(pattern))
            yield text
            yield f"({text})"
        yield f"({ast.unparse(new)})"

    def _operand(self, node: ast.expr, bare: tuple[type[ast.expr], ...]) -> str:
        return self.source(node) if isinstance(node, bare) else f"({self.source(node)})"


def called_name(call: ast.Call) -> str:
    """Return the last part of the name of what is called; empty if it has none."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _frozen(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what decides nothing, or must not be touched: each with all that it holds."""
    for node in ast.walk(tree):
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal() | ast.JoinedStr():
                yield node
            case ast.Expr(value=ast.Constant()):
                yield node
            case ast.Expr(value=ast.Call(func=function) as call):
                if _SHOWS.fullmatch(_root(function)) or _DRAWS.fullmatch(called_name(call)):
                    yield node
            case ast.Raise(exc=ast.Call(args=arguments, keywords=keywords)):
                yield from arguments
                yield from keywords
            case ast.Assert(msg=ast.expr() as message):
                yield message
            case ast.AnnAssign(annotation=annotation):
                yield annotation
            case ast.arg(annotation=ast.expr() as annotation):
                yield annotation
            case ast.FunctionDef(returns=ast.expr() as returns) | ast.AsyncFunctionDef(returns=ast.expr() as returns):
                yield returns


def _root(node: ast.expr) -> str:
    """Return the name that a dotted chain begins with: `ax` of `ax[0].plot`; empty if it begins with none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
