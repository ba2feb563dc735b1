"""The marking service: hand-ins are taken, marked and answered while it is open; its pages see it as a `Desk`.

In: a course. Out: a `MarkingDesk`, whose threads run from `start` to `stop`. One service serves a course at a time.

    arrivals ──► queue ──► coordinator ──► workers
    (thread)               (thread)   ◄──  (processes, warm for a bundle)
                              ├──► ledger, gradebook, autograded/
    jobs (thread) ───────────►└──► store, pages, exchange/feedback
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from saiten.batch.marking import Options
from saiten.batch.worker import MarkerFactory, make_engine
from saiten.course import Course
from saiten.errors import CourseError, SaitenError
from saiten.gradebook import Practice, open_database
from saiten.hub.arrivals import Arrivals
from saiten.hub.books import Books
from saiten.hub.bundles import Bundles, Ready
from saiten.hub.collected import Collected
from saiten.hub.exchange import exchange_folders
from saiten.hub.handout import STAFF, STUDENT, Shelf
from saiten.hub.jobs import Jobs
from saiten.hub.marking import Coordinator
from saiten.hub.model import Act, Card, Cluster, Event, HandIn, Job, JobKind, Shown, State, WorkerHealth
from saiten.hub.publish import Publisher
from saiten.hub.store import PENDING, Arrival, Store
from saiten.hub.verdict import Verdict
from saiten.hub.warm import Workers
from saiten.lateness import seconds_late
from saiten.report.clusters import Failure, gather

LOG = logging.getLogger("saiten.hub")

POLL_SECONDS = 0.3
"""between two looks into the exchange's inbound folders"""
_COLLECTED_SECONDS = 2.0
"""between two looks into `submitted/`"""
_SHARED_BY = 2
"""hand-ins that make a cluster"""


class MarkingDesk:
    """The marking service of one course; see `Desk` for what its pages use.

    Args:
        course: whose.
        workers: how many hand-ins are marked at the same time; None: `c.Saiten.workers`, or one for each core.
        unsafe: mark even where this machine cannot hold the floor of the sandbox.
        factory: makes the engine in a worker.
        poll_seconds: between two looks into the exchange.

    Raises:
        UserError: the course, its gradebook or its exchange cannot be used, or another service serves it.
    """

    def __init__(
        self,
        course: Course,
        *,
        workers: int | None = None,
        unsafe: bool = False,
        factory: MarkerFactory = make_engine,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.languages: tuple[str, ...] = tuple(course.options.languages)
        self.course_id: str = course.coursedir.course_id
        self._course = course
        self._poll_seconds = poll_seconds
        self._folders = exchange_folders(course)
        self._listeners: list[Callable[[Event], None]] = []
        self._stopping = threading.Event()
        self._shelf = Shelf(course)
        self._lock = _lock(course)
        self._database = open_database(Practice.of(course).url)
        self._store = Store(self._database, self._tell)
        self._bundles = Bundles(course, lambda name: self._coordinator.bundle_ready(name))
        self._books = Books(self._database, self._bundles.extensions)
        self._publisher = Publisher(self._store, self._shelf, self._bundles, self._due)
        at_once = workers or course.options.workers or len(os.sched_getaffinity(0))
        self._coordinator = Coordinator(
            course,
            self._store,
            self._database,
            self._bundles,
            self._publisher,
            Workers(at_once, course.options.warm_workers, factory, unsafe=unsafe),
            Options(workers=at_once, unsafe=unsafe),
            lambda *step: self._jobs.on_task(*step),
        )
        self._arrivals = Arrivals(course, self._store, self._coordinator.taken)
        self._collected = Collected(course, self._store, self._coordinator.taken)
        self._jobs = Jobs(
            course, self._store, self._bundles, self._shelf, self._coordinator, self._collected, self._whole
        )
        self._watcher = threading.Thread(target=self._watch, name="arrivals", daemon=True)

    @classmethod
    @contextmanager
    def open(
        cls,
        course: Course,
        *,
        workers: int | None = None,
        unsafe: bool = False,
        factory: MarkerFactory = make_engine,
        poll_seconds: float = POLL_SECONDS,
    ) -> Iterator[Self]:
        """Open the service, and close it at the end of the block; see the class for arguments and errors."""
        desk = cls(course, workers=workers, unsafe=unsafe, factory=factory, poll_seconds=poll_seconds)
        try:
            desk.start_service()
            yield desk
        finally:
            desk.stop_service()

    def start_service(self) -> None:
        """Go on where the last time ended, then take and mark what comes."""
        self._coordinator.start()
        self._jobs.begin()
        self._watcher.start()

    def stop_service(self) -> None:
        """Stop within seconds; what is being marked or done is begun again at the next start."""
        self._stopping.set()
        if self._watcher.ident is not None:
            self._watcher.join()
            self._jobs.end()
            self._coordinator.stop()
        self._bundles.close()
        self._database.dispose()
        os.close(self._lock)

    # -- Desk -------------------------------------------------------------------------------------------------------

    def cards(self) -> Sequence[Card]:
        """See `Desk.cards`."""
        names = sorted(path.name for path in self._source_folders())
        found = []
        for name in names:
            with suppress(CourseError):  # not one of the course's, or its settings cannot be read
                found.append(self._card(name))
        return found

    def hand_ins(
        self,
        *,
        student: str | None = None,
        assignment: str | None = None,
        state: State | None = None,
        for_staff: bool,
        limit: int = 200,
    ) -> Sequence[HandIn]:
        """See `Desk.hand_ins`."""
        arrivals = self._store.arrivals(student, assignment, state)[:limit]
        return [self._hand_in(arrival, for_staff=for_staff) for arrival in arrivals]

    def hand_in(self, number: int, *, for_staff: bool) -> HandIn | None:
        """See `Desk.hand_in`."""
        arrival = self._store.arrival(number)
        return None if arrival is None else self._hand_in(arrival, for_staff=for_staff)

    def own_dues(self, student: str) -> Mapping[str, datetime]:
        """See `Desk.own_dues`."""
        found: dict[str, datetime] = {}
        for folder in self._source_folders():
            due = self._due(folder.name, student)
            if due is not None and due != self._due(folder.name):
                found[folder.name] = due
        return found

    def page(self, number: int, notebook: str = "", *, for_staff: bool) -> bytes | None:
        """See `Desk.page`."""
        arrival = self._store.arrival(number)
        if arrival is None:
            return None
        names = self._pages_of(arrival, for_staff=for_staff)
        name = notebook or next(iter(names), "")
        return self._shelf.page(number, STAFF if for_staff else STUDENT, name) if name in names else None

    def notebooks(self, number: int) -> Sequence[str]:
        """See `Desk.notebooks`."""
        arrival = self._store.arrival(number)
        return () if arrival is None else self._pages_of(arrival, for_staff=True)

    def jobs(self, limit: int = 20) -> Sequence[Job]:
        """See `Desk.jobs`."""
        return self._store.jobs()[:limit]

    def start(self, kind: JobKind, assignment: str, by: str) -> Job:
        """See `Desk.start`."""
        return self._jobs.start(kind, assignment, by)

    def cancel(self, number: int, by: str) -> None:
        """See `Desk.cancel`."""
        self._jobs.cancel(number, by)

    def workers(self) -> Sequence[WorkerHealth]:
        """See `Desk.workers`."""
        return self._coordinator.health()

    def acts(self, limit: int = 100) -> Sequence[Act]:
        """See `Desk.acts`."""
        return self._store.acts()[:limit]

    def clusters(self, assignment: str) -> Sequence[Cluster]:
        """See `Desk.clusters`."""
        marked = [each for each in self._store.newest_of(assignment) if each.state is State.MARKED and each.failures]
        failures = [Failure(**raw) for each in marked for raw in json.loads(each.failures)]
        found = []
        for reason, group in gather(failures):
            students = tuple(sorted({each.student for each in group}))
            if len(students) >= _SHARED_BY:
                found.append(Cluster(group[0].question, reason, students))
        return found

    def listen(self, tell: Callable[[Event], None]) -> Callable[[], None]:
        """See `Desk.listen`."""
        self._listeners.append(tell)

        def end() -> None:
            with suppress(ValueError):
                self._listeners.remove(tell)

        return end

    # -- what is shown ----------------------------------------------------------------------------------------------

    def _hand_in(self, arrival: Arrival, *, for_staff: bool) -> HandIn:
        due = self._due(arrival.assignment, arrival.student)
        seen = self._publisher.sight(arrival)
        told = arrival.state is State.REJECTED or for_staff
        plain = HandIn(
            number=arrival.number,
            student=arrival.student,
            assignment=arrival.assignment,
            arrived=arrival.arrived,
            state=arrival.state,
            attempt=arrival.attempt,
            late=seconds_late(arrival.arrived, due) > 0,
            position=self._coordinator.place(arrival.number) if arrival.state is State.WAITING else None,
            expected=self._coordinator.expected(arrival) if arrival.state in PENDING else None,
            shown=seen.shown,
            withheld=seen.withheld,
            withheld_until=seen.until,
            finished=arrival.finished,
            seconds=arrival.seconds,
            message=arrival.message if told else "",
        )
        if arrival.state is not State.MARKED:
            return plain
        verdict = self._whole(arrival) if for_staff else arrival.answer
        if verdict is None or (not for_staff and verdict.shown is not seen.shown):
            return plain
        pages = self._pages_of(arrival, for_staff=for_staff)
        return replace(
            plain,
            score=verdict.score,
            max_score=verdict.max_score,
            questions=verdict.questions,
            has_page=bool(pages),
        )

    def _pages_of(self, arrival: Arrival, *, for_staff: bool) -> tuple[str, ...]:
        """Notebooks whose page may be shown now."""
        if arrival.state is not State.MARKED:
            return ()
        if for_staff:
            return () if arrival.verdict is None else arrival.verdict.notebooks
        seen = self._publisher.sight(arrival)
        if arrival.answer is None or seen.shown is Shown.NOTHING or arrival.answer.shown is not seen.shown:
            return ()
        return arrival.answer.notebooks

    def _whole(self, arrival: Arrival) -> Verdict | None:
        """What staff see: the verdict, with what people made of it if the gradebook holds this hand-in."""
        if arrival.verdict is None:
            return None
        newest = self._store.newest(arrival.student, arrival.assignment)
        if newest is None or newest.number != arrival.number:
            return arrival.verdict
        return self._books.whole(arrival.verdict, arrival.assignment, arrival.student)

    def _card(self, name: str) -> Card:
        assignment = self._bundles.assignment(name)
        settings, policy = assignment.settings, assignment.settings.instant_feedback
        ready = self._bundles.get(name, make=False)
        newest = self._store.newest_of(name)
        marked = [each for each in newest if each.state is State.MARKED]
        whole = [verdict for each in marked if (verdict := self._whole(each)) is not None]
        scores = [verdict.score for verdict in whole if verdict.score is not None]
        return Card(
            name=name,
            title=settings.title,
            release=settings.release,
            due=self._due(name),
            released=(self._folders.outbound / name).is_dir(),
            shown=Shown(policy.show),
            per_day=policy.per_day,
            quiet_hours=policy.quiet_hours,
            points=ready.bundle.max_score if isinstance(ready, Ready) else None,
            built=self._bundles.is_built(name),
            students=len(newest),
            waiting=sum(each.state in PENDING for each in newest),
            marked=len(marked),
            manual=sum(verdict.waits for verdict in whole),
            trouble=sum(each.state is State.TROUBLE for each in newest),
            mean=sum(scores) / len(scores) if scores else None,
        )

    def _due(self, assignment: str, student: str = "") -> datetime | None:
        """The due date, with a student's own extension; the gradebook's where the course's files give none."""
        try:
            due = self._bundles.assignment(assignment).settings.due
        except CourseError:
            due = None
        return self._books.due(assignment, student, due)

    def _source_folders(self) -> list[Path]:
        parent = self._course.source_dir("x").parent
        with suppress(OSError):
            return [path for path in parent.iterdir() if path.is_dir() and not path.name.startswith(".")]
        return []

    # -- threads ----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        begun = False
        looked = 0.0
        while not self._stopping.is_set():
            try:
                if not begun:
                    self._arrivals.recover()
                    begun = True
                self._arrivals.poll()
                if time.monotonic() - looked > _COLLECTED_SECONDS:
                    self._collected.look()
                    looked = time.monotonic()
            except (SaitenError, OSError):
                LOG.exception("hand-ins could not be taken; it is tried again")
                self._stopping.wait(_COLLECTED_SECONDS)
            except Exception:
                LOG.exception("the marking service met a fault of its own")
                self._stopping.wait(_COLLECTED_SECONDS)
            self._stopping.wait(self._poll_seconds)

    def _tell(self, event: Event) -> None:
        if event.kind == "hand-in":
            self._books.forget(event.assignment)
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:
                LOG.exception("a listener failed")


def _lock(course: Course) -> int:
    """See that one service serves a course; the lock ends with the process, however that ends."""
    path = course.root / course.options.hub_directory / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise CourseError(
            f"Another marking service serves {course.root} already.", "Stop that one first, or use it."
        ) from error
    now = datetime.now(UTC).isoformat()
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()} {now}\n".encode())
    return descriptor
