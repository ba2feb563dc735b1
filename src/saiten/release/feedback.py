"""Handing feedback out through the configured exchange: to those whose pages have changed since they last got some.

In: pages under `feedback/`. Out: what the exchange's own step makes of them, and beside the pages a note of what was
handed out. nbgrader finds out whose page it is by the hand-in's time and secret; who handed in another way has none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from saiten.course import Course
from saiten.errors import CourseError
from saiten.exchange import RELEASE_FEEDBACK, exchange_step, needs_secrets, require_exchange_of
from saiten.gradebook import Practice, write_pages

NOTE = ".handed-out"
"""file beside the pages: the fingerprint of what was handed out last"""
_SECRET, _TIME = "submission_secret.txt", "timestamp.txt"


@dataclass(slots=True)
class HandedOut:
    """What handing feedback out came to; ids of students."""

    handed: list[str] = field(default_factory=list)
    """who can fetch pages that are new or changed"""
    same: list[str] = field(default_factory=list)
    """who could fetch the same pages before"""
    elsewhere: list[str] = field(default_factory=list)
    """whose hand-in did not come through the exchange: nobody could fetch their pages from it"""
    failed: dict[str, str] = field(default_factory=dict)
    """student to the reason"""


def release_feedback(
    course: Course,
    assignment: str,
    students: Sequence[str],
    *,
    again: bool = False,
    on_student: Callable[[str], None] = lambda _: None,
) -> HandedOut:
    """Hand out pages that `write_feedback` wrote.

    Args:
        course: whose.
        assignment: name.
        students: ids of those who have pages of their present hand-in.
        again: hand out what was handed out already, too.
        on_student: called once for each, for a progress bar.

    Raises:
        CourseError: no exchange is configured, or it fails for every single one.
        GradebookError: a note cannot be written.
    """
    require_exchange_of(course)
    secrets, practice = needs_secrets(course), Practice.of(course)
    report = HandedOut()
    for student in students:
        folder = course.feedback_dir(assignment, student)
        print_ = _fingerprint(course, folder)
        secret = course.submitted_dir(assignment, student) / _SECRET
        if secrets and (secret.is_symlink() or not secret.is_file()):
            report.elsewhere.append(student)
        elif not again and _noted(folder) == print_:
            report.same.append(student)
        else:
            try:
                exchange_step(course, assignment, RELEASE_FEEDBACK, student=student)
            except CourseError as error:
                (folder / NOTE).unlink(missing_ok=True)  # nobody knows what is in the exchange now
                report.failed[student] = error.message
            else:
                write_pages(folder, {NOTE: print_}, practice)
                report.handed.append(student)
        on_student(student)
    if report.failed and not (report.handed or report.same):
        reason = next(iter(report.failed.values()))
        raise CourseError(f"Feedback of {assignment} cannot be handed out. {reason}", "See that the exchange works.")
    return report


def _fingerprint(course: Course, folder: Path) -> bytes:
    """Of the pages, of whose they are, and of the exchange that they go to."""
    config = course.config
    where = [course.coursedir.course_id, repr(config.get("ExchangeFactory")), repr(config.get("Exchange"))]
    digest = hashlib.blake2b("\0".join(where).encode("utf-8", "replace"), digest_size=16)
    for path in sorted(folder.glob("*")):
        if path.suffix == ".html" or path.name in (_SECRET, _TIME):
            content = path.read_bytes()
            digest.update(f"\0{path.name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
            digest.update(content)
    return digest.hexdigest().encode()


def _noted(folder: Path) -> bytes:
    note = folder / NOTE
    return note.read_bytes() if note.is_file() and not note.is_symlink() else b""
