"""Is nothing of any exercise's hidden tests in the feedback that students read?

`saiten check` looks through the messages of every planted answer and mutant for lines and values; here whole pages are
searched for lines: of an odd hand-in with the reference in it, and of one with three mistakes, for each exercise.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from built_exercises import EXERCISES, ROOT, build

from saiten.answers import Answer, Kind, read_answers
from saiten.build.prepare import prepare_notebook
from saiten.bundle import Bundle
from saiten.check.messages import Search
from saiten.check.secrets import Secrets
from saiten.course import ANSWERS_FOLDER, Course
from saiten.feedback import Gatherer, render
from saiten.grading.engine import Engine
from saiten.results import Result
from saiten.sample.damage import odd
from saiten.sample.work import Exercise
from saiten.sample.write import exercise as read_exercise
from saiten.submission import Submission

COURSE = Course.find(ROOT)
_MISTAKES = 3

pytestmark = pytest.mark.system


def text_of(page: str) -> str:
    """A page's text: tags taken out, entities resolved."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def mixed(answers: list[Answer]) -> tuple[dict[str, str], set[str]]:
    """Cells of the first mistakes that stand in different questions, and the questions that lose points."""
    cells: dict[str, str] = {}
    spoilt: list[str] = []
    for answer in answers:
        apart = cells.keys().isdisjoint(answer.cells) and not set(spoilt) & answer.scores.keys()
        if answer.kind is Kind.MISTAKE and apart and len(spoilt) < _MISTAKES:
            cells |= answer.cells
            spoilt += answer.scores
    return cells, set(spoilt)


def hand_ins(name: str, exercise: Exercise, wrong: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, bytes]]]:
    """Two of a class; which oddity it is changes from exercise to exercise."""
    kinds = [each for each in odd(exercise, lambda: "1") if each.kind != "odd:renamed"]
    yield "odd", kinds[EXERCISES.index(name) % len(kinds)].files
    yield "wrong", exercise.hand_in({**exercise.answers(), **wrong}).files()


@pytest.mark.parametrize("name", EXERCISES)
def test_no_page_holds_a_line_of_a_hidden_test(name: str) -> None:
    """Is no line there but what the student wrote too, and is one found that is planted in a message?"""
    build(name)
    assignment = COURSE.assignment(name)
    bundle, exercise = Bundle.read(COURSE.autograder_dir(name)), read_exercise(COURSE, assignment)
    search = Search(tuple(prepare_notebook(assignment, each) for each in assignment.notebooks), Secrets.none())
    assert len(search.lines) > 30
    wrong, spoilt = mixed(read_answers(assignment.folder / ANSWERS_FOLDER))
    assert len(spoilt) >= _MISTAKES
    gatherer = Gatherer(bundle, COURSE.options.languages, assignment.settings.hints)

    def page(result: Result) -> str:
        (made,) = gatherer.pages(result, {})
        return text_of(render(made))

    with Engine(bundle) as engine:
        for student, files in hand_ins(name, exercise, wrong):
            notebooks = {path.removesuffix(".ipynb"): content for path, content in files.items()}
            result = engine.mark(Submission(student, name, notebooks))
            cells = [cell for content in files.values() for cell in json.loads(content)["cells"]]
            own = {line for line, _ in search.find_lines("\n".join("".join(cell["source"]) for cell in cells))}
            told = [line for line, _ in search.find_lines(page(result)) if line not in own]
            assert told == [], f"{student}: {told}"
    assert {each.name for each in result.questions if each.score not in (None, each.max_score)} >= spoilt
    (secret, *_) = search.lines
    planted = tuple(
        replace(question, cells=tuple(replace(cell, message=f"see {secret}") for cell in question.cells))
        for question in result.questions
    )
    assert secret in dict(search.find_lines(page(replace(result, questions=planted))))
