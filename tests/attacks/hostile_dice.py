# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""A second assignment, whose tests draw random numbers, take time, use pytest and load files; and lies to them.

Here a wrong answer needs no odd object: it is enough to own the dice, the clock or the library that the test uses.
"""

from __future__ import annotations

from attack_target import HASTE, Attack

import lessons
from saiten.bundle import Bundle, Limits

SETUP = "import io\nimport math\nimport random\nimport time\nimport numpy as np\nimport pytest"

QUESTIONS: dict[str, tuple[str, str, str]] = {
    "square": ("def square(x):\n    return x ** 2", "x = np.random.rand(5)\nnp.testing.assert_array_equal(square(x), x * x)", ""),
    "pick": ("def pick(items):\n    return sorted(items)", "items = random.sample(range(100), 9)\nassert pick(items) == sorted(items)", ""),
    "quick": ("def quick(n):\n    return n", "start = time.perf_counter()\nassert quick(5) == 5\nassert time.perf_counter() - start < 0.4", ""),
    "near": ("def near(x):\n    return 1 / x", "assert near(2.0) == 0.5", "assert near(4.0) == pytest.approx(0.25)\nwith pytest.raises(ZeroDivisionError):\n    near(0)"),
    "saved": ("def saved():\n    file = io.BytesIO()\n    np.save(file, np.arange(3.0))\n    return file.getvalue()",
              "assert np.load(io.BytesIO(saved())).sum() == 3.0", ""),
}  # fmt: skip
"""Question to reference, public test and hidden test."""

RIGHT = {name: source for name, (source, _, _) in QUESTIONS.items()}


def make_bundle(limits: Limits = HASTE) -> Bundle:
    """The assignment."""
    cells = [lessons.setup(SETUP, id="setup")]
    for name, (source, public, hidden) in QUESTIONS.items():
        cells += [lessons.solution(name, source), lessons.test(f"test-{name}", public, hidden)]
    return lessons.bundle(*cells, imports=("numpy", "pytest"), limits=limits)


ALL = (
    Attack("dice of the student's", "NumPy's random numbers are all one, whose square is one", {"square": "np.random.rand = lambda *a: np.ones(*a)\ndef square(x):\n    return x"}, lesson="dice"),
    Attack("a frozen seed", "every draw is one that the answer knows", {"pick": "random.sample = lambda population, k: list(range(k))\ndef pick(items):\n    return list(range(9))"}, lesson="dice"),
    Attack("a stopped clock", "a slow answer takes no time", {"quick": "wait = time.sleep\ntime.perf_counter = time.monotonic = time.time = lambda: 0.0\ndef quick(n):\n    wait(0.6)\n    return n"}, lesson="dice"),
    Attack("patched pytest", "approx and raises agree with everything", {"near": "import contextlib\npytest.approx = lambda *a, **k: 0.5\npytest.raises = lambda *a, **k: contextlib.nullcontext()\ndef near(x):\n    return 0.5"}, lesson="dice"),
    Attack("patched numpy.testing, all of it", "assertions of the library are the student's", {"square": "for name in dir(np.testing):\n    if name.startswith('assert'):\n        setattr(np.testing, name, lambda *a, **k: None)\ndef square(x):\n    return None"}, lesson="dice"),
    Attack("a patched np.load", "what the test loads is what it wants", {"saved": "np.load = lambda *a, **k: np.ones(3)\ndef saved():\n    return b''"}, lesson="dice"),
    Attack(
        "objects in a .npy",
        "a file that is code when somebody loads it",
        {"saved": "class Evil:\n    def __reduce__(self):\n        return (exec, ('raise SystemExit',))\ndef saved():\n    file = io.BytesIO()\n    np.save(file, np.array([Evil()], dtype=object), allow_pickle=True)\n    return file.getvalue()"},
        real=False,
        lesson="dice",
    ),
    Attack("a .npy with a huge shape", "memory by announcement", {"saved": "def saved():\n    head = b\"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,), }\"\n    return b'\\x93NUMPY\\x01\\0' + (len(head) + 1).to_bytes(2, 'little') + head + b'\\n'"}, real=False, lesson="dice"),
)  # fmt: skip
