"""Marking many submissions: exactly one result for each, whatever happens to the workers.

In: submissions and an executor. Out: (submission, result) pairs, in the order in which they are finished.
Nothing here knows what a worker is: another executor (a cluster's) does as well.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from saiten.batch.pool import MarkingExecutor
from saiten.batch.verify import verified
from saiten.batch.worker import infra_error
from saiten.bundle import Bundle
from saiten.errors import UserError
from saiten.results import Result, Status
from saiten.submission import Submission

_START_SECONDS = 120.0
"""for a worker to start and warm its engine, on a busy machine"""
_LOOK_SECONDS = 1.0
"""between two looks at how many workers there are"""


def patience(bundle: Bundle) -> float:
    """Return how long (seconds) to wait for one result before its worker is taken for hung.

    The engine keeps a submission's own limit. This is the second line, for a fault of the engine's: far above it.
    """
    return _START_SECONDS + 2 * bundle.limits.total_seconds


def run_batch(
    bundle: Bundle,
    submissions: Iterable[Submission],
    executor: MarkingExecutor,
    mark: Callable[..., Result],
    wait_seconds: float | None = None,
    *,
    more: Callable[[Submission], tuple[Any, ...]] = lambda _: (),
) -> Iterator[tuple[Submission, Result]]:
    """Mark submissions.

    A submission whose worker dies or hangs, or that met a fault of ours, is tried once more when all others are
    done, with nothing beside it. If that fails, too, it is an `infra_error` with the evidence of both times. (Where the
    engine itself reports a fault for every single one, once is enough.)

    Args:
        bundle: what they are marked with.
        submissions: read lazily, one ahead of each worker.
        executor: at most `executor.workers` calls are in flight, as many as that is at the time.
        mark: what a worker calls, with the submission; the executor must be able to send it.
        wait_seconds: see `patience`, which is the default.
        more: further arguments for `mark`.

    Yields:
        each submission once, with its one result.

    Raises:
        UserError: nothing can be marked, for a reason that the user can mend.
    """
    limit = patience(bundle) if wait_seconds is None else wait_seconds
    together = _Round(bundle, iter(submissions), executor, mark, more, limit)
    suspects: list[tuple[Submission, Result]] = []
    any_sound = False
    for submission, result in together.results():
        if result.status is Status.INFRA_ERROR:
            suspects.append((submission, result))
        else:
            any_sound = True
            yield submission, result
    again: dict[int, str] = {}
    for submission, result in suspects:
        # where the engine said so and has not marked a single one, it will say so again
        if any_sound or id(submission) in together.lost:
            again[id(submission)] = result.message
        else:
            yield submission, result
    retried = [submission for submission, _ in suspects if id(submission) in again]
    alone = _Round(bundle, iter(retried), executor, mark, more, limit, most=1)
    for submission, result in alone.results():
        if result.status is Status.INFRA_ERROR:
            message = f"it failed twice. First: {again[id(submission)]}. Then, marked alone: {result.message}"
            result = infra_error(bundle, submission, message)
        yield submission, result


@dataclass
class _Round:
    bundle: Bundle
    submissions: Iterator[Submission]
    executor: MarkingExecutor
    mark: Callable[..., Result]
    more: Callable[[Submission], tuple[Any, ...]]
    limit: float
    """seconds for one result"""
    most: int | None = None
    """calls in flight; None: as many as there are workers"""
    calls: dict[Future[Result], tuple[Submission, float]] = field(default_factory=dict)
    """call to its submission and deadline"""
    lost: set[int] = field(default_factory=set)
    """ids of submissions whose worker died or was stopped"""

    @property
    def width(self) -> int:
        """Calls in flight, as things are now."""
        return self.executor.workers if self.most is None else self.most

    def results(self) -> Iterator[tuple[Submission, Result]]:
        ready: deque[Submission] = deque()
        while True:
            # one ahead of each worker: the next submission is read before somebody waits for it
            while len(ready) < self.width and (submission := next(self.submissions, None)) is not None:
                ready.append(submission)
                self._start(ready)
            self._start(ready)
            if not self.calls:
                return
            yield from self._finished(refill=ready)

    def _finished(self, refill: deque[Submission]) -> Iterator[tuple[Submission, Result]]:
        """Wait for calls; free workers get the next submissions before the finished results are looked at."""
        timeout = min(_LOOK_SECONDS, max(0.0, min(map(self._deadline, self.calls)) - time.monotonic()))
        done, _ = wait(self.calls, timeout=timeout, return_when=FIRST_COMPLETED)
        now = time.monotonic()
        late = [call for call in self.calls if call not in done and self._deadline(call) <= now]
        for call in late:
            self.executor.stop(call)
        finished = [(call, self.calls.pop(call)[0]) for call in (*done, *late)]
        self._start(refill)
        for call, submission in finished:
            if call in late:
                evidence = f"there was no result after {self.limit:g} s, then {self.executor.post_mortem(call)}"
                self.lost.add(id(submission))
                yield submission, infra_error(self.bundle, submission, evidence)
            else:
                yield submission, self._result(call, submission)

    def _deadline(self, call: Future[Result]) -> float:
        return self.calls[call][1] + self.executor.excused(call)

    def _start(self, ready: deque[Submission]) -> None:
        while ready and len(self.calls) < self.width:
            submission = ready.popleft()
            call = self.executor.submit(self.mark, submission, *self.more(submission))
            self.calls[call] = submission, time.monotonic() + self.limit

    def _result(self, call: Future[Result], submission: Submission) -> Result:
        try:
            return verified(self.bundle, submission, call.result())
        except UserError:
            raise
        except BrokenExecutor:
            self.lost.add(id(submission))
            return infra_error(self.bundle, submission, self.executor.post_mortem(call))
        except Exception as error:  # whatever an executor can fail with: the batch goes on
            return infra_error(self.bundle, submission, f"its call failed ({type(error).__name__}: {error})")
