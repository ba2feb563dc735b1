#!/usr/bin/env python
"""Say whether the hub or the server in this container answers: exit code 0 or 1.

In: JUPYTERHUB_SERVICE_URL (set in a server that a hub started), else SAITEN_BIND (the hub's address).
Out: nothing, or one line on standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

BIND = "http://127.0.0.1:8000"
"""as in jupyterhub_config.py"""
SECONDS = 4.0
"""below the time limit of the Dockerfile's HEALTHCHECK"""


def address(environment: Mapping[str, str]) -> str:
    """Return what to ask: whatever address it listens on, from inside it is this machine's own."""
    served = environment.get("JUPYTERHUB_SERVICE_URL", "")
    parts = urlsplit(served or environment.get("SAITEN_BIND") or BIND)
    port, path = (parts.port or 8888, "/api") if served else (parts.port or 80, "/hub/health")
    return urlunsplit(("http", f"127.0.0.1:{port}", parts.path.rstrip("/") + path, "", ""))


def main() -> int:
    """Ask once. A server may answer "log in first"; a hub has to answer 200."""
    asked = address(os.environ)
    try:
        with urlopen(asked, timeout=SECONDS) as answer:
            code = answer.status
    except HTTPError as error:
        code = error.code
    except (URLError, OSError) as error:
        print(f"{asked} does not answer: {error}", file=sys.stderr)
        return 1
    healthy = code < 500 if os.environ.get("JUPYTERHUB_SERVICE_URL") else code == 200
    if not healthy:
        print(f"{asked} answers {code}", file=sys.stderr)
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main())
