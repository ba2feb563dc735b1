"""Late penalties, by the plugin that the course configured for nbgrader.

In: a student, the score of one notebook, seconds after the due date. Out: the penalty that the gradebook holds.
`AssignLatePenalties.plugin_class` is used as nbgrader uses it; its answer is kept between 0 and the score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from traitlets import TraitError

from saiten.config import importable
from saiten.course import Course
from saiten.errors import CourseError


@dataclass(frozen=True, slots=True)
class LatePolicy:
    """The course's late penalty.

    Without a plugin nobody pays one, which is nbgrader's default, too.
    """

    plugin: Any = None
    """an nbgrader plugin with `late_submission_penalty(student_id, score, total_seconds_late)`"""

    @classmethod
    def of(cls, course: Course) -> LatePolicy:
        """Make the configured plugin.

        Raises:
            CourseError: it cannot be imported or made.
        """
        from nbgrader.preprocessors import AssignLatePenalties

        with importable(course.root):
            try:
                step = AssignLatePenalties(config=course.config)
                step.init_plugin()
            except (TraitError, ImportError) as error:
                raise CourseError(
                    f"The late penalty's plugin of {course.root} cannot be used: {error}",
                    "Mend c.AssignLatePenalties.plugin_class in nbgrader_config.py, or put the module where Python"
                    " finds it (PYTHONPATH, or the course's folder).",
                ) from error
        return cls(step.plugin_inst)

    def penalty(self, student: str, score: float, seconds_late: float) -> float | None:
        """Return the penalty of one notebook, in points; None where there is none.

        Args:
            student: id of the student.
            score: points of the notebook, manual marks and extra credit included.
            seconds_late: after the due date, extension included; 0 for a submission in time.

        Raises:
            PenaltyError: the plugin failed, or gave no number.
        """
        if self.plugin is None or seconds_late <= 0:
            return None
        try:
            raw = self.plugin.late_submission_penalty(student, score, seconds_late)
            penalty = None if raw is None else float(raw)
        except Exception as error:  # the plugin is a program of the course's: anything can come out of it
            raise PenaltyError(f"the late penalty's plugin failed ({type(error).__name__}: {error})") from error
        if penalty is None:
            return None
        if math.isnan(penalty):
            raise PenaltyError("the late penalty's plugin gave no number (nan)")
        if penalty < 0:
            return 0.0
        return min(penalty, score)


class PenaltyError(Exception):
    """The plugin has no answer for one notebook; the penalty that the gradebook holds stays."""
