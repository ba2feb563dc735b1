"""Is the proof of an assignment whole as a page: findings, questions, every mutant's diff, the matrix of answers?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tiny_course
from saiten.check.html import render, write_check
from saiten.check.html.words import WORDS
from saiten.check.report import AnswerRow, CheckReport, Fate, Finding, MutantRow, QuestionProof, State
from saiten.course import Course
from saiten.errors import CourseError

DIFF = "--- a\n+++ b\n-return x + 1\n+return x - 1"


def mutant(name: str, fate: Fate, message: str) -> MutantRow:
    """One mutant of the cell `mean`."""
    return MutantRow(name, "arithmetic", "mean", 2, DIFF, fate, message)


MUTANTS = (
    mutant("arithmetic-1", Fate.KILLED, "1 of 2 values are wrong"),
    mutant("arithmetic-2", Fate.SURVIVED, ""),
    mutant("arithmetic-3", Fate.WAIVED, "the same for every x"),
)
REPORT = CheckReport(
    "tiny",
    (
        Finding("reference", State.HOLDS, "Full marks."),
        Finding("mutants", State.FAILS, "50 %", "mean", "Ask more."),
    ),
    (QuestionProof("mean", 4.0, 1, 2, 3, MUTANTS),),
    (
        AnswerRow("halves", "mistake", "divides by two", {"mean": 0.0}, {"mean": 0.0}, "wrong"),
        AnswerRow("loop", "right", "a loop", {"mean": 4.0}, {"mean": 1.5}, "1 of 2 values are wrong"),
    ),
    6.0,
    2.0,
)


def test_the_page_holds_the_whole_proof() -> None:
    """Do findings, figures of questions, diffs by fate, and wrong points stand there?"""
    text = render(REPORT, ("ja", "en"), {"ja": "平均", "en": "The mean"}, {"mean": {"ja": "問 1", "en": "Question 1"}})
    for each in ("Full marks.", "Ask more.", "Question 1", "問 1", "50 %", "the same for every x", "1.5 ≠ 4"):
        assert each in text, each
    assert text.count("+return x - 1") == 3
    assert "+++" not in text, "names of files that are none"
    assert WORDS["en"]["not_all"].format(count=1) in text
    assert text == render(REPORT, ("ja", "en"), {"ja": "平均", "en": "The mean"}, {"mean": {"ja": "問 1", "en": "Question 1"}})  # fmt: skip  # noqa: E501


def test_a_proof_that_holds_says_so() -> None:
    """Is the good news said, and that nothing survived; and is nothing said of mutants that were not tried?"""
    question = replace(REPORT.questions[0], mutants=MUTANTS[:1])
    good = replace(REPORT, findings=REPORT.findings[:1], questions=(question,))
    text = render(good, ("en",), {})
    assert WORDS["en"]["all_holds"] in text
    assert WORDS["en"]["survivors_none"] in text
    untried = replace(good, questions=(replace(question, mutants=()),), options={"mutants": "left out"})
    text = render(untried, ("en",), {})
    assert WORDS["en"]["survivors_none"] not in text
    assert "Left out: mutants left out" in text


def test_words_are_complete() -> None:
    """Has every language every word?"""
    assert WORDS["ja"].keys() == WORDS["en"].keys()


def test_it_is_written_into_the_course(tmp_path: Path) -> None:
    """Is the page where the report is, and is a folder that cannot be written named?"""
    tiny_course.make_tiny_course(tmp_path)
    assignment = Course.find(tmp_path).assignment("tiny")
    page = write_check(REPORT, assignment)
    assert page == tmp_path / "report" / "tiny" / "check.html"
    assert "divides by two" in page.read_text(encoding="utf-8")
    page.unlink()
    page.mkdir()
    with pytest.raises(CourseError, match="cannot be written"):
        write_check(REPORT, assignment)
