"""Does the report say how a class did, who failed for the same reason, and whom to look at?"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import tiny_course
from saiten.cli import main
from saiten.feedback import Marks
from saiten.feedback.marks import CellMark
from saiten.pages import Tongue
from saiten.report import ClassFigures, figures, render
from saiten.report.clusters import gather, same_words
from saiten.report.draw import question_bars, score_histogram
from saiten.report.weeks import WeekRow, Weeks
from saiten.report.words import WORDS
from saiten.results import CellResult, CellStatus, NotebookResult, QuestionResult, Result, Status, summarise_question

SCRIPT = "<script>document.title = 'taken'</script>"
TITLES = {("ps1", "mean"): {"ja": "平均", "en": "The mean"}, ("ps1", "spread"): {"ja": "散らばり", "en": "Spread"}}


def result(student: str, mean: float, spread: float, message: str = "", source: str = "", **more: Any) -> Result:
    """A marked submission of two questions of 4 points."""

    def question(name: str, score: float) -> QuestionResult:
        state = CellStatus.PASSED if score == 4 else CellStatus.PARTIAL if score else CellStatus.FAILED
        words = "" if score == 4 else message or f"{name}: 2 of {len(student)} values are wrong"
        return summarise_question(name, "ps1", (CellResult(f"{name}-test", "ps1", score, 4.0, state, words),))

    cell = {"cell_type": "code", "id": "mean", "metadata": {"nbgrader": {"grade_id": "mean"}}, "source": source}
    document = json.dumps({"cells": [cell]})
    questions = (question("mean", mean), question("spread", spread))
    parts = (NotebookResult("ps1", document),)
    fields = {"seconds": 0.5, "notebooks": parts, "questions": questions} | more
    return Result(student, "ps1", Status.GRADED, mean + spread, 8.0, **fields)


def work_out(*results: Result, marks: dict[tuple[str, str], Marks] | None = None) -> ClassFigures:
    """Figures of a class."""
    return figures("ps1", {"ja": "演習", "en": "Exercise"}, ("ja", "en"), TITLES, results, marks or {})


def test_difficulty_and_discrimination() -> None:
    """Is difficulty the mean share, and discrimination the correlation with the rest?"""
    scores = [(0.0, 0.0), (0.0, 4.0), (4.0, 0.0), (4.0, 4.0), (4.0, 4.0), (4.0, 4.0)]
    found = work_out(*(result(f"student-{at:03}", *pair) for at, pair in enumerate(scores)))
    mean, spread = found.questions
    assert mean.difficulty == pytest.approx(4 / 6)
    assert mean.discrimination == pytest.approx(0.25)
    assert spread.discrimination == pytest.approx(0.25)
    assert (mean.full, mean.none, mean.marked) == (4, 2, 6)


def test_too_few_or_all_alike_say_nothing() -> None:
    """Is there no correlation of four students, nor of a question that all have right?"""
    assert work_out(*(result(f"student-{at:03}", 4, at) for at in range(4))).questions[1].discrimination is None
    found = work_out(*(result(f"student-{at:03}", 4, at % 5) for at in range(9)))
    assert found.questions[0].discrimination is None


def test_a_cluster_is_the_same_failure() -> None:
    """Do different numbers in the same words come together, and other words not?"""
    found = work_out(
        result("student-001", 4, 0, "spread: 3 of 5 values are wrong"),
        result("student-002", 4, 0, "spread: 1 of 7 values are wrong"),
        result("student-003", 4, 0, "spread: the shape should be (2,)"),
    )
    assert [(each.students, each.test) for each in found.clusters] == [
        (("student-001", "student-002"), "spread-test"),
        (("student-003",), "spread-test"),
    ]
    assert found.clusters[0].example == "spread: 3 of 5 values are wrong"


def test_an_exception_at_the_same_construct_is_the_same_failure() -> None:
    """Are names of values no difference, and what is called one?"""
    words = "your code raised TypeError: {} (in your code: cell mean, line 2)"
    lines = ("    return float(x.mean(axis=0))", "    return float(values.mean(axis=1))", "    return int(x.mean())")
    found = work_out(
        *(
            result(f"student-00{at}", 0, 4, words.format(f"text {at}"), f"def mean(x):\n{line}")
            for at, line in enumerate(lines)
        )
    )
    assert [len(each.students) for each in found.clusters] == [2, 1]
    assert found.clusters[0].reason == "TypeError: return float(x.mean(axis=0))"


RIGHT = "def mean(values):\n    return sum(values) / len(values)"
ALIKE = [  # a style of their own, and a mistake each; the test says the same of both
    ("student-001", "def mean(values):\n    total = 0\n    for each in values: total += each\n    return total / 2"),
    ("student-002", "def mean(values):\n    s = 0\n    for v in values: s += v\n    return s / 2"),
    (
        "student-003",
        "def mean(values):\n    total = 0\n    for each in values: total += each\n    return total // len(values)",
    ),
    ("student-004", "def mean(values):\n    acc = 0\n    for x in values: acc += x\n    return acc // len(values)"),
]


def parts(wrong: list[tuple[str, str]], right: str = RIGHT) -> list[tuple[tuple[str, ...], bool, tuple[str, ...]]]:
    """Divide a class that failed with the same words, among others who were right."""
    failed = [result(student, 0, 4, "mean: 1 of 1 values are wrong", source) for student, source in wrong]
    passed = [result(f"student-{at:03}", 4, 4, "", right) for at in range(50, 60)]
    (cluster,) = work_out(*failed, *passed).clusters
    assert cluster.students == tuple(student for student, _ in wrong)
    return [(part.students, part.absent, part.lines) for part in cluster.parts]


def test_a_line_that_only_some_have_tells_mistakes_apart() -> None:
    """Are two mistakes with the same words parts of their cluster, each with its line, whatever names were chosen?"""
    assert parts(ALIKE) == [
        (("student-001", "student-002"), False, ("return total / 2",)),
        (("student-003", "student-004"), False, ("return total // len(values)",)),
    ]


def test_a_line_of_right_answers_or_of_one_student_says_nothing() -> None:
    """Is there no part for what right answers have, too, nor for what nobody shares?"""
    assert parts([ALIKE[0], ALIKE[2]], "def mean(values):\n    t = 0\n    for v in values: t += v\n    return t") == []
    assert parts([("student-001", RIGHT), ("student-002", RIGHT + "\n# really")]) == []


def test_a_name_that_right_answers_choose_is_part_of_a_line() -> None:
    """Is the wrong one of two results told from the right one, where most call them the same?"""
    right = "def mean(values):\n    low = min(values)\n    high = max(values)\n    return low"
    wrong = right.replace("return low", "return high")
    expected = [(("student-001", "student-002"), False, ("return high",))]
    assert (
        parts([("student-001", wrong), ("student-002", wrong), ("student-003", "def mean(v):\n    return 0")], right)
        == expected
    )


def test_who_is_left_of_a_style_is_a_part_too() -> None:
    """Where two mistakes share a line, and one of them has another: are they two parts?"""
    right = "def mean(values):\n    total = sum(values)\n    return total / len(values)"
    style = "def mean(values):\n    total = 0\n    for each in values[1:]: total += each\n    return total / {}"
    cells = [(f"student-00{at}", style.format("2" if at < 3 else "len(values)")) for at in range(1, 5)]
    found = parts([*cells, ("student-005", "def mean(values):\n    return 0")], right)
    assert [(students, lines[-1:]) for students, _, lines in found] == [
        (("student-001", "student-002"), ("return total / 2",)),
        (("student-003", "student-004"), ("for each in values[1:]: total += each",)),
    ]


def test_what_some_left_out_tells_them_apart() -> None:
    """Is a line that all others have named, where it is missing?"""
    right = "def mean(values):\n    values = list(values)\n    return sum(values) / len(values)"
    cells = [("student-001", RIGHT), ("student-002", RIGHT), ("student-003", right.replace("len(values)", "9"))]
    assert parts(cells, right) == [(("student-001", "student-002"), True, ("values = list(values)",))]


def test_code_that_does_not_parse_or_hides_something_is_shown_harmlessly() -> None:
    """Is a line with a mark that turns the direction of writing escaped, and one that is no Python left out?"""
    evil = "def mean(values):\n    return 'a\u202eb" + "c" * 300
    ((_, _, (line,)),) = parts([("student-001", f"{evil}'"), ("student-002", f"{evil}'")])
    assert "\u202e" not in line
    assert len(line) == 200
    cut = [absent for _, absent, _ in parts([("student-001", evil), ("student-002", evil)])]
    assert cut == [True], "they lack every line of the right answers"


def test_clusters_of_nothing() -> None:
    """Is a class without a failure one without clusters?"""
    assert gather([]) == []
    assert same_words("a  3.5e-7 'b' [1, -2]") == "a # '…' [#, #]"
    assert work_out(result("student-001", 4, 4)).clusters == ()


def test_answered_is_a_cell_that_differs_from_the_release() -> None:
    """Does a change of the second cell of a question count, and neither a stub, an emptied cell nor a lost notebook?"""

    def handed_in(student: str, first: str, second: str, seconds: float | None, *unchanged: str) -> Result:
        sources = {"mean": first, "mean-2": second}
        cells = [
            {"id": name, "metadata": {"nbgrader": {"grade_id": name}}, "source": text} for name, text in sources.items()
        ]
        part = NotebookResult("ps1", json.dumps({"cells": cells}), unchanged, missing=not first)
        test = CellResult("mean-test", "ps1", 0.0, 4.0, CellStatus.FAILED, "no", seconds)
        return Result(
            student, "ps1", Status.GRADED, 0.0, 4.0, (summarise_question("mean", "ps1", (test,)),), notebooks=(part,)
        )

    hand_ins = [
        handed_in("student-001", "stub", "mine", 1.0, "mean"),
        handed_in("student-002", "mine", "stub", 3.0, "mean-2"),
        handed_in("student-003", "stub", "stub", 99.0, "mean", "mean-2"),
        handed_in("student-004", "stub", " \n", 99.0, "mean"),
        handed_in("student-005", "", "", None),
        handed_in("student-006", "mine", "mine", None),
    ]
    solutions = {("ps1", "mean"): ("mean", "mean-2")}
    found = figures("ps1", {"en": "Exercise"}, ("en",), TITLES, hand_ins, {}, solutions=solutions)
    assert [(each.answered, each.seconds) for each in found.questions] == [(3, 2.0)]


def test_tests_that_fail_together() -> None:
    """Is a pair named that the same students fail, and none where it is chance?"""
    both = [result(f"student-{at:03}", 0 if at < 3 else 4, 0 if at < 3 else 4) for at in range(8)]
    (pair,) = work_out(*both).pairs
    assert (pair.first, pair.second, pair.students, pair.phi) == ("mean-test", "spread-test", 3, pytest.approx(1.0))
    apart = [result(f"student-{at:03}", 0 if at < 3 else 4, 0 if at >= 5 else 4) for at in range(8)]
    assert work_out(*apart).pairs == ()


def test_points_by_hand_lateness_and_penalty_count() -> None:
    """Is the score what the gradebook has?"""
    cells = {"spread-test": CellMark(auto=0.0, manual=3.0, extra=0.5)}
    marks = {("student-001", "ps1"): Marks(cells, penalty=1.0, seconds_late=7200.0)}
    found = work_out(result("student-001", 4, 0), result("student-002", 0, 0), marks=marks)
    assert [row.score for row in found.students] == [6.5, 0.0]
    assert [row.student for row in found.late] == ["student-001"]
    assert [row.student for row in found.low] == ["student-002"]


def test_who_waits_or_was_not_marked_is_no_zero() -> None:
    """Is a question that waits without points, and a hand-in that cannot be read without a score?"""
    manual = (CellResult("spread-test", "ps1", None, 4.0, CellStatus.NEEDS_MANUAL),)
    waiting = result("student-001", 4, 4)
    waiting = replace(waiting, questions=(waiting.questions[0], summarise_question("spread", "ps1", manual)))
    refused = Result("student-002", "ps1", Status.REJECTED, None, 8.0, message="not JSON")
    found = work_out(waiting, refused)
    assert [(row.score, row.waits) for row in found.students] == [(4.0, 1), (None, 0)]
    assert [row.message for row in found.troubled] == ["not JSON"]
    assert found.questions[1].difficulty is None
    assert found.low == []


def test_nothing_that_a_student_wrote_becomes_markup() -> None:
    """Are id, message, note and line of code text?"""
    words = f"your code raised TypeError: {SCRIPT} (in your code: cell mean, line 1)"
    bad = result(SCRIPT, 0, 4, words, SCRIPT, notes=(SCRIPT,))
    refused = Result(f"b{SCRIPT}", "ps1", Status.REJECTED, None, 8.0, message=SCRIPT)
    text = render(work_out(bad, refused), Weeks((SCRIPT, "b"), (WeekRow(SCRIPT, (None, 0.5), True),)))
    assert text.lower().count("<script") == 1, "ours"
    assert SCRIPT not in text
    line = f"x = {SCRIPT!r}"
    text = render(work_out(*(result(f"student-00{at}", 0, 4, "wrong", line) for at in range(3))))
    assert text.count("document.title") == 1, "the line that they share is shown"
    assert text.lower().count("<script") == 1, "ours"


def test_the_report_is_the_same_again() -> None:
    """Does the same class give the same page, in whatever order it comes?"""
    class_of = [result(f"student-{at:03}", at % 5, 4 - at % 5) for at in range(7)]
    assert render(work_out(*class_of)) == render(work_out(*reversed(class_of)))


def test_plots_are_the_same_again() -> None:
    """Has no plot a date or a random name in it, and is there one for no scores at all?"""
    assert score_histogram([1.0, 2.0], 4.0) == score_histogram([1.0, 2.0], 4.0)
    assert question_bars(["a", "b"], [0.5, None], ["", "(n = 0)"]) == question_bars(
        ["a", "b"], [0.5, None], ["", "(n = 0)"]
    )
    refused = Result("student-002", "ps1", Status.REJECTED, None, 8.0, message="not JSON")
    assert "not JSON" in render(work_out(refused))


def test_words_are_complete() -> None:
    """Has every language every word?"""
    assert WORDS["ja"].keys() == WORDS["en"].keys()
    assert Tongue(WORDS, ("fr",)).shown == ("en",)


# -- on disk ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marked class, with an id that is a formula."""
    root = tiny_course.make_tiny_course(tmp_path_factory.mktemp("course"))
    for student, answer in (
        ("student-001", tiny_course.RIGHT),
        ("student-002", tiny_course.WRONG),
        ("student-003", tiny_course.WRONG),
        ("=1+1", tiny_course.WRONG),
    ):
        tiny_course.submitted(root, student, answer, essay="Because it is.")
    marked = CliRunner().invoke(main, ["grade", "tiny", "--course", str(root), "--workers", "1"])
    assert marked.exit_code == 1, marked.output  # the gradebook does not take a formula for an id
    return root


def report(root: Path, *arguments: str) -> tuple[int, str]:
    """Run the command."""
    done = CliRunner().invoke(main, ["report", "--course", str(root), *arguments])
    return done.exit_code, done.output


def test_a_marked_class_gets_its_report(course: Path) -> None:
    """Is there a page with the class's failures, and a table behind each of its tables?"""
    code, said = report(course)
    assert code == 0, said
    folder = course / "report" / "tiny"
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert "the mean of one number" in text
    names = ("questions", "clusters", "parts", "students")
    texts = {name: (folder / f"{name}.csv").read_text(encoding="utf-8-sig") for name in names}
    rows = {name: list(csv.DictReader(text.splitlines())) for name, text in texts.items()}
    assert [row["question"] for row in rows["questions"]] == ["mean", "essay"]
    assert [row["students"] for row in rows["clusters"]] == ["3"]
    (part,) = rows["parts"]
    assert (part["students"], part["lines"], part["absent"]) == ("3", "return sum(values) / 2", "")
    assert 0 < float(rows["questions"][0]["median_seconds"]) < 60
    assert rows["questions"][1]["median_seconds"] == "", "an essay is not run"
    assert "'=1+1" in [row["student"] for row in rows["students"]], "a spreadsheet must not compute it"
    before = (folder / "index.html").stat().st_mtime_ns
    assert report(course, "tiny", "--json")[0] == 0
    assert (folder / "index.html").stat().st_mtime_ns == before


def test_nothing_marked_is_said(course: Path, tmp_path: Path) -> None:
    """Is there one sentence and the next step, where nothing is marked or handed in?"""
    tiny_course.make_tiny_course(tmp_path)
    assert report(tmp_path)[0] == 2
    tiny_course.submitted(tmp_path, "student-001", tiny_course.RIGHT)
    code, said = report(tmp_path, "tiny")
    assert code == 2
    assert "saiten grade tiny" in said
