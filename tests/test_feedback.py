"""Does a page of feedback say what a student needs, and nothing that a student must not read?"""

from __future__ import annotations

import base64
import html
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook
from nbgrader.utils import notebook_hash

import lessons
import saiten.grading
import tiny_course
from saiten.bundle import Bundle
from saiten.cli import main
from saiten.course import Course
from saiten.errors import CourseError
from saiten.feedback import Gatherer, Marks, Page, render
from saiten.feedback.headings import headings
from saiten.feedback.marks import CellMark
from saiten.feedback.messages import in_language
from saiten.feedback.words import WORDS, duration
from saiten.pages import number
from saiten.pictures.draw import pictures_of
from saiten.results import (
    CellResult,
    CellStatus,
    NotebookResult,
    Picture,
    QuestionResult,
    Result,
    Status,
    summarise_question,
)

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and the rest").decode()
HIDDEN = "kappa-hidden-value"
ENGLISH = "<details>\n<summary>English</summary>\n\n## Question 1. The mean (3 points)\n\n</details>"
SCRIPT = "<script>document.title = 'taken'</script>"


def lesson() -> Bundle:
    """Two questions, the second written, prose in two languages."""
    return lessons.bundle(
        lessons.setup("import numpy as np", id="setup"),
        lessons.text("# 平均\n\n## 問 1. **平均** (3 点)\n\n" + ENGLISH),
        lessons.solution("mean", "def mean(x):\n    return x.mean()"),
        lessons.test("test-mean", "assert mean(np.ones(3)) == 1", f"assert mean({HIDDEN!r})", points=2),
        lessons.test("test-more", "assert mean(np.ones(4)) == 1", points=1),
        lessons.text("## 問 2. なぜ (2 点)"),
        lessons.manual("why", "because", points=2),
    )


BUNDLE = lesson()
NAME = BUNDLE.notebooks[0].name


def document(answers: Mapping[str, str], outputs: Mapping[str, list[dict[str, Any]]]) -> str:
    """The marked notebook, as the engine writes it."""
    cells = []
    for cell in BUNDLE.notebooks[0].cells:
        source = answers.get(cell.grade_id or cell.id, cell.source)
        shown = {"execution_count": 1, "outputs": outputs.get(cell.grade_id or cell.id, [])}
        cells.append(
            {"cell_type": cell.cell_type, "id": cell.id, "metadata": {}, "source": source.splitlines(keepends=True)}
            | (shown if cell.cell_type == "code" else {})
        )
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def result(
    message: str = "", answers: Mapping[str, str] = {}, outputs: Mapping[str, list[dict[str, Any]]] = {}
) -> Result:
    """A marked submission whose first test holds; the second holds if there is no message."""
    second = CellStatus.FAILED if message else CellStatus.PASSED
    first = (
        CellResult("test-mean", NAME, 2.0, 2.0, CellStatus.PASSED),
        CellResult("test-more", NAME, 0.0 if message else 1.0, 1.0, second, message),
    )
    by_hand = (CellResult("why", NAME, None, 2.0, CellStatus.NEEDS_MANUAL),)
    questions: tuple[QuestionResult, ...] = (
        summarise_question("mean", NAME, first),
        summarise_question("why", NAME, by_hand),
    )
    parts = (NotebookResult(NAME, document(answers, outputs)),)
    return Result("student-017", "lesson", Status.NEEDS_MANUAL, 2.0, 5.0, questions, notebooks=parts)


def page(marked: Result, marks: Marks | None = None, hints: Mapping[str, Mapping[str, str]] | None = None) -> Page:
    """The one page of a submission."""
    (made,) = Gatherer(BUNDLE, ("ja", "en"), hints or {}).pages(marked, {NAME: marks} if marks else {})
    return made


def test_headings_are_the_notebooks_own() -> None:
    """Is a question called what the notebook calls it, in each language, without points and emphasis?"""
    found = headings(BUNDLE.notebooks[0], ("ja", "en"))
    assert found["mean"] == {"ja": "問 1. 平均", "en": "Question 1. The mean"}
    assert found["why"] == {"ja": "問 2. なぜ", "en": "問 2. なぜ"}


def test_a_question_without_prose_keeps_its_name() -> None:
    """Is there always something to call it by?"""
    bare = lessons.bundle(lessons.solution("f", "f = 1"), lessons.test("test-f", "assert f == 1"))
    assert headings(bare.notebooks[0], ("en",)) == {"f": {"en": "f"}}


def test_what_failed_is_said_in_the_tests_words() -> None:
    """Do points, states, message and marked line stand there?"""
    made = page(result("形がちがいます / the shape (in your code: cell mean, line 2)"))
    mean, why = made.questions
    assert (mean.state, mean.score, mean.max_score) == ("partial", 2.0, 3.0)
    assert [check.state for check in mean.checks] == ["passed", "failed"]
    assert mean.codes[0].line == 2
    assert (why.state, why.score) == ("needs_manual", None)
    assert (made.score, made.max_score, made.waiting) == (2.0, 5.0, 1)
    text = render(made)
    assert "形がちがいます / the shape" in text
    assert text.count('class="line here"') == 1
    assert WORDS["ja"]["line_here"] in text
    assert WORDS["en"]["line_here"] in text


def test_a_tests_pictures_stand_below_it() -> None:
    """Are result, expected and difference shown in words of both languages, in that order, in the test's own place?"""
    pictures = pictures_of("平均 <mean>", np.eye(5), np.ones((5, 5)))
    marked = result("no")
    (mean, why) = marked.questions
    cells = (mean.cells[0], replace(mean.cells[1], pictures=tuple(pictures)))
    text = render(page(replace(marked, questions=(replace(mean, cells=cells), why))))
    shown = re.findall(
        r'<img class="few" src="data:image/png;base64,([^"]+)" width="5" height="5" alt="([^"]+)">', text
    )
    assert [data for data, _ in shown] == [each.png for each in pictures]
    for alt in (html.unescape(alt) for _, alt in shown[:2]):
        assert "平均 <mean>: " in alt
        assert "形 (5, 5)、float64、値は" in alt
        assert "shape (5, 5), float64, values from" in alt
    assert text.index("画像で見ると:") > text.index('<p class="message">')
    for words in (
        WORDS["en"]["attached"],
        "あなたの結果",
        "your result",
        "赤: あなたの値が大きい",
        "red: yours is larger",
    ):
        assert words in text
    assert "平均 <mean>" not in text
    assert "<img" not in render(page(result("no")))


def test_a_picture_is_a_png_or_a_sentence() -> None:
    """Is what only calls itself a PNG not shown, its words left, and what could not be drawn said?"""
    forged = [
        Picture("result", "f", base64.b64encode(b"<svg onload=x>").decode(), {"en": "t", "ja": "t"}, {"en": "one"}),
        Picture("result", "f", '"><script>', {"en": SCRIPT, "ja": SCRIPT}, {"en": SCRIPT}),
        *pictures_of("f", [[math.nan]], None),
    ]
    marked = result("no")
    (mean, why) = marked.questions
    cells = (mean.cells[0], replace(mean.cells[1], pictures=tuple(forged)))
    text = render(page(replace(marked, questions=(replace(mean, cells=cells), why))))
    assert "<img" not in text
    assert SCRIPT not in text
    assert "NaN か無限大" in text
    assert "NaN or infinite" in text


def test_hints_are_for_those_who_lost_points() -> None:
    """Does the author's hint appear where points are missing, and there only?"""
    hints = {"mean": {"ja": "軸を確かめる", "en": "look at the axis"}}
    assert "look at the axis" in render(page(result("no"), hints=hints))
    assert "look at the axis" not in render(page(result(), hints=hints))


def test_a_persons_word_stands() -> None:
    """Do manual points replace automatic ones, and are comment, extra credit and penalty told?"""
    cells = {
        "test-more": CellMark(auto=0.0, manual=0.5, comment="half of it"),
        "why": CellMark(manual=2.0, extra=1.0, comment="**good** [x](javascript:alert(1))"),
    }
    made = page(result("no"), Marks(cells, penalty=1.5, seconds_late=90_000))
    assert [question.state for question in made.questions] == ["marked", "marked"]
    assert made.score == 2.5 + 3.0 - 1.5
    text = render(made)
    for each in ("half of it", "<strong>good</strong>", "1 d 1 h", "1 日 1 時間", "−1.5"):
        assert each in text
    assert 'href="javascript' not in text


def test_points_that_wait_again_are_not_final() -> None:
    """Does a mark by hand wait again where the hand-in has changed since?"""
    _, why = page(result(), Marks({"why": CellMark(manual=1.0, waits=True)})).questions
    assert (why.state, why.score) == ("needs_manual", None)


def test_hidden_tests_are_not_there() -> None:
    """Is nothing of a test's source or output on the page, public or hidden?"""
    shown = [{"output_type": "stream", "name": "stdout", "text": HIDDEN}]
    text = render(page(result("no", outputs={"test-mean": shown})))
    assert HIDDEN not in text
    assert "np.ones(4)" not in text
    assert HIDDEN in render(page(result("no", outputs={"mean": shown}))), "the search has to be able to find it"


@pytest.mark.parametrize("place", ["code", "answer", "stream", "error", "plain", "message", "student", "comment"])
def test_nothing_that_a_student_wrote_becomes_markup(place: str) -> None:
    """Is a script text, wherever it stands?"""
    marked = result(SCRIPT if place == "message" else "no")
    if place == "code":
        marked = result("no", {"mean": f"x = '{SCRIPT}'"})
    if place == "answer":
        wrong = f"{SCRIPT}\n\n<img src=x onerror=1>\n\n[a](javascript:alert(1))\n\n![b](https://example.org/b.png)"
        marked = result("no", {"why": wrong})
    if place in ("stream", "error", "plain"):
        output: dict[str, Any] = {
            "stream": {"output_type": "stream", "name": "stdout", "text": SCRIPT},
            "error": {"output_type": "error", "ename": SCRIPT, "evalue": SCRIPT, "traceback": []},
            "plain": {"output_type": "display_data", "data": {"text/plain": SCRIPT, "text/html": SCRIPT}},
        }[place]
        marked = result("no", outputs={"mean": [output]})
    if place == "student":
        marked = replace(marked, student=SCRIPT)
    text = render(page(marked, Marks({"why": CellMark(comment=SCRIPT)}) if place == "comment" else None))
    assert "<script" not in text.lower()
    assert "&lt;script&gt;" in text
    assert "<img" not in text
    assert "javascript:" not in text.replace("[a](javascript:alert(1))", "")


def test_control_characters_are_gone() -> None:
    """Are terminal escapes and marks that turn writing round left out?"""
    output = {"output_type": "stream", "name": "stdout", "text": "\x1b[31mred\x1b[0m \u202edrow\x07"}
    text = render(page(result(outputs={"mean": [output]})))
    assert "red drow" in text


def test_figures_are_what_they_say() -> None:
    """Is a PNG shown, and a script that calls itself one left out?"""
    outputs = [
        {"output_type": "display_data", "data": {"image/png": PNG, "text/plain": "<Figure>"}},
        {"output_type": "display_data", "data": {"image/png": base64.b64encode(b"<svg onload=1>").decode()}},
        {"output_type": "display_data", "data": {"image/png": 'x"><script>', "image/svg+xml": "<svg onload=1>"}},
    ]
    made = page(result(outputs={"mean": outputs}))
    assert [figure.data for figure in made.questions[0].shown.figures] == [PNG]
    assert render(made).count("<img") == 1
    assert "svg" not in render(made)


def test_what_could_not_be_marked_says_why() -> None:
    """Does a hand-in that cannot be read get a page with the reason, and one that is missing its zero?"""
    refused = Result("student-017", "lesson", Status.REJECTED, None, 5.0, message="lesson.ipynb is not JSON")
    text = render(page(refused))
    assert "lesson.ipynb is not JSON" in text
    assert WORDS["ja"]["rejected"] in text
    missing = replace(result(), notebooks=(NotebookResult(NAME, "", missing=True),))
    assert WORDS["en"]["missing"] in render(page(missing))


def test_the_page_needs_nobody() -> None:
    """Is there no address, no script, one language in front, and less than 300 kB without figures?"""
    text = render(page(result("no", {"mean": "def mean(x):\n    pass\n" * 500})))
    assert text == render(page(result("no", {"mean": "def mean(x):\n    pass\n" * 500})))
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert '<html lang="ja">' in text
    assert len(render(page(result("no"))).encode()) < 300_000


def test_words_are_complete() -> None:
    """Has every language every word, with the same gaps?"""
    import re

    for language, words in WORDS.items():
        assert words.keys() == WORDS["en"].keys(), language
        for key, text in words.items():
            assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", WORDS["en"][key])), key


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "your code raised TypeError: bad (in your code: cell f, line 4)",
            "あなたのコードで TypeError が発生しました: bad (場所: セル f の 4 行目)",
        ),
        ("a hidden test did not hold (IndexError)", "非公開のテストが成り立ちませんでした (IndexError)"),
        ("the call did not finish within 2.5 seconds", "呼び出しが 2.5 秒以内に終わりませんでした"),
        ("f is not defined", "f が定義されていません"),
        ("partial credit: 1 of 2 points", "部分点: 2 点中 1 点"),
        ("形 / the shape", "形 / the shape"),
    ],
)
def test_the_judges_own_words_are_translated(message: str, words: str) -> None:
    """Does a Japanese page speak Japanese, but for what a test's author wrote?"""
    assert in_language(message, "ja") == words
    assert in_language(message, "en") == message
    text = html.unescape(render(page(result(message))))
    assert words in text
    assert message in text


def test_the_judge_still_says_what_is_translated() -> None:
    """Is each of these sentences still one of the engine's, so that none is translated in vain?"""
    folder = Path(saiten.grading.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    starts = ("your code raised", "in your code: ", "did not hold", "time is up: the test did not finish")
    more = ("the call did not finish within", "the student's process died", "is not defined", "partial credit: ")
    last = ("the answer is an object", "the notebook was not handed in", "no answer", "an exception", "ended early")
    assert [each for each in (*starts, *more, *last) if each not in code] == []


def test_numbers_and_durations() -> None:
    """Are they written as people write them?"""
    assert [number(each) for each in (3.0, 2.5, 0.333)] == ["3", "2.5", "0.33"]
    assert duration("en", 20) == "1 min"
    assert duration("en", 2 * 86400 + 3 * 3600 + 59) == "2 d 3 h"
    assert duration("ja", 3660) == "1 時間 1 分"


# -- on disk ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a marked class."""
    root = tiny_course.make_tiny_course(tmp_path_factory.mktemp("course"))
    (root / "source" / "tiny" / "assignment.toml").write_text('[hints.mean]\nen = "divide by how many there are"\n')
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'tiny101'\n"
        f"c.Exchange.root = {str(root / 'exchange')!r}\nc.Exchange.path_includes_course = False\n"
    )
    stamp = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    for student, answer in (("student-001", tiny_course.RIGHT), ("student-002", tiny_course.WRONG)):
        folder = tiny_course.submitted(root, student, answer, essay="Because it is.")
        (folder / "timestamp.txt").write_text(stamp)
        (folder / "submission_secret.txt").write_text(f"secret of {student}")
    broken = root / "submitted" / "student-003" / "tiny"
    broken.mkdir(parents=True)
    (broken / "mean.ipynb").write_text("{")
    marked = CliRunner().invoke(main, ["grade", "tiny", "--course", str(root), "--workers", "1"])
    assert marked.exit_code == 1, marked.output
    return root


def feedback(root: Path, *arguments: str) -> tuple[int, str]:
    """Run the command."""
    done = CliRunner().invoke(main, ["feedback", "tiny", "--course", str(root), *arguments])
    return done.exit_code, done.output


def read(root: Path, student: str) -> str:
    """One student's page."""
    return (root / "feedback" / student / "tiny" / "mean.html").read_text(encoding="utf-8")


def test_a_class_gets_its_pages(course: Path) -> None:
    """Does everybody get one, and does a second run leave them as they are?"""
    code, said = feedback(course)
    assert (code, "3 pages" in said) == (0, True), said
    assert "divide by how many there are" not in read(course, "student-001")
    assert "divide by how many there are" in read(course, "student-002")
    assert "the mean of one number" in read(course, "student-002"), "the author wrote this for students"
    assert "mean([5])" not in read(course, "student-002")
    assert WORDS["en"]["rejected"] in read(course, "student-003")
    code, said = feedback(course, "--json")
    assert json.loads(said)["same"] == ["student-001", "student-002", "student-003"]


def test_comments_and_points_by_hand_arrive(course: Path) -> None:
    """Does what a person enters in formgrader stand on the page?"""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", course_id="tiny101") as gradebook:
        grade = gradebook.find_grade("essay", "mean", "tiny", "student-001")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.find_comment("essay", "mean", "tiny", "student-001").manual_comment = "Say why."
        gradebook.db.commit()
    assert feedback(course, "--student", "student-001")[0] == 0
    text = read(course, "student-001")
    assert "Say why." in text
    assert "5.5 of 6 points" in text


def test_a_hint_marks_nothing_again(course: Path) -> None:
    """May hints and dates change without the class being marked anew?"""
    (course / "source" / "tiny" / "assignment.toml").write_text(
        'due = 2026-04-10T23:59:00+09:00\n[hints.mean]\nen = "another hint"\n'
    )
    assert feedback(course)[0] == 0
    assert "another hint" in read(course, "student-002")


def test_nbgrader_hands_it_out(course: Path) -> None:
    """Does `nbgrader release_feedback` take our page to where "Fetch Feedback" looks for it?"""
    feedback(course)
    (course / "exchange").mkdir(exist_ok=True)
    (course / "exchange").chmod(0o777)
    programs = Path(sys.executable).parent  # nbgrader calls alembic by name
    own = {"HOME": str(course), "JUPYTER_CONFIG_DIR": str(course / "none"), "PATH": f"{programs}:{os.environ['PATH']}"}
    command = [str(programs / "nbgrader"), "release_feedback", "tiny"]
    environment = {**os.environ, **own}
    done = subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    handed = course / "exchange" / "tiny101" / "feedback"
    address = f"{notebook_hash(secret='secret of student-002', notebook_id='mean')}.html"
    assert (handed / address).read_text(encoding="utf-8") == read(course, "student-002")
    assert len(list(handed.glob("*.html"))) == 3


def test_what_is_not_marked_is_named(course: Path) -> None:
    """Is a hand-in that the ledger does not know told, with the next step, and does it get no page?"""
    tiny_course.submitted(course, "student-004", tiny_course.RIGHT)
    try:
        code, said = feedback(course)
        assert code == 1
        assert "student-004" in said
        assert "saiten grade tiny" in said
        assert not (course / "feedback" / "student-004").exists()
    finally:
        for path in sorted((course / "submitted" / "student-004").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (course / "submitted" / "student-004").rmdir()


def test_bad_requests_get_one_sentence(course: Path, tmp_path: Path) -> None:
    """Is it said who is not there?"""
    code, said = feedback(course, "--student", "student-999")
    assert code == 2
    assert "student-999" in said
    tiny_course.make_tiny_course(tmp_path)
    code, said = feedback(tmp_path)
    assert code == 2
    assert "Nobody has handed in" in said


def test_hints_are_text(tmp_path: Path) -> None:
    """Is a hint that is no table of languages refused by name?"""
    tiny_course.make_tiny_course(tmp_path)
    (tmp_path / "source" / "tiny" / "assignment.toml").write_text("[hints]\nmean = 3\n")
    with pytest.raises(CourseError, match=r"hints|mean"):
        Course.find(tmp_path).assignment("tiny")


def test_a_marked_notebook_is_readable() -> None:
    """Is the document that these tests are made of one that nbformat accepts?"""
    nbformat.validate(nbformat.reads(document({}, {}), as_version=4))
