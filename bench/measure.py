"""Running a command on given cores, and watching what it takes.

In: a command line. Out: wall time, when each line of its output came, peak memory of its whole process tree.
The watching thread runs in this process, on the cores that the command does not use.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

_EVERY = 0.25
"""Seconds between two looks at the memory."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""So that nobody starts threads for cores that it may not use."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a finished command took."""

    started: datetime
    """UTC, without time zone, as databases keep it"""
    seconds: float
    """wall time from start to end"""
    returncode: int
    lines: tuple[tuple[float, str], ...]
    """standard error, line by line: seconds after the start, text"""
    output: str
    """standard output"""
    peak_pss_mb: float
    """memory of the process tree at its height, pages shared between processes counted once"""
    peak_rss_mb: float
    """the same with shared pages counted for every process, as `ps` and `top` show it"""
    first_mb: tuple[float, ...] = ()
    """memory (RSS) of the command's own process without its children, at each look"""


def run(
    command: Sequence[str],
    folder: Path,
    cores: Collection[int],
    environment: Mapping[str, str],
    every: float = _EVERY,
) -> Run:
    """Run a command to its end.

    Args:
        command: program and arguments.
        folder: its working directory.
        cores: the only cores that it and its children may use.
        environment: added to this process's own.
        every: seconds between two looks at the memory, which take some milliseconds for each process.
    """
    lines: list[tuple[float, str]] = []
    output: list[str] = []
    started, begin = datetime.now(UTC).replace(tzinfo=None), time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        errors, results = process.stderr, process.stdout
        watch = _Watch(process.pid, every)
        readers = [
            threading.Thread(target=lambda: lines.extend((time.perf_counter() - begin, line) for line in errors)),
            threading.Thread(target=lambda: output.append(results.read())),
        ]
        for thread in (*readers, watch):
            thread.start()
        process.wait()
        seconds = time.perf_counter() - begin
        watch.stop.set()
        for thread in (*readers, watch):
            thread.join()
    return Run(
        started,
        seconds,
        process.returncode,
        tuple(lines),
        "".join(output),
        watch.pss / 1e6,
        watch.rss / 1e6,
        tuple(size / 1e6 for size in watch.first),
    )


@dataclass(eq=False)
class _Watch(threading.Thread):
    root: int
    every: float
    stop: threading.Event = field(default_factory=threading.Event)
    pss: float = 0
    rss: float = 0
    first: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        seen: dict[int, psutil.Process] = {}
        while not self.stop.wait(self.every):
            # a process whose parent ended is no descendant any more, so it is remembered
            for process in _tree(self.root):
                seen[process.pid] = process
            sizes = {pid: _memory(process) for pid, process in seen.items()}
            self.pss = max(self.pss, sum(pss for pss, _ in sizes.values()))
            self.rss = max(self.rss, sum(rss for _, rss in sizes.values()))
            if self.root in sizes:
                self.first.append(sizes[self.root][1])
            seen = {pid: process for pid, process in seen.items() if process.is_running()}


def _tree(root: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _memory(process: psutil.Process) -> tuple[float, float]:
    """Return PSS and RSS in bytes; nothing for a process that is gone."""
    found = {"Pss": 0.0, "Rss": 0.0}
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return 0.0, 0.0
    for line in text.splitlines()[1:]:
        name, _, rest = line.partition(":")
        if name in found:
            found[name] = float(rest.split()[0]) * 1024
    return found["Pss"], found["Rss"]
