"""A Jupyter server with nbgrader's formgrader on a course, asked as a browser asks it; it ends with its block."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

BUTTONS = """
c.Autograde.exporter_class = "saiten.formgrader.Marks"
c.GenerateFeedback.exporter_class = "saiten.formgrader.Feedback"
"""
"""what a course's nbgrader_config.py has to say; docs/how-to/mark-on-submission.md shows the same"""

_EXTENSIONS = dict.fromkeys(("nbgrader.server_extensions.formgrader", "saiten.formgrader.server"), True)
_ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/")


class Formgrader:
    """A server that runs."""

    def __init__(self, address: str, root: Path, pid: int) -> None:
        self.address, self.root, self.pid = address, root, pid

    def post(self, path: str) -> dict[str, Any]:
        """Press a button: what its dialog is made of."""
        request = urllib.request.Request(f"{self.address}/formgrader/api/{path}", data=b"", method="POST")
        response: HTTPResponse
        with urllib.request.urlopen(request, timeout=120) as response:
            answer: dict[str, Any] = json.loads(response.read())
        return answer

    def autograde(self, assignment: str, student: str) -> dict[str, Any]:
        """Press Autograde in a student's row."""
        return self.post(f"submission/{assignment}/{student}/autograde")


@contextmanager
def formgrader(root: Path, home: Path, environment: Mapping[str, str] | None = None) -> Iterator[Formgrader]:
    """Run a server on a course's folder until the block ends.

    Args:
        root: the course; its nbgrader_config.py is read by the server.
        home: an empty folder that is the server's HOME; its log is written there.
        environment: more variables for the server.
    """
    variables = {**os.environ, "HOME": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *("--ServerApp.port=0", "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"),
        f"--ServerApp.root_dir={root}",
        f"--ServerApp.jpserver_extensions={_EXTENSIONS}",
    ]
    log = home / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=root, env=variables | dict(environment or {}), stdout=file, stderr=file, start_new_session=True
        )
    try:
        yield Formgrader(address_of(process, log), root, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()


def address_of(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the server has said where it listens, and does."""
    deadline = time.monotonic() + 120
    while not ((found := _ADDRESS.search(log.read_text())) and _listens(found[1])):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return found[1]


def _listens(address: str) -> bool:
    """Whether somebody answers there: on a busy machine the address is printed a moment before."""
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as caller:
        return caller.connect_ex((host, int(port))) == 0
