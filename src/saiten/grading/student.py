"""The student's side of the conversation: runs cells, answers the judge's questions. Nothing here is trusted.

In: requests from the judge (pickles: the judge is trusted). Out: replies in the closed format of `codec`.
This code shares its process with the student's, who may change any of it: all it can gain is to be marked wrong.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import os
import pickle
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from saiten.grading.channel import Channel
from saiten.grading.codec import Encoder, NotEncodable
from saiten.grading.shell import CaptureShell, Output, safe_text

SMALL = 256 << 10
"""Bytes up to which a variable is compared before and after every call, so that a test sees what the call changed."""
_MISSING = object()


class CellTimeout(KeyboardInterrupt):
    """The time of a cell or call is up; IPython ends the cell, what it has defined stays."""


class StudentSide:
    """Serves one judge until the channel closes.

    Args:
        channel: to the judge.
        shell: the shell whose namespace holds the instructor's leading cells.
        module: the notebook's `__main__`.
        raw: what descriptors 1 and 2 lead to.
    """

    def __init__(self, channel: Channel, shell: CaptureShell, module: ModuleType, raw: RawOutput) -> None:
        self._channel = channel
        self._raw = raw
        self._shell = shell
        self._names = module.__dict__
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._next = 1
        self._sent: dict[str, tuple[Any, int, bytes]] = {}
        self._saved: dict[str, Any] = {}
        self._operations: dict[str, Callable[[dict[str, Any]], Any]] = {
            "run": self._run,
            "branch": self._branch,
            "call": self._call,
            "getattr": lambda request: getattr(self._target(request), request["name"]),
            "setattr": lambda request: setattr(self._target(request), request["name"], request["value"]),
            "getitem": lambda request: self._target(request)[request["key"]],
            "setitem": lambda request: self._target(request).__setitem__(request["key"], request["value"]),
            "len": lambda request: len(self._target(request)),
            "iter": lambda request: iter(self._target(request)),
            "next": lambda request: list(islice(self._target(request), request["count"])),
            "bool": lambda request: bool(self._target(request)),
        }

    def serve(self) -> None:
        """Answer requests until the judge closes the channel."""
        while True:
            self._answer(self._receive())

    # -- requests ---------------------------------------------------------------------------------------------------

    def _receive(self) -> dict[str, Any]:
        _, blob = self._channel.receive()
        request: dict[str, Any] = _Unpickler(io.BytesIO(blob), self).load()
        return request

    def _answer(self, request: dict[str, Any]) -> None:
        for number in request["release"]:
            self._numbers.pop(id(self._objects.pop(number, None)), None)
        self._rebind(request["names"])
        arguments: list[Any] = request["arguments"]
        before = [self._snapshot(argument) for argument in arguments]
        try:
            with _alarm(request["seconds"]):
                value = self._operations[request["op"]](request)
            reply = self._reply("value", request, value, before)
        except CellTimeout:
            reply = self._reply("timeout", request, None, before)
        except BaseException as error:
            reply = self._reply("raise", request, error, before)
        self._channel.send(*reply)

    def _reply(self, kind: str, request: dict[str, Any], value: Any, before: list[bytes | None]) -> tuple[bytes, Any]:
        arguments: list[Any] = request["arguments"]
        encoder = Encoder(self._describe, arguments)
        try:
            if kind == "raise":
                body = self._error(value, encoder)
            elif request["op"] == "run" and kind == "value":
                body = value(encoder)
            else:
                body = encoder.encode(value)
            changed = [
                [index, encoder.encode(argument, contents_of=argument)]
                for index, argument in enumerate(arguments)
                if before[index] is not None and self._snapshot(argument) != before[index]
            ]
            names = self._delta(request["watch"], encoder, every=request["op"] == "run")
            return encoder.message([kind, request["number"], body, changed, names])
        except (NotEncodable, RecursionError, MemoryError) as error:
            self._sent.clear()
            body = [["builtins.TypeError"], safe_text(error) or "the answer is too large", "", 0]
            return Encoder(self._describe).message(["raise", request["number"], body, [], []])

    # -- operations -------------------------------------------------------------------------------------------------

    def _run(self, request: dict[str, Any]) -> Callable[[Encoder], Any]:
        ran = self._shell.run(request["source"], request["name"], request["count"], request["output_limit"])
        outputs = ran.outputs + self._raw.take(request["output_limit"])
        status = "ok" if ran.error is None else "timeout" if isinstance(ran.error, CellTimeout) else "error"
        number = ran.value if type(ran.value) in (int, float) else None

        def body(encoder: Encoder) -> Any:
            content = json.dumps(outputs, ensure_ascii=False).encode("utf-8", "replace")
            return [status, list(encoder.blob(content)), number, safe_text(ran.error)[:2000] if ran.error else ""]

        return body

    def _branch(self, request: dict[str, Any]) -> bool:
        """Fork a copy that serves the judge over a channel of its own; False where a copy would not work."""
        _, (fd,) = self._channel.receive_object()
        try:
            pid = os.fork() if _can_be_copied() else -1
        except OSError:
            pid = -1
        if pid == 0:
            try:
                os.setpgid(0, 0)  # a signal to the group of whoever sends it ends no other question's copy
                self._channel.close()
                self._channel = Channel(socket.socket(fileno=fd))
                self._raw.take(0)
                self.serve()
            finally:
                os._exit(0)
        os.close(fd)
        if pid > 0:
            # here as well: the next cell may signal its group before the copy has come to leave it
            with suppress(OSError):
                os.setpgid(pid, pid)
        return pid > 0

    def _call(self, request: dict[str, Any]) -> Any:
        return self._target(request)(*request["args"], **request["kwargs"])

    def _target(self, request: dict[str, Any]) -> Any:
        return self._objects[request["target"]]

    # -- names ------------------------------------------------------------------------------------------------------

    def _rebind(self, changes: list[tuple[str, str, Any]]) -> None:
        """Obey what the test did to the student's names: deleted, bound to something else, or given back."""
        for action, name, value in changes:
            if action == "restore":
                if name in self._saved:
                    self._put(name, self._saved.pop(name))
                continue
            self._saved.setdefault(name, self._names.get(name, _MISSING))
            self._put(name, _MISSING if action == "delete" else value)

    def _put(self, name: str, value: Any) -> None:
        if value is _MISSING:
            self._names.pop(name, None)
        else:
            self._names[name] = value

    def _delta(self, watch: list[str], encoder: Encoder, *, every: bool) -> list[Any]:
        """Names of the student's that changed since they were last sent."""
        delta: list[Any] = []
        for name in watch:
            if name in self._saved:
                continue
            value = self._names.get(name, _MISSING)
            known = self._sent.get(name)
            if value is _MISSING:
                if known is not None:
                    del self._sent[name]
                    delta.append([name])
                continue
            mutable = isinstance(value, list | dict | set | bytearray) or type(value).__name__ in ("ndarray", "Tensor")
            same = known is not None and known[0] is value
            if known is not None and same and (not mutable or (known[1] > SMALL and not every)):
                continue
            size, digest = self._fingerprint(value) if mutable else (0, b"")
            if known is not None and same and digest == known[2]:
                continue
            self._sent[name] = value, size, digest
            try:
                delta.append([name, encoder.encode(value)])
            except (NotEncodable, RecursionError):
                delta.append([name, ["h", *self._describe(value)]])
        return delta

    # -- values -----------------------------------------------------------------------------------------------------

    def _describe(self, value: Any) -> list[Any]:
        """A handle: number, type, whether it can be called, name, first lines of the docstring, parameters."""
        number = self._numbers.get(id(value))
        if number is None:
            number = self._next
            self._next += 1
            self._objects[number] = value
            self._numbers[id(value)] = number
        name = getattr(value, "__name__", "")
        doc = inspect.getdoc(value) if callable(value) else ""
        return [
            number,
            type(value).__name__[:200],
            callable(value),
            name[:200] if isinstance(name, str) else "",
            doc[:4000] if isinstance(doc, str) else "",
            _parameters(value),
        ]

    def _snapshot(self, value: Any) -> bytes | None:
        encoder = Encoder(lambda item: [id(item)])
        try:
            structure, chunks = encoder.message(encoder.encode(value))
        except (NotEncodable, RecursionError, MemoryError):
            return None
        return structure + b"".join(chunks)

    def _fingerprint(self, value: Any) -> tuple[int, bytes]:
        content = self._snapshot(value) or b""
        return len(content), hashlib.blake2b(content, digest_size=16).digest()

    def _error(self, error: BaseException, encoder: Encoder) -> list[Any]:
        kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__[:-1]]
        line = 0
        where = ""
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename.startswith("<") and frame.lineno:
                line, where = frame.lineno, frame.filename
        return [kinds[:20], safe_text(error)[:4000], where[:200], line]

    def ask_judge(self, number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function that lives with the judge; the judge may ask back before it answers."""
        encoder = Encoder(self._describe)
        body = [encoder.encode(list(args)), encoder.encode(dict(kwargs))]
        self._channel.send(*encoder.message(["callback", number, body, [], []]))
        while True:
            request = self._receive()
            if request["op"] == "returned":
                return request["value"]
            if request["op"] == "raised":
                raise request["value"]
            self._answer(request)

    def resolve(self, reference: tuple[str, Any]) -> Any:
        """A persistent id in the judge's pickle: one of our own objects, or a function of the judge's."""
        kind, number = reference
        if kind == "handle":
            return self._objects[number]

        def callback(*args: Any, **kwargs: Any) -> Any:
            return self.ask_judge(number, args, kwargs)

        return callback


class RawOutput:
    """What C code and child processes write to descriptors 1 and 2, in memory, bounded by the file size limit."""

    def __init__(self) -> None:
        self._fd = os.dup(1)  # a file in memory that the sandbox has put there

    def take(self, limit: int) -> list[Output]:
        """What was written since the last call, as an output."""
        size = os.fstat(self._fd).st_size
        if size == 0:
            return []
        text = os.pread(self._fd, min(size, limit), 0).decode("utf-8", "replace")
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        return [{"output_type": "stream", "name": "stdout", "text": text}]


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, side: StudentSide) -> None:
        super().__init__(file)
        self._side = side

    def persistent_load(self, pid: Any) -> Any:
        return self._side.resolve(pid)


class _alarm:
    """Raise `CellTimeout` in the main thread after some seconds; the judge has a harder one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._outer = 0.0

    def __enter__(self) -> None:
        signal.signal(signal.SIGALRM, _ring)
        self._outer = signal.setitimer(signal.ITIMER_REAL, self._seconds)[0]

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._outer)


def _ring(signum: int, frame: FrameType | None) -> None:
    raise CellTimeout


def _can_be_copied() -> bool:
    """Whether this process would work after a fork: a GPU's driver and threads of C code (OpenMP) do not survive it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return False
    # not /proc/self/task: the second floor does not show it
    status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    threads = next(line for line in status.split("\n") if line.startswith("Threads:"))
    return int(threads.split()[1]) <= threading.active_count()


def _parameters(value: Any) -> list[Any]:
    """Names and kinds of parameters, for `inspect.signature` in a test; an empty list where there is none."""
    if not inspect.isfunction(value):
        return []
    try:
        found = inspect.signature(value).parameters.values()
    except (ValueError, TypeError):
        return []
    return [[item.name[:100], int(item.kind), item.default is not item.empty] for item in islice(found, 50)]
