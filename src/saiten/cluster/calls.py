"""The calls of one run on a cluster and the workers that have them: plain state, changed by one thread alone.

In: what `pool` learns. Out: who has what, who is free, and how long nobody had a call.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from saiten.cluster.link import DaskWorker

TRANSPORT_SECONDS = 120.0
"""that a call may spend between coordinator and worker; a network that was cut for a while is no reason to give up"""


@dataclass(eq=False)
class Call:
    """One submission on its way."""

    number: int
    content: bytes
    """pickled (function, arguments)"""
    future: Future[Any] = field(default_factory=Future)
    """what the coordinator waits for"""
    begun: float = field(default_factory=time.monotonic)
    placed: float | None = None
    """when a worker got it; None while it waits for one"""
    attempt: int = 0
    """how often a worker got it"""
    excuses: int = 0
    """how often it was taken back through nobody's fault"""
    member: Member | None = None
    dask_future: Any = None

    def excused(self) -> float:
        """Seconds that do not count against it."""
        return (self.placed or time.monotonic()) - self.begun + TRANSPORT_SECONDS


@dataclass(eq=False)
class Member:
    """A worker that may mark: its versions are right, and it has the bundle."""

    worker: DaskWorker
    slots: int
    calls: set[Call] = field(default_factory=set)

    @property
    def free(self) -> int:
        """How many more calls it can take."""
        return self.slots - len(self.calls) if self.worker.is_running else 0


class Crew:
    """Everybody that may mark, by id."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}

    @property
    def slots(self) -> int:
        """How many calls all of them together can take."""
        return sum(member.slots for member in list(self.members.values()) if member.worker.is_running)

    def freest(self) -> Member | None:
        """Who is to take the next call; None if everybody is busy."""
        best = max(self.members.values(), key=lambda member: member.free, default=None)
        return best if best is not None and best.free > 0 else None


def slots_of(worker: DaskWorker, gpu: bool) -> int:
    """How many submissions a worker marks at the same time: one for each thread, and not more than it has GPUs."""
    return min(worker.threads, int(worker.resources.get("GPU", 0))) if gpu else worker.threads
