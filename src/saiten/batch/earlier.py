"""What an earlier run of the same submissions is good for, after an assignment's tests have changed.

In: ledger, bundle. Out: for each submission an `Again` (some questions are enough), or why the whole has to be marked.
Of each bundle that marked something a few kilobytes are kept beside the ledger, to tell later what has changed since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import Column, Connection, DateTime, MetaData, String, Table, Text, insert, or_, select

from saiten.batch.changes import Change, Parts, change
from saiten.bundle import Bundle
from saiten.grading.again import Again
from saiten.ledger import TABLE, Key, Ledger
from saiten.ledger.table import stored
from saiten.results import Result, Status
from saiten.submission import Submission

BUNDLES = Table(
    "saiten_bundles",
    MetaData(),
    Column("bundle_hash", String(64), primary_key=True),
    Column("assignment", String(255), nullable=False),
    Column("noted_at", DateTime, nullable=False),
    Column("parts", Text, nullable=False),
)
"""Beside the ledger: what is kept of each bundle."""
_FEW = 500
"""names that a query may hold"""
_VERDICTS = (Status.GRADED.value, Status.NEEDS_MANUAL.value)


def note_bundle(connection: Connection, bundle: Bundle) -> None:
    """Keep what tells later runs what has changed since this bundle."""
    BUNDLES.create(connection, checkfirst=True)
    known = select(BUNDLES.c.bundle_hash).where(BUNDLES.c.bundle_hash == bundle.hash)
    if connection.execute(known).first() is None:
        row = {"bundle_hash": bundle.hash, "assignment": stored(bundle.assignment), "parts": Parts.of(bundle).to_json()}
        connection.execute(insert(BUNDLES).values(**row, noted_at=datetime.now(UTC).replace(tzinfo=None)))


@dataclass
class Earlier:
    """Earlier results of one assignment's submissions by other bundles.

    Args:
        bundle: of today.
        engine: as it stands in the ledger's keys.
    """

    bundle: Bundle
    engine: str
    runs: Mapping[tuple[str, str], list[Key]] = field(default_factory=dict)
    """by student (as stored) and submission's hash, the newest first"""
    parts: Mapping[str, Parts] = field(default_factory=dict)
    """by bundle's hash"""
    changes: dict[str, Change] = field(default_factory=dict)

    @classmethod
    def read(cls, connection: Connection, bundle: Bundle, engine: str, students: Collection[str] = ()) -> Earlier:
        """Read what there is.

        Args:
            connection: to the gradebook's database.
            bundle: of today.
            engine: as it stands in the ledger's keys.
            students: these alone; empty, or very many: everybody.
        """
        columns = (TABLE.c.bundle_hash, TABLE.c.submission_hash, TABLE.c.engine, TABLE.c.student, TABLE.c.assignment)
        query = select(*columns).where(
            TABLE.c.assignment == stored(bundle.assignment),
            or_(TABLE.c.bundle_hash != bundle.hash, TABLE.c.engine != engine),
            TABLE.c.status.in_(_VERDICTS),
        )
        if 0 < len(students) <= _FEW:
            query = query.where(TABLE.c.student.in_([stored(name) for name in students]))
        runs: defaultdict[tuple[str, str], list[Key]] = defaultdict(list)
        for row in connection.execute(query.order_by(TABLE.c.marked_at.desc())):
            runs[row.student, row.submission_hash].append(Key(*row))
        return cls(bundle, engine, runs, _all_parts(connection, bundle.assignment))

    def of(self, submission: Submission, ledger: Ledger) -> tuple[Again | None, str]:
        """Return what to mark again of a submission, if that can be told; else why the whole has to be marked.

        Both are empty where nothing is known of these bytes.

        Raises:
            GradebookError: the ledger cannot be read.
        """
        mine = Key("", submission.hash, self.engine, submission.student, submission.assignment).stored()
        runs = self.runs.get((mine.student, submission.hash), [])
        reasons = []
        for key in runs:
            found = self._change(key)
            if found.whole:
                reasons.append(found.whole)
                continue
            before = ledger.get(key)
            if before is None:
                reasons.append("the earlier result cannot be read any more")
                continue
            return Again(before, found.marked, found.needed), ""
        return None, reasons[0] if reasons else ""

    def _change(self, key: Key) -> Change:
        if key.engine != self.engine:
            return Change("another version of the engine had marked it")
        parts = self.parts.get(key.bundle_hash)
        if parts is None:
            return Change("what it had been marked with is not known")
        if key.bundle_hash not in self.changes:
            self.changes[key.bundle_hash] = change(parts, self.bundle)
        return self.changes[key.bundle_hash]


def _all_parts(connection: Connection, assignment: str) -> dict[str, Parts]:
    found = {}
    for row in connection.execute(select(BUNDLES).where(BUNDLES.c.assignment == stored(assignment))):
        try:
            found[row.bundle_hash] = Parts.from_json(row.parts)
        except (ValueError, KeyError, TypeError):  # of another version: as good as unknown
            continue
    return found


def with_reason(result: Result, reason: str) -> Result:
    """A result that says why the whole submission was marked; the worker's own reason comes first."""
    return replace(result, whole_because=reason) if reason and not result.whole_because else result
