"""One step of the exchange that the course has configured: nbgrader's own folders, ngshare, or any other plugin.

In: a course, an assignment, the name of a step of nbgrader's `ExchangeFactory`. Out: what the step said. One that
fails, or that writes an error into its log and goes on as if nothing were wrong, is a `CourseError` with its words.
"""

from __future__ import annotations

import fcntl
import glob
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets import TraitError

from saiten.config import course_directory, importable
from saiten.course import Course
from saiten.errors import CourseError

if TYPE_CHECKING:
    from collections.abc import Iterator

RELEASE_ASSIGNMENT, RELEASE_FEEDBACK = "ReleaseAssignment", "ReleaseFeedback"
COLLECT, LIST = "Collect", "List"
"""steps, by the names of ExchangeFactory's methods"""


@dataclass(slots=True)
class Said:
    """What an exchange wrote into its log while a step ran."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    result: Any = None
    """what the step returned"""


class _Ear(logging.Handler):
    def __init__(self, said: Said) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        text = " ".join(record.getMessage().split())
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {record.exc_info[1]}"
        (self._said.errors if record.levelno >= logging.ERROR else self._said.warnings).append(text)


def require_exchange_of(course: Course) -> None:
    """See that the course can be told apart in an exchange, and that there is one.

    Raises:
        CourseError: the course has no id, the exchange's classes cannot be imported, or its folder is missing.
    """
    from nbgrader.exchange.default import Exchange

    if not course.coursedir.course_id:
        raise CourseError(
            f"The course {course.root} has no id, by which an exchange would know it.",
            'Set c.CourseDirectory.course_id = "..." in its nbgrader_config.py.',
        )
    with _opened(course) as factory:
        kind = factory.release_assignment
    if not issubclass(kind, Exchange):
        return
    root = Path(os.path.abspath(Exchange(coursedir=course.coursedir, config=course.config).root))
    if not root.is_dir():
        raise CourseError(
            f"There is no exchange: the folder {root} does not exist.",
            "Name it with c.Exchange.root in nbgrader_config.py, or make it, with everybody's leave to write:"
            f" mkdir -p {root} && chmod 1777 {root}",
        )
    if not os.access(root, os.W_OK | os.X_OK):
        raise CourseError(f"The exchange {root} cannot be written.", "See whose it is, or mend c.Exchange.root.")


def exchange_step(course: Course, assignment: str, step: str, *, student: str = "", **options: Any) -> Said:
    """Run one step of the configured exchange.

    Args:
        course: whose.
        assignment: its name; empty: all, where the step can.
        step: `RELEASE_ASSIGNMENT`, `RELEASE_FEEDBACK`, `COLLECT` or `LIST`.
        student: this one alone; empty: as the configuration says.
        options: traits of the step's class.

    Raises:
        CourseError: the exchange refuses, fails, or says that something went wrong.
    """
    from nbgrader.auth import Authenticator
    from nbgrader.exchange import ExchangeError

    directory = course_directory(course.config, course.root)
    directory.assignment_id = assignment
    if student:
        directory.student_id = glob.escape(student)  # it is put into a pattern of files
    said = Said()
    ear = _Ear(said)
    with _opened(course) as factory:
        log: logging.Logger | None = None
        try:
            run = getattr(factory, step)(
                coursedir=directory, authenticator=Authenticator(config=course.config), **options
            )
            log = run.log
            log.addHandler(ear)
            said.result = run.start()
        except (ExchangeError, SystemExit) as error:
            reason = str(error) or "; ".join(said.errors) or "it does not say why"
            raise CourseError(f"nbgrader's exchange refuses: {reason.rstrip('.')}.", _NEXT) from error
        except (OSError, ValueError, RuntimeError, TraitError) as error:
            raise CourseError(f"nbgrader's exchange fails ({type(error).__name__}: {error}).", _NEXT) from error
        finally:
            if log is not None:
                log.removeHandler(ear)
    if said.errors:
        raise CourseError(f"nbgrader's exchange went wrong: {'; '.join(said.errors)}".rstrip(".") + ".", _NEXT)
    return said


_NEXT = (
    "See c.ExchangeFactory, c.Exchange and c.CourseDirectory.course_id in nbgrader_config.py, and that the exchange's"
    " folders belong to this account."
)


def released(course: Course) -> set[str] | None:
    """Return the assignments that students can fetch now; None if this exchange does not tell.

    Raises:
        CourseError: the exchange fails.
    """
    listed = exchange_step(course, "", LIST, inbound=False, cached=False, remove=False).result
    if not isinstance(listed, list) or not all(isinstance(each, dict) and "assignment_id" in each for each in listed):
        return None
    course_id = course.coursedir.course_id
    return {str(each["assignment_id"]) for each in listed if each.get("course_id", course_id) == course_id}


def needs_secrets(course: Course) -> bool:
    """Tell whether feedback reaches students by the secret in their hand-in, as in nbgrader's own exchange."""
    from nbgrader.exchange.default import ExchangeReleaseFeedback

    with _opened(course) as factory:
        return issubclass(factory.release_feedback, ExchangeReleaseFeedback)


def service_takes_hand_ins(course: Course) -> bool:
    """Tell whether a marking service (`saiten serve`) is at work for this course: it takes hand-ins as they come."""
    try:
        descriptor = os.open(course.root / course.options.hub_directory / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def _opened(course: Course) -> Iterator[Any]:
    """The configured factory, while the course's own modules can be imported."""
    from nbgrader.exchange import ExchangeFactory

    with importable(course.root):
        try:
            factory = ExchangeFactory(config=course.config)
        except (TraitError, ImportError) as error:
            raise CourseError(
                f"The exchange of {course.root} cannot be used: {error}",
                "Mend c.ExchangeFactory in nbgrader_config.py, or install the package that it names.",
            ) from error
        yield factory
