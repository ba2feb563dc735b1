"""What a worker and all processes below it use: memory now, processor time so far.

In: a process id. Out: bytes, seconds. Processes that end meanwhile are left out; their parents keep their time.
"""

from __future__ import annotations

import os
from pathlib import Path

from saiten.grading.descendants import descendants

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """Processor time of a process, of those below it, and of those that they have waited for."""
    return sum(_ticks(each) for each in _all(pid)) / _TICKS


def memory(pid: int) -> int | None:
    """Bytes of a process and those below it, shared pages counted once (PSS); None if it is gone."""
    found = [size for each in _all(pid) if (size := _proportional(each)) is not None]
    return sum(found) if found else None


def memory_alone(pid: int) -> int | None:
    """Bytes of a process without those below it (PSS); None if it is gone."""
    return _proportional(pid)


def _all(pid: int) -> list[int]:
    return [pid, *(each.pid for each in descendants(pid) if not each.dead)]


def _ticks(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    fields = text.rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15])  # own and waited-for children's, user and system


def _proportional(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
