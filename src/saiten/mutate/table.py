"""The table of mutation operators: each says what it is called, which nodes it looks at, and gives an example.

In: functions decorated with `operator`, one module per topic.
Out: `OPERATORS`, in the order in which the modules register them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from saiten.mutate.cell import Cell, Change

Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Operator:
    """One kind of mistake."""

    name: str
    """what mutants of it are called; several functions may share a name"""
    kind: type[ast.AST]
    """the nodes that it looks at"""
    before: str
    """an example: code of which it makes ..."""
    after: str
    """... this"""
    changes: Callable[[Any, Cell], Iterator[Change]]
    """yields the changes that it makes at a node"""


OPERATORS: list[Operator] = []


def operator(
    name: str, kind: type[Node], before: str, after: str
) -> Callable[[Callable[[Node, Cell], Iterator[Change]]], Callable[[Node, Cell], Iterator[Change]]]:
    """Register a function as a mutation operator.

    Args:
        name: what its mutants are called.
        kind: the class of nodes that it is called with.
        before: an example, a cell on its own; documentation and tests take it from here.
        after: one of the cells that the operator makes of it.
    """

    def register(function: Callable[[Node, Cell], Iterator[Change]]) -> Callable[[Node, Cell], Iterator[Change]]:
        OPERATORS.append(Operator(name, kind, before, after, function))
        return function

    return register
