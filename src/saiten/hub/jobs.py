"""Jobs: what staff have done from a page; one builds, checks, releases or writes feedback at a time.

In: a kind and an assignment. Out: progress, cost and outcome in the store. Jobs that mark go to the coordinator, which
marks hand-ins beside them. A job that was not finished when the service stopped is begun again.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from saiten.course import Assignment, Course
from saiten.errors import CourseError, UserError
from saiten.feedback import write_feedback
from saiten.hub.bundles import Broken, Bundles, Ready
from saiten.hub.collected import Collected
from saiten.hub.command import Command
from saiten.hub.handout import STUDENT, Shelf
from saiten.hub.marking import Coordinator
from saiten.hub.model import Job, JobKind, JobState, Shown, State
from saiten.hub.store import Arrival, Store
from saiten.hub.verdict import Verdict
from saiten.release import release_assignment, release_feedback

LOG = logging.getLogger("saiten.hub")

_OPEN = (JobState.WAITING, JobState.RUNNING)
_MARKING = (JobKind.MARK_ALL, JobKind.MARK_CHANGED)
_POLL_SECONDS = 0.2
_LONGEST_MESSAGE = 6000

_WORDS = {
    State.MARKED: "marked",
    State.REJECTED: "cannot be read",
    State.TROUBLE: "could not be marked: see the log",
    State.REPLACED: "replaced by newer ones meanwhile",
}


class _CancelledError(Exception):
    """Somebody has cancelled the job that runs."""


class Jobs:
    """Runs jobs.

    Args:
        course: whose.
        store: where jobs are noted.
        bundles: what is marked with.
        shelf: where students' pages are.
        coordinator: marks.
        collected: notices hand-ins that are not known yet.
        whole: gives a hand-in's verdict with what people made of it.
    """

    def __init__(
        self,
        course: Course,
        store: Store,
        bundles: Bundles,
        shelf: Shelf,
        coordinator: Coordinator,
        collected: Collected,
        whole: Callable[[Arrival], Verdict | None],
    ) -> None:
        self._course, self._store, self._bundles, self._shelf = course, store, bundles, shelf
        self._coordinator, self._collected, self._whole = coordinator, collected, whole
        self._inbox: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._cancelled: set[int] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    # -- for other threads ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Go on with what was not finished."""
        for job in reversed(self._store.jobs()):
            if job.state in _OPEN:
                self._inbox.put(job.number)
        self._thread.start()

    def end(self) -> None:
        """Stop; what runs is begun again at the next start."""
        self._stopping = True
        self._inbox.put(None)
        self._thread.join()

    def start(self, kind: JobKind, assignment: str, by: str) -> Job:
        """See `Desk.start`."""
        found = self._bundles.assignment(assignment)
        if kind is JobKind.RELEASE and not self._bundles.is_built(assignment):
            raise CourseError(f"{assignment} is not built as its source is now.", "Build it first, then release it.")
        if kind in (*_MARKING, JobKind.FEEDBACK) and not self._course.students(found.name):
            raise CourseError(f"Nobody has handed in {assignment} yet.", "There is nothing to do.")
        with self._lock:
            for job in self._store.jobs():
                if (job.kind, job.assignment) == (kind, assignment) and job.state in _OPEN:
                    return job
            job = self._store.begin(kind, assignment, by)
        self._inbox.put(job.number)
        return job

    def cancel(self, number: int, by: str) -> None:
        """See `Desk.cancel`."""
        job = self._store.job(number)
        if job is None or job.state not in _OPEN:
            return
        self._cancelled.add(number)
        self._store.note("cancelled", job.assignment, detail=job.kind.value, who=by)
        if job.kind in _MARKING and job.state is JobState.RUNNING:
            self._coordinator.drop(number)
            self._close(job, JobState.CANCELLED, f"{job.done} of {job.total} were marked; they stay.")
        elif job.state is JobState.WAITING:
            self._close(job, JobState.CANCELLED, "")

    def on_task(self, number: int, left: int, cost: float, counts: Mapping[State, int]) -> None:
        """Take a step of a marking job, from the coordinator's thread."""
        job = self._store.job(number)
        if job is None or job.state is not JobState.RUNNING:
            return
        seconds = (datetime.now(UTC) - job.started).total_seconds()
        job = self._store.progress(
            number, keep=False, done=job.total - left, seconds=seconds, processor_seconds=round(cost, 3)
        )
        if left == 0:
            lines = [f"{count} {_WORDS.get(state, state.value)}" for state, count in sorted(counts.items())]
            self._close(job, JobState.DONE, "\n".join(lines))

    # -- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            number = self._inbox.get()
            job = None if number is None else self._store.job(number)
            if job is None or job.state not in _OPEN:
                continue
            resumed = job.state is JobState.RUNNING
            try:
                job = self._store.progress(job.number, state=JobState.RUNNING)
                self._do(job, resumed)
            except _CancelledError:
                if not self._stopping:
                    self._close(job, JobState.CANCELLED, "")
            except UserError as error:
                self._close(job, JobState.FAILED, str(error))
            except Exception as error:
                LOG.exception("job %d failed", job.number)
                text = f"A fault of Saiten's ({type(error).__name__}: {error}); the service's log has the details."
                self._close(job, JobState.FAILED, text)

    def _do(self, job: Job, resumed: bool) -> None:
        match job.kind:
            case JobKind.BUILD | JobKind.CHECK:
                self._command(job)
            case JobKind.RELEASE:
                begun = time.thread_time()
                release_assignment(self._bundles.assignment(job.assignment), again=True)
                self._close(job, JobState.DONE, "Students can fetch it now.", time.thread_time() - begun)
            case JobKind.FEEDBACK:
                self._feedback(job)
            case _:
                self._mark(job, resumed)

    def _command(self, job: Job) -> None:
        """Build or check in a process of its own: it can be cancelled, and its cost be told."""
        command = Command([job.kind.value, job.assignment, "--course", str(self._course.root)], self._course.root)
        try:
            while not command.wait(_POLL_SECONDS):
                self._stop_if_asked(job)
                done, total = command.progress()
                self._count(job, done, total, command.spent)
        finally:
            command.end()
        state = JobState.DONE if command.code == 0 else JobState.FAILED
        text = command.said if command.code in (0, 1) else command.complaint
        self._bundles.get(job.assignment)
        self._close(job, state, text.strip()[-_LONGEST_MESSAGE:], command.spent)

    def _mark(self, job: Job, resumed: bool) -> None:
        assignment = self._bundles.assignment(job.assignment)
        for student in self._course.students(assignment.name):
            self._collected.adopt(assignment, student)
            self._stop_if_asked(job)
        newest = self._store.newest_of(assignment.name)
        if resumed and job.kind is JobKind.MARK_ALL:  # what was marked anew before the service stopped is done
            newest = [each for each in newest if each.finished is None or each.finished < job.started]
        self._store.progress(job.number, total=len(newest), done=0)
        self._coordinator.mark_class(job.number, [each.number for each in newest], again=job.kind is JobKind.MARK_ALL)

    def _feedback(self, job: Job) -> None:
        begun = time.thread_time()
        ready = self._ready(job)
        total, done = len(self._course.students(job.assignment)), 0

        def count(_student: str) -> None:
            nonlocal done
            done += 1
            self._stop_if_asked(job)
            self._count(job, done, total, time.thread_time() - begun)

        assignment = self._bundles.assignment(job.assignment)
        report = write_feedback(self._course, assignment, ready.bundle, (), count)
        given = {*report.written, *report.same}
        handed = release_feedback(self._course, job.assignment, sorted(given))
        given -= handed.failed.keys()
        for arrival in self._store.newest_of(job.assignment):
            if arrival.student in given and arrival.state is State.MARKED and arrival.verdict is not None:
                self._show_all(arrival, assignment)
        lines = [f"{len(given)} students can fetch and read their feedback."]
        lines += [f"{student}: {reason}" for student, reason in sorted(handed.failed.items())]
        if report.unmarked:
            names = ", ".join(report.unmarked[:5]) + (", ..." if report.unmarked[5:] else "")
            lines += [f"{len(report.unmarked)} are not marked as they are now: {names}.", "Mark again what changed."]
        self._close(job, JobState.DONE, "\n".join(lines), time.thread_time() - begun)

    def _show_all(self, arrival: Arrival, assignment: Assignment) -> None:
        """The service's own page shows what was handed out."""
        folder = self._course.feedback_dir(assignment.name, arrival.student)
        notebooks = arrival.verdict.notebooks if arrival.verdict is not None else ()
        pages = {name: path.read_bytes() for name in notebooks if (path := folder / f"{name}.html").is_file()}
        verdict = self._whole(arrival)
        if verdict is None or not pages:
            return
        self._shelf.put(arrival.number, STUDENT, pages)
        cut = Verdict(Shown.FULL, verdict.score, verdict.max_score, verdict.questions, (), tuple(pages))
        self._store.change(arrival.number, released=True, handed_out=True, answer=cut)

    def _ready(self, job: Job) -> Ready:
        while (found := self._bundles.get(job.assignment)) is None:
            self._stop_if_asked(job)
            time.sleep(_POLL_SECONDS)
        if isinstance(found, Broken):
            raise CourseError(found.reason)
        return found

    def _stop_if_asked(self, job: Job) -> None:
        if self._stopping or job.number in self._cancelled:
            raise _CancelledError

    def _count(self, job: Job, done: int, total: int, cost: float) -> None:
        seconds = (datetime.now(UTC) - job.started).total_seconds()
        self._store.progress(
            job.number, keep=False, done=done, total=total, seconds=seconds, processor_seconds=round(cost, 3)
        )

    def _close(self, job: Job, state: JobState, message: str, cost: float | None = None) -> None:
        now = datetime.now(UTC)
        last = self._store.job(job.number) or job
        spent = last.processor_seconds if cost is None else round(cost, 3)
        self._store.progress(
            job.number, state=state, message=message, finished=now, done=last.done, total=last.total,
            seconds=(now - job.started).total_seconds(), processor_seconds=spent,
        )  # fmt: skip
        self._cancelled.discard(job.number)
