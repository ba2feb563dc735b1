"""What the code of students who failed alike has in common, and nobody else's has: the line that is the mistake.

In: source of right answers, and of those who lost points. Out: parts of a group, each with the lines that set it apart.
Lines are compared by their shape: names that a student chose are left out, unless most right answers chose them, too.
"""

from __future__ import annotations

import ast
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from saiten.sanitise import for_terminal

LEAST_SHARED = 2
"""students who share a line, for it to be named"""
_MOST_LINES = 3
"""lines shown of one part"""
_LONGEST = 200
"""characters shown of a line"""
_RARE = 0.02
"""share of right answers that may have a line, too, that sets wrong ones apart"""
_OWN = 0.75
"""share of the wrong answers with a line that must be in the group, for the line to be the group's own"""
_USUAL = 0.9
"""share of all other answers that must have a line for its absence to say something"""
_COMMON = 0.5
"""share of right answers that must choose a name, for it to count as a part of the line"""
_COVER = 0.8
"""share of a part that must be in parts of it, for these to stand in its place"""
_SPLIT = 0.3
"""the same where those who are left share nothing else, but are several, too: they are a part of their own"""


@dataclass(frozen=True, slots=True)
class Part:
    """Students of a group whose code shares lines that others lack; or lacks lines that others share."""

    lines: tuple[str, ...]
    """as one of them wrote them (of lines that they lack: as somebody else has them)"""
    absent: bool
    """whether the lines are what they lack"""
    students: tuple[str, ...]


_Group = tuple[list[str], list[str]]
"""students, and the shapes that all of them share"""


class Code:
    """The answers of a class to one question.

    Args:
        right: source of right answers.
        wrong: student to source, of those who lost points and had written something.
    """

    def __init__(self, right: Iterable[str], wrong: Mapping[str, str]) -> None:
        right = list(right)
        names = Counter(name for source in right for name in _chosen(source))
        kept = frozenset(name for name, count in names.items() if count >= _COMMON * len(right))
        self._number = len(right)
        self._wrong = {student: statements(source, kept) for student, source in wrong.items()}
        self._bare = {student: statements(source) for student, source in wrong.items()}
        self._right = Counter(shape for each in right for shape in {*statements(each), *statements(each, kept)})
        self._usual = Counter(shape for each in right for shape in statements(each))
        self._failed = Counter(shape for each in self._wrong.values() for shape in each)
        self._failed_bare = Counter(shape for each in self._bare.values() for shape in each)
        bare = (statements(source) for source in (*right, *wrong.values()))
        self._texts = {shape: text for each in bare for shape, text in each.items()}

    def parts(self, students: Collection[str]) -> tuple[Part, ...]:
        """Divide a group by what its members' code shares.

        Returns:
            parts of at least `LEAST_SHARED` students, the largest first; nobody is in two. Who shares nothing with
            anybody is in none.
        """
        own = {student: self._wrong[student] for student in sorted(students) if student in self._wrong}
        inside = Counter(shape for shapes in own.values() for shape in shapes)
        odd = {
            shape
            for shape, count in inside.items()
            if self._right[shape] <= _RARE * self._number and count >= _OWN * self._failed[shape]
        }
        others = self._number + len(self._wrong) - len(own)
        here = Counter(shape for student in own for shape in self._bare[student])
        usual = [
            shape
            for shape, count in self._usual.items()
            if count + self._failed_bare[shape] - here[shape] >= _USUAL * others
        ]
        has = {student: [shape for shape in shapes if shape in odd] for student, shapes in own.items()}
        lacks = {student: [shape for shape in usual if shape not in self._bare[student]] for student in own}
        found = [self._part(*group, own) for group in _divide(has)]
        placed = {student for part in found for student in part.students}
        rest = {student: shapes for student, shapes in lacks.items() if not has[student]}  # else it is another line
        found += [self._part(*group, None) for group in _divide(rest, _shared(lacks) if placed else ())]
        return tuple(sorted(found, key=lambda part: (-len(part.students), part.students)))

    def _part(
        self, students: Sequence[str], shapes: Sequence[str], own: Mapping[str, Mapping[str, str]] | None
    ) -> Part:
        texts = self._texts if own is None else own[students[0]]
        return Part(tuple(shown(texts[shape]) for shape in shapes[:_MOST_LINES]), own is None, tuple(students))


def shown(line: str) -> str:
    """A line of a student's code as it is shown: what cannot be seen, or turns the direction of writing, is escaped."""
    line = for_terminal(line.strip())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _divide(shapes: Mapping[str, Sequence[str]], everybody: Collection[str] = ()) -> list[_Group]:
    """Put together who shares a shape, the commonest first.

    A shape that the whole group shares divides nothing: it counts only where nothing else does.

    Args:
        shapes: student to shapes.
        everybody: shapes that divide nothing, for a larger group shares them.
    """
    common = {*_shared(shapes), *everybody}
    waiting = dict(shapes)
    groups: list[_Group] = []
    while True:
        counts = Counter(shape for own in waiting.values() for shape in own if shape not in common)
        commonest, number = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        if number < LEAST_SHARED:
            break
        group = {student: own for student, own in waiting.items() if commonest in own}
        waiting = {student: own for student, own in waiting.items() if student not in group}
        own = [shape for shape in _shared(group) if shape not in common]
        finer = _divide(group, {*common, *own})
        held = {student for members, _ in finer for student in members}
        left = [student for student in group if student not in held]
        if len(left) >= LEAST_SHARED and len(held) >= _SPLIT * len(group):
            groups += [*finer, (left, own)]
        elif len(finer) > 1 and len(held) >= _COVER * len(group):
            groups += finer
        else:
            groups.append((list(group), own))
    whole = [shape for shape in _shared(shapes) if shape not in everybody]
    if not groups and whole and len(shapes) >= LEAST_SHARED:
        return [(list(shapes), whole)]
    return groups


def _shared(shapes: Mapping[str, Sequence[str]]) -> list[str]:
    """Shapes that all have."""
    first, *rest = shapes.values() if shapes else ((),)
    return [shape for shape in first if all(shape in own for own in rest)]


@lru_cache(maxsize=20_000)
def statements(source: str, kept: frozenset[str] = frozenset()) -> Mapping[str, str]:
    """Shape of each statement of a cell to its first line as it was written; nothing for code that does not parse.

    Args:
        source: Python.
        kept: names that count although the author chose them.
    """
    outlines, chosen = _outlines(source)
    found: dict[str, str] = {}
    for words, line in outlines:
        shape = " ".join("_" if named and word in chosen and word not in kept else word for word, named in words)
        found.setdefault(shape, line)
    return found


@lru_cache(maxsize=20_000)
def _outlines(source: str) -> tuple[list[tuple[list[tuple[str, bool]], str]], frozenset[str]]:
    """Of a cell: each statement in words, told which are names, with its first line; and the names that were chosen."""
    tree = _parsed(source)
    if tree is None:
        return [], frozenset()
    lines = source.split("\n")
    nodes = list(ast.walk(tree))
    outlines = [
        (_outline(node), lines[node.lineno - 1]) for node in nodes if isinstance(node, ast.stmt) and not _is_text(node)
    ]
    given = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return outlines, frozenset(given - {node.arg for node in nodes if isinstance(node, ast.arg)})


def _chosen(source: str) -> frozenset[str]:
    """Names that are given to something in a cell, those of arguments aside."""
    return _outlines(source)[1]


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_text(node: ast.stmt) -> bool:
    """A docstring, or an expression that is only a constant."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _outline(node: ast.stmt) -> list[tuple[str, bool]]:
    """A statement word by word, each told whether it is a name; of one that holds others, what is before the colon."""
    words = [(type(node).__name__, False)]
    parts: deque[ast.AST] = deque([node])
    while parts:
        part = parts.popleft()
        for field, value in ast.iter_fields(part):
            if part is node and field in _BODIES:
                continue
            if isinstance(value, ast.AST):
                parts.append(value)
            elif isinstance(value, list):
                parts.extend(item for item in value if isinstance(item, ast.AST))
        if isinstance(part, ast.Name):
            words.append((part.id, True))
        elif isinstance(part, ast.Attribute):
            words.append((f".{part.attr}", False))
        elif isinstance(part, ast.Constant):
            words.append((repr(part.value)[:40], False))
        elif isinstance(part, ast.keyword | ast.arg):
            words.append((f"{part.arg}:", False))
        elif isinstance(part, ast.FunctionDef | ast.ClassDef | ast.alias):
            words.append((part.name, False))
        elif not isinstance(part, ast.expr_context):
            words.append((type(part).__name__, False))
    return words


_BODIES = {"body", "orelse", "finalbody", "handlers", "cases"}
