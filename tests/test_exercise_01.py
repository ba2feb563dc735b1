"""Does 01-regularization mark as it promises: the reference, the untouched release, and every planted answer?"""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from saiten.answers import Answer, Kind, read_answers
from saiten.bundle import Role
from saiten.languages import language_of
from saiten.notebook import nbgrader_metadata, read_source, role_of
from saiten.settings import read_settings

mpl.use("Agg")

FOLDER = Path(__file__).parent.parent / "source" / "01-regularization"
ANSWERS = read_answers(FOLDER / "answers")
LEAST_MISTAKES = 2
LEAST_RIGHT_WAYS = 3


@dataclass(frozen=True)
class Cell:
    """One code cell, or a cell with points."""

    grade_id: str
    role: Role
    source: str
    points: float
    code: bool


@functools.cache
def cells() -> tuple[Cell, ...]:
    """The instructor's notebook."""
    notebook = read_source(FOLDER / "01-regularization.py")
    found = []
    for cell in notebook.cells:
        metadata = nbgrader_metadata(cell)
        points = float(metadata.get("points", 0))
        found.append(Cell(metadata.get("grade_id", ""), role_of(cell), cell.source, points, cell.cell_type == "code"))
    return tuple(found)


def question_tests() -> dict[str, list[Cell]]:
    """Question (grade_id of its solution cell) to its test cells."""
    found: dict[str, list[Cell]] = {}
    for cell in cells():
        if cell.role is Role.SOLUTION:
            current = found.setdefault(cell.grade_id, [])
        elif cell.role is Role.TEST:
            current.append(cell)
    return found


FULL = {question: sum(cell.points for cell in tests) for question, tests in question_tests().items()}


@functools.cache
def leading_namespace() -> dict[str, Any]:
    """What the instructor's cells before the first solution cell leave behind; they run once, as in marking."""
    namespace: dict[str, Any] = {}
    for cell in cells():
        if cell.role is Role.SOLUTION:
            break
        if cell.code:
            run_cell(cell.source, namespace)
    return namespace


def run_cell(source: str, namespace: dict[str, Any]) -> None:
    """Run one cell in a notebook's namespace, without its output."""
    import matplotlib.pyplot as plt

    try:
        with redirect_stdout(io.StringIO()):
            exec(compile(source, "<cell>", "exec"), namespace)
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()  # a glyph that the font lacks is a warning here
    finally:
        plt.close("all")


def fresh_namespace() -> dict[str, Any]:
    """Copy of the leading namespace with arrays of its own."""
    return {
        name: value.copy() if isinstance(value, np.ndarray) else value for name, value in leading_namespace().items()
    }


def execute(
    answers: Mapping[str, str], *, only: Collection[str] = tuple(FULL), demonstrations: bool = False
) -> tuple[dict[str, float], dict[str, str]]:
    """Mark a notebook in one plain namespace, as a stock kernel would.

    Args:
        answers: grade_id of a solution or manual cell to the text that stands there; others hold the reference.
        only: the questions to run; the others are taken as right. Questions do not use each other's functions
            (a test below holds them to that), so the answer to one cannot change the marks of another.
        demonstrations: whether the instructor's cells behind the first answer run, too; an error in one is raised.

    Returns:
        question to points, and grade_id of each failed test cell to its message.
    """
    namespace = fresh_namespace()
    scores = {question: 0.0 if question in only else points for question, points in FULL.items()}
    failures: dict[str, str] = {}
    question = ""
    for cell in cells():
        if not cell.code:
            continue
        if cell.role in (Role.SOLUTION, Role.MANUAL):
            question = cell.grade_id
            if question in only or demonstrations:
                run_cell(answers.get(question, cell.source), namespace)
        elif cell.role is Role.TEST and question not in only:
            continue
        elif cell.role is Role.TEST:
            try:
                run_cell(cell.source, namespace)
            except Exception as error:  # whatever a wrong answer raises loses the points of this test
                failures[cell.grade_id] = f"{type(error).__name__}: {error}"
            else:
                scores[question] += cell.points
        elif question and demonstrations:
            run_cell(cell.source, namespace)
    return scores, failures


def cleared(source: str) -> str:
    """The released text of a solution cell, made by nbgrader's own preprocessor."""
    from nbformat.v4 import new_code_cell
    from nbgrader.preprocessors import ClearSolutions

    cell = new_code_cell(source)
    ClearSolutions()._replace_solution_region(cell, "python")
    return str(cell.source)


def public_part(source: str) -> str:
    """A test cell as students get it, made by nbgrader's own preprocessor."""
    from nbformat.v4 import new_code_cell
    from nbgrader.preprocessors import ClearHiddenTests

    cell = new_code_cell(source)
    ClearHiddenTests()._remove_hidden_test_region(cell)
    return str(cell.source)


@pytest.fixture(autouse=True)
def no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are drawn by `run_cell`; nobody can look at them here."""
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)


@pytest.fixture
def quiet() -> Iterator[None]:
    """A student's code may warn; the reference may not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_a_hundred_points_as_the_course_asks() -> None:
    """Are there 100 points, 6 to 9 automatic questions, 1 or 2 written ones and a picture?"""
    manual = [cell for cell in cells() if cell.role is Role.MANUAL]
    assert sum(cell.points for cell in cells()) == 100
    assert 6 <= len(FULL) <= 9
    assert all(points > 0 for points in FULL.values())
    assert sum(not cell.code for cell in manual) in (1, 2)
    assert sum(cell.code for cell in manual) == 1
    assert all("BEGIN MARK SCHEME" in cell.source and "BEGIN SOLUTION" in cell.source for cell in manual)


def test_points_in_the_text_are_those_of_the_cells() -> None:
    """Does each Japanese and English heading say the points that its question has?"""
    import re

    announced: list[float] = []
    for cell in read_source(FOLDER / "01-regularization.py").cells:
        if language_of(cell):
            announced += [float(points) for points in re.findall(r"^## .*\((\d+) (?:点|points)\)", cell.source, re.M)]
    real = list(FULL.values()) + [cell.points for cell in cells() if cell.role is Role.MANUAL]
    assert sorted(announced) == sorted(real * 2)


def test_every_text_stands_in_both_languages() -> None:
    """Is each Japanese text followed by its English one?"""
    languages = [language_of(cell) for cell in read_source(FOLDER / "01-regularization.py").cells]
    marked = [(here, after) for here, after in zip(languages, [*languages[1:], None], strict=True) if here]
    assert marked
    assert all(after == "en" for here, after in marked if here == "ja")
    assert [here for here, _ in marked].count("ja") == [here for here, _ in marked].count("en")


def test_settings_can_be_read() -> None:
    """Is assignment.toml complete?"""
    settings = read_settings(FOLDER)
    assert set(settings.title) == {"ja", "en"}
    assert settings.due


def test_reference_gets_everything_and_every_demonstration_runs() -> None:
    """Does the whole notebook run without a warning, with full marks, and once more without the demonstrations?"""
    for demonstrations in (True, False):
        scores, failures = execute({}, demonstrations=demonstrations)
        assert not failures
        assert scores == FULL


def test_unanswered_release_gets_nothing(quiet: None) -> None:
    """Do the released stubs raise NotImplementedError and get 0 in every question, one at a time and all together?"""
    stubs = {cell.grade_id: cleared(cell.source) for cell in cells() if cell.role is Role.SOLUTION}
    assert all("raise NotImplementedError()" in stub for stub in stubs.values())
    scores, failures = execute(stubs)
    assert scores == dict.fromkeys(FULL, 0.0)
    assert all(message.startswith("NotImplementedError") for message in failures.values())
    for question, stub in stubs.items():
        scores, _ = execute({question: stub}, only={question})
        assert scores == {**FULL, question: 0.0}, question


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_planted_answer(answer: Answer, quiet: None) -> None:
    """Does each planted answer get exactly what it declares?"""
    known = {cell.grade_id for cell in cells() if cell.role in (Role.SOLUTION, Role.MANUAL)}
    assert set(answer.cells) <= known
    assert set(answer.scores) <= set(FULL)
    right = answer.kind is Kind.RIGHT
    # the demonstrations, too, have to get along with any answer that the tests accept
    scores, failures = execute(answer.cells, only=answer.cells, demonstrations=right)
    assert scores == {**FULL, **answer.scores}, failures
    for message in failures.values():
        assert "RuntimeError: this test" not in message, "a test refused to decide"
        if message.startswith("AssertionError"):
            assert " / " in message, "the message is not in Japanese and English"
            assert "array(" not in message, "the message shows an array"
            assert "\n" not in message


def test_there_are_enough_planted_answers() -> None:
    """Are there three other right ways for the whole notebook, and two mistakes for each question?"""
    whole = [answer for answer in ANSWERS if answer.kind is Kind.RIGHT and set(answer.cells) >= set(FULL)]
    assert len(whole) >= LEAST_RIGHT_WAYS
    for question in FULL:
        mistakes = [answer for answer in ANSWERS if question in answer.scores]
        assert len(mistakes) >= LEAST_MISTAKES, question


def test_hidden_tests_are_hidden_and_public_ones_stay() -> None:
    """Has every test cell both parts, and does the public part alone accept the reference?"""
    namespace = fresh_namespace()
    for cell in cells():
        if cell.code and cell.role is Role.SOLUTION:
            run_cell(cell.source, namespace)
        elif cell.role is Role.TEST:
            public = public_part(cell.source)
            assert len(public.strip().splitlines()) > 1, cell.grade_id
            assert public != cell.source, cell.grade_id
            run_cell(public, namespace)


def test_questions_do_not_use_each_other() -> None:
    """Is every question judged on its own: no test and no reference uses another question's function?"""
    import ast

    def used(source: str) -> set[str]:
        return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}

    solutions = {cell.grade_id: cell.source for cell in cells() if cell.role is Role.SOLUTION}
    defined = {
        question: {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
        for question, source in solutions.items()
    }
    for question, tests in question_tests().items():
        others = set().union(*(names for other, names in defined.items() if other != question))
        assert not used(solutions[question]) & others, question
        for cell in tests:
            assert not used(cell.source) & others, cell.grade_id
            assert used(cell.source) & defined[question], cell.grade_id
