"""What the marking service and its pages know of each other: hand-ins, assignments, jobs, and the desk between them.

In: nothing. Out: frozen dataclasses and the protocol `Desk`. The pages see a desk only; the service is one.
Every moment is aware (UTC); every method may be called from any thread and returns at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """Where a hand-in is."""

    WAITING = "waiting"
    """in the queue"""
    MARKING = "marking"
    MARKED = "marked"
    REJECTED = "rejected"
    """it cannot be read: `message` says why, and the student can hand in again"""
    TROUBLE = "trouble"
    """could not be marked through no fault of the student's; staff are told, it is tried again"""
    REPLACED = "replaced"
    """the same student handed in again before it was marked; the newer one is marked"""


class Shown(StrEnum):
    """What a student may learn of one hand-in now: assignment.toml's `instant_feedback.show`, or why not that much."""

    NOTHING = "off"
    PUBLIC = "public"
    """tests that the student has as well"""
    QUESTIONS = "questions"
    """a score for each question"""
    TOTAL = "total"
    """one number"""
    FULL = "full"
    """everything that `saiten feedback` writes"""


class Withheld(StrEnum):
    """Why a student learns nothing of a hand-in for now."""

    NO = ""
    OFF = "off"
    """the assignment gives no feedback before staff release it"""
    ATTEMPTS = "attempts"
    """more hand-ins in 24 hours than the assignment answers"""
    QUIET = "quiet"
    """too near to the due date"""


@dataclass(frozen=True, slots=True)
class QuestionScore:
    """One question, as far as the reader may know it."""

    name: str
    title: Mapping[str, str]
    """language code to its heading"""
    score: float | None
    """None while it waits for a person"""
    max_score: float
    message: str = ""
    """in the test's own words; plain text, to be escaped"""


@dataclass(frozen=True, slots=True)
class HandIn:
    """One submission that the service took."""

    number: int
    """of this hand-in; never used twice"""
    student: str
    assignment: str
    arrived: datetime
    """when the service took it: what lateness is reckoned by"""
    state: State
    attempt: int
    """1 for the first of this student and assignment"""
    late: bool
    position: int | None = None
    """1 is next; None unless it waits"""
    expected: float | None = None
    """seconds until it is probably marked; None unless it waits or is being marked"""
    shown: Shown = Shown.NOTHING
    withheld: Withheld = Withheld.NO
    withheld_until: datetime | None = None
    score: float | None = None
    """None while unknown to the reader, or while a person has to mark something"""
    max_score: float | None = None
    questions: tuple[QuestionScore, ...] = ()
    has_page: bool = False
    """whether `Desk.page` has something"""
    finished: datetime | None = None
    seconds: float | None = None
    """from arrival to the mark"""
    message: str = ""
    """for `REJECTED`, and for staff for `TROUBLE`; plain text, to be escaped"""


@dataclass(frozen=True, slots=True)
class Card:
    """One assignment, for its row on a page."""

    name: str
    title: Mapping[str, str]
    release: datetime | None
    due: datetime | None
    released: bool
    """whether students can fetch it from the exchange"""
    shown: Shown
    """what students are shown at once"""
    per_day: int
    """how many hand-ins of a student are answered in 24 hours; 0 is no limit"""
    quiet_hours: float
    """before the due date in which nothing is shown"""
    points: float | None = None
    """None until it is built"""
    built: bool = False
    """whether the bundle is that of the source as it is now"""
    students: int = 0
    """how many have handed in"""
    waiting: int = 0
    marked: int = 0
    manual: int = 0
    """hand-ins in which a person has to mark something"""
    trouble: int = 0
    mean: float | None = None
    """of the marked, in points"""


class JobKind(StrEnum):
    """What staff can have done from a page."""

    BUILD = "build"
    CHECK = "check"
    RELEASE = "release"
    MARK_ALL = "mark-all"
    """every submission, again"""
    MARK_CHANGED = "mark-changed"
    """what the ledger does not know as it is now"""
    FEEDBACK = "feedback"
    """write everybody's full feedback and hand it out"""


class JobState(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work that a member of staff has started."""

    number: int
    kind: JobKind
    assignment: str
    by: str
    started: datetime
    state: JobState
    done: int = 0
    total: int = 0
    """0 while unknown"""
    seconds: float = 0.0
    processor_seconds: float | None = None
    """what it cost"""
    message: str = ""
    """its outcome, or why it failed and what to do next; plain text, several lines, to be escaped"""
    finished: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """One process that marks."""

    name: str
    assignment: str
    """what it is warm for; empty while it is for nothing"""
    state: str
    """"starting", "idle", "marking" or "dead\""""
    number: int | None
    """of the hand-in that it marks"""
    since: datetime
    marked: int
    """how many since it was started"""
    memory: int | None
    """bytes, of the process and all below it"""


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what, when: one line of the log that staff see."""

    moment: datetime
    who: str
    """a user's name; empty: the service itself"""
    what: str
    """a short key, such as "taken", "marked", "released", "mark-all"; the pages have words for it"""
    assignment: str
    student: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Hand-ins that fail in the same way."""

    question: str
    message: str
    students: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something has changed; who reads a page that shows it asks the desk again."""

    kind: str
    """"hand-in", "card", "job" or "worker\""""
    assignment: str = ""
    student: str = ""
    """whose hand-in; empty for all else"""
    number: int = 0


class Desk(Protocol):
    """The service as its pages see it."""

    languages: tuple[str, ...]
    """of the course, the first in front"""
    course_id: str

    def cards(self) -> Sequence[Card]:
        """Every assignment, by name."""

    def hand_ins(
        self,
        *,
        student: str | None = None,
        assignment: str | None = None,
        state: State | None = None,
        for_staff: bool,
        limit: int = 200,
    ) -> Sequence[HandIn]:
        """The newest of all that fit, newest first; scores are those that the reader may know."""

    def hand_in(self, number: int, *, for_staff: bool) -> HandIn | None:
        """One of them; None if there is none. Whose it is, is for the caller to look at."""

    def own_dues(self, student: str) -> Mapping[str, datetime]:
        """By assignment, until when a student with an extension hands in; nothing where the card's due date holds."""

    def page(self, number: int, notebook: str = "", *, for_staff: bool) -> bytes | None:
        """The feedback page of a hand-in (of its first notebook, unless named), as far as the reader may see it."""

    def notebooks(self, number: int) -> Sequence[str]:
        """Names of the notebooks that have a page."""

    def jobs(self, limit: int = 20) -> Sequence[Job]:
        """Newest first."""

    def start(self, kind: JobKind, assignment: str, by: str) -> Job:
        """Begin a piece of work; the same one that waits or runs already is returned instead of a second.

        Raises:
            UserError: there is no such assignment, or it cannot be done now.
        """

    def cancel(self, number: int, by: str) -> None:
        """Stop a job; what it has finished stays."""

    def workers(self) -> Sequence[WorkerHealth]:
        """Processes that mark."""

    def acts(self, limit: int = 100) -> Sequence[Act]:
        """Newest first."""

    def clusters(self, assignment: str) -> Sequence[Cluster]:
        """Failures that several hand-ins share, the largest first; [] until some are marked."""

    def listen(self, tell: Callable[[Event], None]) -> Callable[[], None]:
        """Have `tell` called (from any thread, quickly) with every event; the result ends that."""
