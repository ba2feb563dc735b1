"""A coordinator in a process of its own, to be interrupted or killed: marks a course with the fake engine.

Run as `python kill_driver.py ROOT WORKERS`. Prints a line for each finished submission.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fake_course import ASSIGNMENT
from fake_engine import FakeEngine, make_bundle
from saiten.batch.marking import Marked, Options, mark_class
from saiten.course import Course


def tell(row: Marked) -> None:
    """Say that one is finished."""
    print(row.result.student, flush=True)


if __name__ == "__main__":
    course = Course.find(Path(sys.argv[1]))
    options = Options(workers=int(sys.argv[2]), factory=FakeEngine)
    mark_class(course, course.assignment(ASSIGNMENT), make_bundle(), options, tell)
