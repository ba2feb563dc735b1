"""What can be seen of an assignment without running it: points, languages, what tests lean on, which can be lied to.

In: prepared notebooks and their bundle. Out: `Finding`s.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from saiten.answers import question_keys
from saiten.build.bundle import Parts
from saiten.bundle import BundleCell, BundleNotebook, Role, questions
from saiten.check.hints import look_at_hints
from saiten.check.report import Finding, State
from saiten.check.tails import question_members
from saiten.course import Assignment
from saiten.grading.scope import free_names, names_bound
from saiten.languages import language_of
from saiten.notebook import read_source
from saiten.pictures import attach_pictures

_ATTACH = f"{attach_pictures.__name__}("


def look(parts: Parts, assignment: Assignment) -> Iterator[Finding]:
    """Yield what is found.

    Args:
        parts: the assignment, prepared and run.
        assignment: where it came from.
    """
    yield from _ids(parts)
    yield from _points(parts)
    yield from _languages(assignment)
    yield from look_at_hints(parts, assignment)
    for notebook in parts.bundle.notebooks:
        yield from _leaning(parts, notebook)
        yield from _dangerous(notebook)


def _ids(parts: Parts) -> Iterator[Finding]:
    """The build refuses a grade_id that stands twice in a notebook; twice in an assignment is confusing only."""
    ids = Counter(cell.grade_id for notebook in parts.bundle.notebooks for cell in notebook.cells if cell.grade_id)
    twice = [grade_id for grade_id, number in ids.items() if number > 1]
    if twice:
        text = f"{', '.join(twice)}: the same grade_id in several notebooks; reports name them notebook/grade_id."
        yield Finding("ids", State.LOOK, text)
    else:
        yield Finding("ids", State.HOLDS, f"{len(ids)} grade_ids, each once; cell ids come from them.")


def _points(parts: Parts) -> Iterator[Finding]:
    bundle = parts.bundle
    automatic = sum(cell.points for notebook in bundle.notebooks for cell in notebook.cells if cell.role is Role.TEST)
    text = f"{bundle.max_score:g} points: {automatic:g} by tests, {bundle.max_score - automatic:g} by a person."
    yield Finding("points", State.HOLDS if bundle.max_score else State.LOOK, text)
    for notebook in bundle.notebooks:
        for name, cells in questions(notebook):
            if not sum(cell.points for cell in cells):
                yield Finding("points", State.LOOK, f"{name} gives no points.", name, "Give its cells points.")
        for cell in _untested(notebook):
            yield Finding(
                "points",
                State.LOOK,
                f"No test cell stands behind the solution cell {cell.grade_id}.",
                cell.grade_id or cell.id,
                "Add a test cell, or let a person mark it.",
            )


def _untested(notebook: BundleNotebook) -> list[BundleCell]:
    tested = {cell.id for cells in question_members(notebook).values() for cell in cells}
    return [cell for cell in notebook.cells if cell.role is Role.SOLUTION and cell.id not in tested]


def _languages(assignment: Assignment) -> Iterator[Finding]:
    """The build refuses a group that lacks a language; here they are counted, and untagged prose is named."""
    counts: Counter[str] = Counter()
    plain = 0
    for path in assignment.notebooks.values():
        for cell in read_source(path).cells:
            language = language_of(cell)
            if language:
                counts[language] += 1
            elif cell.cell_type == "markdown" and cell.source.strip() and "nbgrader" not in cell.metadata:
                plain += 1
    wanted = ", ".join(f"lang-{each}" for each in assignment.course.options.languages)
    said = ", ".join(f"{number} {language}" for language, number in sorted(counts.items()))
    if not counts:
        yield Finding("languages", State.HOLDS, "One language: no cell carries a language tag.")
    elif plain:
        text = f"Cells of prose: {said}; {plain} stand in no language's group."
        yield Finding("languages", State.LOOK, text, next_step=f"Tag them {wanted}.")
    else:
        yield Finding("languages", State.HOLDS, f"Every group of prose has every language: {said}.")


def _leaning(parts: Parts, notebook: BundleNotebook) -> Iterator[Finding]:
    """Tests that name what another question's solution cells bring: a wrong answer there costs points here."""
    keys = question_keys(parts.bundle)
    members = question_members(notebook)
    owner = {name: question for question, cells in members.items() for cell in cells for name in _own_names(cell)}
    leaning = 0
    for question, tests in questions(notebook):
        for cell in tests:
            if cell.role is not Role.TEST:
                continue
            others = sorted(name for name in free_names([cell]) if owner.get(name, question) != question)
            if others:
                leaning += 1
                yield Finding(
                    "independence",
                    State.FAILS,
                    f"The test uses {', '.join(others)}, an answer to {', '.join(sorted({owner[x] for x in others}))}.",
                    cell.grade_id or cell.id,
                    f"Write out what {keys[notebook.name, question]} needs, or use reference.{others[0]}.",
                )
    if not leaning:
        yield Finding("independence", State.HOLDS, f"{notebook.name}: no test uses another question's answer.")


def _own_names(cell: BundleCell) -> set[str]:
    """Names that a solution cell defines itself; what it imports is a library's."""
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:
        return set(cell.brings)
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return set(cell.brings) - imported


def _dangerous(notebook: BundleNotebook) -> Iterator[Finding]:
    """Tests that can be lied to, and solutions that take a name which marking uses."""
    for cell in notebook.cells:
        name = cell.grade_id or cell.id
        if cell.role is Role.TEST and cell.in_student:
            yield Finding(
                "in-student",
                State.LOOK,
                "This test runs in the student's process: an answer can change what it sees, and read its hidden part.",
                name,
                "Test through functions that return plain data, and drop the tag in-student, if that can be.",
            )
        calls = cell.source.count(_ATTACH) - (0 if cell.in_student else cell.release_source.count(_ATTACH))
        if cell.role is Role.TEST and calls > 0:
            text = "Pictures are attached where none are shown: in a hidden part, or a test in the student's process."
            yield Finding("pictures", State.LOOK, text, name, "Attach them in the public part of a test.")
        if cell.role is Role.SOLUTION and "reference" in names_bound(cell.source):
            text = "The solution defines `reference`: tests use this name for the instructor's own solution."
            yield Finding("names", State.FAILS, text, name, "Call it something else.")
        taken = sorted(_own_names(cell) & _given(notebook, cell)) if cell.role is Role.SOLUTION else []
        if taken:
            text = f"The solution binds {', '.join(taken)} anew, which the instructor's cells define."
            yield Finding("names", State.LOOK, text, name, "Tests then see the student's; use another name.")


def _given(notebook: BundleNotebook, until: BundleCell) -> set[str]:
    before = notebook.cells[: next(i for i, cell in enumerate(notebook.cells) if cell.id == until.id)]
    return {name for cell in before if cell.role is Role.SETUP for name in cell.brings}
