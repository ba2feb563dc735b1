"""What `saiten check` shows people: the findings, a row for each question, the mutants that survived, the verdict.

In: a `CheckReport`. Out: text on standard output, in colours on a terminal.
"""

from __future__ import annotations

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from saiten.check import CheckReport, Fate, Finding, QuestionProof, State
from saiten.cli.table import plain

_WIDTH = 120
"""columns where standard output is no terminal"""
_SIGNS = {State.HOLDS: ("✓", "green"), State.LOOK: ("!", "yellow"), State.FAILS: ("✗", "bold red")}
_SHOWN = 3
"""survivors whose change is shown for each question unless all are wanted"""


def print_check(report: CheckReport, *, everything: bool = False) -> None:
    """Print the proof of one assignment.

    Args:
        report: what was found.
        everything: show every survivor, not only the first few of each question.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    tests = report.max_score - report.manual
    console.rule(Text(f"{report.assignment}: {report.max_score:g} points, {tests:g} of them by tests"), align="left")
    _findings(console, report.findings)
    if report.questions:
        console.print(_questions(report.questions))
    for proof in report.questions:
        _survivors(console, proof, everything=everything)
    _verdict(console, report)


def _findings(console: Console, findings: tuple[Finding, ...]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for each in findings:
        sign, style = _SIGNS[each.state]
        words = f"{each.cell}: {each.text}" if each.cell else each.text
        text = Text(plain(words, 600))
        if each.next_step and each.state is not State.HOLDS:
            text.append(f"\n→ {each.next_step}", style="cyan")
        table.add_row(Text(sign, style=style), Text(each.check, style=style), text)
    console.print(table)


def _questions(proofs: tuple[QuestionProof, ...]) -> Table:
    table = Table()
    table.add_column("question", overflow="fold")
    for name in ("points", "tests", "right ways", "mistakes", "mutants", "killed", "survived", "waived", "seconds"):
        table.add_column(name, justify="right")
    for proof in proofs:
        share, alive = proof.killed_share, proof.count(Fate.SURVIVED)
        table.add_row(
            Text(proof.question),
            f"{proof.points:g}",
            str(proof.tests),
            str(proof.right),
            str(proof.mistakes),
            str(proof.made) if proof.drawn_from is None else f"{len(proof.mutants)} of {proof.made} drawn",
            "-" if share is None else f"{share:.1%}",
            Text(str(alive), style="yellow" if alive else ""),
            str(proof.count(Fate.WAIVED)),
            f"{proof.seconds:.2f}",
        )
    return table


def _survivors(console: Console, proof: QuestionProof, *, everything: bool) -> None:
    alive = [row for row in proof.mutants if row.fate is Fate.SURVIVED]
    shown = alive if everything else alive[:_SHOWN]
    for row in shown:
        console.print(Text(f"survived: {proof.question}: {row.name} ({row.operator}, line {row.line})", style="yellow"))
        console.print(Syntax(row.diff.rstrip(), "diff", background_color="default", word_wrap=True))
    if len(alive) > len(shown):
        console.print(f"... and {len(alive) - len(shown)} more of {proof.question}: --survivors shows them.")


def _verdict(console: Console, report: CheckReport) -> None:
    failed = sum(each.state is State.FAILS for each in report.findings)
    looks = sum(each.state is State.LOOK for each in report.findings)
    words = Text("holds", style="bold green") if not failed else Text(f"{failed} things do not hold", style="bold red")
    if failed == 1:
        words = Text("1 thing does not hold", style="bold red")
    rest = f", {looks} to look at" if looks else ""
    left_out = "; ".join(f"{name}: {value}" for name, value in report.options.items())
    console.print(
        Text.assemble(f"{report.assignment}: ", words, rest, f", in {report.seconds:.0f} s."),
        Text(f"(only in part: {left_out})" if left_out else ""),
    )
