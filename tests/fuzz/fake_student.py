"""A student's process that is none: a thread at the other end of the judge's socket, which says what a script tells it.

In: an engine, a script of moves. Out: the judge's own verdict on a submission whose every answer is forged.
"""

from __future__ import annotations

import io
import pickle
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import msgpack

import lessons
from saiten.bundle import Bundle, Limits
from saiten.grading import Engine
from saiten.grading import house as house_module
from saiten.grading.channel import Channel, pair
from saiten.results import Result

HEADER = struct.Struct("!IQ")
LIMITS = Limits(cell_seconds=0.5, total_seconds=20, memory_mb=256, message_mb=1, output_kb=16)
NUMBER = "number"
"""stands for the number of the question in a forged message"""

_DRAW = "import secrets\nn = secrets.randbits(60)\n"
_NUMBERS = "assert double(n) == 2 * n"
_CALLS = """
seen = []
def keep(value, *more, **named):
    seen.append(value)
    return double(n + len(seen))
data, array, table = [1.0, 2.0], np.ones(3), {"a": {1, 2}}
assert double(keep, data, array=array, table=table) == n
"""
_HANDLES = """
thing.size = n
thing["key"] = [n]
for item in thing:
    repr(item)
assert len(thing) == len(thing[n].words)
assert str(thing.name(n)) == str(n)
"""


def make_bundle() -> Bundle:
    """Functions, call-backs, objects. No answer can be guessed: the judge draws a number that nobody has seen."""
    thing = "class Thing:\n    pass\nthing = Thing()"
    return lessons.bundle(
        lessons.setup("import numpy as np\nimport torch", id="setup"),
        lessons.solution("double", "def double(x, *more, **named):\n    return 2 * x"),
        lessons.test("test-numbers", _DRAW + _NUMBERS, "assert double(3.0) == reference.double(3.0)", points=1.0),
        lessons.test("test-calls", _DRAW + _CALLS, points=2.0),
        lessons.solution("thing", thing),
        lessons.test("test-thing", _DRAW + _HANDLES, points=2.0),
        imports=("numpy", "torch"),
        limits=LIMITS,
    )


@dataclass
class Move:
    """What is done about one question of the judge's."""

    kind: str
    """honest, message, bytes, frame, cut, twice, early, mute, drip, close"""
    payload: Any = None
    blob: bytes = b""


@dataclass
class Script:
    """Moves that are used up one after the other, by however many processes the judge asks for."""

    moves: deque[Move]
    right: bool = False
    """whether honest moves give right answers"""
    met: list[str] = field(default_factory=list)
    """the judge's questions, in order"""
    threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, sock: socket.socket) -> None:
        """Start a process, which is a thread."""
        thread = threading.Thread(target=FakeStudent(sock, self).run, daemon=True)
        thread.start()
        self.threads.append(thread)


class _Reader(pickle.Unpickler):
    """Reads the judge's questions, which a test of ours wrote."""

    def persistent_load(self, pid: Any) -> Any:
        return pid


class FakeStudent:
    """Speaks to the judge until its script or the judge's patience ends."""

    def __init__(self, sock: socket.socket, script: Script) -> None:
        self._sock = sock
        self._script = script

    def run(self) -> None:
        """Follow the script; the end of the conversation, whoever ends it, is no error."""
        with self._sock, suppress(ConnectionError, EOFError, IndexError):
            while self._script.moves:
                self._take(self._script.moves.popleft())

    def _take(self, move: Move) -> None:
        if move.kind == "close":
            raise EOFError
        if move.kind == "early":  # an answer before there was a question
            return self._sock.sendall(frame(move.payload, move.blob))
        request = self._question()
        number = request["number"]
        if request["op"] == "branch":
            self._branch(answers=move.kind in ("honest", "twice", "drip"))
        right = honest(request, right=self._script.right)
        if move.kind == "mute":
            while self._sock.recv(1 << 16):
                pass
        elif move.kind == "honest":
            self._sock.sendall(right)
        elif move.kind == "twice":
            self._sock.sendall(right + right)
        elif move.kind == "cut":
            self._sock.sendall(right[: move.payload % len(right)])
            raise EOFError
        elif move.kind == "drip":  # the whole answer, a byte at a time, and then half a second one
            for byte in right + right[: len(right) // 2]:
                self._sock.sendall(bytes([byte]))
            raise EOFError
        elif move.kind == "message":
            self._sock.sendall(frame(with_number(move.payload, number), move.blob))
        else:
            self._sock.sendall(move.payload)
            if move.kind == "frame":
                raise EOFError
        return None

    def _branch(self, *, answers: bool) -> None:
        """Take the socket for a copy of this process; the copy follows the same script, if there is to be one."""
        _, ancillary, _, _ = self._sock.recvmsg(1, socket.CMSG_SPACE(4))
        size, _ = HEADER.unpack(self._exactly(HEADER.size))
        self._exactly(size)
        for _, _, content in ancillary:
            copy = socket.socket(fileno=struct.unpack("i", content[:4])[0])
            if answers:
                self._script.begin(copy)
            else:
                copy.close()

    def _question(self) -> dict[str, Any]:
        _, size = HEADER.unpack(self._exactly(HEADER.size))
        request: dict[str, Any] = _Reader(io.BytesIO(self._exactly(size))).load()
        self._script.met.append(request["op"])
        return request

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            part = self._sock.recv(size - len(content))
            if not part:
                raise EOFError
            content += part
        return content


def frame(message: Any, blob: bytes = b"") -> bytes:
    """A message as it goes over the socket."""
    packed = msgpack.packb(message, unicode_errors="surrogatepass")
    return HEADER.pack(len(packed), len(blob)) + packed + blob


def with_number(message: Any, number: int) -> Any:
    """Put the number of the question where it belongs."""
    if isinstance(message, list):
        return [with_number(part, number) for part in message[:5]] + message[5:]
    return number if message == NUMBER else message


def honest(request: dict[str, Any], *, right: bool) -> bytes:
    """What a process that keeps to the rules would answer; that its answer is right is another matter."""
    number, op = request["number"], request["op"]
    handle = ["h", 1 if op == "getattr" else 2, "thing", True, "thing", "", [["x", 1, False]]]
    if op == "run":
        names = [
            [name, ["h", 10 + index, "function", True, name, "", []]] for index, name in enumerate(request["watch"])
        ]
        return frame(["value", number, ["ok", [0, 2], None, ""], [], names], b"[]")
    answers: dict[str, Any] = {
        "branch": True,
        "len": 3,
        "iter": handle,
        "next": ["l", []],
        "getitem": handle,
        "getattr": handle,
    }
    if op == "call":
        first = request["args"][0] if request["args"] else 0
        answers[op] = 2 * first if right and type(first) in (int, float) else -1
    return frame(["value", number, answers.get(op), [], []])


@contextmanager
def fakes(script: Script) -> Iterator[None]:
    """Have every student process that the engine starts meanwhile be a thread with this script."""

    def new_student(_self: Any, _students: Channel, report: Channel, _task: Any) -> int:
        for_judge, for_student = pair()
        script.begin(for_student)
        with for_judge:
            report.send_object("channel", [for_judge.fileno()])
        return 0

    with (
        patch.object(house_module.House, "_new_student", new_student),
        patch.object(house_module.House, "_kill", lambda *_: None),
    ):
        yield


def verdict(engine: Engine, bundle: Bundle, moves: Sequence[Move], *, right: bool = False) -> tuple[Result, Script]:
    """Let the engine mark a submission whose process follows a script."""
    script = Script(deque(moves), right)
    with fakes(script):
        result = engine.mark(lessons.answer(bundle, double="def double(x): ...", thing="thing = 1"))
    for thread in script.threads:
        thread.join(timeout=30)
        assert not thread.is_alive(), "the judge has gone, and its socket is still open"
    return result, script
