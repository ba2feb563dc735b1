"""Starting the trial's hub, waiting until it answers, and stopping it with all that it has started.

In: a `Place`, ports, the proxy's command. Out: a `RunningHub`. What hub, proxy and services say goes to the log.
"""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from saiten.errors import UserError
from saiten.hub.trial import keeper
from saiten.hub.trial.place import CONFIG_FILE, Place
from saiten.hub.trial.ports import HOST, Ports

_SECONDS = 120
"""that the hub and each service get to answer"""
_PAUSE = 0.2
_STOPPING = 40
"""seconds that the keeper gets to end everything: more than it gives the hub"""
_LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class RunningHub:
    """A hub that answers."""

    place: Place
    ports: Ports
    process: subprocess.Popen[bytes]
    """the keeper"""

    @property
    def address(self) -> str:
        """Where browsers go."""
        return f"http://{HOST}:{self.ports.public}/"

    def service(self, name: str) -> str:
        """Address of a service's pages."""
        return f"{self.address}services/{name}/"

    def wait(self) -> None:
        """Return never; a hub that ends by itself is an error.

        Raises:
            UserError: it ended.
        """
        self.process.wait()
        raise _ended(self.place)

    def stop(self) -> None:
        """End the hub and all that it started, and wait until nothing runs."""
        self.process.terminate()
        try:
            self.process.wait(_STOPPING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(place: Place, ports: Ports, proxy: Sequence[str], tell: Callable[[str], None]) -> RunningHub:
    """Start the hub and wait until it and its services answer.

    Args:
        place: what `prepare` made.
        ports: where to listen.
        proxy: the proxy's command.
        tell: is told, in a few words, what is waited for.

    Raises:
        UserError: it ended, or something did not answer in time; the log's last lines are in the message.
    """
    hub = [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG_FILE)]
    environment = place.environment(ports, proxy, os.environ)
    with place.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", keeper.__file__, *hub],  # -P: its folder is no place for imports
            cwd=place.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for this process, which then stops that one
        )
    running = RunningHub(place, ports, process)
    course = place.course.coursedir.course_id
    parts = (
        ("the hub", ports.hub, "/hub/health"),  # at its own port: it comes up before the proxy knows it
        ("the proxy", ports.public, "/hub/health"),
        ("the marking service", ports.public, "/services/marking/"),
        ("formgrader", ports.public, f"/services/{course}/"),
    )
    try:
        for name, port, path in parts:
            tell(f"Waiting for {name}")
            _wait_for(running, name, port, path)
    except BaseException:
        running.stop()
        raise
    return running


def _wait_for(running: RunningHub, name: str, port: int, path: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not _answers(port, path):
        if running.process.poll() is not None:
            raise _ended(running.place)
        if time.monotonic() > deadline:
            raise UserError(
                f"After {_SECONDS} s {name} does not answer. The log ends so:\n{_last_lines(running.place.log)}",
                "Try again; --keep keeps the folder with the whole log.",
            )
        time.sleep(_PAUSE)


def _answers(port: int, path: str) -> bool:
    """Tell whether something is there: a page, or the way to the login; the proxy says 503 or 404 where nothing is."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _ended(place: Place) -> UserError:
    return UserError(
        f"The hub has ended. Its log ends so:\n{_last_lines(place.log)}",
        "Mend what it says; --keep keeps the folder with the whole log.",
    )


def _last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    # pages that were asked for, and a proxy whose hub is gone, tell nothing of the cause
    telling = [line for line in lines if not re.match(r"\[[ID] |.*\[ConfigProxy\]", line)]
    return "\n".join(telling[-_LAST_LINES:])
