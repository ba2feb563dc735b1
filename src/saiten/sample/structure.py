"""Which cells make up a question, and which question can be spoilt without touching another.

In: a bundle's notebooks. Out: cells by question; keys of questions whose names no other question uses, directly or
through other cells: found from the text, erring on the side of "it is used", so that what is foretold holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from saiten.answers import automatic_questions, question_keys
from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role, questions

_WORD = re.compile(r"[^\W\d]\w*")
_DEFINED = re.compile(r"^(?:async\s+)?(?:def|class)\s+(\w+)|^(\w+)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE)


def question_members(notebook: BundleNotebook) -> dict[str, list[BundleCell]]:
    """Map a question's name to its solution and test cells; a question without solution cells is absent."""
    found: dict[str, list[BundleCell]] = {}
    waiting: list[BundleCell] = []
    owner = {id(test): name for name, tests in questions(notebook) for test in tests}
    for cell in notebook.cells:
        if cell.role is Role.SOLUTION:
            waiting.append(cell)
        elif cell.role in (Role.MANUAL, Role.TASK):
            waiting = []
        elif id(cell) in owner and (waiting or owner[id(cell)] in found):
            found.setdefault(owner[id(cell)], []).extend([*waiting, cell])
            waiting = []
    return found


def independent_questions(bundle: Bundle) -> list[str]:
    """Return the keys of the automatically marked questions that no other question depends on, in order."""
    keys, automatic = question_keys(bundle), {key for key, _, _ in automatic_questions(bundle)}
    found = []
    for notebook in bundle.notebooks:
        members = question_members(notebook)
        for name, _ in questions(notebook):
            key = keys[notebook.name, name]
            if key in automatic and members.get(name) and not _touches_others(notebook, name, members):
                found.append(key)
    return found


def _touches_others(notebook: BundleNotebook, name: str, members: dict[str, list[BundleCell]]) -> bool:
    mine = {id(cell) for cell in members[name]}
    spoilt = _names(cell for cell in members[name] if cell.role is Role.SOLUTION)
    started = False
    for cell in notebook.cells:
        started = started or id(cell) in mine
        if not started or id(cell) in mine or cell.cell_type != "code":
            continue
        if spoilt & set(_WORD.findall(cell.source)):
            if cell.role is not Role.SETUP:
                return True
            spoilt |= _names([cell])
    return False


def _names(cells: Iterable[BundleCell]) -> set[str]:
    return {
        name
        for cell in cells
        for name in (*cell.brings, *(one or other for one, other in _DEFINED.findall(cell.source)))
    }
