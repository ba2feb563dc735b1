"""Does the load benchmark call growth what grows, and not the start of a worker?"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from bench.held import LEAST_SAMPLES, Run, Sample, table
from saiten.hub.processes import memory, memory_alone

MB = 1e6


def run(sizes: Callable[[int], float], own: Callable[[int], float] = lambda _: 120, number: int = 30) -> Run:
    """A service with two warm workers, a sample every second; sizes in MB."""
    workers = (("worker-1", "marking", 0), ("worker-2", "idle", 0))
    return Run([Sample(at, int(sizes(at) * MB), int(own(at) * MB), at, workers) for at in range(number)])


@pytest.mark.parametrize(
    ("found", "flat"),
    [
        (run(lambda at: 1700 + 90 * (at % 3)), True),  # submissions come and go
        (run(lambda at: 1700 + 10 * at), False),
        (run(lambda _: 1700, own=lambda at: 120 + 3 * at), False),  # lost in the noise of the workers
        (run(lambda _: 1700, number=LEAST_SAMPLES - 1), None),
        (Run(), None),
    ],
)
def test_what_grows_is_told(found: Run, flat: bool | None) -> None:
    """Flat, growing, growing in its own process, too short, never there?"""
    assert found.is_flat is flat
    assert {True: "flat", False: "GROWS", None: "too short"}[flat] in table([found])[-1]


def test_a_worker_that_starts_is_no_leak() -> None:
    """Is memory compared only between moments with the same workers, all of them warm?"""
    starting = (("worker-1", "idle", 0), ("worker-2", "starting", 0))
    before = run(lambda _: 900, number=12).samples
    between = [Sample(12 + at, int((900 + 80 * at) * MB), int(120 * MB), 12, starting) for at in range(10)]
    after = [Sample(30 + at, int(1700 * MB), int(120 * MB), 12 + at, starting[:1]) for at in range(20)]
    found = Run([*before, *between, *after])
    assert found.warm == after
    assert found.is_flat is True
    assert [Sample.from_line(each.line) for each in found.samples] == found.samples


def test_a_process_alone_is_less_than_with_its_children() -> None:
    """Is what is counted apart a part of the whole, and gone where the process is?"""
    alone, whole = memory_alone(os.getpid()), memory(os.getpid())
    assert alone is not None
    assert whole is not None
    assert 0 < alone <= whole * 1.05
    assert memory_alone(2**22 + 1) is None
