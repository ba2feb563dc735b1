"""The warden: a process that ends what a submission has started, and counts what the kernel's limits do not.

Stops: processes that outlive their submission, whoever of ours is killed; more scratch space, files, processes or
    memory of all processes together than the limits allow, within a tenth of a second or so.
Needs: Linux 5.3; that it outlives the process it watches (it is a subreaper, in a session of its own).
Without it: a daemon lives on, a disk fills up. Where there are namespaces, these do the same, at once.

In: the student parent's pid, its scratch folder, the limits. Out: an exit code, when nothing of it is left.
Not counted: what a file holds that is neither named nor open nor mapped any more by a process that hides it.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from types import FrameType

from saiten.bundle import Limits
from saiten.grading import descendants, linux, litter
from saiten.grading.descendants import Process

MAX_FILES = 20_000
"""Files and folders a submission may create."""
INTERVAL = 0.1
"""Seconds between two looks; more where a look takes long."""
_SHARE = 5
"""A look may take one part in so many of a processor's time."""
_MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Warden:
    """Watches one student parent."""

    parent: int
    scratch: Path
    limits: Limits

    def watch(self) -> int:
        """Look again and again until the parent ends; then end all that is left and remove the scratch folder."""
        signal.signal(signal.SIGTERM, _leave)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # is waited for
        linux.die_with_parent(signal.SIGTERM)
        code = 1
        try:
            while (ended := self._ended()) is None:
                begin = time.process_time()
                self.look()
                signal.sigtimedwait({signal.SIGCHLD}, _pause(begin))
            code = ended
        except SystemExit:
            with suppress(ProcessLookupError):
                os.kill(self.parent, signal.SIGKILL)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        descendants.end_all(os.getpid())
        descendants.wait_for_dead_children()
        litter.remove(self.scratch)
        return code

    def _ended(self) -> int | None:
        """The parent's exit code, once it has one; other children here are orphans of students."""
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == self.parent:
                    return os.waitstatus_to_exitcode(found[1]) & 0xFF
        return None

    def look(self) -> None:
        """Measure once; whoever is over a limit is ended: the processes that were there when it was measured."""
        students = [process for process in descendants.descendants(self.parent) if not process.dead]
        try:
            over = bool(students) and self._too_much(students)
        except OSError:
            over = True  # what cannot be measured is too much
        if over:
            _end(students)

    def _too_much(self, students: list[Process]) -> bool:
        if len(students) > self.limits.processes or _hold_too_much(self.parent, students, self.limits):
            return True
        size, files = litter.measure(self.scratch, MAX_FILES)
        size += self._hidden(students)
        return size > self.limits.scratch_mb * _MB or files >= MAX_FILES

    def _hidden(self, students: list[Process]) -> int:
        """Bytes of files in the scratch folder's file system that have no name any more and are open or mapped."""
        device = os.stat(self.scratch).st_dev
        sizes: dict[int, int] = {}
        for process in students:
            try:
                sizes.update(_open_without_name(process.pid, device))
                for number in _mapped_without_name(process.pid, device):
                    sizes.setdefault(number, self.limits.file_mb * _MB)  # of unknown size: the most it can have
            except PermissionError:
                descendants.send(process, signal.SIGKILL)  # it hides
            except OSError:
                continue  # it has ended
        return sum(sizes.values())


def watch_memory(parent: int, limits: Limits) -> None:
    """End students whose processes hold too much together, for as long as the parent lives; never returns.

    For the first floor, where namespaces do the rest, and only where no control group counts.
    """
    linux.die_with_parent()
    with suppress(BaseException):  # nobody reads what it says
        while True:
            begin = time.process_time()
            found = descendants.descendants(parent)
            students = [process for process in found if not process.dead and process.pid != os.getpid()]
            with suppress(FileNotFoundError, ProcessLookupError):
                if _hold_too_much(parent, students, limits):
                    _end(students)
            time.sleep(_pause(begin))
    os._exit(1)


def _end(students: list[Process]) -> None:
    for process in students:
        descendants.send(process, signal.SIGKILL)


def _pause(begin: float) -> float:
    """Seconds until the next look, by the processor's time that the last one took."""
    return max(INTERVAL, _SHARE * (time.process_time() - begin))


def _hold_too_much(parent: int, students: list[Process], limits: Limits) -> bool:
    """Whether several processes use more than one may; of one alone the kernel keeps the limit."""
    return len(students) > 1 and sum(map(_memory, students)) > _pages(parent) + limits.memory_mb * _MB


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit


def _pages(pid: int) -> int:
    """Memory of a process, pages shared with others included, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _memory(process: Process) -> int:
    """Memory of a process in bytes, pages that several have divided among them."""
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0


def _open_without_name(pid: int, device: int) -> dict[int, int]:
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            status = os.stat(f"/proc/{pid}/fd/{name}")
            if status.st_nlink == 0 and status.st_dev == device and S_ISREG(status.st_mode):
                found[status.st_ino] = status.st_blocks * 512
    return found


def _mapped_without_name(pid: int, device: int) -> set[int]:
    place = f"{os.major(device):02x}:{os.minor(device):02x}"
    text = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    lines = (line.split(maxsplit=5) for line in text.splitlines() if line.endswith(" (deleted)"))
    return {int(fields[4]) for fields in lines if fields[3] == place}
