"""A hub that runs from the built image alone: its own JupyterHub, proxy, JupyterLab, nbgrader and Saiten.

In: a built image and an empty folder, in which a class for a week is made. Out: a running hub whose course, exchange
and state lie in that folder, as volumes would. The container has no capability and can get no new privilege.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from image_store import TAG, Built
from week_steps import Run, WeekHub, make_place

from saiten.hub.trial import choose_ports
from saiten.hub.trial.place import Place
from saiten.hub.trial.ports import HOST

ACCOUNT = 1001
"""the image's user `saiten`, who owns the course"""
ITS_OWN = ("SAITEN_PROXY",)
"""settings of this environment's trial in whose place the image has its own"""


@contextmanager
def hub_in(built: Built, folder: Path) -> Iterator[tuple[WeekHub, str]]:
    """Start the image's hub for a class of two, and remove it at the end.

    Args:
        built: the image.
        folder: does not exist yet; the container sees it under the same path, and nothing else of this machine.

    Returns:
        the hub, which need not answer yet, and the container's id.
    """
    folder.mkdir(mode=0o700)
    place = make_place(folder)
    place.state.mkdir()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, ACCOUNT, ACCOUNT, follow_symlinks=False)
    ports = choose_ports(0)
    settings = {
        name: value
        for name, value in place.environment(ports, [], {}).items()
        if name.startswith("SAITEN_") and name not in ITS_OWN
    }
    options = [f"--env={name}={value}" for name, value in settings.items()]
    hardened = ["--user=saiten", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=host"]
    container = built.podman("run", "--detach", *hardened, *options, f"--volume={folder}:{folder}", TAG, "hub").strip()
    try:
        yield WeekHub(f"http://{HOST}:{ports.public}/", place, _runner(built, container, place)), container
    finally:
        built.podman("rm", "--force", "--time=20", container)


def _runner(built: Built, container: str, place: Place) -> Run:
    def run(program: Sequence[str]) -> subprocess.CompletedProcess[str]:
        command = ["podman", *built.store, "exec", "--workdir", str(place.course.root), container, *program]
        return subprocess.run(command, env=built.environment, capture_output=True, text=True, check=False)

    return run
