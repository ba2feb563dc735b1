"""Options that several commands share, so that they are spelled and explained once.

In: nothing. Out: click decorators. A command takes `course_dir: Path | None` and gives it to `Course.find`.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

course_option = click.option(
    "--course",
    "course_dir",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="The course's folder; without it, the nearest one above the current folder.",
)

students_option = click.option(
    "--student",
    "students",
    multiple=True,
    metavar="ID",
    help="This student only; a glob such as 'student-0*', and may be given several times.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of a table.")


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
