"""`saiten doctor`: what this machine can enforce, versions, data, GPU.

In: nothing. Out: a table, or one JSON object a line. Exit code: 0 marking is safe here, 1 it is not.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from saiten.cli.options import json_option

if TYPE_CHECKING:
    from saiten.doctor import Finding


@click.command(name="doctor")
@json_option
def command(as_json: bool) -> None:
    """Try what keeps students' code in, and look for versions, data and a GPU.

    Each wall is tried: a submission attempts the forbidden thing in the sandbox, and the table shows how that ended.

    \b
    Examples:
      saiten doctor
      saiten doctor --json | jq 'select(.verdict == "bad")'

    \b
    Exit codes:
      0  marking is safe here
      1  something is wrong: see the rows marked ✗
    """
    from saiten.doctor import Verdict, examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if as_json:
            click.echo(json.dumps(asdict(finding), ensure_ascii=False, sort_keys=True))
    if not as_json:
        _print(findings)
    if any(finding.verdict is Verdict.BAD for finding in findings):
        raise click.exceptions.Exit(1)


def _print(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table

    marks = {"good": "[green]✓[/]", "note": "[yellow]·[/]", "bad": "[red]✗[/]"}
    table = Table(box=None, pad_edge=False)
    for title in ("", "", "what", "seen"):
        table.add_column(title, overflow="fold")
    area = ""
    for finding in findings:
        shown, area = ("" if finding.area == area else finding.area), finding.area
        seen = finding.seen + (f"\n[dim]{finding.next_step}[/]" if finding.next_step else "")
        table.add_row(f"[bold]{shown}[/]", marks[finding.verdict], finding.name, seen)
    Console().print(table)
    bad = sum(finding.verdict == "bad" for finding in findings)
    click.echo()
    click.echo("Marking is safe here." if not bad else f"{bad} thing(s) to mend before marking.")
