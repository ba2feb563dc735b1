"""The solution lines of an Otter Assign cell, as regions between BEGIN SOLUTION and END SOLUTION.

In: a cell's text with Otter's markers. Out: text that runs as the reference, and that nbgrader strips to what students
get. What Otter leaves as `x = ...` stands above the region as a comment: students still read which name is asked.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import dedent, indent

from saiten.errors import SourceError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "raise NotImplementedError()"

# Otter 7.0.0 finds the same lines by these patterns
_ASSIGNMENT = re.compile(r"(\s*(?:[\w.]+(?=[^\w.])(?:\[['\"]?.*['\"]?\])*(?:,\s*)?)+\s*=).* ?# ?SOLUTION")
_LINE = re.compile(r"\s*.* ?# ?SOLUTION")
_BEGIN = re.compile(r"(\s*)# BEGIN SOLUTION( NO PROMPT)?")
_SUFFIX = re.compile(r"\s*# ?SOLUTION( NO PROMPT)?\s*$")
_BEGIN_IGNORED = re.compile(r"\s*#\s*BEGIN\s*IGNORE\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Converted:
    """A cell's text in Saiten's form."""

    text: str
    has_solution: bool
    remarks: tuple[tuple[str, bool], ...] = ()
    """sentences about it, and whether something is lost"""


@dataclass(slots=True)
class _Chunk:
    """Lines that belong together: everybody's, or a solution with the prompt that stands in its place."""

    solution: bool
    lines: list[str] = field(default_factory=list)
    prompt: list[str] = field(default_factory=list)
    """what students get of it: text of a prompt block"""
    names: list[str] = field(default_factory=list)
    """`x = ...`, as Otter leaves it"""


def convert_solution(source: str, where: str, before: str = "", comments: str = "") -> Converted:
    """Convert a cell.

    Args:
        source: the cell of the master notebook.
        where: how messages call it.
        before: a prompt that students get with it, from a block of its own.
        comments: prose for staff, which goes into the solution.

    Raises:
        SourceError: a marker is not closed, or not open.
    """
    remarks: list[tuple[str, bool]] = []
    kept, dropped = _without_ignored(source.split("\n"), where)
    if dropped:
        remarks.append((f"{dropped} lines that Otter ignores (`# IGNORE`) are left out", True))
    if any(line.rstrip().endswith("# SEED") for line in kept):
        remarks.append(
            ("a line `# SEED` stands in the solution: Otter seeds each cell when it marks, Saiten does not", True)
        )
    chunks = _chunks(kept, where)
    solutions = [chunk for chunk in chunks if chunk.solution and chunk.lines]
    if not solutions:
        text = "\n".join(
            [*filter(None, [before]), *(line for chunk in chunks for line in (*chunk.prompt, *chunk.lines))]
        )
        if comments:
            remarks.append(("text of the solution is left out: there is no solution code that it could stand in", True))
        return Converted(text, False, tuple(remarks))
    if comments:
        solutions[0].lines[:0] = _commented(comments.split("\n"), _margin(solutions[0].lines))
    if before:
        solutions[0].prompt[:0] = before.split("\n")
    text = "\n".join(line for chunk in chunks for line in _written(chunk))
    if not (_parses(text) and _parses(released(text))):
        text = _whole(chunks)
        remarks.append(("the solution is part of a longer statement: students get a stub for the whole cell", False))
    return Converted(text, True, tuple(remarks))


def released(text: str) -> str:
    """Replace each solution region as nbgrader does by default."""
    lines, inside = [], False
    for line in text.split("\n"):
        if BEGIN in line:
            inside = True
            lines.append(" " * (len(line) - len(line.lstrip())) + STUB)
        elif END in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def _without_ignored(lines: list[str], where: str) -> tuple[list[str], int]:
    kept, inside = [], False
    for line in lines:
        if line.rstrip().endswith("# END IGNORE"):
            if not inside:
                raise SourceError(f"{where}: `# END IGNORE` without `# BEGIN IGNORE`.", "Mend the master notebook.")
            inside = False
        elif _BEGIN_IGNORED.match(line):
            inside = True
        elif not inside and not line.rstrip().endswith("# IGNORE"):
            kept.append(line)
    if inside:
        raise SourceError(f"{where}: `# BEGIN IGNORE` without `# END IGNORE`.", "Mend the master notebook.")
    return kept, len(lines) - len(kept)


def _chunks(lines: list[str], where: str) -> list[_Chunk]:
    chunks: list[_Chunk] = []
    blank: list[str] = []
    for kind, line in _sorted_lines(lines, where):
        solution = kind != "everybody"
        if not solution and not line.strip():
            blank.append(line)  # belongs to what follows; it parts no solution from the prompt behind it
            continue
        if not chunks or chunks[-1].solution != solution or (kind != "prompt" and _leaves(chunks[-1], line)):
            if solution and blank:
                chunks.append(_Chunk(False, blank))
                blank = []
            chunks.append(_Chunk(solution))
        chunks[-1].lines += blank
        blank = []
        if kind == "prompt":
            chunks[-1].prompt.append(line)
        else:
            chunks[-1].lines.append(_SUFFIX.sub("", line) if kind == "line" else line)
        match = _ASSIGNMENT.match(line) if kind == "line" else None
        if match and "NO PROMPT" not in line:
            chunks[-1].names.append(f"{match[1].lstrip()} ...")
    return chunks


def _leaves(chunk: _Chunk, line: str) -> bool:
    """Tell whether a line stands further left than a solution begins: it belongs to no such region."""
    return (
        chunk.solution and bool(chunk.lines) and bool(line.strip()) and len(_margin([line])) < len(_margin(chunk.lines))
    )


def _sorted_lines(lines: list[str], where: str) -> Iterator[tuple[str, str]]:
    """Give each line but the markers with what it is: everybody's, prompt, in a solution block, a solution line."""
    inside = ""
    for line in lines:
        text = line.rstrip()
        ends = text.endswith(("# END SOLUTION", "# END PROMPT"))
        begins = _BEGIN.match(line) or text.endswith("# BEGIN PROMPT")
        if ends and inside != ("solution" if text.endswith("SOLUTION") else "prompt"):
            raise SourceError(f"{where}: `{text.strip()}` closes nothing.", "Mend the master notebook.")
        if begins and inside:
            raise SourceError(f"{where}: `{text.strip()}` within a block.", "Mend the master notebook.")
        if ends:
            inside = ""
        elif begins:
            inside = "solution" if _BEGIN.match(line) else "prompt"
        elif inside:
            yield inside, line
        elif text.endswith("# SEED"):
            yield "solution", line
        else:
            yield ("line" if _LINE.match(line) else "everybody"), line
    if inside:
        raise SourceError(f"{where}: a block of {inside} is not closed.", "Mend the master notebook.")


def _written(chunk: _Chunk) -> list[str]:
    """Write a chunk: prompt first, for code behind the solution would undo it."""
    if not chunk.solution:
        return chunk.lines
    if not chunk.lines:  # a solution stands before it, which its code would undo
        return _commented(dedent("\n".join(chunk.prompt)).split("\n"), _margin(chunk.prompt))
    margin, lines = _margin(chunk.lines), "\n".join(chunk.lines).rstrip().split("\n")
    return [
        *_prompt(chunk.prompt),
        *(f"{margin}# {name}" for name in chunk.names),
        f"{margin}{BEGIN}",
        *lines,
        f"{margin}{END}",
    ]


def _prompt(lines: list[str]) -> list[str]:
    """A prompt as code where it can run before the solution without harm, else as a comment."""
    if not any(line.strip() for line in lines):
        return []
    text = dedent("\n".join(lines)).strip("\n")
    margin = _margin(lines)
    if _harmless(text):
        return indent(text, margin).split("\n")
    return _commented(text.split("\n"), margin)


def _harmless(text: str) -> bool:
    """Tell whether code only defines functions and classes or assigns `...`, so that it does nothing when it runs."""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return False
    return all(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant))
        for node in body
    )


def _whole(chunks: list[_Chunk]) -> str:
    """The whole cell as one solution, with what Otter's students get as a comment above."""
    shown = [line for chunk in chunks for line in (chunk.names + chunk.prompt if chunk.solution else chunk.lines)]
    runs = [line for chunk in chunks for line in chunk.lines]
    return "\n".join([*_commented(shown, ""), BEGIN, *runs, END])


def _commented(lines: list[str], margin: str) -> list[str]:
    return [f"{margin}# {line}".rstrip() for line in lines]


def _margin(lines: list[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    return first[: len(first) - len(first.lstrip())]


def _parses(text: str) -> bool:
    from saiten.ipython_code import find_syntax_problem

    return find_syntax_problem(text) is None
