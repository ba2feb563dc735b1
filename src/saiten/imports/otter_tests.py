"""Otter's test cells as Saiten's: doctest-like ones become assertions, exception-based ones calls.

In: the cells of a TESTS block and the question's configuration. Out: `TestCell`s with their points.
Points are shared out among the tests of a question as Otter shares them.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from saiten.errors import SourceError
from saiten.imports.otter_read import MasterCell, Question, load_yaml

_BEGIN_CONFIG = re.compile(r'(?:.\s*=\s*)?""?"?\s*#\s*BEGIN\s*TEST\s*CONFIG', re.IGNORECASE)
_END_CONFIG = re.compile(r'""?"?\s*#\s*END\s*TEST\s*CONFIG', re.IGNORECASE)
_KNOWN = {"hidden", "points", "success_message", "failure_message"}
_ARRAY = re.compile(r"np\.(float|int|uint|complex)\d*\(|np\.(True|False)_$|array\(|tensor\(")
_ASSERTS = re.compile(r"(.*\.)?assert\w*$")


@dataclass(frozen=True, slots=True)
class TestCell:
    """One test of a question."""

    __test__ = False  # pytest would take the class for a test

    number: int
    """place of its cell"""
    code: str
    hidden: bool
    points: float
    in_student: bool = False
    """it compares what the student's own process shows, and so has to run there"""
    remarks: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    number: int
    code: str
    hidden: bool
    points: float | None
    in_student: bool
    remarks: tuple[tuple[str, bool], ...]


def convert_tests(question: Question, cells: list[MasterCell], ok_format: bool, path: object) -> list[TestCell]:
    """Convert the tests of a question.

    Args:
        question: whose tests.
        cells: all cells of its TESTS blocks.
        ok_format: whether they are doctest-like (Otter's default), not exception-based.
        path: of the notebook, for messages.

    Raises:
        SourceError: a test is no Python, or its points are not as Otter wants them.
    """
    read = [_read(cell, ok_format, f"{path}: {cell.where}") for cell in cells]
    shares = share_points(question.config.get("points"), [each.points for each in read], f"{path}: {question.name}")
    return [
        TestCell(each.number, each.code, each.hidden, points, each.in_student, each.remarks)
        for each, points in zip(read, shares, strict=True)
    ]


def share_points(total: Any, given: list[float | None], where: str) -> list[float]:
    """Share a question's points out among its tests by Otter's rule.

    Args:
        total: `points` of the question: a number, a list with one for each test, `each: number`, or None.
        given: `points` of each test; None where it says nothing.
        where: how messages call the question.

    Raises:
        SourceError: they do not fit together.
    """
    if isinstance(total, dict):
        total = total.get("each", 1) * len(given)
    if isinstance(total, list):
        if len(total) != len(given):
            raise SourceError(f"{where}: {len(total)} points for {len(given)} tests.", "Give one number for each test.")
        given, total = [_points(each, where) for each in total], None
    total = _points(total, where)
    spent, open_ones = sum(each for each in given if each is not None), given.count(None)
    if total is not None:
        if spent > total:
            raise SourceError(f"{where}: its tests have more points than the question.", "Mend the master notebook.")
        rest = (total - spent) / open_ones if open_ones else 0.0
    else:
        rest = 1 / open_ones if open_ones and not spent else 0.0
    return [rest if each is None else each for each in given]


def _points(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise SourceError(f"{where}: {value!r} is not a number of points.", "Points are 0 or more.")
    return value


def _read(cell: MasterCell, ok_format: bool, where: str) -> _Read:
    lines = cell.source.split("\n")
    hidden = lines[0].lstrip().startswith("#") and re.search(r"\bhidden\b", lines[0], re.IGNORECASE) is not None
    start, config = 1 if hidden else 0, {}
    if _BEGIN_CONFIG.match(lines[0]):
        end = next((at for at, line in enumerate(lines) if _END_CONFIG.match(line)), None)
        if end is None:
            raise SourceError(f"{where}: the test's configuration is not closed.", 'Write `""" # END TEST CONFIG`.')
        config, start = load_yaml("\n".join(lines[1:end]), where), end + 1
    code = "\n".join(lines[start:]).strip("\n")
    try:
        body = ast.parse(code).body
    except SyntaxError as error:
        raise SourceError(f"{where}: the test is no Python ({error.msg}, line {error.lineno}).", "Mend it.") from error
    remarks = [
        (f"`{key}` of the test has no counterpart", True) for key in config if key not in _KNOWN - {"success_message"}
    ]
    in_student = False
    if not ok_format:
        code = _called(code, body, where)
    elif body:
        code, in_student = _asserted(code, body, cell.shown, cell.printed)
        if in_student:
            remarks.append(("compares what the student's process shows, and so runs there (tag `in-student`)", False))
    if config.get("failure_message"):
        code = _with_message(code, str(config["failure_message"]))
    points = _points(config.get("points"), where)
    return _Read(cell.number, code, bool(config.get("hidden", hidden)), points, in_student, tuple(remarks))


def _called(code: str, body: list[ast.stmt], where: str) -> str:
    """An exception-based test: its function, called with the student's names that its parameters ask for."""
    if not body or len(body) > 2 or not isinstance(body[0], ast.FunctionDef):
        raise SourceError(
            f"{where}: an exception-based test is one function, and at most a call of it.",
            "Mend it, or set `tests: ok_format: true` in the assignment's configuration.",
        )
    function = body[0]
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    given = ", ".join(f"{name}={'globals()' if name == 'env' else name}" for name in names)
    kept = code.split("\n")[: function.end_lineno]
    return "\n".join([*kept, "", "", f"{function.name}({given})"])


def _asserted(code: str, body: list[ast.stmt], shown: str, printed: bool) -> tuple[str, bool]:
    """A doctest-like test: what its last statement shows has to be what it showed in the master notebook.

    Returns:
        the code, and whether it has to run in the student's process.
    """
    *before, last = body
    if before and before[-1].end_lineno == last.lineno:  # `x = 1; f(x)`: one statement a line first
        return _asserted(tidy := ast.unparse(ast.parse(code)), ast.parse(tidy).body, shown, printed)
    lines = code.split("\n")
    head, text = lines[: last.lineno - 1], "\n".join(lines[last.lineno - 1 : last.end_lineno])
    expected = shown.rstrip("\n")
    if not isinstance(last, ast.Expr):
        return (code, False) if not expected else (_captured(head, text, expected), _students_output(last))
    source = ast.get_source_segment(code, last.value) or ast.unparse(last.value)
    call = ast.unparse(last.value.func) if isinstance(last.value, ast.Call) else ""
    if not expected:
        plain = _ASSERTS.match(call) is not None
        return (code if plain else "\n".join([*head, f"assert ({source}) is None"])), False
    if call == "print":
        return _captured(head, text, expected), False
    if printed:
        value = f"value = {source}\nif value is not None:\n    print(repr(value))"
        return _captured(head, value, expected), True
    return "\n".join([*head, _compared(source, expected)]), not _is_data(expected)


def _compared(source: str, expected: str) -> str:
    """Compare an expression with the text that it showed, as doctest does."""
    single = "\n" not in source
    value = source if single else f"(\n{source}\n)"
    wrapped = f"({value})" if single else value
    if expected in ("True", "False", "None"):
        return f"assert {wrapped} is {expected}"
    if expected in ("0", "1"):  # doctest lets False and True pass for these
        return f'assert repr({value}) in ("{expected}", "{bool(int(expected))}")'
    return f"shown = repr({value})\nassert shown == {expected!r}, shown"


def _captured(head: list[str], text: str, expected: str) -> str:
    block = ["with contextlib.redirect_stdout(io.StringIO()) as shown:", indent(text, "    ")]
    check = f"assert shown.getvalue().rstrip() == {expected.rstrip()!r}, shown.getvalue()"
    return "\n".join(["import contextlib", "import io", "", *head, *block, check])


def _students_output(statement: ast.stmt) -> bool:
    """Tell whether a statement prints nothing by itself, so that what is shown comes from the student's functions."""
    return not any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        for node in ast.walk(statement)
    )


def _is_data(expected: str) -> bool:
    """Tell whether a text is how data shows itself that travel between the student's process and the judge."""
    if _ARRAY.match(expected):
        return True
    try:
        ast.literal_eval(expected)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _with_message(code: str, message: str) -> str:
    return "\n".join(
        [
            "try:",
            indent(code, "    "),
            "except Exception as problem:",
            f"    raise AssertionError({message!r}) from problem",
        ]
    )
