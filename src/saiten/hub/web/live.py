"""Events from the desk to the pages that are open: each only to who may know of it.

In: a desk's events, from any thread. Out: server-sent events that name what kind of thing has changed and nothing else;
the page then asks for itself again, with the rights of its reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from saiten.hub.model import Event
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
        """Whether this reader may know of an event: staff of all; a student of assignments and own hand-ins."""
        if self.reader.staff:
            return True
        return event.kind == "card" or (event.kind == "hand-in" and self.reader.is_student(event.student))

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
    """Hears the desk and tells the ears; lives in one event loop."""

    def __init__(self) -> None:
        self._ears: dict[str, list[Ear]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], None] = lambda: None

    def start(self, listen: Callable[[Callable[[Event], None]], Callable[[], None]]) -> None:
        """Begin to hear; called in the loop."""
        self._loop = asyncio.get_running_loop()
        self._stop = listen(self.tell)

    def stop(self) -> None:
        """Hear no more, and end all streams."""
        self._stop()
        self._loop = None
        for ears in self._ears.values():
            for ear in ears:
                ear.close()

    def tell(self, event: Event) -> None:
        """Pass an event on; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._spread, event)

    def _spread(self, event: Event) -> None:
        for ears in self._ears.values():
            for ear in ears:
                if ear.may_hear(event):
                    ear.tell(event.kind)

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
        return sum(map(len, self._ears.values()))
