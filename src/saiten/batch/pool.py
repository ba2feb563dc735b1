"""A local pool of workers, as a `concurrent.futures.Executor` in which a dead worker takes nothing with it.

In: how many workers, and what each needs. Out: futures of results.
Each worker is a process pool of its own with one spawned process, so that blame is exact: when it dies, its own
submission's future fails, the others never notice, and the next submission finds a new process.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from multiprocessing.context import SpawnContext, SpawnProcess
from types import TracebackType
from typing import Any, ParamSpec, Protocol, Self, TypeVar

from saiten.batch import worker
from saiten.batch.scratch import Scratch
from saiten.batch.worker import MarkerFactory
from saiten.bundle import Bundle

P = ParamSpec("P")
T = TypeVar("T")

_GRACE_SECONDS = 10.0
"""for a worker to end its engine once it has nothing more to do"""


class MarkingExecutor(Protocol):
    """Where submissions are marked: an executor that can give up on one of its workers."""

    @property
    def workers(self) -> int:
        """How many submissions it marks at the same time, at least 1; a cluster's number changes."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start a call; a worker that dies fails the future with `BrokenExecutor`."""

    def stop(self, future: Future[Any]) -> None:
        """Kill the worker that runs this call; the next submission finds a new one."""

    def excused(self, future: Future[Any]) -> float:
        """Seconds since its start that do not count against a call: no worker had it."""

    def post_mortem(self, future: Future[Any]) -> str:
        """Say how the worker of a failed call ended, for staff."""


class PoolFactory(Protocol):
    """Makes the executor for one class: `LocalPool`, or a cluster's."""

    def __call__(
        self, workers: int, bundle: Bundle, factory: MarkerFactory, /, *, unsafe: bool
    ) -> AbstractContextManager[MarkingExecutor]:
        """Return it ready to be entered; leaving it ends the workers, at once on an exception."""


class _RecordingContext(SpawnContext):
    """Spawned processes only (a fork would copy the coordinator's secrets), each kept for its exit code."""

    def __init__(self) -> None:
        super().__init__()
        self.process: SpawnProcess | None = None

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # type: ignore[override]
        """Make a process, as the executor asks for it."""
        self.process = SpawnProcess(*args, **kwargs)
        return self.process


class Seat:
    """One worker process and the one call that it runs.

    Linux ends the process with the thread that made the first call: that thread has to live as long as the seat.

    Args:
        bundle: what to mark with; sent to the process once.
        factory: makes the engine in it.
        unsafe: see `saiten.grading.Engine`.
        scratch: folder for its temporary files; whoever makes the seat removes it.
    """

    def __init__(self, bundle: Bundle, factory: MarkerFactory, unsafe: bool, scratch: str) -> None:
        self._context = _RecordingContext()
        self._pool = ProcessPoolExecutor(
            1, self._context, initializer=worker.start, initargs=(os.getpid(), bundle, factory, unsafe, scratch)
        )
        self.call: Future[Any] | None = None

    @property
    def pid(self) -> int | None:
        """Of its process; None before the first call."""
        return None if self._context.process is None else self._context.process.pid

    @property
    def is_free(self) -> bool:
        """Whether it runs no call."""
        return self.call is None or self.call.done()

    @property
    def has_ended(self) -> bool:
        """Whether its process has ended, or never began."""
        process = self._context.process
        return process is None or process.pid is None or not process.is_alive()

    @property
    def is_broken(self) -> bool:
        """Whether its process died in its last call."""
        failed = self.call is not None and self.call.done() and not self.call.cancelled()
        return failed and self.call is not None and isinstance(self.call.exception(), BrokenExecutor)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call, behind the one that may run.

        Raises:
            BrokenExecutor: the process died; make another seat.
        """
        self.call = future = self._pool.submit(fn, *args, **kwargs)
        return future

    def kill(self) -> None:
        """End the process at once."""
        if self._context.process is not None and self._context.process.pid is not None:
            self._context.process.kill()

    def leave(self) -> None:
        """Ask the process to end once it is idle; does not wait."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def end(self) -> None:
        """Wait for the process to end; one that does not is killed."""
        process = self._context.process
        if process is not None and process.pid is not None:
            process.join(_GRACE_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
        self._pool.shutdown(wait=True)

    def post_mortem(self) -> str:
        """Say how the process ended; waits for it."""
        process = self._context.process
        if process is None or process.pid is None:
            return "the worker process could not be started"
        deadline = time.monotonic() + _GRACE_SECONDS
        # the executor's own thread waits for the process, too, and may be the one that learns its exit code
        while (code := process.exitcode) is None:
            if time.monotonic() > deadline:
                return "the worker process did not end"
            process.join(0.05)
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            return f"the worker process was ended by {name}"
        return f"the worker process ended with exit code {code}"


class LocalPool(Executor):
    """Workers on this machine.

    A context manager: at its normal end it waits for the workers to end their engines; on an exception, Ctrl-C
    among them, it kills them. `submit` never queues: the caller keeps at most `workers` calls in flight.

    Args:
        workers: how many processes.
        bundle: what to mark with; sent to each worker once.
        factory: makes the engine in the worker.
        unsafe: see `saiten.grading.Engine`.
    """

    def __init__(
        self, workers: int, bundle: Bundle, factory: MarkerFactory = worker.make_engine, *, unsafe: bool = False
    ) -> None:
        self.workers = workers
        self._scratch = Scratch()
        self._make: Callable[[], Seat] = partial(Seat, bundle, factory, unsafe, str(self._scratch.path))
        self._seats = [self._make() for _ in range(workers)]
        self._graves: dict[int, Seat] = {}
        """id of a call to the seat that it took with it"""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in a free worker.

        Raises:
            RuntimeError: every worker has a call.
        """
        index = next((index for index, seat in enumerate(self._seats) if seat.is_free), None)
        if index is None:
            raise RuntimeError(f"all {self.workers} workers are busy")
        self._replace(index)
        try:
            return self._seats[index].submit(fn, *args, **kwargs)
        except BrokenExecutor:  # its process died after its last call, while it had nothing to do
            self._bury(index)
            return self._seats[index].submit(fn, *args, **kwargs)

    def _replace(self, index: int) -> None:
        """Give up a seat whose process is dead."""
        seat = self._seats[index]
        if seat.is_broken:
            self._bury(index)

    def _bury(self, index: int) -> None:
        seat = self._seats[index]
        seat.leave()
        self._graves[id(seat.call)] = seat
        self._seats[index] = self._make()

    def stop(self, future: Future[Any]) -> None:
        """Kill the worker that runs this call and seat a new one; nobody need wait for the future any more."""
        for index, seat in enumerate(self._seats):
            if seat.call is future:
                seat.kill()
                self._bury(index)

    def excused(self, future: Future[Any]) -> float:
        """Nothing: a call begins at once."""
        return 0.0

    def post_mortem(self, future: Future[Any]) -> str:
        """Say how the worker of a failed call ended."""
        for index in range(len(self._seats)):
            self._replace(index)
        seat = self._graves.get(id(future))
        return seat.post_mortem() if seat is not None else "nothing is known about its worker process"

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End all workers; they run no call when this is called, or are to be waited for."""
        seats = [*self._seats, *self._graves.values()]
        for seat in seats:
            seat.leave()
        if wait:
            for seat in seats:
                seat.end()
            self._scratch.remove()

    def kill(self) -> None:
        """End all workers at once, whatever they do."""
        for seat in self._seats:
            seat.kill()
        self.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.shutdown()
        else:
            self.kill()
