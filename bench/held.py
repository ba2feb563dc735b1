"""What the marking service holds in memory, run by run: samples while it works, and whether they stay flat.

In: a running service, which looks at itself. Out: samples; of each run of the service the memory at its start, in its
middle and at its end, and a verdict. What counts is the time in which the same workers were there and all were warm:
a worker that starts takes hundreds of megabytes, and is no leak.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from saiten.hub.desk import MarkingDesk
from saiten.hub.processes import memory, memory_alone

LEAST_SAMPLES = 9
"""of a warm service, below which nothing is said of it: three for each third"""
SHARE, BYTES = 0.05, 30e6
"""growth from the first third to the last one that still counts as flat: the larger of a share and some bytes"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a running service."""

    seconds: float
    """since it said that it was open"""
    whole: int
    """bytes of the service and all its workers, shared pages counted once"""
    alone: int
    """bytes of its own process"""
    marked: int
    """submissions that its workers have marked"""
    workers: tuple[tuple[str, str, int], ...]
    """name, state and bytes of each worker"""

    @property
    def is_warm(self) -> bool:
        """Whether no worker is just starting."""
        return bool(self.workers) and all(state != "starting" for _, state, _ in self.workers)

    @classmethod
    def of(cls, desk: MarkingDesk, seconds: float) -> Sample:
        """Look at this process and the service in it."""
        health = desk.workers()
        workers = tuple((each.name, each.state, each.memory or 0) for each in health)
        pid = os.getpid()
        return cls(seconds, memory(pid) or 0, memory_alone(pid) or 0, sum(each.marked for each in health), workers)

    @classmethod
    def from_line(cls, line: str) -> Sample:
        """Read what `line` wrote."""
        raw = json.loads(line)
        return cls(**{**raw, "workers": tuple(map(tuple, raw["workers"]))})

    @property
    def line(self) -> str:
        """One line for the process that asks."""
        return json.dumps(asdict(self))


@dataclass(slots=True)
class Run:
    """One run of the service, from its start to its SIGKILL."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def warm(self) -> list[Sample]:
        """The longest time in which its workers stayed the same and all were warm."""
        best: list[Sample] = []
        now: list[Sample] = []
        for each in self.samples:
            same = bool(now) and [one[0] for one in each.workers] == [one[0] for one in now[-1].workers]
            now = [*(now if same else []), each] if each.is_warm else []
            best = max(best, now, key=len)
        return best

    @property
    def marked(self) -> int:
        """Submissions that its workers marked, those that have left apart; one hand-in may be marked twice."""
        return max((each.marked for each in self.samples), default=0)

    def thirds(self, alone: bool = False) -> tuple[float, float, float] | None:
        """Median bytes at start, middle and end of the warm part; None: too short for a verdict."""
        sizes = [float(each.alone if alone else each.whole) for each in self.warm]
        if len(sizes) < LEAST_SAMPLES:
            return None
        third = len(sizes) // 3
        parts = sizes[:third], sizes[third:-third], sizes[-third:]
        first, middle, last = (statistics.median(part) for part in parts)
        return first, middle, last

    @property
    def is_flat(self) -> bool | None:
        """Whether neither the whole nor its own process grew by more than is allowed; None: too short to say."""
        verdicts = [_flat(sizes) for alone in (False, True) if (sizes := self.thirds(alone)) is not None]
        return all(verdicts) if verdicts else None

    def to_json(self) -> dict[str, Any]:
        """For machines: every sample, in megabytes."""
        return {
            "marked": self.marked,
            "flat": self.is_flat,
            "warm_seconds": [round(each.seconds, 1) for each in (self.warm[:1] + self.warm[-1:])],
            "samples": [
                {
                    "seconds": round(each.seconds, 1),
                    "whole_mb": round(each.whole / 1e6, 1),
                    "alone_mb": round(each.alone / 1e6, 1),
                    "marked": each.marked,
                    "workers_mb": {name: round(size / 1e6, 1) for name, _, size in each.workers},
                }
                for each in self.samples
            ],
        }


def _flat(sizes: tuple[float, float, float]) -> bool:
    first, _, last = sizes
    return last - first <= max(SHARE * first, BYTES)


def table(runs: Sequence[Run]) -> list[str]:
    """One line for each run, in megabytes: the whole, and the service's own process in brackets."""
    lines = [
        "service  marked   seconds of which warm   start (alone)    middle (alone)      end (alone)     most   verdict",
    ]
    words = {True: "flat", False: "GROWS", None: "too short to say"}
    for number, run in enumerate(runs, 1):
        seconds, warm = (each[-1].seconds - each[0].seconds if each else 0.0 for each in (run.samples, run.warm))
        whole, alone = run.thirds(), run.thirds(alone=True)
        cells = [
            f"{size / 1e6:7.0f} ({own / 1e6:5.0f})" if size and own else " " * 15
            for size, own in zip(whole or (0, 0, 0), alone or (0, 0, 0), strict=True)
        ]
        most = max((each.whole for each in run.samples), default=0)
        columns = "  ".join(f"{cell:>15}" for cell in cells)
        begin = f"{number:7}  {run.marked:6}   {seconds:7.0f} {warm:13.0f}"
        lines.append(f"{begin}  {columns}  {most / 1e6:7.0f}   {words[run.is_flat]}")
    return lines
