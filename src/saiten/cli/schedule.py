"""`saiten schedule`: release, collect, mark and hand out what is due by the course's calendar; for cron.

In: a course, the time. Out: one line for each thing done, and what comes next.
Exit code: 0 all that was due is done, 1 something could not be done, 2 yours to mend, 3 ours.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import cores, course_option

if TYPE_CHECKING:
    from saiten.course import Course
    from saiten.schedule import Report

_MOST_TO_COME = 5
_FORM = "%Y-%m-%d %H:%M %z"


@click.command(name="schedule")
@course_option
@click.option("--dry-run", is_flag=True, help="Say what would be done now, and do nothing.")
@click.option("--now", "moment", default="", metavar="WHEN", help="Take this for the time: 2026-04-10T18:00+09:00.")
@click.option("--quiet", is_flag=True, help="Say only what was done and what went wrong: cron sends no empty mail.")
def command(course_dir: Path | None, dry_run: bool, moment: str, quiet: bool) -> None:
    """Do what is due: release assignments, collect hand-ins, mark them and hand feedback out.

    Each assignment.toml says when and what: at `release` it is given to students; after `due`, and after each extension
    of extensions.csv, what was handed in is collected; with `grade` and `feedback` in [schedule] it is marked, and
    students can fetch their pages. Run it as often as you like: a second run finds nothing to do, a run that was missed
    is caught up, and while one is at work another one leaves at once. What cannot be done is said, and tried again the
    next time; it keeps no other assignment from its own.

    \b
    Examples:
      saiten schedule --dry-run                                what is due now, and what comes next
      saiten schedule --dry-run --now 2026-04-11T00:05+09:00   what will have been due by then
      */10 * * * * saiten schedule --quiet --course ~/faces    in a crontab: every ten minutes

    \b
    Exit codes:
      0  all that was due is done, or another run is at it
      1  something could not be done: it is said what, and tried again the next time
      2  something for you to mend first: no exchange, an extensions.csv that cannot be read, ...
    """
    from rich.console import Console

    from saiten.batch.pool import LocalPool
    from saiten.cluster.choose import chosen as chosen_cluster
    from saiten.course import Course
    from saiten.schedule import Busy, run_schedule

    course = Course.find(course_dir)
    now = _now(course, moment, dry=dry_run)
    workers = course.options.workers or cores()
    pool = chosen_cluster(None, course.options.scheduler, course.options.cluster_patience, _say) or LocalPool
    with Console(stderr=True).status("looking") as status:
        try:
            report = run_schedule(course, now, workers=workers, pool=pool, dry=dry_run, on_step=status.update)
        except Busy as other:
            report = None
            whose = str(other)
    if report is None:
        if not quiet:
            click.echo(f"Another `saiten schedule` is at work on this course ({whose}): it does what is due.", err=True)
        return
    _tell(report, now, dry=dry_run, quiet=quiet)
    if report.faults:
        raise report.faults[0][1]
    if report.failed:
        raise click.exceptions.Exit(1)


def _say(words: str) -> None:
    click.echo(words, err=True)


def _now(course: Course, text: str, *, dry: bool) -> datetime:
    from saiten.errors import CourseError
    from saiten.zones import on_clock

    clock = datetime.now().astimezone()
    if not text:
        return clock
    try:
        now = on_clock(datetime.fromisoformat(text), course.zone or clock.tzinfo)
    except ValueError as error:
        raise CourseError(f"--now {text} is no date and time ({error}).", "Write 2026-04-10T18:00+09:00.") from error
    if now > clock and not dry:
        raise CourseError(
            f"--now {text} is still to come.", "Give it with --dry-run: nothing is done ahead of its time."
        )
    return now


def _tell(report: Report, now: datetime, *, dry: bool, quiet: bool) -> None:
    from saiten.sanitise import for_terminal

    for done in report.done:
        since = done.planned.moment.astimezone(now.tzinfo).strftime(_FORM)
        said = done.said or f"{done.planned.step} would be due (since {since})"
        click.echo(for_terminal(f"{done.planned.assignment}: {said}."))
    for note in report.notes:
        click.echo(for_terminal(note), err=True)
    for name, error in report.failed:
        click.echo(for_terminal(f"{name}: {error.message}\n  {error.next_step}".rstrip()), err=True)
    if quiet:
        return
    if not report.done and not report.failed:
        click.echo("Nothing is due now.")
    if report.service:
        click.echo("The marking service takes hand-ins of this course as they come, and marks them.")
    for each in report.next[:_MOST_TO_COME]:
        # in the zone in which the date was written: the course's own
        click.echo(f"Next: {each.moment.strftime(_FORM)}  {each.step} {each.assignment}")
    if not report.next:
        click.echo("Nothing else is planned: no release or due date is to come.")
