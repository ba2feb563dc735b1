"""The process that has imported everything an assignment needs and nothing else; both parents are forked from it.

In: modules to import, a home folder, a hash seed. Out: channels to parents, each with its task.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from saiten.grading import process
from saiten.grading.channel import Channel, pair
from saiten.grading.shell import command_shell, font_cache

START_SECONDS = 300.0
"""Time for imports, leading cells and the reference run."""
_ZYGOTE = "from saiten.grading import process; process.main()"
_HUGE_PAGES = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""All of Python's objects in one heap of huge pages: a fork of a process that holds torch copies a few page table
entries instead of a hundred thousand, 5 ms instead of 12, and its end takes 7 ms instead of 17 (measured, `bench/`)."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_ENVIRONMENT = frozenset({"TZ", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH"})


class Zygote:
    """The process that has imported everything and nothing else."""

    def __init__(self, imports: tuple[str, ...], home: Path, hash_seed: int) -> None:
        ours, theirs = pair()
        home.mkdir(exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if name in _ENVIRONMENT}
        environment |= dict.fromkeys(_THREADS, "1")
        environment |= {
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": str(hash_seed),
            "MPLBACKEND": "agg",
            "PATH": "/usr/bin:/bin",
        }
        environment |= (
            _HUGE_PAGES | font_cache() | command_shell() | {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
        )
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", "-X", "utf8", "-c", _ZYGOTE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._control = Channel(ours)
        self._control.send_object(process.ZygoteTask(imports))
        self._control.receive_object(time.monotonic() + START_SECONDS)

    def parent(self, kind: str, task: Any, *, mapped: bool) -> Channel:
        """Fork a parent and give it its task; it says when it is ready."""
        ours, theirs = pair()
        with theirs:
            self._control.send_object((kind, mapped), [theirs.fileno()])
        channel = Channel(ours)
        channel.send_object(task)
        return channel

    def close(self) -> None:
        """End it and everything forked from it."""
        self._control.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
