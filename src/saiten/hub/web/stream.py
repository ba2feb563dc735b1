"""`/events`: a stream of server-sent events, by which an open page learns that it should ask for itself again.

In: a request of a reader. Out: a handler. What is sent names a kind of thing ("hand-in", "card", "job", "worker"),
nothing of anybody; without scripts, pages are complete as they are.
"""

from __future__ import annotations

import asyncio

from tornado.iostream import StreamClosedError

from saiten.hub.web.door import Handler
from saiten.hub.web.live import Ear

HEARTBEAT = 20.0
"""seconds after which an idle stream sends a comment, so that no proxy between takes it for dead"""
LONGEST_STREAM = 900.0
"""seconds after which a stream ends; the page opens another, and rights are looked at again"""
TOGETHER = 0.25
"""seconds in which events become one"""


class Events(Handler):
    """The stream of one open page."""

    _ear: Ear | None = None

    async def get(self) -> None:
        """Send until the reader goes, or it has lasted long enough."""
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("X-Accel-Buffering", "no")  # a proxy in front must not collect what should be there at once
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST_STREAM
        with self.house.broker.join(self.reader) as ear:
            self._ear = ear
            self.write("retry: 2000\n\n")
            try:
                await self.flush()
                while not ear.closed and loop.time() < end:
                    kinds = await ear.wait(HEARTBEAT)
                    self.write("".join(f"event: change\ndata: {kind}\n\n" for kind in kinds) or ": still here\n\n")
                    await self.flush()
                    if kinds:
                        await asyncio.sleep(TOGETHER)
            except StreamClosedError:
                return  # the reader has gone

    def on_connection_close(self) -> None:
        """Let go at once of who has gone."""
        super().on_connection_close()
        if self._ear is not None:
            self._ear.close()
