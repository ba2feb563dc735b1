"""A student's notebook in the making: the released notebook, with other text in the cells that a student fills.

In: a bundle and the released notebooks' bytes. Out: `Work`, which is turned into the bytes of a hand-in, and
`SampleSubmission`, which says what that hand-in must get.
"""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from saiten.answers import automatic_questions, cell_keys, question_keys
from saiten.bundle import Bundle, BundleCell, Role, questions
from saiten.results import Status
from saiten.sample.structure import question_members

_ESSAY = (
    "図と数値を見くらべて考えました。はじめは予想どおりでしたが、途中から予想とちがいました。\n\n"
    "I compared the figure with the numbers: at first they were as I had expected, later they were not."
)
"""What a sample student writes where a person marks and the reference shows no text of its own."""

_SCHEME = ("BEGIN MARK SCHEME", "END MARK SCHEME")
"""Between these an instructor tells assistants what to give points for."""

_STUB = "NotImplementedError"
"""A released stub that raises this cannot earn points."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What marking a submission must give; what cannot be foretold is left out, never guessed."""

    status: Status | None
    """None: not foretold"""
    questions: Mapping[str, float | None] = field(default_factory=dict)
    """key of a question to its points, None where a person has to mark; questions not foretold are absent"""


@dataclass(frozen=True, slots=True)
class SampleSubmission:
    """One hand-in of the class, before a student's name is given to it."""

    kind: str
    """what was done to it, such as `reference`, `mistake:sum-not-mean`, `broken:not-json`"""
    title: str
    """the same for people"""
    files: Mapping[str, bytes]
    """relative path to content"""
    expected: Expected
    honest: bool = False
    """written in good faith, in the released notebook, under its name: any other marker has to give the same points"""


@dataclass(frozen=True)
class Exercise:
    """What the sample knows of an assignment: its bundle and the notebooks that students got."""

    bundle: Bundle
    released: Mapping[str, bytes]
    """notebook name to the released file's bytes"""
    solution_markers: tuple[str, str] = ("### BEGIN SOLUTION", "### END SOLUTION")
    """as the course configures them; a student's text does not hold them"""

    def answers(self) -> dict[str, str]:
        """Return the reference solution as a student would have typed it: cell key to text, for every writable cell."""
        return {
            key: self._typed(cell) for key, cell in cell_keys(self.bundle) if cell.role in (Role.SOLUTION, Role.MANUAL)
        }

    def stubs(self) -> dict[str, str]:
        """Return the released text of every writable cell."""
        return {
            key: cell.release_source
            for key, cell in cell_keys(self.bundle)
            if cell.role in (Role.SOLUTION, Role.MANUAL)
        }

    def _typed(self, cell: BundleCell) -> str:
        text = "\n".join(_without_scheme(cell.source, self.solution_markers))
        return _ESSAY if cell.cell_type == "markdown" and text.strip() == cell.release_source.strip() else text

    def expect(self, cells: Mapping[str, str], scores: Mapping[str, float]) -> Expected:
        """Foretell the result of a hand-in whose automatically marked questions get `scores`.

        Args:
            cells: cell key to the text handed in.
            scores: key of a question to points; questions that are absent are not foretold.
        """
        stubs, keys = self.stubs(), question_keys(self.bundle)
        by_grade_id = {id(cell): key for key, cell in cell_keys(self.bundle)}
        outcome: dict[str, float | None] = dict(scores)
        waits, certain = False, True
        for notebook in self.bundle.notebooks:
            for name, parts in questions(notebook):
                if parts[0].role is Role.TASK:
                    certain = False
                elif parts[0].role is Role.MANUAL:
                    cell_key = by_grade_id.get(id(parts[0]), "")
                    answered = cells.get(cell_key, "").strip() != stubs.get(cell_key, "").strip()
                    outcome[keys[notebook.name, name]] = None if answered else 0.0
                    waits = waits or answered
        status = (Status.NEEDS_MANUAL if waits else Status.GRADED) if certain else None
        return Expected(status, outcome)

    def full_marks(self) -> dict[str, float]:
        """Return key and points of every automatically marked question."""
        return {key: points for key, points, _ in automatic_questions(self.bundle)}

    def earns_nothing(self, question: str) -> bool:
        """Tell whether a question's released stubs raise NotImplementedError, so that they cannot earn points."""
        opened = self.solution_cells(question)
        return bool(opened) and all(_STUB in cell.release_source for _, cell in opened)

    def only_defines_functions(self, question: str) -> bool:
        """Tell whether functions are all that answers a question: then other bodies are no answer."""
        return all(_only_defines_functions(cell.source) for _, cell in self.solution_cells(question))

    def solution_cells(self, question: str) -> list[tuple[str, BundleCell]]:
        """Return key and cell of the solution cells that belong to a question."""
        keys = question_keys(self.bundle)
        by_cell = {id(cell): key for key, cell in cell_keys(self.bundle)}
        return [
            (by_cell[id(cell)], cell)
            for notebook in self.bundle.notebooks
            for name, members in question_members(notebook).items()
            if keys[notebook.name, name] == question
            for cell in members
            if cell.role is Role.SOLUTION
        ]

    def hand_in(self, cells: Mapping[str, str], signature: str = "") -> Work:
        """Paste texts into the released notebooks.

        Args:
            cells: cell key to text; cells that are absent keep their stubs.
            signature: a remark that makes this student's text unlike any other's; empty for none.
        """
        work = Work({name: json.loads(content) for name, content in self.released.items()})
        keys = {id(cell): key for key, cell in cell_keys(self.bundle)}
        for notebook in self.bundle.notebooks:
            for cell in notebook.cells:
                key = keys.get(id(cell), "")
                if key in cells:
                    work.paste(notebook.name, cell.grade_id or "", cells[key])
        if signature:
            work.sign(signature)
        return work


@dataclass
class Work:
    """Notebooks as nbformat JSON, to be changed freely and handed in at last."""

    notebooks: dict[str, dict[str, Any]]

    def paste(self, notebook: str, grade_id: str, text: str) -> None:
        """Replace the text of a cell, found by grade_id; raises `KeyError` if the release lacks it."""
        for cell in self.notebooks[notebook]["cells"]:
            if grade_id_of(cell) == grade_id:
                cell["source"] = text.splitlines(keepends=True)
                return
        raise KeyError(grade_id)

    def sign(self, text: str) -> None:
        """Add a remark to the first solution cell of each notebook, as a comment in code."""
        for document in self.notebooks.values():
            for cell in document["cells"]:
                if is_solution(cell):
                    remark = f"# {text}" if cell["cell_type"] == "code" else text
                    cell["source"] = [*cell["source"], "\n\n", remark]
                    break

    def copy(self) -> Work:
        """Return an independent copy."""
        return Work(copy.deepcopy(self.notebooks))

    def files(self) -> dict[str, bytes]:
        """Return file name to bytes, as Jupyter writes them."""
        return {f"{name}.ipynb": dump(document) for name, document in self.notebooks.items()}


def _only_defines_functions(source: str) -> bool:
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    beside = (ast.ClassDef, ast.Import, ast.ImportFrom, ast.Expr)
    functions = [isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in body]
    return any(functions) and all(here or isinstance(node, beside) for here, node in zip(functions, body, strict=True))


def dump(document: Mapping[str, Any]) -> bytes:
    """Write a notebook as Jupyter does: indented by one, UTF-8, a line end at the end."""
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def grade_id_of(cell: Mapping[str, Any]) -> str | None:
    """Return nbgrader's name of a cell, None if it has none."""
    found = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
    return found if isinstance(found, str) else None


def is_solution(cell: Mapping[str, Any]) -> bool:
    """Tell whether the student writes this cell."""
    return bool(cell.get("metadata", {}).get("nbgrader", {}).get("solution"))


def is_test(cell: Mapping[str, Any]) -> bool:
    """Tell whether this is a test cell: points, and not the student's."""
    mark = cell.get("metadata", {}).get("nbgrader", {})
    return bool(mark.get("grade")) and not mark.get("solution")


def _without_scheme(source: str, markers: tuple[str, str]) -> Iterator[str]:
    """Yield the lines of a reference answer that a student would have written."""
    begin, end = _SCHEME
    inside = False
    for line in source.splitlines():
        inside = inside or begin in line
        if not inside and not any(mark in line for mark in markers):
            yield line
        inside = inside and end not in line
