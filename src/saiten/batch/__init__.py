"""Marking a class: workers, the one coordinator, and what it writes.

In: a course, an assignment, its bundle. Out: exactly one result for each submission, in ledger and gradebook.
Workers are reached through `concurrent.futures` alone. Nothing is imported here: every worker imports this package, and
what the coordinator needs (nbgrader, SQLAlchemy: seconds) is none of theirs; see `saiten.batch.marking.mark_class`.
"""
