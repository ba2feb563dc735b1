"""A Dask cluster on machines of the test's own making, and what can happen to it while a class is marked.

In: a folder, a course. Out: a scheduler, workers and a coordinator, each to be killed, cut off and started again; a
gradebook's rows. Every "machine" is a network namespace that a process of ours holds: it goes with us in any case.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from sqlalchemy import create_engine, text

from fake_course import COMMENTS, GRADES, SUBMISSIONS
from fuzz.small_course import ASSIGNMENT, SAITEN
from saiten.course import Course

PORT = 8786
SCHEDULER = f"tcp://10.77.0.1:{PORT}"
PATIENCE = 120.0
"""seconds until a test gives up waiting for something that must happen"""
CUT_SECONDS = 20.0
"""how long a worker is without network"""
AWAY_SECONDS = 3.0
"""how long a scheduler or a database's server is away when it is restarted"""
_DASK = [sys.executable, "-m", "dask"]
_PR_SET_PDEATHSIG = 1


class Machine:
    """A network namespace of its own, kept by a process that sleeps in it."""

    def __init__(self) -> None:
        self._holder = _start(["unshare", "--net", "sleep", "infinity"])
        here = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{self._holder.pid}/ns/net") != here, "a network namespace")
        self.run("ip", "link", "set", "lo", "up")

    @property
    def pid(self) -> int:
        """Of its holder."""
        return self._holder.pid

    def command(self, *words: str) -> list[str]:
        """What runs a command there."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *words]

    def run(self, *words: str) -> None:
        """Run a command there to its end."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stderr}"

    def start(
        self, log: Path, *words: str, folder: Path | None = None, scratch: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command there that ends with this process."""
        environment = os.environ if scratch is None else {**os.environ, "DASK_TEMPORARY_DIRECTORY": str(scratch)}
        return _start(self.command(*words), log, folder, environment)

    def end(self) -> None:
        """Give the namespace up; its links go with it."""
        self._holder.kill()
        self._holder.wait()


class ChaosCluster:
    """A scheduler and workers, each on a machine of its own; a context manager.

    Args:
        folder: for logs and the workers' own files.
        workers: how many; one slot each.
    """

    def __init__(self, folder: Path, workers: int = 3) -> None:
        self.folder = folder
        self._number = workers
        self._machines: list[Machine] = []
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self.close)
            self.folder.mkdir(parents=True, exist_ok=True)
            self.hub = self._machine()
            self.hub.run("ip", "link", "add", "bridge0", "type", "bridge")
            self.hub.run("ip", "address", "add", "10.77.0.1/24", "dev", "bridge0")
            self.hub.run("ip", "link", "set", "bridge0", "up")
            self.workers = [self._plugged_in(number) for number in range(self._number)]
            self.start_scheduler()
            for number in range(self._number):
                self.start_worker(number)
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start_coordinator(self, log: Path, course: Course) -> subprocess.Popen[bytes]:
        """Start `saiten grade` on the hub's machine."""
        words = [*SAITEN, "grade", ASSIGNMENT, "--scheduler", SCHEDULER, "--json"]
        self._processes["coordinator"] = self.hub.start(log, *words, folder=course.root)
        return self._processes["coordinator"]

    def close(self) -> None:
        """End everything."""
        for process in self._processes.values():
            _end_family(process)
        for machine in self._machines:
            machine.end()

    def start_scheduler(self) -> None:
        """Start it, at the same address as before."""
        words = [*_DASK, "scheduler", "--host", "10.77.0.1", "--port", str(PORT), "--no-dashboard"]
        self._processes["scheduler"] = self.hub.start(self.folder / "scheduler.log", *words, scratch=self.folder)

    def kill_scheduler(self) -> None:
        """End it by SIGKILL."""
        _end_family(self._processes["scheduler"])

    def start_worker(self, number: int) -> None:
        """Start one, with its nanny, in the how-to's loop: Dask's workers end with their scheduler."""
        words = [*_DASK, "worker", SCHEDULER, "--nthreads", "1", "--no-dashboard", "--name", f"machine-{number}"]
        loop = ["sh", "-c", 'while true; do "$@"; sleep 1; done', "sh", *words]
        log = self.folder / f"worker-{number}.log"
        self._processes[f"worker-{number}"] = self.workers[number].start(log, *loop, scratch=self.folder)

    def kill_worker(self, number: int) -> None:
        """End a worker's own process by SIGKILL, as soon as there is one; its nanny will start another."""
        wait_until(lambda: bool(self._own_processes(number)), "a worker to kill")
        for process in self._own_processes(number):
            with suppress(psutil.Error):
                process.kill()

    def _own_processes(self, number: int) -> list[psutil.Process]:
        """The worker that a nanny has started, or several for a moment; without what marks."""
        found = []
        for nanny in psutil.Process(self._processes[f"worker-{number}"].pid).children():
            with suppress(psutil.Error):
                found += [each for each in nanny.children() if "spawn_main" in " ".join(each.cmdline())]
        return found

    def kill_machine(self, number: int) -> None:
        """End nanny, worker and all at once, as a machine that loses its power."""
        _end_family(self._processes[f"worker-{number}"])

    def unplug(self, number: int) -> None:
        """Cut a worker's machine off."""
        self.hub.run("ip", "link", "set", f"worker{number}", "down")

    def plug_in(self, number: int) -> None:
        """Mend that."""
        self.hub.run("ip", "link", "set", f"worker{number}", "up")

    def logs(self) -> str:
        """The end of every log, for a failed assertion."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.log")))

    def _machine(self) -> Machine:
        machine = Machine()
        self._machines.append(machine)
        return machine

    def _plugged_in(self, number: int) -> Machine:
        machine = self._machine()
        peer = ("peer", "name", "eth0", "netns", str(machine.pid))
        self.hub.run("ip", "link", "add", f"worker{number}", "type", "veth", *peer)
        self.hub.run("ip", "link", "set", f"worker{number}", "master", "bridge0", "up")
        machine.run("ip", "address", "add", f"10.77.0.{number + 10}/24", "dev", "eth0")
        machine.run("ip", "link", "set", "eth0", "up")
        return machine


class Coordinator:
    """`saiten grade` in a process of its own, in the hub's namespace; to be killed and started again.

    Args:
        cluster: where it marks.
        course: what it marks.
        log: for what it prints, and beside it (`.err`) what it says to people; the last run's.
    """

    def __init__(self, cluster: ChaosCluster, course: Course, log: Path) -> None:
        self._cluster, self._course, self.log = cluster, course, log
        self.process = cluster.start_coordinator(log, course)

    def kill_and_start_again(self) -> None:
        """SIGKILL, and at once another one."""
        _end_family(self.process)
        self.process = self._cluster.start_coordinator(self.log, self._course)

    def wait(self) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait()


Event = tuple[int, Callable[[], None]]
"""how many are to be marked before it happens, and what"""


def all_that_can_happen(cluster: ChaosCluster, coordinator: Coordinator) -> list[Event]:
    """What a class of a thousand on three workers lives through: all but the coordinator's own machine is lost once."""

    def lose_a_machine() -> None:
        cluster.kill_machine(0)
        cluster.start_worker(0)

    def cut_one_off() -> None:
        with cut_off(cluster, 2):
            time.sleep(CUT_SECONDS)

    def restart_the_scheduler() -> None:
        cluster.kill_scheduler()
        time.sleep(AWAY_SECONDS)
        cluster.start_scheduler()

    return [
        (40, lambda: cluster.kill_worker(1)),
        (100, lose_a_machine),
        (160, cut_one_off),
        (300, restart_the_scheduler),
        (400, coordinator.kill_and_start_again),
        (500, lambda: cluster.kill_worker(2)),
        (600, lambda: cluster.kill_worker(0)),
    ]


def live_through(course: Course, coordinator: Coordinator, events: Sequence[Event]) -> None:
    """Let things happen, each when so many submissions are marked.

    Raises:
        AssertionError: the coordinator ended before everything had happened, or nothing was marked for long.
    """
    for number, happen in events:
        last, deadline = -1, time.monotonic() + PATIENCE
        while (now := marked(course)) < number:
            if now != last:
                last, deadline = now, time.monotonic() + PATIENCE
            said = coordinator.log.with_suffix(".err")
            assert coordinator.process.poll() is None, f"ended after {now}: {said.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"{now} marked, and no more: {said.read_text()[-2000:]}"
            time.sleep(0.05)
        happen()


def marked(course: Course) -> int:
    """How many have a marked notebook."""
    folder = course.root / "autograded"
    return len(os.listdir(folder)) if folder.exists() else 0


def gradebook_rows(url: str) -> tuple[list[dict[str, Any]], ...]:
    """Every cell's score, every comment and every submission of a gradebook of any kind, without the random ids."""
    database = create_engine(url)
    try:
        with database.connect() as connection:
            return tuple(
                [dict(row) for row in connection.execute(text(query)).mappings()]
                for query in (GRADES, COMMENTS, SUBMISSIONS)
            )
    finally:
        database.dispose()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that must happen soon."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: never"
        time.sleep(0.02)


@contextmanager
def cut_off(cluster: ChaosCluster, number: int) -> Iterator[None]:
    """A worker's machine without network, for as long as the block takes."""
    cluster.unplug(number)
    try:
        yield
    finally:
        cluster.plug_in(number)


def _start(
    words: list[str], log: Path | None = None, folder: Path | None = None, environment: Mapping[str, str] = os.environ
) -> subprocess.Popen[bytes]:
    """Start a process that the kernel ends with this one."""
    library = ctypes.CDLL(None)

    def end_with_us() -> None:
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    out: Any = subprocess.DEVNULL if log is None else log.open("ab" if folder is None else "wb")
    err: Any = out if log is None or folder is None else log.with_suffix(".err").open("ab")
    try:
        return subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            preexec_fn=end_with_us,
        )
    finally:
        for file in {out, err} - {subprocess.DEVNULL}:
            file.close()


def _end_family(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to a process and whatever it has started, and wait for it."""
    with suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for each in family:
            with suppress(psutil.Error):
                each.kill()
        psutil.wait_procs(family, timeout=PATIENCE)
    process.wait()
