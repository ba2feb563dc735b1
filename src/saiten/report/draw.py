"""The report's plots, as SVG pictures that stand in the page.

In: numbers. Out: `data:` addresses. The same numbers give the same text; what is drawn is said beside it in words.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # letters stay letters: sharp, searchable, in the page's font
    "svg.hashsalt": "saiten",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_BAR = "#0b5cad"
_PALE = "#a9c7e8"
BINS = 10


def score_histogram(scores: Sequence[float], most: float) -> str:
    """Distribution of the scores over ten bins from 0 to the maximum."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 2.6), layout="constrained")
        axes = figure.add_subplot()
        counts, edges, _ = axes.hist(scores, bins=BINS, range=(0, most or 1), color=_BAR, rwidth=0.92)
        for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
            if count:
                axes.annotate(f"{count:g}", ((left + right) / 2, count), ha="center", va="bottom", fontsize=9)
        axes.set_xlim(0, most or 1)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        return _svg(figure, axes)


def question_bars(names: Sequence[str], shares: Sequence[float | None], partly: Sequence[str]) -> str:
    """Mean share of the points of every question, as bars from 0 to 1.

    Args:
        names: of the questions, from the top.
        shares: 0 to 1; None where nobody is marked.
        partly: words beside the share where not everybody is marked yet (the bar is pale), else "".
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 0.34 * len(names) + 0.7), layout="constrained")
        axes = figure.add_subplot()
        colours = [_PALE if words else _BAR for words in partly]
        axes.barh(range(len(names)), [share or 0.0 for share in shares], color=colours, height=0.7)
        for place, (share, words) in enumerate(zip(shares, partly, strict=True)):
            said = "–" if share is None else f"{share:.0%}"
            axes.annotate(f" {said} {words}", (share or 0.0, place), va="center", fontsize=9)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.15)
        axes.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
        return _svg(figure, axes)


def _svg(figure: Figure, axes: Axes) -> str:
    axes.set_axisbelow(True)
    axes.grid(visible=True, alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
