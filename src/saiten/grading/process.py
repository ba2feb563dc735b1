"""The processes behind an engine: one that has only imported, and the two parents that are forked from it.

    worker ── spawns ──► zygote (imports, nothing else)
                           ├── judge parent    gets the bundle over its own socket; forks one judge per submission
                           └── student parent  confined; runs the leading cells; forks one student per submission

In: requests over sockets from the worker. Out: processes. The secret parts of a bundle are sent to the judge parent
after the fork: what the student parent's memory never held, no student can find there.
Run as `python -c "from saiten.grading import process; process.main()" FD`: pickles name these classes by their module.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from saiten.bundle import BundleNotebook, Limits
from saiten.grading import heap, linux
from saiten.grading.channel import Channel, ChannelClosed
from saiten.grading.codec import MAX_STRUCTURE
from saiten.grading.floor import make_sandbox
from saiten.grading.ground import import_all, prepare, run_leading, test_imports
from saiten.grading.judge import Judge
from saiten.grading.progress import Progress, Record
from saiten.grading.rebuild import Plan
from saiten.grading.sandbox import Seat
from saiten.grading.shell import CaptureShell, prepare_matplotlib, without_pictures
from saiten.grading.student import RawOutput, StudentSide
from saiten.grading.tree import readable_folders


@dataclass(frozen=True, slots=True)
class ZygoteTask:
    """What the first process is told: nothing that a student may not know."""

    imports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgeParentTask:
    """Sent to the judge parent alone."""

    notebook: BundleNotebook
    limits: Limits
    folder: str
    """working directory with public and hidden files"""


@dataclass(frozen=True, slots=True)
class StudentParentTask:
    """Sent to the student parent: the released notebook, never the reference or a hidden test."""

    released: BundleNotebook
    seat: Seat
    sandbox: str
    root: str
    """an empty folder of the worker's, on which the file tree is built"""
    run_leading: bool
    """False for submissions that changed a leading cell: imports only"""


@dataclass(frozen=True, slots=True)
class JudgeTask:
    """One submission for a judge; its report goes to the descriptor that comes with it."""

    plan: Plan
    seed: int
    until: str | None = None
    """see `Judge`"""
    progress: Progress | None = None
    """where a judge of the same submission came to that did not come back"""


@dataclass(frozen=True, slots=True)
class StudentTask:
    """One student process; its channel comes as a descriptor."""

    files: Mapping[str, bytes]
    seed: int
    pictures: bool = True
    """whether figures are drawn"""


@dataclass(frozen=True, slots=True)
class Report:
    """What a judge sends to the worker: before each step, and at the end."""

    records: dict[int, Record]
    """by step: those that are complete, or have got pictures, and have not been sent yet"""
    state: Progress
    """everything but the records"""
    seconds: float = 0.0
    """after which the judge is to be ended if nothing more comes"""


def main() -> None:
    """Entry point of the zygote."""
    linux.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = Channel(socket.socket(fileno=int(sys.argv[1])))
    task, _ = control.receive_object()
    shell = _warm_up(task)
    control.send_object("ready")
    while True:
        try:
            (kind, mapped), fds = control.receive_object()
        except ChannelClosed:
            os._exit(0)
        _fork_parent(kind, mapped, fds[0], control, shell)
        os.close(fds[0])


def _warm_up(task: ZygoteTask) -> CaptureShell:
    """Import once what every notebook of the assignment needs; one thread everywhere."""
    # Little of what imports make is garbage, and looking for it costs a third of their time; without any collection,
    # though, the heap grows holes that every fork pays for (measured, at a threshold of 100,000, 700, and never: 70, 75
    # and 85 ms a submission).
    gc.set_threshold(100_000, 50, 50)
    shell = CaptureShell.create(ModuleType("__main__"))
    import_all(task.imports)
    _one_thread()
    _seed(0)  # its first call imports parts of torch, which every child would do again
    prepare_matplotlib(shell)
    gc.collect()
    gc.freeze()
    heap.fill_holes()
    heap.use_huge_pages()
    return shell


def _one_thread() -> None:
    torch, cv2 = sys.modules.get("torch"), sys.modules.get("cv2")
    if torch is not None:
        torch.set_num_threads(1)
        with suppress(RuntimeError):
            torch.set_num_interop_threads(1)
    if cv2 is not None:
        cv2.setNumThreads(1)


def _fork_parent(kind: str, mapped: bool, fd: int, control: Channel, shell: CaptureShell) -> None:
    """Fork one of the parents; if it wants its users mapped, do that from out here."""
    ask_read, ask_write = os.pipe()
    answer_read, answer_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        control.close()
        os.close(ask_read)
        os.close(answer_write)

        def map_user() -> None:
            os.write(ask_write, b"?")
            if os.read(answer_read, 1) != b"!":
                raise OSError("the users of the sandbox could not be mapped")

        linux.die_with_parent()
        parent = _judge_parent if kind == "judge" else _student_parent
        _parent_main(parent, Channel(socket.socket(fileno=fd)), shell, map_user, (ask_write, answer_read))
    for end in (ask_write, answer_read):
        os.close(end)
    if mapped and os.read(ask_read, 1) == b"?":
        with suppress(OSError):
            _write_maps(pid)
            os.write(answer_write, b"!")
    for end in (ask_read, answer_write):
        os.close(end)


def _write_maps(pid: int) -> None:
    from saiten.grading.sandbox import user_maps

    users, groups = user_maps()
    Path(f"/proc/{pid}/uid_map").write_text(users, encoding="ascii")
    Path(f"/proc/{pid}/gid_map").write_text(groups, encoding="ascii")


_Parent = Callable[[Channel, CaptureShell, Callable[[], None]], None]


def _parent_main(
    parent: _Parent, control: Channel, shell: CaptureShell, map_user: Callable[[], None], pipes: tuple[int, int]
) -> None:
    """Run a parent's loop; whatever goes wrong is told to the worker, and the process ends."""
    code = 0
    try:
        parent(control, shell, map_user)
    except ChannelClosed:
        pass
    except BaseException:
        code = 1
        with suppress(Exception):
            control.send_object(("failed", traceback.format_exc()))
    os._exit(code)


# -- the judge's side -----------------------------------------------------------------------------------------------


def _judge_parent(control: Channel, shell: CaptureShell, _: Callable[[], None]) -> None:
    task, _fds = control.receive_object()
    _enter(Path(task.folder))
    import_all(test_imports(task.notebook))
    ground = prepare(shell, task.notebook, task.limits.output_kb << 10)
    gc.collect()
    gc.freeze()
    heap.fill_holes()
    control.send_object(("ready", ground.leading_outputs))
    ended: list[int] = []
    while True:
        request, fds = control.receive_object()
        if request[0] == "kill":
            with suppress(ProcessLookupError):
                os.kill(request[1], signal.SIGKILL)
            ended.append(request[1])
            continue
        while ended:
            os.waitpid(ended.pop(), 0)
        pid = os.fork()
        if pid == 0:
            linux.die_with_parent()
            control.close()
            _judge_main(request[1], ground, task.limits, shell, Channel(socket.socket(fileno=fds[0])))
        os.close(fds[0])
        control.send_object(("judge", pid))


def _judge_main(task: JudgeTask, ground: Any, limits: Limits, shell: CaptureShell, report: Channel) -> None:
    """Judge one submission and exit."""
    _, private = linux.memory_in_use()
    linux.limit(resource.RLIMIT_DATA, private + ((limits.memory_mb + 4 * limits.message_mb) << 20))
    _seed(task.seed)

    def new_student() -> Channel:
        report.send_object(("student", None))
        _, fds = report.receive_object()
        return Channel(socket.socket(fileno=fds[0]), max_structure=MAX_STRUCTURE, max_blob=limits.message_mb << 20)

    sent: set[tuple[int, bool]] = set()

    def tell(progress: Progress, seconds: float, *, kind: str = "busy") -> None:
        done = {
            index: record
            for index, record in enumerate(progress.records)
            if (index, record.begun) not in sent and index != progress.busy and record != Record()
        }
        sent.update((index, record.begun) for index, record in done.items())
        report.send_object((kind, Report(done, replace(progress, records=[]), seconds)))

    judge = Judge(ground, task.plan, limits, shell, new_student, task.until, progress=task.progress, tell=tell)
    try:
        judge.run()
        judge.progress.busy = None
        tell(judge.progress, 0.0, kind="done")
    except BaseException:
        with suppress(BaseException):
            report.send_object(("failed", traceback.format_exc()))
        os._exit(1)
    os._exit(0)


# -- the student's side ---------------------------------------------------------------------------------------------


def _student_parent(control: Channel, shell: CaptureShell, map_user: Callable[[], None]) -> None:
    task, _ = control.receive_object()
    sandbox = make_sandbox(task.sandbox, Path(task.root))
    # The folders of this process's own sys.path: the worker's may hold the course (of a script, of PYTHONPATH).
    seat = replace(task.seat, readable=readable_folders())
    try:
        sandbox.enclose(seat, map_user)
    except OSError as error:
        control.send_object(("refused", str(error)))
        return
    sys.path.insert(0, os.getcwd())
    module = ModuleType("__main__")
    shell.use(module)
    if task.run_leading:
        run_leading(shell, task.released, task.seat.limits.output_kb << 10)
    gc.collect()
    gc.freeze()
    heap.fill_holes()
    control.send_object(("ready", None))
    while True:
        request, fds = control.receive_object()
        if request[0] == "kill":
            sandbox.kill(request[1])
            continue
        sandbox.reap()
        pid = sandbox.fork(fds[0], request[1].files)
        if pid == 0:
            _student_main(request[1], fds[0], shell, module, task.seat.limits)
        os.close(fds[0])
        control.send_object(("student", pid))


def _student_main(task: StudentTask, fd: int, shell: CaptureShell, module: ModuleType, limits: Limits) -> None:
    """Serve the judge and exit; nothing that happens here can do more than end this process."""
    try:
        gc.set_threshold(5_000, 10, 10)
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115  (the process ends with it)
        _seed(task.seed)
        channel = Channel(socket.socket(fileno=fd))
        with nullcontext() if task.pictures else without_pictures(shell):
            StudentSide(channel, shell, module, RawOutput()).serve()
    finally:
        os._exit(0)


def _enter(folder: Path) -> None:
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    os.environ["HOME"] = tempfile.mkdtemp(dir=folder.parent)


def _seed(seed: int) -> None:
    """Fresh random numbers after a fork: the same for the same submission, different for every other."""
    random.seed(seed)
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None:
        numpy.random.seed(seed % (1 << 32))
    if torch is not None:
        torch.manual_seed(seed)
