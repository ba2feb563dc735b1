"""How marks came about: every result of a student's hand-ins, and who has none yet.

In: a connection for reading. Out: `Entry`s, the oldest first; names of students.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from saiten.ledger.table import TABLE, stored, unpack
from saiten.results import Status

_WITHOUT_VERDICT = (Status.REJECTED.value, Status.INFRA_ERROR.value)


@dataclass(frozen=True, slots=True)
class Entry:
    """One result in a mark's history."""

    marked_at: datetime
    """aware, UTC"""
    marked_by: str
    """account that ran it; empty if it was not noted then"""
    status: str
    score: float | None
    max_score: float
    seconds: float
    bundle_hash: str
    submission_hash: str
    engine: str
    in_gradebook: bool
    message: str = ""
    """why there is no score: what is wrong with the hand-in, or the evidence of a fault of ours"""


def history(connection: Connection, student: str, assignment: str) -> list[Entry]:
    """Return every result of a student's hand-ins for an assignment, the oldest first."""
    named = [TABLE.c[each.name] for each in fields(Entry) if each.name != "message"]
    theirs = (TABLE.c.student == stored(student), TABLE.c.assignment == stored(assignment))
    found = connection.execute(select(*named).where(*theirs).order_by(TABLE.c.marked_at)).mappings().all()
    failed = (TABLE.c.status.in_(_WITHOUT_VERDICT), *theirs)
    messages = {}
    for row in connection.execute(select(*_IDENTITY, TABLE.c.result).where(*failed)):
        result = unpack(row.result)
        messages[row[: len(_IDENTITY)]] = "" if result is None else result.message
    return [
        Entry(
            **{**row, "marked_at": row["marked_at"].replace(tzinfo=UTC), "marked_by": row["marked_by"] or ""},
            message=messages.get(tuple(row[column.name] for column in _IDENTITY), ""),
        )
        for row in found
    ]


_IDENTITY = (TABLE.c.bundle_hash, TABLE.c.submission_hash, TABLE.c.engine)
"""what tells the results of one student's work on one assignment apart"""


def not_marked(connection: Connection, assignment: str) -> set[str]:
    """Return the students whose last result for an assignment is no verdict: rejected, or a fault of ours."""
    query = select(TABLE.c.student, TABLE.c.status).where(TABLE.c.assignment == stored(assignment))
    last = {row.student: row.status for row in connection.execute(query.order_by(TABLE.c.marked_at))}
    return {student for student, status in last.items() if status in _WITHOUT_VERDICT}
