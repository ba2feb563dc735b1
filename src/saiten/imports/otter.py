"""An Otter Assign notebook becomes an assignment of Saiten's: notebook, assignment.toml, data.

In: the master notebook. Out: `Imported`: the files to write, and a remark for everything that is not as it was.
Nothing is written by `read_otter`; `write_assignment` writes, and never over a file that is there unless told to.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from saiten.errors import SourceError
from saiten.imports.otter_config import convert_config
from saiten.imports.otter_read import Block, MasterCell, Question, read_master
from saiten.imports.otter_solution import BEGIN, END, convert_solution
from saiten.imports.otter_tests import TestCell, convert_tests
from saiten.imports.remarks import Remark
from saiten.notebook import KERNELSPEC
from saiten.settings import FILE_NAME as SETTINGS_NAME

_INCLUDE_TAG = "otter_include"
_IGNORE_TAG = "otter_ignore"
_PLUGIN = re.compile(r"# (BEGIN|END) PLUGIN( EXPORT)?\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ImportedQuestion:
    """A question as it is now."""

    name: str
    """its name in Otter"""
    grade_id: str
    """its name now"""
    points: float
    """of its tests; of a manual question, what a person may give"""
    tests: int
    hidden: int
    manual: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """What an Otter Assign notebook became."""

    name: str
    """of the notebook, without suffix"""
    files: Mapping[str, bytes]
    """relative path in the assignment's folder to content"""
    questions: tuple[ImportedQuestion, ...]
    remarks: tuple[Remark, ...]

    @property
    def lost(self) -> list[Remark]:
        """What could not be carried over."""
        return [each for each in self.remarks if each.lost]


@dataclass(slots=True)
class _Made:
    """The notebook in the making."""

    cells: list[dict[str, object]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    questions: list[ImportedQuestion] = field(default_factory=list)
    grade_ids: set[str] = field(default_factory=set)

    def add(self, kind: str, source: str, tags: tuple[str, ...] = (), **nbgrader: object) -> None:
        metadata: dict[str, object] = {"tags": list(tags)} if tags else {}
        if nbgrader:
            flags = {"schema_version": 3, "grade": False, "solution": False, "locked": False}
            metadata["nbgrader"] = flags | nbgrader
        self.cells.append({"cell_type": kind, "source": source, "metadata": metadata})

    def say(self, cell: MasterCell | TestCell, text: str, lost: bool = False) -> None:
        self.remarks.append(Remark(f"cell {cell.number}", text, lost))

    def grade_id(self, wanted: str) -> str:
        """A grade_id that nbgrader allows and that is not taken."""
        name = base = re.sub(r"[^a-zA-Z0-9_\-]+", "-", wanted).strip("-") or "question"
        number = 1
        while name in self.grade_ids:
            number += 1
            name = f"{base}-{number}"
        self.grade_ids.add(name)
        return name


def read_otter(path: Path) -> Imported:
    """Convert an Otter Assign notebook; nothing is written.

    Args:
        path: the master notebook, a `.ipynb`.

    Raises:
        SourceError: it cannot be read, or Otter Assign itself would refuse it.
    """
    import jupytext
    import nbformat

    master = read_master(path)
    settings = convert_config(master.config, path.parent, master.config_cell)
    made = _Made(remarks=list(settings.remarks))
    for cell in master.ignored:
        made.say(cell, "Otter ignores this cell (`# IGNORE`): it is left out", lost=True)
    tests = master.config.get("tests")
    ok_format = not (isinstance(tests, dict) and tests.get("ok_format") is False)
    everywhere = bool(master.config.get("strip_solutions_from_all_cells"))
    for part in master.parts:
        if isinstance(part, Question):
            _question(made, part, ok_format, path)
        else:
            _plain(made, part, path, everywhere)
    notebook = nbformat.from_dict({"cells": made.cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata["kernelspec"] = dict(KERNELSPEC)
    notebook.metadata["jupytext"] = {"notebook_metadata_filter": "kernelspec,jupytext"}
    text = jupytext.writes(notebook, fmt="py:percent")
    files = {f"{path.stem}.py": text.encode(), **made.files}
    if settings.toml:
        files[SETTINGS_NAME] = settings.toml.encode()
    files |= {name: source.read_bytes() for name, source in settings.files.items()}
    remarks = sorted(made.remarks, key=lambda each: int(each.where.split()[-1]))
    return Imported(path.stem, files, tuple(made.questions), tuple(remarks))


def write_assignment(imported: Imported, folder: Path, force: bool = False) -> list[Path]:
    """Write an assignment into a folder.

    Args:
        imported: what to write.
        folder: made if need be.
        force: whether files that are there may be replaced.

    Returns:
        the files written.

    Raises:
        SourceError: a file is there already and `force` was not given; nothing was written.
    """
    there = [name for name in imported.files if (folder / name).exists()]
    notebook = folder / f"{imported.name}.ipynb"
    if notebook.exists():
        there.append(notebook.name)  # saving it would write over the .py beside it
    if there and not force:
        raise SourceError(
            f"{folder} holds {', '.join(there)} already: nothing was written.",
            "Give another folder with --into DIR, or --force to replace them.",
        )
    for name, content in imported.files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return [folder / name for name in imported.files]


def _plain(made: _Made, cell: MasterCell, path: Path, everywhere: bool = False, **nbgrader: object) -> None:
    """A cell that is no answer and no test."""
    if _PLUGIN.search(cell.source):
        made.say(cell, "a call of an Otter plugin: it stands there as text and does nothing", lost=True)
    if _IGNORE_TAG in cell.tags and cell.kind == "code":
        made.say(cell, "Otter does not run this cell when it marks (tag `otter_ignore`); Saiten does", lost=True)
    if everywhere and cell.kind == "code":
        converted = convert_solution(cell.source, f"{path}: {cell.where}")
        if converted.has_solution:
            _say_all(made, cell, converted.remarks)
            made.add("code", converted.text, grade_id=made.grade_id(f"cell-{cell.number}"), solution=True)
            return
    source = cell.source
    for name, content in _attachments(cell):
        made.files[name] = content
        source = source.replace(f"attachment:{PurePosixPath(name).name.partition('-')[2]}", name)
    made.add(cell.kind, source, cell.tags, **nbgrader)


def _attachments(cell: MasterCell) -> Iterator[tuple[str, bytes]]:
    """Give pasted pictures as files: the text format holds none."""
    for name, kinds in cell.attachments.items():
        for content in kinds.values():
            safe = PurePosixPath(name).name
            if safe == name and isinstance(content, str):
                yield f"images/{cell.number}-{safe}", base64.b64decode(content)
                break


def _say_all(made: _Made, cell: MasterCell | TestCell, remarks: tuple[tuple[str, bool], ...]) -> None:
    for text, lost in remarks:
        made.say(cell, text, lost)


def _question(made: _Made, question: Question, ok_format: bool, path: Path) -> None:
    """One question: its text, its answer cells, its tests, in the order in which they stand."""
    tests = [cell for block, cell in question.parts if block is Block.TESTS]
    converted = convert_tests(question, tests, ok_format, path)
    manual = bool(question.config.get("manual"))
    unknown = set(question.config) - {"name", "manual", "points", "check_cell", "export", "all_or_nothing"}
    for key in sorted(unknown):
        made.say(_at(question), f"{key}: Saiten does not know this key of a question", lost=True)
    if question.config.get("export"):
        made.say(_at(question), "export: there is no PDF that questions are chosen for", lost=True)
    first = made.grade_id(question.name)
    if first != question.name:
        made.say(_at(question), f"the question {question.name!r} is called {first} now")
    names = iter(_names(made, first))
    wrote = _answers(made, question, manual, names, path)
    cells = _tests(made, question, converted, first if not wrote else f"{first}-test")
    points = sum(each.points for each in converted)
    if manual:
        points += _manual_points(question, path)
        if not wrote:
            made.say(_at(question), f"{question.name} is marked by a person, and has no place for an answer", lost=True)
    elif not tests:
        made.say(_at(question), f"{question.name} has no tests, and so no points, in Otter and here")
        if wrote:  # an empty test cell ends the question: the next one's tests are not taken for this one's
            name = made.grade_id(f"{first}-test")
            made.add("code", f"# {question.name}: no test", grade_id=name, grade=True, points=0, locked=True)
    elif not wrote:
        made.say(_at(question), f"{question.name} has tests and no answer of its own: they may count for what is above")
    hidden = sum(each.hidden for each in converted)
    made.questions.append(ImportedQuestion(question.name, first, points, cells, hidden, manual))


def _at(question: Question) -> MasterCell:
    return MasterCell(question.number, "raw", "")


def _names(made: _Made, first: str) -> Iterator[str]:
    yield first
    while True:
        yield made.grade_id(f"{first}-part")


def _manual_points(question: Question, path: Path) -> float:
    points = question.config.get("points")
    if points is None:
        return 0.0
    if isinstance(points, bool) or not isinstance(points, int | float) or points < 0:
        raise SourceError(f"{path}: {question.name}: {points!r} is not a number of points.", "Points are 0 or more.")
    return float(points)


def _answers(made: _Made, question: Question, manual: bool, names: Iterator[str], path: Path) -> int:
    """Write text, prompts and solutions of a question; return how many cells are the student's."""
    written, prompts = 0, list[MasterCell]()
    pending = [cell for block, cell in question.parts if block is Block.SOLUTION]
    essay = next((cell for cell in pending if cell.kind == "markdown"), None) if manual else None
    marked = essay or (next((cell for cell in pending if cell.kind == "code"), None) if manual else None)
    code = [cell for cell in pending if cell.kind == "code"]
    for block, cell in question.parts:
        if block is Block.TEXT:
            _plain(made, cell, path)
        elif block is Block.PROMPT:
            prompts.append(cell)
        elif block is Block.SOLUTION and cell.kind == "markdown" and _INCLUDE_TAG in cell.tags:
            _plain(made, MasterCell(cell.number, cell.kind, cell.source), path)
        elif block is Block.SOLUTION and cell is essay:
            before = "\n\n".join(each.source for each in prompts if each.kind == "markdown")
            prompts = [each for each in prompts if each.kind != "markdown"]
            text = "\n".join([before, "", BEGIN, cell.source, END]) if before else cell.source
            points = _manual_points(question, path)
            made.add("markdown", text, grade_id=next(names), grade=True, solution=True, points=points)
            written += 1
        elif block is Block.SOLUTION and cell.kind == "code":
            before = "\n".join(each.source for each in prompts if each.kind == "code")
            given = [each for each in prompts if each.kind != "code"]
            for each in given:
                _plain(made, each, path)
            prompts = []
            comments = _prose(pending, essay) if cell is code[0] else ""
            done = convert_solution(cell.source, f"{path}: {cell.where}", before, comments)
            _say_all(made, cell, done.remarks)
            if not done.has_solution:
                made.say(cell, "the solution marks no line as such: students get the cell as it is, as in Otter")
                made.add("code", done.text, cell.tags)
                continue
            marks: dict[str, object] = {"grade_id": next(names), "solution": True}
            if cell is marked:
                marks |= {"grade": True, "points": _manual_points(question, path)}
            made.add("code", done.text, cell.tags, **marks)
            written += 1
        elif block is Block.SOLUTION and not code:
            made.say(cell, "text of the solution is left out: students do not get it, and no code holds it", lost=True)
    for each in prompts:
        _plain(made, each, path)
    return written


def _prose(solutions: list[MasterCell], essay: MasterCell | None) -> str:
    """Prose of the solution, which goes as a comment into its first code cell: students get neither."""
    prose = [each for each in solutions if each.kind != "code" and each is not essay and _INCLUDE_TAG not in each.tags]
    return "\n\n".join(each.source for each in prose)


def _tests(made: _Made, question: Question, tests: list[TestCell], name: str) -> int:
    """Write the test cells of a question; all in one if they count together. Return how many tests there are."""
    for test in tests:
        _say_all(made, test, test.remarks)
    if tests and question.config.get("all_or_nothing"):
        parts = [_hidden(test.code) if test.hidden else test.code for test in tests]
        groups = [("\n\n".join(parts), sum(test.points for test in tests), any(test.in_student for test in tests))]
    else:
        groups = []
        for number, test in enumerate(tests, 1):
            label = f"# {question.name}: hidden test {number}\n" if test.hidden else ""
            code = _hidden(test.code) if test.hidden else test.code
            groups.append((label + code, test.points, test.in_student))
    for at, (code, points, in_student) in enumerate(groups, 1):
        grade_id = name if name in made.grade_ids and at == 1 else made.grade_id(f"{name}-{at}" if at > 1 else name)
        tags = ("in-student",) if in_student else ()
        made.add("code", code, tags, grade_id=grade_id, grade=True, locked=True, points=points)
    return len(tests)


def _hidden(code: str) -> str:
    return f"### BEGIN HIDDEN TESTS\n{code}\n### END HIDDEN TESTS"
