"""The service's tables, in the gradebook's database beside the ledger.

In: a SQLAlchemy engine. Out: `saiten_arrivals`, `saiten_jobs`, `saiten_acts`, made where they are missing.
They are kept apart from nbgrader's own metadata, so that its migrations never see them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, DateTime, Dialect, Engine, Float, Integer, MetaData, Table, TypeDecorator
from sqlalchemy import String as PlainString
from sqlalchemy import Text as PlainText

_META = MetaData()


def _as_text(value: Any) -> Any:
    """What a database can hold of a text: PostgreSQL takes no NUL, and no database half of a pair of surrogates."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


class String(TypeDecorator[str]):
    """Short text of anybody's; what is no text is written as an escape."""

    impl = PlainString
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """As it is stored."""
        return _as_text(value)


class Text(TypeDecorator[str]):
    """Long text of anybody's; what is no text is written as an escape."""

    impl = PlainText
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """As it is stored."""
        return _as_text(value)


ARRIVALS = Table(
    "saiten_arrivals",
    _META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("token", String(255), nullable=False, unique=True),
    Column("student", String(1024), nullable=False),
    Column("assignment", String(255), nullable=False),
    Column("arrived", DateTime, nullable=False),
    Column("claimed", String(255), nullable=False),
    Column("submission_hash", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("finished", DateTime),
    Column("seconds", Float),
    Column("message", Text, nullable=False, default=""),
    Column("verdict", Text, nullable=False, default=""),
    Column("answer", Text, nullable=False, default=""),
    Column("failures", Text, nullable=False, default=""),
    Column("handed_out", Boolean, nullable=False, default=False),
    Column("released", Boolean, nullable=False, default=False),
    sqlite_autoincrement=True,  # a number is never used twice
)

JOBS = Table(
    "saiten_jobs",
    _META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("assignment", String(255), nullable=False),
    Column("who", String(1024), nullable=False),
    Column("started", DateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("processor_seconds", Float),
    Column("message", Text, nullable=False, default=""),
    Column("finished", DateTime),
    sqlite_autoincrement=True,
)

ACTS = Table(
    "saiten_acts",
    _META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("moment", DateTime, nullable=False),
    Column("who", String(1024), nullable=False),
    Column("what", String(64), nullable=False),
    Column("assignment", String(255), nullable=False),
    Column("student", String(1024), nullable=False, default=""),
    Column("detail", Text, nullable=False, default=""),
    sqlite_autoincrement=True,
)


def create(database: Engine) -> None:
    """Make the tables that are missing."""
    _META.create_all(database)
