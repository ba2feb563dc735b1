"""The executor on a Dask cluster: what `saiten.batch.run` sees of it is what it sees of processes on this machine.

In: a scheduler, a bundle, calls. Out: futures; how many submissions are marked at the same time, which changes.
"""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from saiten.batch.run import patience as seconds_for
from saiten.batch.worker import MarkerFactory
from saiten.bundle import Bundle
from saiten.cluster.admission import Admission
from saiten.cluster.calls import Call
from saiten.cluster.keeper import Keeper
from saiten.cluster.link import Link, Scheduler
from saiten.cluster.waiting import PATIENCE_SECONDS, Waiting

P = ParamSpec("P")
T = TypeVar("T")


class ClusterPool:
    """Workers of a Dask cluster; a context manager, and a `saiten.batch.pool.MarkingExecutor`.

    Leaving it on an exception, Ctrl-C among them, has the workers kill what they mark for this run.

    Args:
        scheduler: address or callable.
        most: calls in flight at most, however many workers there are.
        bundle: what to mark with; sent to each worker once.
        factory: makes the engine in a process beside the worker.
        unsafe: see `saiten.grading.Engine`.
        patience: seconds to wait for workers, or for the scheduler.
        tell: called with a sentence when something is waited for, or a worker was left out.

    Raises:
        ClusterError: on entering: no scheduler, no worker, or one with other versions.
        UserError: on entering: an engine cannot start there for a reason that the user can mend.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        most: int,
        bundle: Bundle,
        factory: MarkerFactory,
        *,
        unsafe: bool = False,
        patience: float = PATIENCE_SECONDS,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._scheduler, self._most, self._tell = scheduler, most, tell
        self._waits = Waiting(patience, tell)
        self._limit, self._gpu = seconds_for(bundle), bundle.gpu == "required"
        self._admission = Admission(bundle, factory, unsafe, self._limit)
        self._numbers = 0
        self.widest = 0
        """how many submissions were marked at the same time, at most"""

    @property
    def workers(self) -> int:
        """How many submissions are marked at the same time now, at least 1."""
        width = max(1, min(self._most, self._keeper.crew.slots))
        self.widest = max(self.widest, width)
        return width

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Send a call to a worker, as soon as one is free.

        Raises:
            UserError: the cluster was given up.
        """
        self._raise_if_given_up()
        call = Call(self._numbers, pickle.dumps((partial(fn, **kwargs) if kwargs else fn, args)))
        self._numbers += 1
        call.future.call = call  # type: ignore[attr-defined]
        self._keeper.take(call)
        self._raise_if_given_up()  # it may have been this moment
        return call.future

    def stop(self, future: Future[Any]) -> None:
        """Give up a call; its worker kills the process at the call's own limit."""
        self._keeper.drop(future)

    def excused(self, future: Future[Any]) -> float:
        """Seconds in which no worker had the call, and some for the way."""
        call: Call = future.call  # type: ignore[attr-defined]
        return call.excused()

    def post_mortem(self, future: Future[Any]) -> str:
        """Say how the worker of a failed call ended."""
        return self._keeper.graves.pop(future, "its worker gave no answer")

    def __enter__(self) -> Self:
        self._link = Link(self._scheduler)
        run = uuid.uuid4().hex
        self._keeper = Keeper(self._link, self._admission, run, self._limit, self._gpu, self._waits, self._tell)
        try:
            self._admission.check_scheduler(self._link.versions())
            self._keeper.start()
            self._keeper.ready.wait()
            self._raise_if_given_up()
        except BaseException:
            self._close(at_once=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(at_once=kind is not None)

    def _close(self, *, at_once: bool) -> None:
        self._keeper.stop()
        if at_once:
            self._keeper.abandon()
        self._link.close()

    def _raise_if_given_up(self) -> None:
        if self._keeper.fatal is not None:
            raise self._keeper.fatal
