"""Events from the desk to the pages that are open: each only to who may know of it.

In: a desk's events, from any thread. Out: server-sent events that name what kind of thing has changed and nothing else;
the page then asks for itself again, with the rights of its reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from saiten.hub.model import Event
from saiten.hub.web.cards import WHILE_MOVING, Cards, for_students
from saiten.hub.web.reader import Reader

MOST_STREAMS = 12
"""of one reader at the same time; one more, and the oldest is closed"""


class Ear:
    """One open stream: what has changed since it was last told, each kind once."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.closed = False
        self._kinds: set[str] = set()
        self._heard = asyncio.Event()

    def may_hear(self, event: Event) -> bool:
        """Whether this reader may know of an event: staff of all; a student of own hand-ins.

        Of assignments students are told when what they see of them has changed, not whenever somebody handed in.
        """
        return self.reader.staff or (event.kind == "hand-in" and self.reader.is_student(event.student))

    def tell(self, kind: str) -> None:
        """Note that something has changed."""
        self._kinds.add(kind)
        self._heard.set()

    def close(self) -> None:
        """End it; whoever waits returns at once."""
        self.closed = True
        self._heard.set()

    async def wait(self, seconds: float) -> list[str]:
        """Return the kinds of things that have changed, [] if none has within some seconds."""
        try:
            await asyncio.wait_for(self._heard.wait(), seconds)
        except TimeoutError:
            return []
        self._heard.clear()
        kinds, self._kinds = sorted(self._kinds), set()
        return kinds


class Broker:
    """Hears the desk and tells the ears; lives in one event loop.

    Args:
        cards: the assignments.
    """

    def __init__(self, cards: Cards) -> None:
        self._cards = cards
        self._ears: dict[str, list[Ear]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], None] = lambda: None
        self._looking: asyncio.Task[None] | None = None
        self._students_saw: tuple[object, ...] | None = None

    def start(self, listen: Callable[[Callable[[Event], None]], Callable[[], None]]) -> None:
        """Begin to hear; called in the loop."""
        self._loop = asyncio.get_running_loop()
        self._stop = listen(self.tell)

    def stop(self) -> None:
        """Hear no more, and end all streams."""
        self._stop()
        self._loop = None
        if self._looking is not None:
            self._looking.cancel()
        for ear in self._all():
            ear.close()

    def tell(self, event: Event) -> None:
        """Pass an event on; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._spread, event)

    def _spread(self, event: Event) -> None:
        if self._loop is None:
            return  # it has been stopped meanwhile
        self._cards.note(event)
        for ear in self._all():
            if ear.may_hear(event):
                ear.tell(event.kind)
        if event.kind == "card" and (self._looking is None or self._looking.done()):
            self._looking = self._loop.create_task(self._look_at_cards())

    async def _look_at_cards(self) -> None:
        """Tell students of assignments, once for all that happens together, if they would see another page."""
        await asyncio.sleep(WHILE_MOVING)  # what was known before is then asked for again
        seen = for_students(await self._cards.get())
        if seen != self._students_saw:
            self._students_saw = seen
            for ear in self._all():
                if not ear.reader.staff:
                    ear.tell("card")

    def _all(self) -> list[Ear]:
        return [ear for ears in self._ears.values() for ear in ears]

    @contextmanager
    def join(self, reader: Reader) -> Iterator[Ear]:
        """Hold an ear for one stream."""
        ears = self._ears.setdefault(reader.name, [])
        while len(ears) >= MOST_STREAMS:
            ears.pop(0).close()
        ear = Ear(reader)
        ears.append(ear)
        try:
            yield ear
        finally:
            if ear in ears:
                ears.remove(ear)
            if not ears and self._ears.get(reader.name) is ears:
                del self._ears[reader.name]

    def __len__(self) -> int:
        return len(self._all())
