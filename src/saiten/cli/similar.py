"""`saiten similar`: which submissions are more alike than the class explains.

In: the name of an assignment. Out: a table, pages and a CSV file. Exit code 0 or 2, whatever is found.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import course_option, json_option

if TYPE_CHECKING:
    from saiten.similar import Similar

_SHOWN = 20
"""pairs in the terminal's table; the page has all"""
_WIDTH = 120
"""columns where standard output is no terminal"""


@click.command(name="similar")
@click.argument("assignment")
@course_option
@click.option(
    "--last-year",
    "last_year",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    metavar="DIR",
    help="An earlier year's course, or its folder of submissions, to compare with as well; may be given several times.",
)
@click.option("--top", type=click.IntRange(min=1), default=50, show_default=True, help="Most pairs that are shown.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="The table as CSV.")
def command(
    assignment: str, course_dir: Path | None, last_year: tuple[Path, ...], top: int, as_json: bool, as_csv: bool
) -> None:
    """Find submissions of ASSIGNMENT that are more alike than the class explains.

    What students wrote is compared question by question: code without names, comments and white space, prose without
    case and punctuation. What the release holds does not count, what many students share does not either, and what
    some share counts less. Writes similar/ASSIGNMENT/index.html with a page for each pair, side by side. Nothing is
    run. Likeness is no proof: read both sides and talk with the students.

    \b
    Examples:
      saiten similar 01-regularization
      saiten similar 01-regularization --last-year ../course-2025
      saiten similar ps1 --course ~/my-course --csv > pairs.csv
    """
    from rich.console import Console

    from saiten.batch.freshness import current_bundle
    from saiten.course import Course
    from saiten.sanitise import for_terminal
    from saiten.similar import as_csv as table_as_csv
    from saiten.similar import rows, write_similar

    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other.")
    course = Course.find(course_dir)
    chosen = course.assignment(assignment)
    with Console(stderr=True).status(chosen.name):
        made = write_similar(course, chosen, current_bundle(chosen), last_year, top)
    if as_json:
        from saiten.sanitise import for_json

        for row in rows(made.comparison):
            click.echo(for_json(json.dumps(row, ensure_ascii=False, sort_keys=True)))
    elif as_csv:
        click.echo(for_terminal(table_as_csv(made.comparison).replace("\r\n", "\n").removeprefix("\ufeff")), nl=False)
    else:
        _print(made)
    for each in made.left_out:
        where = f" ({each.year})" if each.year else ""
        click.echo(for_terminal(f"{each.student}{where} was not compared, or not whole: {each.reason}"), err=True)


def _print(made: Similar) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from saiten.cli.table import plain

    found = made.comparison
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    if found.pairs:
        table = Table("no.", "students", "whole work", "most alike", "of it")
        for rank, pair in enumerate(found.pairs[:_SHOWN], 1):
            names = [
                f"{each.student} ({each.year})" if each.year else each.student for each in (pair.first, pair.second)
            ]
            cells = (str(rank), " – ".join(names), f"{pair.whole:.0%}", pair.best.part.name, f"{pair.best.alike:.0%}")
            table.add_row(*(Text(plain(cell)) for cell in cells))
        console.print(table)
    this = sum(not work.year for work in found.works)
    earlier = f" and {len(found.works) - this} of earlier years" if len(found.works) > this else ""
    lines = [
        f"{this} submissions{earlier} compared: {found.reported} of {sum(found.bins)} pairs are more alike than the"
        f" class and the release explain, in {len(found.groups)} groups.",
        "This is no proof: read both sides, then talk with each student.",
        f"Side by side: {made.page}",
    ]
    for line in lines:
        console.print(Text(line), soft_wrap=True)
