"""Marking a class: workers, the one coordinator, and what it writes.

In: a course, an assignment, its bundle. Out: exactly one result for each submission, in ledger and gradebook.
Workers are reached through `concurrent.futures` alone.
"""

from saiten.batch.freshness import current_bundle
from saiten.batch.marking import ClassReport, Marked, OnResult, Options, chosen_students, mark_class
from saiten.batch.pool import LocalPool, MarkingExecutor
from saiten.batch.run import run_batch

__all__ = [
    "ClassReport",
    "LocalPool",
    "Marked",
    "MarkingExecutor",
    "OnResult",
    "Options",
    "chosen_students",
    "current_bundle",
    "mark_class",
    "run_batch",
]
