"""The judge: has the student's cells run, runs the tests, and decides. One process per submission, trusted.

In: the bundle's notebook with the reference run's names, the plan of one submission, a way to get student processes.
Out: `Record`s, one per step: outputs, and for tests the verdict. Points come from positive evidence only: this process
ran the test cell to its end while the student's process was alive.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

from saiten.bundle import BundleCell, BundleNotebook, Limits, Role
from saiten.grading.channel import Channel
from saiten.grading.faults import StudentGone
from saiten.grading.rebuild import Plan, Step
from saiten.grading.remote import GRACE, Link
from saiten.grading.shell import CaptureShell, CellRun, Output
from saiten.grading.verdict import TestTimeout, credit, explain
from saiten.results import CellStatus

MAX_RESTARTS = 12
"""Student processes one submission may use up."""


@dataclass(slots=True)
class Record:
    """What became of one step."""

    outputs: list[Output] = field(default_factory=list)
    ran: bool = False
    score: float | None = None
    status: CellStatus | None = None
    """for test cells"""
    message: str = ""
    seconds: float = 0.0
    """wall time of the step"""


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


class Judge:
    """Judges one submission of one notebook.

    Args:
        ground: prepared by the parent.
        plan: what to run.
        limits: of the assignment.
        shell: this process's shell.
        new_student: starts a fresh student process (ending the one before) and returns a channel to it.
        until: name of a test cell. Nothing is run behind it, nor behind the first test that fails: that is enough
            to know whether all tests up to there hold.
    """

    def __init__(
        self,
        ground: Ground,
        plan: Plan,
        limits: Limits,
        shell: CaptureShell,
        new_student: Callable[[], Channel],
        until: str | None = None,
    ) -> None:
        self._ground = ground
        self._plan = plan
        self._limits = limits
        self._shell = shell
        self._new_student = new_student
        self._until = until
        self._names = ground.module.__dict__
        self._link: Link | None = None
        self._end = time.monotonic() + limits.total_seconds
        self._warm = not plan.leading_changed
        self._skip: set[int] = set()
        self._restarts = 0
        self._started = False
        self._missing: dict[str, str] = {}
        self.records = [Record() for _ in plan.steps]
        self.notes: list[str] = []

    def run(self) -> None:
        """Go through the notebook once; never raises for what a submission does."""
        self._names["reference"] = Reference(self._ground.reference)
        for index, step in enumerate(self._plan.steps):
            if step.cell_type != "code":
                continue
            started = time.perf_counter()
            if step.cell is not None and step.cell.role is Role.TEST:
                self._test(index, step, step.cell)
            else:
                self._run_step(index, step)
            self.records[index].seconds = time.perf_counter() - started
            if self._until is not None and self._decided(step, self.records[index]):
                break
        if self._link is not None:
            self._link.close()

    def _decided(self, step: Step, record: Record) -> bool:
        """Whether it is known that all tests up to the last one asked for hold, or that one does not."""
        if step.cell is None or step.cell.role is not Role.TEST:
            return False
        return record.status is not CellStatus.PASSED or step.cell.grade_id == self._until

    # -- the student's cells ----------------------------------------------------------------------------------------

    def _run_step(self, index: int, step: Step) -> None:
        record = self.records[index]
        if step.leading and self._warm and step.cell is not None:
            record.ran, record.outputs = True, list(self._ground.leading_outputs.get(step.cell.id, []))
            return
        self._bring_own(step)
        if not step.source.strip():
            return
        if not self._ready(index):
            record.outputs = [_notice("not run: the student's process could not go on")]
            return
        try:
            status, record.outputs, _, message = self._in_student(index, step)
            record.ran = True
            if status != "ok":
                self._explain_missing(step, message, record.outputs)
        except StudentGone as gone:
            self._skip.add(index)
            self._explain_missing(step, gone.reason, [])
            record.outputs = [_notice(gone.reason)]
            self.notes.append(f"{step.name}: {gone.reason}; the cell was left out afterwards.")

    def _in_student(self, index: int, step: Step) -> tuple[str, list[Output], float | None, str]:
        link = self._alive()
        link.deadline = min(time.monotonic() + self._limits.cell_seconds, self._end)
        link.watch = self._watched(index)
        try:
            status, outputs, value, message = link.run(step.source, step.name, index + 1)
        finally:
            link.deadline = None
        cleaned = clean_outputs(outputs, index + 1)
        if status == "timeout":
            message = f"time is up: the cell did not finish within {self._limits.cell_seconds:g} seconds"
            cleaned.append(_notice(message))
        return status, cleaned, value, message

    def _explain_missing(self, step: Step, message: str, outputs: list[Output]) -> None:
        """Remember why the names of a cell are not there, for the tests that will miss them."""
        errors = [output for output in outputs if output["output_type"] == "error"]
        kind = errors[-1]["ename"] if errors and errors[-1]["ename"] != "Saiten" else ""
        reason = ": ".join(part for part in (kind, message) if part)
        for name in self._ground.remote.get(step.cell.id, ()) if step.cell is not None else ():
            self._missing.setdefault(name, f"{name} is not defined: {step.name} ended early ({reason})")

    def _bring_own(self, step: Step) -> None:
        """Names that the instructor's later set-up cells bring without depending on the student: ours count."""
        if step.cell is not None and step.cell.role is Role.SETUP and step.cell.id not in self._ground.tainted:
            self._names.update(self._ground.brought.get(step.cell.id, {}))
        elif step.cell is not None:
            library = self._ground.brought.get(step.cell.id, {})
            remote = self._ground.remote.get(step.cell.id, ())
            mine = self._ground.functions.get(step.cell.id)
            own = {name: value for name, value in library.items() if name not in remote}
            self._names.update(
                own if mine is None else {n: v for n, v in own.items() if not isinstance(v, FunctionType)}
            )
            if mine is not None:
                exec(mine, self._names)

    def _watched(self, index: int) -> list[str]:
        names: dict[str, None] = {}
        for step in self._plan.steps[: index + 1]:
            if step.cell is not None:
                names.update(dict.fromkeys(self._ground.remote.get(step.cell.id, ())))
        return list(names)

    # -- processes --------------------------------------------------------------------------------------------------

    def _alive(self) -> Link:
        if self._link is None:
            raise StudentGone("the student's process could not be started")
        return self._link

    def _ready(self, index: int) -> bool:
        """Make sure that a student process stands just before step `index`; False if that cannot be."""
        while self._link is None or self._link.gone is not None:
            if self._started:
                self._restarts += 1
                if self._restarts > MAX_RESTARTS or time.monotonic() > self._end:
                    return False
            self._start()
            try:
                self._again(index)
            except StudentGone:
                continue
        return time.monotonic() <= self._end

    def _start(self) -> None:
        if self._link is not None:
            self._link.close()
            for name in self._link.watch:
                self._names.pop(name, None)
        self._started = True
        self._link = Link(
            self._new_student(), self._names, self._is_ours, self._limits.cell_seconds, self._limits.output_kb << 10
        )
        for step in self._plan.steps:
            self._link.lines[step.name] = max(step.source.count("\n") + 1, self._link.lines.get(step.name, 0))

    def _again(self, until: int) -> None:
        """Run the cells before `until` once more in a fresh process, but for those that ended the one before."""
        for index, step in enumerate(self._plan.steps[:until]):
            if not step.runs_in_student or index in self._skip or not self.records[index].ran:
                continue
            test = step.cell is not None and step.cell.role is Role.TEST
            if test or (step.leading and self._warm) or time.monotonic() > self._end:
                continue
            try:
                self._in_student(index, step)
            except StudentGone:
                self._skip.add(index)
                raise

    def _is_ours(self, value: Any) -> bool:
        if isinstance(value, MethodType):
            value = value.__func__
        if isinstance(value, FunctionType):
            home = value.__globals__
            return home is self._names or home is self._ground.reference.__dict__ or value.__module__ == "__main__"
        return getattr(value, "__module__", None) == "__main__"

    # -- tests ------------------------------------------------------------------------------------------------------

    def _test(self, index: int, step: Step, cell: BundleCell) -> None:
        record = self.records[index]
        record.score, record.status = 0.0, CellStatus.FAILED
        if not self._ready(index):
            late = time.monotonic() > self._end
            record.message = "the submission's time is up" if late else "the student's process kept dying"
            return
        if cell.in_student:
            self._test_in_student(index, step, cell, record)
        else:
            self._test_here(index, cell, record)

    def _test_here(self, index: int, cell: BundleCell, record: Record) -> None:
        link = self._alive()
        link.watch = self._watched(index)
        seconds = min(self._limits.cell_seconds, max(0.1, self._end - time.monotonic()))
        link.deadline = time.monotonic() + seconds
        try:
            with _alarm(seconds + GRACE + 1):
                ran = self._shell.run(cell.source, f"test {cell.grade_id}", index + 1, self._limits.output_kb << 10)
        except TestTimeout as late:  # it rang while IPython was putting its things in order
            ran = CellRun([], late, None)
        link.deadline = None
        if isinstance(ran.error, TestTimeout):
            link.close()  # perhaps in the middle of an answer: nothing that follows would be understood
        record.ran, record.outputs = True, clean_outputs(ran.outputs, index + 1)
        if link.gone is not None and not isinstance(ran.error, TestTimeout):
            record.message = link.gone.reason
        elif ran.error is not None:
            record.message = self._missing_name(ran.error) or explain(ran.error, cell)
        else:
            record.score, record.status, record.message = credit(ran.value, cell.points)

    def _missing_name(self, error: BaseException) -> str:
        """For a test that stumbled over a name of the student's: why that name is not there."""
        if not isinstance(error, NameError) or getattr(error, "from_student", False):
            return ""
        name = error.name or ""
        if name in self._names:
            return ""
        known = {item for names in self._ground.remote.values() for item in names}
        return self._missing.get(name, f"{name} is not defined" if name in known else "")

    def _test_in_student(self, index: int, step: Step, cell: BundleCell, record: Record) -> None:
        try:
            status, record.outputs, value, message = self._in_student(index, step)
        except StudentGone as gone:
            record.message = gone.reason
            return
        record.ran = True
        if status == "ok":
            record.score, record.status, record.message = credit(value, cell.points)
        else:
            record.message = message or "the test did not hold"


class Reference:
    """The instructor's own solution, for tests: `reference.ridge_fit(X, y, 1.0)`."""

    def __init__(self, module: ModuleType) -> None:
        self.__dict__.update(module.__dict__)


def clean_outputs(outputs: Sequence[Any], count: int) -> list[Output]:
    """Outputs of nbformat's four kinds, with nothing in them that the format does not know."""
    cleaned: list[Output] = []
    for raw in outputs[:1000]:
        kind = raw.get("output_type") if isinstance(raw, dict) else None
        if kind == "stream" and raw.get("name") in ("stdout", "stderr") and isinstance(raw.get("text"), str):
            cleaned.append({"output_type": "stream", "name": raw["name"], "text": raw["text"]})
        elif kind in ("display_data", "execute_result") and isinstance(raw.get("data"), dict):
            data = {mime: item for mime, item in raw["data"].items() if isinstance(mime, str) and isinstance(item, str)}
            output: Output = {"output_type": kind, "data": data, "metadata": {}}
            if kind == "execute_result":
                output["execution_count"] = count
            cleaned.append(output)
        elif kind == "error" and isinstance(raw.get("traceback"), list):
            lines = [line for line in raw["traceback"] if isinstance(line, str)]
            name, value = str(raw.get("ename", "")), str(raw.get("evalue", ""))
            cleaned.append({"output_type": "error", "ename": name, "evalue": value, "traceback": lines})
    return cleaned


def _notice(text: str) -> Output:
    return {"output_type": "error", "ename": "Saiten", "evalue": text, "traceback": [f"Saiten: {text}"]}


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
