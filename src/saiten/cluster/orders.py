"""What coordinator and Dask workers send each other: orders one way, answers the other, as bytes.

In and out: pickled plain data and by-name references; the scheduler never opens them, so it needs no Saiten.
`carry_out`, `admit` and `abandon` here are sent whole, for the same reason; all they do is call `lodge`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


def identity(address: str, folder: str) -> str:
    """Name one start of a Dask worker: an address may be used again, its temporary folder has a name of its own."""
    return f"{address} {folder}"


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a worker gets once for each assignment: content of the file that its processes are started from."""

    bundle: Any
    """`saiten.bundle.Bundle`"""
    factory: Any
    """`saiten.batch.worker.MarkerFactory`, importable on the workers"""
    unsafe: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One call for a marking process."""

    equipment: str
    """hash of the pickled `Equipment`, by which the worker knows its file"""
    run: str
    """of the coordinator's, so that all of its calls can be given up at once"""
    call: bytes
    """pickled (function, arguments)"""
    limit: float
    """seconds after which the process is killed"""


class Kind(StrEnum):
    """How a call ended."""

    DONE = "done"
    REFUSED = "refused"
    """a `UserError`: nothing can be marked there"""
    FAILED = "failed"
    """any other exception of the call's"""
    DEAD = "dead"
    """the process died, or was killed at its limit; the evidence says how"""
    UNEQUIPPED = "unequipped"
    """the worker has no such equipment (any more)"""
    LEAVING = "leaving"
    """the worker is being closed, or the run was given up"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker says about an order."""

    kind: Kind
    content: Any = None
    """what the call returned, or its exception"""
    evidence: str = field(default="")
    """how the process ended, for staff"""


def carry_out(order: bytes) -> bytes:
    """Run an order on the Dask worker whose task this is; a pickled `Answer`."""
    from saiten.cluster import lodge

    return lodge.of_this_task().carry_out(order)


async def admit(equipment: str, content: bytes, limit: float, dask_worker: Any = None) -> bytes:
    """Give a Dask worker an assignment's equipment, and start one process with it; a pickled `Answer`."""
    from saiten.cluster import lodge

    return await lodge.admit(dask_worker, equipment, content, limit)


def abandon(run: str, dask_worker: Any = None) -> None:
    """Kill the processes that mark for a run which was stopped."""
    from saiten.cluster import lodge

    lodge.of(dask_worker).abandon(run)


for _function in (carry_out, admit, abandon):
    _function.__module__ = "__main__"  # cloudpickle sends the functions of a main program whole
