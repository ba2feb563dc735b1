"""Is every exercise made as docs/how-to/write-an-exercise.md asks, and does it mark as it promises?

Questions that need only the text come first; then the reference, stubs and mistakes, run in this process.
Mistakes tried here are those of the first exercise; `make check` marks all of them, in the engine.
The other right ways are `make check`'s as well; tests/system/test_marked_exercises.py marks odd and broken hand-ins.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import exercise_runs
from exercise_runs import FOLDERS, Exercise, Run, cleared, public_part
from prose import JAPANESE
from saiten.answers import Answer, Kind, read_answers
from saiten.build import build_assignment
from saiten.build.bundle import make_parts
from saiten.bundle import Limits, Role
from saiten.check.hints import look_at_hints
from saiten.check.report import State
from saiten.course import Course
from saiten.grading.reference import ReferenceCell, ReferenceInput
from saiten.languages import language_of
from saiten.notebook import read_source
from saiten.settings import read_settings

ROOT = Path(__file__).parent.parent
POINTS = 100
AUTOMATIC = range(6, 10)
WRITTEN = (1, 2)
LEAST_RIGHT_WAYS = 3
LEAST_MISTAKES = 2

every = pytest.mark.parametrize("exercise", FOLDERS, indirect=True, ids=lambda folder: folder.name)
every_mistake = pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        pytest.param(FOLDERS[0], answer, id=f"{FOLDERS[0].name}-{answer.name}")
        for answer in read_answers(FOLDERS[0] / "answers")
        if answer.kind is Kind.MISTAKE
    ],
    indirect=["exercise"],
)


@pytest.fixture(scope="module")
def exercise(request: pytest.FixtureRequest) -> Exercise:
    """One exercise at a time: its leading cells run once, its data are forgotten before the next."""
    return Exercise(request.param)


@pytest.fixture(scope="module")
def reference(exercise: Exercise) -> Run:
    """The whole notebook with the reference solution, demonstrations and figures; a warning is an error."""
    return exercise.execute({}, demonstrations=True)


@pytest.fixture
def quiet() -> Iterator[None]:
    """A student's code may warn; the reference may not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_there_are_exercises() -> None:
    """Is anything held to anything?"""
    assert "01-regularization" in [folder.name for folder in FOLDERS]


@every
def test_a_hundred_points_as_the_course_asks(exercise: Exercise) -> None:
    """Are there 100 points, 6 to 9 automatic questions, 1 or 2 written ones and a picture, with marking schemes?"""
    manual = [cell for cell in exercise.cells if cell.role is Role.MANUAL]
    assert sum(cell.points for cell in exercise.cells) == POINTS
    assert len(exercise.full) in AUTOMATIC
    assert all(points > 0 for points in exercise.full.values())
    assert sum(not cell.code for cell in manual) in WRITTEN
    assert sum(cell.code for cell in manual) >= 1
    assert all("BEGIN MARK SCHEME" in cell.source and "BEGIN SOLUTION" in cell.source for cell in manual)


@every
def test_points_in_the_text_are_those_of_the_cells(exercise: Exercise) -> None:
    """Does each Japanese and English heading say the points that its question has?"""
    real = [*exercise.full.values(), *(cell.points for cell in exercise.cells if cell.role is Role.MANUAL)]
    for language, word in (("ja", "点"), ("en", "points?")):
        text = "\n".join(cell.source for cell in read_source(exercise.path).cells if language_of(cell) == language)
        announced = re.findall(rf"^#+ .*\((\d+) {word}\)\s*$", text, re.MULTILINE)
        assert sorted(map(float, announced)) == sorted(real), language


@every
def test_every_text_stands_in_both_languages(exercise: Exercise) -> None:
    """Is each Japanese text followed by its English one, and is there no text without a language?"""
    cells = read_source(exercise.path).cells
    languages = [language_of(cell) for cell in cells]
    marked = [(here, after) for here, after in zip(languages, [*languages[1:], None], strict=True) if here]
    assert marked
    assert all(after == "en" for here, after in marked if here == "ja")
    assert [here for here, _ in marked].count("ja") == [here for here, _ in marked].count("en")
    texts = [cell for cell, kind in zip(cells, exercise.cells, strict=True) if kind.role is Role.TEXT]
    assert [cell.source[:60] for cell in texts if not language_of(cell)] == []


@every
def test_settings_can_be_read(exercise: Exercise) -> None:
    """Is assignment.toml complete?"""
    settings = read_settings(exercise.folder)
    assert set(settings.title) == {"ja", "en"}
    assert settings.due


@every
def test_every_question_has_hints(exercise: Exercise) -> None:
    """Has each question, marked by tests or by a person, a hint in both languages, plain and short?"""
    asked = {*exercise.full, *(cell.grade_id for cell in exercise.cells if cell.role is Role.MANUAL)}
    hints = read_settings(exercise.folder).hints
    assert set(hints) == asked
    assert [name for name, texts in hints.items() if set(texts) != {"ja", "en"}] == []
    texts = [text for both in hints.values() for text in both.values()]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert not re.search(r"[`$\\\n]|\*\*|\s\s", text), f"shown as it stands: {text}"
        assert 1 <= len(sentences(text)) <= 3, text


def sentences(text: str) -> list[str]:
    """Split a hint at full stops and question marks that end a sentence."""
    return [part for part in re.split(r"。|(?<=[.?])(?:\s|$)", text) if part.strip()]


@every
def test_hints_do_not_repeat_the_tests(exercise: Exercise) -> None:
    """Says no hint what the tests' own messages say already?"""
    said = "\n".join(cell.source for question in exercise.questions.values() for cell in question.tests)
    for texts in read_settings(exercise.folder).hints.values():
        assert [part for text in texts.values() for part in sentences(text) if part in said] == []


@every
def test_hints_keep_the_solution(exercise: Exercise) -> None:
    """Does `saiten check` find no line of a solution, hidden test or mark scheme in a hint, and nothing else?"""
    assignment = Course.find(ROOT).assignment(exercise.folder.name)
    (finding,) = look_at_hints(make_parts(assignment, run=nothing_run), assignment)
    assert finding.state is State.HOLDS, finding.text


@every
def test_there_are_enough_planted_answers(exercise: Exercise) -> None:
    """Are there three other right ways for the whole notebook, and two mistakes that cost one question alone?"""
    solutions = {cell.grade_id for question in exercise.questions.values() for cell in question.solutions}
    writable = {cell.grade_id for cell in exercise.cells if cell.role in (Role.SOLUTION, Role.MANUAL)}
    assert all(set(answer.cells) <= writable for answer in exercise.answers)
    assert all(set(answer.scores) <= set(exercise.full) for answer in exercise.answers)
    whole = [each for each in exercise.answers if each.kind is Kind.RIGHT and set(each.cells) >= solutions]
    assert len(whole) >= LEAST_RIGHT_WAYS
    alone = Counter(next(iter(each.scores)) for each in exercise.answers if len(each.scores) == 1)
    assert {name: alone[name] for name in exercise.full if alone[name] < LEAST_MISTAKES} == {}


@every
def test_questions_do_not_use_each_other(exercise: Exercise) -> None:
    """Is every question judged on its own: no test and no reference uses another question's names?"""

    def used(source: str) -> set[str]:
        return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}

    for question in exercise.questions.values():
        others = set().union(*(each.defined() for each in exercise.questions.values() if each is not question))
        others -= question.defined()
        for cell in (*question.solutions, *question.tests):
            assert not used(cell.source) & others, cell.grade_id
        for cell in question.tests:
            assert used(cell.source) & question.defined(), cell.grade_id


@every
def test_every_assertion_has_words_for_the_student(exercise: Exercise) -> None:
    """Does every assert say what to do, in both languages, and does none print what is expected?"""
    problems = []
    for question in exercise.questions.values():
        for cell in question.tests:
            problems += [f"{cell.grade_id}: {each}" for each in wordless(cell.source)]
    assert problems == []


def wordless(source: str) -> list[str]:
    """List the assertions of a test cell that say nothing, say it in one language, or print expected values."""
    found = []
    tree = ast.parse(source)
    for node in ast.walk(tree):
        text = ast.unparse(node).partition("\n")[0][:80] if isinstance(node, ast.stmt | ast.Call) else ""
        if isinstance(node, ast.Assert):
            if node.msg is None:
                found.append(f"no message: {text}")
            elif _words(node.msg) is not None and not _bilingual(_words(node.msg) or ""):
                found.append(f"not in Japanese and English: {text}")
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = node.exc.func.id if isinstance(node.exc.func, ast.Name) else ""
            words = _words(node.exc.args[0]) if node.exc.args else ""
            if name == "AssertionError" and words is not None and not _bilingual(words):
                found.append(f"not in Japanese and English: {text}")
        elif isinstance(node, ast.Attribute) and node.attr.startswith("assert_"):
            found.append(f"prints what is expected: {ast.unparse(node)}")
        elif isinstance(node, ast.Call) and _is_nameless(node):
            found.append(f"no name: {text}")
    return found


def _is_nameless(call: ast.Call) -> bool:
    """Whether assert_close is not told what it looks at."""
    own = isinstance(call.func, ast.Name) and call.func.id == "assert_close"
    return own and len(call.args) < 3 and "name" not in {each.arg for each in call.keywords}


def _words(node: ast.expr) -> str | None:
    """The fixed part of a message; None where it is a variable or a call."""
    if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
        return "".join(each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and _is_text(each))
    return None


def _is_text(node: ast.Constant) -> bool:
    return isinstance(node.value, str)


def _bilingual(words: str) -> bool:
    return " / " in words and bool(re.search(f"[{JAPANESE}]", words)) and bool(re.search("[A-Za-z]{2}", words))


@every
def test_every_test_cell_has_a_public_and_a_hidden_part(exercise: Exercise) -> None:
    """Do students see a part of each test, and does another part decide?"""
    for question in exercise.questions.values():
        for cell in question.tests:
            public = public_part(cell.source)
            assert re.search(r"^\s*(assert|raise)", public, re.MULTILINE), cell.grade_id
            assert public != cell.source, cell.grade_id


@every
def test_the_release_is_up_to_date(exercise: Exercise, tmp_path: Path) -> None:
    """Does building the source again, elsewhere, give the bytes that are tracked?"""
    shutil.copytree(exercise.folder, tmp_path / "source" / exercise.folder.name)
    shutil.copyfile(ROOT / "nbgrader_config.py", tmp_path / "nbgrader_config.py")
    assignment = Course.find(tmp_path).assignment(exercise.folder.name)
    report = build_assignment(assignment, run=nothing_run)
    tracked = ROOT / "release" / exercise.folder.name
    assert files(tracked) == files(report.release), f"run `saiten build {exercise.folder.name}`, commit release/"


def nothing_run(
    cells: Sequence[ReferenceInput], *, files: dict[str, bytes], imports: Sequence[str], limits: Limits
) -> list[ReferenceCell]:
    """Stand in for the reference run: nothing of it goes into a release."""
    return [ReferenceCell() for _ in cells]


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@every
def test_reference_gets_everything_and_every_demonstration_runs(exercise: Exercise, reference: Run) -> None:
    """Does the whole notebook run without a warning, with full marks?"""
    assert reference.failures == {}
    assert reference.scores == exercise.full


@every
def test_figures_say_what_they_show(exercise: Exercise, reference: Run) -> None:
    """Has every figure titles and labels, no empty panel, and no glyph that its font lacks?"""
    assert exercise.leading_run.figures >= 1, "a picture before any code"
    assert reference.figures >= 1
    assert exercise.leading_run.figure_problems + reference.figure_problems == []


@every
def test_hidden_inputs_are_others(exercise: Exercise, reference: Run, quiet: None) -> None:
    """Do the public parts alone accept the reference, and has no hidden test a seed that students see?"""
    shown = exercise.execute({}, change_test=public_part)
    assert shown.failures == {}
    seen = {seed for seeds in exercise.leading_run.seeds.values() for seed in seeds}
    tests = {cell.grade_id for cell in exercise.cells if cell.role is Role.TEST}
    own = {cell.grade_id for cell in exercise.cells if cell.role in (Role.SOLUTION, Role.MANUAL)}
    seen |= {seed for name, seeds in reference.seeds.items() if name not in tests | own for seed in seeds}
    seen |= {seed for name in tests for seed in shown.seeds[name]}
    hidden = {name: Counter(reference.seeds[name]) - Counter(shown.seeds[name]) for name in tests}
    assert {name: set(seeds) & seen for name, seeds in hidden.items() if set(seeds) & seen} == {}


@every
def test_unanswered_release_gets_nothing(exercise: Exercise, quiet: None) -> None:
    """Do the released stubs raise NotImplementedError and get 0 in every question?"""
    stubs = {
        cell.grade_id: cleared(cell.source) for question in exercise.questions.values() for cell in question.solutions
    }
    assert all("raise NotImplementedError()" in stub for stub in stubs.values())
    run = exercise.execute(stubs)
    assert run.scores == dict.fromkeys(exercise.full, 0.0)
    assert [each for each in run.failures.values() if not each.startswith("NotImplementedError")] == []


@every_mistake
def test_a_mistake_loses_what_it_declares(exercise: Exercise, answer: Answer, quiet: None) -> None:
    """Does each typical mistake lose exactly its points, with a message that a student may read?"""
    touched = {
        name for name, each in exercise.questions.items() if {c.grade_id for c in each.solutions} & set(answer.cells)
    }
    run = exercise.execute(answer.cells, only=touched | set(answer.scores))
    assert run.scores == {**exercise.full, **answer.scores}, run.failures
    assert unreadable(run.failures) == []


def unreadable(failures: dict[str, str]) -> list[str]:
    """List the messages that a student should not get."""
    found = []
    for name, message in failures.items():
        if "RuntimeError: this test" in message:
            found.append(f"{name}: a test refused to decide")
        if message.startswith("AssertionError") and (" / " not in message or "array(" in message or "\n" in message):
            found.append(f"{name}: {message}")
    return found


# The questions above have to be able to fail.


def slip(old: str, new: str) -> str:
    """A test cell with one slip."""
    good = 'assert f(1) == 2, "2 倍にします / double it"\nassert_close(f(3), 6, "f の値", hint="")'
    assert old in good
    return good.replace(old, new)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (slip(', "2 倍にします / double it"', ""), "no message"),
        (slip("2 倍にします / double it", "2 倍にします"), "not in Japanese"),
        (slip("2 倍にします / double it", "double it / twice"), "not in Japanese"),
        (slip('"2 倍にします / double it"', 'f"{x} double / twice"'), "not in Japanese"),
        (slip(', "f の値"', ""), "no name"),
        (slip("assert_close(f(3), 6", "np.testing.assert_allclose(f(3), 6"), "prints"),
        ('raise AssertionError("double it / twice")', "not in Japanese"),
    ],
)
def test_a_wordless_assertion_is_found(source: str, problem: str) -> None:
    """Is each kind of poor assertion told, and the good one not?"""
    assert wordless(slip("f(1)", "f(1)")) == []
    (found,) = wordless(source)
    assert problem in found


def test_poor_figures_are_found() -> None:
    """Are an empty panel, a missing label and a picture without a title told, and good figures not?"""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2)
    axes[0, 0].plot([1, 2])
    axes[0, 1].imshow([[1, 2]])
    axes[1, 0].imshow([[1, 2]])
    axes[1, 0].set_title("a")
    problems = exercise_runs.figure_problems(figure)
    plt.close("all")
    assert problems == ["panel 1 lacks a label of an axis", "panel 2 does not say what it shows", "panel 4 is empty"]


SMALL = """\
# %% {data}
import numpy as np
import torch

data = np.random.default_rng(7).random(3)

# %% {one}
def one(x):
    x[0] = np.random.default_rng(9).random()
    return x

# %% {two}
def two(x):
    return 2 * x

# %% {test}
torch.manual_seed(3)
assert two(2) == 4 and one(data) is data
### BEGIN HIDDEN TESTS
for seed in range(2):
    torch.Generator().manual_seed(40 + seed)
np.random.default_rng(7)
### END HIDDEN TESTS
"""


def marks(grade_id: str, *, solution: bool = False, points: float | None = None) -> str:
    """The metadata in a cell's header."""
    made = {"grade_id": grade_id, "locked": not solution, "schema_version": 3, "solution": solution, "task": False}
    return "nbgrader=" + json.dumps(made | {"grade": points is not None} | ({"points": points} if points else {}))


def test_a_run_keeps_its_books(tmp_path: Path) -> None:
    """Are several solution cells one question, data fresh for every run, seeds noted where a test gives them?"""
    folder = tmp_path / "small"
    folder.mkdir()
    headers = {
        "data": marks("data"),
        "one": marks("one", solution=True),
        "two": marks("two", solution=True),
        "test": marks("test-one", points=4),
    }
    (folder / "small.py").write_text(SMALL.format(**headers), encoding="utf-8")
    exercise = Exercise(folder)
    assert exercise.full == {"one": 4.0}
    assert exercise.questions["one"].defined() == {"one", "two"}
    first = exercise.execute({})
    assert first.scores == exercise.full
    assert exercise.leading_run.seeds == {"data": [7]}
    assert first.seeds == {"one": [9], "two": [], "test-one": [3, 40, 41, 7]}
    assert exercise.execute({}, change_test=public_part).seeds["test-one"] == [3]
    assert (first.namespace["data"] != exercise.leading["data"]).any()
    assert exercise.execute({"two": "def two(x): return 0"}).scores == {"one": 0.0}
