"""Writing what came of hand-ins: ledger, gradebook and `autograded/` first, then what students and staff are shown.

In: hand-ins with their results. Out: files and rows; the hand-ins of one bundle that are finished together share one
transaction of the gradebook. Whatever cannot be written is put aside with its reason; the ledger keeps the verdict.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from saiten.batch.marking import Marking, Options
from saiten.bundle import Bundle
from saiten.course import Course
from saiten.database import BRIEF_SECONDS, Patience
from saiten.errors import UserError
from saiten.gradebook import Practice
from saiten.grading.again import Again
from saiten.hub.bundles import Bundles, Ready
from saiten.hub.publish import Publisher
from saiten.hub.setbacks import Setbacks
from saiten.hub.store import Arrival
from saiten.hub.tasks import Tasks
from saiten.results import Result
from saiten.submission import Submission

LOG = logging.getLogger("saiten.hub")


@dataclass
class Work:
    """One hand-in that is being marked."""

    arrival: Arrival
    ready: Ready
    submission: Submission
    begun: float = field(default_factory=time.monotonic)
    known: Again | None = None
    """what an earlier run of the same bytes is good for, where tests have changed since"""
    result: Result | None = None
    public: Result | None = None
    open: int = 0
    """calls that are to come back"""
    from_ledger: bool = True
    failed: str = ""
    """evidence of a fault that is not the student's"""
    cost: float = 0.0

    def known_for(self, bundle: Bundle) -> Again | None:
        """What is known that helps with one of the bundles."""
        return self.known if bundle.hash == self.ready.bundle.hash else None


class Writer:
    """Writes results of one course. One thread uses it.

    Args:
        course: whose.
        database: engine of the gradebook's database.
        bundles: for settings as they are now.
        publisher: shows results.
        tasks: jobs that wait for hand-ins.
        setbacks: takes what cannot be written.
        options: how results are marked; its `factory` and `pool` are not used.
    """

    def __init__(
        self,
        course: Course,
        database: Engine,
        bundles: Bundles,
        publisher: Publisher,
        tasks: Tasks,
        setbacks: Setbacks,
        options: Options,
    ) -> None:
        self._course, self._database, self._bundles, self._publisher = course, database, bundles, publisher
        self._tasks, self._setbacks, self._options = tasks, setbacks, options
        self._practice = Practice.of(course)

    def marking(self, ready: Ready, students: Sequence[str]) -> Marking:
        """The marking of an assignment, prepared.

        Raises:
            GradebookError: the gradebook cannot be written, or contradicts the bundle.
        """
        assignment = self._bundles.assignment(ready.assignment.name)
        marking = Marking(self._course, assignment, ready.bundle, self._options, self._practice, self._database)
        marking.patience = Patience(BRIEF_SECONDS, LOG.warning)
        marking.read_extensions = self._bundles.extensions
        marking.prepare(students)
        return marking

    def write(self, done: Iterable[Work]) -> None:
        """Write what is finished; a fault stays with the hand-ins that it met."""
        groups: dict[str, list[Work]] = {}
        for work in done:
            groups.setdefault(work.ready.bundle.hash, []).append(work)
        for group in groups.values():
            try:
                self._write(group)
            except UserError as error:
                self._put_aside(group, str(error))
            except Exception as error:
                LOG.exception("results could not be written")
                self._put_aside(group, f"a fault of the service's: {type(error).__name__}: {error}")

    def _put_aside(self, group: Iterable[Work], reason: str) -> None:
        for work in group:
            self._setbacks.put_aside(work.arrival, reason)

    def _write(self, group: Sequence[Work]) -> None:
        ready = group[0].ready
        marking = self.marking(ready, [work.submission.student for work in group])
        for work in group:
            if work.public is not None and ready.answers.public is not None:
                key = self._publisher.key(marking, ready.answers.public, work.submission)
                marking.ledger.record(key, work.public)
            if work.result is not None:
                marking.finish(work.submission, work.result, from_ledger=work.from_ledger)
        problems = {row.result.student: row.problem for row in marking.close().rows}
        for work in group:
            if work.result is not None:
                problem = problems.get(work.submission.student, "")
                state = self._publisher.publish(
                    work.arrival, work.ready, work.submission, work.result, work.public, problem
                )
                self._tasks.settle(work.arrival.number, state, work.cost)
