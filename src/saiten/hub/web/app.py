"""The application: which address leads to which page, and the few that are no pages.

In: a desk, and JupyterHub's `HubOAuth`. Out: a tornado application. Whatever changes something is a POST.
"""

from __future__ import annotations

import json
import re
import secrets

from jupyterhub.services.auth import HubOAuthCallbackHandler  # type: ignore[import-untyped]
from tornado.log import access_log
from tornado.web import Application, RequestHandler

from saiten.hub.web import staff, student
from saiten.hub.web.door import Bare, House, Nowhere
from saiten.hub.web.render import static
from saiten.hub.web.stream import Events

_KINDS = {
    "page.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_YEAR = 365 * 24 * 3600
_FAULT = 500
_NUMBER = r"([0-9]{1,15})"
_NAME = r"([^/]+)"


class Health(Bare):
    """`/health`: whether pages are served; for the hub, and for what watches it."""

    async def get(self) -> None:
        """Say so."""
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps({"status": "ok", "streams": len(self.house.broker)}))


class Static(Bare):
    """`/static/...`: style sheet, script and icon, which are nobody's secret."""

    async def get(self, name: str) -> None:
        """Send one; its address holds its version, so it may be kept."""
        self.set_header("Content-Type", _KINDS[name])
        self.set_header("Cache-Control", f"public, max-age={_YEAR}, immutable")
        self.write(static(name))


class LoggedIn(HubOAuthCallbackHandler, Bare):  # type: ignore[misc]  # jupyterhub has no types
    """`/oauth_callback`: where the hub sends a browser back to; all of it is JupyterHub's."""

    def initialize(self, house: House) -> None:
        """Take what handlers share."""
        Bare.initialize(self, house)
        self.hub_auth = house.hub_auth

    async def prepare(self) -> None:
        """Find out who asks without the loop waiting for it, as JupyterHub's own handler would."""
        self.current_user = await self.hub_auth.get_user(self, sync=False)


def make_application(house: House) -> Application:
    """Put the pages at their addresses, below the service's prefix."""
    base, share = house.hub_auth.base_url, {"house": house}
    routes: list[tuple[str, type[RequestHandler]]] = [
        ("", student.Home),
        ("mine", student.Mine),
        (f"students/{_NAME}", student.Student),
        (f"hand-ins/{_NUMBER}", student.OneHandIn),
        (f"hand-ins/{_NUMBER}/feedback", student.Feedback),
        (f"hand-ins/{_NUMBER}/feedback/{_NAME}", student.Feedback),
        ("staff", staff.Overview),
        ("staff/hand-ins", staff.HandIns),
        ("staff/log", staff.Log),
        (f"staff/assignments/{_NAME}", staff.OneAssignment),
        ("staff/jobs", staff.Start),
        (f"staff/jobs/{_NUMBER}/cancel", staff.Cancel),
        ("events", Events),
        ("health", Health),
        (f"static/({'|'.join(map(re.escape, _KINDS))})", Static),
        ("oauth_callback", LoggedIn),
    ]
    # sessions end with the process: the hub then logs everybody in again without being asked
    return Application(
        [(f"{base}{path}", handler, share) for path, handler in routes],
        cookie_secret=secrets.token_bytes(32),
        default_handler_class=Nowhere,
        default_handler_args=share,
        log_function=_log,
        xsrf_cookie_kwargs={"httponly": True, "samesite": "Lax"},
    )


def _log(handler: RequestHandler) -> None:
    """One line for each request, without the query: tokens may stand there."""
    request, status = handler.request, handler.get_status()
    say = access_log.error if status >= _FAULT else access_log.info
    say("%d %s %s %.0f ms", status, request.method, request.path, 1000 * request.request_time())
