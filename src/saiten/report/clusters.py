"""Clusters of failures: students whose work failed in the same way, so that one message answers all of them.

In: results. Out: groups of failures of the same test that share an exception at the same construct, or a message.
Numbers, quoted values and positions in a message differ from student to student and are left out of the comparison.
"""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from saiten.results import CellStatus, Result

_PLACE = re.compile(r"\s*\(in your code: cell (?P<cell>.+?), line (?P<line>\d+)\)")
_RAISED = re.compile(r"^your code raised (?P<kind>\w+)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
_SPACE = re.compile(r"\s+")
NO_EXCEPTION = "NotImplementedError"
"""what an untouched stub raises"""


@dataclass(frozen=True, slots=True)
class Failure:
    """One test that one student lost points in."""

    student: str
    notebook: str
    question: str
    test: str
    message: str
    kind: str
    """exception of the student's code; empty if a value was wrong"""
    construct: str
    """the line of the student's code at which it was raised, without its own names of values; empty if unknown"""


def failures_of(result: Result) -> Iterator[Failure]:
    """Yield the tests that a submission lost points in, with what is known of the reason."""
    sources = _sources(result)
    for question in result.questions:
        for cell in question.cells:
            if cell.status not in (CellStatus.FAILED, CellStatus.PARTIAL) or not cell.message:
                continue
            place, raised = _PLACE.search(cell.message), _RAISED.match(cell.message)
            line = ""
            if place is not None:
                lines = sources.get((question.notebook, place["cell"]), "").split("\n")
                number = int(place["line"])
                line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
            yield Failure(
                result.student,
                question.notebook,
                question.name,
                cell.name,
                _PLACE.sub("", cell.message),
                raised["kind"] if raised else "",
                line,
            )


def gather(failures: Iterable[Failure]) -> list[tuple[str, list[Failure]]]:
    """Group failures, the largest group first.

    Returns:
        pairs of the reason, in words, and the failures that share it.
    """
    groups: defaultdict[tuple[str, str, str], list[Failure]] = defaultdict(list)
    for each in failures:
        if each.kind and each.kind != NO_EXCEPTION and each.construct:
            reason = f"{each.kind}: {_construct(each.construct)}"
        else:
            reason = same_words(each.message)
        groups[each.notebook, each.test, reason].append(each)
    found = []
    for (_, _, reason), members in groups.items():
        first = members[0]
        shown = f"{first.kind}: {first.construct}" if reason.startswith(f"{first.kind}: ") and first.kind else reason
        found.append((shown, members))
    return sorted(found, key=lambda pair: (-len(pair[1]), pair[1][0].question, pair[1][0].test, pair[0]))


def same_words(message: str) -> str:
    """A message without what differs from student to student: numbers, quoted values."""
    return _SPACE.sub(" ", _NUMBER.sub("#", _QUOTED.sub("'…'", message))).strip()


def _construct(line: str) -> str:
    """The shape of a line of Python: names that it calls and operators stay, names of values and numbers do not."""
    try:
        tree = ast.parse(line.rstrip(":") if not line.endswith(":") else f"{line} pass")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return same_words(line)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in called:
            node.id = "_"
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float | complex | str | bytes):
            node.value = 0
    return ast.unparse(tree)


def _sources(result: Result) -> dict[tuple[str, str], str]:
    """Source of every cell of the marked notebooks that has a grade_id."""
    found: dict[tuple[str, str], str] = {}
    for part in result.notebooks:
        for cell in json.loads(part.document)["cells"] if part.document else ():
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", cell["id"])
            found[part.name, name] = "".join(cell["source"])
    return found
