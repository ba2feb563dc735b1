"""Does `saiten hub` bring up a whole class for an ordinary user, and is nothing left when it is stopped?

One hub for all: an instructor builds and releases, a student fetches, solves, hands in and reads the feedback, each by
the same addresses that their browsers use. Run as root, which becomes nobody.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests
from real_hub import Hub, in_open_house, wait_for

from saiten.hub.trial import proxy_command
from saiten.hub.trial.proxy import NAME, VERSION, cache_folder
from tiny_course import ASSIGNMENT, RIGHT, make_tiny_course

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

NOBODY = "nobody"
CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "faces"\nc.Saiten.languages = ["en"]\nc.Saiten.workers = 1\n'
SETTINGS = 'due = 2025-01-01T00:00:00+00:00\n\n[instant_feedback]\nshow = "questions"\n'
MARKING = "/services/marking"


@dataclass(frozen=True)
class Trial:
    """What a person at the terminal has."""

    process: subprocess.Popen[bytes]
    hub: Hub
    passwords: dict[str, str]
    folder: Path

    def token(self, name: str) -> str:
        """Log in with the password of the table."""
        role = "students" if name.startswith("student") else "staff" if name == "assistant" else "instructors"
        return self.hub.token(name, role, self.passwords[name])


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    """`saiten hub`, as nobody, on a course that was never built."""
    assert os.getuid() == 0, "run this as root: it becomes nobody"
    with tempfile.TemporaryDirectory(prefix="saiten-trial-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        course = make_tiny_course(folder / "course")
        (course / "nbgrader_config.py").write_text(CONFIG)
        (course / "source" / ASSIGNMENT / "assignment.toml").write_text(SETTINGS)
        _home_of_nobody(folder / "home")
        saiten = [sys.executable, "-c", "from saiten.cli import main; main()", "hub", "--course", str(course)]
        command = in_open_house(folder / "kept", [*saiten, "--port", "0"], NOBODY)
        shown, log = folder / "shown.txt", folder / "log.txt"
        environment = {**os.environ, "HOME": str(folder / "home"), "TMPDIR": str(folder / "home"), "COLUMNS": "120"}
        environment.pop("XDG_CACHE_HOME", None)
        with shown.open("wb") as out, log.open("wb") as errors:
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=errors, start_new_session=True)
        try:
            wait_for(lambda: process.poll() is not None or "no wall" in shown.read_text(), 200, log)
            assert process.poll() is None, log.read_text()
            yield _read(process, shown.read_text(), log)
        finally:
            process.terminate()
            process.wait(60)


def _home_of_nobody(home: Path) -> None:
    """A home with the proxy that was fetched before, so that this test needs no registry of its own."""
    proxy_command()
    home.mkdir()
    name = f"{NAME}-{VERSION}"
    if (cache_folder() / name).is_dir():  # else the program is on PATH
        shutil.copytree(cache_folder() / name, home / ".cache" / "saiten" / name, symlinks=True)
    for path in (home, *home.rglob("*")):
        shutil.chown(path, NOBODY, "nogroup")


def _read(process: subprocess.Popen[bytes], shown: str, log: Path) -> Trial:
    address = re.search(r"JupyterLab, for everybody +(http://[\d.:]+)/\n", shown)
    folder = re.search(r"Everything lies in (\S+)\. Ctrl-C", shown)
    assert address, shown
    assert folder, shown
    passwords = dict(re.findall(r"│ (\S+) +│ (?:student|assistant|instructor) +│ (\S+) +│", shown))
    return Trial(process, Hub(address[1], Path(folder[1]) / "hub", log), passwords, Path(folder[1]))


def test_the_table_has_everybody_and_the_folder_is_closed(trial: Trial) -> None:
    """Two students, an assistant, an instructor; does nobody else on the machine get at passwords and work?"""
    assert list(trial.passwords) == ["student-001", "student-002", "assistant", "instructor"]
    assert trial.folder.stat().st_mode & 0o777 == 0o700
    assert trial.folder.owner() == NOBODY


@pytest.mark.parametrize(
    ("name", "mine", "staff", "formgrader"),
    [("student-001", 200, 403, 403), ("assistant", 200, 200, 200), ("instructor", 200, 200, 200)],
)
def test_each_role_opens_its_pages(trial: Trial, name: str, mine: int, staff: int, formgrader: int) -> None:
    """With a browser's cookies, are pages of staff closed to students, formgrader's among them?"""
    role = "students" if name.startswith("student") else "staff" if name == "assistant" else "instructors"
    session = trial.hub.session(name, role, trial.passwords[name])
    pages = {f"{MARKING}/mine": mine, f"{MARKING}/staff": staff, "/services/faces/formgrader": formgrader}
    assert {page: session.get(trial.hub.address + page, timeout=60).status_code for page in pages} == pages


def test_an_assistant_neither_builds_nor_releases(trial: Trial) -> None:
    """Is that the instructor's alone?"""
    token = trial.token("assistant")
    for kind in ("build", "release"):
        job = {"kind": kind, "assignment": ASSIGNMENT}
        assert trial.hub.ask(f"{MARKING}/staff/jobs", token, "POST", data=job).status_code == 403


def test_from_release_to_feedback(trial: Trial) -> None:
    """Does the whole way work: build, release, fetch, solve, hand in, marks on the page, Fetch Feedback?"""
    hub, teacher, student = trial.hub, trial.token("instructor"), trial.token("student-001")
    outbound = trial.folder / "exchange" / "faces" / "outbound" / ASSIGNMENT
    for kind, there in (("build", trial.folder / "course" / "autograder" / ASSIGNMENT), ("release", outbound)):
        job = {"kind": kind, "assignment": ASSIGNMENT}
        assert hub.ask(f"{MARKING}/staff/jobs", teacher, "POST", data=job).status_code < 400
        wait_for(lambda there=there: (there / "mean.ipynb").exists() or (there / "bundle.json").exists(), 90, hub.log)
    assert hub.ask("/hub/api/users/student-001/server", student, "POST", json={}).status_code in (201, 202)
    own = "/user/student-001"
    wait_for(lambda: hub.ask(f"{own}/api/status", student).status_code == 200, 90, hub.log)
    released = hub.ask(f"{own}/assignments?course_id=faces", student).json()["value"]
    assert [(each["assignment_id"], each["status"]) for each in released] == [(ASSIGNMENT, "released")]
    what = {"course_id": "faces", "assignment_id": ASSIGNMENT}
    assert hub.ask(f"{own}/assignments/fetch", student, "POST", data=what).json()["success"]
    _solve(hub, f"{own}/api/contents/{ASSIGNMENT}/mean.ipynb", student)
    assert hub.ask(f"{own}/assignments/submit", student, "POST", data=what).json()["success"]
    submitted = trial.folder / "course" / "submitted"
    wait_for(lambda: (submitted / "student-001" / ASSIGNMENT).is_dir(), 60, hub.log)
    assert [path.name for path in submitted.iterdir()] == ["student-001"]  # the hub's name, not Unix's
    wait_for(lambda: list((trial.folder / "exchange" / "faces" / "feedback").glob("*.html")), 90, hub.log)
    assert hub.ask(f"{own}/assignments/fetch_feedback", student, "POST", data=what).json()["success"]
    home = trial.folder / "hub" / "homes" / "student-001"
    assert list((home / ASSIGNMENT / "feedback").rglob("mean.html"))
    assert ASSIGNMENT in hub.ask(f"{MARKING}/students/student-001", teacher).text
    assert hub.ask(f"{MARKING}/students/student-001", trial.token("student-002")).status_code == 403


def _solve(hub: Hub, path: str, token: str) -> None:
    notebook = hub.ask(path, token).json()["content"]
    (cell,) = [cell for cell in notebook["cells"] if cell["source"].startswith("def mean")]
    cell["source"] = RIGHT
    answer = hub.ask(path, token, "PUT", json={"type": "notebook", "format": "json", "content": notebook})
    assert answer.status_code == 200, answer.text


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_ctrl_c_leaves_nothing(trial: Trial) -> None:
    """The last test, for it stops the hub: do all processes end, a student's server too, and is the folder gone?"""
    started = [each for each in psutil.Process(trial.process.pid).children(recursive=True) if _runs(each)]
    names = " ".join(" ".join(process.cmdline()) for process in started)
    for part in ("keeper.py", "jupyterhub -f", NAME, "serve --course", "terminals_enabled=False", "idle_culler"):
        assert part in names
    assert trial.folder.is_dir()
    os.kill(trial.process.pid, signal.SIGINT)
    assert trial.process.wait(60) == 0
    assert [process for process in started if _runs(process)] == []
    assert not trial.folder.exists()
    with pytest.raises(requests.ConnectionError):
        requests.get(trial.hub.address, timeout=10)
