"""Releasing through nbgrader's exchange: an assignment to its students, feedback to those who handed in.

In: a course, an assignment. Out: files in the exchange, put there by the exchange that the course has configured.
"""

from __future__ import annotations

from typing import Any

from saiten.config import course_directory
from saiten.course import Course
from saiten.errors import CourseError


def release_assignment(course: Course, name: str) -> None:
    """Give an assignment to students; what was released before under its name is replaced.

    Raises:
        CourseError: the exchange refuses.
    """
    _exchange(course, name, "ReleaseAssignment", force=True)


def release_feedback(course: Course, name: str) -> None:
    """Hand out what stands under `feedback/` for an assignment.

    Raises:
        CourseError: the exchange refuses.
    """
    _exchange(course, name, "ReleaseFeedback")


def _exchange(course: Course, name: str, step: str, **options: Any) -> None:
    from nbgrader.auth import Authenticator
    from nbgrader.exchange import ExchangeError, ExchangeFactory

    directory = course_directory(course.config, course.root)
    directory.assignment_id = name
    factory = ExchangeFactory(config=course.config)
    authenticator = Authenticator(config=course.config)
    try:
        getattr(factory, step)(coursedir=directory, authenticator=authenticator, **options).start()
    except (ExchangeError, OSError) as error:
        raise CourseError(
            f"nbgrader's exchange refuses: {error}.", "See that its folders belong to the service's account."
        ) from error
