"""Is what a student is shown made of nothing but what the policy allows?"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fake_engine import judged, make_bundle, order
from saiten.bundle import Bundle, BundleCell
from saiten.feedback.marks import CellMark, Marks
from saiten.hub.model import Shown
from saiten.hub.pages import Answers, public_bundle
from saiten.hub.verdict import Verdict, with_marks
from saiten.results import CellResult, CellStatus, Picture, Result, Status, summarise_question

SECRET = "the hidden value 4711"


def hiding(bundle: Bundle, hidden: dict[str, str], released: dict[str, str] | None = None) -> Bundle:
    """The same bundle, some tests of which have a hidden part (and a public one)."""

    def cell(each: BundleCell) -> BundleCell:
        name = str(each.grade_id)
        if name not in hidden:
            return each
        return replace(each, source=hidden[name], release_source=(released or {}).get(name, each.release_source))

    notebooks = tuple(replace(notebook, cells=tuple(map(cell, notebook.cells))) for notebook in bundle.notebooks)
    return replace(bundle, notebooks=notebooks)


@pytest.fixture
def bundle() -> Bundle:
    """mean-test has a hidden part, mean-hidden is hidden as a whole, sum-test is public."""
    sources = {"mean-test": f"assert True\nassert mean == 4711, '{SECRET}'", "mean-hidden": f"assert x, '{SECRET}'"}
    return hiding(make_bundle(), sources, {"mean-test": "assert True", "mean-hidden": "# nothing here\n"})


def failed(bundle: Bundle) -> Result:
    """A result whose messages give hidden tests away, in words, in a picture and in what a cell showed."""
    result = judged(bundle, order(), {})

    def told(cell: CellResult) -> CellResult:
        if cell.status is not CellStatus.FAILED:
            return cell
        picture = Picture("expected", SECRET, "", {"en": SECRET}, {"en": SECRET})
        return replace(cell, message=f"{cell.name}: {SECRET}", pictures=(picture,))

    questions = [replace(question, cells=tuple(map(told, question.cells))) for question in result.questions]
    summed = tuple(summarise_question(each.name, each.notebook, each.cells) for each in questions)
    output = {"output_type": "stream", "text": SECRET}
    cell = {"cell_type": "code", "id": "mean", "metadata": {}, "source": "x", "outputs": [output]}
    document = json.dumps({"cells": [cell]})
    parts = tuple(replace(part, document=document) for part in result.notebooks)
    return replace(result, questions=summed, notebooks=parts, notes=(SECRET,))


def everything(answer: tuple[Verdict, dict[str, bytes]]) -> str:
    """All that a student could get to see."""
    verdict, pages = answer
    return verdict.to_json() + b"".join(pages.values()).decode()


def test_the_public_bundle_holds_no_hidden_test(bundle: Bundle) -> None:
    """Is the derived bundle free of hidden tests and data, and another one by its hash?"""
    whole = replace(bundle, hidden_files={"hidden.npz": SECRET.encode()})
    public = public_bundle(whole)
    assert public is not None
    assert SECRET not in repr(public)
    assert public.hidden_files == {}
    assert public.hash != whole.hash
    assert public.max_score == whole.max_score


def test_where_nothing_is_hidden_the_bundle_itself_is_public() -> None:
    """Is a submission marked once where students have every test?"""
    assert public_bundle(make_bundle()) is None


def test_public_shows_tests_that_students_have(bundle: Bundle) -> None:
    """Are tests that are hidden as a whole left out, with their points, and the rest as the public marking found it?"""
    answers = Answers(bundle, ("ja", "en"), {})
    assert answers.public is not None
    public = judged(answers.public, order(), {"scores": {"mean-test": 2.0, "mean-hidden": 3.0}})
    verdict, pages = answers.for_student(Shown.PUBLIC, failed(bundle), public, order())
    assert SECRET not in everything((verdict, pages))
    assert [(each.name, each.score, each.max_score) for each in verdict.questions if each.name in ("mean", "sum")] == [
        ("mean", 2.0, 2.0),
        ("sum", 0.0, 1.0),
    ]
    assert "sum-test did not hold" in pages["problem2"].decode()
    assert "There are others" in pages["problem1"].decode()


def test_public_shows_nothing_without_a_public_marking(bundle: Bundle) -> None:
    """Is nothing derived from the full verdict where the public tests could not be run?"""
    verdict, pages = Answers(bundle, ("en",), {}).for_student(Shown.PUBLIC, failed(bundle), None, order())
    assert (verdict.shown, verdict.score, verdict.questions, pages) == (Shown.NOTHING, None, (), {})


def test_questions_shows_points_and_no_words_of_hidden_tests(bundle: Bundle) -> None:
    """Are messages, pictures, outputs, notes and single tests gone where a part of them is hidden?"""
    result = failed(bundle)
    verdict, pages = Answers(bundle, ("ja", "en"), {}).for_student(Shown.QUESTIONS, result, None, order())
    seen = everything((verdict, pages))
    assert seen.count(SECRET) == everything(only_sum(result, bundle)).count(SECRET) > 0
    assert {each.name: each.score for each in verdict.questions}["mean"] == 0.0
    first = pages["problem1"].decode()
    assert SECRET not in first
    assert "does not hold" not in first
    assert "sum-test" in pages["problem2"].decode()


def only_sum(result: Result, bundle: Bundle) -> tuple[Verdict, dict[str, bytes]]:
    """What the public question's own words come to: the only ones that may be there."""
    kept = tuple(question for question in result.questions if question.notebook == "problem2")
    cut = replace(result, questions=kept, notes=(), notebooks=tuple(replace(p, document="") for p in result.notebooks))
    verdict, pages = Answers(bundle, ("ja", "en"), {}).for_student(Shown.QUESTIONS, cut, None, order())
    return verdict, {"problem2": pages["problem2"]}


def test_hidden_data_silences_every_test(bundle: Bundle) -> None:
    """Is no message shown where a test could have read hidden data?"""
    with_data = replace(bundle, hidden_files={"hidden.npz": b"x" * 32})
    seen = everything(Answers(with_data, ("en",), {}).for_student(Shown.QUESTIONS, failed(with_data), None, order()))
    assert SECRET not in seen


def test_total_shows_one_number(bundle: Bundle) -> None:
    """Is there a sum, and nothing by question?"""
    result = judged(bundle, order(silent=["essay"]), {"scores": {"mean-test": 2.0}, "silent": ["essay"]})
    verdict, pages = Answers(bundle, ("en",), {}).for_student(Shown.TOTAL, replace(result, score=2.0), None, order())
    assert (verdict.questions, verdict.score, verdict.max_score) == ((), None, 15.0)
    for page in pages.values():
        assert "2 of 15" in page.decode()
        assert "mean" not in page.decode().split("</style>")[1]


def test_full_is_everything(bundle: Bundle) -> None:
    """Does "full" show what staff see?"""
    answers, result = Answers(bundle, ("en",), {}), failed(bundle)
    verdict, pages = answers.for_student(Shown.FULL, result, None, order())
    assert pages == answers.pages(result, order())
    assert verdict.questions == answers.verdict(result).questions
    assert SECRET in everything((verdict, pages))


@pytest.mark.parametrize("status", [Status.REJECTED, Status.INFRA_ERROR])
@pytest.mark.parametrize("shown", list(Shown))
def test_what_has_no_verdict_has_no_page(bundle: Bundle, status: Status, shown: Shown) -> None:
    """Is there nothing to show of a submission that could not be marked?"""
    result = Result("student-001", "ps1", status, None, 15.0, message=SECRET)
    verdict, pages = Answers(bundle, ("en",), {}).for_student(shown, result, None, order())
    assert (verdict.score, verdict.questions, pages) == (None, (), {})


def test_a_verdict_is_kept_as_text(bundle: Bundle) -> None:
    """Does a verdict come back from its JSON as it was?"""
    verdict = Answers(bundle, ("ja", "en"), {}).verdict(failed(bundle))
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_points_by_hand_complete_a_verdict(bundle: Bundle) -> None:
    """Do manual points, extra credit and the penalty make the score, and only once nobody has to look any more?"""
    verdict = Answers(bundle, ("en",), {}).verdict(judged(bundle, order(), {"scores": {"mean-test": 2.0}}))
    assert verdict.score is None
    cells = {"mean-test": CellMark(2.0), "mean-hidden": CellMark(0.0, 3.0), "essay": CellMark(None, 4.0, 0.5)}
    first, second = Marks({**cells, "task": CellMark(None, None, 0.0, True)}), Marks({"sum-test": CellMark(0.0)})
    waiting = with_marks(verdict, {"problem1": first, "problem2": second})
    assert [question.score for question in waiting.questions] == [5.0, 4.5, None, 0.0]
    assert waiting.score is None
    first.cells["task"] = CellMark(None, 1.0)
    second.penalty = 0.5
    assert with_marks(verdict, {"problem1": first, "problem2": second}).score == 10.0
    assert with_marks(verdict, {}) == verdict
