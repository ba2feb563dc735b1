"""`saiten import otter`, `saiten import nbgrader`: courses that were written for other tools.

In: an Otter Assign notebook, or the folder of an old nbgrader course. Out: sources for `saiten build`, and a table of
what is not as it was. Exit code: 0 all is there, 1 something could not be carried over (it says what), 2 yours to mend.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import course_option, json_option

if TYPE_CHECKING:
    from saiten.imports import Imported, OldCourse, Remark


@click.group(name="import")
def command() -> None:
    """Take over a course that was written for Otter-Grader, or for an older nbgrader.

    \b
    Examples:
      saiten import otter hw01.ipynb --into source/hw01
      saiten import nbgrader ~/old-course --check
    """


@command.command(name="otter")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The assignment's folder; without it, the folder of the notebook's name under the course's source.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@course_option
@json_option
@click.pass_context
def otter_command(
    context: click.Context, file: Path, into: Path | None, force: bool, course_dir: Path | None, as_json: bool
) -> None:
    """Turn an Otter Assign notebook (FILE, the master with solutions) into an assignment.

    Solutions become regions between BEGIN SOLUTION and END SOLUTION, each test a test cell with its points, a hidden
    one between BEGIN HIDDEN TESTS and END HIDDEN TESTS. What could not be carried over is listed by cell, and the exit
    code is 1 then. Otter need not be installed.

    \b
    Examples:
      saiten import otter hw01.ipynb                      to source/hw01
      saiten import otter hw01.ipynb --into source/week-1
      saiten import otter hw01.ipynb --json | jq .remarks
    """
    from saiten.imports import read_otter, write_assignment

    imported = read_otter(file)
    folder = into or _source_folder(course_dir, file.stem)
    write_assignment(imported, folder, force)
    if as_json:
        click.echo(json.dumps(_public(imported, folder), ensure_ascii=False, sort_keys=True))
    else:
        _show(imported, folder)
    if imported.lost:
        context.exit(1)


@command.command(name="nbgrader")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help="Write an upgraded copy there.")
@click.option("--check", "check_only", is_flag=True, help="Say what is found, and write nothing.")
@json_option
@click.pass_context
def nbgrader_command(context: click.Context, folder: Path, into: Path | None, check_only: bool, as_json: bool) -> None:
    """Look through an old nbgrader course, DIR, and copy it with everything brought up to date.

    Metadata of schema 0 to 2 is upgraded by nbgrader's own code, in notebooks and in the gradebook's tables; cells
    without grade_id, or with one that another cell has, get one, in the submissions as well. What was handed in and the
    marks in the gradebook come along. The original stays as it is. Exit code 1: something needs a person.

    \b
    Examples:
      saiten import nbgrader ~/vision-2019 --check
      saiten import nbgrader ~/vision-2019 --into ~/vision
      saiten grade ps1 --course ~/vision --json > ps1.jsonl
    """
    from rich.console import Console

    from saiten.imports import check_course, copy_course

    if check_only == (into is not None):
        raise click.UsageError("Give --into DIR for a copy, or --check to look only.")
    console = Console(stderr=True)
    with console.status(str(folder)) as status:
        old = check_course(folder, status.update)
        remarks = [*old.remarks, *(copy_course(old, into, status.update) if into is not None else ())]
    if as_json:
        click.echo(json.dumps(_found(old, remarks, into), ensure_ascii=False, sort_keys=True))
    else:
        _show_course(old)
        show_remarks(remarks, "Found:", "For a person to look at:")
        if into is not None:
            click.echo(f"The copy: {into}. Next: saiten build --course {into}")
        else:
            click.echo("Nothing was written; --into DIR writes an upgraded copy.")
    if any(each.lost for each in remarks):
        context.exit(1)


def _found(old: OldCourse, remarks: Sequence[Remark], into: Path | None) -> dict[str, object]:
    return {
        "course": str(old.root),
        "into": str(into) if into is not None else None,
        "assignments": [
            {
                "name": assignment.name,
                "students": assignment.students,
                "data_files": list(assignment.data_files),
                "notebooks": [
                    {"name": each.name, "cells": each.cells, "marked": each.marked, "points": each.points}
                    | {"schema": each.schema, "changed": each.changed}
                    for each in assignment.notebooks
                ],
            }
            for assignment in old.assignments
        ],
        "remarks": [asdict(each) for each in remarks],
    }


def _show_course(old: OldCourse) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=str(old.root))
    table.add_column("notebook", overflow="fold")
    for name in ("cells", "marked", "points", "schema", "data files", "hand-ins"):
        table.add_column(name, justify="right")
    for assignment in old.assignments:
        for each in assignment.notebooks:
            counts = (str(each.cells), str(each.marked), f"{each.points:g}", each.schema or "none")
            table.add_row(each.name, *counts, str(len(assignment.data_files)), str(assignment.students))
    Console().print(table)


def _source_folder(course_dir: Path | None, name: str) -> Path:
    from saiten.course import Course

    return Course.find(course_dir).source_dir(name)


def _public(imported: Imported, folder: Path) -> dict[str, object]:
    return {
        "folder": str(folder),
        "files": sorted(imported.files),
        "questions": [asdict(each) for each in imported.questions],
        "remarks": [asdict(each) for each in imported.remarks],
    }


def _show(imported: Imported, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Imported")
    for name in ("question", "points", "tests", "hidden", "marked by"):
        table.add_column(name, justify="left" if name in ("question", "marked by") else "right")
    for each in imported.questions:
        who = "a person" if each.manual else "tests" if each.tests else "nobody"
        table.add_row(each.grade_id, f"{each.points:g}", str(each.tests), str(each.hidden), who)
    Console().print(table)
    show_remarks(imported.remarks)
    for name in sorted(imported.files):
        click.echo(f"  {folder / name}")
    click.echo(
        f"Next: saiten build {folder.name}, which runs the reference; saiten check {folder.name} proves the rest."
    )


def show_remarks(
    remarks: Sequence[Remark], otherwise: str = "Carried over in another form:", lost_title: str = "Not carried over:"
) -> None:
    """Print what is otherwise, then what is lost, each with its place."""
    for title, lost in ((otherwise, False), (lost_title, True)):
        chosen = [each for each in remarks if each.lost is lost]
        if chosen:
            click.secho(title, fg="red" if lost else None, bold=lost)
        for each in chosen:
            click.echo(f"  {each.where}: {each.text}")
