# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""An assignment whose questions are aimed at by attacks on what is Saiten's own, and those attacks: all inventions.

Two processes, names that belong to the student, call-backs, restarts, messages: each question has a test, or stands in
a place, that one of them is aimed at.
"""

from __future__ import annotations

import attack_target as target
import hostile_forgeries
from attack_target import Attack

import lessons
from saiten.bundle import Bundle

SETUP = """
import numpy as np
rows = np.arange(12.0).reshape(4, 3)
answers = {}
class Net:
    weight = 0
net = Net()
"""
CALLBACK = (
    "callback = 'kappa-secret-of-a-call-back'\nassert apply(lambda v, secret=callback: v + len(secret) * 0 + 1, 3) == 4"
)
HIDDEN_INPUT = "kappa-hidden-input"

QUESTIONS: dict[str, tuple[str, str, str]] = {
    "twice": ("expected = 7\ndef twice(x):\n    return 2 * x", "expected = reference.twice(21)\nassert twice(21) == expected", ""),
    "alias": ("alias = np.linalg.norm", "assert alias([3.0, 4.0]) == 5.0", ""),
    "method": ("method = rows.sum", "assert method() == 66.0", ""),
    "ufunc": ("ufunc = np.vectorize(lambda x: x + 1)", "assert list(ufunc([1, 2])) == [2, 3]", ""),
    "each": ("def each(x):\n    return x + 1", "assert all(map(lambda x: each(x) == x + 1, range(4)))\n"
             "for got, want in zip(map(each, [1, 2]), [2, 3]):\n    assert got == want", ""),
    "timed": ("def timed(a):\n    return a.sum()", "assert total == 66.0", ""),
    "apply": ("def apply(f, x):\n    return f(x)", "assert apply(abs, -2) == 2", CALLBACK),
    "size": ("def size():\n    return 3", "assert np.zeros(size()).shape == (3,) and len('a' * size()) == 3\n"
             "assert len(list(range(size()))) == 3", ""),
    "shown": ("def shown(x):\n    return x * 2", "assert shown(2) == 4\nshown(0.5)", ""),
    "quiet": ("def quiet(x):\n    return x", "def check(x):\n    np.testing.assert_equal(quiet(x), x)\ncheck(0)",
              f"check({HIDDEN_INPUT!r})\nassert quiet({HIDDEN_INPUT!r}) == {HIDDEN_INPUT!r}"),
    "stubborn": ("def stubborn(x):\n    return x", "for number in range(10_000):\n    try:\n        ok = stubborn(number) == number\n"
                 "    except Exception:\n        ok = False\n    if number == 9:\n        break\nassert ok", ""),
    "control": ("def control(x):\n    return x", "assert control(1) == 1", ""),
}  # fmt: skip
"""Question to reference, public test and hidden test."""


def make_bundle(**more: object) -> Bundle:
    """The assignment."""
    cells = [lessons.setup(SETUP, id="setup")]
    for name, (source, public, hidden) in QUESTIONS.items():
        cells.append(lessons.solution(name, source))
        if name == "timed":
            cells.append(lessons.setup("%%time\ntotal = timed(rows)", id="use"))
        cells.append(lessons.test(f"test-{name}", public, hidden))
    return lessons.bundle(*cells, limits=target.HASTE, **more)  # type: ignore[arg-type]


RIGHT = {name: source for name, (source, _, _) in QUESTIONS.items()}


def _against(question: str, *pairs: tuple[str, str], real: bool = False) -> tuple[Attack, ...]:
    """Attacks on one question: name and answer."""
    return tuple(Attack(name, question, {question: source}, real=real, lesson="inventions") for name, source in pairs)


NAMES = _against(
    "twice",
    ("a global rebinds what is expected", "def twice(x):\n    global expected\n    expected = 0\n    return 0"),
    (
        "a global of its own rebinds what is expected",
        "expected = 0\ndef twice(x):\n    global expected\n    expected = 0\n    return 0",
    ),
    (
        "the protocol's memory of sent names",
        "import gc\nside = next((t for t in gc.get_objects() if type(t).__name__ == 'StudentSide'), None)\nexpected = 0\n"
        "def twice(x):\n    side._saved.clear()\n    side._sent.clear()\n    globals()['expected'] = 0\n    return 0",
    ),
    (
        "a forged change of what is expected",
        hostile_forgeries.FORGE.replace('side._objects.get(request["target"]) is not double', "False")
        .replace("{code}", "message = ['value', n, 0, [], [['expected', 0]]]")
        .replace("def double", "def twice"),
    ),
)
"""The variable that holds the expected value, where the reference happens to bring that name."""

ENDINGS = _against(
    "each",
    ("StopIteration in map", "def each(x):\n    raise StopIteration"),
    (
        "its own end of iteration",
        "class End(StopIteration, StopAsyncIteration):\n    pass\ndef each(x):\n    raise End",
    ),
)

CALL_BACKS = _against(
    "apply",
    ("a call-back called with itself", "def apply(f, x):\n    return f(f)"),
    ("a call-back called with an object", "def apply(f, x):\n    return f(object())"),
    ("a call-back called with too much", "def apply(f, x):\n    return f(*range(100))"),
    (
        "a call-back that calls back",
        "def apply(f, x):\n    def again(n):\n        return apply(f, n)\n    return f(again)",
    ),
    ("call-backs without end", "def apply(f, x):\n    while True:\n        f(x)"),
    (
        "deaf call-backs without end",
        "def apply(f, x):\n    while True:\n        try:\n            while True: f(x)\n        except BaseException: pass",
    ),
    ("call-backs for nothing", "def apply(f, x):\n    return [f(x) for _ in range(20)][0] * 0"),
    (
        "call-backs from threads",
        "import threading\ndef apply(f, x):\n    for _ in range(9):\n        threading.Thread(target=f, args=(x,)).start()\n    return 0",
    ),
)

SIZES = _against(
    "size",
    *(
        (f"a size of {size}", f"def size():\n    return {size}")
        for size in ("10**9", "1 << 62", "10**400", "-1", "3.0", "True", "float('inf')")
    ),
)
"""A number that becomes a size in the test."""

PARTIAL = _against(
    "shown",
    *(
        (f"a partial mark of {number}", f"def shown(x):\n    return 4 if x == 2 else {number}")
        for number in ("float('nan')", "float('inf')", "-1", "10**400", "-10**400", "2", "1e308")
    ),
)
"""A number that a test ends with."""

MESSAGES = _against(
    "quiet",
    ("tells by an error's text", "def quiet(x):\n    if x:\n        raise ValueError(x)\n    return x"),
    (
        "tells by an error's class",
        "def quiet(x):\n    if x:\n        raise type(x.replace('-', '_'), (Exception,), {})('told')\n    return x",
    ),
    (
        "tells by a class of the judge's",
        "class ArgumentChanged(Exception):\n    __module__ = 'saiten.grading.faults'\ndef quiet(x):\n    if x:\n        raise ArgumentChanged(x)\n    return x",
    ),
    (
        "tells by an error's file",
        "def quiet(x):\n    if x:\n        exec(compile('1 / 0', f'<{x}>', 'exec'))\n    return x",
    ),
    (
        "tells by an error's line",
        "def quiet(x):\n    if x:\n        exec(compile('\\n' * 77_123 + '1 / 0', '<cell quiet>', 'exec'))\n    return x",
    ),
    ("tells by a type", "def quiet(x):\n    return type(x, (), {})() if x else x"),
    ("tells by a helper in a public line", "def quiet(x):\n    return x + '!' if x else x"),
)
"""The input of a hidden test, smuggled into the message."""

LATE = _against(
    "stubborn",
    (
        "an answer in the middle of which time is up",
        "import time\ndef stubborn(x):\n    time.sleep(0.3)\n    return str(x)",
    ),
)

ALL = (*NAMES, *ENDINGS, *CALL_BACKS, *SIZES, *PARTIAL, *MESSAGES, *LATE)
