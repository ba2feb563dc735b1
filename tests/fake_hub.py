"""The pages of the marking service behind a stand-in for JupyterHub: login, tokens and rights as the hub gives them.

In: a desk. Out: `running`, a server on the loopback in a thread, which ends with the test. The service's side is all
real (`HubOAuth` asks for every token over HTTP); the hub's side is the three addresses that it needs.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx
from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import HTTPError, RequestHandler

from fake_desk import NOW, FakeDesk
from saiten.hub.model import Desk
from saiten.hub.web.app import make_application
from saiten.hub.web.door import House
from saiten.hub.web.reader import ASSIST, INSTRUCT
from saiten.hub.web.serve import farewell

BASE = "/services/marking/"
ENTER = "access:services!service=marking"
SCOPES = {
    "assistant-1": [ENTER, ASSIST],
    "teacher": [ENTER, ASSIST, INSTRUCT],
    "dean": [ENTER, INSTRUCT],
    "stranger": [],
    "almost": [ENTER, f"{ASSIST}-not", f"x{INSTRUCT}", f"{ASSIST}!user=almost"],
    "robot": [ENTER],
}
"""rights of those who are more, or less, than a student"""


def token_of(name: str) -> str:
    """The API token of a user of this hub."""
    return f"token-of-{name}"


def as_token(address: str, name: str) -> httpx.Client:
    """A program that shows somebody's API token to pages at an address."""
    return httpx.Client(base_url=address, headers={"Authorization": f"token {token_of(name)}"}, verify=False)


class _User(RequestHandler):
    """`GET /hub/api/user`: whose token that is."""

    def get(self) -> None:
        name = self.request.headers.get("Authorization", "").removeprefix("token ").removeprefix("token-of-")
        if not name or name == "nobody":
            raise HTTPError(403)
        kind = "service" if name == "robot" else "user"
        self.write({"name": name, "kind": kind, "scopes": SCOPES.get(name, [ENTER]), "groups": [], "admin": False})


class _Authorize(RequestHandler):
    """Logs in whom the cookie `who` names, without a question."""

    def get(self) -> None:
        who = self.get_cookie("who")
        if not who:
            self.write("the hub's login page")
            return
        query = urlencode({"code": who, "state": self.get_argument("state")})
        self.redirect(f"{self.get_argument('redirect_uri')}?{query}")


class _Token(RequestHandler):
    def check_xsrf_cookie(self) -> None:
        """The service asks, no browser."""

    def post(self) -> None:
        self.write(json.dumps({"access_token": token_of(self.get_argument("code"))}))


@dataclass(frozen=True)
class Served:
    """A running server."""

    origin: str
    house: House
    loop: asyncio.AbstractEventLoop

    @property
    def address(self) -> str:
        """Where the pages begin."""
        return f"{self.origin}{BASE}"

    def as_token(self, name: str) -> httpx.Client:
        """A program that shows somebody's API token."""
        return as_token(self.address, name)

    def as_browser(self, name: str, **headers: str) -> httpx.Client:
        """Somebody's browser, which follows where it is sent."""
        navigates = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin", **headers}
        return httpx.Client(
            base_url=self.address, headers=navigates, cookies={"who": name}, follow_redirects=True, verify=False
        )


@contextmanager
def running(desk: Desk | FakeDesk, now: datetime = NOW) -> Iterator[Served]:
    """Serve a desk's pages in a thread."""
    started: list[Served] = []
    ready, end = threading.Event(), []

    async def main() -> None:
        stop = asyncio.Event()
        end.append((asyncio.get_running_loop(), stop))
        (socket,) = bind_sockets(0, "127.0.0.1")
        origin = f"http://127.0.0.1:{socket.getsockname()[1]}"
        hub_auth = HubOAuth(
            base_url=BASE,
            api_url=f"{origin}/hub/api",
            api_token="secret",
            oauth_client_id="service-marking",
            access_scopes={ENTER},
            cookie_options={"samesite": "Lax"},
        )
        house = House(desk, hub_auth, "/hub/", "/services/", lambda: now)
        application = make_application(house)
        api: list[Any] = [
            ("/hub/api/user", _User),
            ("/hub/api/oauth2/authorize", _Authorize),
            ("/hub/api/oauth2/token", _Token),
        ]
        application.add_handlers(".*", api)
        server = HTTPServer(application, xheaders=True)
        server.add_sockets([socket])
        house.broker.start(desk.listen)
        started.append(Served(origin, house, asyncio.get_running_loop()))
        ready.set()
        await stop.wait()
        await farewell(server, house)

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="pages")
    thread.start()
    try:
        assert ready.wait(20), "the server has not started"
        yield started[0]
    finally:
        loop, stop = end[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        assert not thread.is_alive(), "the server has not stopped"
