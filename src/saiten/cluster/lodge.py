"""What runs inside a Dask worker: marking processes beside it, so that a dead engine never takes the worker along.

In: equipment (once, a file by its hash) and orders. Out: one answer for each order, whatever becomes of the process.
Nothing is written outside the worker's own temporary folder, and at most as many processes are kept as it has threads.
"""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import pickle
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distributed import get_worker
from distributed.diagnostics.plugin import WorkerPlugin

from saiten.batch import worker
from saiten.batch.pool import Seat
from saiten.cluster.orders import Answer, Equipment, Kind, Order
from saiten.errors import ClusterError, UserError
from saiten.grading import litter

_IDLE_SECONDS = 900.0
"""after which a process that has nothing to do is ended: it holds what its assignment imports"""
_KEPT = 4
"""assignments whose equipment is kept as files"""
_GRACE_SECONDS = 5.0
"""for the last of killed processes to end, when a worker is closed"""
_LOOK_SECONDS = 0.5
"""between two looks whether a call is still wanted"""

_lodges: dict[str, Lodge] = {}
"""id of a Dask worker in this process, to its lodge"""
_lock = threading.Lock()


@dataclass(eq=False)
class _Room:
    """One marking process."""

    equipment: str
    seat: Seat
    run: str = ""
    """whose call it runs; empty: nobody's"""
    idle_since: float = field(default_factory=time.monotonic)


class Lodge:
    """The marking processes of one Dask worker; from any thread.

    Args:
        folder: for files of equipment and the processes' scratch; removed by `close`.
        slots: how many processes, at most.
    """

    def __init__(self, folder: Path, slots: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="saiten-", dir=folder))
        (self._folder / "scratch").mkdir()
        self._slots = slots
        self._rooms: list[_Room] = []
        self._abandoned: set[str] = set()
        self._is_closing = False
        self._lock = threading.RLock()
        # Linux ends a process with the thread that started it: Dask's own threads may come and go
        self._starter = ThreadPoolExecutor(1, "saiten-starter")

    def equip(self, equipment: str, content: bytes) -> None:
        """Keep equipment as a file; the oldest of too many goes.

        Raises:
            ValueError: the content is not what was sent.
        """
        if hash_of(content) != equipment:
            raise ValueError("the assignment's equipment was damaged on its way")
        with self._lock:
            path = self._file(equipment)
            path.with_suffix(".part").write_bytes(content)
            path.with_suffix(".part").rename(path)
            files = sorted(self._folder.glob("*.equipment"), key=lambda each: each.stat().st_mtime_ns)
            for old in files[:-_KEPT]:
                old.unlink()

    def has(self, equipment: str) -> bool:
        """Whether the file is there."""
        return self._file(equipment).exists()

    def carry_out(self, order: bytes) -> bytes:
        """Run an order in a process that is warm for its assignment, or in a new one; a pickled `Answer`."""
        what: Order = pickle.loads(order)
        function, arguments = pickle.loads(what.call)
        return _packed(self._run(what.equipment, what.run, what.limit, function, arguments))

    def warm(self, equipment: str, limit: float) -> Answer:
        """Start a process ahead of the first submission, unless all places are taken."""
        with self._lock:
            warm = any(room.equipment == equipment for room in self._rooms)
            if warm or sum(bool(room.run) for room in self._rooms) >= self._slots:
                return Answer(Kind.DONE)
        return self._run(equipment, "warm", limit, worker.warm, ())

    def abandon(self, run: str) -> None:
        """Kill what marks for a run, now and later."""
        with self._lock:
            self._abandoned.add(run)
            for room in self._rooms:
                if room.run == run:
                    room.seat.kill()

    def close(self) -> None:
        """Kill all processes and remove all files."""
        with self._lock:
            self._is_closing = True
            rooms = list(self._rooms)
            self._rooms.clear()
        for room in rooms:
            room.seat.kill()
            room.seat.leave()
        for room in rooms:
            room.seat.end()
        self._starter.shutdown(wait=False)
        deadline = time.monotonic() + _GRACE_SECONDS
        while self._folder.exists() and time.monotonic() < deadline:
            with suppress(OSError):  # engines of killed processes need a moment to end; Dask's own sweep takes the rest
                litter.remove(self._folder)
            time.sleep(0.02)

    def _run(self, equipment: str, run: str, limit: float, function: Callable[..., Any], arguments: Any) -> Answer:
        if self._is_closing or run in self._abandoned:
            return Answer(Kind.LEAVING)
        if not self.has(equipment):
            return Answer(Kind.UNEQUIPPED)
        room = self._take(equipment, run)
        try:
            call = self._start(room, function, arguments)
        except BrokenExecutor:  # its process died while it had nothing to do
            self._give_up(room)
            room = self._new(equipment, run)
            call = self._start(room, function, arguments)
        answer = self._answer(room, call, limit)
        if answer.kind is Kind.DONE or answer.kind is Kind.FAILED:
            self._free(room)
        else:
            self._give_up(room)
        return Answer(Kind.LEAVING) if self._is_closing or run in self._abandoned else answer

    def _answer(self, room: _Room, call: Future[Any], limit: float) -> Answer:
        deadline = time.monotonic() + limit
        while True:
            try:
                return Answer(Kind.DONE, call.result(_LOOK_SECONDS))
            except Late:
                if self._is_closing or room.run in self._abandoned:
                    room.seat.kill()
                    return Answer(Kind.LEAVING)
                if time.monotonic() > deadline:
                    room.seat.kill()
                    evidence = f"there was no result after {limit:g} s, then {room.seat.post_mortem()}"
                    return Answer(Kind.DEAD, evidence=evidence)
            except UserError as error:
                return Answer(Kind.REFUSED, error)
            except BrokenExecutor:
                return Answer(Kind.DEAD, evidence=room.seat.post_mortem())
            except Exception as error:
                return Answer(Kind.FAILED, error)

    def _start(self, room: _Room, function: Callable[..., Any], arguments: Any) -> Future[Any]:
        def start() -> Future[Any]:
            with _with_children():
                return room.seat.submit(function, *arguments)

        return self._starter.submit(start).result()

    def _take(self, equipment: str, run: str) -> _Room:
        """A place for a call: an idle process that is warm for it, else a new one; an idle one may have to go."""
        with self._lock:
            self._end_idle(_IDLE_SECONDS)
            for room in self._rooms:
                if not room.run and room.equipment == equipment:
                    room.run = run
                    return room
            return self._new(equipment, run)

    def _new(self, equipment: str, run: str) -> _Room:
        with self._lock:
            idle = sorted((room for room in self._rooms if not room.run), key=lambda room: room.idle_since)
            for room in idle[: max(0, len(self._rooms) - self._slots + 1)]:
                self._give_up(room)
            what: Equipment = pickle.loads(self._file(equipment).read_bytes())
            seat = Seat(what.bundle, what.factory, what.unsafe, str(self._folder / "scratch"))
            room = _Room(equipment, seat, run)
            self._rooms.append(room)
            return room

    def _free(self, room: _Room) -> None:
        with self._lock:
            room.run, room.idle_since = "", time.monotonic()
        timer = threading.Timer(_IDLE_SECONDS + 1, self._end_idle, (_IDLE_SECONDS,))
        timer.daemon = True
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = timer
        timer.start()

    _timer: threading.Timer | None = None

    def _end_idle(self, seconds: float) -> None:
        with self._lock:
            for room in list(self._rooms):
                if not room.run and time.monotonic() - room.idle_since > seconds:
                    self._give_up(room)

    def _give_up(self, room: _Room) -> None:
        """Let a process end when its call is over, without waiting for it."""
        with self._lock:
            if room in self._rooms:
                self._rooms.remove(room)
        room.seat.leave()
        threading.Thread(target=room.seat.end, name="saiten-end", daemon=True).start()

    def _file(self, equipment: str) -> Path:
        return self._folder / f"{equipment}.equipment"


class _Close(WorkerPlugin):
    """Closes the lodge with its Dask worker."""

    name = "saiten"

    async def teardown(self, worker: Any) -> None:
        """See `WorkerPlugin`."""
        with _lock:
            lodge = _lodges.pop(worker.id, None)
        if lodge is not None:
            await asyncio.to_thread(lodge.close)


def of(dask_worker: Any) -> Lodge:
    """The lodge of a Dask worker, made when it is first asked for."""
    with _lock:
        if dask_worker.id not in _lodges:
            _lodges[dask_worker.id] = Lodge(Path(dask_worker.local_directory), dask_worker.state.nthreads)
        return _lodges[dask_worker.id]


def of_this_task() -> Lodge:
    """The lodge of the Dask worker whose task is running in this thread."""
    return of(get_worker())


async def admit(dask_worker: Any, equipment: str, content: bytes, limit: float) -> bytes:
    """Give a Dask worker equipment and start one process with it; a pickled `Answer`."""
    try:
        if _Close.name not in dask_worker.plugins:
            await dask_worker.plugin_add(_Close(), name=_Close.name)
        lodge = of(dask_worker)
        await asyncio.to_thread(lodge.equip, equipment, content)
        return _packed(await asyncio.to_thread(lodge.warm, equipment, limit))
    except Exception as error:  # Dask would write the bundle, hidden tests and all, to the worker's log
        problem = f"it cannot hold the assignment's bundle ({type(error).__name__}: {error})"
        return _packed(Answer(Kind.REFUSED, ClusterError(problem, "See its log, mend it, and start it again.")))


def hash_of(content: bytes) -> str:
    """BLAKE2b (128 bits, hex) of a file's content."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _packed(answer: Answer) -> bytes:
    try:
        return pickle.dumps(answer)
    except Exception as error:  # an exception can hold anything
        return pickle.dumps(Answer(Kind.FAILED, RuntimeError(f"{answer.content!r} cannot be sent ({error})")))


_children = threading.Lock()


@contextmanager
def _with_children() -> Iterator[None]:
    """Allow this process children for a moment: a nanny's worker is daemonic, which multiprocessing takes for "none".

    That rule keeps children from being left over; ours end with this process, for the kernel ends them.
    """
    config: dict[str, Any] = getattr(multiprocessing.current_process(), "_config", {})
    with _children:
        before = config.get("daemon")
        config["daemon"] = False
        try:
            yield
        finally:
            if before is None:
                config.pop("daemon", None)
            else:
                config["daemon"] = before
