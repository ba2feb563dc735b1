"""The ledger: every result ever computed, so that nothing is marked twice and a killed run goes on where it was.

In: a SQLAlchemy engine of the gradebook's database, and results. Out: the table `saiten_ledger`, results by key.
One row for each (bundle, submission, engine, student, assignment); each finished result is one transaction.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

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
)
"""Kept apart from nbgrader's own metadata, so that nbgrader's migrations never see it."""
_ADDED = ("brief",)
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
