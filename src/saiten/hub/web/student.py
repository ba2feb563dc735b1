"""What a student sees: the exercises, one hand-in, its feedback. Staff see the same pages of anybody.

In: requests. Out: handlers. Who asks for what belongs to somebody else gets 403, whether it exists or not.
"""

from __future__ import annotations

import asyncio

from tornado.web import HTTPError

from saiten.hub.model import HandIn
from saiten.hub.web.door import Handler
from saiten.hub.web.views import ask_again, exercises, with_own_dues

FEEDBACK_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""Of a page that holds what a student wrote: one file, no script, and an origin of its own, so that it would have no
cookie and no service if there were one. Links in it open elsewhere, and work there."""

_FEW = 4
"""questions that are listed at once on a page of several exercises; more are folded"""


class Home(Handler):
    """`/`: to where the reader's work is."""

    async def get(self) -> None:
        """Staff to the assignments, students to their exercises."""
        base = self.house.hub_auth.base_url
        self.redirect(f"{base}staff" if self.reader.staff else f"{base}mine")


class Mine(Handler):
    """`/mine`: one's own exercises."""

    async def get(self) -> None:
        """Show them; a service has none."""
        if not self.reader.person:
            raise HTTPError(403, "%s is no person", self.reader.name)
        await show_student(self, self.reader.name, for_staff=False)


class Student(Handler):
    """`/students/NAME`: somebody's exercises, for staff as staff see them."""

    async def get(self, name: str) -> None:
        """Show them to staff, and to whose they are."""
        if not (self.reader.staff or self.reader.is_student(name)):
            raise HTTPError(403, "%s asked for %s", self.reader.name, name)
        await show_student(self, name, for_staff=self.reader.staff)


async def show_student(handler: Handler, name: str, *, for_staff: bool) -> None:
    """Answer with the exercises of one student."""
    desk = handler.house.desk
    cards, hand_ins, dues = await asyncio.gather(
        handler.house.cards.get(),
        handler.ask(desk.hand_ins, student=name, for_staff=for_staff),
        handler.ask(desk.own_dues, name),
    )
    found = exercises(cards, hand_ins, handler.house.now(), dues)
    again = ask_again(hand_ins, spans=[each.left for each in found])
    handler.show("mine.html.j2", exercises=found, student=name, for_staff=for_staff, few=_FEW, again=again)


class OneHandIn(Handler):
    """`/hand-ins/NUMBER`: one hand-in."""

    async def get(self, number: str) -> None:
        """Show all of it that the reader may know."""
        hand_in = await find(self, number)
        desk = self.house.desk
        cards, notebooks, dues = await asyncio.gather(
            self.house.cards.get(),
            self.ask(desk.notebooks, hand_in.number),
            self.ask(desk.own_dues, hand_in.student),
        )
        card = next((each for each in with_own_dues(cards, dues) if each.name == hand_in.assignment), None)
        self.show(
            "hand_in.html.j2",
            hand_in=hand_in,
            card=card,
            notebooks=notebooks,
            for_staff=self.reader.staff,
            again=ask_again([hand_in]),
        )


class Feedback(Handler):
    """`/hand-ins/NUMBER/feedback[/NOTEBOOK]`: a page of feedback, as it is."""

    async def get(self, number: str, notebook: str = "") -> None:
        """Send it under a policy of its own."""
        hand_in = await find(self, number)
        page = await self.ask(self.house.desk.page, hand_in.number, notebook, for_staff=self.reader.staff)
        if page is None:
            raise HTTPError(404)
        self.set_header("Content-Security-Policy", FEEDBACK_POLICY)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.write(page)


async def find(handler: Handler, number: str) -> HandIn:
    """Return a hand-in that the reader may see.

    Raises:
        HTTPError: 403 if it is somebody else's; for students also if there is none, so that nobody can count them.
            404 for staff if there is none.
    """
    hand_in = await handler.ask(handler.house.desk.hand_in, int(number), for_staff=handler.reader.staff)
    if hand_in is None and handler.reader.staff:
        raise HTTPError(404)
    if hand_in is None or not handler.reader.may_read(hand_in):
        raise HTTPError(403, "%s asked for hand-in %s", handler.reader.name, number)
    return hand_in
