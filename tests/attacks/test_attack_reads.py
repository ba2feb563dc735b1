"""Can a submission read hidden tests, the reference, hidden files, another's work or the machine, or send it away?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import attack_target as target
import hostile_reads
import pytest
from attack_room import Room
from attack_world import Listeners, listening

from saiten.grading import Engine


@pytest.mark.parametrize("attack", hostile_reads.ALL, ids=lambda attack: attack.name)
def test_nothing_secret_is_read(attack: target.Attack, room: Room) -> None:
    """Is nothing secret in what the attacker could show, and does honest work keep its points?"""
    attack = replace(attack, after=attack.after.replace("{course}", str(room.course)))
    if attack.real:
        assert target.leaked(room.without_walls(attack)["shown"])
    result = room.mark(attack)
    assert target.is_graded(result), result.message
    assert target.scores(result) == target.POINTS
    shown = target.outputs(result)
    assert target.leaked(shown) == []
    assert str(room.course) not in re.sub(r"Error.*", "", shown)


def _shown(room: Room, attack: target.Attack) -> str:
    return target.outputs(room.mark(attack))


def test_other_memory_is_out_of_reach(room: Room) -> None:
    """Is there no other process whose memory can be read?"""
    assert "other processes read: []" in _shown(room, target.Attack("m", "", after=hostile_reads.OTHER_MEMORY))


def test_no_namespace_no_mount_no_device(room: Room) -> None:
    """Does every way out end in an error?"""
    shown = _shown(room, target.Attack("e", "", after=hostile_reads.ESCAPES.replace("{course}", str(room.course))))
    assert re.findall(r"(?:unshare \w+|u?mount|remount) (-?\d+)", shown) == ["-1"] * 7
    assert "device made" not in shown
    assert shown.count("FileNotFoundError") == 4


def test_what_is_open_leads_nowhere(room: Room) -> None:
    """Does a student's process hold standard input and output and the socket to its judge, and nothing else?"""
    code = """
import os
for number in sorted(map(int, os.listdir("/proc/self/fd"))):
    try:
        print(number, "is", os.readlink(f"/proc/self/fd/{number}").split(":")[0], "open")
    except OSError:
        pass  # the listing itself
"""
    shown = _shown(room, target.Attack("fd", "", after=code))
    kinds = re.findall(r"\d+ is (\S+) open", shown)
    assert sorted(kinds) == ["/dev/null", "/dev/null", "/memfd", "/memfd", "/memfd", "socket"], shown


def test_the_judge_sends_inputs_and_nothing_else(room: Room) -> None:
    """Does the record of all requests hold the tests' inputs, but no test, no expected value, no reference?"""
    attack = target.Attack(
        "spy", "", {"double": hostile_reads.SPY}, after="print(b'banana' in b''.join(seen), len(seen))"
    )
    shown = _shown(room, attack)
    assert "True" in shown, "the input of a test is sent"
    everything = target.Attack(
        "spy", "", {"double": hostile_reads.SPY}, after="print(b''.join(seen).decode('latin-1'))"
    )
    sent = json.loads(_shown(room, everything))
    assert not any(word in json.dumps(sent) for word in ("assert", "isclose", "HIDDEN", "reference"))


def _halves(marker: str) -> tuple[bytes, bytes]:
    middle = len(marker) // 2
    return marker[:middle].encode(), marker[middle:].encode()


def test_no_secret_is_anywhere_in_the_students_memory(room: Room) -> None:
    """Is the released text found in the memory of a student's process, and no hidden test, reference or hidden file?

    The search runs when all tests have been run, so that whatever the judge sent would be found, too.
    """
    markers = (target.PUBLIC, *target.SECRETS)
    pairs = [_halves(marker) for marker in markers]
    code = hostile_reads.SCAN.replace("{pairs!r}", repr(pairs))
    result = room.mark(target.Attack("scan", "", after=code))
    found = re.search(r"scanned \[([\d, ]+)\]", target.outputs(result))
    assert found is not None, target.outputs(result)
    counts = dict(zip(markers, map(int, found[1].split(", ")), strict=True))
    assert counts[target.PUBLIC] > 0, "the search can find something"
    assert {marker: counts[marker] for marker in target.SECRETS} == dict.fromkeys(target.SECRETS, 0)
    assert target.scores(result) == target.POINTS


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[Listeners]:
    """A TCP, a UDP, an abstract and a file socket, all of this process's."""
    with listening(tmp_path) as sockets:
        yield sockets


def test_nothing_is_sent_away(room: Room, listeners: Listeners) -> None:
    """Do TCP, UDP, DNS, abstract and file sockets lead nowhere?"""
    code = f"""
import socket
def attempt(family, kind, address):
    try:
        with socket.socket(family, kind) as out:
            out.settimeout(1)
            out.connect(address)
            out.send(b"secret")
            return "sent"
    except OSError as error:
        return type(error).__name__
print(attempt(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", {listeners.tcp_port})),
      attempt(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", {listeners.udp_port})),
      attempt(socket.AF_UNIX, socket.SOCK_STREAM, {listeners.abstract!r}),
      attempt(socket.AF_UNIX, socket.SOCK_STREAM, {listeners.path!r}))
"""
    attack = target.Attack("sends", "the network", after=code)
    room.without_walls(attack)
    assert listeners.heard() == ["tcp", "udp", "abstract", "file"], "the attack is real"
    shown = _shown(room, attack)
    assert listeners.heard() == []
    assert "sent" not in shown
    names = "import socket\ntry:\n    socket.getaddrinfo('example.org', 80)\nexcept OSError:\n    print('no', 'names')"
    assert "no names" in _shown(room, target.Attack("dns", "names", after=names))


def test_home_and_scratch_are_empty_at_the_start(room: Room) -> None:
    """Does every student begin with the assignment's files alone?"""
    code = (
        "import os\nprint('names', sorted(name for _, _, names in os.walk(os.path.expanduser('~')) for name in names))"
    )
    spoil = (
        "import os\nos.makedirs(os.path.expanduser('~/.ipython/profile_default/startup'))\n"
        "open(os.path.expanduser('~/.ipython/profile_default/startup/0.py'), 'w').write('1/0')\n"
        "open('numpy.py', 'w').write('1/0')\nopen('sitecustomize.py', 'w').write('1/0')"
    )
    assert "numpy.py" in _shown(room, target.Attack("spoils", "the next student", after=spoil + "\n" + code))
    assert "names []" in _shown(room, target.Attack("looks", "the one before", before=code))


def test_the_graders_own_path_is_not_the_students(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a course out of sight, though the grader was started in it and looks for modules there?"""
    monkeypatch.syspath_prepend(str(room.course))
    monkeypatch.setenv("PYTHONPATH", str(room.course))
    monkeypatch.chdir(room.course)
    code = f"import os, sys\nprint('seen', os.path.exists({str(room.course)!r}), {str(room.course)!r} in sys.path)"
    with Engine(room.bundle) as engine:
        result = engine.mark(target.hand_in(room.bundle, target.Attack("looks", "the course", after=code)))
    assert "seen False False" in target.outputs(result)
