"""Transactions on the gradebook's database: who only reads holds nobody up, who lost the server asks again.

In: an engine, pieces of work. Out: the same engine for reading; work done whole, though the server was away meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Engine, Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.sql.schema import Table

from saiten.errors import GradebookError

T = TypeVar("T")

READS = "saiten_reads"
"""execution option of connections that will write nothing: they do not wait for the writer's place"""
LOST_SECONDS = 120.0
"""how long a run waits for a database that does not answer: a server that is upgraded is away for less"""
BRIEF_SECONDS = 30.0
"""the same for the marking service, whose pages stand still meanwhile"""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0
_AWAY = ("57P01", "57P02", "57P03")
"""what PostgreSQL says while it is stopped, has crashed, or is starting; class 08 is a broken connection"""


def reading(database: Engine) -> Engine:
    """Return the same database for queries alone, on the same connections."""
    return database.execution_options(**{READS: True})


def insert_or(database: Engine, table: Table, keys: Sequence[str], update: Sequence[str] = ()) -> Insert:
    """Return a statement that inserts rows; where one of the same key stands, some columns are replaced, or none.

    Args:
        database: which kind it is for.
        table: into which.
        keys: columns of the primary key.
        update: columns that a row that is there gets anew; empty: it stays as it is.
    """
    return _insert_or(database.dialect.name == "postgresql", table, tuple(keys), tuple(update))


@cache  # to build it takes longer than to execute it, and it is executed for every submission
def _insert_or(is_server: bool, table: Table, keys: tuple[str, ...], update: tuple[str, ...]) -> Insert:
    statement: Any = (postgresql.insert if is_server else sqlite.insert)(table)
    if not update:
        silent: Insert = statement.on_conflict_do_nothing(index_elements=keys)
        return silent
    replacing: Insert = statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in update}
    )
    return replacing


@dataclass(frozen=True, slots=True)
class Patience:
    """How to bear a database that is away for a while: by default not at all."""

    seconds: float = 0.0
    tell: Callable[[str], None] = lambda _: None
    """told, in one sentence, that it waits and that it goes on"""

    def __call__(self, work: Callable[[], T]) -> T:
        """Do a piece of work; once more, from its beginning, as long as the database is away.

        Args:
            work: what is done whole or not at all, and may be done twice.

        Raises:
            GradebookError: the database stayed away; or what the work itself raises.
        """
        begun, pause, told = time.monotonic(), _FIRST_PAUSE, False
        while True:
            try:
                found = work()
            except (SQLAlchemyError, GradebookError) as error:
                reason = away(error)
                if not reason or not self.seconds:
                    raise
                if time.monotonic() - begun + pause > self.seconds:
                    raise GradebookError(
                        f"The gradebook's database has not answered for {self.seconds:g} s ({reason}).",
                        "See that its server runs and can be reached, then run again: what was marked is kept.",
                    ) from error
                if not told:
                    self.tell(
                        f"The gradebook's database does not answer ({reason}); trying again for {self.seconds:g} s."
                    )
                told = True
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                if told:
                    self.tell("The gradebook's database answers again: going on.")
                return found


def away(error: BaseException) -> str:
    """Say why an error means that the database's server cannot be reached just now; "" if it means something else."""
    cause = error if isinstance(error, SQLAlchemyError) else error.__cause__
    if not isinstance(cause, DBAPIError) or cause.orig is None:
        return ""
    is_server = hasattr(cause.orig, "sqlstate") or hasattr(cause.orig, "pgcode")
    code = getattr(cause.orig, "sqlstate", None) or getattr(cause.orig, "pgcode", None)
    # the drivers give no code where there was no answer at all: refused, or cut off in the middle
    lost = code is None and type(cause.orig).__name__ in ("OperationalError", "InterfaceError")
    if is_server and (cause.connection_invalidated or lost or code in _AWAY or str(code).startswith("08")):
        return " ".join(str(cause.orig).split()) or type(cause.orig).__name__
    return ""
