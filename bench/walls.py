"""What the walls cost a submission: the same empty one, many times, behind each.

In: how often, and what the parent has imported. Out: median milliseconds from the fork to the last trace gone, for each
kind of sandbox; the kinds take turns, so that a busy machine is as unfair to all.
"""

from __future__ import annotations

import importlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from saiten.bundle import Limits
from saiten.grading.floor import LandlockSandbox
from saiten.grading.sandbox import NamespaceSandbox, Sandbox, Seat, UnsafeSandbox, user_maps
from saiten.grading.tree import readable_folders

_FEWEST = 2
IMPORTS = ("numpy",)
"""What the parent holds in memory: little, for here the walls are measured and not the fork."""

KINDS: dict[str, Callable[[Path], Sandbox]] = {
    "limits only (--unsafe)": UnsafeSandbox,
    "namespaces alone": lambda root: NamespaceSandbox(root, second_wall=False),
    "namespaces, Landlock, seccomp, control group": NamespaceSandbox,
    "second floor: Landlock, seccomp, warden": LandlockSandbox,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """One kind of sandbox."""

    kind: str
    milliseconds: float
    """median of a submission that does nothing"""
    undisturbed: float
    """the fastest tenth of them at its slowest: what it takes when nothing else runs"""
    refused: str = ""
    """why this machine does not allow it"""


class _Parent:
    """A confined parent that forks an empty submission when it is told to."""

    def __init__(self, make: Callable[[Path], Sandbox], root: Path) -> None:
        ask_read, self._ask = os.pipe()
        self._said, say = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            with suppress(BaseException):
                _serve(make, root, ask_read, say)
            os._exit(0)
        os.close(ask_read)
        os.close(say)
        if self._read() == b"?":
            for kind, line in zip(("uid", "gid"), user_maps(), strict=True):
                Path(f"/proc/{self._pid}/{kind}_map").write_text(line, encoding="ascii")
            os.write(self._ask, b"!")
            self.ready = self._read() == b"r"
        else:
            self.ready = self._last == b"r"

    def _read(self) -> bytes:
        self._last = os.read(self._said, 1)
        return self._last

    def once(self) -> float:
        """Seconds of one submission."""
        begin = time.perf_counter()
        os.write(self._ask, b".")
        if self._read() != b"d":
            raise RuntimeError("a parent has ended")
        return time.perf_counter() - begin

    def close(self) -> None:
        """End it; other parents hold its pipe open, so it is told."""
        if self.ready:
            os.write(self._ask, b"q")
        os.close(self._ask)
        os.close(self._said)
        os.waitpid(self._pid, 0)


def _serve(make: Callable[[Path], Sandbox], root: Path, ask: int, say: int) -> None:
    def map_user() -> None:
        os.write(say, b"?")
        os.read(ask, 1)

    sandbox = make(root)
    sandbox.enclose(Seat(Limits(), readable=readable_folders()), map_user)
    os.write(say, b"r")
    while os.read(ask, 1) == b".":
        here, there = os.pipe()
        child = sandbox.fork(there, {})
        if child == 0:
            os.write(there, b"x")
            os._exit(0)
        os.close(there)
        os.read(here, 1)
        os.close(here)
        sandbox.kill(child)
        sandbox.reap()
        os.write(say, b"d")


def measure(times: int, imports: Sequence[str] = IMPORTS) -> list[Cost]:
    """Median cost of each kind."""
    for name in imports:
        importlib.import_module(name)
    seen: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="saiten-bench-walls-") as folder:
        parents = {}
        for number, (kind, make) in enumerate(KINDS.items()):
            root = Path(folder) / str(number)
            root.mkdir()
            parents[kind] = _Parent(make, root)
        for _ in range(times):
            for kind, parent in parents.items():
                if parent.ready:
                    seen.setdefault(kind, []).append(parent.once())
        for parent in parents.values():
            parent.close()
    return [_cost(kind, seen.get(kind, [])) for kind in KINDS]


def _cost(kind: str, seconds: list[float]) -> Cost:
    if len(seconds) < _FEWEST:
        return Cost(kind, 0.0, 0.0, "not on this machine")
    return Cost(kind, 1e3 * statistics.median(seconds), 1e3 * statistics.quantiles(seconds, n=10)[0])


def render(costs: Sequence[Cost], times: int) -> Table:
    """A table for the terminal: each kind, and what it adds to limits alone."""
    table = Table(title=f"The walls: an empty submission, medians of {times}")
    for title in ("sandbox", "ms", "undisturbed", "more than without walls"):
        table.add_column(title, justify="left" if title == "sandbox" else "right")
    base = costs[0].undisturbed
    for cost in costs:
        times_seen = (f"{cost.milliseconds:.1f}", f"{cost.undisturbed:.1f}", f"{cost.undisturbed - base:.1f}")
        table.add_row(cost.kind, *((cost.refused, "", "") if cost.refused else times_seen))
    return table


if __name__ == "__main__":
    from rich.console import Console

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    Console().print(render(measure(count), count))
