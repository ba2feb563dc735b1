"""Releasing an assignment: built as its source is now, searched for leaks, then given to the exchange.

In: an assignment. Out: its release in the exchange, its cells and due date in the gradebook. Whatever is wrong is said
before a student can see anything.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from saiten.build import build_assignment, source_hash
from saiten.build.bundle import Parts, make_parts
from saiten.build.release import check_leaks, write_release
from saiten.bundle import Bundle, Limits
from saiten.course import Assignment
from saiten.errors import CourseError, SourceError
from saiten.exchange import RELEASE_ASSIGNMENT, exchange_step, released, require_exchange_of
from saiten.gradebook import LatePolicy, Practice, apply_dates, open_database, save_assignment
from saiten.gradebook.dates import plain
from saiten.grading.reference import ReferenceCell, ReferenceInput

_NAMED = 3
"""files that a sentence names"""


@dataclass(frozen=True, slots=True)
class Released:
    """What releasing an assignment came to."""

    assignment: str
    built: bool
    """whether it had to be built first"""
    again: bool
    """whether another release was there, which this one replaces"""
    files: int
    due: datetime | None
    warnings: tuple[str, ...] = ()
    """what the exchange said beside it"""


def is_built(assignment: Assignment) -> bool:
    """Tell whether bundle and release are there, made from the source as it is now."""
    course = assignment.course
    try:
        bundle = Bundle.read(course.autograder_dir(assignment.name))
    except CourseError:
        return False
    return bundle.source_hash == source_hash(assignment) and course.release_dir(assignment.name).is_dir()


def release_assignment(
    assignment: Assignment,
    *,
    again: bool = False,
    dry: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Released:
    """Give an assignment to students.

    Args:
        assignment: which; it is built first where its source has changed since it was built.
        again: replace what was released before under its name; without it, that is refused.
        dry: look at everything, write nothing.
        progress: called with a few words when a step begins.

    Raises:
        CourseError: no exchange is configured, it refuses, the assignment was released already, or its release was
            changed after it was built.
        SourceError: the source cannot be built, the reference fails its own tests, or something would be given away.
        GradebookError: the gradebook holds hand-ins of another version of it.
    """
    course, name, tell = assignment.course, assignment.name, progress or (lambda words: None)
    require_exchange_of(course)
    there = name in (released(course) or ())
    if there and not again:
        raise CourseError(
            f"{name} is released already.",
            "Give --again to replace it; who has fetched it keeps the copy that is there.",
        )
    stale = not is_built(assignment)
    if stale and not dry:
        tell("building")
        build_assignment(assignment, progress=progress)
    tell("looking for leaks")
    files = _proven(assignment, built=not (stale and dry))
    if not dry:
        tell("releasing")
        _enter(assignment)
        said = exchange_step(course, name, RELEASE_ASSIGNMENT, force=again)
        listed = released(course)
        if listed is not None and name not in listed:
            raise CourseError(
                f"The exchange took {name} without a complaint, and does not list it.", "Look at its own log."
            )
        return Released(name, stale, there, files, assignment.settings.due, tuple(said.warnings))
    return Released(name, stale, there, files, assignment.settings.due)


def _proven(assignment: Assignment, *, built: bool) -> int:
    """See that the release is what the build makes of the source, and gives nothing away; how many files it has."""
    parts = make_parts(assignment, run=_not_run)
    folder = assignment.course.release_dir(assignment.name)
    with tempfile.TemporaryDirectory(prefix="saiten-release-") as scratch:
        made = Path(scratch)
        write_release(parts, made)
        expected = _tree(made)
        if built:
            _same(assignment.name, folder, expected, _tree(folder))
        _no_leak(parts, folder if built else made, assignment)
    return len(expected)


def _no_leak(parts: Parts, folder: Path, assignment: Assignment) -> None:
    check_leaks(parts, folder, assignment.settings.shared_code)


def _same(name: str, folder: Path, expected: Mapping[str, bytes], found: Mapping[str, bytes]) -> None:
    changed = sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))
    if changed:
        some = ", ".join(changed[:_NAMED]) + (", ..." if changed[_NAMED:] else "")
        raise SourceError(
            f"{folder} is not what the build makes of the source: {some}.",
            f"Make the change in the source, then run `saiten build {name}`, which writes the folder anew.",
        )


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def _not_run(
    cells: Sequence[ReferenceInput], *, files: Mapping[str, bytes], imports: Sequence[str], limits: Limits
) -> list[ReferenceCell]:
    """Stand in for the reference run: a release holds nothing of its outputs."""
    return [ReferenceCell() for _ in cells]


def _enter(assignment: Assignment) -> None:
    """Have the gradebook know the assignment, as `nbgrader generate_assignment` does, and its due date."""
    course, due = assignment.course, assignment.settings.due
    bundle, practice = Bundle.read(course.autograder_dir(assignment.name)), Practice.of(course)
    extensions = course.extensions()
    database = open_database(practice.url)
    try:
        with database.begin() as connection:
            save_assignment(connection, bundle, practice.course_id, None if due is None else plain(due))
            apply_dates(connection, assignment, extensions, LatePolicy.of(course))
    finally:
        database.dispose()
