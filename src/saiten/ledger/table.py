"""The ledger's table: its columns, its key, and how names and results are stored in it.

In: an engine of the gradebook's database. Out: `saiten_ledger`, made or brought up to date; keys and results as rows.
It is kept apart from nbgrader's own metadata, so that nbgrader's migrations never see it.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    inspect,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from saiten.database import reading
from saiten.errors import GradebookError
from saiten.results import Result

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
_BY_OWNER = Index("saiten_ledger_by_owner", TABLE.c.assignment, TABLE.c.student)
"""without it, each question about one student would read the whole table"""
_ADDED = ("brief", "marked_by")
"""columns that a ledger of an older version lacks; they may be empty"""
KEY_COLUMNS = ("bundle_hash", "submission_hash", "engine", "student", "assignment")
_LONGEST_NAME = 255
"""bytes of a name as it is stored: what a file system gives, and what fits into a key of PostgreSQL"""


@dataclass(frozen=True, slots=True)
class Key:
    """What a result depends on: the same key means the same verdict."""

    bundle_hash: str
    submission_hash: str
    engine: str
    student: str
    assignment: str

    def stored(self) -> Key:
        """The key as the table has it: see `stored`."""
        return Key(self.bundle_hash, self.submission_hash, self.engine, stored(self.student), stored(self.assignment))

    def row(self) -> dict[str, str]:
        """Its columns, as the table has them."""
        mine = self.stored()
        return {name: getattr(mine, name) for name in KEY_COLUMNS}


def prepare(database: Engine) -> None:
    """Make the table, or add what an older one lacks; what stands in it stays.

    Raises:
        GradebookError: the database refuses.
    """
    try:
        with reading(database).connect() as connection:
            if _is_whole(connection):
                return
        with database.begin() as connection:  # as the one writer: another process may have been the first
            _bring_up_to_date(connection)
    except SQLAlchemyError as error:
        raise refused(database, error) from error


def _is_whole(connection: Connection) -> bool:
    asked = inspect(connection)
    if not asked.has_table(TABLE.name):
        return False
    there = {column["name"] for column in asked.get_columns(TABLE.name)}
    return there.issuperset(_ADDED) and any(index["name"] == _BY_OWNER.name for index in asked.get_indexes(TABLE.name))


def _bring_up_to_date(connection: Connection) -> None:
    if not inspect(connection).has_table(TABLE.name):
        TABLE.create(connection)
        return
    there = {column["name"] for column in inspect(connection).get_columns(TABLE.name)}
    for name in _ADDED:
        if name not in there:
            kind = TABLE.c[name].type.compile(connection.dialect)
            connection.execute(text(f"ALTER TABLE {TABLE.name} ADD COLUMN {name} {kind}"))
    _BY_OWNER.create(connection, checkfirst=True)


def stored(name: str) -> str:
    """Return a name as a database can hold it.

    A folder's name need not be valid text: what is none is written as an escape. One that is too long then, which only
    escapes can bring about, keeps its beginning and gets a digest.
    """
    plain = name.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
    whole = plain.encode("utf-8")
    if len(whole) <= _LONGEST_NAME:
        return plain
    digest = hashlib.sha256(whole).hexdigest()
    return whole[: _LONGEST_NAME - len(digest) - 1].decode("utf-8", "ignore") + "~" + digest


def pack(result: Result) -> bytes:
    """A result as the table holds it."""
    return zlib.compress(result.to_json().encode("utf-8", "surrogatepass"), level=6)


def unpack(packed: bytes) -> Result | None:
    """The result in a row; None if it cannot be read back (an older format)."""
    try:
        return Result.from_json(zlib.decompress(packed).decode("utf-8", "surrogatepass"))
    except (zlib.error, ValueError, KeyError, TypeError):
        return None


def refused(database: Engine, error: SQLAlchemyError) -> GradebookError:
    """What to tell the user where the database says no."""
    where = database.url.render_as_string(hide_password=True)
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    return GradebookError(
        f"The ledger in {where} cannot be written ({reason}).",
        "See that it can be written and that no other program locks it, then run again: what was marked is kept.",
    )
