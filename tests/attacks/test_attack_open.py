# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""Attacks that once worked, and those that still do: these are expected to fail here, and say so when they do not.

Nothing is marked as open here without a reason in words.
"""

from __future__ import annotations

from collections.abc import Iterator

import attack_target as target
import pytest

import lessons
from saiten.bundle import Bundle, Limits
from saiten.grading import Engine
from saiten.results import Result, Status

SETUP = """
import numpy as np
rows = np.arange(12.0).reshape(4, 3)
labels = np.array([0, 1, 1, 0, 2, 1])
answers = {}
class Net:
    weight = 0
net = Net()
"""
HIDDEN_INPUT = "kappa-hidden-input"

QUESTIONS: dict[str, tuple[str, str, str]] = {
    "state": ("answers['state'] = 42", "assert answers['state'] == 42", ""),
    "train": ("def train(net):\n    net.weight = 5", "assert net.weight == 5", ""),
    "tool": ("def tool(x):\n    return x + 1", "check(tool(1), 2)", ""),
    "rate": ("def rate(x):\n    return x > 0", "assert evaluate(rows) == 11 / 12", ""),
    "total": ("def total(a):\n    return a.sum()", "a = np.arange(1.0, 6.0)\nnp.testing.assert_allclose(total(a), a.sum())", ""),
    "shift": ("def shift(a):\n    return a + 1", "np.testing.assert_allclose(shift(rows), rows + 1)", ""),
    "later": ("def later(a):\n    return a * 2", "np.testing.assert_allclose(later(rows), rows * 2)", ""),
    "twice": ("expected = 7\ndef twice(x):\n    return 2 * x", "expected = reference.twice(21)\nassert twice(21) == expected", ""),
    "score": ("def score(truth, guess):\n    return (truth == guess).mean()", "assert score(labels, labels) == 1.0", ""),
    "guess": ("def guess(n):\n    return np.array([0, 1, 1, 0, 2, 1])[:n]", "assert reference.score(labels, guess(6)) == 1.0", ""),
    "quiet": ("def quiet(x):\n    return x", "assert quiet(0) == 0", f"assert quiet({HIDDEN_INPUT!r}) == {HIDDEN_INPUT!r}"),
    "Adder": ("class Adder:\n    def total(self, a):\n        return a.sum()",
              "a = np.arange(1.0, 6.0)\nnp.testing.assert_allclose(Adder().total(a), a.sum())", ""),
    "unique": ("def unique(pairs):\n    return pairs", "assert set(unique([(1, 2)])) == {(1, 2)}", ""),
}  # fmt: skip
LIMITS = Limits(cell_seconds=2.0, total_seconds=4.0, memory_mb=200, file_mb=64, output_kb=64)


@pytest.fixture(scope="module")
def lesson() -> Bundle:
    """One question for each of them."""
    cells = [lessons.setup(SETUP, id="setup")]
    for name, (source, public, hidden) in QUESTIONS.items():
        cells.append(lessons.solution(name, source))
        if name == "train":
            cells.append(lessons.setup("train(net)", id="use"))
        if name == "rate":
            cells.append(lessons.setup("def evaluate(a):\n    return rate(a).mean()", id="evaluate"))
        if name == "tool":
            cells.append(lessons.setup("def check(got, want):\n    assert got == want\nprint(tool(1))", id="helper"))
        cells.append(lessons.test(f"test-{name}", public, hidden))
    return lessons.bundle(*cells, limits=LIMITS)


@pytest.fixture(scope="module")
def engine(lesson: Bundle) -> Iterator[Engine]:
    """Its engine, which waits no longer than it must for a judge that does not come back."""
    import saiten.grading.house

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saiten.grading.house, "SPARE_SECONDS", 2.0)
        with Engine(lesson) as running:
            yield running


RIGHT = {name: source for name, (source, _, _) in QUESTIONS.items()}


def mark(engine: Engine, lesson: Bundle, *own: str, **answers: str) -> Result:
    """Mark these answers alone; every other question is left untouched."""
    return engine.mark(lessons.submission(*target.cells_of(lesson, answers), *map(lessons.code_cell, own)))


def test_right_answers(engine: Engine, lesson: Bundle) -> None:
    """Can all points be earned?"""
    result = mark(engine, lesson, **RIGHT)
    assert result.score == len(QUESTIONS), result.questions


def still_open(reason: str) -> pytest.MarkDecorator:
    """An attack that works today."""
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)


@pytest.mark.parametrize("question", ["state", "train"])
def test_no_answer_to_a_question_that_changes_an_object(engine: Engine, lesson: Bundle, question: str) -> None:
    """Is it lost, where the reference fills a dict or trains a model that a set-up cell made?"""
    assert target.scores(mark(engine, lesson))[question] == 0


def test_a_helper_beside_a_demonstration(engine: Engine, lesson: Bundle) -> None:
    """Is a wrong answer lost that replaces the helper which the test compares with?"""
    answer = "def tool(x):\n    globals()['check'] = lambda *a: None\n    return 0"
    assert target.scores(mark(engine, lesson, tool=answer))["tool"] == 0


def test_a_helper_that_calls_the_answer(engine: Engine, lesson: Bundle) -> None:
    """Is a wrong answer lost that replaces the function which evaluates it?"""
    answer = "def rate(x):\n    return x < 0"
    replaced = "def evaluate(a):\n    return 11 / 12"
    cells = target.cells_of(lesson, {"rate": answer})
    behind = next(index for index, cell in enumerate(cells) if cell["id"] == "evaluate") + 1
    result = engine.mark(lessons.submission(*cells[:behind], lessons.code_cell(replaced), *cells[behind:]))
    assert target.scores(result)["rate"] == 0


def test_an_argument_emptied(engine: Engine, lesson: Bundle) -> None:
    """Is a wrong answer lost that zeroes its argument and returns zero?"""
    answer = "def total(a):\n    a[...] = 0\n    return 0.0"
    assert target.scores(mark(engine, lesson, total=answer))["total"] == 0


def test_the_data_of_later_questions(engine: Engine, lesson: Bundle) -> None:
    """Is a wrong answer to a later question lost, where an earlier one has zeroed the data?"""
    result = mark(
        engine, lesson, shift="def shift(a):\n    a[...] = 0\n    return a", later="def later(a):\n    return a"
    )
    assert target.scores(result)["later"] == 0


def test_the_tests_own_variable_is_not_sent(engine: Engine, lesson: Bundle) -> None:
    """Is an answer lost that returns the variable in which the test keeps what it expects?"""
    answer = "expected = 0\ndef twice(x):\n    return expected"
    assert target.scores(mark(engine, lesson, twice=answer))["twice"] == 0


def test_labels_that_an_earlier_test_sent(engine: Engine, lesson: Bundle) -> None:
    """Is a guess lost that repeats the labels which the test of another question passed?"""
    score = "seen = []\ndef score(truth, guess):\n    seen.append(truth)\n    return 1.0"
    result = mark(engine, lesson, score=score, guess="def guess(n):\n    return seen[0][:n]")
    assert target.scores(result)["guess"] == 0


@still_open(
    "processes of one submission share its scratch folder, and a copy of a process is made by the process itself"
)
def test_labels_that_an_earlier_test_sent_kept_in_a_file(engine: Engine, lesson: Bundle) -> None:
    """The same, where the labels are kept in a file: is the guess lost?"""
    score = "def score(truth, guess):\n    np.save('seen.npy', truth)\n    return 1.0"
    result = mark(engine, lesson, score=score, guess="def guess(n):\n    return np.load('seen.npy')[:n]")
    assert target.scores(result)["guess"] == 0


@still_open(
    "what a method of the reference's would change in place is not known: it needs an object of the reference's"
)
def test_an_argument_emptied_by_a_method(engine: Engine, lesson: Bundle) -> None:
    """Is a wrong answer lost that is a class, and whose method zeroes its argument and returns zero?"""
    answer = "class Adder:\n    def total(self, a):\n        a[...] = 0\n        return 0.0"
    assert target.scores(mark(engine, lesson, Adder=answer))["Adder"] == 0


def test_hidden_inputs_are_not_shown(engine: Engine, lesson: Bundle) -> None:
    """Is the input of a hidden test absent from what the student reads?"""
    result = mark(engine, lesson, "print(seen)", quiet="seen = []\ndef quiet(x):\n    seen.append(x)\n    return x")
    assert HIDDEN_INPUT not in target.outputs(result)


def test_memory_that_no_limit_counts(engine: Engine, lesson: Bundle) -> None:
    """Does the limit of memory hold for memory files, too?"""
    code = (
        "import os\nkept = 0\ntry:\n    for _ in range(6):\n        fd = os.memfd_create('x')\n"
        "        for _ in range(60):\n            kept += os.write(fd, bytes(1 << 20))\n"
        "except (OSError, MemoryError):\n    pass\nprint('kept', 'more' if kept > 300 << 20 else 'less')"
    )
    assert "kept more" not in target.outputs(mark(engine, lesson, code))


def test_a_note_in_a_keyring(engine: Engine, lesson: Bundle) -> None:
    """Is a key that one student left gone when the next one comes?"""
    call = "import ctypes\nlibc = ctypes.CDLL(None)\n"
    note = "kappa-note-for-the-next"
    leave = call + "print('key', libc.syscall({'x86_64': 248, 'aarch64': 217}[__import__('os').uname().machine], "
    mark(engine, lesson, leave + f"b'user', b'{note}', b'x', 1, -4))")
    assert note not in target.outputs(mark(engine, lesson, "print(open('/proc/keys').read())"))


def test_the_output_of_many_cells(engine: Engine, lesson: Bundle) -> None:
    """Is the marked notebook of a size that can be stored, however many cells print?"""
    result = mark(engine, lesson, *["print('x' * 60_000)"] * 300)
    assert len(result.notebooks[0].document) < 8 << 20


def test_a_test_that_hashes_what_collides(engine: Engine, lesson: Bundle) -> None:
    """Is it a lost question, where a test makes a set of what a student chose to have one hash?"""
    answer = "def unique(pairs):\n    return [complex(-1000003 * k, k) for k in range(300_000)]"
    result = mark(engine, lesson, unique=answer)
    after = mark(engine, lesson, **RIGHT)
    if after.score != len(QUESTIONS):
        raise RuntimeError("the next submission was harmed")
    assert result.status is Status.GRADED
