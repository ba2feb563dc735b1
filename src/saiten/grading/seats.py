"""The student's processes of one submission: one that runs all cells, and a copy of it wherever tests stand.

In: the plan, a way to start a process. Out: outputs of cells; for each place with tests a `Link` to a process in which
exactly the cells before that place have run. Copies are forks of the student's process by itself, made before any test
has run; where it cannot fork or has died, the cells run again in a fresh process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from saiten.bundle import Limits, Role
from saiten.grading.channel import Channel
from saiten.grading.display import clean_outputs, notice
from saiten.grading.faults import StudentGone
from saiten.grading.names import Ground, Names
from saiten.grading.progress import Progress
from saiten.grading.rebuild import Plan, Step
from saiten.grading.remote import GRACE, Link
from saiten.grading.rules import Rules
from saiten.grading.scope import definitions, mentions
from saiten.grading.shell import Output

MAX_RESTARTS = 12
"""Student processes one submission may lose."""
SLACK = 0.4
"""Seconds by which the judge's supervisor waits longer than the student's last grace; the judge's own alarm half."""

Teller = Callable[[Progress, float], None]
"""Told how far a submission is, and after how many seconds the judge is to be given up."""


class Seats:
    """Runs the student's cells and keeps processes for the tests.

    Args:
        ground, plan, limits, names, rules, progress: of the submission.
        new_student: starts a fresh process (ending the one before with all its copies) and returns a channel to it.
        tell: told before each cell that runs.
        until: see `Judge`: then no process is kept for later.
    """

    def __init__(
        self,
        ground: Ground,
        plan: Plan,
        limits: Limits,
        names: Names,
        rules: Rules,
        progress: Progress,
        new_student: Callable[[], Channel],
        tell: Teller,
        *,
        until: str | None,
    ) -> None:
        self._ground = ground
        self._steps = plan.steps
        self._warm = not plan.leading_changed
        self._limits = limits
        self._names = names
        self._rules = rules
        self._progress = progress
        self._new_student = new_student
        self._tell = tell
        self._until = until
        self._main: Link | None = None
        self._place = 0
        self._copies: dict[int, Link] = {}
        self._shared: Link | None = None
        self._first: list[Link] = []
        """conversations with the process that the copies were made of"""
        self._are_settled: dict[int, bool] = {}
        self._can_copy = True
        self.stops = _stops(plan.steps)
        """index of a test, to that of the first of those that stand together, no cell of the student's between them"""

    def close(self) -> None:
        """End all processes."""
        for link in (*self._copies.values(), *([self._main] if self._main is not None else [])):
            link.close()
        self._copies.clear()
        self._first.clear()
        self._main = self._shared = None

    # -- cells ------------------------------------------------------------------------------------------------------

    def ready(self, index: int) -> bool:
        """Make sure that a process stands just before step `index`; False if that cannot be."""
        while self._main is None or self._main.gone is not None:
            if not self._start():
                return False
            self._again(index)
        return time.monotonic() <= self._progress.end

    def run(self, index: int) -> tuple[str, list[Output], str]:
        """Run a cell of the student's in the process that `ready` made sure of.

        Returns:
            status ("ok", "error" or "timeout"), outputs, message.

        Raises:
            StudentGone: that ended the process.
        """
        main = self._alive()
        self._leave_copies(index)
        before = dict(main.bound)
        self._place = index + 1
        status, outputs, _, message = self.run_in(main, index)
        self._names.record(index, before, main.bound)
        return status, outputs, message

    def run_in(self, link: Link, index: int) -> tuple[str, list[Output], float | None, str]:
        """Run a step's code in one of the processes; outputs, the value if it is a number, and a message come back."""
        step = self._steps[index]
        link.deadline = min(time.monotonic() + self._limits.cell_seconds, self._progress.end)
        link.watch = self.watched(index)
        self._progress.busy = index
        self._tell(self._progress, max(0.1, link.deadline - time.monotonic()) + GRACE + SLACK)
        try:
            status, outputs, value, message = link.run(step.source, step.name, index + 1)
        finally:
            link.deadline = None
        cleaned = clean_outputs(outputs, index + 1)
        if status == "timeout":
            message = f"time is up: the cell did not finish within {self._limits.cell_seconds:g} seconds"
            cleaned.append(notice(message))
        return status, cleaned, value, message

    def watched(self, index: int) -> list[str]:
        """The student's names that tests up to step `index` may use."""
        names: dict[str, None] = {}
        for step in self._steps[: index + 1]:
            if step.cell is not None:
                names.update(dict.fromkeys(self._ground.remote.get(step.cell.id, ())))
        return list(names)

    def leave_out(self, index: int, reason: str) -> None:
        """A cell that ended its process is not run again, and said to be missing where it had not run before."""
        if index in self._progress.left_out:
            return
        self._progress.left_out.add(index)
        record, step = self._progress.records[index], self._steps[index]
        if not record.ran:
            self.explain_missing(index, reason, [])
            record.outputs = [notice(reason)]
        self._progress.notes.append(f"{step.name}: {reason}; the cell was left out afterwards.")

    def explain_missing(self, index: int, message: str, outputs: Sequence[Output]) -> None:
        """Remember why the names of a cell are not there, for the tests that will miss them."""
        step = self._steps[index]
        errors = [output for output in outputs if output["output_type"] == "error"]
        kind = errors[-1]["ename"] if errors and errors[-1]["ename"] != "Saiten" else ""
        reason = ": ".join(part for part in (kind, message) if part)
        for name in self._ground.remote.get(step.cell.id, ()) if step.cell is not None else ():
            self._progress.missing.setdefault(name, f"{name} is not defined: {step.name} ended early ({reason})")

    # -- places with tests ------------------------------------------------------------------------------------------

    def at(self, stop: int) -> Link | None:
        """The process that was taken for the tests at `stop`, if any."""
        return self._copies.get(stop)

    def take(self, stop: int) -> Link | None:
        """A process in which the cells before `stop` have run, and no others; None if there can be none any more."""
        while time.monotonic() <= self._progress.end:
            if any(link.gone is not None for link in self._first):
                self.close()  # the first of its namespace: with it all others end, whether that is seen yet or not
            link = self._copies.get(stop)
            if link is not None and link.gone is None:
                return link
            self._copies.pop(stop, None)
            main = self._main
            if self._shared is not None and self._shared.gone is None and self._settled(stop):
                self._copies[stop] = self._shared
            elif main is None or main.gone is not None or (self._place > stop and not self._settled(stop)):
                if not self._start():
                    return None
                every = self._until is None and (self._can_copy or self._settled(stop))
                self._again(len(self._steps) if every else stop)
            elif self._until is None and self._settled(stop):
                for other in sorted(self._waiting(len(self._steps))):
                    if self._can_copy and self._place <= other and not self._settled(other):
                        self._copy(other)
                self._copies[stop] = self._shared = self._hand_over(main)
            elif self._last(stop) or not self._can_copy:
                self._copies[stop] = self._hand_over(main)
            else:
                self._copy(stop)
        return None

    def spare(self, stop: int, deadline: float) -> Link | None:
        """One more copy of the process for the tests at `stop`, which is to leave no trace; None if there can be none.

        Args:
            stop: as for `take`.
            deadline: monotonic time until which the process has to answer.
        """
        link = self.take(stop)
        if link is None:
            return None
        link.deadline = deadline
        try:
            return link.branch(self._names.here)
        except StudentGone:  # the tests will get another one
            return None
        finally:
            link.deadline = None

    def _hand_over(self, main: Link) -> Link:
        """The process that ran the cells, for tests: it runs no cell any more."""
        self._main = None
        self._first.append(main.hand_over(self._names.here))
        return self._first[-1]

    def _settled(self, stop: int) -> bool:
        """Whether the cells behind these tests make no difference to them, so that their process needs no copy.

        That is so if those only define what nothing before them mentions, and the tests send nothing that tests of
        other questions send as well (an answer to one of those could keep it).
        """
        if stop not in self._are_settled:
            self._are_settled[stop] = self._is_settled(stop)
        return self._are_settled[stop]

    def _is_settled(self, stop: int) -> bool:
        if any(step.cell.id in self._ground.confiding for step in self._tests(stop) if step.cell is not None):
            return False
        earlier = [step.source for step in self._steps[:stop] if step.runs_in_student]
        earlier += [step.source for step in self._tests(stop)]
        before = frozenset[str]().union(*map(mentions, earlier))
        for index in range(stop, len(self._steps)):
            if self._runs(index):
                defined = definitions(self._steps[index].source)
                if defined is None or not before.isdisjoint(defined):
                    return False
        return True

    def _last(self, stop: int) -> bool:
        """Whether no cell has to run behind these tests."""
        if self._until is not None:
            return any(step.cell.grade_id == self._until for step in self._tests(stop) if step.cell is not None)
        return not any(self._runs(index) for index in range(stop, len(self._steps)))

    def _tests(self, stop: int) -> list[Step]:
        return [self._steps[index] for index, place in self.stops.items() if place == stop]

    def _leave_copies(self, index: int) -> None:
        """Before a cell runs: a copy for the tests that stand before it and have not been run."""
        for stop in sorted(self._waiting(index)):
            if self._can_copy and not self._settled(stop):
                self._copy(stop)

    def _waiting(self, index: int) -> set[int]:
        """Places before step `index` whose tests have not all been run, and for which there is no process."""
        records = self._progress.records
        waiting = {stop for test, stop in self.stops.items() if test < index and records[test].status is None}
        return waiting - set(self._copies)

    def _copy(self, stop: int) -> None:
        copy = self._alive().branch(self._names.here)
        self._can_copy = copy is not None
        if copy is not None:
            self._copies[stop] = copy

    # -- processes --------------------------------------------------------------------------------------------------

    def _alive(self) -> Link:
        if self._main is None:
            raise StudentGone("the student's process could not be started")
        return self._main

    def _start(self) -> bool:
        """Start a fresh process, unless too many have been lost."""
        most = MAX_RESTARTS if self._can_copy else MAX_RESTARTS + len(self.stops)
        if time.monotonic() > self._progress.end or self._progress.restarts > most:
            return False
        self.close()
        self._names.forget()
        self._progress.restarts += 1
        self._place = 0
        self._main = Link(self._new_student(), {}, self._rules)
        self._first.append(self._main)
        for step in self._steps:
            self._main.lines[step.name] = max(step.source.count("\n") + 1, self._main.lines.get(step.name, 0))
        return True

    def _again(self, until: int) -> None:
        """Run the cells before `until` that have run before, but for those that ended a process; one more may do so."""
        for index in range(until):
            if not self._runs(index) or not self._progress.records[index].ran:
                continue
            if time.monotonic() > self._progress.end:
                return
            try:
                self.run(index)
            except StudentGone as gone:
                self.leave_out(index, gone.reason)
                return

    def _runs(self, index: int) -> bool:
        """Whether a step is code of the student's process, and is not left out, nor inherited from its parent."""
        step = self._steps[index]
        code = step.runs_in_student and not is_test(step) and bool(step.source.strip())
        return code and not (step.leading and self._warm) and index not in self._progress.left_out


def is_test(step: Step) -> bool:
    """Whether a step is a test cell."""
    return step.cell is not None and step.cell.role is Role.TEST


def _stops(steps: Sequence[Step]) -> dict[int, int]:
    stops: dict[int, int] = {}
    stop: int | None = None
    for index, step in enumerate(steps):
        if step.cell_type != "code":
            continue
        if is_test(step):
            stop = index if stop is None else stop
            stops[index] = stop
        elif step.source.strip():
            stop = None
    return stops
