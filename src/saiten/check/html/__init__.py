"""The proof of an assignment as a page for its author: findings, questions, mutants with their diffs, planted answers.

In: a `CheckReport`. Out: text of one HTML document, made as all our pages are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from saiten.check.html.words import WORDS
from saiten.check.report import CheckReport, Fate, MutantRow, State
from saiten.course import Assignment
from saiten.errors import CourseError
from saiten.pages import Tongue, tables_script, write_page

Headings = Mapping[str, Mapping[str, str]]
"""question to language code to heading"""


def render(
    report: CheckReport, languages: Sequence[str], titles: Mapping[str, str], headings: Headings | None = None
) -> str:
    """Write the page.

    Args:
        report: of one assignment.
        languages: codes of the course's languages, the first in front.
        titles: language code to the assignment's title; may be empty.
        headings: what its questions are called; those that are missing are called by their grade_id.
    """
    tongue = Tongue(WORDS, tuple(languages))
    names = {code: titles.get(code, report.assignment) for code in languages}
    questions = [
        (each, each.count(Fate.KILLED), each.count(Fate.SURVIVED), each.count(Fate.WAIVED)) for each in report.questions
    ]
    columns = list(dict.fromkeys(name for each in report.answers for name in each.expected))
    return write_page(
        __package__,
        tongue,
        script=tables_script(),
        report=report,
        titles=names,
        either_plain=lambda texts: texts.get(tongue.shown[0], report.assignment),
        headings=headings or {},
        failed=sum(each.state is State.FAILS for each in report.findings),
        left_out=", ".join(f"{key} {value}" for key, value in report.options.items() if value),
        questions=questions,
        columns=columns,
        mutants_tried=any(each.mutants for each in report.questions),
        survivors=_mutants(report, Fate.SURVIVED),
        waivers=_mutants(report, Fate.WAIVED),
        dead=_mutants(report, Fate.KILLED),
    )


def write_check(report: CheckReport, assignment: Assignment) -> Path:
    """Write `report/<assignment>/check.html` in the course's folder.

    Returns:
        where it is.

    Raises:
        CourseError: the file cannot be written.
    """
    course = assignment.course
    target = course.root / "report" / assignment.name / "check.html"
    languages = course.options.languages
    text = render(report, languages, assignment.settings.title)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CourseError(f"{target} cannot be written ({error.strerror}).", "See that the folder can be.") from error
    return target


def _mutants(report: CheckReport, fate: Fate) -> list[tuple[str, MutantRow]]:
    return [(each.question, row) for each in report.questions for row in each.mutants if row.fate is fate]
