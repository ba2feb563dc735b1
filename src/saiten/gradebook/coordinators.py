"""Whose turn it is to mark an assignment: of several coordinators on one course, one at a time.

In: the gradebook's database, the name of an assignment. Out: a `Turn`, or who has it (account, host, process, since).
A turn is a lock that the system gives back when its holder ends, even by SIGKILL: `flock` on a file beside the SQLite
database, an advisory lock of PostgreSQL's. docs/decisions/0007-two-coordinators.md says what it guards and what not.
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import socket
import stat
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from urllib.parse import quote

from sqlalchemy import Column, Connection, DateTime, Engine, Integer, MetaData, String, Table, delete, select, text
from sqlalchemy.exc import SQLAlchemyError

from saiten.database import Patience, insert_or, reading
from saiten.errors import GradebookError

_POLL_SECONDS = 0.5
_LOOK_SECONDS = 1.0
"""between two looks whether a turn is still ours"""
_LONGEST_NAME = 100
"""characters of an assignment's name in the name of a file"""
_LONGEST_TEXT = 255

COORDINATORS = Table(
    "saiten_coordinators",
    MetaData(),
    Column("lock", String(16), primary_key=True),
    Column("account", String(_LONGEST_TEXT), nullable=False),
    Column("host", String(_LONGEST_TEXT), nullable=False),
    Column("process", Integer, nullable=False),
    Column("since", DateTime, nullable=False),
)
"""Who holds which lock of a PostgreSQL server's, in words; the lock alone decides."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a turn."""

    account: str
    host: str
    process: int
    since: datetime
    """aware, UTC"""

    def __str__(self) -> str:
        since = self.since.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return f"{self.account} on {self.host} (process {self.process}, since {since})"

    @classmethod
    def me(cls) -> Self:
        """This process, from now on."""
        try:
            account = getpass.getuser()
        except (KeyError, OSError):  # an account without a name, as containers have
            account = f"uid {os.getuid()}"
        return cls(account[:_LONGEST_TEXT], socket.gethostname()[:_LONGEST_TEXT], os.getpid(), datetime.now(UTC))


class Turn(ABC):
    """The right to mark one assignment."""

    @abstractmethod
    def take(self) -> str:
        """Take it if it is free; returns "" if it is ours now, else who has it."""

    @abstractmethod
    def is_held(self) -> bool:
        """Whether it is still ours."""

    @abstractmethod
    def give_back(self) -> None:
        """Let the next one have it."""


@dataclass
class Waiting:
    """A turn together with the way to wait for it; `keep` is called now and then by who has it."""

    turn: Turn
    assignment: str
    seconds: float
    tell: Callable[[str], None]
    looked: float = 0.0

    def begin(self) -> None:
        """Wait until the turn is ours.

        Raises:
            GradebookError: somebody else still has it after `seconds`; says who.
        """
        deadline, told = time.monotonic() + self.seconds, ""
        while holder := self.turn.take():
            if time.monotonic() >= deadline:
                raise GradebookError(
                    f"{self.assignment} is being marked by {holder}.",
                    "Try again when that is done: what is marked then is not marked once more.",
                )
            if holder != told:
                self.tell(f"{self.assignment} is being marked by {holder}; waiting until that is done.")
                told = holder
            time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
        if told:
            self.tell("That is done: going on.")
        self.looked = time.monotonic()

    def keep(self) -> None:
        """See, once a second at most, that the turn is still ours; a server that was restarted has forgotten it.

        Raises:
            GradebookError: somebody else has taken it meanwhile, and keeps it for longer than we wait.
        """
        if time.monotonic() - self.looked > _LOOK_SECONDS:
            self.looked = time.monotonic()
            if not self.turn.is_held():
                self.begin()


@contextmanager
def my_turn(database: Engine, assignment: str, seconds: float, patience: Patience | None = None) -> Iterator[Waiting]:
    """Hold the right to mark an assignment, for the length of a `with` block.

    Args:
        database: engine of the gradebook's database.
        assignment: name.
        seconds: how long to wait for another coordinator; 0: not at all.
        patience: told who has it, and used where the database is away.

    Raises:
        GradebookError: somebody else has it for longer than that; says who.
    """
    patience = patience or Patience()
    turn = _turn(database, assignment)
    waiting = Waiting(turn, assignment, seconds, patience.tell)
    try:
        patience(waiting.begin)
        yield waiting
    finally:
        turn.give_back()


def _turn(database: Engine, assignment: str) -> Turn:
    if database.dialect.name == "postgresql":
        return _ServerTurn(database, assignment)
    path = database.url.database
    if not path or path == ":memory:" or path.startswith("file:"):
        return _NobodyElse()
    return _FileTurn(Path(path), assignment)


class _NobodyElse(Turn):
    """A database in this process's memory has one coordinator."""

    def take(self) -> str:
        return ""

    def is_held(self) -> bool:
        return True

    def give_back(self) -> None:
        return None


class _FileTurn(Turn):
    """A file beside the database, locked by `flock`; it holds the words about its holder."""

    def __init__(self, database: Path, assignment: str) -> None:
        name = quote(assignment, safe=" ", errors="backslashreplace")
        if len(name) > _LONGEST_NAME:
            name = name[:_LONGEST_NAME] + _digest(assignment)
        self._database, self._path = database, database.with_name(f"{database.name}-marking-{name}")
        self._file: int | None = None

    def take(self) -> str:
        while True:
            file = self._open()
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                words = self._holder(file)
                os.close(file)
                return words
            except OSError as error:  # a file system without locks
                os.close(file)
                raise self._refused(error) from error
            # the one before us may have removed the file between our two steps
            if self._is_in_place(file) and self._enter(file):
                self._file = file
                return ""
            os.close(file)

    def is_held(self) -> bool:
        return self._file is not None

    def give_back(self) -> None:
        if self._file is not None:
            with suppress(FileNotFoundError):
                self._path.unlink()
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            try:
                return os.open(self._path, flags, 0o600)
            except PermissionError:  # another account's: it can be asked for the lock all the same
                return os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise self._refused(error) from error

    def _enter(self, file: int) -> bool:
        """Write down who we are; False if the file is one that another account's killed process left."""
        try:
            if fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                self._path.unlink()
                return False
            with suppress(PermissionError):  # not our file: its modes are right already
                os.fchmod(file, stat.S_IMODE(self._database.stat().st_mode) | 0o600)
            os.truncate(file, 0)
            me = asdict(Holder.me())
            os.pwrite(file, json.dumps(me | {"since": me["since"].isoformat()}).encode(), 0)
        except OSError as error:
            raise self._refused(error) from error
        return True

    def _is_in_place(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self._path.stat(follow_symlinks=False))
        except FileNotFoundError:
            return False

    def _holder(self, file: int) -> str:
        try:
            raw = json.loads(os.pread(file, 4096, 0))
            return str(Holder(**{**raw, "since": datetime.fromisoformat(raw["since"])}))
        except (ValueError, TypeError, KeyError):  # it has not written them yet
            return "another run, which has just begun"

    def _refused(self, error: OSError) -> GradebookError:
        return GradebookError(
            f"{self._path}, which tells others that this assignment is being marked, cannot be used"
            f" ({error.strerror or error}).",
            "See that the gradebook's folder can be written, and remove that file if nobody marks.",
        )


class _ServerTurn(Turn):
    """An advisory lock of PostgreSQL's, held by a connection of its own."""

    def __init__(self, database: Engine, assignment: str) -> None:
        self._database, self._name = database, _digest(assignment)
        self._number = int.from_bytes(bytes.fromhex(self._name), "big", signed=True)
        self._connection: Connection | None = None

    def take(self) -> str:
        self._drop()
        connection = reading(self._database).connect()
        try:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            # the server is to notice soon when this machine vanishes without a word
            for name, value in (("idle", 20), ("interval", 10), ("count", 3)):
                connection.exec_driver_sql(f"SET tcp_keepalives_{name} = {value}")
            mine = connection.execute(text("select pg_try_advisory_lock(:number)"), {"number": self._number}).scalar()
            if mine:
                self._enter()
                self._connection = connection
                return ""
            return self._holder()
        finally:
            if self._connection is not connection:
                connection.invalidate()  # its lock, if it got one, must not go back into the pool
                connection.close()

    def is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("select 1"))
        except SQLAlchemyError:
            self._drop()
            return False
        return True

    def give_back(self) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError), self._database.begin() as connection:
                connection.execute(delete(COORDINATORS).where(COORDINATORS.c.lock == self._name))
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                connection.invalidate()
                connection.close()

    def _enter(self) -> None:
        me = asdict(Holder.me())
        row = {"lock": self._name, **me, "since": me["since"].replace(tzinfo=None)}
        entered = insert_or(self._database, COORDINATORS, ("lock",), update=tuple(me))
        with self._database.begin() as connection:
            COORDINATORS.create(connection, checkfirst=True)
            connection.execute(entered, row)

    def _holder(self) -> str:
        words = "another run, which has just begun"
        with reading(self._database).connect() as connection:
            if not self._database.dialect.has_table(connection, COORDINATORS.name):
                return words
            query = select(COORDINATORS).where(COORDINATORS.c.lock == self._name)
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            return words
        return str(Holder(row["account"], row["host"], row["process"], row["since"].replace(tzinfo=UTC)))


def _digest(assignment: str) -> str:
    """Sixteen hexadecimal digits that stand for a name."""
    return hashlib.sha256(b"saiten marks " + assignment.encode("utf-8", "backslashreplace")).hexdigest()[:16]
