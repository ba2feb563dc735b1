"""Showing results: pages and rows once a hand-in is marked, the exchange's copy once its student may see it.

In: results, policies. Out: pages on the shelf, verdicts in the store, files for "Fetch Feedback".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from saiten.batch.marking import Marking
from saiten.bundle import Bundle
from saiten.course import Assignment
from saiten.errors import CourseError
from saiten.hub.bundles import Bundles, Ready
from saiten.hub.handout import SECRET_FILE, STAFF, STUDENT, Shelf
from saiten.hub.model import Act, Shown, State, Withheld
from saiten.hub.policy import Sight, sight
from saiten.hub.store import Arrival, Store
from saiten.ledger import Key
from saiten.report.clusters import failures_of, sources_of
from saiten.results import Result, Status
from saiten.submission import Submission

_LOOK_SECONDS = 30.0
"""between two looks at a page that may not be handed out yet"""
_OPEN_AFTER = timedelta(days=2)
"""after the due date, in which an exercise still counts as one that is handed in"""


class Publisher:
    """Shows what may be shown. The coordinator's thread uses it; `sight` is for any.

    Args:
        store: where hand-ins are.
        shelf: where pages are.
        bundles: for the policies.
        due: until when a student hands an assignment in.
    """

    def __init__(
        self, store: Store, shelf: Shelf, bundles: Bundles, due: Callable[[str, str], datetime | None]
    ) -> None:
        self._store, self._shelf, self._bundles, self._due = store, shelf, bundles, due
        self._to_hand_out: dict[int, float] = {}
        """hand-ins whose pages are not in the exchange, and when to look again (monotonic)"""

    def resume(self) -> None:
        """Remember what was not handed out the last time."""
        for arrival in self._store.arrivals():
            if arrival.state is State.MARKED and not arrival.handed_out:
                self._to_hand_out[arrival.number] = 0.0

    def is_open(self, assignment: Assignment) -> bool:
        """Whether students hand an assignment in these days: a worker is kept warm for it."""
        now, settings = datetime.now(UTC), assignment.settings
        begun = settings.release is None or settings.release <= now
        return begun and (settings.due is None or now <= settings.due + _OPEN_AFTER)

    def is_answered(self, arrival: Arrival) -> bool:
        """Whether what was made for the student is what the policy asks for now."""
        if arrival.answer is None or arrival.released:
            return arrival.released
        return arrival.answer.shown is self._policy(arrival.assignment)

    def key(self, marking: Marking, bundle: Bundle, submission: Submission) -> Key:
        """By which the ledger knows the verdict on a submission by a bundle."""
        return replace(marking.key(submission), bundle_hash=bundle.hash)

    def sight(self, arrival: Arrival) -> Sight:
        """What the student may see of a hand-in now."""
        try:
            settings = self._bundles.assignment(arrival.assignment).settings
        except CourseError:  # its source is gone: what staff released stays, nothing else is shown
            return Sight(Shown.FULL) if arrival.released else Sight(Shown.NOTHING, Withheld.OFF)
        history = self._store.history(arrival.student, arrival.assignment)
        due = self._due(arrival.assignment, arrival.student)
        return sight(settings.instant_feedback, due, history, arrival, datetime.now(UTC))

    def publish(
        self,
        arrival: Arrival,
        ready: Ready,
        submission: Submission,
        result: Result,
        public: Result | None,
        problem: str,
    ) -> State:
        """Write what came of a hand-in, once ledger and gradebook hold it.

        Args:
            arrival: the hand-in.
            ready: what it was marked with.
            submission: what was handed in.
            result: the verdict.
            public: that of the public tests alone, where only those are shown.
            problem: why the gradebook could not take (all of) it.

        Returns:
            the hand-in's state from now on.
        """
        now = datetime.now(UTC)
        arrival = self._store.arrival(arrival.number) or arrival  # staff may have released feedback meanwhile
        seconds = arrival.seconds if arrival.seconds is not None else (now - arrival.arrived).total_seconds()
        act = Act(now, "", "marked", arrival.assignment, arrival.student, str(arrival.attempt))
        if result.status is Status.REJECTED:
            act = replace(act, what="rejected", detail=result.message)
            self._store.change(
                arrival.number, act, state=State.REJECTED, message=result.message, finished=now, seconds=seconds
            )
            return State.REJECTED
        shown = Shown.FULL if arrival.released else self._policy(arrival.assignment)
        answer, pages = ready.answers.for_student(shown, result, public, submission)
        self._shelf.put(arrival.number, STUDENT, pages, submission.files.get(SECRET_FILE))
        # before the row says that it is marked: who looks for the page then, finds it
        handed_out = self.sight(arrival).shown is answer.shown and self._shelf.hand_out(
            arrival.number, answer.notebooks
        )
        failures = [asdict(each) for each in failures_of(result, sources_of(result))]
        self._store.change(
            arrival.number,
            act,
            state=State.MARKED,
            finished=now,
            seconds=seconds,
            verdict=ready.answers.verdict(result),
            answer=answer,
            failures=json.dumps(failures, ensure_ascii=False),
            message=problem,
            tries=0,
            handed_out=handed_out,
        )
        if not handed_out:
            self._to_hand_out[arrival.number] = 0.0
        self._shelf.put(arrival.number, STAFF, ready.answers.pages(result, submission))
        return State.MARKED

    def hand_out_due(self) -> None:
        """Put pages into the exchange that their students may see by now."""
        now = time.monotonic()
        for number in [number for number, due in self._to_hand_out.items() if due <= now]:
            arrival = self._store.arrival(number)
            if arrival is None or arrival.state is not State.MARKED or arrival.handed_out or arrival.answer is None:
                del self._to_hand_out[number]
                continue
            seen = self.sight(arrival)
            if seen.shown is not arrival.answer.shown or seen.shown is Shown.NOTHING:
                wait = (seen.until - datetime.now(UTC)).total_seconds() if seen.until else _LOOK_SECONDS
                self._to_hand_out[number] = now + min(max(wait, 0.1), _LOOK_SECONDS)
                continue
            del self._to_hand_out[number]
            self._shelf.hand_out(number, arrival.answer.notebooks)
            self._store.change(number, handed_out=True)

    def _policy(self, assignment: str) -> Shown:
        return Shown(self._bundles.assignment(assignment).settings.instant_feedback.show)
