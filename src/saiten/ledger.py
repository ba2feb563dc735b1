"""The ledger: every result ever computed, so that nothing is marked twice and a killed run goes on where it was.

In: a SQLAlchemy engine of the gradebook's database, and results. Out: the table `saiten_ledger`, results by key.
One row for each (bundle, submission, engine, student, assignment); each finished result is one transaction.
"""

from __future__ import annotations

import getpass
import os
import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    Float,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from saiten.errors import GradebookError
from saiten.results import Result, Status

TABLE = Table(
    "saiten_ledger",
    MetaData(),
    Column("bundle_hash", String(64), primary_key=True),
    Column("submission_hash", String(64), primary_key=True),
    Column("engine", String(32), primary_key=True),
    Column("student", String(1024), primary_key=True),
    Column("assignment", String(255), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("score", Float),
    Column("max_score", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("marked_at", DateTime, nullable=False),
    Column("in_gradebook", Boolean, nullable=False, default=False),
    Column("result", LargeBinary, nullable=False),
    Column("brief", LargeBinary),
    Column("marked_by", String(255)),
)
"""Kept apart from nbgrader's own metadata, so that nbgrader's migrations never see it."""
_ADDED = ("brief", "marked_by")
"""columns that a ledger of an older version lacks; they may be empty"""


@dataclass(frozen=True, slots=True)
class Key:
    """What a result depends on: the same key means the same verdict."""

    bundle_hash: str
    submission_hash: str
    engine: str
    student: str
    assignment: str


class Ledger:
    """The ledger of one gradebook. One process writes it; any number may read.

    Args:
        database: engine of the gradebook's database, in which nbgrader's own tables already stand.

    Raises:
        GradebookError: the database refuses the table.
    """

    def __init__(self, database: Engine) -> None:
        self._database = database
        try:
            TABLE.create(database, checkfirst=True)
            _add_columns(database)
        except SQLAlchemyError as error:
            raise _refused(database, error) from error

    def get(self, key: Key, *, brief: bool = False) -> Result | None:
        """Return the final result of a key; None if it has to be marked.

        Args:
            key: what it depends on.
            brief: `Result.brief` of it is enough, which is read several times as fast.

        An `infra_error` is no verdict and is never returned: it is marked again. A row that cannot be read back (an
        older format of results) counts as unknown, too.

        Raises:
            GradebookError: the database cannot be read.
        """
        final = *_match(key), TABLE.c.status != Status.INFRA_ERROR.value
        try:
            with self._database.connect() as connection:
                if brief:
                    packed = connection.execute(select(TABLE.c.brief).where(*final)).scalar_one_or_none()
                    found = None if packed is None else _unpack(packed)
                    if found is not None:
                        return found
                packed = connection.execute(select(TABLE.c.result).where(*final)).scalar_one_or_none()
        except SQLAlchemyError as error:
            raise _refused(self._database, error) from error
        whole = None if packed is None else _unpack(packed)
        return whole.brief() if brief and whole is not None else whole

    def record(self, key: Key, result: Result) -> None:
        """Write one finished result, in one transaction of its own; an older one of the same key is replaced.

        Raises:
            GradebookError: the database refuses (locked for too long, full, read-only).
        """
        named = dict(zip(_KEY_COLUMNS, _columns(key), strict=True))
        row = {
            "status": result.status.value,
            "score": result.score,
            "max_score": result.max_score,
            "seconds": result.seconds,
            "marked_at": datetime.now(UTC).replace(tzinfo=None),
            "result": _pack(result),
            "brief": _pack(result.brief()),
            "marked_by": _account(),
        }
        try:
            with self._database.begin() as connection:
                if connection.execute(update(TABLE).where(*_match(key)).values(**row)).rowcount == 0:
                    connection.execute(insert(TABLE).values(**named, **row, in_gradebook=False))
        except SQLAlchemyError as error:
            raise _refused(self._database, error) from error


def _add_columns(database: Engine) -> None:
    """Bring the table of an older version up to date; what stands in it stays."""
    there = {column["name"] for column in inspect(database).get_columns(TABLE.name)}
    for name in _ADDED:
        if name not in there:
            kind = TABLE.c[name].type.compile(database.dialect)
            try:
                with database.begin() as connection:
                    connection.execute(text(f"ALTER TABLE {TABLE.name} ADD COLUMN {name} {kind}"))
            except SQLAlchemyError:  # another process may have been the first
                if name not in {column["name"] for column in inspect(database).get_columns(TABLE.name)}:
                    raise


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


def history(connection: Connection, student: str, assignment: str) -> list[Entry]:
    """Return every result of a student's hand-ins for an assignment, the oldest first."""
    columns = [TABLE.c[name] for name in Entry.__slots__]
    found = connection.execute(
        select(*columns)
        .where(TABLE.c.student == _text(student), TABLE.c.assignment == _text(assignment))
        .order_by(TABLE.c.marked_at)
    )
    return [
        Entry(**{**row, "marked_at": row["marked_at"].replace(tzinfo=UTC), "marked_by": row["marked_by"] or ""})
        for row in map(dict, found.mappings())
    ]


def not_marked(connection: Connection, assignment: str) -> set[str]:
    """Return the students whose last result for an assignment is no verdict: rejected, or a fault of ours."""
    query = select(TABLE.c.student, TABLE.c.status).where(TABLE.c.assignment == _text(assignment))
    last = {row.student: row.status for row in connection.execute(query.order_by(TABLE.c.marked_at))}
    return {student for student, status in last.items() if status in (Status.REJECTED, Status.INFRA_ERROR)}


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
    wanted = [TABLE.c.assignment.in_([_text(name) for name in assignments])] if assignments else []
    query = select(
        *(TABLE.c[name] for name in _KEY_COLUMNS), TABLE.c.marked_at, TABLE.c.in_gradebook, size.label("size")
    )
    try:
        with database.begin() as connection:
            found = connection.execute(query.where(*wanted)).all()
            needed = _needed(found)
            old = [row for row in found if row.marked_at < moment and not row.in_gradebook and not needed(row)]
            for row in () if dry else old:
                connection.execute(delete(TABLE).where(*_match(Key(*row[: len(_KEY_COLUMNS)]))))
    except SQLAlchemyError as error:
        raise _refused(database, error) from error
    return Pruned(len(old), sum(row.size for row in old) / 1e6, len(found) - len(old))


_BUNDLES_IN_USE = 2
"""of an assignment: all tests, and on a hub the public ones alone"""


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


def in_gradebook(connection: Connection, assignment: str) -> dict[str, Key]:
    """Return, by student, the key of the result that the gradebook holds now."""
    query = select(*(TABLE.c[name] for name in _KEY_COLUMNS)).where(
        TABLE.c.assignment == _text(assignment), TABLE.c.in_gradebook
    )
    return {row.student: Key(*row) for row in connection.execute(query)}


def note_in_gradebook(connection: Connection, assignment: str, keys: Mapping[str, Key]) -> None:
    """Note, in the transaction that writes the gradebook, which results it holds from now on.

    Args:
        connection: the transaction that wrote the gradebook: both are there, or neither.
        assignment: name of the assignment.
        keys: by student, the key of the result that was written; other students' notes stay.
    """
    before = in_gradebook(connection, assignment)
    changed = {student: key for student, key in keys.items() if before.get(_text(student)) != _stored(key)}
    for student, key in changed.items():
        owner = (TABLE.c.assignment == _text(assignment), TABLE.c.student == _text(student))
        connection.execute(update(TABLE).where(*owner, TABLE.c.in_gradebook).values(in_gradebook=False))
        connection.execute(update(TABLE).where(*_match(key)).values(in_gradebook=True))


_KEY_COLUMNS = ("bundle_hash", "submission_hash", "engine", "student", "assignment")


def _columns(key: Key) -> tuple[str, ...]:
    return key.bundle_hash, key.submission_hash, key.engine, _text(key.student), _text(key.assignment)


def _match(key: Key) -> list[ColumnElement[bool]]:
    return [TABLE.c[name] == value for name, value in zip(_KEY_COLUMNS, _columns(key), strict=True)]


def _stored(key: Key) -> Key:
    return Key(*_columns(key))


def _text(name: str) -> str:
    """A folder's name need not be valid text; what a database cannot hold is written as an escape."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def _account() -> str:
    try:
        return getpass.getuser()[:255]
    except (KeyError, OSError):  # an account without a name, as containers have
        return f"uid {os.getuid()}"


def _pack(result: Result) -> bytes:
    return zlib.compress(result.to_json().encode("utf-8", "surrogatepass"), level=6)


def _unpack(packed: bytes) -> Result | None:
    try:
        return Result.from_json(zlib.decompress(packed).decode("utf-8", "surrogatepass"))
    except (zlib.error, ValueError, KeyError, TypeError):
        return None


def _refused(database: Engine, error: SQLAlchemyError) -> GradebookError:
    where = database.url.render_as_string(hide_password=True)
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    return GradebookError(
        f"The ledger in {where} cannot be written ({reason}).",
        "See that it can be written and that no other program locks it, then run again: what was marked is kept.",
    )
