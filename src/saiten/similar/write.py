"""Similar work on disk: `similar/<assignment>/index.html`, a page for each pair, and the table as CSV.

In: a course, an assignment, folders of earlier years. Out: files, each only written if it differs. Nothing is marked
or run, and the gradebook is not opened.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from saiten.bundle import Bundle
from saiten.course import Assignment, Course
from saiten.errors import CourseError
from saiten.gradebook import Practice, write_pages
from saiten.gradebook.files import refused
from saiten.sanitise import is_formula
from saiten.similar.compare import Comparison, compare_works
from saiten.similar.page import Frame, file_name, render_index, render_pairs
from saiten.similar.work import LeftOut, Work, earlier_course, parts_of, read_works

FOLDER = "similar"
COLUMNS = (
    *("rank", "first", "first_year", "second", "second_year"),
    *("whole", "question", "question_alike", "page"),
)
_PAIR_PAGE = re.compile(r"pair-\d{3,}\.html")


@dataclass(frozen=True, eq=False)
class Similar:
    """What was compared and written."""

    page: Path
    comparison: Comparison
    left_out: tuple[LeftOut, ...]


def write_similar(
    course: Course, assignment: Assignment, bundle: Bundle, last_year: Sequence[Path], top: int
) -> Similar:
    """Compare an assignment's submissions and write what was found.

    Args:
        course: this year's.
        assignment: one of it.
        bundle: made of that assignment as it is now.
        last_year: courses of earlier years, or their folders of submissions.
        top: most pairs that are shown.

    Raises:
        CourseError: nobody has handed in anything, or a folder of an earlier year holds nothing.
        GradebookError: a file cannot be written.
    """
    languages = tuple(course.options.languages)
    if not course.students(assignment.name):
        raise CourseError(f"Nobody has handed in {assignment.name} at {course.root}.", "Collect submissions first.")
    parts = parts_of(bundle, languages)
    this, left_out = read_works(course, assignment, bundle, parts)
    earlier: list[Work] = []
    for folder in dict.fromkeys(each.absolute() for each in last_year):
        there, its_assignment = earlier_course(course, assignment, folder)
        works, reasons = read_works(there, its_assignment, bundle, parts, there.root.name)
        earlier += works
        left_out += reasons
    found = compare_works(bundle, parts, this, earlier, top)
    frame = Frame(assignment.name, {code: bundle.title.get(code, assignment.name) for code in languages}, languages)
    pages = {"index.html": render_index(frame, found, left_out), "pairs.csv": as_csv(found)}
    pages |= render_pairs(frame, found, bundle)
    folder = course.root / FOLDER / assignment.name
    write_pages(folder, {name: text.encode("utf-8", "replace") for name, text in pages.items()}, Practice.of(course))
    _remove_others(folder, set(pages))
    return Similar(folder / "index.html", found, tuple(left_out))


def rows(found: Comparison) -> list[dict[str, str | int | float]]:
    """Return the table of pairs: one row for each, by `COLUMNS`."""
    return [
        {
            "rank": rank,
            "first": pair.first.student,
            "first_year": pair.first.year,
            "second": pair.second.student,
            "second_year": pair.second.year,
            "whole": round(pair.whole, 4),
            "question": pair.best.part.name,
            "question_alike": round(pair.best.alike, 4),
            "page": file_name(rank),
        }
        for rank, pair in enumerate(found.pairs, 1)
    ]


def as_csv(found: Comparison) -> str:
    """Write the table of pairs as a spreadsheet opens it, marked as UTF-8; no field of a student's is a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(row[name]) for name in COLUMNS] for row in rows(found))
    return "\ufeff" + buffer.getvalue()


def _harmless(value: str | int | float) -> str | int | float:
    return f"'{value}" if isinstance(value, str) and is_formula(value) else value


def _remove_others(folder: Path, kept: set[str]) -> None:
    """Remove pages of an earlier run that this one does not have: their rank belongs to another pair now."""
    try:
        for path in sorted(folder.iterdir()):
            if _PAIR_PAGE.fullmatch(path.name) and path.name not in kept:
                path.unlink()
    except OSError as error:
        raise refused(folder, error) from error
