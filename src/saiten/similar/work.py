"""What is compared: of each submission the texts that a student wrote, by question.

In: a course, a bundle, folders of earlier years. Out: `Work`s, and by name and reason what could not be compared.
Submissions are read as `saiten.intake` reads them, and never run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from saiten.bundle import Bundle, BundleNotebook, Role
from saiten.config import course_directory
from saiten.course import Assignment, Course
from saiten.errors import CourseError, SubmissionError
from saiten.feedback.headings import headings
from saiten.grading.rebuild import parse, plan
from saiten.intake import readable
from saiten.sample.structure import question_members
from saiten.similar.normal import MOST_CHARACTERS
from saiten.submission import Submission


class Kind(StrEnum):
    """How a part is compared."""

    CODE = "code"
    PROSE = "prose"


@dataclass(frozen=True, slots=True)
class Part:
    """What is compared of a submission in one piece: what answers a question, or the student's own cells."""

    name: str
    """of the question (grade_id); `notebook/name` where there are several notebooks"""
    kind: Kind
    titles: Mapping[str, str]
    """language code to heading; empty: the student's own code cells"""
    cells: frozenset[str]
    """ids of the bundle's cells whose text it is; empty: the student's own code cells"""
    notebook: str


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What one student wrote."""

    student: str
    year: str
    """name of the earlier year's folder; empty: this year"""
    texts: Mapping[str, str]
    """name of a part to text; parts without text are absent"""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What could not be compared, or not whole."""

    student: str
    year: str
    reason: str


def parts_of(bundle: Bundle, languages: Sequence[str]) -> tuple[Part, ...]:
    """List the parts of an assignment, in its order; each notebook's last part is the student's own code."""
    found: list[Part] = []
    for notebook in bundle.notebooks:
        front = f"{notebook.name}/" if len(bundle.notebooks) > 1 else ""
        titles = headings(notebook, languages)
        for name, kind, cells in _groups(notebook):
            said = titles.get(name) or dict.fromkeys(languages, name)
            found.append(Part(front + name, kind, said, cells, notebook.name))
        found.append(Part(f"{front}(own cells)", Kind.CODE, {}, frozenset(), notebook.name))
    return tuple(found)


def _groups(notebook: BundleNotebook) -> Iterator[tuple[str, Kind, frozenset[str]]]:
    """Yield name, kind and cell ids: the solution cells of a question together, every other answer alone."""
    owner = {cell.id: name for name, cells in question_members(notebook).items() for cell in cells}
    groups: dict[tuple[str, Kind], set[str]] = {}
    for cell in notebook.cells:
        if cell.role in (Role.SOLUTION, Role.MANUAL):
            kind = Kind.CODE if cell.cell_type == "code" else Kind.PROSE
            groups.setdefault((owner.get(cell.id) or cell.grade_id or cell.id, kind), set()).add(cell.id)
    return ((name, kind, frozenset(cells)) for (name, kind), cells in groups.items())


def read_works(
    course: Course, assignment: Assignment, bundle: Bundle, parts: Sequence[Part], year: str = ""
) -> tuple[list[Work], list[LeftOut]]:
    """Read what was handed in.

    Args:
        course: whose `submitted/` is read.
        assignment: of that course.
        bundle: of the assignment as it is now; earlier years are laid out by it as well.
        parts: of the bundle.
        year: name of an earlier year's folder.
    """
    works, left_out = [], []
    for submission in course.submissions(assignment):
        if submission.problem:
            left_out.append(LeftOut(readable(submission.student), year, submission.problem))
            continue
        work, reasons = _read(submission, bundle, parts, year)
        left_out += [LeftOut(readable(submission.student), year, reason) for reason in reasons]
        if work is not None:
            works.append(work)
    return works, left_out


def _read(submission: Submission, bundle: Bundle, parts: Sequence[Part], year: str) -> tuple[Work | None, list[str]]:
    texts: dict[str, str] = {}
    reasons: list[str] = []
    readable_notebooks = 0
    for notebook in bundle.notebooks:
        content = submission.notebooks.get(notebook.name)
        if content is None:
            reasons.append(f"{notebook.name}.ipynb is missing")
            continue
        try:
            cells = parse(content)
        except SubmissionError as error:
            reasons.append(f"{notebook.name}.ipynb: {error.message}")
            continue
        readable_notebooks += 1
        steps = plan(notebook, cells).steps
        for part in parts:
            if part.notebook == notebook.name:
                wanted = [
                    step.source
                    for step in steps
                    if (step.cell.id in part.cells if step.cell else not part.cells and step.cell_type == "code")
                ]
                text = "\n\n".join(source for source in wanted if source.strip())
                if len(text) > MOST_CHARACTERS:
                    reasons.append(f"{part.name}: only the first {MOST_CHARACTERS} of {len(text)} characters count")
                if text:
                    texts[part.name] = text[:MOST_CHARACTERS]
    return (Work(readable(submission.student), year, texts) if readable_notebooks else None), reasons


def earlier_course(course: Course, assignment: Assignment, folder: Path) -> tuple[Course, Assignment]:
    """Find an earlier year's submissions, in folders laid out as this year's; no configuration of theirs is run.

    Args:
        course: this year's.
        assignment: this year's; the earlier one has the same name.
        folder: the earlier year's course, or its folder of submissions.

    Raises:
        CourseError: nothing of that assignment was handed in there, or it is this year's folder.
    """
    root = folder.absolute()
    if root.name == Path(course.coursedir.submitted_directory).name:
        root = root.parent
    earlier = Course(root, course_directory(course.config, root), course.config, course.options)
    there = replace(assignment, course=earlier)
    if earlier.submitted_dir(assignment.name, "x").resolve() == course.submitted_dir(assignment.name, "x").resolve():
        raise CourseError(
            f"{folder} leads to this year's own submissions.", "Give an earlier year's folder with --last-year."
        )
    if not earlier.students(assignment.name):
        raise CourseError(
            f"Nobody has handed in {assignment.name} at {folder}.",
            f"Give a folder that holds {course.coursedir.submitted_directory}/STUDENT/{assignment.name}/.",
        )
    return earlier, there
