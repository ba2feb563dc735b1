"""The judge: has the student's cells run, runs the tests, and decides. One process per submission, trusted.

In: the bundle's notebook with the reference run's names, the plan of one submission, a way to get student processes.
Out: `Record`s, one per step: outputs, and for tests the verdict. Points come from positive evidence only: this process
ran the test cell to its end while the student's process was alive.

The student's cells run first; where tests stand, the student's process leaves a copy of itself behind (`Seats`). Then
the tests run, each question's with its own copy. So no cell that shows something, and no answer to another question,
runs in a process that was sent what a test asks.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

from saiten import pictures
from saiten.bundle import BundleCell, Limits
from saiten.grading.channel import Channel
from saiten.grading.display import OutputBudget, clean_outputs, notice
from saiten.grading.faults import StudentGone
from saiten.grading.gallery import Sitters, take_pictures
from saiten.grading.inplace import undo
from saiten.grading.names import Ground, Names
from saiten.grading.progress import Progress, Record
from saiten.grading.rebuild import Plan, Step
from saiten.grading.remote import GRACE, Link
from saiten.grading.rules import Rules
from saiten.grading.seats import SLACK, Seats, Teller, is_test
from saiten.grading.shell import CaptureShell, CellRun
from saiten.grading.verdict import TIME_IS_UP, TestTimeout, Verdict, credit, explain
from saiten.results import CellStatus, Picture


class Judge:
    """Judges one submission of one notebook.

    Args:
        ground: prepared by the parent.
        plan: what to run.
        limits: of the assignment.
        shell: this process's shell.
        new_student: starts a fresh student process (ending the one before) and returns a channel to it.
        until: name of a test cell. Nothing is run behind it, nor behind the first test that fails: that is enough
            to know whether all tests up to there hold. Tests then run where they stand.
        progress: where another judge of this submission came to, which did not come back from a step.
        tell: told before each step how far the submission is, and after how many seconds to give this process up.
    """

    def __init__(
        self,
        ground: Ground,
        plan: Plan,
        limits: Limits,
        shell: CaptureShell,
        new_student: Callable[[], Channel],
        until: str | None = None,
        *,
        progress: Progress | None = None,
        tell: Teller = lambda _progress, _seconds: None,
    ) -> None:
        self._ground = ground
        self._plan = plan
        self._limits = limits
        self._shell = shell
        self._until = until
        self._tell = tell
        self.progress = progress or Progress([Record() for _ in plan.steps], time.monotonic() + limits.total_seconds)
        self.records = self.progress.records
        self._names = Names(ground, plan)
        self._outputs = OutputBudget(limits.output_kb)
        self._rules = Rules(
            ours=self._is_ours,
            seconds=limits.cell_seconds,
            output_limit=limits.output_kb << 10,
            message_mb=limits.message_mb,
            shared=ground.shared,
            reference=ground.reference.__dict__,
        )
        self._seats = Seats(
            ground, plan, limits, self._names, self._rules, self.progress, new_student, tell, until=until
        )
        self._link: Link | None = None
        self._stop: int | None = None
        """where the names are"""
        self._retired: list[Link] = []
        if progress is not None:
            self._give_up(progress)

    def run(self) -> None:
        """Go through the notebook once; never raises for what a submission does."""
        self._names.here["reference"] = Reference(self._ground.reference)
        code = [index for index, step in enumerate(self._plan.steps) if step.cell_type == "code"]
        if self._until is None:
            code.sort(key=lambda index: is_test(self._plan.steps[index]))  # stable: all cells, then all tests
        for index in code:
            if self._until is None and is_test(self._plan.steps[index]):
                take_pictures(Sitters(self._plan, self._names, self._seats, self._shell), self.progress, self._tell)
            self._step(index)
            if self._until is not None and self._decided(index):
                break
        self._leave()
        self._seats.close()
        for link in self._retired:
            link.close()

    def _step(self, index: int) -> None:
        record, step = self.records[index], self._plan.steps[index]
        if record.ran or record.status is not None or index in self.progress.left_out:
            return
        started = time.perf_counter()
        if step.cell is not None and is_test(step):
            verdict = self._test(index, step, step.cell)
            record.score, record.status, record.message = verdict
        else:
            self._run_step(index, step)
        record.seconds = time.perf_counter() - started

    def _decided(self, index: int) -> bool:
        """Whether it is known that all tests up to the last one asked for hold, or that one does not."""
        step = self._plan.steps[index]
        if step.cell is None or not is_test(step):
            return False
        return self.records[index].status is not CellStatus.PASSED or step.cell.grade_id == self._until

    def _give_up(self, progress: Progress) -> None:
        """The judge before this one hung: that is a lost test, or a cell to be left out."""
        if progress.busy is None:
            return
        step, record = self._plan.steps[progress.busy], self.records[progress.busy]
        if is_test(step):
            record.score, record.status, record.message = 0.0, CellStatus.FAILED, TIME_IS_UP
        else:
            self._seats.leave_out(progress.busy, "time is up: what the cell left behind could not be read")
        progress.busy = None

    # -- the student's cells ----------------------------------------------------------------------------------------

    def _run_step(self, index: int, step: Step) -> None:
        record = self.records[index]
        if step.leading and not self._plan.leading_changed and step.cell is not None:
            record.ran, record.outputs = True, list(self._ground.leading_outputs.get(step.cell.id, []))
            return
        if not step.source.strip():
            return
        if not self._seats.ready(index):
            record.outputs = [notice("not run: the student's process could not go on")]
            return
        try:
            status, outputs, message = self._seats.run(index)
            record.ran, record.outputs = True, self._outputs.keep(outputs)
            if status != "ok":
                self._seats.explain_missing(index, message, outputs)
        except StudentGone as gone:
            self._seats.leave_out(index, gone.reason)

    # -- tests ------------------------------------------------------------------------------------------------------

    def _test(self, index: int, step: Step, cell: BundleCell) -> Verdict:
        link = self._enter(index)
        if link is None:
            late = time.monotonic() > self.progress.end
            return failed("the submission's time is up" if late else "the student's process kept dying")
        link.watch = self._seats.watched(index)
        if cell.in_student:
            return self._test_in_student(link, index, cell)
        begun = len(link.changes)
        verdict = self._test_here(link, index, cell)
        unlike = [change for change in link.changes[begun:] if not change.expected]
        if not unlike:
            return verdict
        link.changes[begun:] = [change for change in link.changes[begun:] if change.expected]
        undo(unlike)
        if verdict[0] == 0 or link.gone is not None:
            return verdict
        link.strict = True
        strict = self._test_here(link, index, cell)
        link.strict = False
        if strict[0] >= verdict[0]:
            return verdict
        return (
            strict[0],
            strict[1],
            f"your function changes its argument; with the argument left as it was: {strict[2]}",
        )

    def _enter(self, index: int) -> Link | None:
        """Go to the process that stands where this test stands, with the names as they are there."""
        stop = self._seats.stops[index]
        known = self._seats.at(stop) if stop == self._stop else None
        if known is not None and known is self._link and known.gone is None:
            return known
        link = self._seats.take(stop)
        if link is not self._link:
            self._leave()
        elif link is not None:
            self._names.leave(link)
        if link is not None:
            self._link = link
            link.take_turn()
            self._names.enter(stop, link)
            self._stop = stop
        return link

    def _leave(self) -> None:
        if self._link is not None:
            self._names.leave(self._link)
            if self._link.retire():
                self._retired.append(self._link)
            self._link = None

    def _test_here(self, link: Link, index: int, cell: BundleCell) -> Verdict:
        record = self.records[index]
        seconds = min(self._limits.cell_seconds, max(0.1, self.progress.end - time.monotonic()))
        lost = len(self._rules.lost)
        for each in (link, *self._retired):
            each.deadline = time.monotonic() + seconds
        self.progress.busy = index
        self._tell(self.progress, seconds + GRACE + SLACK)
        try:
            with _alarm(seconds + GRACE + SLACK / 2), pictures.sent_to(_to_nobody):
                ran = self._shell.run(cell.source, f"test {cell.grade_id}", index + 1, self._limits.output_kb << 10)
        except TestTimeout as late:  # it rang while IPython was putting its things in order
            ran = CellRun([], late, None)
        for each in (link, *self._retired):
            each.deadline = None
        if isinstance(ran.error, TestTimeout):
            link.close()  # perhaps in the middle of an answer: nothing that follows would be understood
        if not record.ran:
            record.ran, record.outputs = True, self._outputs.keep(clean_outputs(ran.outputs, index + 1))
        if len(self._rules.lost) > lost and not isinstance(ran.error, TestTimeout):
            return failed(self._rules.lost[lost].reason)
        if ran.error is not None:
            return failed(self._missing_name(ran.error) or explain(ran.error, cell))
        return credit(ran.value, cell.points)

    def _missing_name(self, error: BaseException) -> str:
        """For a test that stumbled over a name of the student's: why that name is not there."""
        if not isinstance(error, NameError) or getattr(error, "from_student", False):
            return ""
        name = error.name or ""
        if name in self._names.here:
            return ""
        known = {item for names in self._ground.remote.values() for item in names}
        return self.progress.missing.get(name, f"{name} is not defined" if name in known else "")

    def _test_in_student(self, link: Link, index: int, cell: BundleCell) -> Verdict:
        record = self.records[index]
        try:
            status, outputs, value, message = self._seats.run_in(link, index)
        except StudentGone as gone:
            return failed(gone.reason)
        record.ran, record.outputs = True, self._outputs.keep(outputs)
        return credit(value, cell.points) if status == "ok" else failed(message or "the test did not hold")

    def _is_ours(self, value: Any) -> bool:
        if isinstance(value, MethodType):
            value = value.__func__
        if isinstance(value, FunctionType):
            home = value.__globals__
            mine = home is self._names.here or home is self._ground.reference.__dict__
            return mine or value.__module__ == "__main__"
        return getattr(value, "__module__", None) == "__main__"


def _to_nobody(picture: Picture) -> None:
    """Where pictures go that a test attaches while it is marked."""


class Reference:
    """The instructor's own solution, for tests: `reference.ridge_fit(X, y, 1.0)`."""

    def __init__(self, module: ModuleType) -> None:
        self.__dict__.update(module.__dict__)


def failed(message: str) -> Verdict:
    """No points, and why."""
    return 0.0, CellStatus.FAILED, message


class _alarm:
    """Ends a test cell that runs on by itself; waiting for the student has its own, earlier deadline."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, self._seconds, 1.0)  # again and again: a bare `except:` may take one

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(signum: int, frame: FrameType | None) -> None:
    raise TestTimeout
