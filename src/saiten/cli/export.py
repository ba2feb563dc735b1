"""`saiten export`: marks for Canvas, Moodle or a spreadsheet, and a final grade.

In: the gradebook. Out: a CSV file, and sentences about what is not in it.
Exit code: 0 all marks are there, 1 some are missing or people could not be matched, 2 yours to mend.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import course_option

if TYPE_CHECKING:
    from saiten.course import Course
    from saiten.export import Export, Final, Roll

_FORMATS = ("plain", "canvas", "moodle")
_MOST_NAMED = 5


@click.command(name="export")
@click.argument("assignments", nargs=-1, metavar="[ASSIGNMENT]...")
@course_option
@click.option("--to", "kind", type=click.Choice(_FORMATS), default="plain", show_default=True, help="For which system.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="The file; without it grades-<format>.csv, - prints it."
)
@click.option(
    "--roster",
    type=click.Path(path_type=Path),
    help="That system's own list (Canvas: its exported gradebook; Moodle: participants or grades), as CSV.",
)
@click.option("--policy", type=click.Path(path_type=Path), help="How a final grade is made: a TOML file.")
@click.option("--zeros", is_flag=True, help="Write 0 for what was not handed in; else the field is empty.")
def command(
    assignments: tuple[str, ...],
    course_dir: Path | None,
    kind: str,
    output: Path | None,
    roster: Path | None,
    policy: Path | None,
    zeros: bool,
) -> None:
    """Write everybody's marks as CSV: of all assignments, or of some.

    Points are those of the gradebook: by tests and by hand, extra credit, less late penalties. What is handed in and
    not marked is left empty and named: it is not a zero. No field can be a formula when a spreadsheet opens the file.

    \b
    Examples:
      saiten export                                          grades-plain.csv, for Excel and its like
      saiten export 01-regularization --output -             one assignment, to the terminal
      saiten export --to canvas --roster canvas-export.csv   matched to Canvas's people and columns
      saiten export --to moodle --policy final.toml          with a final grade

    \b
    Exit codes:
      0  every mark is there
      1  something handed in is not marked, or somebody was not found in the list: see what it says
      2  something for you to mend: no such assignment, a policy that does not fit, ...
    """
    from saiten.course import Course
    from saiten.errors import CourseError, GradebookError
    from saiten.export import export_table, read_policy, read_roster

    course = Course.find(course_dir)
    for name in assignments:
        course.assignment(name)
    roll = _read(course, assignments)
    if not roll.columns:
        raise CourseError("The gradebook has no assignment to export.", "Mark one: saiten grade ASSIGNMENT.")
    rules = None if policy is None else read_policy(policy)
    finals: dict[str, Final] = {}
    if rules is not None:
        from saiten.export.policy import final_grade, members

        groups = members(rules, roll.columns)
        finals = {person.id: final_grade(rules, groups, roll, person.id) for person in roll.people}
    listed = None if roster is None else read_roster(roster)
    made = export_table(kind, roll, finals, listed, rules, zeros=zeros)
    target = output or Path(f"grades-{kind}.csv")
    content = made.text.encode("utf-8", "replace")
    if str(target) == "-":
        click.echo(content, nl=False)
    else:
        try:
            target.write_bytes(content)
        except OSError as error:
            raise GradebookError(f"{target} cannot be written ({error.strerror}).", "Name another file.") from error
        click.echo(f"{target}: {made.students} students, {len(roll.columns)} assignments.")
    if _tell(roll, made, finals):
        raise click.exceptions.Exit(1)


def _read(course: Course, assignments: tuple[str, ...]) -> Roll:
    from contextlib import closing

    from saiten.database import reading
    from saiten.export import read_roll
    from saiten.gradebook import Practice, open_database, refresh_dates

    handed_in = [
        (student, each.name)
        for each in course.assignments()
        if not assignments or each.name in assignments
        for student in course.students(each.name)
    ]
    database = open_database(Practice.of(course).url)
    try:
        refresh_dates(database, course, assignments)
        with closing(reading(database).connect()) as connection:
            return read_roll(connection, handed_in, assignments)
    finally:
        database.dispose()


def _tell(roll: Roll, made: Export, finals: dict[str, Final]) -> bool:
    """Say what is not in the file; True if there is anything."""
    from saiten.export import State

    unknown = roll.unknown()
    waits = [f"{name} of {student}" for student, name, state in unknown if state is State.WAITS]
    unmarked = [f"{name} of {student}" for student, name, state in unknown if state is State.UNMARKED]
    open_finals = [student for student, final in finals.items() if final.points is None]
    for found, words in (
        (waits, "wait for a person (mark them in formgrader); their fields are empty"),
        (unmarked, "are handed in and not marked (run saiten grade); their fields are empty"),
        (open_finals, "have no final grade yet: something that counts is not marked"),
        (list(made.not_listed), "are not in the list, and not in the file"),
        (list(made.not_known), "of the list are not known here; their fields are empty"),
        (list(made.escaped), "would have been formulas; an apostrophe stands in front of them"),
    ):
        if found:
            click.echo(f"{len(found)} {words}: {_some(found)}.", err=True)
    return bool(unknown or open_finals or made.not_listed)


def _some(names: list[str]) -> str:
    from saiten.intake import readable

    return ", ".join(readable(name) for name in names[:_MOST_NAMED]) + (", ..." if len(names) > _MOST_NAMED else "")
