"""What staff see and start: assignments, hand-ins as they come, work in progress, who did what.

In: requests. Out: handlers; each asks for the right that it needs before anything else is done. What changes something
is a POST with the page's token.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from tornado.web import HTTPError

from saiten.hub.model import JobKind, State
from saiten.hub.web.door import Handler
from saiten.hub.web.reader import Right
from saiten.hub.web.views import ask_again

_NEWEST = 12
"""hand-ins on the first page"""
_MOST = 200
"""hand-ins on a page of hand-ins alone"""
_JOBS = 8
_ACTS = 200


class Overview(Handler):
    """`/staff`: everything at a glance."""

    needs = Right.ASSIST

    async def get(self) -> None:
        """Show assignments, work, hand-ins, workers."""
        desk = self.house.desk
        cards, jobs, hand_ins, workers = await asyncio.gather(
            self.house.cards.get(),
            self.ask(desk.jobs, _JOBS),
            self.ask(desk.hand_ins, for_staff=True, limit=_NEWEST),
            self.ask(desk.workers),
        )
        self.show(
            "overview.html.j2",
            cards=cards,
            jobs=jobs,
            hand_ins=hand_ins,
            workers=workers,
            again=ask_again(hand_ins, jobs, settled=self.house.cards.settled),
        )


class OneAssignment(Handler):
    """`/staff/assignments/NAME`: one assignment, its hand-ins, what fails in the same way."""

    needs = Right.ASSIST

    async def get(self, name: str) -> None:
        """Show it."""
        desk = self.house.desk
        cards = await self.house.cards.get()
        card = next((each for each in cards if each.name == name), None)
        if card is None:
            raise HTTPError(404)
        jobs, hand_ins, clusters = await asyncio.gather(
            self.ask(desk.jobs),
            self.ask(desk.hand_ins, assignment=name, for_staff=True, limit=_MOST),
            self.ask(desk.clusters, name),
        )
        of_it = [each for each in jobs if each.assignment == name][:_JOBS]
        self.show(
            "assignment.html.j2",
            card=card,
            jobs=of_it,
            hand_ins=hand_ins,
            clusters=clusters,
            limit=_MOST,
            again=ask_again(hand_ins, of_it, settled=self.house.cards.settled),
        )


class HandIns(Handler):
    """`/staff/hand-ins`: hand-ins as they come, filtered by what the address says."""

    needs = Right.ASSIST

    async def get(self) -> None:
        """Show the newest that fit; an empty choice is none."""
        desk = self.house.desk
        student = self.get_query_argument("student", "").strip()
        assignment, state = self.get_query_argument("assignment", ""), self.get_query_argument("state", "")
        if state and state not in set(State):
            raise HTTPError(404, "there is no state %r", state)
        chosen = {
            "student": student or None,
            "assignment": assignment or None,
            "state": State(state) if state else None,
        }
        cards, hand_ins = await asyncio.gather(
            self.house.cards.get(), self.ask(desk.hand_ins, **chosen, for_staff=True, limit=_MOST)
        )
        self.show(
            "hand_ins.html.j2",
            hand_ins=hand_ins,
            limited=len(hand_ins) >= _MOST,
            limit=_MOST,
            assignments=[each.name for each in cards],
            states=list(State),
            student=student,
            assignment=assignment,
            state=state,
            again=ask_again(hand_ins),
        )


class Log(Handler):
    """`/staff/log`: who did what."""

    needs = Right.ASSIST

    async def get(self) -> None:
        """Show the newest."""
        self.show("log.html.j2", acts=await self.ask(self.house.desk.acts, _ACTS), again=None)


class Start(Handler):
    """`POST /staff/jobs`: begin a piece of work."""

    needs = Right.ASSIST

    async def post(self) -> None:
        """Begin it, and go back to the assignment's page."""
        name = self.get_body_argument("assignment")
        try:
            kind = JobKind(self.get_body_argument("kind"))
        except ValueError as error:
            raise HTTPError(404) from error
        if not self.reader.may_have_done(kind):
            raise HTTPError(403, "%s may not %s", self.reader.name, kind)
        await self.ask(self.house.desk.start, kind, name, self.reader.name)
        self.redirect(f"{self.house.hub_auth.base_url}staff/assignments/{quote(name, safe='')}", status=303)


class Cancel(Handler):
    """`POST /staff/jobs/NUMBER/cancel`: stop a piece of work."""

    needs = Right.ASSIST

    async def post(self, number: str) -> None:
        """Stop it if the reader could have started it."""
        desk = self.house.desk
        job = next((each for each in await self.ask(desk.jobs) if each.number == int(number)), None)
        if job is None:
            raise HTTPError(404)
        if not self.reader.may_have_done(job.kind):
            raise HTTPError(403, "%s may not cancel %s", self.reader.name, job.kind)
        await self.ask(desk.cancel, job.number, self.reader.name)
        address = f"{self.house.hub_auth.base_url}staff/assignments/{quote(job.assignment, safe='')}"
        self.redirect(address, status=303)
