"""A PostgreSQL server of a test's own: an ordinary user's, on a free port of 127.0.0.1, gone when the test is.

In: nothing. Out: a running server with an address for `CourseDirectory.db_url`; it can be stopped and started again.
The cluster that Debian's package makes is neither used nor touched.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PATIENCE = 60.0
_PR_SET_PDEATHSIG = 1
_OWNER = "postgres"
"""who runs it where the tests are root's: Debian's package makes this account; PostgreSQL refuses to be root's"""
PASSWORD = "secret-of-the-test"


def programs() -> Path:
    """The folder of the newest PostgreSQL that Debian has installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    assert found, "Debian's package postgresql is not installed"
    return found[-1].parent


class PostgresServer:
    """A server and its data folder.

    Args:
        folder: an empty folder of the server's own.
        owner: account that runs it; None: whoever runs the test.
    """

    def __init__(self, folder: Path, owner: str | None) -> None:
        self.folder, self._data, self._owner = folder, folder / "data", owner
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make the data folder."""
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if self._owner is not None:
            user = pwd.getpwnam(self._owner)
            for path in (self.folder, secret):
                os.chown(path, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "--pgdata", str(self._data), "--username", "saiten", "--pwfile", str(secret), "--no-sync",
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8",
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    programs() / "postgres", "-D", str(self._data), "-p", str(self.port), "-k", str(self.folder),
                    "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=40",
                    "-c", "shared_buffers=32MB",
                ],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, user=self._owner,
                group=self._owner, extra_groups=None if self._owner is None else [], preexec_fn=_die_with_the_test,
            )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE
        ready = [programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode:
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def stop(self, *, immediate: bool = False) -> None:
        """Stop it as `pg_ctl stop -m fast` does, or `-m immediate`: as if the machine had lost its power."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
            self._process.wait(_PATIENCE)
            self._process = None

    def log(self) -> str:
        """What the server wrote."""
        with suppress(FileNotFoundError):
            return (self.folder / "log").read_text(errors="replace")
        return ""

    def url(self, database: str, driver: str = "postgresql+psycopg") -> str:
        """The address of a database."""
        return f"{driver}://saiten:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database: str) -> str:
        """The address of a database for who reaches this machine's files, but not its network."""
        return f"postgresql+psycopg://saiten:{PASSWORD}@/{database}?host={self.folder}&port={self.port}"

    def create(self, database: str) -> str:
        """Make an empty database; returns its address."""
        self.sql(f'create database "{database}"')
        return self.url(database)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement by PostgreSQL's own client; returns what it printed."""
        return self.client("psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement)

    def client(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's clients on this server, in the server's folder; returns what it printed."""
        return self._run(program, "-h", "127.0.0.1", "-p", str(self.port), "-U", "saiten", *arguments)

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [programs() / program, *arguments], cwd=self.folder, capture_output=True, text=True, check=False,
            user=self._owner, group=self._owner, extra_groups=None if self._owner is None else [],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGPASSWORD": PASSWORD},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server; it is stopped and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="saiten-postgresql-"))
    server = PostgresServer(folder, None if os.geteuid() else _OWNER)
    try:
        server.prepare()
        server.start()
        yield server
    finally:
        server.stop(immediate=True)
        shutil.rmtree(folder)


def _die_with_the_test() -> None:
    """Have the kernel stop the server, as `-m immediate` does, when the test's process ends without doing so."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
