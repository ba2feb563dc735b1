"""The coordinator: takes hand-ins from the queue, has them marked, writes what came of it, shows what may be shown.

In: numbers of hand-ins, from the arrivals, from jobs, from the last time. Out: ledger, gradebook, `autograded/`, pages,
rows of the store. One thread does all of it and runs no student's code. Whatever fails in one hand-in stays with it.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Engine

from saiten.batch.marking import Options
from saiten.batch.run import patience
from saiten.batch.verify import verified
from saiten.batch.worker import infra_error
from saiten.bundle import Bundle
from saiten.course import Course
from saiten.errors import CourseError, UserError
from saiten.hub.bundles import Broken, Bundles, Ready
from saiten.hub.forecast import Forecast
from saiten.hub.model import Shown, State, WorkerHealth
from saiten.hub.publish import Publisher
from saiten.hub.queue import FairQueue
from saiten.hub.setbacks import Setbacks
from saiten.hub.store import PENDING, Arrival, Store
from saiten.hub.tasks import OnTask, Tasks
from saiten.hub.warm import Workers
from saiten.hub.writing import Work, Writer
from saiten.results import Result, Status

LOG = logging.getLogger("saiten.hub")

_TICK_SECONDS = 0.25
_LOOK_SECONDS = 1.0
"""between two looks for bundles and settings that have changed"""


@dataclass(frozen=True, slots=True)
class _Call:
    work: Work
    bundle: Bundle
    deadline: float


class Coordinator:
    """Marks hand-ins of one course.

    Args:
        course: whose.
        store: where hand-ins are.
        database: engine of the gradebook's database.
        bundles: what to mark with.
        publisher: shows results.
        workers: mark; used by this thread alone.
        options: for the gradebook's part; `factory` and `pool` are not used.
        on_task: told of jobs.
    """

    def __init__(
        self,
        course: Course,
        store: Store,
        database: Engine,
        bundles: Bundles,
        publisher: Publisher,
        workers: Workers,
        options: Options,
        on_task: OnTask,
    ) -> None:
        self._course, self._store = course, store
        self._bundles, self._publisher, self._workers = bundles, publisher, workers
        self._tasks = Tasks(on_task)
        self._setbacks = Setbacks(store, self._tasks)
        self._writer = Writer(course, database, bundles, publisher, self._tasks, self._setbacks, options)
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._queue = FairQueue()
        self._ready: deque[tuple[Work, Bundle]] = deque()
        """calls that wait for a worker"""
        self._calls: dict[Future[Result], _Call] = {}
        self._marking: dict[tuple[str, str], Work] = {}
        """(student, assignment) to the one hand-in that is being marked"""
        self._done: list[Work] = []
        self._forecast = Forecast()
        self._thread = threading.Thread(target=self._run, name="marking", daemon=True)
        self._stopping, self._looked = False, 0.0

    # -- for other threads ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Go on where the last time ended, and mark what comes."""
        self._thread.start()

    def stop(self) -> None:
        """Stop at once: what is being marked is marked anew at the next start."""
        self._stopping = True
        self._inbox.put(None)
        self._thread.join()

    def taken(self, arrival: Arrival, replaced: list[Arrival]) -> None:
        """Put a hand-in into the queue, in the place of those that it replaces."""
        self._inbox.put(lambda: self._enqueue(arrival, replaced))

    def mark_class(self, job: int, numbers: list[int], *, again: bool) -> None:
        """Mark hand-ins for a job.

        Args:
            job: its number.
            numbers: the hand-ins.
            again: also what the ledger knows.
        """
        self._inbox.put(lambda: self._begin_task(job, numbers, again))

    def drop(self, job: int) -> None:
        """Forget a job; hand-ins that are being marked are marked to the end."""
        self._inbox.put(lambda: self._drop_task(job))

    def bundle_ready(self, name: str) -> None:
        """A bundle is there: warm a worker for it, and look at what waited for it."""
        self._inbox.put(lambda: self._warm(name))

    def place(self, number: int) -> int | None:
        """Place in the queue, from 1; None if it does not wait there."""
        return self._forecast.place(number)

    def expected(self, arrival: Arrival) -> float | None:
        """Seconds until a hand-in is probably marked; None if nothing like it was marked yet."""
        work = self._marking.get((arrival.student, arrival.assignment))
        begun = work.begun if work is not None and work.arrival.number == arrival.number else None
        return self._forecast.expected(arrival.number, arrival.assignment, begun, self._workers.at_once)

    def health(self) -> list[WorkerHealth]:
        """What each worker does."""
        return self._workers.health()

    # -- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._guarded(self._resume)
            while not self._stopping:
                self._guarded(self._turn)
        finally:
            self._workers.close(kill=True)

    def _guarded(self, step: Callable[[], None]) -> None:
        """A fault of ours must not end the service: it is written down, and the next turn comes."""
        try:
            step()
        except Exception:
            LOG.exception("the marking service met a fault of its own")
            time.sleep(_TICK_SECONDS)

    def _resume(self) -> None:
        for arrival in reversed(self._store.arrivals()):
            if arrival.state is State.TROUBLE:
                arrival = self._store.change(arrival.number, state=State.WAITING, tries=0)
            if arrival.state in PENDING:
                newest = self._store.newest(arrival.student, arrival.assignment)
                if newest is not None and newest.number != arrival.number:
                    self._store.change(arrival.number, state=State.REPLACED)
                    continue
                if arrival.state is State.MARKING:
                    arrival = self._store.change(arrival.number, state=State.WAITING)
                self._queue.add(arrival.number, arrival.student)
        self._publisher.resume()
        with suppress(CourseError):  # an assignment.toml is being edited; each is looked at when it is needed
            for assignment in self._course.assignments():
                self._bundles.get(assignment.name, make=False)

    def _turn(self) -> None:
        """Everything that can be done now, then wait for something to happen."""
        self._dispatch()
        self._forecast.see(self._queue.waiting())
        self._listen(0.0 if self._done else _TICK_SECONDS)
        self._give_up_on_late_ones()
        done, self._done = self._done, []
        self._writer.write(done)
        self._publisher.hand_out_due()
        for arrival in self._setbacks.due():
            self._queue.add(arrival.number, arrival.student)
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            self._bundles.refresh()
            self._workers.retire(self._bundles.hashes())

    def _listen(self, seconds: float) -> None:
        """Do what other threads ask for; several messages that are there are taken together."""
        with suppress(queue.Empty):
            message = self._inbox.get(timeout=seconds) if seconds else self._inbox.get_nowait()
            while True:
                if message is not None:
                    self._guarded(message)
                message = self._inbox.get_nowait()

    # -- what comes in ----------------------------------------------------------------------------------------------

    def _enqueue(self, arrival: Arrival, replaced: list[Arrival]) -> None:
        if arrival.state is not State.WAITING:
            return
        for old in replaced:
            self._queue.replace(old.number, arrival.number)
            self._setbacks.forget(old.number)
            self._tasks.settle(old.number, State.REPLACED)
        self._queue.add(arrival.number, arrival.student)

    def _begin_task(self, job: int, numbers: list[int], again: bool) -> None:
        for number in numbers:
            self._setbacks.forget(number)
            self._queue.add(number, f"\0job {job}")
        self._tasks.begin(job, numbers, again=again)

    def _drop_task(self, job: int) -> None:
        for number in self._tasks.drop(job):
            arrival = self._store.arrival(number)
            if arrival is None or arrival.state is not State.WAITING:
                self._queue.remove(number)

    def _warm(self, name: str) -> None:
        ready = self._bundles.get(name)
        if isinstance(ready, Ready) and self._publisher.is_open(ready.assignment):
            for bundle in self._needed(ready):
                self._workers.warm(bundle)
        for arrival in self._store.newest_of(name):  # students may be shown something else than when it was marked
            if arrival.state is State.MARKED and not self._publisher.is_answered(arrival):
                self._queue.add(arrival.number, f"\0policy {name}")

    # -- what goes out to be marked ---------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        while self._workers.free > 0 and not self._done:
            piece = next((each for each in self._ready if self._workers.can_mark(each[1])), None)
            if piece is not None:
                self._ready.remove(piece)
                work, bundle = piece
                cost = self._tasks.wait_for(work.arrival.number)
                known = work.known_for(bundle)
                call = self._workers.mark(bundle, work.submission, work.arrival.number, known, cost=cost)
                self._calls[call] = _Call(work, bundle, time.monotonic() + patience(bundle))
                call.add_done_callback(lambda call: self._inbox.put(lambda: self._came_back(call)))
                continue
            for _, bundle in self._ready:  # they wait for a busy worker: a second one may help the next ones
                self._workers.warm(bundle, lambda _: self._inbox.put(lambda: None))
            number = self._next() if len(self._ready) < self._workers.at_once else None
            if number is None:
                return
            self._begin(number)

    def _next(self) -> int | None:
        suspect = self._setbacks.second_try(alone=not self._calls and not len(self._queue))
        return suspect if suspect is not None else self._queue.pop(self._can_begin)

    def _can_begin(self, number: int) -> bool:
        arrival = self._store.arrival(number)
        if arrival is None:
            return True
        if (arrival.student, arrival.assignment) in self._marking:
            return False
        return self._bundles.get(arrival.assignment) is not None

    def _begin(self, number: int) -> None:
        arrival = self._store.arrival(number)
        if arrival is None or arrival.state is State.REPLACED:
            self._tasks.settle(number, State.REPLACED)
            return
        try:
            self._begin_work(arrival)
        except UserError as error:
            self._setbacks.put_aside(arrival, str(error))
        except Exception as error:
            LOG.exception("hand-in %d could not be begun", number)
            self._setbacks.put_aside(arrival, f"a fault of the service's: {type(error).__name__}: {error}")

    def _begin_work(self, arrival: Arrival) -> None:
        ready = self._bundles.get(arrival.assignment)
        if not isinstance(ready, Ready):
            reason = ready.reason if isinstance(ready, Broken) else "its bundle is being made"
            self._setbacks.put_aside(arrival, reason)
            return
        submission = self._course.submission(ready.assignment, arrival.student)
        newest = self._store.newest(arrival.student, arrival.assignment)
        if newest is not None and newest.number != arrival.number:
            if arrival.state is not State.MARKED:
                self._store.change(arrival.number, state=State.REPLACED)
            self._tasks.settle(arrival.number, State.REPLACED)
            return
        if submission.hash != arrival.submission_hash:  # somebody of the staff has changed the files
            arrival = self._store.change(arrival.number, submission_hash=submission.hash)
        work = Work(arrival, ready, submission)
        self._look_up(work)
        if work.open:
            self._marking[arrival.student, arrival.assignment] = work
            if arrival.state is not State.MARKED:
                work.arrival = self._store.change(arrival.number, state=State.MARKING)
        else:
            self._done.append(work)

    def _look_up(self, work: Work) -> None:
        """Take from the ledger what it knows; the rest goes to the workers."""
        marking = self._writer.marking(work.ready, [])
        if work.submission.problem:
            work.result = marking.rejected(work.submission)
            return
        again = self._tasks.again(work.arrival.number)
        needed = self._needed(work.ready)
        for bundle in needed:
            known = None if again else marking.ledger.get(self._publisher.key(marking, bundle, work.submission))
            if known is None:
                work.open += 1
                if not again and bundle.hash == marking.bundle.hash:
                    (work.known,) = marking.more(work.submission) or (None,)
                self._ready.append((work, bundle))
                work.from_ledger = work.from_ledger and bundle is not needed[0]
            elif bundle is needed[0]:
                work.result = known
            else:
                work.public = known

    def _needed(self, ready: Ready) -> list[Bundle]:
        """What a hand-in has to be marked with: the bundle, and where only public tests are shown, those alone."""
        settings = self._bundles.assignment(ready.assignment.name).settings
        public = ready.answers.public if settings.instant_feedback.show == Shown.PUBLIC.value else None
        return [ready.bundle, *([public] if public is not None else [])]

    # -- what comes back --------------------------------------------------------------------------------------------

    def _came_back(self, call: Future[Result]) -> None:
        found = self._calls.pop(call, None)
        if found is None:  # it was given up
            return
        work, bundle = found.work, found.bundle
        try:
            result = verified(bundle, work.submission, call.result())
        except UserError as error:
            self._workers.give_up(call)  # its engine cannot start: the next one is to try anew
            self._lost(work, "", str(error))
            return
        except BrokenExecutor:
            result = infra_error(bundle, work.submission, self._workers.post_mortem(call))
        except Exception as error:  # whatever an executor can fail with
            result = infra_error(bundle, work.submission, f"its call failed ({type(error).__name__}: {error})")
        cost = self._tasks.wait_for(work.arrival.number)
        work.cost += self._workers.finished(call, cost=cost)
        self._take_in(work, bundle, result)

    def _give_up_on_late_ones(self) -> None:
        now = time.monotonic()
        for call, found in [pair for pair in self._calls.items() if pair[1].deadline < now]:
            del self._calls[call]
            limit = patience(found.bundle)
            evidence = f"there was no result after {limit:g} s, then {self._workers.stop(call)}"
            self._take_in(found.work, found.bundle, infra_error(found.bundle, found.work.submission, evidence))

    def _take_in(self, work: Work, bundle: Bundle, result: Result) -> None:
        work.open -= 1
        if result.status is Status.INFRA_ERROR:
            self._lost(work, result.message, "", already=True)
            return
        if bundle is work.ready.bundle:
            work.result = result
        else:
            work.public = result
        if work.open == 0:
            self._end(work)
            if work.failed:
                self._setbacks.fault(work.arrival, work.failed, work.cost)
            else:
                self._done.append(work)

    def _lost(self, work: Work, evidence: str, reason: str, *, already: bool = False) -> None:
        """A call brought no verdict; the hand-in waits for its other call, if there is one, and is then tried again."""
        work.open -= 0 if already else 1
        self._ready = deque(each for each in self._ready if each[0] is not work)
        work.open = sum(call.work is work for call in self._calls.values())
        work.failed = work.failed or evidence or reason
        if work.open == 0:
            self._end(work)
            if reason:
                self._setbacks.put_aside(work.arrival, reason)
            else:
                self._setbacks.fault(work.arrival, work.failed, work.cost)

    def _end(self, work: Work) -> None:
        self._marking.pop((work.arrival.student, work.arrival.assignment), None)
        self._forecast.learn(work.arrival.assignment, time.monotonic() - work.begun)
