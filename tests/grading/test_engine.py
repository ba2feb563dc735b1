"""Does a test that was written for nbgrader mean the same when the student's names live in another process?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import nbformat
import psutil
import pytest

import lessons
from saiten.bundle import Bundle, Limits
from saiten.errors import EngineError
from saiten.grading import Engine
from saiten.results import CellStatus, QuestionResult, Result, Status
from saiten.submission import Submission

SETUP = """
import numpy as np
from collections import OrderedDict
X = np.arange(6.0).reshape(2, 3)
names = ["a", "b"]
def twice(x):
    return 2 * x
"""


def many(cases: dict[str, tuple[str, str]], **more: Any) -> Bundle:
    """One notebook for each case, so that all share the imports of one engine."""
    notebooks = []
    for number, (public, source) in enumerate(cases.values()):
        cells = lessons.bundle(
            lessons.setup(SETUP), lessons.solution("work", source), lessons.test("test-work", public, points=4)
        )
        notebooks.append(replace(cells.notebooks[0], name=f"case-{number}"))
    return replace(lessons.bundle(limits=Limits(cell_seconds=10)), notebooks=tuple(notebooks), **more)


WORKING = {
    "a function of the student's is called, data comes back": (
        "r = work(3, b=4)\nassert r == 7 and type(r) is int",
        "def work(a, *, b):\n    return a + b",
    ),
    "every kind of plain data arrives as exactly that kind": (
        "for value in [None, True, 3, 2.5, 1j, 'x', b'y', [1], (1, 2), {'a': 1}, {1, 2}, frozenset([1]), 10**30,\n"
        "              OrderedDict(a=1), np.float32(1.5), np.arange(3), np.zeros((2, 0)), np.array(['a', 'bc'])]:\n"
        "    back = work(value)\n"
        "    assert type(back) is type(value)\n"
        "    if isinstance(value, np.ndarray):\n"
        "        assert back.dtype == value.dtype and back.shape == value.shape and (back == value).all()\n"
        "    else:\n"
        "        assert back == value",
        "import copy\ndef work(x):\n    return copy.deepcopy(x)",
    ),
    "an array that the call changed in place is changed for the test": (
        "a = np.zeros(3)\nassert work(a) is None\nassert (a == [0, 7, 0]).all()",
        "def work(a):\n    a[1] = 7",
    ),
    "lists and dicts within arguments are changed in place, too": (
        "inner = [1]\nbox = {'k': inner}\nwork(box)\nassert inner == [1, 2] and box['new'] == 3 and box['k'] is inner",
        "def work(d):\n    d['k'].append(2)\n    d['new'] = 3",
    ),
    "a returned argument is the test's own object": ("a = [1]\nassert work(a) is a", "def work(a):\n    return a"),
    "a copy is not": ("a = [1]\nassert work(a) is not a and work(a) == a", "def work(a):\n    return list(a)"),
    "functions of the test are call-backs": (
        "seen = []\ndef f(x):\n    seen.append(x)\n    return x + 1\n"
        "assert work(f, 3) == 5 and seen == [3, 4]\nassert work(lambda v: v * 10, 1) == 100",
        "def work(f, x):\n    return f(f(x))",
    ),
    "a call-back may call the student again": (
        "def f(n):\n    return 0 if n == 0 else 1 + work(f, n - 1)\nassert work(f, 5) == 5",
        "def work(f, n):\n    return f(n)",
    ),
    "an exception in a call-back passes through the student's code to the test": (
        "def f():\n    raise KeyError('gone')\ntry:\n    work(f)\nexcept KeyError:\n    ok = True\nassert ok",
        "def work(f):\n    return f()",
    ),
    "built-in exceptions arrive as themselves": (
        "try:\n    work(-1)\nexcept ValueError as error:\n    assert 'negative' in str(error)\n"
        "else:\n    raise AssertionError",
        "def work(x):\n    raise ValueError('negative')",
    ),
    "library exceptions arrive as themselves": (
        "import pytest\nwith pytest.raises(np.linalg.LinAlgError):\n    work(np.zeros((2, 2)))",
        "def work(a):\n    return np.linalg.inv(a)",
    ),
    "an exception class of the student's is caught by its base": (
        "try:\n    work()\nexcept ValueError as error:\n    assert type(error).__name__ == 'Mine'",
        "class Mine(ValueError):\n    pass\ndef work():\n    raise Mine('x')",
    ),
    "objects of the student's are handles": (
        "box = work(2)\nassert box.n == 2 and len(box) == 2 and box[1] == 1 and list(box) == [0, 1]\n"
        "assert box.add(3) == 5\nbox.n = 9\nassert box.n == 9 and box.same() is box",
        "class work:\n    def __init__(self, n): self.n = n\n    def __len__(self): return self.n\n"
        "    def __getitem__(self, i): return i\n    def __iter__(self): return iter(range(self.n))\n"
        "    def add(self, k): return self.n + k\n    def same(self): return self",
    ),
    "a generator can be iterated": (
        "assert list(work(3)) == [0, 1, 4]",
        "def work(n):\n    return (i*i for i in range(n))",
    ),
    "handles travel back": (
        "box = make(3)\nassert read(box) == 3",
        "class B: pass\ndef make(n):\n    b = B(); b.n = n\n    return b\ndef read(b):\n    return b.n\nwork = 0",
    ),
    "the signature, name and docstring of a function can be read": (
        "import inspect\nassert list(inspect.signature(work).parameters) == ['a', 'b']\n"
        "assert work.__name__ == 'work' and 'Adds' in work.__doc__ and callable(work)",
        "def work(a, b=1):\n    'Adds.'\n    return a + b",
    ),
    "variables of the student's are data": ("assert work == [1, 2] and type(work) is list", "work = [1, 2]"),
    "a variable that a call changes is seen changed": (
        "assert history == []\nwork(3)\nwork(4)\nassert history == [3, 4] and counter == 2",
        "history = []\ncounter = 0\ndef work(x):\n    global counter\n    counter += 1\n    history.append(x)",
    ),
    "a deleted name is missing for the student, too": (
        "original = helper\ndel helper\ntry:\n    work()\nexcept NameError:\n    pass\n"
        "else:\n    raise AssertionError\n"
        "finally:\n    helper = original\nassert work() == 1",
        "def helper():\n    return 1\ndef work():\n    return helper()",
    ),
    "a rebound name is rebound for the student": (
        "calls = []\ndef fake(x):\n    calls.append(x)\n    return 42\nkeep, helper = helper, fake\n"
        "assert work(1) == 42 and calls == [1]\nhelper = keep\nassert work(1) == 2",
        "def helper(x):\n    return x + 1\ndef work(x):\n    return helper(x)",
    ),
    "the reference is at hand": ("assert work(5) == reference.work(5) == 25", "def work(x):\n    return x * x"),
    "the instructor's names are at hand in the answer": ("assert work() == 8", "def work():\n    return twice(4)"),
    "a number at the end is partial credit": ("work()\n4", "def work():\n    pass"),
    "IPython's magics work in tests and answers": (
        "%precision 3\nassert list(work) == ['hello']",
        "%precision 2\nwork = !echo hello",
    ),
    "shell lines are read by bash, whatever started the marking": (
        "assert list(work) == ['bash', r'\\n'], list(work)",
        "work = !echo ${BASH_VERSION:+bash} && echo '\\n'",
    ),
    "top-level await works in answers": ("assert work == 3", "import asyncio\nawait asyncio.sleep(0)\nwork = 3"),
    "a warning on stderr costs nothing": (
        "assert work(1) == 1",
        "import warnings, sys\ndef work(x):\n    warnings.warn('careful')\n    print('hm', file=sys.stderr)\n"
        "    return x",
    ),
    "printing a lot costs nothing": (
        "assert work() == 1",
        "def work():\n    print('x' * 5_000_000)\n    return 1\nwork()",
    ),
    "random numbers of the test are the test's": (
        "a = np.random.default_rng(3).normal(size=4)\nnp.random.seed(0)\nb = np.random.random()\nwork()\n"
        "np.random.seed(0)\nassert b == np.random.random()",
        "def work():\n    np.random.seed(1)",
    ),
    "library objects travel by value": (
        "from fractions import Fraction\nimport datetime\nassert work(Fraction(1, 3)) == '1/3'",
        "def work(x):\n    return str(x)",
    ),
}


@pytest.fixture(scope="module")
def working() -> dict[str, QuestionResult]:
    """Every case's own answer, handed in at once."""
    lesson = many(WORKING)
    answers = {
        notebook.name: lessons.notebook(lessons.code_cell(SETUP), lessons.code_cell(source, "work"))
        for notebook, (_, source) in zip(lesson.notebooks, WORKING.values(), strict=True)
    }
    with Engine(lesson) as engine:
        result = engine.mark(Submission("student-001", "lesson", answers))
    assert result.status is Status.GRADED, result.message
    return dict(zip(WORKING, result.questions, strict=True))


@pytest.mark.parametrize("case", WORKING)
def test_a_right_answer_gets_all_points(case: str, working: dict[str, QuestionResult]) -> None:
    """Does this way of testing work across the processes?"""
    assert (working[case].score, working[case].message) == (4.0, "")


@pytest.fixture(scope="module")
def lesson() -> Bundle:
    """An ordinary assignment with two questions, a written answer, and an instructor's cell that uses an answer."""
    return lessons.bundle(
        lessons.text("# Squares"),
        lessons.setup("import numpy as np\nX = np.arange(4.0)\nprint('data ready')"),
        lessons.solution("square", "def square(x):\n    return np.asarray(x) ** 2"),
        lessons.setup("shown = square(X)\nshown"),
        lessons.test("test-square", "assert square(3) == 9", "assert (shown == X ** 2).all(), 'use **'", points=2),
        lessons.setup("Y = X + 1"),
        lessons.solution("total", "def total(x):\n    return float(np.sum(x))"),
        lessons.test("test-total", "assert total(Y) == 10.0", "assert total([0.5]) == 0.5", points=3),
        lessons.manual("why", "Because.", points=5),
    )


@pytest.fixture(scope="module")
def engine(lesson: Bundle) -> Iterator[Engine]:
    """One warm engine for the ordinary assignment."""
    with Engine(lesson) as running:
        yield running


RIGHT = {"square": "def square(x):\n    return np.asarray(x) * x", "total": "def total(x):\n    return float(sum(x))"}


def scores(result: Result) -> dict[str, float | None]:
    """Question to score."""
    return {question.name: question.score for question in result.questions}


def test_a_right_submission(engine: Engine, lesson: Bundle) -> None:
    """Are points, status and the marked notebook what an instructor expects?"""
    result = engine.mark(lessons.answer(lesson, why="It is so.", **RIGHT))
    assert scores(result) == {"square": 2, "total": 3, "why": None}
    assert (result.status, result.score, result.max_score) == (Status.NEEDS_MANUAL, 5, 10)
    document = nbformat.reads(result.notebooks[0].document, as_version=4)
    nbformat.validate(document)
    outputs = [cell.outputs for cell in document.cells if cell.cell_type == "code"]
    assert outputs[0][0].text == "data ready\n"
    assert outputs[2][0].data["text/plain"] == "array([0., 1., 4., 9.])"
    assert document.cells[-1].source == "It is so."
    assert Result.from_json(result.to_json()) == result


def test_the_release_gets_nothing(engine: Engine, lesson: Bundle) -> None:
    """Does an untouched notebook get 0, with nothing to mark by hand?"""
    result = engine.mark(lessons.answer(lesson))
    assert scores(result) == {"square": 0, "total": 0, "why": 0}
    assert result.status is Status.GRADED
    assert result.questions[2].status is CellStatus.UNANSWERED
    assert result.notebooks[0].unchanged == ("square", "total", "why")
    assert result.questions[1].message == "total is not defined: cell total ended early (NotImplementedError)"


def test_one_wrong_answer_costs_its_own_question(engine: Engine, lesson: Bundle) -> None:
    """Do the questions stand by themselves?"""
    result = engine.mark(lessons.answer(lesson, square="def square(x):\n    return 2 * x", total=RIGHT["total"]))
    assert scores(result)["square"] == 0
    assert scores(result)["total"] == 3
    assert result.questions[0].message == "the test did not hold: assert square(3) == 9"


def test_an_authors_message_is_shown_but_nothing_else_of_a_hidden_test(engine: Engine, lesson: Bundle) -> None:
    """Does a student read the assert's message, and of other hidden failures only that there was one?"""
    wrong = "def square(x):\n    return 9 if np.ndim(x) == 0 else x"
    assert engine.mark(lessons.answer(lesson, square=wrong)).questions[0].message == "use **"
    wrong = "def total(x):\n    return 10.0 if len(x) > 1 else 1 / 0"
    message = engine.mark(lessons.answer(lesson, total=wrong)).questions[1].message
    assert message == "your code raised ZeroDivisionError (in your code: cell total, line 2)"
    leaky = "def total(x):\n    if len(x) > 1:\n        return 10.0\n    raise ValueError(f'the secret is {x}')"
    assert "0.5" not in engine.mark(lessons.answer(lesson, total=leaky)).questions[1].message


def test_a_changed_leading_cell_counts(engine: Engine, lesson: Bundle) -> None:
    """Is an edited set-up cell run as the student left it, while the test keeps the instructor's data?"""
    cells = [
        lessons.code_cell("import numpy as np\nX = np.zeros(4)\nK = 3", id="cell-1"),
        lessons.code_cell("def square(x):\n    assert K == 3\n    return np.asarray(x) ** 2", "square"),
        lessons.code_cell(RIGHT["total"], "total"),
    ]
    result = engine.mark(lessons.submission(*cells))
    assert scores(result) == {"square": 0, "total": 3, "why": None}, "shown was computed from the changed X"
    assert result.questions[0].message == "use **"


def test_a_students_own_cells_run_where_they_stand(engine: Engine, lesson: Bundle) -> None:
    """May a student define helpers in cells of their own?"""
    cells = [
        lessons.code_cell("def helper(x):\n    return np.asarray(x) ** 2"),
        lessons.code_cell("def square(x):\n    return helper(x)", "square"),
        lessons.code_cell("def total(x):\n    return 0", "total"),
        lessons.code_cell("def total(x):\n    return float(sum(x))"),
    ]
    result = engine.mark(lessons.submission(*cells))
    assert scores(result)["square"] == 2
    assert scores(result)["total"] == 3, "the later definition is what a notebook run from top to bottom has"


def test_a_dead_process_costs_one_question(engine: Engine, lesson: Bundle) -> None:
    """Can the next question be marked after the process died in a call, or in a cell?"""
    in_call = engine.mark(lessons.answer(lesson, square="import os\ndef square(x):\n    os._exit(0)", **_only("total")))
    in_cell = engine.mark(lessons.answer(lesson, square="import os\nos._exit(0)", **_only("total")))
    for result in (in_call, in_cell):
        assert scores(result)["square"] == 0
        assert scores(result)["total"] == 3
    assert in_call.questions[0].message == "the student's process died"
    assert in_cell.questions[0].message == "square is not defined: cell square ended early (the student's process died)"


def test_a_signal_to_its_own_group_reaches_no_copy_of_a_process(engine: Engine, lesson: Bundle) -> None:
    """Are tests of one question safe from another cell's signal, even where their copy is slow to leave the group?"""
    slow = "import os, time\nos.register_at_fork(after_in_child=lambda: time.sleep(0.3))\n"
    kills = "import os, signal\nos.kill(0, signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)"
    result = engine.mark(lessons.answer(lesson, square=slow + RIGHT["square"] + "\nstate = []", total=kills))
    assert scores(result) == {"square": 2, "total": 0, "why": 0}


def _only(name: str) -> dict[str, str]:
    return {name: RIGHT[name]}


def test_a_submission_without_the_notebook_is_rejected(engine: Engine) -> None:
    """Is the reason said, and no score given?"""
    result = engine.mark(Submission("student-001", "lesson", {"other": b"{}"}))
    assert (result.status, result.score) == (Status.REJECTED, None)
    assert result.message == "The submission holds no notebook of the assignment. Hand in lesson.ipynb."


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"nbformat": 4}', b'{"nbformat": 4, "cells": 3}'])
def test_what_is_no_notebook_is_rejected(engine: Engine, content: bytes) -> None:
    """Is each kind of damage named in one sentence?"""
    result = engine.mark(Submission("student-001", "lesson", {"lesson": content}))
    assert result.status is Status.REJECTED
    assert result.message.endswith("Open it in Jupyter, save it, and hand it in again.")


def test_the_same_submission_gets_the_same_result(engine: Engine, lesson: Bundle) -> None:
    """Is marking repeatable, time aside?"""
    noisy = lessons.answer(lesson, square="r = np.random.random()\nprint(r)\ndef square(x):\n    return r", total="")
    first, second = engine.mark(noisy), engine.mark(noisy)
    assert replace(first, seconds=0) == replace(second, seconds=0)


def test_each_question_says_how_long_it_took(engine: Engine, lesson: Bundle) -> None:
    """Are a slow cell and a slow test of one question that question's seconds, and no other's?"""
    slow = "import time\ntime.sleep(0.3)\ndef square(x):\n    time.sleep(0.2)\n    return x * x"
    result = engine.mark(lessons.answer(lesson, square=slow, **_only("total")))
    square, total, why = result.questions
    assert square.seconds is not None
    assert total.seconds is not None
    tests = [cell.seconds or 0.0 for cell in square.cells]
    assert 0.2 <= sum(tests) <= square.seconds - 0.3
    assert total.seconds < 0.2 < square.seconds < result.seconds
    assert why.seconds is None, "nothing of it runs"


def test_a_result_from_before_times_were_noted_is_read(engine: Engine, lesson: Bundle) -> None:
    """Does a ledger's older result come back, its times unknown?"""
    result = engine.mark(lessons.answer(lesson, **_only("total")))
    raw = json.loads(result.to_json())
    for question in raw["questions"]:
        for part in (question, *question["cells"]):
            del part["seconds"]
    old = Result.from_json(json.dumps(raw))
    assert old == result, "times are no part of a verdict"
    assert [question.seconds for question in old.questions] == [None] * len(result.questions)


def test_time_is_up(lesson: Bundle) -> None:
    """Does a slow cell or call end at its limit, what it defined stay, and the next question get marked?"""
    limits = Limits(cell_seconds=1, total_seconds=30)
    quick = replace(lesson, limits=limits)
    deaf = (
        "import time\ndef square(x):\n    while True:\n        try:\n            time.sleep(9)\n"
        "        except BaseException:\n            pass"
    )
    with Engine(quick) as engine:
        slow_cell = engine.mark(lessons.answer(quick, square=RIGHT["square"] + "\nwhile True: pass", **_only("total")))
        slow_call = engine.mark(lessons.answer(quick, square="def square(x):\n    while True: pass", **_only("total")))
        deaf_call = engine.mark(lessons.answer(quick, square=deaf, **_only("total")))
    assert scores(slow_cell) == {"square": 2, "total": 3, "why": 0}
    for result in (slow_call, deaf_call):
        assert scores(result) == {"square": 0, "total": 3, "why": 0}
        assert "time is up" in result.questions[0].message or "within" in result.questions[0].message


def test_a_test_that_must_run_in_the_students_process() -> None:
    """Does the tag in-student run a test where it can see frames and globals of the answer?"""
    lesson = lessons.bundle(
        lessons.solution("work", "secret = 3\ndef work():\n    return secret"),
        lessons.test("test-work", "assert work.__globals__['secret'] == 3\n1.5", points=2, tags=("in-student",)),
    )
    with Engine(lesson) as engine:
        assert engine.mark(lessons.answer(lesson, work="secret = 3\ndef work(): pass")).score == 1.5
        wrong = engine.mark(lessons.answer(lesson, work="secret = 4\ndef work(): pass"))
    assert wrong.score == 0


def test_objects_of_the_instructors_that_cells_work_on() -> None:
    """Is an object the instructor's until a cell with answers works on it, and then the student's?"""
    lesson = lessons.bundle(
        lessons.setup("import numpy as np\nX = np.ones(3)\nfound = {}"),
        lessons.setup("X *= 2"),
        lessons.solution("work", "def work(d):\n    d['n'] = 3"),
        lessons.setup("work(found)\ndef check(f):\n    d = {}\n    f(d)\n    return d['n']"),
        lessons.test("in-place", "assert X.tolist() == [2, 2, 2]"),
        lessons.test("filled", "assert found == {'n': 3}"),
        lessons.test("helped", "assert check(work) == 3"),
    )
    with Engine(lesson) as engine:
        right = engine.mark(lessons.answer(lesson, work="def work(d):\n    d.update(n=3)"))
        wrong = engine.mark(lessons.answer(lesson, work="check = lambda f: 3\ndef work(d):\n    pass"))
    assert [cell.score for cell in right.cells] == [1, 1, 1], right.questions
    assert [cell.score for cell in wrong.cells] == [1, 0, 0]


def test_a_local_name_makes_no_cell_the_students() -> None:
    """Do data stay the instructor's, whose cell has a function with a local that a later demonstration binds, too?"""
    lesson = lessons.bundle(
        lessons.setup("def load():\n    rows = [1, 2, 3]\n    return rows\nX = load()", id="data"),
        lessons.solution("work", "def work(x):\n    return sum(x)"),
        lessons.setup("rows = work(X)\nX"),
        lessons.test("test-work", "assert work(X) == 6"),
    )
    with Engine(lesson) as engine:
        changed = lessons.submission(
            lessons.code_cell("X = [6]", id="data"), lessons.code_cell("def work(x):\n    return x[-1] * 2", "work")
        )
        own_data = engine.mark(changed)
        right = engine.mark(lessons.answer(lesson, work="def work(x):\n    return x[0] + x[1] + x[2]"))
    assert right.score == 1, right.questions
    assert own_data.score == 1, "the test's X is the instructor's [1, 2, 3]"


def test_arguments_that_only_the_answer_changes() -> None:
    """Has a test to hold with its arguments changed as in one process, and with them left as they were?"""
    lesson = lessons.bundle(
        lessons.setup("import numpy as np\nX = np.arange(4.0)"),
        lessons.solution("centre", "def centre(x):\n    return x - x.mean()"),
        lessons.test("public", "np.testing.assert_allclose(centre(np.array([1.0, 3.0])), [-1, 1])"),
        lessons.test("later", "got = centre(X)\nnp.testing.assert_allclose(got, X - X.mean())"),
        lessons.test("kept", "before = X.copy()\ncentre(X)\nassert (X == before).all()"),
        lessons.solution("fill", "def fill(x):\n    x[:] = 7"),
        lessons.test("in-place", "a = np.zeros(3)\nfill(a)\nassert (a == 7).all() and X.tolist() == [0, 1, 2, 3]"),
    )
    sloppy = "def centre(x):\n    x -= x.mean()\n    return x"
    zero = "def centre(x):\n    x *= 0\n    return x"
    fill = "def fill(x):\n    x += 7"
    with Engine(lesson) as engine:
        scores = [
            [cell.score for cell in engine.mark(lessons.answer(lesson, centre=answer, fill=fill)).cells]
            for answer in (sloppy, zero)
        ]
    assert scores == [[1, 1, 0, 1], [0, 0, 0, 1]]


def test_tests_see_the_cells_before_them_and_no_others() -> None:
    """Is a name as it was where the test stands, an object kept by a test alive, and a dead process one question's?"""
    lesson = lessons.bundle(
        lessons.setup("import numpy as np"),
        lessons.solution("first", "seen = []\ndef first(n):\n    seen.append(n)\n    return iter(range(n))"),
        lessons.test("t1", "assert seen == []\nkept = first(3)\nassert seen == [3] and list(first(2)) == [0, 1]"),
        lessons.solution("second", "seen.append('cell')\ndef second():\n    return 2"),
        lessons.test("t2", "assert second() == 2 and seen == ['cell'] and list(kept) == [0, 1, 2]"),
        lessons.solution("third", "def first(n):\n    return 'another'\ndef third():\n    return first(1)"),
        lessons.test("t3", "assert third() == 'another' == first(9)"),
    )
    answers = {cell.grade_id or "": cell.source for cell in lesson.notebooks[0].cells if cell.role.value == "solution"}
    dying = "import os\nseen.append('cell')\ndef second():\n    os._exit(1)"
    with Engine(lesson) as engine:
        right = engine.mark(lessons.answer(lesson, **answers))
        died = engine.mark(lessons.answer(lesson, **{**answers, "second": dying}))
    assert [cell.score for cell in right.cells] == [1, 1, 1], right.cells
    assert [cell.score for cell in died.cells] == [1, 0, 1], died.cells


def test_files_of_the_assignment_and_of_the_submission() -> None:
    """Are public files in both folders, hidden ones only with the judge, and the student's own by allow list?"""
    lesson = lessons.bundle(
        lessons.solution("work", "import os\ndef work():\n    return sorted(os.listdir('.'))"),
        lessons.test("test-work", "import os\nassert work() == ['data', 'notes.py']\n"
                     "assert sorted(os.listdir('.')) == ['data', 'hidden.csv']\n"
                     "assert open('data/a.txt').read() == 'A'"),
        files={"data/a.txt": b"A"},
        hidden_files={"hidden.csv": b"1"},
        allow_files=("*.py",),
    )  # fmt: skip
    source = lesson.notebooks[0].cells[0].source
    handed_in = lessons.submission(
        lessons.code_cell(source, "work"), files={"notes.py": b"x = 1", "numpy.txt": b"no", "data/a.txt": b"forged"}
    )
    with Engine(lesson) as engine:
        result = engine.mark(handed_in)
    assert result.score == 1, result.questions


def test_a_failing_instructors_cell_is_our_fault_not_a_zero() -> None:
    """Is a broken set-up reported as such, whoever's submission comes?"""
    lesson = lessons.bundle(
        lessons.setup("1 / 0"), lessons.solution("work", "work = 1"), lessons.test("t", "assert work")
    )
    with pytest.raises(EngineError, match="ZeroDivisionError"), Engine(lesson):
        pass


def test_nothing_is_left_behind(lesson: Bundle) -> None:
    """Do all processes and folders end with the engine?"""
    before = set(psutil.Process().children(recursive=True))
    with Engine(lesson) as engine:
        engine.mark(lessons.answer(lesson, square="import os\nif os.fork() == 0:\n    import time; time.sleep(600)"))
        folder = engine._folder
        assert folder is not None
        assert folder.exists()
    assert set(psutil.Process().children(recursive=True)) == before
    assert not folder.exists()
