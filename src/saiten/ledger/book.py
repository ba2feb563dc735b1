"""Results by key: recorded one by one as they are finished, found again singly or a class at a time.

In: keys and results. Out: rows of `saiten_ledger`, and the results of those rows.
Each result is one transaction; who only reads holds no writer up.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Engine, Select, bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from saiten.database import insert_or, reading
from saiten.ledger.table import KEY_COLUMNS, TABLE, Key, pack, prepare, refused, unpack
from saiten.results import Result, Status

_AT_ONCE = 50
"""results that are read ahead: packed, some ten kilobytes each"""
_FINAL = TABLE.c.status != Status.INFRA_ERROR.value
_MINE = *(TABLE.c[name] == bindparam(name) for name in KEY_COLUMNS), _FINAL
_RESULT_OF, _BRIEF_OF = select(TABLE.c.result).where(*_MINE), select(TABLE.c.brief).where(*_MINE)


class Ledger:
    """The ledger of one gradebook. Several coordinators may write it, any number may read.

    Args:
        database: engine of the gradebook's database, in which nbgrader's own tables already stand.

    Raises:
        GradebookError: the database refuses the table.
    """

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._reading = reading(database)
        prepare(database)

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
        row = key.row()
        try:
            with self._reading.connect() as connection:
                if brief:
                    packed = connection.execute(_BRIEF_OF, row).scalar_one_or_none()
                    found = None if packed is None else unpack(packed)
                    if found is not None:
                        return found
                packed = connection.execute(_RESULT_OF, row).scalar_one_or_none()
        except SQLAlchemyError as error:
            raise refused(self._database, error) from error
        whole = None if packed is None else unpack(packed)
        return whole.brief() if brief and whole is not None else whole

    def record(self, key: Key, result: Result) -> None:
        """Write one finished result, in one transaction of its own; an older one of the same key is replaced.

        Raises:
            GradebookError: the database refuses (locked for too long, full, read-only).
        """
        row = {
            "status": result.status.value,
            "score": result.score,
            "max_score": result.max_score,
            "seconds": result.seconds,
            "marked_at": datetime.now(UTC).replace(tzinfo=None),
            "result": pack(result),
            "brief": pack(result.brief()),
            "marked_by": _account(),
        }
        entered = insert_or(self._database, TABLE, KEY_COLUMNS, update=tuple(row))
        try:
            with self._database.begin() as connection:
                connection.execute(entered, {**key.row(), **row, "in_gradebook": False})
        except SQLAlchemyError as error:
            raise refused(self._database, error) from error

    def known(self, bundle_hash: str, engine: str, assignment: str) -> Known:
        """What is known of a class, for who is about to ask for most of it.

        Raises:
            GradebookError: the database cannot be read.
        """
        wanted = Key(bundle_hash, "", engine, "", assignment).stored()
        query = select(*(TABLE.c[name] for name in KEY_COLUMNS)).where(
            TABLE.c.bundle_hash == wanted.bundle_hash,
            TABLE.c.engine == wanted.engine,
            TABLE.c.assignment == wanted.assignment,
            _FINAL,
        )
        try:
            with self._reading.connect() as connection:
                keys = [Key(*row) for row in connection.execute(query)]
        except SQLAlchemyError as error:
            raise refused(self._database, error) from error
        return Known(self, sorted(keys, key=lambda key: (key.student, key.submission_hash)))

    def packed(self, keys: Sequence[Key]) -> dict[Key, bytes]:
        """The final results of some keys of one bundle, as they are stored; keys that are gone are left out.

        Raises:
            GradebookError: the database cannot be read.
        """
        try:
            with self._reading.connect() as connection:
                rows = connection.execute(_of(keys)).all()
        except SQLAlchemyError as error:
            raise refused(self._database, error) from error
        found = {Key(*row[: len(KEY_COLUMNS)]): bytes(row.result) for row in rows}
        return {key: found[key] for key in keys if key in found}


class Known:
    """The verdicts of one bundle on a class, asked for one after the other, by student.

    What was there at the start is read in batches; anything else is asked for singly, since another coordinator may
    have marked it meanwhile.

    Args:
        ledger: whose.
        keys: what it holds, as it is stored, by student.
    """

    def __init__(self, ledger: Ledger, keys: Sequence[Key]) -> None:
        self._ledger, self._keys = ledger, keys
        self._places = {key: place for place, key in enumerate(keys)}
        self._ahead: dict[Key, bytes] = {}

    def get(self, key: Key) -> Result | None:
        """Return the final result of a key; None if it has to be marked: see `Ledger.get`.

        Raises:
            GradebookError: the database cannot be read.
        """
        mine = key.stored()
        place = self._places.get(mine)
        if place is None:
            return self._ledger.get(key)
        if mine not in self._ahead:
            self._ahead = self._ledger.packed(self._keys[place : place + _AT_ONCE])
        packed = self._ahead.pop(mine, None)
        return None if packed is None else unpack(packed)


def _of(keys: Sequence[Key]) -> Select[*tuple[Any, ...]]:
    """Rows of keys that have the bundle, the engine and the assignment in common; a few more than these may match."""
    first = keys[0]
    return select(*(TABLE.c[name] for name in KEY_COLUMNS), TABLE.c.result).where(
        TABLE.c.bundle_hash == first.bundle_hash,
        TABLE.c.submission_hash.in_({key.submission_hash for key in keys}),
        TABLE.c.engine == first.engine,
        TABLE.c.student.in_({key.student for key in keys}),
        TABLE.c.assignment == first.assignment,
        _FINAL,
    )


@cache
def _account() -> str:
    try:
        return getpass.getuser()[:255]
    except (KeyError, OSError):  # an account without a name, as containers have
        return f"uid {os.getuid()}"
