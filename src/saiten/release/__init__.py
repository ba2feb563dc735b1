"""Handing out through the exchange that the course has configured: assignments to students, feedback to their owners.

In: a course. Out: files in the exchange, the assignment in the gradebook, and what became of each. What was edited
after the build, or would give something away, is not released; what was handed out is not handed out again.
"""

from saiten.release.assignment import Released, is_built, release_assignment
from saiten.release.feedback import HandedOut, release_feedback

__all__ = ["HandedOut", "Released", "is_built", "release_assignment", "release_feedback"]
