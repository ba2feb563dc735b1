"""An exercise of source/ taken apart and run in this process, cell by cell, as a stock kernel would run it.

In: `source/<assignment>/`. Out: its cells and questions; namespaces, scores, messages, figures and seeds of a run.
Verdicts that count come from the engine (tests/system/test_marked_exercises.py); this is quick, and looks inside.
"""

from __future__ import annotations

import ast
import copy
import functools
import io
import itertools
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib as mpl
import numpy as np

from saiten.answers import Answer, read_answers
from saiten.bundle import Role
from saiten.ipython_code import parse_cell
from saiten.notebook import nbgrader_metadata, read_source, role_of

mpl.use("Agg")

SOURCE = Path(__file__).parent.parent / "source"
FOLDERS = sorted(path.parent for path in SOURCE.glob("*/*.py") if path.stem == path.parent.name)

_NUMBERS = itertools.count()
_SEEDED = frozenset({"default_rng", "manual_seed", "seed", "RandomState"})


@dataclass(frozen=True)
class Cell:
    """One cell of the instructor's notebook."""

    grade_id: str
    role: Role
    source: str
    points: float
    code: bool


@dataclass
class Question:
    """One solution cell, or several, and the test cells behind them; named after the first."""

    name: str
    solutions: list[Cell] = field(default_factory=list)
    tests: list[Cell] = field(default_factory=list)

    @property
    def points(self) -> float:
        """What it is worth."""
        return sum(cell.points for cell in self.tests)

    def defined(self) -> set[str]:
        """Names that its solution cells bind at top level."""
        statements = [node for cell in self.solutions for node in ast.parse(cell.source).body]
        made = {
            node.name for node in statements if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
        targets = [target for node in statements if isinstance(node, ast.Assign) for target in node.targets]
        return made | {target.id for target in targets if isinstance(target, ast.Name)}


@dataclass
class Run:
    """What running a notebook left behind."""

    namespace: dict[str, Any]
    scores: dict[str, float]
    """question to points"""
    failures: dict[str, str] = field(default_factory=dict)
    """grade_id of a failed test cell to its message"""
    figures: int = 0
    figure_problems: list[str] = field(default_factory=list)
    seeds: dict[str, list[int]] = field(default_factory=dict)
    """grade_id of a cell (empty: a cell without one) to the seeds that its own lines gave to NumPy and PyTorch"""


class Exercise:
    """The notebook of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / f"{folder.name}.py"
        self.cells: list[Cell] = []
        for cell in read_source(self.path).cells:
            metadata = nbgrader_metadata(cell)
            points = float(metadata.get("points", 0))
            name = metadata.get("grade_id", "")
            self.cells.append(Cell(name, role_of(cell), cell.source, points, cell.cell_type == "code"))
        self.questions = {question.name: question for question in self._questions()}
        self.full = {name: question.points for name, question in self.questions.items()}

    @functools.cached_property
    def answers(self) -> list[Answer]:
        """Its planted answers."""
        return read_answers(self.folder / "answers")

    @functools.cached_property
    def leading(self) -> dict[str, Any]:
        """What the instructor's cells before the first solution cell leave behind; they run once, as in marking."""
        run = Run({"__name__": "__main__"}, {})
        for cell in self._leading_cells():
            run_cell(cell, cell.source, run)
        self.leading_run = run
        return run.namespace

    def fresh_namespace(self) -> dict[str, Any]:
        """Copy what the leading cells left behind; data and models are copies, which an answer may spoil."""
        import torch

        data = (np.ndarray, list, dict, set, torch.Tensor, torch.nn.Module)
        memo: dict[int, Any] = {}
        return {
            name: copy.deepcopy(value, memo) if isinstance(value, data) and not name.startswith("_") else value
            for name, value in self.leading.items()
        }

    def execute(
        self,
        answers: Mapping[str, str],
        *,
        only: Collection[str] | None = None,
        demonstrations: bool = False,
        change_test: Callable[[str], str] = lambda source: source,
    ) -> Run:
        """Mark a notebook in one plain namespace.

        Args:
            answers: grade_id of a solution or manual cell to the text that stands there; others hold the reference.
            only: the questions to run, None for all; the others are taken as right. Questions do not use each
                other's functions (a test holds them to that), so one answer cannot change the marks of another.
            demonstrations: whether manual cells, and the instructor's cells behind the first answer, run, too; an
                error in one is raised.
            change_test: what is done to the text of each test cell before it runs.
        """
        chosen = set(self.full if only is None else only)
        run = Run(self.fresh_namespace(), {name: 0.0 if name in chosen else each for name, each in self.full.items()})
        owner = {id(cell): each.name for each in self.questions.values() for cell in (*each.solutions, *each.tests)}
        random.seed(0)
        np.random.seed(0)
        for cell in self.cells[len(self._leading_cells(every=True)) :]:
            question = owner.get(id(cell), "")
            if not cell.code or (question and question not in chosen) or (not question and not demonstrations):
                continue
            if cell.role is not Role.TEST:
                run_cell(cell, answers.get(cell.grade_id, cell.source), run)
                continue
            try:
                run_cell(cell, change_test(cell.source), run)
            except Exception as error:  # whatever a wrong answer raises loses the points of this test
                run.failures[cell.grade_id] = f"{type(error).__name__}: {error}"
            else:
                run.scores[question] += cell.points
        return run

    def _leading_cells(self, *, every: bool = False) -> list[Cell]:
        first = next(place for place, cell in enumerate(self.cells) if cell.role in (Role.SOLUTION, Role.MANUAL))
        return [cell for cell in self.cells[:first] if cell.code or every]

    def _questions(self) -> Iterator[Question]:
        current: Question | None = None
        for cell in self.cells:
            if cell.role is Role.SOLUTION:
                if current is None or current.tests:
                    if current is not None:
                        yield current
                    current = Question(cell.grade_id)
                current.solutions.append(cell)
            elif cell.role is Role.TEST and current is not None:
                current.tests.append(cell)
        if current is not None:
            yield current


def run_cell(cell: Cell, source: str, run: Run) -> None:
    """Run one cell in the notebook's namespace, without its output; look at its figures and its seeds."""
    import matplotlib.pyplot as plt

    try:
        name = f"_noted_seed_{next(_NUMBERS)}"  # a function keeps noting for the cell that it stands in
        tree = ast.fix_missing_locations(_SeedsNoted(name).visit(parse_cell(source)))
        run.namespace[name] = functools.partial(_note, run.seeds.setdefault(cell.grade_id, []))
        with redirect_stdout(io.StringIO()), mock.patch("matplotlib.pyplot.show"):
            exec(compile(tree, f"<cell {cell.grade_id}>", "exec"), run.namespace)
        for number in plt.get_fignums():
            figure = plt.figure(number)
            figure.canvas.draw()  # a glyph that the font lacks is a warning here, and warnings are errors
            run.figures += 1
            run.figure_problems += [f"{cell.grade_id or source[:40]!r}: {each}" for each in figure_problems(figure)]
    finally:
        plt.close("all")


def _note(seeds: list[int], seed: Any) -> Any:
    """Keep a seed, and give it back."""
    if isinstance(seed, int | np.integer):
        seeds.append(int(seed))
    return seed


class _SeedsNoted(ast.NodeTransformer):
    """Pass the first argument of everything that takes a seed through a function that keeps it.

    The text is changed and not the libraries: what they do with seeds of their own is their affair, and a type that is
    replaced for a while breaks whatever is imported meanwhile.
    """

    def __init__(self, note: str) -> None:
        self.note = note

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _SEEDED and node.args:
            note = ast.copy_location(ast.Name(self.note, ast.Load()), node)
            node.args[0] = ast.copy_location(ast.Call(note, [node.args[0]], []), node)
        return node


def figure_problems(figure: Any) -> list[str]:
    """Say what a reader would miss in a figure: an empty panel, axes without labels, a picture that says not what."""
    problems = []
    whole = figure.get_suptitle()
    if not figure.axes and not figure.texts:
        problems.append("an empty figure")
    for number, axis in enumerate(figure.axes, start=1):
        if axis.get_label() == "<colorbar>" or not axis.get_visible():
            continue
        across = axis.get_xlabel() or _has_words(axis.get_xticklabels())
        up = axis.get_ylabel() or _has_words(axis.get_yticklabels())
        if not (axis.has_data() or axis.texts or axis.tables):
            problems += [f"panel {number} is empty"] if axis.axison else []
        elif axis.images:
            titles = [whole, *(axis.get_title(place) for place in ("left", "center", "right"))]
            if not (any(titles) or across or up or _has_words(axis.texts)):
                problems.append(f"panel {number} does not say what it shows")
        elif axis.axison and not (across and up):
            problems.append(f"panel {number} lacks a label of an axis")
    return problems


def _has_words(texts: Iterable[Any]) -> bool:
    return any(letter.isalpha() for text in texts for letter in text.get_text())


def cleared(source: str) -> str:
    """The released text of a solution cell, made by nbgrader's own preprocessor."""
    from nbformat.v4 import new_code_cell
    from nbgrader.preprocessors import ClearSolutions

    cell = new_code_cell(source)
    ClearSolutions()._replace_solution_region(cell, "python")
    return str(cell.source)


def public_part(source: str) -> str:
    """A test cell as students get it, made by nbgrader's own preprocessor."""
    from nbformat.v4 import new_code_cell
    from nbgrader.preprocessors import ClearHiddenTests

    cell = new_code_cell(source)
    ClearHiddenTests()._remove_hidden_test_region(cell)
    return str(cell.source)
