"""Workers that stay warm: a fixed number marks at the same time, some more are kept ready for other exercises.

In: bundles and submissions. Out: futures of results. A worker is warm for one bundle; when another bundle needs its
place, the one that was idle for longest goes. One thread makes and uses the workers (they end with it); any may look.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime

from saiten.batch import worker
from saiten.batch.pool import Seat
from saiten.batch.scratch import Scratch
from saiten.batch.worker import MarkerFactory
from saiten.bundle import Bundle
from saiten.grading.again import Again
from saiten.hub.model import WorkerHealth
from saiten.hub.processes import memory, processor_seconds
from saiten.results import Result
from saiten.submission import Submission

_MEMORY_SECONDS = 5.0
"""between two looks at memory, which takes some milliseconds for each worker"""


@dataclass(slots=True)
class _Place:
    """One worker."""

    name: str
    seat: Seat
    bundle: Bundle
    call: Future[Result] | None = None
    warming: Future[None] | None = None
    number: int | None = None
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    idle_since: float = field(default_factory=time.monotonic)
    marked: int = 0
    spent: float = 0.0
    """processor time of its processes when the call began"""

    @property
    def state(self) -> str:
        if self.call is not None:
            return "marking"
        return "starting" if self.warming is not None and not self.warming.done() else "idle"


class Workers:
    """The workers of the service.

    Args:
        at_once: how many mark at the same time.
        spare: how many idle ones are kept beside them.
        factory: makes the engine in a worker.
        unsafe: see `saiten.grading.Engine`.
    """

    def __init__(self, at_once: int, spare: int, factory: MarkerFactory, *, unsafe: bool = False) -> None:
        self.at_once = at_once
        self._most = at_once + spare
        self._factory = factory
        self._unsafe = unsafe
        self._scratch = Scratch()
        self._places: list[_Place] = []
        self._leaving: list[Seat] = []
        self._made = 0
        self._lock = threading.Lock()
        self._memory: dict[str, tuple[float, int | None]] = {}

    @property
    def free(self) -> int:
        """How many more submissions can be marked now."""
        return self.at_once - sum(place.call is not None for place in self._places)

    def mark(
        self, bundle: Bundle, submission: Submission, number: int, again: Again | None = None, *, cost: bool = False
    ) -> Future[Result]:
        """Mark a submission in a worker that is warm for its bundle, or in a new one.

        Args:
            bundle: what to mark with.
            submission: what to mark.
            number: of the hand-in.
            again: what is known of it and what is to be marked; None: all is.
            cost: whether `finished` shall tell the processor time.

        Raises:
            RuntimeError: as many are being marked as may be.
        """
        if self.free <= 0:
            raise RuntimeError(f"all {self.at_once} workers are busy")
        place = self._warm_place(bundle) or self._new_place(bundle)
        try:
            call = place.seat.submit(worker.mark, submission, again)
        except BrokenExecutor:  # it died while it had nothing to do
            self._bury(place)
            place = self._new_place(bundle)
            call = place.seat.submit(worker.mark, submission, again)
        place.call, place.number, place.since = call, number, datetime.now(UTC)
        place.spent = processor_seconds(place.seat.pid) if cost and place.seat.pid else 0.0
        return call

    def can_mark(self, bundle: Bundle) -> bool:
        """Whether a submission should be given away now: to an idle worker, or because none is there for its bundle.

        A worker that is busy, or just starting, is waited for: it is free sooner than a new one is warm.
        """
        places = [place for place in self._places if place.bundle.hash == bundle.hash and not _failed(place)]
        return not places or any(place.state == "idle" for place in places)

    def warm(self, bundle: Bundle, on_done: Callable[[Future[None]], None] = lambda _: None) -> bool:
        """Start a worker for a bundle ahead of time, unless one is idle or starting, or there is no room.

        Returns:
            whether one is being started.
        """
        if self._warm_place(bundle) is not None or len(self._places) >= self._most:
            return False
        place = self._new_place(bundle)
        place.warming = place.seat.submit(worker.warm)
        place.warming.add_done_callback(on_done)
        return True

    def finished(self, call: Future[Result], *, cost: bool = False) -> float:
        """Free the worker of a call that is done; one whose process died is replaced when it is needed.

        Returns:
            processor time that the call took, in seconds, if that was asked for; else 0.
        """
        place = next((place for place in self._places if place.call is call), None)
        if place is None:
            return 0.0
        pid = place.seat.pid
        spent = max(0.0, processor_seconds(pid) - place.spent) if cost and pid else 0.0
        place.call, place.number, place.since = None, None, datetime.now(UTC)
        place.idle_since, place.marked = time.monotonic(), place.marked + 1
        return spent

    def post_mortem(self, call: Future[Result]) -> str:
        """Say how the worker of a call that failed ended, and give it up."""
        place = next((place for place in self._places if place.call is call), None)
        if place is None:
            return "nothing is known about its worker process"
        evidence = place.seat.post_mortem()
        self._bury(place)
        return evidence

    def give_up(self, call: Future[Result]) -> None:
        """Send the worker of a call away that cannot mark: its engine does not start."""
        for place in [place for place in self._places if place.call is call]:
            self._bury(place)

    def stop(self, call: Future[Result]) -> str:
        """Kill the worker of a call that takes too long; says how it ended."""
        for place in self._places:
            if place.call is call:
                place.seat.kill()
        return self.post_mortem(call)

    def retire(self, current: set[str]) -> None:
        """Send idle workers away whose bundle is not among these hashes, and forget those that have gone."""
        for place in [place for place in self._places if place.call is None and place.bundle.hash not in current]:
            self._bury(place)
        for place in [place for place in self._places if _failed(place)]:
            self._bury(place)
        for seat in [seat for seat in self._leaving if seat.has_ended]:
            self._leaving.remove(seat)
            seat.end()

    def health(self) -> list[WorkerHealth]:
        """What each worker does; from any thread."""
        with self._lock:
            places = list(self._places)
        return [
            WorkerHealth(
                place.name, place.bundle.assignment, place.state, place.number, place.since, place.marked,
                self._memory_of(place),
            )
            for place in places
        ]  # fmt: skip

    def close(self, *, kill: bool = False) -> None:
        """End all workers; with `kill` whatever they do."""
        seats = [*(place.seat for place in self._places), *self._leaving]
        for seat in seats:
            if kill:
                seat.kill()
            seat.leave()
        for seat in seats:
            seat.end()
        with self._lock:
            self._places.clear()
        self._leaving.clear()
        self._scratch.remove()

    def _memory_of(self, place: _Place) -> int | None:
        pid = place.seat.pid
        moment, size = self._memory.get(place.name, (float("-inf"), None))
        if pid is not None and time.monotonic() - moment > _MEMORY_SECONDS:
            size = memory(pid)
            self._memory[place.name] = time.monotonic(), size
        return size

    def _warm_place(self, bundle: Bundle) -> _Place | None:
        """An idle worker for a bundle, the one used last; else one that is just starting for it."""
        idle = [
            place
            for place in self._places
            if place.call is None and place.bundle.hash == bundle.hash and not _failed(place)
        ]
        return max(idle, key=lambda place: (place.state == "idle", place.idle_since), default=None)

    def _new_place(self, bundle: Bundle) -> _Place:
        idle = sorted((place for place in self._places if place.call is None), key=lambda place: place.idle_since)
        if len(self._places) >= self._most and idle:
            self._bury(idle[0])
        self._made += 1
        seat = Seat(bundle, self._factory, self._unsafe, str(self._scratch.path))
        place = _Place(f"worker-{self._made}", seat, bundle)
        with self._lock:
            self._places.append(place)
        return place

    def _bury(self, place: _Place) -> None:
        with self._lock:
            self._places.remove(place)
        self._memory.pop(place.name, None)
        place.seat.leave()
        self._leaving.append(place.seat)


def _failed(place: _Place) -> bool:
    """Whether a worker could not be started ahead of time: the first call of another one will say why."""
    warming = place.warming
    return warming is not None and warming.done() and (warming.cancelled() or warming.exception() is not None)
