"""What is done about hand-ins that could not be marked: a second try alone, then staff; or another try a minute later.

In: hand-ins and reasons. Out: their states, and which of them are to be tried now. One thread uses it.
As in `saiten.batch.run`: a submission whose worker dies, or that meets a fault of ours, is tried once more with nothing
beside it; if that fails, too, it stays with both pieces of evidence until somebody has it marked again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from saiten.hub.model import Act, State
from saiten.hub.store import Arrival, Store
from saiten.hub.tasks import Tasks

_TRIES = 2
_ALONE_SECONDS = 30.0
"""for which a second try waits until nothing else is being marked"""
_AGAIN_SECONDS = 60.0
"""between two tries of what could not be marked for a reason outside of it"""


class Setbacks:
    """Hand-ins that could not be marked.

    Args:
        store: where their states are.
        tasks: jobs that wait for them.
    """

    def __init__(self, store: Store, tasks: Tasks) -> None:
        self._store, self._tasks = store, tasks
        self._suspects: dict[int, float] = {}
        """hand-ins to be tried once more, and since when"""
        self._aside: dict[int, float] = {}
        """hand-ins whose reason lies outside of them, and when that is looked at again"""

    def fault(self, work: Arrival, evidence: str, cost: float) -> None:
        """A worker died, or the engine failed: a second try, then staff have to look.

        Args:
            work: the hand-in as it was when it was begun.
            evidence: what happened.
            cost: processor time, in seconds.
        """
        arrival = self._store.arrival(work.number) or work
        stands = arrival.state is State.MARKED  # it was marked once more: the older verdict stands
        tries = arrival.tries + 1
        if tries < _TRIES:
            state = State.MARKED if stands else State.WAITING
            self._store.change(arrival.number, state=state, tries=tries, message=evidence)
            self._suspects[arrival.number] = time.monotonic()
            return
        message = f"it failed twice. First: {arrival.message}. Then: {evidence}"
        last = State.MARKED if stands else State.TROUBLE
        self._store.change(arrival.number, _act(arrival, message), state=last, tries=0, message=message)
        self._tasks.settle(arrival.number, State.TROUBLE, cost)

    def put_aside(self, work: Arrival, reason: str) -> None:
        """It cannot be marked for a reason outside of it: staff are told once, and it is tried again by itself."""
        arrival = self._store.arrival(work.number) or work
        act = None if arrival.message == reason else _act(arrival, reason)
        if arrival.state is State.MARKED:
            self._store.change(arrival.number, act, message=reason)
        else:
            self._store.change(arrival.number, act, state=State.TROUBLE, message=reason)
            self._aside[arrival.number] = time.monotonic() + _AGAIN_SECONDS
        self._tasks.settle(arrival.number, State.TROUBLE)

    def forget(self, number: int) -> None:
        """Somebody else sees to a hand-in."""
        self._suspects.pop(number, None)
        self._aside.pop(number, None)

    def second_try(self, *, alone: bool) -> int | None:
        """A hand-in to be tried once more now, if there is one.

        Args:
            alone: whether nothing else waits or is being marked.
        """
        if self._suspects:
            number, since = next(iter(self._suspects.items()))
            if alone or time.monotonic() - since > _ALONE_SECONDS:
                del self._suspects[number]
                return number
        return None

    def due(self) -> Iterator[Arrival]:
        """Yield the hand-ins that were put aside and are to be tried again now."""
        now = time.monotonic()
        for number in [number for number, due in self._aside.items() if due < now]:
            del self._aside[number]
            arrival = self._store.arrival(number)
            if arrival is not None and arrival.state is State.TROUBLE:
                yield arrival


def _act(arrival: Arrival, reason: str) -> Act:
    first = reason.splitlines()[0] if reason else ""
    return Act(datetime.now(UTC), "", "trouble", arrival.assignment, arrival.student, first)
