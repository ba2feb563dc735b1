"""What the course's nbgrader configuration says about the gradebook and `autograded/`.

In: a `Course`. Out: a frozen `Practice`, read once through nbgrader's own classes, so that defaults, inheritance of
options and old names are nbgrader's. A value of the wrong type is a `CourseError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from traitlets import TraitError

from saiten.course import Course
from saiten.errors import CourseError
from saiten.gradebook.late import LatePolicy


@dataclass(frozen=True, slots=True)
class Practice:
    """How this course keeps its gradebook."""

    url: str
    """SQLAlchemy URL of the database"""
    course_id: str = ""
    create_student: bool = True
    """`Autograde.create_student`: whether a student whom the gradebook does not know is entered"""
    permissions: int = 0o444
    """mode of the files under `autograded/`"""
    groupshared: bool = False
    """whether folders under `autograded/` are for the group, too"""
    keep_submitted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`Autograde.exclude_overwriting`: by assignment, the submitted files that the released ones do not replace"""
    late: LatePolicy = field(default_factory=LatePolicy)

    @classmethod
    def of(cls, course: Course) -> Practice:
        """Read the practice of a course.

        Raises:
            CourseError: an option has a wrong value, or the late penalty's plugin cannot be imported.
        """
        from nbgrader.converters import Autograde

        try:
            autograde = Autograde(coursedir=course.coursedir, config=course.config)
            return cls(
                url=course.coursedir.db_url,
                course_id=course.coursedir.course_id,
                create_student=autograde.create_student,
                permissions=int(str(autograde.permissions), 8),
                groupshared=course.coursedir.groupshared,
                keep_submitted={name: tuple(files) for name, files in autograde.exclude_overwriting.items()},
                late=LatePolicy.of(course),
            )
        except (TraitError, ValueError, TypeError) as error:
            raise CourseError(
                f"The configuration of {course.root} has a wrong value: {error}", "Mend it in nbgrader_config.py."
            ) from error
