"""Letting go of results that nothing needs any more, so that the ledger stays within bounds.

In: names of assignments, an age. Out: fewer rows, and how many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, bindparam, delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from saiten.ledger.table import KEY_COLUMNS, TABLE, refused, stored

_BUNDLES_IN_USE = 2
"""of an assignment: all tests, and on a hub the public ones alone"""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning came to."""

    rows: int
    """removed, or to be removed"""
    megabytes: float
    """that their results hold"""
    kept: int


def prune(database: Engine, assignments: Sequence[str], before: datetime, *, dry: bool = False) -> Pruned:
    """Remove results that nothing needs any more.

    What the gradebook holds stays, and what was last marked with the tests that were used last: without that the next
    run would mark it again. SQLite uses the room for what comes; the file does not shrink.

    Args:
        database: engine of the gradebook's database.
        assignments: names; empty: all.
        before: only results that are older than this moment (aware).
        dry: remove nothing.

    Raises:
        GradebookError: the database refuses.
    """
    moment = before.astimezone(UTC).replace(tzinfo=None)
    size = func.length(TABLE.c.result) + func.coalesce(func.length(TABLE.c.brief), 0)
    wanted = [TABLE.c.assignment.in_([stored(name) for name in assignments])] if assignments else []
    query = select(
        *(TABLE.c[name] for name in KEY_COLUMNS), TABLE.c.marked_at, TABLE.c.in_gradebook, size.label("size")
    )
    gone = delete(TABLE).where(*(TABLE.c[name] == bindparam(f"the_{name}") for name in KEY_COLUMNS))
    try:
        with database.begin() as connection:
            found = connection.execute(query.where(*wanted)).all()
            needed = _needed(found)
            old = [row for row in found if row.marked_at < moment and not row.in_gradebook and not needed(row)]
            if old and not dry:
                connection.execute(gone, [{f"the_{name}": getattr(row, name) for name in KEY_COLUMNS} for row in old])
    except SQLAlchemyError as error:
        raise refused(database, error) from error
    return Pruned(len(old), sum(row.size for row in old) / 1e6, len(found) - len(old))


def _needed(rows: Sequence[Any]) -> Callable[[Any], bool]:
    """Whether a row is the last one of its hand-in by a bundle that is in use."""
    used: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    last: dict[tuple[str, ...], datetime] = {}
    for row in rows:
        bundles, key = used[row.assignment], (row.student, row.assignment, row.submission_hash, row.bundle_hash)
        bundles[row.bundle_hash] = max(row.marked_at, bundles.get(row.bundle_hash, row.marked_at))
        last[key] = max(row.marked_at, last.get(key, row.marked_at))
    in_use = {
        (name, bundle)
        for name, bundles in used.items()
        for bundle in sorted(bundles, key=lambda each: bundles[each])[-_BUNDLES_IN_USE:]
    }
    return lambda row: (
        (row.assignment, row.bundle_hash) in in_use
        and row.marked_at == last[row.student, row.assignment, row.submission_hash, row.bundle_hash]
    )
