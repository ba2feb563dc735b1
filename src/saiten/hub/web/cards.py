"""The assignments' cards, asked for once for everybody: a card counts a whole class, and every page has some.

In: a desk's `cards`, events. Out: cards that are a second old at most while something moves, ten otherwise; and whether
what students see of them has changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from saiten.hub.model import Card, Event

WHILE_MOVING = 1.0
"""seconds for which cards are kept although something has changed since"""
AT_MOST = 10.0
"""seconds for which they are kept although nothing has been heard: sources change without an event"""


class Cards:
    """The cards as they were a moment ago; lives in one event loop.

    Args:
        ask: the desk's `cards`.
        pool: whose threads ask.
    """

    def __init__(self, ask: Callable[[], Sequence[Card]], pool: Executor) -> None:
        self._ask = ask
        self._pool = pool
        self._known: tuple[Card, ...] = ()
        self._asked_at = float("-inf")
        self._changed = True
        self._asking: asyncio.Future[Sequence[Card]] | None = None

    def note(self, event: Event) -> None:
        """Hear that something has changed which cards count."""
        self._changed = self._changed or event.kind in ("card", "hand-in")

    @property
    def settled(self) -> bool:
        """Whether nothing has changed since they were asked for; if not, a page does well to look again."""
        return not self._changed

    async def get(self) -> tuple[Card, ...]:
        """Return the cards; many who ask at the same time wait for one answer.

        Raises:
            whatever the desk raises.
        """
        loop = asyncio.get_running_loop()
        age = loop.time() - self._asked_at
        if age < (WHILE_MOVING if self._changed else AT_MOST):
            return self._known
        if self._asking is None:
            self._changed, asked_at = False, loop.time()
            self._asking = loop.run_in_executor(self._pool, self._ask)
            try:
                self._known, self._asked_at = tuple(await asyncio.shield(self._asking)), asked_at
            except BaseException:
                self._changed = True
                raise
            finally:
                self._asking = None
            return self._known
        return tuple(await asyncio.shield(self._asking))


def for_students(cards: Sequence[Card]) -> tuple[object, ...]:
    """What students see of cards: all but what is counted."""
    return tuple(
        (each.name, tuple(each.title.items()), each.due, each.shown, each.per_day, each.quiet_hours)
        for each in cards
        if each.released
    )
