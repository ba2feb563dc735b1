"""Marking a class: workers, the one coordinator, and what it writes.

In: a course, an assignment, its bundle. Out: exactly one result for each submission, in ledger and gradebook.
Workers are reached through `concurrent.futures` alone.
"""

from saiten.batch.marking import ClassReport, Marked, Options, chosen_students, mark_class
from saiten.batch.pool import LocalPool, MarkingExecutor
from saiten.batch.run import run_batch

__all__ = [
    "ClassReport",
    "LocalPool",
    "Marked",
    "MarkingExecutor",
    "Options",
    "chosen_students",
    "mark_class",
    "run_batch",
]
