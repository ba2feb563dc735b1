"""The keeper: one thread that knows who works on a cluster, has them admitted, and places the calls.

In: letters (a call, an answer, a decision) and a look around every second. Out: results in the calls' futures.
A worker that dies fails the call that it had; one that leaves, is cut off or loses its scheduler gives it back.
"""

from __future__ import annotations

import pickle
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import dask

from saiten.cluster import orders
from saiten.cluster.admission import Admission
from saiten.cluster.calls import Call, Crew, Member, slots_of
from saiten.cluster.link import DaskWorker, Link
from saiten.cluster.orders import Answer, Kind, Order
from saiten.cluster.waiting import Waiting
from saiten.errors import ClusterError, UserError

_TICK_SECONDS = 1.0
"""between two looks at who works there"""
_MOST_TRIES = 2
"""more to reach a worker that its scheduler knows"""
_MOST_EXCUSES = 10
"""times that a call is taken back through nobody's fault, before it is said to fail"""


class Keeper:
    """Places the calls of one run.

    Args:
        link: to the scheduler.
        admission: who may mark.
        run: id of the run.
        limit: seconds for one call.
        gpu: whether each call needs one.
        waits: keeps the patience.
        tell: called with a sentence about a worker that was left out.
    """

    def __init__(
        self,
        link: Link,
        admission: Admission,
        run: str,
        limit: float,
        gpu: bool,
        waits: Waiting,
        tell: Callable[[str], None],
    ) -> None:
        self._link, self._admission, self._run, self._limit, self._gpu = link, admission, run, limit, gpu
        self._waits, self._tell = waits, tell
        self.crew = Crew()
        self.calls: dict[Future[Any], Call] = {}
        """those without a result yet"""
        self.graves: dict[Future[Any], str] = {}
        """how the worker of a failed call ended"""
        self.fatal: Exception | None = None
        """why nothing can be marked any more"""
        self.ready = threading.Event()
        """set once somebody may mark, or nobody ever will"""
        self._mail: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._waiting: deque[Call] = deque()
        self._applied: set[str] = set()
        """ids of workers that were looked at: members, candidates, those left out"""
        self._left_out: dict[str, str] = {}
        """id to the reason"""
        self._tries: dict[str, int] = {}
        self._candidates = 0
        self._scheduler_id = ""
        self._is_closing = False
        self._thread = threading.Thread(target=self._keep, name="saiten-keeper", daemon=True)
        self._desk = ThreadPoolExecutor(8, "saiten-admission")

    # -- from other threads -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look around."""
        self._thread.start()

    def take(self, call: Call) -> None:
        """Have a call placed; from any thread."""
        self._mail.put(partial(self._receive, call))

    def drop(self, future: Future[Any]) -> None:
        """Forget a call that nobody waits for any more; from any thread."""
        self._mail.put(partial(self._drop, future))

    def stop(self) -> None:
        """Look around no more; what is on its way stays where it is."""
        self._is_closing = True
        self._mail.put(lambda: None)
        if self._thread.is_alive():
            self._thread.join(30)
        self._desk.shutdown(wait=False, cancel_futures=True)

    def abandon(self) -> None:
        """Cancel what is on its way, and have the workers kill what marks for this run; after `stop`."""
        with suppress(Exception):  # who cannot be reached loses its tasks with our connection
            placed = [call.dask_future for call in self.calls.values() if call.dask_future is not None]
            self._link.client.cancel(placed, force=True, asynchronous=False)
        for member in [member for member in self.crew.members.values() if member.calls]:
            with suppress(Exception):
                self._link.run(member.worker, orders.abandon, self._run, seconds=3)

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        """Handle what comes in, and look around once a second; the only thread that changes who has what."""
        next_look = 0.0
        try:
            while not self._is_closing and self.fatal is None:
                with suppress(queue.Empty):
                    self._mail.get(timeout=max(0.0, next_look - time.monotonic()))()
                if time.monotonic() >= next_look and not self._is_closing:
                    self._look()
                    next_look = time.monotonic() + _TICK_SECONDS
                self._place()
        except Exception as error:  # a fault here must not leave anybody waiting
            self._fail(error)
        finally:
            self.ready.set()

    def _look(self) -> None:
        """See who works there now, who has gone, and whether anybody is there at all."""
        workers: list[DaskWorker] = []
        scheduler, is_up = "", self._link.is_up
        if is_up:
            try:
                scheduler, workers = self._link.look()
            except Exception:  # it does not answer: as good as gone
                is_up = False
        if not is_up:
            self._take_all_back()
            self._link.renew()
            self._waits.wait_for(f"the Dask scheduler at {self._link.address}")
            return
        if scheduler != self._scheduler_id:
            self._take_all_back()
            self._scheduler_id = scheduler
        present = {worker.id: worker for worker in workers}
        for member in [member for name, member in self.crew.members.items() if name not in present]:
            self._miss(member)
        self._applied &= present.keys()
        for name, worker in present.items():
            if name in self.crew.members:
                self.crew.members[name].worker = worker
            elif name not in self._applied and worker.is_running:
                self._apply(worker)
        if any(member.worker.is_running for member in self.crew.members.values()):
            self._waits.go_on(self.crew.slots)
        elif self._candidates == 0:
            self._waits.wait_for(self._nobody(workers))
        if self._candidates == 0 and self.crew.members:
            self.ready.set()

    def _nobody(self, workers: list[DaskWorker]) -> str:
        """Say what is waited for while nobody can mark.

        Raises:
            ClusterError: those who are there can never mark this assignment.
        """
        if self._gpu and workers and not any(slots_of(worker, gpu=True) for worker in workers):
            raise ClusterError(
                f'The assignment needs a GPU (gpu = "required"), and none of {len(workers)} Dask workers offers one.',
                'Start a worker with `--resources "GPU=1"` and CUDA_VISIBLE_DEVICES set to its GPU.',
            )
        reason = next(iter(self._left_out.values()), "")
        return f"Dask workers at {self._link.address}" + (f" (left out: {reason})" if reason else "")

    # -- workers ------------------------------------------------------------------------------------------------------

    def _apply(self, worker: DaskWorker) -> None:
        """Have a newcomer looked at, and equipped, beside everything else."""
        self._applied.add(worker.id)
        if slots_of(worker, self._gpu) < 1:
            return
        self._candidates += 1

        def decide() -> None:
            try:
                self._admission.admit(self._link, worker)
                outcome: Exception | None = None
            except Exception as error:
                outcome = error
            self._mail.put(partial(self._has_applied, worker, outcome))

        self._desk.submit(decide)

    def _has_applied(self, worker: DaskWorker, problem: Exception | None) -> None:
        self._candidates -= 1
        self._decided(worker, problem)

    def _decided(self, worker: DaskWorker, problem: Exception | None) -> None:
        if problem is None:
            self.crew.members[worker.id] = Member(worker, slots_of(worker, self._gpu))
            if self._candidates == 0:
                self.ready.set()
        elif isinstance(problem, UserError):
            if not self.ready.is_set():
                raise problem
            if worker.id not in self._left_out:
                self._left_out[worker.id] = problem.message
                self._tell(f"Left out: {problem}")
        elif self._tries.setdefault(worker.id, 0) < _MOST_TRIES:
            self._tries[worker.id] += 1
            self._applied.discard(worker.id)  # it could not be reached; if it is still there, the next look tries again
        else:
            reason = f"{worker.label} does not answer ({type(problem).__name__}: {problem})."
            step = (
                "See that the scheduler's machine reaches that address: `dask worker --host` or `--interface` sets it."
            )
            self._decided(worker, ClusterError(reason, step))

    def _miss(self, member: Member) -> None:
        """A worker has gone: whoever was marked there is tried again, now or as a suspect."""
        del self.crew.members[member.worker.id]
        lost = [call for call in member.calls if call.dask_future is None or call.dask_future.status != "finished"]
        has_died = bool(lost) and self._link.has_died(member.worker)
        for call in list(member.calls):
            if has_died and call in lost:
                self._release(call)
                self._bury(call, f"{member.worker.label} died while it marked this submission")
            else:
                self._take_back(call, f"{member.worker.label} was gone")

    # -- calls --------------------------------------------------------------------------------------------------------

    def _receive(self, call: Call) -> None:
        self.calls[call.future] = call
        self._waiting.append(call)

    def _place(self) -> None:
        while self._waiting and self._link.is_up and (member := self.crew.freest()) is not None:
            call = self._waiting.popleft()
            if call.future in self.calls:
                self._send(call, member)

    def _send(self, call: Call, member: Member) -> None:
        call.attempt += 1
        order = pickle.dumps(Order(self._admission.equipment, self._run, call.content, self._limit))
        try:
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
                task = self._link.client.submit(
                    orders.carry_out,
                    order,
                    key=f"saiten-{self._run[:8]}-{call.number}-{call.attempt}",
                    workers=[member.worker.address],
                    resources={"GPU": 1} if self._gpu else None,
                    pure=False,
                )
        except Exception:  # the connection broke this moment: the next look sees it
            self._waiting.appendleft(call)
            return
        call.dask_future, call.member, call.placed = task, member, time.monotonic()
        member.calls.add(call)
        task.add_done_callback(partial(self._fetch, self._link.client, call, call.attempt))

    def _fetch(self, client: Any, call: Call, attempt: int, task: Any) -> None:
        """Get the answer of a task that is done; runs in Dask's thread, and must neither wait nor fail there."""

        def put(content: bytes | None, error: BaseException | None) -> None:
            self._mail.put(partial(self._answered, call, attempt, content, error))

        async def get() -> None:
            try:
                put(await task, None)
            except BaseException as error:
                put(None, error)
                if not isinstance(error, Exception):
                    raise

        with suppress(RuntimeError):  # the loop has ended with the connection
            client.loop.add_callback(get)

    def _answered(self, call: Call, attempt: int, content: bytes | None, error: BaseException | None) -> None:
        if call.attempt != attempt or call.dask_future is None or call.future not in self.calls:
            return  # it was taken back meanwhile
        member, status = call.member, call.dask_future.status
        if content is None:
            if status == "error" and isinstance(error, Exception):
                self._release(call)
                self._end(call, error)
            else:
                self._take_back(call, f"its answer was lost ({type(error).__name__})")
            return
        self._release(call)
        answer: Answer = pickle.loads(content)
        match answer.kind:
            case Kind.DONE:
                del self.calls[call.future]
                call.future.set_result(answer.content)
            case Kind.REFUSED | Kind.FAILED:
                self._end(call, answer.content)
            case Kind.DEAD:
                self._bury(call, f"{answer.evidence} (on {member.worker.label if member else 'a worker'})")
            case Kind.UNEQUIPPED:
                if member is not None and self.crew.members.pop(member.worker.id, None) is not None:
                    for other in list(member.calls):
                        self._take_back(other, "its worker had no bundle")
                    self._apply(member.worker)
                self._take_back(call, "its worker had no bundle")
            case Kind.LEAVING:
                self._take_back(call, "its worker was closing")

    def _release(self, call: Call) -> None:
        """Forget the task of a call."""
        if call.member is not None:
            call.member.calls.discard(call)
        task, call.dask_future, call.member = call.dask_future, None, None
        if task is not None:
            with suppress(Exception):
                task.release()

    def _take_back(self, call: Call, reason: str) -> None:
        """Let a call wait for another worker; through nobody's fault, and not for ever."""
        self._release(call)
        if call.future not in self.calls:
            return
        call.placed = None
        call.excuses += 1
        if call.excuses > _MOST_EXCUSES:
            self._bury(call, f"it was taken back {call.excuses} times, the last time because {reason}")
        else:
            self._waiting.append(call)

    def _take_all_back(self) -> None:
        for call in list(self.calls.values()):
            if call.member is not None:
                self._take_back(call, "the scheduler was lost")
        self.crew.members.clear()
        self._applied.clear()

    def _drop(self, future: Future[Any]) -> None:
        call = self.calls.pop(future, None)
        if call is not None:
            self._release(call)

    def _bury(self, call: Call, evidence: str) -> None:
        self.graves[call.future] = evidence
        self._end(call, BrokenExecutor(evidence))

    def _end(self, call: Call, error: Exception) -> None:
        if self.calls.pop(call.future, None) is not None:
            call.future.set_exception(error)

    def _fail(self, error: Exception) -> None:
        """Nothing can be marked any more."""
        self.fatal = error
        while True:
            try:
                letter = self._mail.get_nowait()
            except queue.Empty:
                break
            if getattr(letter, "func", None) == self._receive:
                letter()
        for call in list(self.calls.values()):
            self._end(call, error)
