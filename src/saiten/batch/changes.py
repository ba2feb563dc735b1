"""What a change of an assignment's tests can change: whose questions have to be marked again, and what that needs.

In: what is kept of the bundle of an earlier run, and the bundle of today. Out: a `Change`: test cells to run, or why
the whole submission has to be marked. Tests of one notebook share names (one binds `rng`, a later one reads it), so a
change can reach other questions; and some tests need what earlier ones have bound.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from saiten.batch.reads import reads_first
from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role, questions
from saiten.grading.scope import names_bound


@dataclass(frozen=True, slots=True)
class TestPart:
    """What is kept of a test cell."""

    __test__ = False

    digest: str
    """of all that can change its verdict, and of where it stands"""
    binds: tuple[str, ...] = ()
    """names of the notebook that it binds"""
    plain: bool = True
    """whether it is Python without magics: of another kind, nobody knows what it binds"""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is kept of a bundle, to tell later what has changed since."""

    cells: str
    """`Bundle.cells_hash`"""
    tests: Mapping[str, Mapping[str, TestPart]] = field(default_factory=dict)
    """by notebook and grade_id"""

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """Take a bundle apart."""
        return cls(bundle.cells_hash, {notebook.name: _tests(notebook) for notebook in bundle.notebooks})

    def to_json(self) -> str:
        """One line; `from_json` gives an equal object back."""
        return json.dumps(asdict(self), ensure_ascii=True, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Rebuild it; raises `ValueError`, `KeyError` or `TypeError` if the text is not one."""
        raw: dict[str, Any] = json.loads(text)
        tests = {
            notebook: {name: TestPart(**{**part, "binds": tuple(part["binds"])}) for name, part in group.items()}
            for notebook, group in raw["tests"].items()
        }
        return cls(raw["cells"], tests)


@dataclass(frozen=True, slots=True)
class Change:
    """What has to be marked again because of a change."""

    whole: str = ""
    """why all of it; empty if some questions are enough"""
    marked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """by notebook, the test cells whose verdicts may differ"""
    needed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """by notebook, other test cells that have to run before those"""
    questions: tuple[str, ...] = ()
    """names of the questions whose scores may differ"""


def change(before: Parts, bundle: Bundle) -> Change:
    """Tell what of a submission has to be marked again that was marked with another bundle.

    Args:
        before: what is kept of that one.
        bundle: of today.
    """
    if before.cells != bundle.cells_hash:
        return Change("more than tests has changed: cells, data or limits")
    now = Parts.of(bundle)
    marked: dict[str, frozenset[str]] = {}
    needed: dict[str, frozenset[str]] = {}
    names: list[str] = []
    for notebook in bundle.notebooks:
        old, new = before.tests.get(notebook.name, {}), now.tests[notebook.name]
        if old == new:
            continue
        odd = [name for group in (old, new) for name, part in group.items() if not part.plain]
        if odd:
            return Change(f"test {odd[0]} holds magics: what it leaves to other tests is not known")
        reached = _reached(notebook, old, new)
        marked[notebook.name] = frozenset(reached)
        needed[notebook.name] = frozenset(_needed(notebook, reached))
        names += [name for name, cells in questions(notebook) if any(_name(cell) in reached for cell in cells)]
    return Change("", marked, needed, tuple(names))


def _tests(notebook: BundleNotebook) -> dict[str, TestPart]:
    found: dict[str, TestPart] = {}
    above = ""
    for cell in notebook.cells:
        if cell.role is not Role.TEST:
            above = cell.id if cell.cell_type == "code" or cell.role is not Role.TEXT else above
            continue
        text = json.dumps([asdict(cell), above], ensure_ascii=True, sort_keys=True)
        digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        found[_name(cell)] = TestPart(digest, tuple(sorted(_bound(notebook, cell))), _is_plain(cell.source))
    return found


def _bound(notebook: BundleNotebook, cell: BundleCell) -> set[str]:
    """What a test leaves to later ones: not a module that the notebook's own cells import by the same name."""
    if cell.in_student:
        return set()  # that was a copy of the student's process, which has ended
    imported = {name for each in notebook.cells if each.role is not Role.TEST for name in _imports(each.source)}
    return names_bound(cell.source) - (imported & _imports(cell.source))


def _reached(notebook: BundleNotebook, old: Mapping[str, TestPart], new: Mapping[str, TestPart]) -> set[str]:
    """Test cells whose verdicts may differ: those of questions that changed, and those that read what they bind."""
    groups = [[cell for cell in cells if cell.role is Role.TEST] for _, cells in questions(notebook)]
    changed = {name for name in new if old.get(name) != new[name]}
    left = {name for part in (old[name] for name in old if name not in new) for name in part.binds}
    reached: set[str] = set()
    removed = [name for name in old if name not in new]
    while True:
        size = len(reached)
        binds = set(left)
        for name in reached | changed:
            binds |= {*new[name].binds, *(old[name].binds if name in old else ())}
        place = False
        for cells in groups:
            names = {_name(cell) for cell in cells}
            reads = {item for cell in cells if not cell.in_student for item in reads_first(cell.source)}
            # a removed test may have stood before any of them
            behind = place or bool(removed)
            if not names.isdisjoint(changed) or (behind and not reads.isdisjoint(binds)):
                reached |= names
            place = place or not names.isdisjoint(reached)
        if len(reached) == size:
            return reached


def _needed(notebook: BundleNotebook, reached: set[str]) -> set[str]:
    """Test cells of other questions that bind what these read, and what those read, and so on."""
    tests = [cell for cell in notebook.cells if cell.role is Role.TEST]
    needed: set[str] = set()
    wanted: set[str] = set()
    for cell in reversed(tests):  # what a test reads was bound before it
        name = _name(cell)
        if name in reached or not wanted.isdisjoint(_bound(notebook, cell)):
            if name not in reached:
                needed.add(name)
            wanted |= set() if cell.in_student else reads_first(cell.source)
    return needed


def _imports(source: str) -> set[str]:
    """Names that import statements at the top of a cell bind."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):
        return set()
    aliases = [alias for node in statements if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    return {(alias.asname or alias.name).partition(".")[0] for alias in aliases}


def _is_plain(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True


def _name(cell: BundleCell) -> str:
    return cell.grade_id or cell.id
