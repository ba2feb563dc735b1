"""Answers that know nothing: every function of a question returns the same worthless thing, whatever it is asked.

In: a question's `Tail`. Out: jobs for the laboratory; then a finding for each cheat that got full marks.
They stand beside the mutants because one that passes shows a test that decides nothing: a comparison with NaN that
is never true, an expected value computed from an argument after the answer had set it to zero.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from saiten.check.lab import Job
from saiten.check.report import Finding, State
from saiten.check.tails import Tail
from saiten.results import Status

BODIES: Mapping[str, tuple[str, str]] = {
    "nothing": ("return None", "return None"),
    "error": ("raise every time the error that tests of bad input ask for", "raise ValueError('no')"),
    "zero": ("return 0", "return 0"),
    "echo": ("return their first argument", "return next(iter(locals().values()), None)"),
    "nan": ("return NaN", "return float('nan')"),
    "no elements": ("return an array without elements", "import numpy\nreturn numpy.zeros((0,))"),
    "all the same": ("return an array of ones in the shape of the first argument", "return _ones(locals())"),
    "arguments emptied": (
        "set every argument to zero and return zeros in the shape of the first one",
        "return _empty(locals())",
    ),
}
"""Kind to what it does in words, and the body that every function gets."""

_TOOLS = """
def _arrays(names):
    import numpy
    for value in list(names.values()):
        if hasattr(value, "detach"):
            value = value.detach()
        if hasattr(value, "shape") and hasattr(value, "fill_" if hasattr(value, "fill_") else "fill"):
            yield value


def _ones(names):
    import numpy
    first = next(iter(names.values()), 0)
    return numpy.ones(numpy.shape(getattr(first, "detach", lambda: first)()))


def _empty(names):
    import numpy
    shape = numpy.shape(_ones(names))
    for value in _arrays(names):
        try:
            value.fill_(0) if hasattr(value, "fill_") else value.fill(0)
        except Exception:
            pass
    return numpy.zeros(shape)
"""


@dataclass(eq=False)
class CheatJob(Job):
    """A job that remembers which cheat it is."""

    kind: str = field(kw_only=True)


def jobs(tail: Tail) -> list[CheatJob]:
    """Make one job for each kind of cheat; none if the solution defines no function."""
    last = tail.tests[-1]
    found = []
    for kind, (_, body) in BODIES.items():
        cells = {cell.grade_id or "": text for cell in tail.solutions if (text := with_body(cell.source, body))}
        if cells:
            until = last.grade_id or last.id
            found.append(CheatJob(f"cheat:{kind}", cells=cells, until=until, kind=kind))
    return found


def with_body(source: str, body: str) -> str:
    """Give every function of a cell, and every method of its classes, another body.

    Returns:
        the cell's text; empty if it defines no function, or is not plain Python.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ""
    methods = [each for node in tree.body if isinstance(node, ast.ClassDef) for each in node.body]
    functions = [
        node
        for node in [*tree.body, *methods]
        if isinstance(node, ast.FunctionDef) and not (node.name.startswith("__") and node.name.endswith("__"))
    ]
    for function in functions:
        function.body = _statements(body)
    return f"{ast.unparse(tree)}\n{_TOOLS}" if functions else ""


def _statements(body: str) -> list[ast.stmt]:
    """Statements of a function's body: `return` does not parse outside of one."""
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    function = ast.parse(f"def f():\n{indented}").body[0]
    return function.body if isinstance(function, ast.FunctionDef) else []


def read(tail: Tail, marked: Sequence[Job]) -> Iterator[Finding]:
    """Name the cheats that got full marks for their question."""
    mine = {cell.grade_id or cell.id for cell in tail.tests}
    for job in marked:
        if not isinstance(job, CheatJob):
            continue
        result = job.done
        tests = [cell for cell in result.cells if cell.notebook == tail.notebook.name and cell.name in mine]
        marked_well = result.status in (Status.GRADED, Status.NEEDS_MANUAL)
        if marked_well and tests and all(cell.score == cell.max_score for cell in tests):
            yield Finding(
                "cheats",
                State.FAILS,
                f"{tail.question}: functions that {BODIES[job.kind][0]} get full marks.",
                tail.question,
                "Compute what is expected before the answer is called, from copies; compare with assert_close.",
            )
