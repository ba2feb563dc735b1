"""Clusters of failures: students whose work failed in the same way, so that one message answers all of them.

In: results. Out: groups of failures of the same test that share an exception at the same construct, or a message; in
each, who shares a line that no right answer has. Numbers, quoted values and positions in a message differ from student
to student and are left out of the comparison.
"""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from saiten.report.lines import Code, Part, shown
from saiten.results import CellStatus, QuestionResult, Result

_PLACE = re.compile(r"\s*\(in your code: cell (?P<cell>.+?), line (?P<line>\d+)\)")
_RAISED = re.compile(r"^your code raised (?P<kind>\w+)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
_SPACE = re.compile(r"\s+")
NO_EXCEPTION = "NotImplementedError"
"""what an untouched stub raises"""
_MOST_RIGHT = 100
"""right answers that are looked at"""


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


@dataclass(frozen=True, slots=True)
class Cluster:
    """Students whose work failed in the same way."""

    question: str
    titles: Mapping[str, str]
    test: str
    """grade_id of the test cell"""
    reason: str
    """message, or exception and construct, that they share"""
    construct: str
    """the student's own line at which it happened, where one is known"""
    students: tuple[str, ...]
    example: str
    """the message of one of them in full"""
    parts: tuple[Part, ...] = ()
    """some of them, by lines of their code that right answers lack: often one mistake each"""


class Answers:
    """The code that a class wrote, question by question.

    Args:
        solutions: (notebook, question) to the grade_ids of the cells in which it is answered; without an entry it is
            the cell that the question is named after.
    """

    def __init__(self, solutions: Mapping[tuple[str, str], Sequence[str]]) -> None:
        self._solutions = solutions
        self._right: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._wrong: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        self._looked_at: dict[tuple[str, str], Code] = {}

    def add(self, result: Result, sources: Mapping[tuple[str, str], str]) -> list[QuestionResult]:
        """Take a submission's code in.

        Args:
            result: the submission's.
            sources: see `sources_of`.

        Returns:
            the questions in which something was written: a cell of theirs differs from the release's.
        """
        released = {(part.name, name) for part in result.notebooks for name in part.unchanged}
        written = []
        for question in result.questions:
            key = question.notebook, question.name
            cells = [(question.notebook, name) for name in self._solutions.get(key, (question.name,))]
            if all(cell in released or not sources.get(cell, "").strip() for cell in cells):
                continue
            written.append(question)
            code = "\n".join(sources.get(cell, "") for cell in cells)
            if question.status is not CellStatus.PASSED:
                self._wrong[key][result.student] = code
            elif len(self._right[key]) < _MOST_RIGHT:
                self._right[key].append(code)
        return written

    def parts(self, group: Sequence[Failure]) -> tuple[Part, ...]:
        """Divide a cluster by the lines of code that set its students apart."""
        key = group[0].notebook, group[0].question
        if key not in self._looked_at:
            self._looked_at[key] = Code(self._right[key], self._wrong[key])
        return self._looked_at[key].parts({each.student for each in group})


def failures_of(result: Result, sources: Mapping[tuple[str, str], str]) -> Iterator[Failure]:
    """Yield the tests that a submission lost points in, with what is known of the reason.

    Args:
        result: the submission's.
        sources: see `sources_of`.
    """
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
                shown(line),
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
        named = f"{first.kind}: {first.construct}" if reason.startswith(f"{first.kind}: ") and first.kind else reason
        found.append((named, members))
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


def sources_of(result: Result) -> dict[tuple[str, str], str]:
    """Source of every cell of the marked notebooks that has a grade_id."""
    found: dict[tuple[str, str], str] = {}
    for part in result.notebooks:
        for cell in json.loads(part.document)["cells"] if part.document else ():
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", cell["id"])
            found[part.name, name] = "".join(cell["source"])
    return found
