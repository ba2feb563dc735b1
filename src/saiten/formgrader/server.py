"""A Jupyter server extension: who is sent to formgrader inside Lab (`/lab?formgrader=true`) gets formgrader's own page.

In: a server on which nbgrader's formgrader runs. Out: a redirect, in front of Lab's own pages.
nbgrader's Course List leads there on a hub, and the tab that Lab would open stays blank (see `saiten.formgrader.lab`).
"""

from __future__ import annotations

import os
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.httputil import HTTPServerRequest
from tornado.routing import PathMatches, Rule


class _AsksForFormgrader(PathMatches):
    """Lab's (or Notebook's) first page, with the argument by which nbgrader's plug-in opens its tab."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return what `PathMatches` does, where the argument is there."""
        return super().match(request) if request.query_arguments.get("formgrader") == [b"true"] else None


class ToFormgrader(JupyterHandler):
    """Leads on, whoever has logged in: formgrader itself says who may read it."""

    @web.authenticated
    def get(self) -> None:
        """Send the browser to formgrader's page."""
        self.redirect(url_path_join(self.base_url, "formgrader"))


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Add the redirect, on a hub only: elsewhere the tab in Lab works."""
    if not os.environ.get("JUPYTERHUB_SERVICE_PREFIX"):
        return
    application = server.web_app
    base = application.settings["base_url"]
    pages = _AsksForFormgrader(url_path_join(base, r"(?:lab|tree)/?$"))
    application.add_handlers(".*$", [Rule(pages, ToFormgrader)])
    # Jupyter loads extensions by name, and Lab's page has been there before
    rules = application.default_router.rules
    rules.insert(0, rules.pop(-2))
