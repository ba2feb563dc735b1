"""The table at the end of `saiten grade`: one row for each submission, then the class as a whole, then what to do next.

In: a `ClassReport`. Out: text on standard output. Whatever comes from a student is shown as plain, printable text.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

from rich.console import Console
from rich.table import Table
from rich.text import Text

from saiten.batch.marking import ClassReport, Marked
from saiten.results import CellStatus, Result, Status

_BARS = " ▁▂▃▄▅▆▇█"
_BINS = 10
_COSTLY = 3
"""questions named at the end"""
_LOOK = 5
"""submissions that are named where something went wrong"""
_WIDTH = 120
"""columns where standard output is no terminal"""
_STYLES = {
    Status.GRADED: "green",
    Status.NEEDS_MANUAL: "yellow",
    Status.REJECTED: "red",
    Status.INFRA_ERROR: "bold red",
}
_WORDS = {
    Status.GRADED: "graded",
    Status.NEEDS_MANUAL: "wait for a person",
    Status.REJECTED: "rejected (cannot be read)",
    Status.INFRA_ERROR: "not marked through a fault of ours",
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where a course keeps what people open, and what writes it; `<student>` stands in place of the student."""

    marked: Path
    """folder of marked notebooks"""
    feedback: Path
    """folder of the pages that a student reads"""
    report: Path
    """the page that staff read"""
    has_feedback: bool = False
    """whether somebody's pages are there, from an earlier time"""
    option: str = ""
    """what a command needs to find the course from here, such as ` --course demo`"""


def print_report(report: ClassReport, places: Places, seconds: float, workers: int) -> None:
    """Print the table.

    Args:
        report: what marking came to.
        places: where the course keeps things.
        seconds: wall time of the whole command.
        workers: processes that marked.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    table = Table()
    table.add_column("student", overflow="fold")
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("one reason for lost points", overflow="fold", ratio=1)
    table.add_column("seconds", justify="right", no_wrap=True)
    for row in report.rows:
        result = row.result
        table.add_row(
            Text(plain(result.student)),
            Text(_score(result)),
            Text(result.status.value, style=_STYLES[result.status]),
            Text(plain(row.problem or reason(result))),
            Text("known" if row.from_ledger else f"{result.seconds:.2f}"),
        )
    console.print(table)
    for line in summary(report, seconds, workers):
        console.print(Text(line), soft_wrap=True)
    for line in without_score(report.rows):
        console.print(Text(line, style="bold red"), soft_wrap=True)
    for line in (*where(report, places), f"Next: {next_step(report.rows)}"):
        console.print(Text(line), soft_wrap=True)


def plain(text: str, most: int = 200) -> str:
    """Make text of a student's safe for a terminal: one line, printable characters only, at most so many."""
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def reason(result: Result) -> str:
    """Give one reason why points are missing, or what is still to be marked by a person."""
    if result.message:
        return result.message
    for question in result.questions:
        if question.status in (CellStatus.FAILED, CellStatus.PARTIAL) and question.message:
            return f"{question.name}: {question.message}"
    waiting = [cell.name for cell in result.cells if cell.status is CellStatus.NEEDS_MANUAL]
    if waiting:
        return f"to be marked by a person: {', '.join(waiting)}"
    return next((f"{each.name}: {each.message}" for each in result.questions if each.message), "")


def summary(report: ClassReport, seconds: float, workers: int) -> list[str]:
    """Say what became of the class, in a few lines."""
    counts = Counter(row.result.status for row in report.rows)
    known = sum(row.from_ledger for row in report.rows)
    states = ", ".join(f"{counts[status]} {words}" for status, words in _WORDS.items() if counts[status])
    lines = [f"{len(report.rows)} submissions: {states}."]
    scores = [row.result.score for row in report.rows if row.result.score is not None]
    maximum = max((row.result.max_score for row in report.rows), default=0.0)
    if scores and maximum:
        lines.append(
            f"Automatic scores of {maximum:g}: mean {mean(scores):.1f}, median {median(scores):g}, lowest"
            f" {min(scores):g}, highest {max(scores):g}; from 0 to {maximum:g}: |{histogram(scores, maximum)}|"
        )
        lines += costly(report.rows)
    lines += to_look_at(report.rows)
    ran = len(report.rows) - known
    again = f", {known} known from before" if known else ""
    each = f" ({seconds / ran:.2f} s each)" if ran else ""
    by = f" by {workers} worker{'s' if workers > 1 else ''}" if ran else ""
    lines.append(f"{ran} marked{again}, in {seconds:.1f} s{each}{by}.")
    return lines + ways(report.rows)


def ways(rows: Sequence[Marked]) -> list[str]:
    """Say of how many only some questions were marked anew, and why others were marked whole though known before."""
    fresh = [row.result for row in rows if not row.from_ledger]
    parts = Counter(result.anew for result in fresh if result.anew)
    lines = [
        f"In part, {_people(number)}: only the tests of {', '.join(map(plain, names))} had changed; other points stay."
        for names, number in parts.most_common()
    ]
    whole = Counter(result.whole_because for result in fresh if result.whole_because)
    return lines + [f"Whole again, {_people(number)}: {plain(why)}." for why, number in whole.most_common()]


def _people(number: int) -> str:
    return f"{number} submission{'' if number == 1 else 's'}"


def without_score(rows: Sequence[Marked]) -> list[str]:
    """Say, to be shown in red, that what failed through a fault of ours has no score, which is not a zero."""
    failed = [row.result for row in rows if row.result.status is Status.INFRA_ERROR]
    if not failed:
        return []
    first = failed[0]
    return [
        f"NOT MARKED: {_people(len(failed))}, through a fault of ours: set aside without a score, which is not a zero."
        f" Evidence: saiten log {plain(first.student)} {plain(first.assignment)}"
    ]


def costly(rows: Sequence[Marked]) -> list[str]:
    """Name the questions that cost the class the most points, the costliest first; nothing where none was lost."""
    lost: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        for question in row.result.questions:
            missing = sum(cell.max_score - cell.score for cell in question.cells if cell.score is not None)
            if missing > 0:
                lost[question.name].append(missing)
    worst = sorted(lost, key=lambda name: (-sum(lost[name]), name))[:_COSTLY]
    people = {name: f"{len(lost[name])} student{'s' if len(lost[name]) > 1 else ''}" for name in worst}
    said = ", ".join(f"{plain(name)} ({sum(lost[name]):g} points, {people[name]})" for name in worst)
    return [f"What cost the most: {said}."] if said else []


def to_look_at(rows: Sequence[Marked]) -> list[str]:
    """Name the submissions that have no score, or that the gradebook could not take, each with its reason."""
    odd = [row for row in rows if row.problem or row.result.score is None]
    if not odd:
        return []
    named = [f"  {plain(row.result.student)}: {plain(row.problem or row.result.message)}" for row in odd[:_LOOK]]
    more = [f"  and {len(odd) - _LOOK} more: see their rows above"] if len(odd) > _LOOK else []
    return ["To look at:", *named, *more]


def where(report: ClassReport, places: Places) -> list[str]:
    """Say where the results lie, and for the pages which command writes them, or writes them anew."""
    name = report.rows[0].result.assignment

    def page(path: Path, command: str, *, there: bool) -> str:
        words = "of an earlier time; written anew by" if there else "not there yet; written by"
        return f"{path} ({words} saiten {command} {name}{places.option})"

    return [
        f"Gradebook: {report.database}",
        f"Marked notebooks: {places.marked}",
        f"Pages for students: {page(places.feedback, 'feedback', there=places.has_feedback)}",
        f"Page for staff: {page(places.report, 'report', there=places.report.is_file())}",
    ]


def histogram(scores: Sequence[float], maximum: float) -> str:
    """Draw how many lie in each tenth of the points, as ten characters; any that is not empty shows."""
    bins = Counter(min(int(score / maximum * _BINS), _BINS - 1) for score in scores)
    most = max(bins.values())
    levels = (len(_BARS) - 1) / most
    return "".join(_BARS[max(1, round(bins[place] * levels))] if bins[place] else _BARS[0] for place in range(_BINS))


def next_step(rows: Sequence[Marked]) -> str:
    """Say what to do now."""
    states = {row.result.status for row in rows}
    if Status.INFRA_ERROR in states:
        return "run the same again; only what could not be marked is marked. If it fails again, please report it."
    if Status.REJECTED in states:
        return "ask those whose work was rejected to hand it in again, then run the same again."
    if Status.NEEDS_MANUAL in states:
        return "mark the rest by hand in formgrader; then the pages."
    return "the pages for students and staff, by the two commands above."


def _score(result: Result) -> str:
    score = "-" if result.score is None else f"{result.score:g}"
    return f"{score} / {result.max_score:g}"
