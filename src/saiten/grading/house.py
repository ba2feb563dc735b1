"""The parents of one notebook, and the supervision of one submission at a time.

In: a bundle and one of its notebooks, the zygote, plans of submissions. Out: how far judges came: `Progress`.
It starts the parents, hands each judge its student processes, and ends both when time is up.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

from saiten.bundle import Bundle, BundleCell, BundleNotebook
from saiten.errors import EngineError, SandboxError
from saiten.grading import process
from saiten.grading.channel import Channel, ChannelClosed, ChannelTimeout, pair
from saiten.grading.progress import Progress
from saiten.grading.rebuild import Plan
from saiten.grading.sandbox import NamespaceSandbox, Seat
from saiten.grading.zygote import START_SECONDS, Zygote

SPARE_SECONDS = 30.0
"""Time beyond the submission's own limit after which the judge itself is taken for broken."""


class House:
    """The parents of one notebook, and the supervision of one submission at a time."""

    def __init__(
        self, bundle: Bundle, notebook: BundleNotebook, zygote: Zygote, folder: Path, floors: tuple[str, ...]
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

    def judge(
        self,
        planned: Plan,
        files: Mapping[str, bytes],
        seed: int,
        until: str | None,
        progress: Progress,
        *,
        draw: bool,
    ) -> Progress:
        """Judge one submission of this notebook, from where `progress` says.

        A judge that does not come back from a step (C code that a student's answer keeps busy, say) is ended, and
        another one goes on behind that step.

        Raises:
            EngineError: the judge failed, or took longer than any submission may.
        """
        end = progress.end
        students = self._parent_for(planned)
        pids: list[int] = []
        try:
            while not self._judge_on(
                files, process.JudgeTask(planned, seed, until, progress), progress, students, pids, draw=draw
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
        *,
        draw: bool,
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
                    student = process.StudentTask(files, int(mix(str(task.seed)), 16), pictures=draw)
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


def _devices(gpu: str) -> tuple[str, ...]:
    if gpu == "none":
        return ()
    return tuple(sorted(str(path) for path in Path("/dev").glob("nvidia*") if path.is_char_device()))


def mix(*hashes: str) -> str:
    """A hash of hashes (BLAKE2b, 64 bits, hex)."""
    return hashlib.blake2b("\0".join(hashes).encode(), digest_size=8).hexdigest()
