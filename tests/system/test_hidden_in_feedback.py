"""Is nothing of any exercise's hidden tests in the feedback that students read?

`saiten check` looks through the messages of every planted answer and mutant for lines and values; here whole pages are
searched for lines: of odd hand-ins with the reference in them, and of one with three mistakes, for each exercise.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from built_exercises import EXERCISES, ROOT
from marked_class import MISTAKES, WRONG, MarkedClass

from saiten.build.prepare import prepare_notebook
from saiten.check.messages import Search
from saiten.check.secrets import Secrets
from saiten.course import Course
from saiten.feedback import Gatherer, render
from saiten.results import Result

COURSE = Course.find(ROOT)

pytestmark = [pytest.mark.system, pytest.mark.timeout(1500)]


def text_of(page: str) -> str:
    """A page's text: tags taken out, entities resolved."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


@pytest.mark.parametrize("name", EXERCISES)
def test_no_page_holds_a_line_of_a_hidden_test(name: str, marked: Callable[[str], MarkedClass]) -> None:
    """Is no line there but what the student wrote too, and is one found that is planted in a message?"""
    whole, assignment = marked(name), COURSE.assignment(name)
    search = Search(tuple(prepare_notebook(assignment, each) for each in assignment.notebooks), Secrets.none())
    assert len(search.lines) > 30
    assert len(whole.spoilt) >= MISTAKES
    gatherer = Gatherer(whole.exercise.bundle, COURSE.options.languages, assignment.settings.hints)

    def page(result: Result) -> str:
        (made,) = gatherer.pages(result, {})
        return text_of(render(made))

    odd = [student for student, kind in whole.kinds.items() if kind.startswith("odd:")]
    for student in (*odd, WRONG):
        notebooks = whole.submissions[student].notebooks
        cells = [cell for content in notebooks.values() for cell in json.loads(content)["cells"]]
        own = {line for line, _ in search.find_lines("\n".join("".join(cell["source"]) for cell in cells))}
        told = [line for line, _ in search.find_lines(page(whole.results[student])) if line not in own]
        assert told == [], f"{student}: {told}"
    wrong = whole.results[WRONG]
    assert {each.name for each in wrong.questions if each.score not in (None, each.max_score)} >= whole.spoilt
    (secret, *_) = search.lines
    planted = tuple(
        replace(question, cells=tuple(replace(cell, message=f"see {secret}") for cell in question.cells))
        for question in wrong.questions
    )
    assert secret in dict(search.find_lines(page(replace(wrong, questions=planted))))
