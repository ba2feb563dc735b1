"""The page that `make bench-scale` writes: a table of what was measured, and a plot of it.

In: the measurements as plain data. Out: a Markdown file, and a PNG of the same name beside it.
"""

from __future__ import annotations

import os
import platform
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

_Row = Mapping[str, Any]
_LARGE = 10_000
_AGAINST = ("one worker on one core", "one worker on all cores")
_COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#7b5ea7")

_INTRODUCTION = """\
# Large classes

Written by `make bench-scale` (`python -m bench.scale --help`), which takes an hour or less on two cores. A class is the
sample class of the light exercise (three small questions; imports torch, torchvision, scikit-learn, OpenCV), 100
submissions, right, wrong, half-done and broken ones, handed in again and again under other names: every size holds the
same work. Everything is counted, from the start of `saiten grade` to its end: reading, marking, ledger, gradebook,
marked notebooks, the table.

*Efficiency*: what two workers mark in a second, against twice what one marks. On two cores both share them, memory and
caches with the coordinator; one worker on all cores has the coordinator on the other core, one worker on one core has
not. The start, paid once, counts in; what one more submission costs is without it.

*Coordinator*: resident memory of `saiten grade` itself at its height, and halfway. *Tree*: it and its workers, pages
that are shared counted once; on a cluster the workers are not its children. *Database*: `gradebook.db` with the ledger.
"""


def write_page(kept: Mapping[str, Any], page: Path) -> None:
    """Write the page.

    Args:
        kept: `measured` (rows) and `again` (None if that was not asked for), as `bench.scale` keeps them.
        page: a Markdown file; the plot stands beside it as PNG.
    """
    rows: Sequence[_Row] = kept["measured"]
    parts = [_INTRODUCTION, _machine(), _table(rows), _figures(rows)]
    parts.append(_not_measured(rows))
    if rows:
        draw(rows, page.with_suffix(".png"))
        parts.append(f"![Seconds, rate and memory by size of the class]({page.with_suffix('.png').name})\n")
    if kept.get("again"):
        parts.append(_again(kept["again"]))
    page.write_text("\n".join(part for part in parts if part), encoding="utf-8")


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    day = datetime.now(UTC).date().isoformat()
    return f"{day}: {platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GiB.\n"


def _table(rows: Sequence[_Row]) -> str:
    head = "| way | submissions | seconds | a second | ms each | coordinator MB (halfway) | tree MB | database MB |"
    lines = [head, "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for row in rows:
        number, seconds = row["submissions"], row["seconds"]
        lines.append(
            f"| {row['way']} | {number:,} | {seconds:.1f} | {number / seconds:.1f} | {1000 * seconds / number:.1f}"
            f" | {row['coordinator_mb']:.0f} ({row['coordinator_middle_mb']:.0f}) | {row['tree_mb']:.0f}"
            f" | {row['database_mb']:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _figures(rows: Sequence[_Row]) -> str:
    """Cost of one more submission between sizes, and what a second worker brings, without the start of the run."""
    ways: defaultdict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        ways[row["way"]].append(row)
    lines = []
    for way, found in ways.items():
        found.sort(key=lambda row: int(row["submissions"]))
        steps = [
            f"{1000 * (more['seconds'] - less['seconds']) / (more['submissions'] - less['submissions']):.1f} ms"
            f" from {less['submissions']:,} to {more['submissions']:,}"
            for less, more in pairwise(found)
        ]
        if steps:
            lines.append(f"- {way}: one more submission costs {', '.join(steps)}.")
    one = {
        way: {row["submissions"]: row["seconds"] for row in ways.get(way, [])}
        for way in ("1 worker, 1 core", "1 worker")
    }
    for way, found in ways.items():
        for row in found:
            shares = [
                f"{seconds[row['submissions']] / row['workers'] / row['seconds']:.0%} of {words}"
                for seconds, words in zip(one.values(), _AGAINST, strict=True)
                if row["workers"] > 1 and row["submissions"] in seconds
            ]
            if shares:
                lines.append(f"- {way}, {row['submissions']:,}: efficiency {', '.join(shares)}.")
    return "\n".join(lines) + "\n" if lines else ""


def _not_measured(rows: Sequence[_Row]) -> str:
    """What a reader may look for in vain."""
    large = [row["way"] for row in rows if row["submissions"] >= _LARGE]
    alone = f" by anything but {', '.join(large)}" if large else ""
    parts = (
        [] if len(large) == len({row["way"] for row in rows}) > 0 else [f"A class of {_LARGE:,} was not marked{alone}."]
    )
    if not any(row["way"].startswith("dask") for row in rows):
        parts.append("No Dask cluster was measured.")
    return " ".join(parts) + "\n" if parts else ""


def _again(again: Mapping[str, Any]) -> str:
    return (
        "## Marked again after one hidden test was mended\n\n"
        f"{again['submissions']:,} submissions of {again['assignment']}, none of the kinds {again['without']},"
        f" two workers:\n{again['first_seconds']:.1f} s the first time, {again['again_seconds']:.1f} s after a change"
        f" of `{again['test']}`: {again['share']:.0%}.\nThe summary said: {again['said']}\n"
    )


def draw(rows: Sequence[_Row], target: Path) -> None:
    """Draw seconds, rate and coordinator's memory against the size of the class."""
    ways = list(dict.fromkeys(str(row["way"]) for row in rows))
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    kinds: dict[str, Callable[[_Row], float]] = {
        "seconds": lambda row: float(row["seconds"]),
        "submissions a second": lambda row: float(row["submissions"] / row["seconds"]),
        "coordinator, MB": lambda row: float(row["coordinator_mb"]),
    }
    for axis, (label, value) in zip(axes, kinds.items(), strict=True):
        for way, colour in zip(ways, _COLOURS, strict=False):
            points = sorted((row["submissions"], value(row)) for row in rows if row["way"] == way)
            axis.plot(*zip(*points, strict=True), marker="o", color=colour, label=way)
        axis.set_xscale("log")
        axis.set_xlabel("submissions")
        axis.set_title(label)
        axis.grid(visible=True, alpha=0.3)
    axes[0].set_yscale("log")
    for axis in axes[1:]:
        axis.set_ylim(bottom=0)
    axes[0].legend()
    figure.savefig(target, dpi=110)
    plt.close(figure)
