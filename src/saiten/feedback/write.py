"""Feedback of a class on disk: `feedback/<student>/<assignment>/<notebook>.html`, where nbgrader looks for it.

In: a course whose submissions are marked. Out: files, each written in one step and only if it differs; who got one.
Nothing is marked here: what the ledger does not know is named, and `saiten grade` is the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from secrets import token_hex

from saiten.bundle import Bundle
from saiten.course import Assignment, Course
from saiten.database import reading
from saiten.feedback.gather import Gatherer
from saiten.feedback.marks import read_marks
from saiten.feedback.model import Page
from saiten.feedback.page import render
from saiten.gradebook import Practice, open_database, refresh_dates, write_pages
from saiten.grading.rebuild import pasted
from saiten.ledger import Key, Ledger
from saiten.results import ENGINE_VERSION, Result, Status
from saiten.submission import Submission


@dataclass(slots=True)
class FeedbackReport:
    """What writing feedback came to."""

    written: list[str] = field(default_factory=list)
    """students whose files are new or changed"""
    same: list[str] = field(default_factory=list)
    """students whose files were right already"""
    unmarked: list[str] = field(default_factory=list)
    """students whose hand-in the ledger does not know as it is now: nothing was written for them"""
    pages: int = 0
    """files that hold"""


def write_feedback(
    course: Course,
    assignment: Assignment,
    bundle: Bundle,
    students: Sequence[str] = (),
    on_student: Callable[[str], None] = lambda _: None,
) -> FeedbackReport:
    """Write what students read.

    Args:
        course: the course.
        assignment: one of it, marked by `saiten grade`.
        bundle: made of that assignment as it is now.
        students: ids or globs; empty: all that the course's configuration names.
        on_student: called once for each, for a progress bar.

    Raises:
        GradebookError: the gradebook cannot be read, or a file cannot be written.
    """
    practice = Practice.of(course)
    gatherer = Gatherer(bundle, course.options.languages, assignment.settings.hints)
    report = FeedbackReport()
    names = [notebook.name for notebook in bundle.notebooks]
    database = open_database(practice.url)
    try:
        ledger = Ledger(database)
        refresh_dates(database, course, [assignment.name])
        with closing(reading(database).connect()) as connection:
            marks = read_marks(connection, assignment.name)
        for submission in course.submissions(assignment):
            student = submission.student
            if students and not any(student == each or fnmatchcase(student, each) for each in students):
                continue
            result = verdict_on(ledger, bundle, submission)
            if result is None:
                report.unmarked.append(student)
            else:
                folder = course.feedback_dir(assignment.name, student)
                own = {name: mark for name in names if (mark := marks.get((student, name))) is not None}
                attached = {
                    notebook.name: pasted(notebook, submission.notebooks.get(notebook.name, b""))
                    for notebook in bundle.notebooks
                }
                pages = {f"{page.notebook}.html": _bytes(page) for page in gatherer.pages(result, own, attached)}
                report.pages += len(pages)
                changed = write_pages(folder, {**_for_nbgrader(submission, folder), **pages}, practice)
                (report.written if changed else report.same).append(student)
            on_student(student)
    finally:
        database.dispose()
    return report


def _bytes(page: Page) -> bytes:
    return render(page).encode("utf-8", "replace")


def verdict_on(ledger: Ledger, bundle: Bundle, submission: Submission, *, brief: bool = False) -> Result | None:
    """The verdict on a hand-in as it is now (`Result.brief` of it); None if there is none yet."""
    key = Key(bundle.hash, submission.hash, ENGINE_VERSION, submission.student, submission.assignment)
    known = ledger.get(key, brief=brief)
    return None if known is None or known.status is Status.INFRA_ERROR else known


_SECRET = "submission_secret.txt"


def _for_nbgrader(submission: Submission, folder: Path) -> dict[str, bytes]:
    """Return the two files by which `nbgrader release_feedback` finds out whose page it is.

    It stops, for the whole class, at a folder that lacks them: a hand-in that came another way than by nbgrader's
    exchange gets a secret that nobody knows, so that nobody can fetch its page through the exchange.
    """
    stamp = (submission.timestamp or "").encode("utf-8", "replace")
    secret = submission.files.get(_SECRET)
    if secret is None:
        kept = folder / _SECRET
        old = kept.read_bytes() if kept.is_file() and not kept.is_symlink() else b""
        secret = old or token_hex(32).encode()
    return {"timestamp.txt": stamp, _SECRET: secret}
