"""The bundle that a class is marked with: the built one while it is current, else one made in memory.

In: an assignment. Out: a `Bundle`. An nbgrader course that never saw `saiten build` needs no extra file.
"""

from __future__ import annotations

from collections.abc import Callable

from saiten.build import make_bundle, source_hash
from saiten.bundle import Bundle
from saiten.course import Assignment
from saiten.errors import CourseError


def current_bundle(assignment: Assignment, progress: Callable[[str], None] | None = None) -> Bundle:
    """Return the bundle of an assignment as its source is now.

    Args:
        assignment: its source is read, nothing is written.
        progress: called with a few words when a step begins.

    Raises:
        SourceError: the source cannot be built.
    """
    try:
        built = Bundle.read(assignment.course.autograder_dir(assignment.name))
    except CourseError:  # none there, or of another version: as good as none
        return make_bundle(assignment, progress=progress)
    if built.assignment == assignment.name and built.source_hash == source_hash(assignment):
        return built
    return make_bundle(assignment, progress=progress)
