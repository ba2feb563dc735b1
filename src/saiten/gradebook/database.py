"""The gradebook's database: opened, created and checked as nbgrader does it.

In: a database URL. Out: a SQLAlchemy engine whose database has nbgrader's tables at nbgrader's own version.
SQLite waits for other writers and keeps a write-ahead log, so that formgrader can read while a class is marked.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from nbgrader.api import Base
from nbgrader.dbutil import ALEMBIC_DIR
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from saiten.database import READS
from saiten.errors import GradebookError

BUSY_SECONDS = 30.0
"""how long to wait for another writer (formgrader, `nbgrader ...`) before giving up"""

_NEXT_STEP = (
    "Mend it in nbgrader_config.py; for PostgreSQL write postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, and install"
    " its driver: pip install 'saiten[postgresql]'."
)
_WRITERS = 0x5361_6974_656E
"""the advisory lock of PostgreSQL that stands for the writer's place"""

ALEMBIC_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False))
"""Where nbgrader keeps the version of its schema."""


def open_database(url: str) -> Engine:
    """Open a gradebook, and create it where there is none, at the version that nbgrader would give it.

    Args:
        url: nbgrader's `CourseDirectory.db_url`.

    Raises:
        GradebookError: it cannot be opened, is no gradebook, or was made by another version of nbgrader.
    """
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            _create_tables(connection)
    except (SQLAlchemyError, ImportError) as error:
        engine.dispose()
        raise _unusable(engine, error) from error
    except GradebookError:
        engine.dispose()
        raise
    return engine


def nbgrader_version() -> str:
    """Return the newest schema version that the installed nbgrader knows.

    nbgrader itself runs the program `alembic` for this, which has to be on PATH; here its own library is asked.
    """
    config = AlembicConfig()
    config.set_main_option("script_location", ALEMBIC_DIR)
    head = ScriptDirectory.from_config(config).get_current_head()
    if head is None:
        raise GradebookError("nbgrader's migrations have no newest version.", "Install nbgrader again.")
    return head


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        # a connection that the server has closed meanwhile (it was restarted) is replaced when it is next used
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise GradebookError(
            f"The gradebook's address (CourseDirectory.db_url) cannot be used ({reason}).", _NEXT_STEP
        ) from error
    if engine.dialect.name not in ("sqlite", "postgresql"):
        raise GradebookError(
            f"The gradebook's address (CourseDirectory.db_url) names {engine.dialect.name}; Saiten keeps it in SQLite"
            " or PostgreSQL.",
            _NEXT_STEP,
        )
    if engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _begin_postgresql)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:" and not Path(parsed.database).parent.is_dir():
            folder = Path(parsed.database).parent
            raise GradebookError(f"{folder}, where the gradebook belongs, is no folder.", "Create it, or mend db_url.")
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins no transaction of its own: see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    # A file system without shared memory keeps the old journal: slower for readers, as safe.
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once if another writer came between; one that takes the
    # writer's place at its start waits for it. Readers are not held up: that is what the log is for.
    only_reads = connection.get_execution_options().get(READS, False)
    connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    # As with SQLite there is one writer at a time among Saiten's own transactions: two that enter the same student do
    # not meet. nbgrader's take no notice, and need not: they touch single rows.
    if not connection.get_execution_options().get(READS, False):
        milliseconds = int(BUSY_SECONDS * 1000)
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {milliseconds}; SELECT pg_advisory_xact_lock({_WRITERS})")


def _create_tables(connection: Connection) -> None:
    """Do what nbgrader's Gradebook does when it opens a database, without a second program and all or nothing."""
    present = set(inspect(connection).get_table_names())
    head = nbgrader_version()
    if ALEMBIC_VERSION.name not in present:
        # nbgrader fills an empty database only, and leaves one with any other table without a version.
        if present & set(Base.metadata.tables) and not _is_current(connection):
            raise _outdated(connection.engine)
        Base.metadata.create_all(connection)
        ALEMBIC_VERSION.create(connection)
        connection.execute(insert(ALEMBIC_VERSION).values(version_num=head))
        return
    versions = set(connection.execute(select(ALEMBIC_VERSION.c.version_num)).scalars())
    if versions != {head}:
        raise _outdated(connection.engine)
    Base.metadata.create_all(connection)


def _is_current(connection: Connection) -> bool:
    """Whether the tables that are there have every column that nbgrader wants."""
    inspector = inspect(connection)
    present = set(inspector.get_table_names())
    return all(
        {column.name for column in table.columns} <= {column["name"] for column in inspector.get_columns(name)}
        for name, table in Base.metadata.tables.items()
        if name in present
    )


def _outdated(engine: Engine) -> GradebookError:
    where = engine.url.render_as_string(hide_password=True)
    return GradebookError(
        f"The gradebook {where} was made by another version of nbgrader.",
        "Make a copy of it, then run `nbgrader db upgrade` in the course's folder.",
    )


def _unusable(engine: Engine, error: Exception) -> GradebookError:
    where = engine.url.render_as_string(hide_password=True)
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    return GradebookError(
        f"The gradebook {where} cannot be opened ({reason}).",
        "Check CourseDirectory.db_url in nbgrader_config.py, and that the database is there and can be written.",
    )
