"""nbgrader's converters `Autograde` and `GenerateFeedback`, made to do their work through Saiten.

In: `c.Autograde.exporter_class = "saiten.formgrader.Marks"`, `c.GenerateFeedback.exporter_class =
"saiten.formgrader.Feedback"`. Out: what `saiten grade` and `saiten feedback` write, told in nbgrader's log.

nbgrader has no option that names another converter. It has one that names the class by which a converter writes, made
by the converter once it knows what to convert and before it opens a file of a student's. Roads not taken: preprocessors
(they see one notebook each, after nbgrader has read and copied a hostile folder), `pre_convert_hook` (its exceptions
are swallowed), a server extension (`nbgrader autograde` would go on as before), another class put in nbgrader's place
(every course of the process would be marked by it, whatever its own configuration says).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import HTMLExporter, NotebookExporter
from nbgrader.converters.base import NbGraderException

from saiten.config import course_directory
from saiten.course import Assignment, Course
from saiten.errors import UserError
from saiten.sanitise import for_terminal

if TYPE_CHECKING:
    from saiten.batch.marking import Marked

_ALL = "*"
_LONGEST_LINE = 2000
"""characters of one line of the log: a message may be a student's"""
_WAIT_SECONDS = 20.0
"""for another coordinator on the same assignment: formgrader's whole server stands still meanwhile"""

Work = Callable[[Any, Course, Assignment, tuple[str, ...]], None]
"""(converter, course, assignment, ids or globs of students) to what is written"""


class Marks(NotebookExporter):
    """For `c.Autograde.exporter_class`: Autograde marks by Saiten, as `saiten grade` does.

    What the ledger knows is not marked again, as with `saiten grade`: nbgrader's `--force`, which formgrader always
    gives, has nothing to force. `saiten grade --again` does.

    Args:
        parent: the converter, one of nbgrader's.
    """

    def __init__(self, config: Any = None, **options: Any) -> None:
        super().__init__(config=config, **options)  # type: ignore[no-untyped-call]
        _take_over(self.parent, _mark)


class Feedback(HTMLExporter):
    """For `c.GenerateFeedback.exporter_class`: Generate Feedback writes what `saiten feedback` writes.

    Args:
        parent: the converter, one of nbgrader's.
    """

    def __init__(self, config: Any = None, **options: Any) -> None:
        super().__init__(config=config, **options)  # type: ignore[no-untyped-call]
        _take_over(self.parent, _write_feedback)


def _take_over(converter: Any, work: Work) -> None:
    """Have one converter do `work` where it would convert notebooks; others of its class stay as they are."""

    def convert_notebooks() -> None:
        try:
            course, assignment, students = _asked_for(converter)
            work(converter, course, assignment, students)
        except UserError as error:
            for sentence in (error.message, error.next_step):
                if sentence:
                    converter.log.error(_line(sentence))
            # the only exception that nbgrader's commands know: exit code 1 and no traceback
            raise NbGraderException(_line(str(error))) from None

    converter.convert_notebooks = convert_notebooks


def _asked_for(converter: Any) -> tuple[Course, Assignment, tuple[str, ...]]:
    """Find out what to work on: the course as `saiten grade` reads it, with what nbgrader's command line says."""
    told = converter.coursedir
    root = Path(told.root)
    directory = course_directory(converter.config, root)
    directory.student_id = told.student_id
    course = replace(Course.find(root), coursedir=directory)
    assignment = course.assignment(told.assignment_id)
    if told.notebook_id != _ALL:
        converter.log.warning("Saiten takes a submission as a whole: all of its notebooks, not only %s.",
                              _line(told.notebook_id))  # fmt: skip
    # a button names one student: an id that reads like a pattern means itself
    exact = told.student_id in course.students(assignment.name)
    return course, assignment, (glob.escape(told.student_id) if exact else told.student_id,)


def _mark(converter: Any, course: Course, assignment: Assignment, students: tuple[str, ...]) -> None:
    from saiten.batch.marking import Options, chosen_students, mark_class
    from saiten.formgrader import warm
    from saiten.results import Status

    total = len(chosen_students(course, assignment, students))
    workers = min(course.options.workers or len(os.sched_getaffinity(0)), total)
    bundle = warm.bundle(assignment)
    options = Options(students, workers, pool=warm.workers, wait_seconds=_WAIT_SECONDS)
    report = mark_class(course, assignment, bundle, options, tell=lambda words: converter.log.warning(_line(words)))
    unmarked: list[str] = []
    for row in report.rows:
        failed = bool(row.problem) or row.result.status in (Status.REJECTED, Status.INFRA_ERROR)
        (converter.log.error if failed else converter.log.info)(_line(_told(row)))
        for note in row.result.notes:
            converter.log.warning(_line(f"{row.result.student}: {note}"))
        if failed:
            unmarked.append(row.result.student)
    _refuse(unmarked, "could not be marked, or the gradebook could not take it: the log says why")


def _told(row: Marked) -> str:
    result = row.result
    if result.score is None:
        return f"{result.student}: {result.status.value}: {result.message}"
    waiting = [cell.name for question in result.questions for cell in question.cells if cell.score is None]
    parts = [f"{result.student}: {result.score:g} of {result.max_score:g} points by tests"]
    parts += [f"to be marked by a person: {', '.join(waiting)}"] if waiting else []
    parts += ["known from before"] if row.from_ledger else []
    return "; ".join([*parts, row.problem] if row.problem else parts)


def _write_feedback(converter: Any, course: Course, assignment: Assignment, students: tuple[str, ...]) -> None:
    from saiten.feedback import write_feedback
    from saiten.formgrader import warm

    report = write_feedback(course, assignment, warm.bundle(assignment), students)
    converter.log.info(
        "%d pages; %d students' are new or changed, %d as before.", report.pages, len(report.written), len(report.same)
    )
    _refuse(report.unmarked, "is not marked as it is now: autograde first")


def _refuse(students: Sequence[str], why: str) -> None:
    if students:
        some = ", ".join(students[:5]) + (f" and {len(students) - 5} more" if students[5:] else "")
        raise UserError(f"{some} {why}.")


def _line(text: str) -> str:
    """One line of the log: what a student wrote can stand in it."""
    text = " ".join(for_terminal(text).split())
    return text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + "…"
