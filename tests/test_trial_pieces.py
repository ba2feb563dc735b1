"""The pieces of `saiten hub`: its folder, its ports, its proxy, and the keeper that leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from saiten.cli import main
from saiten.course import Course
from saiten.errors import CourseError, UserError
from saiten.hub.exchange import check_exchange
from saiten.hub.trial import choose_ports, keeper, prepare, proxy, proxy_command
from saiten.hub.trial.ports import HOST, Ports
from tiny_course import ASSIGNMENT, make_tiny_course

NOW = datetime(2026, 4, 10, 3, 0, tzinfo=UTC)
SETTINGS = """# dates
release = 2025-01-01T00:00:00+09:00
due = {due}

[title]
en = "due = the first word of this line"
"""
PORTS = Ports(8000, 8081, 8001, 10101, 10102)


@pytest.fixture
def original(tmp_path: Path) -> Course:
    """A course whose own exchange and gradebook a trial must never touch."""
    root = make_tiny_course(tmp_path / "original")
    (root / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'faces'\nc.Exchange.root = '/srv/the-real-exchange'\n"
        "c.CourseDirectory.db_url = 'postgresql://the-real-gradebook'\n"
    )
    (root / "source" / ASSIGNMENT / "assignment.toml").write_text(SETTINGS.format(due="2025-02-01T00:00:00+09:00"))
    return Course.find(root)


def _folder(tmp_path: Path) -> Path:
    made = tmp_path / "trial"
    made.mkdir(mode=0o700)
    return made


def test_the_copy_has_its_own_exchange_gradebook_and_people(original: Course, tmp_path: Path) -> None:
    """Does a trial reach nothing of the real course, and is its exchange as a real one has to be?"""
    before = {path: path.read_bytes() for path in original.root.rglob("*") if path.is_file()}
    place = prepare(original, _folder(tmp_path), 3, NOW)
    assert {path: path.read_bytes() for path in original.root.rglob("*") if path.is_file()} == before
    assert place.exchange == tmp_path / "trial" / "exchange"
    assert place.course.coursedir.db_url == f"sqlite:///{place.course.root}/gradebook.db"
    assert check_exchange(place.course) == []
    assert [(each.name, each.role) for each in place.people] == [
        *((f"student-{number:03d}", "student") for number in (1, 2, 3)),
        ("assistant", "assistant"),
        ("instructor", "instructor"),
    ]
    assert len({each.password for each in place.people}) == 3
    passwords = place.folder / "passwords.json"
    assert passwords.stat().st_mode & 0o777 == 0o600
    assert set(json.loads(passwords.read_text()).values()) == {each.password for each in place.people}
    assert place.ready() == []  # nothing was built in the original


@pytest.mark.parametrize(
    ("due", "ahead"), [("2025-02-01T00:00:00+09:00", "2026-04-24"), ("2027-01-01T00:00:00+09:00", "2027-01-01")]
)
def test_a_due_date_that_is_past_is_put_ahead(original: Course, tmp_path: Path, due: str, ahead: str) -> None:
    """Is a class of a trial in time, and is only the date changed?"""
    path = original.root / "source" / ASSIGNMENT / "assignment.toml"
    path.write_text(SETTINGS.format(due=due))
    settings = prepare(original, _folder(tmp_path), 1, NOW).course.assignment(ASSIGNMENT).settings
    assert settings.due is not None
    assert settings.due.date().isoformat() == ahead
    assert settings.title == {"en": "due = the first word of this line"}


def test_json_configuration_that_names_another_exchange_is_refused(original: Course, tmp_path: Path) -> None:
    """nbgrader lets .json win over .py: does a trial then stop before it hands in to a real exchange?"""
    (original.root / "nbgrader_config.json").write_text('{"Exchange": {"root": "/srv/the-real-exchange"}}')
    with pytest.raises(CourseError, match=r"sets Exchange\.root"):
        prepare(Course.find(original.root), _folder(tmp_path), 1, NOW)


def test_a_course_without_assignments_says_so(tmp_path: Path) -> None:
    """Is there a next step instead of an empty hub?"""
    (tmp_path / "source").mkdir()
    with pytest.raises(CourseError, match="no assignment"):
        prepare(Course.find(tmp_path), _folder(tmp_path), 1, NOW)


def test_the_hub_inherits_nothing_of_another_hub(original: Course, tmp_path: Path) -> None:
    """Started from a terminal in JupyterLab, does a trial leave that hub's token and addresses behind?"""
    place = prepare(original, _folder(tmp_path), 2, NOW)
    outside = {"PATH": "/bin", "JUPYTERHUB_API_TOKEN": "x", "JUPYTER_CONFIG_PATH": "x", "SAITEN_GPU": "1", "LANG": "C"}
    made = place.environment(PORTS, ["node", "/a b/proxy"], outside)
    assert made["LANG"] == "C"
    assert not {"JUPYTERHUB_API_TOKEN", "JUPYTER_CONFIG_PATH", "SAITEN_GPU"} & set(made)
    assert made["SAITEN_PROXY"] == "node '/a b/proxy'"
    assert (made["SAITEN_SPAWNER"], made["SAITEN_STUDENTS"]) == ("trial", "student-001,student-002")
    assert not [each for each in place.people if each.password in " ".join(made.values())]


def test_a_port_that_is_taken_is_said_before_anything_is_copied(original: Course) -> None:
    """Is it one sentence with the way out, and exit code 2?"""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(main, ["hub", "--course", str(original.root), "--port", str(port)])
    assert done.exit_code == 2
    assert f"Port {port} of 127.0.0.1 cannot be used" in done.output
    assert "--port" in done.output


def test_ports_differ() -> None:
    """Does no part get another's?"""
    ports = choose_ports(0)
    assert len({ports.public, ports.hub, ports.proxy, ports.marking, ports.formgrader}) == 5


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _only_here(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Nothing but these programs, wherever the machine has its own."""
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setattr(proxy.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(proxy.shutil, "which", lambda name: None)


def test_without_node_the_next_step_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does who has installed Saiten without its extra learn its name?"""
    _only_here(monkeypatch, tmp_path / "bin")
    with pytest.raises(UserError, match=r"pip install 'saiten\[hub\]'"):
        proxy_command(tmp_path / "cache")


def test_npm_that_fails_leaves_nothing_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are npm's own words shown, and does the next trial try again?"""
    _only_here(monkeypatch, tmp_path / "bin")
    _program(tmp_path / "bin" / "node", "exit 0")
    _program(tmp_path / "bin" / "npm", 'echo "no such host" >&2; exit 1')
    with pytest.raises(UserError, match="no such host") as raised:
        proxy_command(tmp_path / "cache")
    assert "npm install -g configurable-http-proxy@5.3.0" in raised.value.next_step
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_proxy_is_installed_once_at_its_pinned_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is npm asked for one version without scripts, and the second time not at all?"""
    _only_here(monkeypatch, tmp_path / "bin")
    _program(tmp_path / "bin" / "node", "exit 0")
    place = "node_modules/configurable-http-proxy/bin"
    _program(
        tmp_path / "bin" / "npm",
        f'echo "$@" >> {tmp_path}/asked; mkdir -p "$3/{place}"; touch "$3/{place}/configurable-http-proxy"',
    )
    command = proxy_command(tmp_path / "cache")
    assert command == proxy_command(tmp_path / "cache")
    (asked,) = (tmp_path / "asked").read_text().splitlines()
    assert asked.endswith("configurable-http-proxy@5.3.0")
    assert "--ignore-scripts" in asked
    assert Path(command[1]).is_file()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def _wait(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# a "hub" that starts a "server" in a session of its own, says its number, and then ends or stays
HUB = """
import subprocess, sys, time
server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(server.pid))
import os; os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(float(sys.argv[2]))
"""
PARENT = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); sys.stdin.read()"


@pytest.mark.parametrize("end", ["the hub ends", "the keeper is told", "who asked for it is killed"])
def test_the_keeper_leaves_nothing_behind(tmp_path: Path, end: str) -> None:
    """Are servers with sessions of their own gone, however the hub came to its end?"""
    noted = tmp_path / "server"
    kept = [sys.executable, "-P", keeper.__file__, sys.executable, "-c", HUB, str(noted)]
    command = [*kept, "0" if end == "the hub ends" else "600"]
    process = subprocess.Popen([sys.executable, "-c", PARENT, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        _wait(noted.exists)
        server = int(noted.read_text())
        if end == "the keeper is told":
            os.kill(pid, signal.SIGTERM)
        elif end == "who asked for it is killed":
            process.kill()
        _wait(lambda: not _alive(server) and not _alive(pid))
    finally:
        process.kill()
        process.communicate()
