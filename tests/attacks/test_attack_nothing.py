# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""Does what is no attack keep its points?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attack_target as target
import hostile_inventions
import pytest
from attack_room import Room

import lessons
from saiten.grading import Engine
from saiten.grading.floor import FLOORS

ANSWERS_SUFFICE = True

Cells = list[dict[str, Any]]

ANSWERS = {
    "a warning on stderr": {"double": "import sys, warnings\nwarnings.warn('careful')\nprint('hm', file=sys.stderr)\n"
                                      "def double(x):\n    warnings.warn('again')\n    return x + x"},
    "a helper in the answer": {"solve": "def _helper(a):\n    return np.linalg.inv(a)\ndef solve(a, b):\n    return _helper(a) @ b"},
    "a class with __call__": {"last": "class Last:\n    def __call__(self, items):\n        return items[-1]\nlast = Last()"},
    "a lambda": {"double": "double = lambda x: 2 * x"},
    "a decorated function": {"double": "import functools\n@functools.lru_cache\ndef single(x): return x\n"
                                       "def wrap(f):\n    @functools.wraps(f)\n    def inner(*a): return f(*a)\n    return inner\n"
                                       "@wrap\ndef double(x):\n    return x * 2"},
    "a partial": {"double": "import functools, operator\ndouble = functools.partial(operator.mul, 2)"},
    "a library's function": {"solve": "solve = np.linalg.solve"},
    "float32": {"double": "def double(x):\n    return np.asarray(x, np.float32) * np.float32(2)"},
    "a list for an array": {"solve": "class Vector(list):\n    pass\ndef solve(a, b):\n    return np.linalg.solve(a, b).astype('f4')"},
    "a Counter for a dict": {"count": "from collections import Counter\ndef count(text):\n    return Counter(text)"},
    "a defaultdict for a dict": {"count": "from collections import defaultdict\ndef count(text):\n    d = defaultdict(int)\n"
                                          "    for c in text:\n        d[c] += 1\n    return d"},
    "an argument that is changed and given back": {"double": "def double(x):\n    x = np.array(x) if np.ndim(x) else x\n    x *= 2\n    return x"},
    "printing a lot": {"last": "print('x' * 1_000_000)\ndef last(items):\n    print(items)\n    return items[-1]"},
    "slow, but in time": {"last": "import time\ntime.sleep(0.3)\ndef last(items):\n    time.sleep(0.1)\n    return items[-1]"},
    "threads and processes": {"last": "import concurrent.futures as cf, subprocess\n"
                                      "with cf.ThreadPoolExecutor(2) as pool:\n    print(list(pool.map(abs, [-1])))\n"
                                      "print(subprocess.run(['true']).returncode)\ndef last(items):\n    return items[-1]"},
    "files in the working directory": {"last": "open('notes.txt', 'w').write('x')\ndef last(items):\n"
                                               "    assert open('notes.txt').read() == 'x'\n    return items[-1]"},
    "an error behind the answer": {"last": "def last(items):\n    return items[-1]\nraise ValueError('left over')"},
    "await, magics and a shell command": {"last": "import asyncio\nawait asyncio.sleep(0)\n%time 1 + 1\nname = 'x'\n!echo $name {1 + 1}\n"
                                                  "def last(items):\n    return items[-1]"},
    "another seed": {"last": "import random\nnp.random.seed(1)\nrandom.seed(1)\ndef last(items):\n    return items[-1]"},
    "names of its own that tests use, too": {"last": "note = b = item = 3\ndef last(items):\n    return items[-1]"},
    "typing, dataclasses, generators": {"last": "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n"
                                                "def last(items: list[int]) -> int:\n    *_, end = (P(i) for i in items)\n    return end.x"},
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
def test_another_right_way_keeps_its_points(case: str, room: Room) -> None:
    """Is a right answer right, whatever its manner?"""
    result = room.engine.mark(target.honest(room.bundle, ANSWERS[case]))
    assert target.scores(result) == target.POINTS, result.questions


def _is_test(cell: dict[str, Any]) -> bool:
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", "")).startswith("test-")


def _extra(cells: Cells) -> Cells:
    return [extra for cell in cells for extra in (cell, lessons.code_cell("scratch = 1\nscratch"))]


def _twice(cells: Cells) -> Cells:
    return [again for cell in cells for again in (cell, cell)]


def _stub_first(cells: Cells) -> Cells:
    stubs = [
        {**cell, "source": "# YOUR CODE HERE\nraise NotImplementedError()"} for cell in cells if not _is_test(cell)
    ]
    return [*(stub for stub in stubs if stub["metadata"]), *cells]


def _helper_above(cells: Cells) -> Cells:
    helper = lessons.code_cell("def times(x, k):\n    return x * k")
    cells = [{**cell, "source": cell["source"].replace("x * 2", "times(x, 2)")} for cell in cells]
    return [*cells[:2], helper, *cells[2:]]


SHAPES: dict[str, Callable[[Cells], Cells]] = {
    "own cells everywhere": _extra,
    "a cell of prose": lambda cells: [*cells, {"cell_type": "markdown", "metadata": {}, "source": "Thank you."}],
    "a helper in a cell of its own": _helper_above,
    "tests deleted": lambda cells: [cell for cell in cells if not _is_test(cell)],
    "every cell twice": _twice,
    "the stub still there above the answer": _stub_first,
    "prose and set-up deleted": lambda cells: [cell for cell in cells if cell["metadata"]],
    "a plot": lambda cells: [*cells, lessons.code_cell("import numpy as np\nnp.eye(3)")],
    "an edited set-up cell": lambda cells: [
        {**cell, "source": cell["source"] + "\nmine = 1"} if cell["source"] == target.SETUP else cell for cell in cells
    ],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_another_shape_of_notebook_keeps_its_points(shape: str, room: Room) -> None:
    """Do extra, missing, doubled and moved cells cost nothing?"""
    cells = SHAPES[shape](target.cells_of(room.bundle, target.RIGHT))
    result = room.engine.mark(lessons.submission(*cells))
    assert target.scores(result) == target.POINTS, result.questions


A_THREAD_OF_C_CODE = "import _thread, time\n_thread.start_new_thread(time.sleep, (1000,))"
"""A thread that Python does not know of, as OpenMP's are: a process that has one cannot be copied by a fork."""


@pytest.mark.parametrize("own", ["", A_THREAD_OF_C_CODE], ids=["copied", "cells run again"])
@pytest.mark.parametrize("floor", FLOORS)
def test_every_question_keeps_its_points_on_every_floor(floor: str, own: str) -> None:
    """Are right answers right with copies of the process for each question's tests, and without?"""
    bundle = hostile_inventions.make_bundle()
    cells = [lessons.code_cell(own), *target.cells_of(bundle, hostile_inventions.RIGHT)]
    with Engine(bundle, sandbox=floor) as engine:
        result = engine.mark(lessons.submission(*cells))
    assert result.score == result.max_score, [(cell.name, cell.message) for cell in result.cells if cell.message]
    assert result.notes == ()
