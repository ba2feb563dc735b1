"""A hub whose students are in containers: DockerSpawner by the one configuration file, on podman's Docker API.

In: a store with the built image (`image_store`), an empty folder: `python containers_driver.py STORE WORK`. Out: one
JSON object with what two students and their containers met. It has a network of its own, so that podman's bridge and
its rules are nobody else's, and an /etc of its own, so that this machine keeps its users.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from image_store import TAG, Built
from real_hub import Hub, in_open_house, running_hub, unix_users, wait_for

from saiten.grading import linux
from saiten.hub.trial import keeper
from tiny_course import ASSIGNMENT, RIGHT, WRONG, make_tiny_course, submitted

COURSE = "boxes"
FIRST, ACCOUNT = "saiten-b0", "saiten-bc"
"""users of this machine: the first one may get uid 1000, which students have in their containers"""
ONE, TWO, TEACHER = "student-001", "student-002", "instructor"
BRIDGE = "10.88.0.1"
"""podman's own bridge, as 172.17.0.1 is Docker's"""
SECONDS = 120
MEMORY = "1G"
CONFIG = (
    f'c = get_config()\nc.CourseDirectory.course_id = "{COURSE}"\nc.Saiten.languages = ["en"]\nc.Saiten.workers = 1\n'
)
FEEDBACK = '[instant_feedback]\nshow = "full"\n'
LOOK = """
import json, os, pathlib, sys
exchange, course = map(pathlib.Path, sys.argv[1:])
def tried(what):
    try:
        return what()
    except OSError as error:
        return type(error).__name__
limits = [pathlib.Path("/sys/fs/cgroup", name) for name in ("memory/memory.limit_in_bytes", "memory.max")]
status = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
print(json.dumps({
    "uid": os.getuid(), "capabilities": int(status["CapEff"], 16), "no_new_privileges": int(status["NoNewPrivs"]),
    "memory": [path.read_text().strip() for path in limits if path.exists()],
    "gpu": os.environ.get("NVIDIA_VISIBLE_DEVICES"),
    "exchange": sorted(os.listdir(exchange)),
    "course": course.exists(),
    "list_inbound": tried(lambda: os.listdir(exchange / "inbound")),
    "write_outbound": tried(lambda: (exchange / "outbound" / "mine").touch()),
    "write_feedback": tried(lambda: (exchange / "feedback" / "mine").touch()),
    "list_feedback": tried(lambda: os.listdir(exchange / "feedback")),
}))
"""


class Course:
    """The tiny course, built and released, and its exchange; all of the course's account."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.exchange = folder, folder / "course", folder / "exchange"
        make_tiny_course(self.root)
        (self.root / "nbgrader_config.py").write_text(CONFIG + f"c.Exchange.root = {str(self.exchange)!r}\n")
        (self.root / "source" / ASSIGNMENT / "assignment.toml").write_text(FEEDBACK)
        self.exchange.mkdir()
        self.exchange.chmod(0o1777)
        _give(self.root)
        self.root.chmod(0o700)
        self._as_account("from saiten.cli import main; main()", "build", "--course", str(self.root), ASSIGNMENT)
        lines = "import sys; from pathlib import Path; from saiten.course import Course; "
        lines += "from saiten.hub.exchange import prepare_exchange; prepare_exchange(Course.find(Path(sys.argv[1])))"
        self._as_account(lines, str(self.root))
        out = self.exchange / COURSE / "outbound" / ASSIGNMENT
        shutil.copytree(self.root / "release" / ASSIGNMENT, out)
        _give(out)

    def _as_account(self, script: str, *arguments: str) -> None:
        kept = self.folder / f"kept-{time.monotonic_ns()}"
        command = in_open_house(kept, [sys.executable, "-c", script, *arguments], ACCOUNT)
        home = str(self.folder / "homes" / ACCOUNT)
        done = subprocess.run(command, env={**os.environ, "HOME": home}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def rows(self, query: str) -> list[list[Any]]:
        """What the service's tables hold."""
        with closing(sqlite3.connect(self.root / "gradebook.db", timeout=30)) as connection:
            return [list(row) for row in connection.execute(query).fetchall()]


def _give(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, ACCOUNT, ACCOUNT)


@contextmanager
def docker_api(built: Built, folder: Path) -> Iterator[str]:
    """Podman as Docker's daemon, for one socket; ends with this process, whatever becomes of it."""
    socket, log = folder / "docker.sock", folder / "podman.log"
    service = ["podman", *built.store, "system", "service", "--time=0", f"unix://{socket}"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", keeper.__file__, *service], env=built.environment, stdout=file, stderr=file
        )
    try:
        wait_for(socket.exists, SECONDS, log)
        yield f"unix://{socket}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class Student:
    """One student, whose server is a container."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.hub, self.name, self.token = hub, name, hub.token(name)
        begun = time.monotonic()
        self.ask("POST", f"/hub/api/users/{name}/server")
        wait_for(lambda: self.server()["ready"], SECONDS, hub.log)
        self.seconds = time.monotonic() - begun

    def ask(self, method: str, path: str, **more: object) -> Any:
        """Ask the hub, or the student's own server."""
        answer = self.hub.ask(path, self.token, method, **more)
        assert answer.ok, (path, answer.status_code, answer.text[-2000:], self.hub.log.read_text()[-4000:])
        return answer.json() if answer.text else None

    @property
    def container(self) -> str:
        """Its name; DockerSpawner writes what is no letter and no digit as a number."""
        return "jupyter-" + self.name.replace("-", "-2d")

    def server(self) -> dict[str, Any]:
        """What the hub says of the server."""
        return dict(self.ask("GET", f"/hub/api/users/{self.name}?include_stopped_servers=1")["servers"][""])

    def press(self, what: str) -> Any:
        """Press a button of nbgrader's Assignment List."""
        data = {"course_id": COURSE, "assignment_id": ASSIGNMENT}
        said = self.ask("POST", f"/user/{self.name}/assignments/{what}", data=data)
        assert said["success"], said
        return said["value"]

    def hand_in(self, answer: str, scratch: Path) -> None:
        """Fetch, answer, submit."""
        self.press("fetch")
        notebook = json.loads((submitted(scratch, self.name, answer) / "mean.ipynb").read_text(encoding="utf-8"))
        path = f"/user/{self.name}/api/contents/{ASSIGNMENT}/mean.ipynb"
        self.ask("PUT", path, json={"type": "notebook", "content": notebook})
        self.press("submit")


def main(store: Path, work: Path) -> dict[str, Any]:
    """Let two students work in their containers, and tell what was seen."""
    built = Built(store, "")
    linux.unshare(linux.CLONE_NEWNET | linux.CLONE_NEWNS)
    linux.make_private()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["cp", "--archive", "/etc", str(work)], check=True)
    linux.mount(str(work / "etc"), "/etc", None, linux.MS_BIND)
    built.podman("volume", "prune", "--force")  # homes of an earlier run, where the store is kept
    # podman makes its bridge for the first container; the hub listens there
    built.podman("run", "--rm", "--network=bridge", TAG, "true")
    homes = work / "homes"
    homes.mkdir()
    with unix_users(homes, FIRST, ACCOUNT), docker_api(built, work) as socket:
        course = Course(work)
        os.environ["DOCKER_HOST"] = socket
        settings = {"EXCHANGE": str(course.exchange), "ACCOUNT": ACCOUNT, "SPAWNER": "docker", "IMAGE": TAG}
        settings |= {"HUB_ADDRESS": BRIDGE, "MEMORY": MEMORY, "CPU": "1"}
        settings |= {"STUDENTS": f"{ONE},{TWO}", "INSTRUCTORS": TEACHER}
        with running_hub(work, COURSE, course.root, **settings) as hub:
            return _seen(built, course, hub)


def _seen(built: Built, course: Course, hub: Hub) -> dict[str, Any]:
    one, two = Student(hub, ONE), Student(hub, TWO)
    # the image's other tests have containers in the same store
    names = built.podman("ps", "--filter", "name=^jupyter-", "--format", "{{.Names}}").split()
    place = [str(course.exchange / COURSE), str(course.root)]
    looks = {
        student.name: json.loads(built.podman("exec", student.container, "python", "-c", LOOK, *place))
        for student in (one, two)
    }
    one.hand_in(RIGHT, course.folder / "answers")
    two.hand_in(WRONG, course.folder / "answers")
    marked = "select student, state, attempt from saiten_arrivals where state = 'marked' order by student"
    wait_for(lambda: len(course.rows(marked)) == 2, SECONDS, hub.log)
    scores = course.rows("select student, score from saiten_ledger where in_gradebook order by student")
    pages = {}
    for student in (one, two):
        student.press("fetch_feedback")
        found = built.podman("exec", student.container, "find", "/home/jovyan", "-path", "*feedback*html")
        pages[student.name] = len(found.split())
        student.ask("DELETE", f"/hub/api/users/{student.name}/server")
    wait_for(lambda: "jupyter-" not in built.podman("ps", "--all", "--format", "{{.Names}}"), SECONDS, hub.log)
    return {
        "containers": sorted(names),
        "seconds": [one.seconds, two.seconds],
        "looks": looks,
        "marked": course.rows(marked),
        "scores": scores,
        "pages": pages,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
