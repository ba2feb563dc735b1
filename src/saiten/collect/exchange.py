"""Collecting by the exchange that the course has configured, and who of those that handed in was late.

In: an assignment. Out: `submitted/`, as the exchange's own step leaves it; what is new, what it warned of, who is late.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import select

from saiten.course import Assignment, Course
from saiten.database import reading
from saiten.errors import CourseError
from saiten.exchange import COLLECT, exchange_step, require_exchange_of, service_takes_hand_ins
from saiten.extensions import Extensions
from saiten.gradebook import Practice, open_database, parse_moment
from saiten.gradebook.tables import STUDENT
from saiten.intake import FolderLimits, read_contents
from saiten.lateness import seconds_late

_TIME_FILE = "timestamp.txt"
_TIME_ONLY = FolderLimits(file_bytes=1000, total_bytes=10_000, files=2000, include=(_TIME_FILE,))


@dataclass(frozen=True, slots=True)
class FromExchange:
    """What collecting came to."""

    students: int
    """who have handed in"""
    new: tuple[str, ...]
    """who have handed in for the first time"""
    changed: tuple[str, ...]
    """whose hand-in is a newer one than before"""
    late: tuple[str, ...] = ()
    """of all who have handed in: after their own due date"""
    warnings: tuple[str, ...] = field(default=())
    """of the exchange's, such as of a hand-in in somebody else's name"""
    strangers: tuple[str, ...] = ()
    """lines of extensions.csv that name nobody, in one sentence each"""


def collect_from_exchange(assignment: Assignment) -> FromExchange:
    """Bring in what was handed in; a newer hand-in replaces an older one, as it does in formgrader.

    Raises:
        CourseError: the exchange gives nothing, or a marking service takes the hand-ins of this course.
    """
    course = assignment.course
    if service_takes_hand_ins(course):
        raise CourseError(
            f"The marking service of {course.root} takes hand-ins as they come: there is nothing to collect.",
            "Look at its page; or stop `saiten serve` first.",
        )
    require_exchange_of(course)
    extensions = course.extensions()
    before = hand_in_times(assignment)
    said = exchange_step(course, assignment.name, COLLECT, update=True)
    after = hand_in_times(assignment)
    new = tuple(student for student in after if student not in before)
    changed = tuple(student for student in after if student in before and after[student] != before[student])
    late = late_hand_ins(assignment, extensions, after)
    strangers = () if extensions is None else tuple(extensions.strangers(_known(course)))
    return FromExchange(len(after), new, changed, tuple(late), tuple(said.warnings), strangers)


def _known(course: Course) -> set[str]:
    """Everybody who is in the gradebook, or has handed in anything."""
    database = open_database(Practice.of(course).url)
    try:
        with closing(reading(database).connect()) as connection:
            return {*connection.execute(select(STUDENT.c.id)).scalars(), *course.students()}
    finally:
        database.dispose()


def hand_in_times(assignment: Assignment) -> dict[str, datetime | None]:
    """Return when everybody's hand-in came that lies under `submitted/` (aware, UTC); None where nobody knows."""
    course = assignment.course
    found: dict[str, datetime | None] = {}
    for student in course.students(assignment.name):
        try:
            files = read_contents(course.submitted_dir(assignment.name, student), _TIME_ONLY).files
        except OSError:  # a link, or a folder that nobody may read: marking says so
            files = {}
        moment, _ = parse_moment(files.get(_TIME_FILE, b"").decode("utf-8", "replace"))
        found[student] = None if moment is None else moment.replace(tzinfo=UTC)
    return found


def late_hand_ins(
    assignment: Assignment, extensions: Extensions | None, times: dict[str, datetime | None]
) -> dict[str, float]:
    """Return who handed in after their own due date, and by how many seconds.

    Args:
        assignment: without a due date in its assignment.toml nobody is late here.
        extensions: who may hand in later.
        times: from `hand_in_times`.

    Raises:
        CourseError: two extensions of one student contradict each other.
    """
    found = {}
    for student, moment in times.items():
        due = assignment.settings.due
        own = due if extensions is None else extensions.due(assignment.name, student, due)
        if late := seconds_late(moment, own):
            found[student] = late
    return found
