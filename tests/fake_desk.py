"""A desk that holds what a test puts into it: the marking service's pages without the service.

In: cards, hand-ins, jobs and so on, as a test likes. Out: `FakeDesk`, which notes what pages have it do, and
`lively`, a desk of a small class in which everything that pages show occurs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from saiten.errors import UserError
from saiten.hub.model import (
    Act,
    Card,
    Cluster,
    Event,
    HandIn,
    Job,
    JobKind,
    JobState,
    QuestionScore,
    Shown,
    State,
    Withheld,
    WorkerHealth,
)

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
QUESTIONS = (
    QuestionScore("pool", {"ja": "最大プーリング", "en": "Max pooling"}, 4.0, 4.0),
    QuestionScore("back", {"ja": "逆伝播", "en": "Backward pass"}, 1.5, 4.0, "the gradient of the second window is 0"),
    QuestionScore("why", {"ja": "なぜ?", "en": "Why?"}, None, 2.0),
)


@dataclass
class FakeDesk:
    """A desk out of lists."""

    all_cards: list[Card] = field(default_factory=list)
    all_hand_ins: list[HandIn] = field(default_factory=list)
    all_jobs: list[Job] = field(default_factory=list)
    all_workers: list[WorkerHealth] = field(default_factory=list)
    all_acts: list[Act] = field(default_factory=list)
    all_clusters: list[Cluster] = field(default_factory=list)
    pages: dict[tuple[int, str], bytes] = field(default_factory=dict)
    dues: dict[str, dict[str, datetime]] = field(default_factory=dict)
    """by student, what an extension moves"""
    languages: tuple[str, ...] = ("ja", "en")
    course_id: str = "vision"
    refuse: UserError | None = None
    """raised by `start`"""
    asked: list[tuple[object, ...]] = field(default_factory=list)
    """what it was asked for, with the reader's standing"""
    threads: set[str] = field(default_factory=set)
    """names of the threads that asked"""
    listeners: list[Callable[[Event], None]] = field(default_factory=list)

    def _note(self, *what: object) -> None:
        self.asked.append(what)
        self.threads.add(threading.current_thread().name)

    def cards(self) -> Sequence[Card]:
        """All."""
        self._note("cards")
        return self.all_cards

    def hand_ins(
        self,
        *,
        student: str | None = None,
        assignment: str | None = None,
        state: State | None = None,
        for_staff: bool,
        limit: int = 200,
    ) -> Sequence[HandIn]:
        """Those that fit, newest first."""
        self._note("hand_ins", student, for_staff)
        fitting = [
            each
            for each in sorted(self.all_hand_ins, key=lambda one: one.number, reverse=True)
            if student in (None, each.student) and assignment in (None, each.assignment) and state in (None, each.state)
        ]
        return [_seen(each, for_staff) for each in fitting[:limit]]

    def hand_in(self, number: int, *, for_staff: bool) -> HandIn | None:
        """That one."""
        self._note("hand_in", number, for_staff)
        return next((_seen(each, for_staff) for each in self.all_hand_ins if each.number == number), None)

    def own_dues(self, student: str) -> Mapping[str, datetime]:
        """Theirs."""
        self._note("own_dues", student)
        return self.dues.get(student, {})

    def page(self, number: int, notebook: str = "", *, for_staff: bool) -> bytes | None:
        """Its page."""
        self._note("page", number, for_staff)
        return self.pages.get((number, notebook or next(iter(self.notebooks(number)), "")))

    def notebooks(self, number: int) -> Sequence[str]:
        """Those with a page."""
        return [name for of, name in self.pages if of == number]

    def jobs(self, limit: int = 20) -> Sequence[Job]:
        """Newest first."""
        self._note("jobs")
        return self.all_jobs[:limit]

    def start(self, kind: JobKind, assignment: str, by: str) -> Job:
        """Note it, or refuse."""
        self._note("start", kind, assignment, by)
        if self.refuse:
            raise self.refuse
        job = Job(len(self.all_jobs) + 1, kind, assignment, by, NOW, JobState.RUNNING, 0, 40)
        self.all_jobs.insert(0, job)
        return job

    def cancel(self, number: int, by: str) -> None:
        """Note it."""
        self._note("cancel", number, by)

    def workers(self) -> Sequence[WorkerHealth]:
        """All."""
        return self.all_workers

    def acts(self, limit: int = 100) -> Sequence[Act]:
        """All."""
        return self.all_acts[:limit]

    def clusters(self, assignment: str) -> Sequence[Cluster]:
        """All."""
        return self.all_clusters

    def listen(self, tell: Callable[[Event], None]) -> Callable[[], None]:
        """Keep it."""
        self.listeners.append(tell)
        return lambda: self.listeners.remove(tell)

    def happen(self, event: Event) -> None:
        """Tell everybody who listens."""
        for tell in list(self.listeners):
            tell(event)


def _seen(hand_in: HandIn, for_staff: bool) -> HandIn:
    """What the real desk does as well: nothing that is withheld reaches a student's page."""
    if for_staff or hand_in.withheld is Withheld.NO:
        return hand_in
    return replace(hand_in, score=None, questions=(), has_page=False)


def lively(text: str = "") -> FakeDesk:
    """A class in which everything occurs; `text` stands wherever a student, or a person, can write."""
    days = timedelta(days=1)
    title = {"ja": "最大プーリングと逆伝播", "en": "Max pooling and its backward pass"}
    cards = [
        Card(
            "02-filters",
            {"ja": "フィルタ", "en": "Filters"},
            NOW - 20 * days,
            NOW - 3 * days,
            True,
            Shown.FULL,
            0,
            0,
            12,
            True,
            40,
            0,
            40,
            3,
            0,
            8.25,
        ),
        Card(
            "03-max-pooling",
            title,
            NOW - 6 * days,
            NOW + days / 2,
            True,
            Shown.QUESTIONS,
            5,
            2,
            10,
            True,
            31,
            2,
            28,
            4,
            1,
            7.5,
        ),
        Card(
            "04-faces", {"ja": "顔の検出", "en": "Finding faces"}, NOW + days, NOW + 9 * days, False, Shown.PUBLIC, 3, 0
        ),
    ]
    me = "student-017"
    ago = [NOW - timedelta(minutes=5 * at) for at in range(20)]
    said = tuple(replace(each, message=text or each.message) for each in QUESTIONS)
    hand_ins = [
        HandIn(
            1,
            me,
            "02-filters",
            ago[19],
            State.MARKED,
            1,
            False,
            shown=Shown.FULL,
            score=12,
            max_score=12,
            questions=(),
            has_page=True,
            seconds=1.4,
        ),
        HandIn(
            2,
            me,
            "02-filters",
            ago[18],
            State.MARKED,
            2,
            True,
            shown=Shown.FULL,
            score=11.5,
            max_score=12,
            has_page=True,
            seconds=95.0,
        ),
        HandIn(3, me, "03-max-pooling", ago[9], State.REJECTED, 1, False, message=text or "max.ipynb is no notebook."),
        HandIn(
            4,
            me,
            "03-max-pooling",
            ago[8],
            State.MARKED,
            2,
            False,
            shown=Shown.QUESTIONS,
            score=5.5,
            max_score=10,
            questions=said,
            has_page=True,
            seconds=1.9,
        ),
        HandIn(
            5,
            "student-018",
            "03-max-pooling",
            ago[7],
            State.MARKED,
            1,
            False,
            withheld=Withheld.QUIET,
            withheld_until=NOW + days / 2,
            score=6,
            max_score=10,
            questions=said,
            has_page=True,
            seconds=2.0,
        ),
        HandIn(
            6, "student-019", "03-max-pooling", ago[6], State.TROUBLE, 1, False, message=text or "the worker died twice"
        ),
        HandIn(7, "student-020", "03-max-pooling", ago[5], State.REPLACED, 1, False),
        HandIn(8, "student-020", "03-max-pooling", ago[4], State.MARKING, 2, False, expected=1.5),
        HandIn(9, me, "03-max-pooling", ago[1], State.WAITING, 3, False, position=2, expected=4.2),
        HandIn(
            10,
            text or "student-021",
            "03-max-pooling",
            ago[0],
            State.MARKED,
            1,
            False,
            shown=Shown.PUBLIC,
            score=None,
            max_score=10,
            questions=said,
            seconds=2.2,
        ),
    ]
    jobs = [
        Job(3, JobKind.MARK_CHANGED, "03-max-pooling", "assistant-1", NOW, JobState.RUNNING, 12, 40, 8.5, 14.2),
        Job(
            2,
            JobKind.CHECK,
            "03-max-pooling",
            "teacher",
            NOW,
            JobState.FAILED,
            0,
            0,
            41.0,
            77.0,
            text or "2 mutants live.\nLook at the report.",
        ),
        Job(1, JobKind.BUILD, "03-max-pooling", "teacher", NOW, JobState.DONE, 1, 1, 3.2, None),
    ]
    workers = [
        WorkerHealth("worker-1", "03-max-pooling", "marking", 8, NOW, 17, 412_000_000),
        WorkerHealth("worker-2", "", "idle", None, NOW, 3, 51_000_000),
        WorkerHealth("worker-3", "02-filters", "dead", None, NOW, 0, None),
        WorkerHealth("worker-4", "02-filters", "starting", None, NOW, 0, None),
    ]
    acts = [
        Act(NOW, "", "marked", "03-max-pooling", me, "5.5 of 10"),
        Act(NOW, "teacher", "release", "03-max-pooling"),
        Act(NOW, "assistant-1", "a-key-without-words", "03-max-pooling", text or me, text),
    ]
    clusters = [Cluster("back", text or "the gradient of the second window is 0", (me, text or "student-018"))]
    page = f"<!DOCTYPE html><html lang=ja><title>feedback</title><p>{text or 'well done'}</p></html>".encode()
    pages = {(1, "filters"): page, (2, "filters"): page, (4, "pooling"): page, (4, "essay"): page, (5, "pooling"): page}
    return FakeDesk(cards, hand_ins, jobs, workers, acts, clusters, pages)
