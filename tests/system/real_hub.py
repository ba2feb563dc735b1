"""A real hub for tests: JupyterHub by the one configuration file, real Unix users, the course's account, HTTP sessions.

In: a folder. Out: a running hub that ends with its test, whatever happens. Needs root, for it makes and removes users.
Python and this checkout may live in root's home: hub and servers get a mount namespace in which they can be read.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from saiten.hub.trial import choose_ports, proxy_command
from saiten.hub.trial.place import CONFIG_FILE
from saiten.hub.trial.ports import HOST
from saiten.hub.trial.proxy import cache_folder

ROOT = Path(__file__).parents[2]
PASSWORDS = {"students": "of-all-students", "staff": "of-all-assistants", "instructors": "of-all-instructors"}

# Replaces every folder that others may not enter by one that holds only what is needed, then runs the command.
OPEN_HOUSE = """
import os, sys
from pathlib import Path
from saiten.grading import linux

linux.unshare(linux.CLONE_NEWNS)
linux.make_private()
needed, kept = [Path(path) for path in sys.argv[1].split(":")], Path(sys.argv[2])
tops = {}
for path in needed:
    closed = [parent for parent in reversed(path.parents) if not parent.stat().st_mode & 0o001]
    if closed:
        tops.setdefault(closed[0], []).append(path)
for number, (top, paths) in enumerate(tops.items()):
    places = []
    for index, path in enumerate(paths):
        place = kept / f"{number}-{index}"
        place.mkdir(parents=True)
        linux.mount(str(path), str(place), None, linux.MS_BIND | linux.MS_REC)
        places.append(place)
    linux.mount("open", str(top), "tmpfs", 0, "mode=0755")
    for path, place in zip(paths, places):
        path.mkdir(parents=True, exist_ok=True)
        linux.mount(str(place), str(path), None, linux.MS_BIND | linux.MS_REC)
os.chdir("/")
if sys.argv[3] != "root":
    import pwd
    account = pwd.getpwnam(sys.argv[3])
    os.initgroups(account.pw_name, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
os.execv(sys.argv[4], sys.argv[4:])
"""


def in_open_house(kept: Path, command: Sequence[str], user: str = "root") -> list[str]:
    """Return the command that runs another one where everybody can read Python and this checkout."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    needed = ":".join(map(str, dict.fromkeys((ROOT, Path(sys.prefix), Path(sys.base_prefix), cache))))
    return [sys.executable, "-c", OPEN_HOUSE, needed, str(kept), user, *command]


@contextmanager
def unix_users(homes: Path, *names: str) -> Iterator[None]:
    """Make users with closed homes, and remove them with all their processes."""
    assert os.getuid() == 0, "run this as root: it makes Unix users"
    for name in names:
        subprocess.run(["userdel", name], capture_output=True, check=False)  # of a run that was killed
        home = homes / name
        subprocess.run(
            ["useradd", "--no-log-init", "--user-group", "--shell", "/bin/sh", "--home-dir", str(home), name],
            check=True,
        )
        home.mkdir(mode=0o700)
        shutil.chown(home, name, name)
    try:
        yield
    finally:
        for name in names:
            _end_processes_of(name)
            subprocess.run(["userdel", name], check=True, capture_output=True)


def _end_processes_of(name: str) -> None:
    import pwd

    uid = pwd.getpwnam(name).pw_uid
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == uid:
                    os.kill(int(entry.name), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                continue


def as_user(name: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script as a Unix user, with nothing of root's."""
    return subprocess.run(
        ["/bin/sh", "-c", script],
        user=name,
        group=name,
        extra_groups=[],
        env={"PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def wait_for(what: Callable[[], object], seconds: float, log: Path | None = None) -> None:
    """Ask again and again until it is so; what the log says last if it never is."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-6000:] if log else "waited in vain"
        time.sleep(0.1)


@dataclass(frozen=True)
class Hub:
    """A running hub."""

    address: str
    state: Path
    log: Path

    def session(self, name: str, role: str = "students", password: str = "") -> requests.Session:
        """Log somebody in, by the role's password unless another is given."""
        session = requests.Session()
        page = session.get(f"{self.address}/hub/login", timeout=30)
        data = {"username": name, "password": password or PASSWORDS[role], "_xsrf": session.cookies["_xsrf"]}
        assert page.ok
        answer = session.post(f"{self.address}/hub/login?next=%2Fhub%2Fhome", data=data, timeout=60)
        assert answer.ok, answer.text[-2000:]
        assert "/hub/home" in answer.url, answer.text[-2000:]
        return session

    def token(self, name: str, role: str = "students", password: str = "") -> str:
        """Have somebody ask for a token with all own rights, as the hub's own page does."""
        session = self.session(name, role, password)
        xsrf = next(cookie.value for cookie in session.cookies if cookie.name == "_xsrf" and cookie.path == "/hub/")
        answer = session.post(
            f"{self.address}/hub/api/users/{name}/tokens", headers={"X-XSRFToken": str(xsrf)}, json={}, timeout=60
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def ask(self, path: str, token: str, method: str = "GET", **kwargs: object) -> requests.Response:
        """Ask the hub or a service by a token."""
        headers = {"Authorization": f"token {token}"}
        return requests.request(
            method, f"{self.address}{path}", headers=headers, timeout=60, allow_redirects=False, **kwargs
        )  # type: ignore[arg-type]


@contextmanager
def running_hub(folder: Path, course: str, course_dir: Path, **settings: str) -> Iterator[Hub]:
    """Start a hub with shared passwords by the one configuration file, and end it with all that it started."""
    ports, state, log = choose_ports(0), folder / "state", folder / "hub.log"
    passwords = folder / "passwords.json"
    passwords.touch(0o600)
    passwords.write_text(json.dumps(PASSWORDS))
    environment = {name: value for name, value in os.environ.items() if not re.match(r"SAITEN_|JUPYTER", name)}
    numbers = ",".join(map(str, (ports.hub, ports.proxy, ports.marking, ports.formgrader)))
    fixed = {"COURSE": course, "COURSE_DIR": str(course_dir), "AUTH": "shared", "PASSWORDS": str(passwords)}
    fixed |= {"HUB_STATE": str(state), "BIND": f"http://{HOST}:{ports.public}", "PORTS": numbers}
    fixed |= {"PROXY": " ".join(proxy_command()), "IDLE_MINUTES": "0", **settings}
    environment |= {f"SAITEN_{name}": value for name, value in fixed.items()}
    keeper = CONFIG_FILE.parent / "trial" / "keeper.py"
    jupyterhub = [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG_FILE)]
    command = in_open_house(folder / "kept", [sys.executable, "-P", str(keeper), *jupyterhub])
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)
    hub = Hub(f"http://{HOST}:{ports.public}", state, log)
    try:
        for path in ("/hub/health", "/services/marking/health"):
            wait_for(lambda path=path: process.poll() is not None or _answers(hub.address + path), 120, log)
            assert process.poll() is None, log.read_text(errors="replace")[-6000:]
        yield hub
    finally:
        process.terminate()
        process.wait(60)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10, allow_redirects=False).status_code == 200
    except requests.RequestException:
        return False
