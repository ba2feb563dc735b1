"""The page that `make bench-scale` writes: a table of what was measured, and a plot of it.

In: the measurements as plain data. Out: a Markdown file, and a PNG of the same name beside it.
`python -m bench.scale_page bench/results/scale-*.json --page PAGE.md` puts several runs together on one page.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

_Row = Mapping[str, Any]
_LARGE = 10_000
_APART = "2 runs, a core each"
_AGAINST = {
    "1 worker, 1 core": "one worker on one core",
    "1 worker": "one worker on all cores",
    _APART: "two separate runs with a core each",
}
_COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#7b5ea7", "#b08900")

_INTRODUCTION = """\
# Large classes

Written by `make bench-scale` (`python -m bench.scale --help`), which takes an hour or less on two cores. A class is the
sample class of the light exercise (three small questions; imports torch, torchvision, scikit-learn, OpenCV), 100
submissions, right, wrong, half-done and broken ones, handed in again and again under other names: every size holds the
same work. Everything is counted, from the start of `saiten grade` to its end: reading, marking, ledger, gradebook,
marked notebooks, the table.

*Efficiency*: what two workers on two cores mark in a second, against twice what one worker marks on one core, where
the coordinator has no other core either: what a second core brings. One worker that may use all cores uses more than
one of them already (the coordinator works beside it, and so do its own processes, in part), so that two workers cannot
mark twice as much; that share is named, too. Two cores of a virtual machine seldom give twice one: *two separate runs
with a core each*, two halves of the class that have nothing in common but the machine, say what is to be had there. The
start, paid once, counts in; what one more submission costs is without it. A way that stands twice in the table was run
twice, in turn with the others: medians are compared.

*Coordinator*: resident memory of `saiten grade` itself at its height, and halfway. *Tree*: it and its workers, pages
that are shared counted once; on a cluster the workers are not its children. *Database*: `gradebook.db` with the ledger.
"""


def write_page(kept: Mapping[str, Any], page: Path) -> None:
    """Write the page.

    Args:
        kept: `measured` (rows) and `again` (None if that was not asked for), as `bench.scale` keeps them; `runs`, of
            how many runs they are.
        page: a Markdown file; the plot stands beside it as PNG.
    """
    rows: Sequence[_Row] = kept["measured"]
    parts = [_INTRODUCTION, _machine(kept.get("runs", 1)), _table(rows), _figures(rows)]
    parts.append(_not_measured(rows))
    if rows:
        draw(rows, page.with_suffix(".png"))
        parts.append(f"![Seconds, rate and memory by size of the class]({page.with_suffix('.png').name})\n")
    if kept.get("again"):
        parts.append(_again(kept["again"]))
    page.write_text("\n".join(part for part in parts if part), encoding="utf-8")


def joined(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put what several runs kept together, by size; of what was marked again, the last."""
    measured = [row for run in runs for row in run["measured"]]
    again = [run["again"] for run in runs if run.get("again")]
    places = {way: place for place, way in enumerate(dict.fromkeys(row["way"] for row in measured))}
    measured.sort(key=lambda row: (row["submissions"], places[row["way"]]))
    return {
        "measured": measured,
        "again": again[-1] if again else None,
        "runs": sum(bool(run["measured"]) for run in runs),
    }


def _machine(runs: int) -> str:
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    day = datetime.now(UTC).date().isoformat()
    return f"{day}: {platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GiB." + (
        f" Put together of {runs} runs.\n" if runs > 1 else "\n"
    )


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
    """Cost of one more submission between sizes, and what a second worker brings; medians where one was run often."""
    runs: defaultdict[str, defaultdict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        runs[row["way"]][row["submissions"]].append(row["seconds"])
    seconds = {way: {number: median(each) for number, each in sorted(of.items())} for way, of in runs.items()}
    workers = {row["way"]: row["workers"] for row in rows}
    lines = []
    for way, of in seconds.items():
        steps = [
            f"{1000 * (of[more] - of[less]) / (more - less):.1f} ms from {less:,} to {more:,}"
            for less, more in pairwise(of)
        ]
        if steps:
            lines.append(f"- {way}: one more submission costs {', '.join(steps)}.")
    for way, of in seconds.items():
        for number, mine in of.items():
            shares = [
                f"{workers[one] * seconds[one][number] / workers[way] / mine:.0%} of {words}"
                for one, words in _AGAINST.items()
                if workers[way] > 1 and one != way and number in seconds.get(one, {})
            ]
            if shares:
                lines.append(f"- {way}, {number:,}: efficiency {', '.join(shares)}.")
    often = [(way, number, each) for way, of in runs.items() for number, each in of.items() if len(each) > 1]
    if often:
        way, number, each = max(often, key=lambda item: max(item[2]) / min(item[2]))
        lines.append(
            f"- What was run more than once differed by up to {max(each) / min(each) - 1:.0%} ({way}, {number:,}:"
            f" {min(each):.1f} to {max(each):.1f} s): shares of a few per cent say little here."
        )
    return "\n".join(lines) + "\n" if lines else ""


def _not_measured(rows: Sequence[_Row]) -> str:
    """What a reader may look for in vain."""
    large = list(dict.fromkeys(row["way"] for row in rows if row["submissions"] >= _LARGE))
    alone = f" by anything but {'; '.join(large)}" if large else ""
    parts = (
        [] if len(large) == len({row["way"] for row in rows}) > 0 else [f"A class of {_LARGE:,} was not marked{alone}."]
    )
    if not any(row["way"].startswith("dask") for row in rows):
        parts.append("No Dask cluster was measured.")
    return " ".join(parts) + "\n" if parts else ""


def _again(again: Mapping[str, Any]) -> str:
    return (
        "## Marked again after one hidden test was mended\n\n"
        f"{again['day']}, {again['submissions']:,} submissions of {again['assignment']}, none of the kinds"
        f" {again['without']}, two workers:\n{again['first_seconds']:.1f} s the first time,"
        f" {again['again_seconds']:.1f} s after a change"
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
            at: defaultdict[int, list[float]] = defaultdict(list)
            for row in rows:
                if row["way"] == way:
                    at[row["submissions"]].append(value(row))
            points = sorted((number, median(each)) for number, each in at.items())
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


def main() -> int:
    """Put several runs together."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale_page", description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="JSON files that `make bench-scale` left")
    parser.add_argument("--page", type=Path, required=True, help="write table and plot there (.md, a .png beside it)")
    options = parser.parse_args()
    write_page(joined([json.loads(path.read_text(encoding="utf-8")) for path in options.results]), options.page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
