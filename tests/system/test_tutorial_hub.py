"""Do the commands of "Your course on JupyterHub in an hour" give a hub, with Unix users who log in over PAM?

The page's own blocks run as root in a mount namespace with copies of /etc and empty /home, /srv and /var/lib, so that
this machine keeps its users and files. Only the place of the installed environment is another one.
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fake_course import GRADES
from saiten.hub.trial import choose_ports, proxy_command
from saiten.hub.trial.proxy import cache_folder
from tiny_course import ASSIGNMENT, RIGHT, make_tiny_course, submitted

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "your-course-on-jupyterhub.md"
PASSWORD = "a-made-up-password"
BIN = Path(sys.executable).parent
PEOPLE = ("student-001", "student-002", "assistant", "instructor")

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

LOOK = "import os\ntry: print(os.listdir({!r}))\nexcept OSError as error: print(error)"
ASK = f"""
import json, sqlite3
tables = "select count(*) from sqlite_master where name = 'grade'"
book = sqlite3.connect("/srv/faces/gradebook.db")
print(json.dumps(book.execute('''{GRADES}''').fetchall() if book.execute(tables).fetchone()[0] else []))
"""
# The service runs the reference of every exercise that was never built; one will do here.
ONE_EXERCISE = "find /srv/faces/source -mindepth 1 -maxdepth 1 ! -name 03-max-pooling -exec rm -r {} +\n"
PRIVATE = """
set -eu
mount --make-rprivate /
mkdir "$1/etc" && cp -a /etc/. "$1/etc/" && mount --bind "$1/etc" /etc
for place in /home /srv /var/lib; do mount -t tmpfs tmpfs $place; done
"""


def blocks() -> list[str]:
    """The page's commands that are to be run."""
    return re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def opened(needed: list[Path]) -> str:
    """Commands that make folders readable for all in the namespace, even where they live in root's home."""
    tops: dict[Path, list[Path]] = {}
    for path in filter(Path.exists, needed):
        closed = [parent for parent in reversed(path.parents) if not parent.stat().st_mode & 0o001]
        if closed:
            tops.setdefault(closed[0], []).append(path)
    lines = []
    for number, (top, paths) in enumerate(tops.items()):
        kept = {path: f"$1/kept-{number}-{index}" for index, path in enumerate(paths)}
        lines += [f'mkdir "{place}" && mount --rbind {path} "{place}"' for path, place in kept.items()]
        lines.append(f"mount -t tmpfs -o mode=0755 tmpfs {top}")
        lines += [f'mkdir -p {path} && mount --rbind "{place}" {path}' for path, place in kept.items()]
    return "\n".join(lines) + "\n"


class Hub:
    """What the page's reader has at the end of step 4."""

    def __init__(self, address: str, log: Path, pid: int, before: tuple[bytes, bytes]) -> None:
        self.address, self.log, self.pid, self.before = address, log, pid, before

    def run(self, name: str, *command: str, staff: bool = False, folder: str | None = None) -> str:
        """Type a command as one of the machine's users, in their home unless told; it has to succeed."""
        folder = folder or f"/home/{name}"
        config = f"/srv/jupyterhub/nbgrader/{'staff' if staff else 'students'}"
        program, *rest = command
        environment = [f"HOME={folder}", f"PATH={BIN}:/usr/bin:/bin", f"JUPYTER_CONFIG_PATH={config}", "LANG=C.UTF-8"]
        entered = ["nsenter", f"--target={self.pid}", "--mount", "--pid"]
        become = [
            "runuser",
            "-u",
            name,
            "--",
            "env",
            "-i",
            f"--chdir={folder}",
            *environment,
            str(BIN / program),
            *rest,
        ]
        done = subprocess.run([*entered, *become], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def path(self, path: str) -> Path:
        """A file of that machine, as root outside sees it."""
        return Path(f"/proc/{self.pid}/root{path}")

    def visit(self, name: str, password: str, path: str) -> tuple[int, str]:
        """Log in and open a page; its status and text."""
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        form = opener.open(f"{self.address}/hub/login").read().decode()
        (token,) = set(re.findall(r'name="_xsrf" value="([^"]+)"', form))
        body = urllib.parse.urlencode({"username": name, "password": password, "_xsrf": token}).encode()
        try:
            opener.open(f"{self.address}/hub/login?next=%2Fhub%2Fhome", body).read()
            with opener.open(f"{self.address}{path}") as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """The blocks, run; it ends with its namespace."""
    folder = tmp_path_factory.mktemp("machine")
    ports = choose_ports(0)
    numbers = f"{ports.hub},{ports.proxy},{ports.marking},{ports.formgrader}"
    before = Path("/etc/passwd").read_bytes(), Path("/etc/group").read_bytes()
    proxy = proxy_command()
    people, course, settings, start = blocks()
    settings = settings.replace("\nEND\n", f"\nSAITEN_PORTS={numbers}\nEND\n")
    replaced = {
        "/opt/saiten-source": str(ROOT),
        "/opt/saiten-proxy/node_modules/.bin/configurable-http-proxy": f"'{' '.join(proxy)}'",
        "/opt/saiten/bin": str(Path(sys.executable).parent),
        "127.0.0.1:8000": f"127.0.0.1:{ports.public}",
    }
    passwords = "".join(f"{name}:{PASSWORD}\n" for name in PEOPLE)
    needed = [Path(sys.prefix), Path(sys.base_prefix), ROOT, cache_folder()]
    script = (
        PRIVATE
        + opened(needed)
        + people
        + f"chpasswd <<'END'\n{passwords}END\n"
        + course
        + ONE_EXERCISE
        + settings
        + start.replace("env --", "exec env --")
    )
    for here, there in replaced.items():
        script = script.replace(here, there)
    log = folder / "hub.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "bash",
                "-c",
                script,
                "tutorial",
                folder,
            ],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        deadline = time.monotonic() + 150
        while not _answers(ports.public) or "/services/marking" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.3)
        (shell,) = psutil.Process(process.pid).children()  # the hub by now, first process of its namespace
        yield Hub(f"http://127.0.0.1:{ports.public}", log, shell.pid, before)
    finally:
        process.kill()  # with it ends its namespace of processes
        process.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/services/marking/health", timeout=5):
            return True
    except (TimeoutError, urllib.error.URLError, ConnectionError):
        return False


def test_who_sees_what(hub: Hub) -> None:
    """Do a student, an assistant and an instructor log in over PAM and see what their groups let them see?"""
    for name in PEOPLE:
        status, text = hub.visit(name, PASSWORD, "/services/marking/")
        assert status == 200, (name, text, hub.log.read_text())
        assert "03-max-pooling" in text or name.startswith("student")
    assert hub.visit("student-001", PASSWORD, "/services/faces/formgrader")[0] == 403
    assert hub.visit("assistant", PASSWORD, "/services/faces/formgrader")[0] == 200


def test_a_student_gets_a_server(hub: Hub) -> None:
    """Does JupyterLab start as the student's own Unix user, in whose name nbgrader hands in?"""
    deadline = time.monotonic() + 120
    status, text = hub.visit("student-001", PASSWORD, "/hub/spawn")
    while status != 200 or "<title>JupyterLab</title>" not in text:
        assert time.monotonic() < deadline, (status, text, hub.log.read_text())
        time.sleep(1)
        status, text = hub.visit("student-001", PASSWORD, "/user/student-001/lab")
    servers = psutil.Process(hub.pid).children(recursive=True)
    owners = [each.uids().real for each in servers if any("jupyterhub-singleuser" in part for part in each.cmdline())]
    users = dict(re.findall(r"^([^:]+):x:(\d+)", hub.path("/etc/passwd").read_text(), flags=re.MULTILINE))
    assert sorted(owners) == sorted((int(users["course-faces"]), int(users["student-001"])))


def test_a_hand_in_of_a_unix_user_is_marked(hub: Hub, tmp_path: Path) -> None:
    """Does what a student hands in by nbgrader come back marked, and can no other student get at it?"""
    made = make_tiny_course(tmp_path) / "source" / ASSIGNMENT / "mean.ipynb"
    (tmp_path / "source" / ASSIGNMENT / "assignment.toml").write_text('[instant_feedback]\nshow = "full"\n')
    there = hub.path(f"/srv/faces/source/{ASSIGNMENT}")
    shutil.copytree(made.parent, there)
    owner = hub.path("/srv/faces").stat()
    for path in (there, *there.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    hub.run("course-faces", "saiten", "build", ASSIGNMENT, staff=True, folder="/srv/faces")
    hub.run("course-faces", "nbgrader", "release_assignment", ASSIGNMENT, staff=True, folder="/srv/faces")
    hub.run("student-002", "nbgrader", "fetch_assignment", ASSIGNMENT)
    answer = hub.path(f"/home/student-002/{ASSIGNMENT}/mean.ipynb")
    answer.write_bytes((submitted(tmp_path, "student-002", RIGHT) / "mean.ipynb").read_bytes())
    hub.run("student-002", "nbgrader", "submit", ASSIGNMENT)
    deadline = time.monotonic() + 150
    # SQLite follows links to where the file is not, seen from outside: it is asked inside
    while not (marks := json.loads(hub.run("course-faces", "python", "-c", ASK, staff=True, folder="/srv/faces"))):
        assert time.monotonic() < deadline, hub.log.read_text()
        time.sleep(0.5)
    assert {(student, cell): score for student, _, cell, _, score, *_ in marks} == {
        ("student-002", "essay"): None,  # a person's to mark
        ("student-002", "mean-test"): 4.0,
    }
    assert ASSIGNMENT in hub.visit("student-002", PASSWORD, "/services/marking/")[1]
    (kept,) = hub.path("/srv/faces/submitted/student-002").iterdir()
    assert kept.stat().st_uid == owner.st_uid
    for secret in ("/srv/faces", "/srv/exchange/faces/inbound", "/home/student-002", "/srv/jupyterhub/private"):
        assert "ermission" in hub.run("student-001", "python", "-c", LOOK.format(secret)), secret


def test_a_wrong_password_opens_nothing(hub: Hub) -> None:
    """Is it the machine's own password that counts?"""
    assert hub.visit("student-001", "a guess", "/services/marking/")[0] != 200


def test_this_machine_is_as_before(hub: Hub) -> None:
    """Did the page's commands reach nothing outside of their namespace?"""
    assert (Path("/etc/passwd").read_bytes(), Path("/etc/group").read_bytes()) == hub.before
    assert not Path("/srv/faces").exists()
    assert hub.path("/srv/faces").is_dir()
