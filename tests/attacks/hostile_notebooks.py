"""Notebooks as files that lie or are broken: metadata, files beside the notebook, damage of every kind. Named.

`LIES` change the cells of a notebook with wrong answers; `READABLE` and `EMPTIED` damage its bytes; `REFUSED` are bytes
where a notebook should be.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import attack_target as target

import lessons

Cells = list[dict[str, Any]]
LAZY = {"double": target.WRONG["double"], "count": target.WRONG["count"]}
"""What is answered wrong beside a lie."""


def _tests(cells: Cells) -> Cells:
    return [cell for cell in cells if _grade_id(cell).startswith("test-")]


def _grade_id(cell: dict[str, Any]) -> str:
    name: str = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
    return name


def skip(cells: Cells) -> Cells:
    """Tag every test `skip-execution`: no code, no error, full marks."""
    for cell in _tests(cells):
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
    return cells


def _rename(cells: Cells) -> Cells:
    """Change the grade_id of every test, and empty it."""
    for cell in _tests(cells):
        cell["metadata"]["nbgrader"]["grade_id"] += "-mine"
        cell["source"] = ""
    return cells


def _points(cells: Cells) -> Cells:
    """Make the tests worth a thousand points, then worth none."""
    for number, cell in enumerate(_tests(cells)):
        cell["metadata"]["nbgrader"].update(points=1000 * (number % 2), grade=bool(number % 2), checksum="0" * 32)
    return cells


def _types(cells: Cells) -> Cells:
    """Make prose of the tests."""
    for cell in _tests(cells):
        cell["cell_type"] = "markdown"
    return cells


def _unlock(cells: Cells) -> Cells:
    """Say that the tests are solution cells, unlocked, and replace their text."""
    for cell in _tests(cells):
        cell["metadata"]["nbgrader"].update(locked=False, solution=True, grade=False)
        cell["source"] = "pass"
    return cells


def _edit(cells: Cells) -> Cells:
    """Replace the text of the tests by their points."""
    for cell in _tests(cells):
        cell["source"] = str(target.POINTS[_grade_id(cell).removeprefix("test-")])
    return cells


def _delete(cells: Cells) -> Cells:
    """Hand in no tests at all."""
    return [cell for cell in cells if cell not in _tests(cells)]


def _double(cells: Cells) -> Cells:
    """A second, empty copy of each test before the first and behind it."""
    empty = [{**copy.deepcopy(cell), "source": "pass"} for cell in _tests(cells)]
    return [*empty, *cells, *copy.deepcopy(empty)]


def _reverse(cells: Cells) -> Cells:
    """The tests first, in the wrong order."""
    return [*reversed(_tests(cells)), *_delete(cells)]


def _own_tests(cells: Cells) -> Cells:
    """Tests of one's own, with points."""
    marks = {"grade": True, "grade_id": "bonus", "points": 100, "solution": False, "locked": True, "schema_version": 3}
    return [*cells, {**lessons.code_cell("pass"), "metadata": {"nbgrader": marks}}]


def _in_student(cells: Cells) -> Cells:
    """Ask for the tests to run in the student's own process."""
    for cell in _tests(cells):
        cell["metadata"]["tags"] = ["in-student"]
    return [lessons.code_cell("get_ipython().ast_transformers.append(None)"), *cells]


def _outputs(cells: Cells) -> Cells:
    """Claim to have passed: stored outputs and counts."""
    output = {"output_type": "execute_result", "data": {"text/plain": "4.0"}, "metadata": {}, "execution_count": 1}
    for cell in _tests(cells):
        cell.update(outputs=[output], execution_count=1)
    return cells


def _swap(cells: Cells) -> Cells:
    """Put a wrong answer's text under the grade_id of its test, and the test's under that of the answer."""
    for cell in cells:
        name = _grade_id(cell)
        if name.removeprefix("test-") in LAZY:
            cell["metadata"]["nbgrader"]["grade_id"] = name[5:] if name.startswith("test-") else f"test-{name}"
    return cells


def _same_ids(cells: Cells) -> Cells:
    """Every cell has the id of a test, or none."""
    for cell in cells:
        cell["id"] = "test-double"
    return cells


LIES: tuple[Callable[[Cells], Cells], ...] = (
    skip, _rename, _points, _types, _unlock, _edit, _delete, _double, _reverse, _own_tests, _in_student, _outputs,
    _swap, _same_ids,
)  # fmt: skip


TRAP = b"import builtins\nbuiltins.trapped = True\nraise SystemExit('trapped')\n"
SHADOWED = (
    "numpy/__init__.py",
    "numpy/testing.py",
    "torch.py",
    "math.py",
    "json.py",
    "sitecustomize.py",
    "usercustomize.py",
    "conftest.py",
    "pytest.py",
    "msgpack.py",
    "IPython.py",
    "saiten/__init__.py",
    "saiten/grading/judge.py",
    "encodings/__init__.py",
    "reference.py",
    ".ipython/profile_default/startup/0.py",
)
TRAPS = dict.fromkeys(SHADOWED, TRAP) | {
    "evil.pth": b"import os; os._exit(0)\n",
    "pyvenv.cfg": b"home = .\n",
    "labels.txt": b"0",
    "bundle.json": b"{}",
}


def whole(bundle_cells: Cells) -> dict[str, Any]:
    """A notebook's document around cells."""
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": bundle_cells}


def _text(raw: dict[str, Any]) -> bytes:
    return json.dumps(raw).encode()


def _without(*names: str) -> Callable[[dict[str, Any]], bytes]:
    def change(raw: dict[str, Any]) -> bytes:
        for cell in raw["cells"]:
            for name in names:
                cell.pop(name, None)
        return _text(raw)

    return change


def _replaced(name: str, value: Any) -> Callable[[dict[str, Any]], bytes]:
    def change(raw: dict[str, Any]) -> bytes:
        for cell in raw["cells"]:
            cell[name] = value
        return _text(raw)

    return change


def _version_3(raw: dict[str, Any]) -> bytes:
    cells = [
        {"cell_type": "code", "input": cell["source"], "language": "python", "metadata": cell["metadata"],
         "outputs": [], "collapsed": False, "prompt_number": 1}
        if cell["cell_type"] == "code" else cell
        for cell in raw["cells"]
    ]  # fmt: skip
    return _text({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]})


READABLE: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "a byte order mark": lambda raw: b"\xef\xbb\xbf" + _text(raw),
    "Windows line ends": lambda raw: json.dumps(raw, indent=1).replace("\n", "\r\n").replace("\\n", "\\r\\n").encode(),
    "old Macintosh line ends": lambda raw: _text(raw).replace(rb"\n", rb"\r"),
    "lines as a list": lambda raw: _text(
        {**raw, "cells": [{**cell, "source": cell["source"].splitlines(keepends=True)} for cell in raw["cells"]]}
    ),
    "no metadata of the notebook": lambda raw: _text({**raw, "metadata": None}),
    "no ids": _without("id"),
    "ids that are no text": _replaced("id", 7),
    "one id for all": _replaced("id", "same"),
    "no outputs": _without("outputs", "execution_count"),
    "odd outputs": _replaced("outputs", {"a": [1]}),
    "version 4.0": lambda raw: _text({**raw, "nbformat_minor": 0}),
    "version 4.99": lambda raw: _text({**raw, "nbformat_minor": 99}),
    "version 99": lambda raw: _text({**raw, "nbformat": 99}),
    "version 3": _version_3,
    "unknown fields": lambda raw: _text({**raw, "extra": [1], "cells": [{**c, "extra": {}} for c in raw["cells"]]}),
    "cells that are none": lambda raw: _text(
        {**raw, "cells": [None, 3, "x", [], {}, {"cell_type": []}, *raw["cells"]]}
    ),
    "NaN and Infinity": lambda raw: _text({**raw, "metadata": {"a": float("nan"), "b": float("inf")}}),
    "a deep tree in the metadata": lambda raw: _text(raw).replace(
        b'"metadata": {}', b'"metadata": ' + b"[" * 400 + b"]" * 400, 1
    ),
}
"""Damage that leaves the answers readable: they are marked."""


EMPTIED: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "no cells": lambda raw: _text({**raw, "cells": []}),
    "no sources": _without("source"),
    "sources that are no text": _replaced("source", {"a": 1}),
    "sources of numbers": _replaced("source", [1, None, ["x"]]),
    "no cell types": _without("cell_type"),
    "grade_ids of a million accents": lambda raw: _text(
        {
            **raw,
            "cells": [
                {**c, "metadata": {"nbgrader": {"grade_id": "\u0301\u0323" * 500_000}}} for c in raw["cells"][:3]
            ],
        }
    ),
    "grade_ids that are no text": _replaced("metadata", {"nbgrader": {"grade_id": ["double"]}}),
    "sources of NUL bytes": _replaced("source", "\0" * 1000),
    "sources of lone surrogates": _replaced("source", "\ud800\udfff\ud800 = '\udcff'"),
    "syntax errors": _replaced("source", "def (:\n\t\x0c'''"),
    "magics of every kind": _replaced("source", "%%nothing here\n%nothing\n!exit 3\n?\n??int\n%run nowhere.ipynb"),
    "one source of four megabytes": lambda raw: _text(
        {**raw, "cells": [{**raw["cells"][2], "source": "x = '" + "a" * 4_000_000 + "'"}]}
    ),
}
"""Damage that takes the answers away: a verdict of 0."""


REFUSED: dict[str, bytes] = {
    "empty": b"",
    "white space": b" \n\t ",
    "NUL bytes": bytes(1000),
    "cut off": b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "x',
    "no JSON": b"print('hello')",
    "UTF-16": '{"nbformat": 4}'.encode("utf-16"),
    "latin-1": '{"nbformat": 4, "cells": ["é"]}'.encode("latin-1"),
    "a list": b"[]",
    "a number": b"3",
    "no version": b'{"cells": []}',
    "a version that is no number": b'{"nbformat": "4", "cells": []}',
    "a version that is true": b'{"nbformat": true, "cells": []}',
    "version 2 without sheets": b'{"nbformat": 2}',
    "version 0": b'{"nbformat": 0, "cells": []}',
    "a version below zero": b'{"nbformat": -5, "cells": []}',
    "version 3 with odd sheets": b'{"nbformat": 3, "worksheets": [3, {"cells": {"a": 1}}]}',
    "cells that are no list": b'{"nbformat": 4, "cells": {"a": 1}}',
    "a tree of a hundred thousand levels": b"[" * 100_000 + b"]" * 100_000,
    "a number of a hundred thousand digits": b'{"nbformat": ' + b"9" * 100_000 + b"}",
    "too many cells": b'{"nbformat": 4, "cells": [' + b"{}," * 6000 + b"{}]}",
    "too large": b" " * (65 << 20),
    "a zip file": b"PK\x03\x04" + bytes(100),
    "HTML": b"<!DOCTYPE html><html></html>",
}
"""No notebook can be read: rejected, with a sentence."""
