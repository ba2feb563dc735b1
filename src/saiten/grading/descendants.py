"""Every process that comes from one, and its end, where no PID namespace ends them together.

In: a process id. Out: its descendants, those that left their group, session and parent included, for the process that
looks (or an ancestor of it) is a subreaper. Signals go through pidfds, and only to the process that was seen: a number
that was given anew meanwhile is left alone.
"""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_DEAD = ("Z", "X")
_MOMENT = 0.001
"""Seconds that killed processes get to end before they are looked for again."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process as it was seen."""

    pid: int
    parent: int
    started: int
    """clock ticks since the machine started: a number with another start is another process"""
    dead: bool
    """ended, not yet waited for"""


def look(pid: int) -> Process | None:
    """One process; None if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name in parentheses may hold anything
    return Process(pid, int(fields[1]), int(fields[19]), fields[0] in _DEAD)


def descendants(of: int) -> list[Process]:
    """All processes below this one, the dead included."""
    children: dict[int, list[Process]] = defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            process = look(int(entry))
            if process is not None:
                children[process.parent].append(process)
    return list(_below(of, children))


def _below(top: int, children: dict[int, list[Process]]) -> Iterator[Process]:
    waiting, seen = [top], {top}
    while waiting:
        for process in children.get(waiting.pop(), ()):
            if process.pid not in seen:
                seen.add(process.pid)
                waiting.append(process.pid)
                yield process


def send(process: Process, number: signal.Signals) -> None:
    """Signal a process, if it is still the one that was seen."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(process.pid)
        try:
            now = look(process.pid)
            if now is not None and now.started == process.started:
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def end_all(of: int, but: Collection[int] = ()) -> None:
    """Kill all processes below this one, however fast they fork.

    Those that are seen are stopped first, and looked for again until no new one appears: a stopped process makes no
    other, and holds its place among the processes that its user may have.
    """
    while True:
        stopped: set[Process] = set()
        while new := [
            each for each in descendants(of) if not each.dead and each.pid not in but and each not in stopped
        ]:
            for process in new:
                send(process, signal.SIGSTOP)
            stopped.update(new)
        if not stopped:
            return
        for process in stopped:
            send(process, signal.SIGKILL)
        time.sleep(_MOMENT)


def wait_for_dead_children() -> bool:
    """Take the exit status of every child that has ended; whether there is no child left, dead or alive.

    For a subreaper that means no descendant at all: whoever's parent ends becomes its child at that moment.
    """
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False
