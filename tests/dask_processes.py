"""A Dask scheduler and workers as processes of their own, for tests that end them.

In: a folder for logs. Out: an address on 127.0.0.1; processes that the kernel ends with the test's.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

HERE = "127.0.0.1"
PATIENCE = 60.0
"""seconds until a test gives up waiting for something that must happen"""
_PR_SET_PDEATHSIG = 1


class DaskProcesses:
    """One scheduler, always at the same address, and workers with one thread each; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind((HERE, 0))
            self._port = int(free.getsockname()[1])
        self.address = f"tcp://{HERE}:{self._port}"
        self.scheduler = self._start("scheduler", "--port", str(self._port))
        self._all = [self.scheduler]
        self.workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._all:
            end(process)

    def start_scheduler(self) -> None:
        """Start another one at the same address."""
        self.scheduler = self._start("scheduler", "--port", str(self._port))
        self._all.append(self.scheduler)

    def start_worker(self, *options: str, nanny: bool = False) -> subprocess.Popen[bytes]:
        """Start a worker; without a nanny, the process is the worker itself."""
        own = ("--nanny" if nanny else "--no-nanny", "--local-directory", str(self._folder))
        words = ("--nthreads", "1", *own, *options)
        process = self._start("worker", self.address, *words)
        self._all.append(process)
        self.workers.append(process)
        return process

    def log(self, process: subprocess.Popen[bytes]) -> str:
        """What a process has said."""
        return (self._folder / f"{self._all.index(process)}.log").read_text()

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        library = ctypes.CDLL(None)

        def end_with_us() -> None:
            library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

        number = len(getattr(self, "_all", ()))
        words = [sys.executable, "-m", "dask", what, "--host", HERE, "--no-dashboard", *options]
        # marking processes find the fake engine by its name
        paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "DASK_TEMPORARY_DIRECTORY": str(self._folder),
        }
        with (self._folder / f"{number}.log").open("wb") as log:
            return subprocess.Popen(
                words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, preexec_fn=end_with_us
            )


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL, and wait."""
    process.kill()
    process.wait()


def wait_for(path: Path) -> None:
    """Wait until a submission of the fake engine's has said that it is being marked."""
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


def gone(processes: list[psutil.Process]) -> bool:
    """Wait until none of them is left."""
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE)
    return not alive
