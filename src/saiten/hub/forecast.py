"""When a hand-in will probably be marked: its place in the queue, and what its assignment usually takes.

In: the queue as it is, seconds of what was marked. Out: places and seconds. One thread writes, any may ask.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

_SHARE = 0.3
"""of the last marking in the time that is expected of the next"""
_LEAST_SECONDS = 0.5
"""what is nearly done is said to take so long"""


class Forecast:
    """Places and expected times of one course's hand-ins."""

    def __init__(self) -> None:
        self._places: Mapping[int, int] = {}
        self._usual: dict[str, float] = {}
        """assignment to seconds that marking usually takes"""

    def see(self, waiting: Iterable[int]) -> None:
        """Take note of the queue: numbers of hand-ins, the next one first."""
        self._places = {number: place for place, number in enumerate(waiting, 1)}

    def learn(self, assignment: str, seconds: float) -> None:
        """Take note of what one marking took; what came before counts less and less."""
        old = self._usual.get(assignment, seconds)
        self._usual[assignment] = old + _SHARE * (seconds - old)

    def place(self, number: int) -> int | None:
        """Place in the queue, from 1; None if it does not wait there."""
        return self._places.get(number)

    def expected(self, number: int, assignment: str, begun: float | None, at_once: int) -> float | None:
        """Seconds until a hand-in is probably marked; None if nothing like it was marked yet.

        Args:
            number: of the hand-in.
            assignment: its name.
            begun: moment (`time.monotonic`) at which its marking began; None: it waits.
            at_once: how many are marked at the same time.
        """
        usual, ahead = self._usual.get(assignment), self._places.get(number)
        if usual is None:
            return None
        if begun is not None:
            return max(_LEAST_SECONDS, usual - (time.monotonic() - begun))
        return None if ahead is None else usual * (1 + (ahead - 1) // at_once) + _LEAST_SECONDS
