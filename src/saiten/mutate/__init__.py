"""Mutants: wrong solutions on purpose, made from the reference solution, one change each.

In: the text of a solution cell.
Out: `mutants(...)`; docs/reference/mutants.md shows the operators, and each module here holds those of one topic.
"""

from __future__ import annotations

from saiten.mutate import arithmetic, arrays, calls, constants, control, names, placement, tensors
from saiten.mutate.generate import Mutant, mutants
from saiten.mutate.table import OPERATORS, Operator

__all__ = ["OPERATORS", "Mutant", "Operator", "mutants"]

_TOPICS = (arithmetic, control, constants, arrays, calls, names, placement, tensors)  # importing them fills the table
