"""The report as one HTML file: tables that sort and filter where scripts run, and are whole where they do not.

In: `ClassFigures`. Out: text of a document. Names and messages come from students: everything is escaped, and the
page's policy runs no script but ours.
"""

from __future__ import annotations

from statistics import median

from markupsafe import Markup

from saiten.feedback.words import duration
from saiten.pages import Tongue, number, tables_script, write_page
from saiten.report.draw import BINS, question_bars, score_histogram
from saiten.report.figures import ClassFigures, spread
from saiten.report.weeks import Weeks
from saiten.report.words import WORDS


def render(figures: ClassFigures, weeks: Weeks | None = None) -> str:
    """Write the report of an assignment.

    Args:
        figures: of the class.
        weeks: the same students over all assignments; None leaves that part out.

    Returns:
        a whole HTML document; the same figures give the same text.
    """
    tongue = Tongue(WORDS, figures.languages)
    waiting = sum(row.waits > 0 for row in figures.students)
    facts = [
        ("handed_in", len(figures.students) + len(figures.unmarked)),
        ("with_score", len(figures.scores)),
        ("waiting", waiting),
        ("troubled", len(figures.troubled)),
        ("late", len(figures.late)),
    ]
    names = [each.name for each in figures.questions]
    shares = [each.difficulty for each in figures.questions]
    partly = ["" if each.marked == len(figures.scores) else f"(n = {each.marked})" for each in figures.questions]
    has_scores = bool(figures.scores)
    return write_page(
        __package__,
        tongue,
        script=tables_script(),
        figures=figures,
        facts=[*facts, ("unmarked", len(figures.unmarked))] if figures.unmarked else facts,
        waiting=waiting,
        spread=spread(figures.scores) if has_scores else None,
        histogram=score_histogram(figures.scores, figures.max_score) if has_scores else "",
        histogram_said=_histogram_said(figures, tongue) if has_scores else "",
        bars=question_bars(names, shares, partly) if names else "",
        bars_said=f"{tongue.plain('difficulty')}: {', '.join(map(_share, names, shares))}",
        cost=_cost(figures, tongue),
        late=lambda seconds: tongue.every(lambda code: duration(code, seconds)),
        weeks=weeks,
    )


def _share(name: str, share: float | None) -> str:
    return f"{name} {'–' if share is None else f'{share:.0%}'}"


def _histogram_said(figures: ClassFigures, tongue: Tongue) -> str:
    """The histogram in words, bin by bin."""
    width = (figures.max_score or 1) / BINS
    counts = [0] * BINS
    for score in figures.scores:
        counts[min(BINS - 1, max(0, int(score / width)))] += 1
    bins = (f"{number(at * width)}–{number((at + 1) * width)}: {count}" for at, count in enumerate(counts) if count)
    return f"{tongue.plain('histogram')}. {', '.join(bins)}"


def _cost(figures: ClassFigures, tongue: Tongue) -> Markup:
    seconds = [row.seconds for row in figures.students] or [0.0]
    said = {"total": figures.seconds, "median": median(seconds), "longest": max(seconds)}
    return tongue.word("cost_said", **{key: f"{value:.1f} s" for key, value in said.items()})
