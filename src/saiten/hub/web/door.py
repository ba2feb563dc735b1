"""What every request passes: who asks, may they, headers, and pages that say no.

In: a request. Out: `Handler`, whose subclasses find `self.reader` set, or are not reached. Login, tokens, cookies and
the defence against requests forged by other sites are JupyterHub's own (`HubOAuth`).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from jupyterhub.services.auth import HubOAuth, HubOAuthenticated, UserNotAllowed  # type: ignore[import-untyped]
from tornado.log import app_log
from tornado.web import HTTPError, RequestHandler

from saiten.errors import UserError
from saiten.hub.model import Desk
from saiten.hub.web.cards import Cards
from saiten.hub.web.live import Broker
from saiten.hub.web.reader import Reader, Right, reader_of
from saiten.hub.web.render import LANGUAGE_COOKIE, render, tongue_for
from saiten.pages import Tongue

_Answer = TypeVar("_Answer")

READ_ONLY = ("GET", "HEAD")
_THREADS = 8


@dataclass(frozen=True)
class House:
    """All that handlers share."""

    desk: Desk
    hub_auth: HubOAuth
    """its `base_url` is where the pages live"""
    hub_url: str
    """path of the hub's own pages, such as `/hub/`"""
    services_url: str
    """path below which other services live, such as `/services/`"""
    now: Callable[[], datetime]
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS, "saiten-page"))
    """asks the desk, so that the loop waits for no database"""
    cards: Cards = field(init=False)
    broker: Broker = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cards", Cards(self.desk.cards, self.pool))
        object.__setattr__(self, "broker", Broker(self.cards))

    @property
    def formgrader_url(self) -> str:
        """Path of the course's formgrader: a service with the course's name."""
        return f"{self.services_url}{self.desk.course_id}/formgrader"


class Refused(HTTPError):
    """An answer of 409: what was asked for cannot be done now; `reason_said` is for the reader."""

    def __init__(self, error: UserError) -> None:
        super().__init__(409)
        self.said = (error.message, error.next_step)


class Stale(HTTPError):
    """An answer of 403: the request brings no token of a page of ours."""

    def __init__(self) -> None:
        super().__init__(403)


class Bare(RequestHandler):
    """Headers and error pages, for who has a name and who has none."""

    house: House

    def initialize(self, house: House) -> None:
        """Take what handlers share."""
        self.house = house
        self.who: Reader | None = None

    def set_default_headers(self) -> None:
        """Let nobody frame, sniff, keep or embed a page; scripts and styles run by this answer's nonce alone.

        `'self'` would not do: where the hub has one host name, every student's own server is "self" as well.
        """
        self.nonce = secrets.token_urlsafe(16)
        nonce = f"'nonce-{self.nonce}'"
        policy = (
            f"default-src 'none'; script-src {nonce}; style-src {nonce}; img-src 'self'; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        self.set_header("Content-Security-Policy", policy)
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.clear_header("Server")

    def tongue(self) -> Tongue:
        """The words, this reader's language first."""
        headers = self.request.headers
        return tongue_for(
            tuple(self.house.desk.languages),
            self.get_cookie(LANGUAGE_COOKIE) or "",
            headers.get("Accept-Language", ""),
        )

    def show(self, template: str, **values: Any) -> None:
        """Answer with a page."""
        reader, house = self.who, self.house
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Vary", "Cookie, Accept-Language")
        self.write(
            render(
                template,
                self.tongue(),
                reader=reader,
                base=house.hub_auth.base_url,
                hub_url=house.hub_url,
                formgrader_url=house.formgrader_url,
                course=house.desk.course_id,
                nonce=self.nonce,
                xsrf=self.form_token() if reader else "",
                path=self.request.path,
                **values,
            )
        )

    def form_token(self) -> str:
        """The token that forms send back."""
        return ""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say in words what went wrong; nothing of the inside."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        said: tuple[str, ...] = ()
        key = {400: "400", 403: "403", 404: "404", 405: "404", 409: "409"}.get(status_code, "500")
        if isinstance(error, Refused):
            said = error.said
        if isinstance(error, Stale):
            key = "xsrf"
        self.show("error.html.j2", key=key, sentences=[each for each in said if each], again=None, live=False)


class Nowhere(Bare):
    """An address that is none."""

    async def prepare(self) -> None:
        """Answer, whoever asks."""
        raise HTTPError(404)


class Handler(HubOAuthenticated, Bare):  # type: ignore[misc]  # jupyterhub has no types
    """A page for somebody whom the hub knows; `needs` says who may have it."""

    needs = Right.OWN

    @property
    def reader(self) -> Reader:
        """Who asks; there is somebody, or the handler's method was not reached."""
        if self.who is None:
            raise HTTPError(403)
        return self.who

    def initialize(self, house: House) -> None:
        """Take what handlers share."""
        Bare.initialize(self, house)
        self.hub_auth = house.hub_auth

    def set_default_headers(self) -> None:
        """As everywhere; set here because both parents have such a method."""
        Bare.set_default_headers(self)

    async def prepare(self) -> None:
        """Find out who asks; send browsers without a name to the hub's login, everybody else away.

        Raises:
            HTTPError: 403.
        """
        model = await self.hub_auth.get_user(self, sync=False)
        if model is None:
            self.current_user = None
            return self._turn_away()
        try:
            model = self.check_hub_user(model)
        except UserNotAllowed as error:
            self.current_user = None
            raise HTTPError(403, "the hub does not let %s in", str(model.get("name"))) from error
        self.current_user = model
        self.who = reader_of(model)
        if self.request.method not in READ_ONLY:
            self._check_form()
        if self.reader.right < self.needs:
            raise HTTPError(403, "%s may not have %s", self.reader.name, self.request.path)
        return None

    def _turn_away(self) -> None:
        fetched = self.request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
        if self.request.method not in READ_ONLY:
            raise Stale
        if fetched or "Authorization" in self.request.headers:
            raise HTTPError(403, "no user for %s", self.request.path)
        self.redirect(self.get_login_url())

    def _check_form(self) -> None:
        # tornado would check before it is known who asks; a token in a header needs none
        try:
            self.check_xsrf_cookie()
        except HTTPError as error:
            raise Stale from error

    def form_token(self) -> str:
        """JupyterHub's token against forged requests, bound to this login."""
        token = self.xsrf_token
        return token.decode("ascii") if isinstance(token, bytes) else str(token)

    async def ask(self, question: Callable[..., _Answer], *arguments: Any, **options: Any) -> _Answer:
        """Have the desk asked in a thread; what it refuses becomes a page that says so.

        Raises:
            Refused: the desk raised a `UserError`.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.house.pool, lambda: question(*arguments, **options))
        except UserError as error:
            app_log.info("refused to %s: %s", self.reader.name, error)
            raise Refused(error) from error
