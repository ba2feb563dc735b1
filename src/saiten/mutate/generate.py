"""Make the mutants of a cell: ask every operator at every node, keep what is new, give it a lasting name.

In: the text of a solution cell, and the lines that may change.
Out: `Mutant`s, in the order of the text; the same for the same text, always.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from saiten.mutate.cell import Cell, Change, compiles, parse, shape_of
from saiten.mutate.table import OPERATORS


@dataclass(frozen=True, slots=True)
class Mutant:
    """A solution cell that is wrong on purpose, in one place."""

    name: str
    """`<operator>-<8 hex digits>`: unique within the cell, and the same as long as its statement stays as it is"""
    operator: str
    """the kind of mistake, such as `comparison`"""
    source: str
    """the whole cell's text with the one change"""
    line: int
    """line of the change in the original text, from 1"""
    before: str
    """the changed lines as they were"""
    after: str
    """the changed lines as they are"""

    def diff(self, context: int = 2) -> str:
        """Return the change as a unified diff, without the lines that name files.

        Args:
            context: how many unchanged lines to show on either side.
        """
        after = self.source.split("\n")
        first, count = self.line - 1, self.after.count("\n") + 1
        before = [*after[:first], *self.before.split("\n"), *after[first + count :]]
        return "\n".join(list(difflib.unified_diff(before, after, n=context, lineterm=""))[2:])


def mutants(source: str, *, only: Sequence[tuple[int, int]] | None = None) -> list[Mutant]:
    """Make all mutants of a cell.

    Args:
        source: a solution cell's text, with the reference solution in it.
        only: ranges of lines, from 1, first and last included; nothing outside is changed. None: everything may.

    Returns:
        the mutants in the order of the text. Every one compiles, no two mean the same to Python, and none means the
        same as the original. A cell that is not plain Python (magics, `!` lines) has none.
    """
    try:
        cell = Cell(source)
    except (SyntaxError, ValueError):
        return []
    seen = {cell.shape}
    names: set[str] = set()
    counted: Counter[tuple[str, ...]] = Counter()
    found = []
    for operator, change in _changes(cell):
        change = _trimmed(cell, change)
        first, last = cell.line(change.start), cell.line(change.end)
        if only is not None and not any(low <= first and last <= high for low, high in only):
            continue
        text = source[: change.start] + change.text + source[change.end :]
        if change.shape in seen:
            continue
        try:
            tree = parse(text)
        except (SyntaxError, ValueError):
            continue
        shape = change.shape or shape_of(tree)
        if shape in seen or not compiles(tree):
            continue
        seen.add(shape)
        key = (operator, *_identity(cell, change))
        name = _name(key, counted[key])
        while name in names:
            counted[key] += 1
            name = _name(key, counted[key])
        counted[key] += 1
        names.add(name)
        found.append(_mutant(name, operator, cell, change, text))
    return found


def _changes(cell: Cell) -> Iterator[tuple[str, Change]]:
    """Yield all changes by all operators, in the order of the text; where two begin together, in the table's order."""
    found: list[tuple[int, int, int, str, Change]] = []
    for node in cell.nodes():
        for place, operator in enumerate(OPERATORS):
            if isinstance(node, operator.kind):
                found.extend(
                    (change.start, change.end, place, operator.name, change) for change in operator.changes(node, cell)
                )
    found.sort(key=lambda each: each[:3])
    for *_, name, change in found:
        yield name, change


def _trimmed(cell: Cell, change: Change) -> Change:
    """Return the same change without what it leaves as it is at both ends."""
    old, new = cell.text[change.start : change.end], change.text
    front = 0
    while front < min(len(old), len(new)) and old[front] == new[front]:
        front += 1
    back = 0
    while back < min(len(old), len(new)) - front and old[-1 - back] == new[-1 - back]:
        back += 1
    return Change(change.start + front, change.end - back, new[front : len(new) - back], change.statement, change.shape)


def _identity(cell: Cell, change: Change) -> tuple[str, str, str]:
    """Return what a name is made of: the function, the statement as it was, and as it is.

    Of a compound statement, only the head counts, so that an edit in a loop's body leaves the names of its head alone.
    """
    statement = change.statement
    first, last = cell.start(statement), cell.end(statement)
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if body and isinstance(body[0], ast.stmt):
        last = cell.start(body[0])
    first, last = min(first, change.start), max(last, change.end)
    before = cell.text[first:last]
    after = cell.text[first : change.start] + change.text + cell.text[change.end : last]
    return cell.function_name(statement), " ".join(before.split()), " ".join(after.split())


def _name(key: tuple[str, ...], occurrence: int) -> str:
    text = "\0".join((*key, str(occurrence)))
    return f"{key[0]}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"


def _mutant(name: str, operator: str, cell: Cell, change: Change, text: str) -> Mutant:
    lines = cell.text.split("\n")
    first = cell.text.count("\n", 0, change.start)
    last = cell.text.count("\n", 0, change.end)
    grown = change.text.count("\n") - (last - first)
    before = "\n".join(lines[first : last + 1])
    after = "\n".join(text.split("\n")[first : last + 1 + grown])
    return Mutant(name, operator, text, first + 1, before, after)
