"""One driver process for all tests of the sandboxes, and what the probes reach for: a file, a service, a process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_probes import Run

from saiten.grading import cgroups

DRIVER = Path(__file__).with_name("sandbox_driver.py")


@pytest.fixture(scope="session")
def driver() -> Iterator[subprocess.Popen[str]]:
    """The process that forks parents; its imports are done once."""
    command = [sys.executable, "-P", str(DRIVER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
    deadline = time.monotonic() + 20  # another process's engine may just have been killed by a test
    while (left := cgroups.sweep()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == 0


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the course, readable by this user."""
    path = tmp_path / "course" / "source" / "hidden.txt"
    path.parent.mkdir(parents=True)
    path.write_text("the hidden test", encoding="utf-8")
    for folder in (tmp_path, *path.parents):
        if folder.stat().st_uid == os.getuid() and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    return path


@pytest.fixture
def run(driver: subprocess.Popen[str], tmp_path: Path, secret: Path) -> Run:
    """Run probes one after another in a sandbox; each answers what it saw."""

    def in_sandbox(
        kind: str,
        *probes: str,
        files: dict[str, str] | None = None,
        readable: tuple[str, ...] = (),
        leading: str = "",
        second_wall: bool = True,
        **limits: float,
    ) -> list[object]:
        root = tmp_path / f"root-{kind}"
        root.mkdir(exist_ok=True)
        task = {
            "sandbox": kind,
            "root": str(root),
            "limits": limits,
            "files": files or {},
            "secret": str(secret),
            "readable": readable,
            "leading": leading,
            "second_wall": second_wall,
            "probes": [textwrap.dedent(probe) for probe in probes],
        }
        assert driver.stdin is not None
        assert driver.stdout is not None
        driver.stdin.write(json.dumps(task) + "\n")
        driver.stdin.flush()
        answer = json.loads(driver.stdout.readline())
        assert answer["status"] == 0, answer
        said: list[object] = answer["said"]
        return said

    return in_sandbox


@pytest.fixture
def port() -> Iterator[int]:
    """A TCP service on this machine's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def decoy() -> Iterator[int]:
    """A process of this user's, outside every sandbox, with something to read in its environment."""
    with subprocess.Popen(["sleep", "600"], env={"SAITEN_TEST_DECOY": "hidden"}) as process:
        yield process.pid
        assert process.poll() is None, "somebody has ended it"
        process.terminate()
