"""The server: what JupyterHub tells a service it starts, and a loop that runs until a signal ends it.

In: a desk and the environment of a hub's service. Out: pages on one address, until SIGTERM or SIGINT; then open streams
are ended, and answers under way are given.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth  # type: ignore[import-untyped]
from tornado.httpserver import HTTPServer
from tornado.log import access_log

from saiten.errors import HubError
from saiten.hub.model import Desk
from saiten.hub.web.app import make_application
from saiten.hub.web.door import House

LARGEST_REQUEST = 64 * 1024
"""bytes; nothing is uploaded, forms have three fields"""
RIGHTS_KEPT = 60
"""seconds for which the hub's answer about a reader is believed; a right that was taken away ends then"""

_LISTEN = "Give one such as http://127.0.0.1:10101, here or as the service's `url` in jupyterhub_config.py."
_NEEDED = ("JUPYTERHUB_API_TOKEN", "JUPYTERHUB_API_URL", "JUPYTERHUB_CLIENT_ID", "JUPYTERHUB_SERVICE_PREFIX")
_FAREWELL = 3.0
"""seconds that open streams are given to end"""
_BACKLOG = 128
"""connections that wait to be taken; a whole class may open a page at once"""
_LOOK = 0.02
"""seconds between two looks at them"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen."""

    host: str
    port: int


def place_of(url: str) -> Place:
    """Read host and port of an address.

    Raises:
        HubError: it is no address with a port.
    """
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise HubError(f"{url} is no address to listen at: {error}.", _LISTEN) from error
    if not host or port is None:
        raise HubError(f"{url} is no address to listen at.", _LISTEN)
    return Place(host, port)


def hub_auth_from(environment: Mapping[str, str]) -> HubOAuth:
    """Make JupyterHub's own login for services from what the hub told this one.

    Raises:
        HubError: the process was not started by a hub, or not as a service with a page.
    """
    missing = [name for name in _NEEDED if not environment.get(name)]
    if missing:
        raise HubError(
            f"There is no hub around: {', '.join(missing)} not set.",
            "Let JupyterHub start this as a managed service named `marking`, with a `url` "
            "(image/jupyterhub_config.py does); `saiten hub` starts a whole hub to try it out.",
        )
    made = HubOAuth(
        base_url=environment["JUPYTERHUB_SERVICE_PREFIX"],
        api_url=environment["JUPYTERHUB_API_URL"],
        api_token=environment["JUPYTERHUB_API_TOKEN"],
        oauth_client_id=environment["JUPYTERHUB_CLIENT_ID"],
        cache_max_age=RIGHTS_KEPT,
    )
    # JupyterHub leaves it to the browser, which takes this as well; said here, older ones know
    made.cookie_options = {"samesite": "Lax", **made.cookie_options}
    return made


def house_for(desk: Desk, hub_auth: HubOAuth, environment: Mapping[str, str]) -> House:
    """Put together what handlers share."""
    base = environment.get("JUPYTERHUB_BASE_URL") or "/"
    host = environment.get("JUPYTERHUB_HOST", "")
    return House(
        desk=desk,
        hub_auth=hub_auth,
        hub_url=f"{host}{base}hub/",
        services_url=f"{base}services/",
        now=lambda: datetime.now(UTC),
    )


def serve(desk: Desk, place: Place, ready: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> None:
    """Show a desk's pages until SIGTERM or SIGINT.

    Args:
        desk: whose pages they are; opened and closed by the caller.
        place: where to listen; port 0 takes a free one.
        ready: called with the address as soon as pages are served.
        environment: what the hub told this service.

    Raises:
        HubError: no hub, or the address is taken.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    access_log.setLevel(logging.INFO)
    logging.getLogger("tornado.application").setLevel(logging.WARNING)
    house = house_for(desk, hub_auth_from(environment), environment)
    asyncio.run(_run(house, place, ready))


async def _run(house: House, place: Place, ready: Callable[[str], None]) -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    # xheaders: the hub's proxy says where a request came from, and whether by https
    server = HTTPServer(make_application(house), xheaders=True, max_body_size=LARGEST_REQUEST)
    try:
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        listening = socket.create_server((place.host, place.port), family=family, backlog=_BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        raise HubError(
            f"{place.host}:{place.port} cannot be listened at: {error.strerror}.",
            "Choose another port, or end what uses this one.",
        ) from error
    house.broker.start(house.desk.listen)
    try:
        server.add_socket(listening)
        port = listening.getsockname()[1]
        ready(f"http://{place.host}:{port}{house.hub_auth.base_url}")
        await end.wait()
    finally:
        await farewell(server, house)


async def farewell(server: HTTPServer, house: House) -> None:
    """Take no more requests, end the streams, and let answers under way be given."""
    server.stop()
    house.broker.stop()
    end = time.monotonic() + _FAREWELL
    while len(house.broker) and time.monotonic() < end:
        await asyncio.sleep(_LOOK)
    await server.close_all_connections()
    await asyncio.get_running_loop().run_in_executor(None, house.pool.shutdown)
