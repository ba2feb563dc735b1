"""Otter Assign notebooks made for tests, and what students may hand in for them.

In: nothing. Out: cells of master notebooks that use every feature, as `otter assign` takes them, and wrong answers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def raw(text: str) -> Cell:
    """A raw cell."""
    return {"cell_type": "raw", "metadata": {}, "source": text}


def md(text: str, **more: Any) -> Cell:
    """A markdown cell."""
    return {"cell_type": "markdown", "metadata": {}, "source": text} | more


def code(text: str, shown: str = "", printed: str = "", **metadata: Any) -> Cell:
    """A code cell that has been run: what it returned and what it printed."""
    outputs: list[dict[str, Any]] = []
    if printed:
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed})
    if shown:
        result = {"output_type": "execute_result", "execution_count": 1, "metadata": {}}
        outputs.append(result | {"data": {"text/plain": shown}})
    return {"cell_type": "code", "metadata": metadata, "source": text, "outputs": outputs, "execution_count": 1}


def block(kind: str, *cells: Cell) -> list[Cell]:
    """A block between its raw cells."""
    return [raw(f"# BEGIN {kind}"), *cells, raw(f"# END {kind}")]


def question(config: str, *cells: Cell) -> list[Cell]:
    """A question between its raw cells."""
    return [raw(f"# BEGIN QUESTION\n{config}"), *cells, raw("# END QUESTION")]


def write_master(path: Path, cells: Sequence[Cell], language: str = "python") -> Path:
    """Write a master notebook of nbformat 4.4."""
    kernel = {"display_name": "Python 3", "language": language, "name": "python3"}
    raw_notebook = {"cells": list(cells), "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(raw_notebook, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


DOCTESTS = [
    raw(
        "# ASSIGNMENT CONFIG\nname: hw01\nfiles:\n    - data.csv\nautograder_files:\n    - truth.txt\n"
        "generate: true\nexport_cell: false"
    ),
    md("# Homework 1"),
    code("import numpy as np"),
    *question(
        "name: q1\npoints: 3",
        md("Square a number, and name a ten."),
        *block(
            "SOLUTION",
            code(
                "def square(x):\n    y = x * x # SOLUTION\n    return y # SOLUTION\n\n"
                "ten = 10 # SOLUTION\nprint(ten)\nnine = square(3) # SOLUTION NO PROMPT"
            ),
        ),
        *block(
            "TESTS",
            code("square(3)", "9"),
            code("# HIDDEN\nsquare(-4) == 16", "True"),
            code("assert ten == 10"),
        ),
    ),
    *question(
        "name: q2.a\npoints: [1, 0.5, 2.5]",
        md("Write `mean`."),
        *block(
            "SOLUTION",
            code(
                "# BEGIN SOLUTION NO PROMPT\ndef mean(values):\n    return sum(values) / len(values)\n"
                "# END SOLUTION\n\n"
                '""" # BEGIN PROMPT\ndef mean(values):\n    ...\n""" # END PROMPT'
            ),
        ),
        *block(
            "TESTS",
            code("print(mean([1, 2]))", printed="1.5\n"),
            code("for v in ([2], [4, 6]):\n    print(mean(v))", printed="2.0\n5.0\n"),
            code(
                '""" # BEGIN TEST CONFIG\nhidden: true\nfailure_message: negative numbers, too\n""" # END TEST CONFIG\n'
                "x = mean([-1, -2]); np.isclose(x, -1.5)",
                "np.True_",
            ),
        ),
    ),
    *question(
        "name: q3\nall_or_nothing: true\npoints: 2",
        md("Read the file, say hello."),
        *block(
            "SOLUTION",
            md("It is read line by line."),
            code(
                "# BEGIN SOLUTION\nrows = open('data.csv').read().split()\n\ndef hello(name):\n"
                "    print('hello', name)\n# END SOLUTION"
            ),
        ),
        *block(
            "TESTS",
            code("len(rows)", "3"),
            code("# hidden\nrows == ['a', 'b', 'c']", "True"),
            code('hello("you")', printed="hello you\n"),
        ),
    ),
    *question(
        "name: q4\nmanual: true\npoints: 5",
        md("Why?"),
        *block("PROMPT", md("_Two sentences, please._")),
        *block("SOLUTION", md("Because it is so.")),
    ),
    *question("name: q5", md("A picture."), *block("SOLUTION", code("# BEGIN SOLUTION\nfigure = [1]\n# END SOLUTION"))),
    *question(
        "name: q6",
        *block("SOLUTION", code("one = 1 # SOLUTION\ntwo = [\n    2, # SOLUTION\n]")),
        *block("TESTS", code("one", "1"), code("str(two[0]) + open('truth.txt').read()", "'2a b c'")),
    ),
]
"""Doctest-like tests: what a cell showed is what is expected. Worth 3 + 4 + 2 + 1 by tests, 5 by a person."""
FILES = {"data.csv": "a\nb\nc\n", "truth.txt": "a b c"}
POINTS = {"q1": 3.0, "q2-a": 4.0, "q3": 2.0, "q6": 1.0}
"""question, as it is called afterwards, to the points of its tests"""
WRONG: dict[str, dict[str, tuple[str, dict[str, float]]]] = {
    "doctests": {
        "odd square": ("def square(x):\n    return abs(x) * x\nten = 10", {"q1": 2}),
        "no ten": ("def square(x):\n    return x * x\nten = 11", {"q1": 2}),
        "whole mean": ("def mean(values):\n    return sum(values) // len(values)", {"q2-a": 0}),
        "positive mean": ("def mean(values):\n    return abs(sum(values) / len(values))", {"q2-a": 1.5}),
        "no hello": ("rows = ['a', 'b', 'c']\ndef hello(name):\n    return 'hello ' + name", {"q3": 0}),
        "truth": ("one = True\ntwo = (3,)", {"q6": 0.5}),
    },
    "exceptions": {
        "odd square": ("def square(x):\n    return abs(x) * x", {"q1": 1}),
        "text": ("def square(x):\n    return str(x * x)", {"q1": 0}),
        "late": ("names = ['a']\ndef greet(name):\n    return name", {"q2": 0.5}),
    },
}
"""master to the name of a wrong answer to the text of its cell, and the points of the question that it loses"""
EXCEPTIONS = [
    md(
        "```otter\n# ASSIGNMENT CONFIG\ntests:\n    ok_format: false\ngenerate: true\nexport_cell: false\n```\n\n"
        "# Homework 2"
    ),
    *question(
        "name: q1\npoints:\n    each: 1",
        *block("SOLUTION", code("def square(x):\n    # BEGIN SOLUTION\n    return x * x\n    # END SOLUTION")),
        *block(
            "TESTS",
            code("def test_three(square):\n    assert square(3) == 9\n\ntest_three(square)"),
            code("# HIDDEN\ndef test_minus(env):\n    for x in (-1, -2):\n        assert env['square'](x) == x * x"),
        ),
    ),
    *question(
        "name: q2",
        *block("PROMPT", code("names = ...")),
        *block(
            "SOLUTION",
            code(
                "# BEGIN SOLUTION NO PROMPT\nnames = ['a', 'b']\ndef greet(name):\n    return 'hi ' + name\n"
                "# END SOLUTION"
            ),
        ),
        *block(
            "TESTS",
            code(
                '""" # BEGIN TEST CONFIG\npoints: 0.5\n""" # END TEST CONFIG\ndef test_names(names, greet):\n'
                '    """Are names texts?"""\n    assert all(isinstance(name, str) for name in names)'
            ),
            code(
                '""" # BEGIN TEST CONFIG\npoints: 1\nhidden: true\n""" # END TEST CONFIG\n'
                "def test_greet(greet, names):\n"
                "    assert [greet(name) for name in names] == ['hi a', 'hi b']"
            ),
        ),
    ),
]
"""Exception-based tests, the configuration fenced in markdown. Worth 2 + 1.5."""
