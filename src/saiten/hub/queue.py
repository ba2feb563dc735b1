"""The order in which hand-ins are marked: fair between students, whatever one of them does.

In: numbers of hand-ins, each with its owner. Out: the next one, and everybody's place.
Each owner's work gets tags that go up by one from the tag that is served now; the lowest tag is next. So an owner with
fifty waits behind every other one's first, and nobody waits for ever: a tag, once given, is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Place:
    tag: int
    order: int
    """in which it was added"""
    owner: str


class FairQueue:
    """A queue of numbers. One thread uses it at a time."""

    def __init__(self) -> None:
        self._places: dict[int, _Place] = {}
        self._last: dict[str, int] = {}
        self._served = 0
        self._added = 0

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, number: int) -> bool:
        return number in self._places

    def add(self, number: int, owner: str) -> None:
        """Put a number behind what its owner has there; one that waits already keeps its place.

        Args:
            number: of a hand-in.
            owner: the student, or the job that marks a class.
        """
        if number in self._places:
            return
        self._added += 1
        tag = max(self._served, self._last.get(owner, 0)) + 1
        self._last[owner] = tag
        self._places[number] = _Place(tag, self._added, owner)

    def replace(self, old: int, new: int) -> None:
        """Let a number take the place of another of the same owner, if that one waits here."""
        place = self._places.pop(old, None)
        if place is not None:
            self._places[new] = place

    def remove(self, number: int) -> None:
        """Take a number out, if it is there."""
        self._places.pop(number, None)

    def pop(self, may: Callable[[int], bool] = lambda _: True) -> int | None:
        """Take the next number.

        Args:
            may: whether a number can be served now; one that cannot keeps its place.
        """
        for number in self.waiting():
            if may(number):
                self._served = max(self._served, self._places.pop(number).tag)
                if not self._places:  # owners that have nothing here any more need not be remembered
                    self._last.clear()
                    self._served = 0
                return number
        return None

    def waiting(self) -> Iterator[int]:
        """Numbers in the order in which they will be served."""
        yield from sorted(self._places, key=lambda number: (self._places[number].tag, self._places[number].order))
