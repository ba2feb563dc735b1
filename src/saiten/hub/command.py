"""A `saiten` command in a process of its own: its progress, its words, what it cost.

In: arguments. Out: exit code, standard output, seconds of processor time. It gets none of the service's secrets.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

_COUNT = re.compile(r", (\d+) of (\d+)\s*$")
_KEPT_BACK = ("JUPYTERHUB_", "JPY_", "CONFIGPROXY_")
_GRACE_SECONDS = 5.0
_TAIL_BYTES = 4096
_COLUMNS = "100"
_MAIN = "from saiten.cli import main; main()"


class Command:
    """One run of a command; it is started at once.

    Args:
        arguments: of `saiten`.
        folder: in which it runs.
    """

    def __init__(self, arguments: Sequence[str], folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_KEPT_BACK)}
        self._files = ExitStack()
        self._out = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # the stack closes it
        self._err = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-c", _MAIN, *arguments],
            cwd=folder,
            env={**kept, "COLUMNS": _COLUMNS, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
        )
        self.code: int | None = None
        self.spent = 0.0
        """seconds of processor time, its own processes' included; known at its end"""
        self.said = ""
        """its standard output; known after `end`"""
        self.complaint = ""
        """what it said on standard error, without the counts; known after `end`"""

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it has ended."""
        deadline = time.monotonic() + seconds
        while self.code is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self.code = self._process.returncode = os.waitstatus_to_exitcode(status)
                self.spent = usage.ru_utime + usage.ru_stime
            elif time.monotonic() > deadline:
                return False
            else:
                time.sleep(0.02)
        return True

    def progress(self) -> tuple[int, int]:
        """How far it is, by the last count that it has told; (0, 0) before it tells any."""
        size = os.fstat(self._err.fileno()).st_size
        tail = os.pread(self._err.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode("utf-8", "replace")
        counts = [found for line in tail.splitlines() if (found := _COUNT.search(line))]
        return (int(counts[-1][1]), int(counts[-1][2])) if counts else (0, 0)

    def end(self) -> None:
        """See that it has ended: ask it to, then kill it with all that it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.code is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
                self.wait(_GRACE_SECONDS)
        self.said = _text(self._out.fileno())
        lines = [line for line in _text(self._err.fileno()).splitlines() if not _COUNT.search(line)]
        self.complaint = "\n".join(lines).removeprefix("Error: ")
        self._files.close()


def _text(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode("utf-8", "replace")
