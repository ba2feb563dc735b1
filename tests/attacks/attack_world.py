"""What attacks are aimed at, on this machine: a course on disk and sockets; and whether any of it was touched.

In: a folder. Out: a `World` with the words that stand for its places in attacks' texts (`{course}`, `{tcp}`, ...).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import attack_target as target


@dataclass
class Listeners:
    """Sockets of this machine that a student must not reach."""

    sockets: dict[str, socket.socket]
    tcp_port: int
    udp_port: int
    abstract: str
    path: str

    def heard(self) -> list[str]:
        """Which of them something arrived at."""
        heard = []
        for name, listener in self.sockets.items():
            with contextlib.suppress(BlockingIOError):
                while True:  # whatever waits: nothing of it may be taken for the next one's
                    if name == "udp":
                        listener.recv(100)
                    else:
                        listener.accept()[0].close()
                    heard += [] if name in heard else [name]
        return heard


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[Listeners]:
    """A TCP, a UDP, an abstract and a file socket, all of this process's."""
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        abstract, path = f"\0kappa-{uuid.uuid4()}", str(folder / "s")
        sockets = {"tcp": tcp, "udp": udp}
        for name, address in (("abstract", abstract), ("file", path)):
            sockets[name] = stack.enter_context(socket.socket(socket.AF_UNIX))
            sockets[name].bind(address)
            sockets[name].listen()
        for each in sockets.values():
            each.setblocking(False)
        yield Listeners(sockets, tcp.getsockname()[1], udp.getsockname()[1], abstract, path)


@dataclass(frozen=True)
class World:
    """A course on disk, and what stands for its places in attacks' texts."""

    course: Path
    words: Mapping[str, str]
    listeners: Listeners

    def fill_in(self, text: str) -> str:
        """Put the places of this world into an attack's text."""
        for name, value in self.words.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def fingerprint(self) -> dict[str, str]:
        """Every file of the course but what the one student hands in: relative path to a hash of its content."""
        found = {}
        for base, _, names in os.walk(self.course):
            for name in names:
                path = Path(base) / name
                relative = path.relative_to(self.course).as_posix()
                if not relative.partition("/")[2].startswith(("student-666", "student-667")) and path.is_file():
                    found[relative] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found


def words_of(course: str, listeners: Listeners) -> dict[str, str]:
    """What stands for the places of a world, whose course has this path where attacks run."""
    token = uuid.uuid4().hex
    return {
        "course": course,
        "victim": f"{course}/gradebook.db",
        "tcp": str(listeners.tcp_port),
        "udp": str(listeners.udp_port),
        "abstract": listeners.abstract.removeprefix("\0"),
        "socket_file": listeners.path,
        "key": str(int(token[:7], 16)),
        "note": f"note-{token[:12]}",
        "daemon": f"kappa-{token[:6]}",
    }


def make_course(root: Path) -> None:
    """A course as nbgrader lays it out, with secrets where nbgrader keeps them."""
    for path, text in (
        ("source/lesson/lesson.ipynb", target.REFERENCE),
        ("release/lesson/lesson.ipynb", target.PUBLIC),
        ("submitted/student-007/lesson/lesson.ipynb", target.OTHERS_WORK),
        ("submitted/student-666/lesson/lesson.ipynb", "{}"),
        ("autograded/student-007/lesson/lesson.ipynb", target.OTHERS_WORK),
        ("autograder/lesson/bundle.json", target.HIDDEN_FILE),
        ("results.jsonl", target.OTHERS_WORK),
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    with sqlite3.connect(root / "gradebook.db") as database:
        database.execute("create table source_cell (source text)")
        database.execute("insert into source_cell values (?)", (target.HIDDEN_TEST,))
        database.execute("create table grade (extra_credit real)")
        database.execute("insert into grade values (0)")
    database.close()


@contextlib.contextmanager
def world(root: Path) -> Iterator[World]:
    """A course in a new folder below this one, and listeners beside it."""
    course = root / "course"
    course.mkdir()
    make_course(course)
    with listening(root) as listeners:
        yield World(course, words_of(str(course), listeners), listeners)
