"""The names that a test sees: the instructor's, and the student's as they stood just before it.

In: what the instructor's cells bring, what each of the student's cells brought. Out: the namespace for one question's
tests, each time with the student's data fresh, so that no question finds what the tests of another one made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

from saiten.bundle import BundleCell, BundleNotebook, Role
from saiten.grading.arguments import fresh, mutables
from saiten.grading.inplace import undo
from saiten.grading.rebuild import Plan
from saiten.grading.remote import Link
from saiten.grading.shell import Output

_MISSING: Any = object()


@dataclass(frozen=True, slots=True)
class Ground:
    """What the judge parent prepared once for a notebook, before any submission was seen."""

    notebook: BundleNotebook
    module: ModuleType
    """namespace after the leading cells, in which tests run"""
    reference: ModuleType
    """namespace after the whole reference run; `reference` in a test"""
    brought: Mapping[str, Mapping[str, Any]]
    """cell id to what that cell brought in the reference run"""
    tainted: frozenset[str]
    """ids of the instructor's cells whose values depend on the student's names: theirs count, not the reference's"""
    remote: Mapping[str, tuple[str, ...]]
    """cell id to the names that the student's run of it brings into the tests"""
    leading_outputs: Mapping[str, list[Output]] = field(default_factory=dict)
    functions: Mapping[str, CodeType | None] = field(default_factory=dict)
    """id of a tainted cell to code that defines its functions with the judge"""
    shared: frozenset[str] = frozenset()
    """names that functions of the reference read: a test that binds one anew means the student's code to see that"""
    confiding: frozenset[str] = frozenset()
    """ids of test cells that use data which tests of other questions use as well"""


class Names:
    """The judge's namespace while it goes through a notebook.

    Args:
        ground: what the judge parent prepared; its namespace is the one that is changed.
        plan: the notebook.
    """

    def __init__(self, ground: Ground, plan: Plan) -> None:
        self._ground = ground
        self._steps = plan.steps
        self._place = 0
        self.here = ground.module.__dict__
        """the namespace in which tests run"""
        self.brought: dict[int, dict[str, Any]] = {}
        """step to what the student's run of it did to the watched names; a missing name was deleted"""
        self._installed: dict[str, Any] = {}
        self._last: Link | None = None
        self._masters: dict[str, Any] = {}
        self._instructors: list[Any] = list(self.here.values())

    def record(self, index: int, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Remember which names a step of the student's brought, changed or deleted."""
        changed = {name: value for name, value in after.items() if before.get(name, _MISSING) is not value}
        self.brought[index] = changed | {name: _MISSING for name in before if name not in after}

    def forget(self) -> None:
        """The student's process has ended: what it brought will come again from another one."""
        for name, value in self._installed.items():
            if self.here.get(name, _MISSING) is value:
                del self.here[name]
        self._installed.clear()
        self.brought.clear()

    def enter(self, index: int, link: Link) -> None:
        """Make the namespace that of step `index`: the student's names as they were, bound to data of their own.

        A name that a test has bound to something else stays what the test made of it.
        """
        for step in self._steps[self._place : index]:
            if step.cell_type == "code" and step.cell is not None and step.cell.role is not Role.TEST:
                self._bring_own(step.cell)
        self._place = max(self._place, index)
        theirs: dict[str, Any] = {}
        for place in range(index):
            theirs.update(self.brought.get(place, {}))
        known = self._masters if self._last is link else {}
        self._last, self._masters = link, theirs
        for name, master in theirs.items():
            if name in known and known[name] is master:
                continue  # the same process goes on: what it made of its data counts
            was, now = self._installed.get(name, _MISSING), self.here.get(name, _MISSING)
            value = fresh(master)
            if value is not _MISSING:
                link.bound[name] = value
            if now is not was and was is not _MISSING:
                continue
            if value is _MISSING:
                self.here.pop(name, None)
                self._installed.pop(name, None)
            else:
                self.here[name] = self._installed[name] = value

    def leave(self, link: Link) -> None:
        """The tests of a question are through: give the instructor's data back what the student's calls took."""
        for name in {*link.bound, *self._installed}:
            now = self.here.get(name, _MISSING)
            if now is not link.bound.get(name, _MISSING):
                continue  # the test's own
            if now is _MISSING:
                self._installed.pop(name, None)
            else:
                self._installed[name] = now
        if link.changes:
            ours = {id(value) for value in mutables(tuple(self._instructors))}
            undo([change for change in link.changes if id(change.target) in ours])
            link.changes.clear()

    def _bring_own(self, cell: BundleCell) -> None:
        """Names that the instructor's later set-up cells bring without depending on the student: ours count."""
        own = dict(self._ground.brought.get(cell.id, {}))
        if cell.role is not Role.SETUP or cell.id in self._ground.tainted:
            remote, mine = self._ground.remote.get(cell.id, ()), self._ground.functions.get(cell.id)
            own = {name: value for name, value in own.items() if name not in remote}
            if mine is not None:
                own = {name: value for name, value in own.items() if not isinstance(value, FunctionType)}
                exec(mine, self.here)
        self.here.update(own)
        self._instructors += own.values()
