"""`saiten build`: source to release, solutions and autograder.

In: assignment names, or none for all. Out: the folders, a table (or one JSON object a line), exit code 0 or 2.
An assignment that cannot be built does not keep the others from being built.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import course_option, json_option

if TYPE_CHECKING:
    from saiten.build import BuildReport


@click.command(name="build")
@click.argument("assignments", nargs=-1, metavar="[ASSIGNMENT]...")
@course_option
@json_option
def command(assignments: tuple[str, ...], course_dir: Path | None, as_json: bool) -> None:
    """Make release, solutions and autograder from the source notebooks.

    Without ASSIGNMENT, every assignment of the course is built. The source is only read; what was built before is
    replaced when all went well. The reference solution is run once and must pass its own tests, and the release is
    searched for lines of solutions and hidden tests.

    \b
    Examples:
      saiten build 01-regularization            one assignment
      saiten build                              the whole course
      saiten build ps1 --course ~/my-course     any nbgrader course
      saiten build --json | jq .points          for machines
    """
    from rich.console import Console

    from saiten.build import build_assignment
    from saiten.course import Course
    from saiten.errors import CourseError, UserError

    course = Course.find(course_dir)
    chosen = [course.assignment(name) for name in dict.fromkeys(assignments)] or course.assignments()
    if not chosen:
        raise CourseError(
            f"The course {course.root} has no assignments.",
            f"Put notebooks into {course.source_dir('<assignment>')}.",
        )
    errors: list[UserError] = []
    reports: list[BuildReport] = []
    console = Console(stderr=True)
    for assignment in chosen:
        with console.status(assignment.name) as status:

            def tell(words: str, name: str = assignment.name, update: Callable[[str], None] = status.update) -> None:
                update(f"{name}: {words}")

            try:
                report = build_assignment(assignment, progress=tell)
            except UserError as error:
                errors.append(error)
                continue
        reports.append(report)
        for note in report.notes:
            click.echo(f"Note: {assignment.name}: {note}", err=True)
        if as_json:
            click.echo(json.dumps(report.public(), ensure_ascii=False, sort_keys=True))
    if reports and not as_json:
        _print_table(reports, course.root)
    for each in errors[:-1]:
        click.echo(f"Error: {each}", err=True)
    if errors:
        raise errors[-1]


def _print_table(reports: list[BuildReport], root: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Built")
    table.add_column("notebook", overflow="fold")
    for name in ("cells", "questions", "points", "reference"):
        table.add_column(name, justify="right")
    for report in reports:
        for notebook in report.notebooks:
            alone = notebook.name == report.assignment
            table.add_row(
                notebook.name if alone else f"{report.assignment}/{notebook.name}",
                str(notebook.cells),
                str(notebook.questions),
                f"{notebook.points:g}",
                f"{notebook.seconds:.1f} s",
            )
    console = Console()
    console.print(table)
    for report in reports:
        data = f", {report.files} data files" if report.files else ""
        hidden = f" and {report.hidden_files} hidden ones" if report.hidden_files else ""
        console.print(f"{report.assignment}: {report.points:g} points{data}{hidden}, {report.seconds:.1f} s")
        for what, folder in (
            ("release   ", report.release),
            ("solutions ", report.solutions),
            ("autograder", report.autograder),
            *(("Otter zip ", path) for path in report.otter),
        ):
            shown = folder.relative_to(root) if folder.is_relative_to(root) else folder
            for_whom = " (otter run, Gradescope)" if what == "Otter zip " else ""
            console.print(f"  {what} {shown}{for_whom}", soft_wrap=True, highlight=False, markup=False)
