"""`saiten collect`: bring in what students handed in: from nbgrader's exchange, or from a zip file or folder.

In: the name of an assignment. Out: `submitted/<student>/ASSIGNMENT/`, and sentences about what was left out.
Exit code: 0 all is in, 1 something was left out (it says what), 2 yours to mend.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import course_option

if TYPE_CHECKING:
    from saiten.collect import Collected
    from saiten.course import Assignment, Course

_MOST_NAMED = 8
_MOST_HAND_INS = 2000


@click.command(name="collect")
@click.argument("assignment")
@course_option
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="FILE", help="A zip file or folder of an LMS."
)
@click.option(
    "--pattern", default="", help="How its files are named: moodle, canvas, folders, or a regular expression."
)
@click.option("--roster", type=click.Path(path_type=Path), help="That system's list of people (CSV), to find ids in.")
@click.option(
    "--id", "column", default="", metavar="COLUMN", help="Heading of the list's column with the course's ids."
)
@click.option("--times", is_flag=True, help="The archive's times are those of handing in: they decide lateness.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--grade", is_flag=True, help="Mark at once what was brought in.")
@click.pass_context
def command(
    context: click.Context,
    assignment: str,
    course_dir: Path | None,
    source: Path | None,
    pattern: str,
    roster: Path | None,
    column: str,
    times: bool,
    dry_run: bool,
    grade: bool,
) -> None:
    """Bring in what students handed in for ASSIGNMENT.

    Without --from, by nbgrader's exchange as the course configures it: a newer hand-in replaces an older one, and who
    is late is reckoned by the due date and extensions.csv. (Where `saiten serve` runs, it takes hand-ins itself.)

    With --from, out of a zip file or a folder as Moodle or Canvas names what one downloads, or named in a way of your
    own. Files are read as hostile; a file whose owner is not certain is left out and named. The same file a second time
    changes nothing.

    \b
    Examples:
      saiten collect ps1                                                     nbgrader's exchange
      saiten collect ps1 --from moodle.zip --roster worksheet.csv            Moodle's "Download all submissions"
      saiten collect ps1 --from submissions.zip --roster canvas.csv          Canvas's, with its exported gradebook
      saiten collect ps1 --from uploads/ --pattern '2022_0114(?P<student>\\d+)'   a form's: 2022_0114<number>.ipynb
      saiten collect ps1 --from moodle.zip --roster worksheet.csv --grade && saiten export --to moodle

    \b
    Exit codes:
      0  all is in
      1  something was left out: see what it says
      2  something for you to mend: no such assignment, a name that fits no pattern, ...
    """
    from saiten.course import Course

    course = Course.find(course_dir)
    chosen = course.assignment(assignment)
    if source is None:
        _from_exchange(chosen, [name for name, value in context.params.items() if name in _ONLY_FILES and value])
        code = 0
    else:
        report = _from_file(course, chosen, source, pattern, roster, column, times=times, dry=dry_run)
        code = _tell(report, dry=dry_run)
    if grade and not dry_run:
        from saiten.cli.grade import command as mark

        context.invoke(mark, assignment=assignment, course_dir=course_dir, students=(), workers=None, as_json=False,
                       unsafe=False, again=False, only_failed=False, since=None)  # fmt: skip
    if code:
        raise click.exceptions.Exit(code)


_ONLY_FILES = {
    "pattern": "--pattern",
    "roster": "--roster",
    "column": "--id",
    "times": "--times",
    "dry_run": "--dry-run",
}


def _from_exchange(assignment: Assignment, given: list[str]) -> None:
    from saiten.collect import collect_from_exchange
    from saiten.errors import CourseError
    from saiten.sanitise import for_terminal

    if given:
        raise CourseError(f"{_ONLY_FILES[given[0]]} is for a zip file or folder.", "Give it with --from FILE.")
    found = collect_from_exchange(assignment)
    for warning in found.warnings:
        click.echo(for_terminal(f"The exchange says: {warning}"), err=True)
    for stranger in found.strangers:
        click.echo(for_terminal(stranger), err=True)
    late = f"; {len(found.late)} are late" if assignment.settings.due else ""
    click.echo(
        f"{assignment.name}: {found.students} have handed in, {len(found.new)} of them are new,"
        f" {len(found.changed)} have handed in again{late}."
    )


def _from_file(
    course: Course,
    assignment: Assignment,
    source: Path,
    pattern: str,
    roster: Path | None,
    column: str,
    *,
    times: bool,
    dry: bool,
) -> Collected:
    from saiten.collect import People, collect, pattern_of, read_archive
    from saiten.export import read_roster

    people = People.of(None if roster is None else read_roster(roster), column)
    archive = read_archive(source, course.folder_limits(), _MOST_HAND_INS)
    return collect(assignment, archive, pattern_of(pattern) if pattern else None, people, times=times, dry=dry)


def _tell(report: Collected, *, dry: bool) -> int:
    from saiten.intake import readable

    way = f" (named as {report.way} does)" if report.way else ""
    verb = "would be written" if dry else "are new or changed"
    click.echo(
        f"{report.students} students{way}: {len(report.written)} {verb}, {len(report.same)} as before,"
        f" {len(report.kept)} newer in the course."
    )
    for note in report.notes[:_MOST_NAMED]:
        click.echo(note, err=True)
    for path, reason in sorted(report.left_out.items())[:_MOST_NAMED]:
        click.echo(f"Left out: {readable(path)}: {readable(reason)}", err=True)
    if len(report.left_out) > _MOST_NAMED:
        click.echo(f"... and {len(report.left_out) - _MOST_NAMED} more.", err=True)
    return 1 if report.left_out else 0
