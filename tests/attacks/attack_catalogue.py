"""Every attack as one `Case`: what is handed in, what it is after, why it is not run on plain nbgrader where it is not.

In: the `hostile_*` modules. Out: `CASES`, `LESSONS` (the assignments that are attacked), `items()` of `items.toml`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import attack_target as target
import hostile_dice
import hostile_folders
import hostile_forgeries
import hostile_inventions
import hostile_lies
import hostile_notebooks
import hostile_reads
import hostile_shows
import hostile_stops
import hostile_torch
import hostile_writes
from attack_world import World

import lessons
from saiten.bundle import Bundle, Role

OWN_WIRE = "not applicable: it speaks to Saiten's own judge, which nbgrader does not have"
OWN_NAMES = "not applicable: it is aimed at how Saiten keeps names and call-backs apart, in nbgrader they are one"
HARMS = "not run: without limits it would harm this machine"
NOT_ON_NBGRADER = {
    "ten thousand levels deep": "",
    "recursion without end": HARMS,
    "a fork bomb": HARMS,
    "a thread bomb": HARMS,
    "a memory balloon": HARMS,
    "a memory balloon in a call": HARMS,
    "keeps memory in memory files": HARMS,
    "a full disk": HARMS,
    "a huge sparse file": HARMS,
    "a hundred thousand files": HARMS,
    "output without end": HARMS,
    "sixty megabytes past Python": HARMS,
    "a hundred thousand figures": HARMS,
    "ten gigabytes": HARMS,
    "ten gigabytes in eight bytes": HARMS,
    "an endless iterator": HARMS,
    "a terabyte that is not there": HARMS,
    "device files": HARMS,
    "writes into the installation": "not run: it would change the Python that runs it",
    "asks for more rights": "not run: as root it would be given them",
    "breaks out": "not run: as root it would mount over this machine's folders",
    "a size of 10**9": HARMS,
    "a size of 1 << 62": HARMS,
    "records what the judge sends": OWN_WIRE,
    "the protocol's memory of sent names": OWN_WIRE,
    "a forged change of what is expected": OWN_WIRE,
    "asks one bit of a submission": "not applicable: whoever tells scores tells this",
}
"""Why an attack is not tried there, by name."""


@dataclass(frozen=True)
class Lesson:
    """An assignment that is attacked."""

    bundle: Callable[[], Bundle]
    right: Mapping[str, str]
    """question to a right answer"""


LESSONS = {
    "target": Lesson(lambda: target.make_bundle(target.HASTE), target.RIGHT),
    "dice": Lesson(hostile_dice.make_bundle, hostile_dice.RIGHT),
    "inventions": Lesson(hostile_inventions.make_bundle, hostile_inventions.RIGHT),
    "tensors": Lesson(hostile_torch.make_bundle, hostile_torch.RIGHT),
}


@dataclass(frozen=True)
class Case:
    """One hostile submission, ready to be handed in."""

    name: str
    kind: str
    """what it is after, in a word or two: the sections of `items.toml`"""
    tries: str
    notebook: Callable[[Bundle, World], bytes]
    lost: frozenset[str] = frozenset()
    """questions that are answered wrong: they must get 0"""
    lesson: str = "target"
    fill: Callable[[Path, Path], None] | None = None
    """what it puts beside its notebook: called with the folder handed in, and the course"""
    then: Case | None = None
    """what the next student hands in, who is in league with this one"""
    plain: str = ""
    """why it is not run on plain nbgrader; empty: it is run"""
    refused: bool = False
    """whether there is nothing to mark: it must be rejected, with a reason"""


@dataclass(frozen=True)
class Item:
    """One thing that a submission may try: an item of the list that the suite has to cover."""

    id: str
    section: str
    words: str
    attacks: tuple[str, ...] = ()
    """names of `CASES` that try it"""
    tests: tuple[str, ...] = ()
    """tests that try it, as `file.py::function`"""
    note: str = ""


GROUPS = {
    "@shapes": hostile_forgeries.SHAPES,
    "@frames": hostile_forgeries.FRAMES,
    "@cells": hostile_forgeries.CELLS,
}
"""Names in `items.toml` that stand for many attacks."""


def items() -> list[Item]:
    """The list, from `items.toml`."""
    raw = tomllib.loads(Path(__file__).with_name("items.toml").read_text(encoding="utf-8"))
    found = []
    for entry in raw["item"]:
        attacks: list[str] = []
        for name in entry.get("attacks", ()):
            attacks += [attack.name for attack in GROUPS[name]] if name in GROUPS else [name]
        rest = {name: value for name, value in entry.items() if name not in ("attacks", "tests")}
        found.append(Item(attacks=tuple(attacks), tests=tuple(entry.get("tests", ())), **rest))
    return found


def full_cells(bundle: Bundle, answers: Mapping[str, str]) -> list[dict[str, Any]]:
    """A released notebook, filled in, with all of nbgrader's metadata, as Jupyter would save it."""
    cells = target.cells_of(bundle, dict(answers))
    for raw, cell in zip(cells, bundle.notebooks[0].cells, strict=True):
        if cell.grade_id:
            is_test = cell.role is Role.TEST
            marks = {"grade": is_test, "grade_id": cell.grade_id, "locked": is_test, "schema_version": 3}
            raw["metadata"] = {"nbgrader": {**marks, "solution": cell.role is Role.SOLUTION, "task": False}}
            if is_test:
                raw["metadata"]["nbgrader"]["points"] = cell.points
    return cells


def document(cells: list[dict[str, Any]], metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A notebook around cells, with the kernel that Jupyter writes down."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"kernelspec": kernel, **(metadata or {})}
    cells = [{"id": f"own-{place}", **cell} for place, cell in enumerate(cells)]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": whole, "cells": cells}


def honest(bundle: Bundle, right: Mapping[str, str]) -> bytes:
    """A notebook with right answers, and without guile."""
    return json.dumps(document(full_cells(bundle, right))).encode()


def _of_attack(attack: target.Attack, kind: str) -> Case:
    def notebook(bundle: Bundle, world: World) -> bytes:
        answers = {name: world.fill_in(text) for name, text in attack.answers.items()}
        cells = full_cells(bundle, {**LESSONS[attack.lesson].right, **answers})
        before, after = (
            [lessons.code_cell(world.fill_in(text))] if text else [] for text in (attack.before, attack.after)
        )
        prose = [{"cell_type": "markdown", "metadata": {}, "source": attack.prose}] if attack.prose else []
        return json.dumps(document([*before, *cells, *after, *prose], attack.metadata)).encode()

    then = None if attack.then is None else _of_attack(attack.then, kind)
    plain = NOT_ON_NBGRADER.get(attack.name, OWN_WIRE if kind == "wire" else "")
    lost = attack.questions if attack.name not in _RIGHT_ALL_THE_SAME else frozenset()
    return Case(attack.name, kind, attack.tries, notebook, lost, attack.lesson, None, then, plain)


_RIGHT_ALL_THE_SAME = frozenset(attack.name for attack in (*hostile_reads.ALL, hostile_reads.SHOWN_INPUTS))
"""Attacks whose answers are right: they are after something else."""


def _of_lie(lie: Callable[[hostile_notebooks.Cells], hostile_notebooks.Cells]) -> Case:
    def notebook(bundle: Bundle, world: World) -> bytes:
        cells = full_cells(bundle, {**target.RIGHT, **hostile_notebooks.LAZY})
        return json.dumps(document(lie(cells))).encode()

    words = (lie.__doc__ or "").rstrip(".")
    return Case(words, "lying", words, notebook, frozenset(hostile_notebooks.LAZY))


def _of_kernel() -> Case:
    def notebook(bundle: Bundle, world: World) -> bytes:
        spec = {
            "kernelspec": {"name": "bash", "display_name": "Bash", "language": "bash"},
            "language_info": {"name": "R"},
        }
        return json.dumps(document(full_cells(bundle, {**target.RIGHT, **hostile_notebooks.LAZY}), spec)).encode()

    lost = frozenset(hostile_notebooks.LAZY)
    return Case("another language's kernel", "lying", "a kernel that runs nothing, or something else", notebook, lost)


def _of_damage(name: str, damage: Callable[[dict[str, Any]], bytes], answered: bool) -> Case:
    def notebook(bundle: Bundle, world: World) -> bytes:
        answers = {**target.RIGHT, **hostile_notebooks.LAZY} if answered else target.RIGHT
        return damage(document(full_cells(bundle, answers)))

    lost = frozenset(hostile_notebooks.LAZY if answered else target.RIGHT)
    return Case(f"a notebook with {name}", "stopping", "whoever reads the file", notebook, lost)


def _of_folder(folder: hostile_folders.Folder) -> Case:
    def notebook(bundle: Bundle, world: World) -> bytes:
        return honest(bundle, {**target.RIGHT, **{name: target.WRONG[name] for name in folder.wrong}})

    return Case(
        folder.name,
        "writing",
        folder.tries,
        notebook,
        frozenset(folder.wrong),
        fill=folder.fill,
        plain=NOT_ON_NBGRADER.get(folder.name, ""),
        refused=folder.takes_notebook,
    )


def _of_no_notebook(name: str, content: bytes) -> Case:
    words = f"{name}, for a notebook"
    return Case(words, "stopping", "whoever reads the file", lambda bundle, world: content, refused=True)


def _all() -> tuple[Case, ...]:
    forged = (*hostile_forgeries.SHAPES, *hostile_forgeries.FRAMES, hostile_forgeries.AHEAD, *hostile_forgeries.CELLS)
    groups = (
        ("lying", (*hostile_lies.ALL, *hostile_dice.ALL, *hostile_torch.ALL)),
        ("reading", (*hostile_reads.ALL, hostile_reads.SHOWN_INPUTS, hostile_reads.ONE_BIT)),
        ("writing", hostile_writes.ALL),
        ("stopping", (*hostile_stops.ENDS, *hostile_stops.LOOPS, *hostile_stops.FLOODS)),
        ("staff", hostile_shows.ALL),
        ("inventions", hostile_inventions.ALL),
        ("wire", forged),
    )
    return (
        *(_of_attack(attack, kind) for kind, attacks in groups for attack in attacks),
        *map(_of_lie, hostile_notebooks.LIES),
        _of_kernel(),
        *(_of_damage(name, damage, True) for name, damage in hostile_notebooks.READABLE.items()),
        *(_of_damage(name, damage, False) for name, damage in hostile_notebooks.EMPTIED.items()),
        *(_of_no_notebook(name, content) for name, content in hostile_notebooks.REFUSED.items()),
        *map(_of_folder, hostile_folders.ALL),
    )


CASES = _all()
