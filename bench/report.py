"""What the benchmark says: agreement of scores, ratios, a table for people, JSON for machines.

In: the timings of one exercise. Out: an `Outcome`; text as wide as a page.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from bench.peers import Timing

_SAME = 1e-6
"""Points; two scores nearer than this agree."""

FLOOR_FACTOR, FLOOR_EXTRA = 1.3, 0.1
"""The aim: at most so many times the floor, and so many seconds on top."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured on one exercise."""

    assignment: str
    saiten: Timing
    parallel: Timing | None
    """Saiten again, on every core"""
    others: Sequence[Timing]
    floor_seconds: tuple[float, ...]

    def disagreements(self) -> list[str]:
        """Name every test cell (Otter: question) to which another marker gave other points than Saiten."""
        return [
            f"{student} {cell}: saiten {_points(mine.get(cell))}, {other.marker} {_points(theirs)}"
            for other in self.others
            for student, cells in other.scores.items()
            for mine in [self.saiten.scores.get(student, {})]
            for cell, theirs in cells.items()
            if abs(mine.get(cell, -1.0) - theirs) > _SAME
        ]

    def compared(self, other: Timing) -> int:
        """Count the test cells, or questions, that were compared with another marker."""
        return sum(len(cells) for cells in other.scores.values())

    @property
    def floor(self) -> float:
        """The floor's median, in seconds."""
        return statistics.median(self.floor_seconds)

    @property
    def floor_limit(self) -> float:
        """What the aim allows Saiten for one submission, in seconds."""
        return FLOOR_FACTOR * self.floor + FLOOR_EXTRA

    def public(self) -> dict[str, Any]:
        """Everything, for the results file."""
        timings = [self.saiten, *([self.parallel] if self.parallel else []), *self.others]
        return {
            "assignment": self.assignment,
            "markers": [timing.public() for timing in timings],
            "floor_seconds": self.floor_seconds,
            "floor_limit_seconds": self.floor_limit,
            "disagreements": self.disagreements(),
        }

    def render(self) -> Group:
        """Draw the table and the lines under it."""
        table = RichTable(title=f"{self.assignment}: marking on one core", padding=(0, 0, 0, 1))
        table.add_column("marker", no_wrap=True)
        for name in ("marked", "s each,\nall in", "times\nsaiten", "start\ns", "s each,\nwarm", "times\nsaiten"):
            table.add_column(name, justify="right")
        for name in ("median\ns", "peak MB\nPSS", "peak MB\nRSS", "test cells\nthat agree"):
            table.add_column(name, justify="right")
        for timing in (self.saiten, *([self.parallel] if self.parallel else []), *self.others):
            table.add_row(*self._row(timing))
        median = self.saiten.median
        verdict = "within" if median <= self.floor_limit else "over"
        lines = [
            f"Floor (reference cells and tests in a warm fork): {self.floor:.3f} s. Saiten's median {median:.3f} s is "
            f"{verdict} {FLOOR_FACTOR} x floor + {FLOOR_EXTRA * 1000:.0f} ms = {self.floor_limit:.3f} s.",
            *(f"Disagreement: {line}" for line in self.disagreements()),
        ]
        return Group(table, *(Text(line) for line in lines))

    def _row(self, timing: Timing) -> list[str]:
        base = self.saiten
        other = timing in self.others
        agree = ""
        if other:
            wrong = sum(f"{timing.marker} " in line for line in self.disagreements())
            agree = f"{self.compared(timing) - wrong} of {self.compared(timing)}"
        return [
            timing.marker,
            str(timing.submissions),
            f"{timing.per_submission:.3f}",
            f"{timing.per_submission / base.per_submission:.1f}",
            f"{timing.startup_each_seconds:.1f} each"
            if timing.startup_each_seconds
            else f"{timing.startup_seconds:.1f} once",
            f"{timing.per_submission_warm:.3f}",
            f"{timing.per_submission_warm / base.per_submission_warm:.1f}",
            f"{timing.median:.3f}",
            f"{timing.peak_pss_mb:.0f}",
            f"{timing.peak_rss_mb:.0f}",
            agree,
        ]


def _points(score: float | None) -> str:
    return "no points" if score is None else f"{score:g}"
