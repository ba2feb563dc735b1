"""The same notebook with its questions in another order, to show that none leans on the one before it.

In: a bundle's notebook. Out: the notebook with the blocks of its questions turned round as far as their names allow.
A block is a solution cell and all cells up to the next question; what stands before the first stays in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saiten.bundle import BundleCell, BundleNotebook, Role
from saiten.grading.scope import free_names


def blocks(notebook: BundleNotebook) -> tuple[list[BundleCell], list[list[BundleCell]]]:
    """Split a notebook into its head and the blocks of its questions.

    A question of several solution cells is one block: a block is open until a test or a cell for a person to mark.
    """
    head: list[BundleCell] = []
    found: list[list[BundleCell]] = []
    closed = True
    for cell in notebook.cells:
        starts = cell.role is Role.SOLUTION or (cell.role in (Role.MANUAL, Role.TASK) and closed)
        if starts and closed:
            found.append([])
            closed = False
        (found[-1] if found else head).append(cell)
        closed = closed or cell.role in (Role.TEST, Role.MANUAL, Role.TASK)
    return head, found


def in_other_order(notebook: BundleNotebook) -> BundleNotebook:
    """Turn the blocks round: the last first, but never before one whose names it uses, or that names it changes."""
    head, found = blocks(notebook)
    brings = [{name for cell in block if cell.role is not Role.TEST for name in cell.brings} for block in found]
    uses = [free_names(block) for block in found]
    after = {
        later: {
            earlier
            for earlier in range(later)
            if brings[earlier] & (uses[later] | brings[later]) or brings[later] & uses[earlier]
        }
        for later in range(len(found))
    }
    order = _latest_first(after)
    return replace(notebook, cells=(*head, *(cell for index in order for cell in found[index])))


def _latest_first(after: dict[int, set[int]]) -> Sequence[int]:
    done: list[int] = []
    while len(done) < len(after):
        free = [index for index, needs in after.items() if index not in done and needs <= set(done)]
        done.append(max(free))
    return done


def is_turned(notebook: BundleNotebook, other: BundleNotebook) -> bool:
    """Tell whether any cell stands elsewhere."""
    return [cell.id for cell in notebook.cells] != [cell.id for cell in other.cells]
