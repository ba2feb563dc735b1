"""The report on disk: `report/<assignment>/index.html`, and a CSV file behind each table.

In: a course whose submissions are marked. Out: files, each only written if it differs. Nothing is marked here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from saiten.bundle import Bundle, solution_cells
from saiten.course import Assignment, Course
from saiten.database import reading
from saiten.errors import GradebookError
from saiten.feedback import read_marks
from saiten.feedback.headings import headings
from saiten.feedback.write import verdict_on
from saiten.gradebook import Practice, open_database, refresh_dates, write_pages
from saiten.ledger import Ledger
from saiten.report.figures import ClassFigures, figures
from saiten.report.page import render
from saiten.report.weeks import Weeks, read_weeks
from saiten.results import Result
from saiten.sanitise import is_formula

_QUESTION_COLUMNS = (
    *("question", "notebook", "points", "mean", "difficulty", "discrimination"),
    *("answered", "marked", "full", "none", "median_seconds"),
)
_RENAMED = {"question": "name", "points": "max_score", "median_seconds": "seconds"}


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """What was written."""

    page: Path
    figures: ClassFigures


def write_report(course: Course, assignment: Assignment, bundle: Bundle) -> ReportFiles:
    """Write the report of an assignment.

    Args:
        course: the course.
        assignment: one of it, marked by `saiten grade`.
        bundle: made of that assignment as it is now.

    Raises:
        GradebookError: the gradebook cannot be read, a file cannot be written, or nothing is marked yet.
    """
    practice = Practice.of(course)
    languages = course.options.languages
    results: list[Result] = []
    unmarked: list[str] = []
    database = open_database(practice.url)
    try:
        ledger = Ledger(database)
        for submission in course.submissions(assignment):
            result = verdict_on(ledger, bundle, submission, brief=True)
            if result is None:
                unmarked.append(submission.student)
            else:
                results.append(result)
        if not results:
            raise GradebookError(
                f"No submission of {assignment.name} is marked as it is now.", f"Run `saiten grade {assignment.name}`."
            )
        refresh_dates(database, course)
        with closing(reading(database).connect()) as connection:
            marks, weeks = read_marks(connection, assignment.name), read_weeks(connection)
    finally:
        database.dispose()
    titles = {
        (notebook.name, name): heading
        for notebook in bundle.notebooks
        for name, heading in headings(notebook, languages).items()
    }
    title = {code: bundle.title.get(code, assignment.name) for code in languages}
    solutions = {
        (notebook.name, name): cells
        for notebook in bundle.notebooks
        for name, cells in solution_cells(notebook).items()
        if cells
    }
    found = figures(assignment.name, title, languages, titles, results, marks, unmarked, solutions)
    page = course.report_page(assignment.name)
    shown = weeks if len(weeks.assignments) > 1 else None
    pages = {page.name: render(found, shown), **_tables(found, shown)}
    write_pages(page.parent, {name: text.encode("utf-8", "replace") for name, text in pages.items()}, practice)
    return ReportFiles(page, found)


def _tables(found: ClassFigures, weeks: Weeks | None) -> dict[str, str]:
    tables = {
        "questions.csv": _csv(
            _QUESTION_COLUMNS,
            ([getattr(each, _RENAMED.get(name, name)) for name in _QUESTION_COLUMNS] for each in found.questions),
        ),
        "clusters.csv": _csv(
            ("students", "question", "test", "reason", "construct", "who"),
            (
                (len(each.students), each.question, each.test, each.reason, each.construct, " ".join(each.students))
                for each in found.clusters
            ),
        ),
        "parts.csv": _csv(
            ("students", "question", "test", "reason", "lines", "absent", "who"),
            (
                (
                    *(len(part.students), each.question, each.test, each.reason, " | ".join(part.lines)),
                    *("yes" if part.absent else "", " ".join(part.students)),
                )
                for each in found.clusters
                for part in each.parts
            ),
        ),
        "students.csv": _csv(
            ("student", "status", "points", "wait", "late_seconds", "penalty", "seconds", "message"),
            (
                (row.student, row.status, row.score, row.waits, row.late_seconds, row.penalty, row.seconds, row.message)
                for row in found.students
            ),
        ),
    }
    if weeks is not None:
        tables["weeks.csv"] = _csv(
            ("student", *weeks.assignments, "at_risk"),
            ((row.student, *row.shares, "yes" if row.at_risk else "") for row in weeks.rows),
        )
    return tables


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Text that a spreadsheet opens, with a mark that says it is UTF-8; no cell of a student's is a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return "\ufeff" + buffer.getvalue()


def _harmless(value: object) -> object:
    if isinstance(value, str) and is_formula(value):
        return f"'{value}"
    return round(value, 4) if isinstance(value, float) else value
