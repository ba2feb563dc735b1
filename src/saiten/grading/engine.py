"""The engine: marks submissions of one assignment in a worker process, with everything warm.

In: a bundle once, submissions one after another. Out: one `Result` for each, whatever it holds.
The engine supervises: it starts the parents, hands each judge its student processes, ends both when time is up.
It runs no code of a student's or an instructor's itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from saiten.bundle import Bundle, BundleCell, BundleNotebook, Limits, Role
from saiten.errors import EngineError, SandboxError, SubmissionError
from saiten.grading import cgroups, litter, process
from saiten.grading.assemble import assemble, missing_notebook, solution_seconds, total
from saiten.grading.channel import Channel, ChannelClosed, ChannelTimeout, pair
from saiten.grading.floor import FLOORS
from saiten.grading.progress import Progress, Record
from saiten.grading.rebuild import Plan, parse, plan
from saiten.grading.sandbox import NamespaceSandbox, Seat, UnsafeSandbox
from saiten.grading.shell import command_shell, font_cache
from saiten.results import CellResult, NotebookResult, Result, Status
from saiten.submission import Submission

START_SECONDS = 300.0
"""Time for imports, leading cells and the reference run."""
SPARE_SECONDS = 30.0
"""Time beyond the submission's own limit after which the judge itself is taken for broken."""
CLEAR_SECONDS = 5.0
"""Time for the last process to end and its files to go."""


class Engine:
    """Marks submissions of one assignment.

    Args:
        bundle: the assignment.
        unsafe: mark without namespaces; students' code can then read and write what this user can.
        hash_seed: PYTHONHASHSEED of all processes: the order of a set of text depends on it.
        warm: start the processes of every notebook on entering; else each when it is first needed.
        limits: for notebooks that have limits of their own, by name.
        sandbox: name of the sandbox to use; without it the best one that this machine allows, see `floor.FLOORS`.

    Raises:
        SandboxError: on entering, if this machine allows no sandbox and `unsafe` was not given.
        EngineError: on entering or marking, if our own processes fail.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        unsafe: bool = False,
        hash_seed: int = 0,
        warm: bool = True,
        limits: Mapping[str, Limits] | None = None,
        sandbox: str = "",
    ) -> None:
        self._bundle = bundle
        self._hash_seed = hash_seed
        self._warm = warm
        self._limits = dict(limits or {})
        self._floors = (UnsafeSandbox.name,) if unsafe else (sandbox,) if sandbox else FLOORS
        self._folder: Path | None = None
        self._zygote: _Zygote | None = None
        self._houses: dict[str, _House] = {}

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="saiten-"))
        try:
            for notebook in self._bundle.notebooks:
                if self._warm and _has_code(notebook):
                    self._house(notebook)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes and remove the temporary files."""
        self._end_processes()
        if self._folder is not None:
            _remove(self._folder)
            self._folder = None

    @property
    def floor(self) -> str:
        """Name of the sandbox in use; empty before the first notebook is needed."""
        return next((house.floor for house in self._houses.values()), "")

    def leave(self, notebook: str) -> None:
        """End the processes of one notebook; they are started again if it is marked once more."""
        house = self._houses.pop(notebook, None)
        if house is not None:
            house.close()

    def mark(self, submission: Submission, until: str | None = None) -> Result:
        """Mark one submission; never raises for anything that it holds or does.

        Args:
            submission: the notebooks.
            until: grade_id of a test cell, if it is enough to know whether all tests up to that one hold: what stands
                behind it, or behind the first test that fails, is not run and gets no points. No figure is drawn.
        """
        started = time.perf_counter()
        try:
            result = self._mark(submission, until)
        except SubmissionError as error:
            result = self._without_score(submission, Status.REJECTED, str(error))
        except Exception as error:  # whatever it is, it must not reach the next submission
            self._end_processes()  # the next submission begins with fresh ones
            result = self._without_score(submission, Status.INFRA_ERROR, f"{type(error).__name__}: {error}")
        return replace(result, seconds=time.perf_counter() - started)

    def _mark(self, submission: Submission, until: str | None) -> Result:
        if submission.problem:
            raise SubmissionError(submission.problem)
        bundle = self._bundle
        cells: list[CellResult] = []
        notebooks: list[NotebookResult] = []
        notes = list(submission.notes)
        spent: dict[tuple[str, str], float] = {}
        if not any(notebook.name in submission.notebooks for notebook in bundle.notebooks):
            names = ", ".join(f"{notebook.name}.ipynb" for notebook in bundle.notebooks)
            raise SubmissionError("The submission holds no notebook of the assignment.", f"Hand in {names}.")
        for notebook in bundle.notebooks:
            content = submission.notebooks.get(notebook.name)
            if content is None:
                missing, its_cells = missing_notebook(notebook)
                notes.append(f"{notebook.name}: the notebook is missing from the submission.")
            else:
                planned = plan(notebook, parse(content))
                records, remarks = self._judge(notebook, planned, submission, until)
                missing, its_cells = assemble(notebook, planned, records)
                spent |= solution_seconds(notebook, planned, records)
                notes += [f"{notebook.name}: {note}" for note in (*planned.notes, *remarks)]
            notebooks.append(missing)
            cells += its_cells
        questions, score, status = total(bundle, cells, spent)
        return Result(
            student=submission.student,
            assignment=bundle.assignment,
            status=status,
            score=score,
            max_score=bundle.max_score,
            questions=questions,
            notes=tuple(notes),
            notebooks=tuple(notebooks),
            bundle_hash=bundle.hash,
            submission_hash=submission.hash,
        )

    def _without_score(self, submission: Submission, status: Status, message: str) -> Result:
        return Result(
            student=submission.student,
            assignment=self._bundle.assignment,
            status=status,
            score=None,
            max_score=self._bundle.max_score,
            message=message,
            notes=submission.notes,
            bundle_hash=self._bundle.hash,
            submission_hash=submission.hash,
        )

    def _judge(
        self, notebook: BundleNotebook, planned: Plan, submission: Submission, until: str | None
    ) -> tuple[list[Record], list[str]]:
        if not any(step.cell_type == "code" for step in planned.steps):
            return [Record() for _ in planned.steps], []
        seed = int(_mix(self._bundle.hash, submission.hash), 16)
        report = self._house(notebook).judge(planned, self._allowed(submission), seed, until)
        return report.records, report.notes

    def _allowed(self, submission: Submission) -> dict[str, bytes]:
        """The submission's own files that the assignment lets its process see."""
        patterns = self._bundle.allow_files
        return {
            name: content
            for name, content in submission.files.items()
            if any(Path(name).match(pattern) for pattern in patterns) and name not in self._bundle.files
        }

    def _house(self, notebook: BundleNotebook) -> _House:
        if self._folder is None:
            raise EngineError("the engine is closed")
        if self._zygote is None:
            modules = {name for each in self._bundle.notebooks for name in each.imports}
            self._zygote = _Zygote(tuple(sorted(modules)), self._folder / "home", self._hash_seed)
        house = self._houses.get(notebook.name)
        if house is None:
            limits = self._limits.get(notebook.name)
            bundle = self._bundle if limits is None else replace(self._bundle, limits=limits)
            house = _House(bundle, notebook, self._zygote, self._folder, self._floors)
            self._houses[notebook.name] = house
        return house

    def _end_processes(self) -> None:
        for house in self._houses.values():
            house.close()
        self._houses.clear()
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None


class _Zygote:
    """The process that has imported everything and nothing else."""

    def __init__(self, imports: tuple[str, ...], home: Path, hash_seed: int) -> None:
        ours, theirs = pair()
        home.mkdir(exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if name in _ENVIRONMENT}
        environment |= dict.fromkeys(_THREADS, "1")
        environment |= {
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": str(hash_seed),
            "MPLBACKEND": "agg",
            "PATH": "/usr/bin:/bin",
        }
        environment |= (
            _HUGE_PAGES | font_cache() | command_shell() | {"HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
        )
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", "-X", "utf8", "-c", _ZYGOTE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._control = Channel(ours)
        self._control.send_object(process.ZygoteTask(imports))
        self._control.receive_object(time.monotonic() + START_SECONDS)

    def parent(self, kind: str, task: Any, *, mapped: bool) -> Channel:
        """Fork a parent and give it its task; it says when it is ready."""
        ours, theirs = pair()
        with theirs:
            self._control.send_object((kind, mapped), [theirs.fileno()])
        channel = Channel(ours)
        channel.send_object(task)
        return channel

    def close(self) -> None:
        """End it and everything forked from it."""
        self._control.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class _House:
    """The parents of one notebook, and the supervision of one submission at a time."""

    def __init__(
        self, bundle: Bundle, notebook: BundleNotebook, zygote: _Zygote, folder: Path, floors: tuple[str, ...]
    ) -> None:
        self._bundle = bundle
        self._notebook = notebook
        self._zygote = zygote
        self._folder = folder
        self._floors = floors
        self._students: dict[bool, Channel] = {}
        self.floor = ""
        """name of the sandbox in use"""
        self._judges = self._judge_parent()
        try:  # both at once: each runs the leading cells, and the judge's side the reference as well
            self._students[True] = self._student_parent(leading=True)
            _expect_ready(self._judges, "the judge")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the sockets to the parents, which ends them."""
        for channel in (self._judges, *self._students.values()):
            channel.close()

    def judge(self, planned: Plan, files: Mapping[str, bytes], seed: int, until: str | None) -> Progress:
        """Judge one submission of this notebook.

        A judge that does not come back from a step (C code that a student's answer keeps busy, say) is ended, and
        another one goes on behind that step.

        Raises:
            EngineError: the judge failed, or took longer than any submission may.
        """
        end = time.monotonic() + self._bundle.limits.total_seconds
        progress = Progress([Record() for _ in planned.steps], end)
        students = self._parent_for(planned)
        pids: list[int] = []
        try:
            while not self._judge_on(
                files, process.JudgeTask(planned, seed, until, progress), progress, students, pids
            ):
                if time.monotonic() > end + SPARE_SECONDS:
                    raise EngineError("the judge gave no verdict in time")
        except ChannelClosed:
            raise EngineError("the judge ended without a verdict") from None
        except ChannelTimeout:
            raise EngineError("the judge gave no verdict in time") from None
        finally:
            for pid in pids:
                self._kill(students, pid)
        return progress

    def _judge_on(
        self,
        files: Mapping[str, bytes],
        task: process.JudgeTask,
        progress: Progress,
        students: Channel,
        pids: list[int],
    ) -> bool:
        """Let one judge go on with a submission; False if it had to be given up, with the step noted as busy."""
        ours, theirs = pair()
        with theirs:
            self._judges.send_object(("judge", task), [theirs.fileno()])
        report = Channel(ours)
        (_, judge_pid), _ = self._judges.receive_object(time.monotonic() + SPARE_SECONDS)
        last = progress.end + SPARE_SECONDS
        watch = last
        try:
            while True:
                try:
                    (kind, body), _ = report.receive_object(min(last, watch))
                except ChannelTimeout:
                    if watch >= last:
                        raise
                    return False
                watch = last
                if kind == "failed":
                    raise EngineError(f"the judge failed:\n{body}")
                if kind == "student":
                    while pids:
                        self._kill(students, pids.pop())
                    student = process.StudentTask(files, int(_mix(str(task.seed)), 16), pictures=task.until is None)
                    pids.append(self._new_student(students, report, student))
                    continue
                for index, record in body.records.items():
                    progress.records[index] = record
                for item in fields(Progress):
                    if item.name != "records":
                        setattr(progress, item.name, getattr(body.state, item.name))
                if kind == "done":
                    return True
                watch = time.monotonic() + body.seconds
        finally:
            report.close()
            self._judges.send_object(("kill", judge_pid))

    def _new_student(self, students: Channel, report: Channel, task: process.StudentTask) -> int:
        for_judge, for_student = pair()
        with for_judge, for_student:
            students.send_object(("student", task), [for_student.fileno()])
            (_, pid), _ = students.receive_object(time.monotonic() + SPARE_SECONDS)
            report.send_object("channel", [for_judge.fileno()])
        return int(pid)

    def _kill(self, students: Channel, pid: int) -> None:
        students.send_object(("kill", pid))

    def _parent_for(self, planned: Plan) -> Channel:
        leading = not planned.leading_changed
        if leading not in self._students:
            self._students[leading] = self._student_parent(leading=leading)
        return self._students[leading]

    def _judge_parent(self) -> Channel:
        folder = self._folder / self._notebook.name / "judge"
        for files in (self._bundle.files, self._bundle.hidden_files):
            for name, content in files.items():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        folder.mkdir(parents=True, exist_ok=True)
        task = process.JudgeParentTask(self._notebook, self._bundle.limits, str(folder))
        return self._zygote.parent("judge", task, mapped=False)

    def _student_parent(self, *, leading: bool) -> Channel:
        """Start one on the first floor that this machine allows."""
        refusals = []
        for name in self._floors:
            try:
                parent = self._confined_parent(name, leading=leading)
            except SandboxError as error:
                refusals.append(error.message)
                continue
            self.floor = name
            return parent
        raise SandboxError(
            f"This machine does not allow the sandbox ({'; '.join(refusals)}).",
            "See `saiten doctor`; `--unsafe` marks without it, where you trust every submission.",
        )

    def _confined_parent(self, name: str, *, leading: bool) -> Channel:
        above = self._folder / self._notebook.name
        above.mkdir(parents=True, exist_ok=True)
        root = Path(tempfile.mkdtemp(prefix="student-", dir=above))  # a new one each time: parents are replaced
        seat = Seat(self._bundle.limits, self._bundle.files, devices=_devices(self._bundle.gpu))
        task = process.StudentParentTask(released(self._notebook), seat, name, str(root), leading)
        mapped = name == NamespaceSandbox.name and os.getuid() == 0
        return _expect_ready(self._zygote.parent("student", task, mapped=mapped), "the student's side")


def released(notebook: BundleNotebook) -> BundleNotebook:
    """The notebook as students have it: no reference, no hidden test, no name that the reference brings."""

    def strip(cell: BundleCell) -> BundleCell:
        return replace(cell, source=cell.release_source, brings=(), checksum=None, metadata={})

    return replace(notebook, cells=tuple(strip(cell) for cell in notebook.cells))


def _expect_ready(channel: Channel, who: str) -> Channel:
    try:
        (kind, body), _ = channel.receive_object(time.monotonic() + START_SECONDS)
    except (ChannelClosed, ChannelTimeout) as error:
        channel.close()
        raise EngineError(f"{who} could not be prepared ({type(error).__name__})") from None
    if kind == "ready":
        return channel
    channel.close()
    if kind == "refused":
        raise SandboxError(body)
    raise EngineError(f"{who} could not be prepared:\n{body}")


def _remove(folder: Path) -> None:
    """Remove the engine's folder and control groups; their last processes may need a moment to end."""
    deadline = time.monotonic() + CLEAR_SECONDS
    while (any(folder.glob("*/student-*/home")) or cgroups.sweep()) and time.monotonic() < deadline:
        time.sleep(0.01)
    with suppress(OSError):
        litter.remove(folder)


def _has_code(notebook: BundleNotebook) -> bool:
    return any(cell.cell_type == "code" and cell.role is not Role.TEXT for cell in notebook.cells)


def _devices(gpu: str) -> tuple[str, ...]:
    if gpu == "none":
        return ()
    return tuple(sorted(str(path) for path in Path("/dev").glob("nvidia*") if path.is_char_device()))


def _mix(*hashes: str) -> str:
    import hashlib

    return hashlib.blake2b("\0".join(hashes).encode(), digest_size=8).hexdigest()


_ZYGOTE = "from saiten.grading import process; process.main()"
_HUGE_PAGES = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""All of Python's objects in one heap of huge pages: a fork of a process that holds torch copies a few page table
entries instead of a hundred thousand, 5 ms instead of 12, and its end takes 7 ms instead of 17 (measured, `bench/`)."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_ENVIRONMENT = frozenset({"TZ", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH"})
