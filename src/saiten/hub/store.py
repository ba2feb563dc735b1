"""What the service knows: hand-ins, jobs and acts, in memory for its readers and in the database for the next start.

In: the gradebook's database. Out: `Arrival`s, `Job`s, `Act`s; each change is one transaction, then seen by readers.
Readers wait for no database: a page of a class must not wait for the class being marked.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from saiten.database import BRIEF_SECONDS, Patience, reading
from saiten.errors import GradebookError
from saiten.hub import tables
from saiten.hub.model import Act, Event, Job, JobKind, JobState, State
from saiten.hub.tables import ACTS, ARRIVALS, JOBS
from saiten.hub.verdict import Verdict

LOG = logging.getLogger("saiten.hub")

ACTS_IN_MEMORY = 1000
PENDING = (State.WAITING, State.MARKING)
"""states of a hand-in that has to be marked yet"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One hand-in as the service keeps it."""

    number: int
    token: str
    """under which it was taken: the same is never taken twice"""
    student: str
    assignment: str
    arrived: datetime
    claimed: str
    """the time that the student's own file gave"""
    submission_hash: str
    attempt: int
    state: State
    tries: int = 0
    """how often a worker died of it, or the engine failed"""
    finished: datetime | None = None
    seconds: float | None = None
    message: str = ""
    verdict: Verdict | None = None
    """for staff"""
    answer: Verdict | None = None
    """for the student, by the policy at the time of marking; whether it may be seen yet, is asked each time"""
    failures: str = ""
    """JSON for `Desk.clusters`"""
    handed_out: bool = False
    """whether its page lies in the exchange"""
    released: bool = False
    """whether staff have handed out the full feedback on it"""


_VERDICTS = ("verdict", "answer")


class Store:
    """All that the service keeps.

    Args:
        database: engine of the gradebook's database.
        tell: called, quickly and from any thread, when something has changed.

    Raises:
        GradebookError: the database refuses.
    """

    def __init__(self, database: Engine, tell: Callable[[Event], None] = lambda _: None) -> None:
        self._database = database
        self._tell = tell
        self._lock = threading.RLock()
        self._arrivals: dict[int, Arrival] = {}
        self._of: dict[tuple[str, str], list[int]] = defaultdict(list)
        """(student, assignment) to numbers, oldest first"""
        self._tokens: dict[str, int] = {}
        self._jobs: dict[int, Job] = {}
        self._acts: deque[Act] = deque(maxlen=ACTS_IN_MEMORY)
        try:
            tables.create(database)
            self._load()
        except SQLAlchemyError as error:
            raise refused(database, error) from error

    # -- hand-ins ---------------------------------------------------------------------------------------------------

    def arrival(self, number: int) -> Arrival | None:
        """One hand-in."""
        with self._lock:
            return self._arrivals.get(number)

    def taken(self, token: str) -> Arrival | None:
        """The hand-in that was taken under a token; None: none was."""
        with self._lock:
            number = self._tokens.get(token)
            return None if number is None else self._arrivals[number]

    def history(self, student: str, assignment: str) -> list[Arrival]:
        """All hand-ins of a student for an assignment, oldest first."""
        with self._lock:
            return [self._arrivals[number] for number in self._of.get((student, assignment), ())]

    def newest(self, student: str, assignment: str) -> Arrival | None:
        """The last hand-in of a student for an assignment."""
        with self._lock:
            numbers = self._of.get((student, assignment))
            return self._arrivals[numbers[-1]] if numbers else None

    def arrivals(
        self, student: str | None = None, assignment: str | None = None, state: State | None = None
    ) -> list[Arrival]:
        """Hand-ins of a student, of an assignment, in a state, or all; newest first."""
        with self._lock:
            if student is not None and assignment is not None:
                return [each for each in self.history(student, assignment)[::-1] if state in (None, each.state)]
            found = [
                each
                for each in self._arrivals.values()
                if student in (None, each.student)
                and assignment in (None, each.assignment)
                and state in (None, each.state)
            ]
        return sorted(found, key=lambda each: each.number, reverse=True)

    def newest_of(self, assignment: str) -> list[Arrival]:
        """The last hand-in of everybody who handed in an assignment, by student."""
        with self._lock:
            pairs = sorted(pair for pair in self._of if pair[1] == assignment)
            return [self._arrivals[self._of[pair][-1]] for pair in pairs]

    def take(
        self, token: str, student: str, assignment: str, arrived: datetime, submission_hash: str, claimed: str = ""
    ) -> tuple[Arrival, list[Arrival]]:
        """Note a hand-in, once: a token that is known changes nothing.

        One that arrived before another that is known (it lay there while nobody looked) is replaced from the start.

        Returns:
            it, and the older ones that it replaces in the queue.
        """
        with self._lock:
            known = self.taken(token)
            if known is not None:
                return known, []
            history = self.history(student, assignment)
            attempt = len(history) + 1
            is_last = not history or history[-1].arrived < arrived
            state = State.WAITING if is_last else State.REPLACED
            row = {
                "token": token, "student": student, "assignment": assignment, "arrived": _naive(arrived),
                "claimed": claimed[:255], "submission_hash": submission_hash, "attempt": attempt,
                "state": state.value,
            }  # fmt: skip
            waiting = [each for each in history if is_last and each.state is State.WAITING]
            old = [replace(each, state=State.REPLACED) for each in waiting]
            act = Act(_now(), "", "taken", assignment, student, str(attempt))
            with self._transaction() as connection:
                number = int(
                    connection.execute(insert(ARRIVALS).values(**row).returning(ARRIVALS.c.number)).scalar_one()
                )
                for each in old:
                    changed = update(ARRIVALS).where(ARRIVALS.c.number == each.number)
                    connection.execute(changed.values(state=each.state.value))
                self._insert_act(connection, act)
            arrival = Arrival(
                number, token, student, assignment, arrived, claimed[:255], submission_hash, attempt, state
            )
            for each in (*old, arrival):
                self._remember(each)
            self._acts.append(act)
        for each in (arrival, *old):
            self._tell(Event("hand-in", assignment, student, each.number))
        self._tell(Event("card", assignment))
        return arrival, old

    def change(self, number: int, act: Act | None = None, **columns: Any) -> Arrival:
        """Change columns of a hand-in, together with the line of the log about it, if there is one."""
        return self.change_all([(number, act, columns)])[0]

    def change_all(self, changes: Iterable[tuple[int, Act | None, Mapping[str, Any]]]) -> list[Arrival]:
        """Change several hand-ins in one transaction."""
        with self._lock:
            changed = [(replace(self._arrivals[number], **columns), act, columns) for number, act, columns in changes]
            with self._transaction() as connection:
                for arrival, act, columns in changed:
                    values = {name: _stored(value) for name, value in columns.items()}
                    connection.execute(update(ARRIVALS).where(ARRIVALS.c.number == arrival.number).values(**values))
                    if act is not None:
                        self._insert_act(connection, act)
            for arrival, act, _ in changed:
                self._remember(arrival)
                if act is not None:
                    self._acts.append(act)
        for arrival, _, _ in changed:
            self._tell(Event("hand-in", arrival.assignment, arrival.student, arrival.number))
        for assignment in {arrival.assignment for arrival, _, _ in changed}:
            self._tell(Event("card", assignment))
        return [arrival for arrival, _, _ in changed]

    # -- jobs -------------------------------------------------------------------------------------------------------

    def jobs(self) -> list[Job]:
        """All jobs, newest first."""
        with self._lock:
            return [self._jobs[number] for number in sorted(self._jobs, reverse=True)]

    def job(self, number: int) -> Job | None:
        """One job."""
        with self._lock:
            return self._jobs.get(number)

    def begin(self, kind: JobKind, assignment: str, by: str) -> Job:
        """Note a new job, together with who began it."""
        with self._lock:
            moment = _now()
            act = Act(moment, by, kind.value, assignment)
            row = {
                "kind": kind.value, "assignment": assignment, "who": by, "started": _naive(moment),
                "state": JobState.WAITING.value,
            }  # fmt: skip
            with self._transaction() as connection:
                number = int(connection.execute(insert(JOBS).values(**row).returning(JOBS.c.number)).scalar_one())
                self._insert_act(connection, act)
            job = Job(number, kind, assignment, by, moment, JobState.WAITING)
            self._jobs[number] = job
            self._acts.append(act)
        self._tell(Event("job", assignment, number=number))
        return job

    def progress(self, number: int, *, keep: bool = True, **columns: Any) -> Job:
        """Change a job; with `keep=False` in memory alone: a count that would be written each second."""
        with self._lock:
            job = replace(self._jobs[number], **columns)
            if keep:
                values = {name: _stored(value) for name, value in columns.items()}
                with self._transaction() as connection:
                    connection.execute(update(JOBS).where(JOBS.c.number == number).values(**values))
            self._jobs[number] = job
        self._tell(Event("job", job.assignment, number=number))
        if job.finished is not None:  # students hear of no job, but of what has been released
            self._tell(Event("card", job.assignment))
        return job

    # -- acts -------------------------------------------------------------------------------------------------------

    def acts(self) -> Sequence[Act]:
        """The last acts, newest first."""
        with self._lock:
            return list(self._acts)[::-1]

    def note(self, what: str, assignment: str, student: str = "", detail: str = "", who: str = "") -> None:
        """Write a line of the log."""
        act = Act(_now(), who, what, assignment, student, detail)
        with self._lock:
            with self._transaction() as connection:
                self._insert_act(connection, act)
            self._acts.append(act)

    # -- database ---------------------------------------------------------------------------------------------------

    def _transaction(self) -> _Transaction:
        return _Transaction(self._database)

    def _insert_act(self, connection: Connection, act: Act) -> None:
        row = {
            "moment": _naive(act.moment), "who": act.who, "what": act.what, "assignment": act.assignment,
            "student": act.student, "detail": act.detail,
        }  # fmt: skip
        connection.execute(insert(ACTS).values(**row))

    def _remember(self, arrival: Arrival) -> None:
        is_new = arrival.number not in self._arrivals
        self._arrivals[arrival.number] = arrival
        if is_new:
            self._tokens[arrival.token] = arrival.number
            numbers = self._of[arrival.student, arrival.assignment]
            numbers.append(arrival.number)
            numbers.sort(key=lambda number: (self._arrivals[number].arrived, number))

    def _load(self) -> None:
        with reading(self._database).connect() as connection:
            for row in connection.execute(select(ARRIVALS).order_by(ARRIVALS.c.number)).mappings():
                columns = dict(row)
                for name in _VERDICTS:
                    columns[name] = Verdict.from_json(columns[name]) if columns[name] else None
                times = {name: _aware(columns[name]) for name in ("arrived", "finished")}
                self._remember(Arrival(**{**columns, **times, "state": State(columns["state"])}))
            for row in connection.execute(select(JOBS)).mappings():
                columns = dict(row)
                started = _aware(columns.pop("started"))
                if started is not None:
                    kind, state = JobKind(columns.pop("kind")), JobState(columns.pop("state"))
                    columns["finished"] = _aware(columns["finished"])
                    by = columns.pop("who")
                    self._jobs[columns["number"]] = Job(kind=kind, state=state, by=by, started=started, **columns)
            last = select(ACTS).order_by(ACTS.c.number.desc()).limit(ACTS_IN_MEMORY)
            for row in reversed(connection.execute(last).mappings().all()):
                moment = _aware(row["moment"]) or _now()
                texts = (row["who"], row["what"], row["assignment"], row["student"], row["detail"])
                self._acts.append(Act(moment, *texts))


class _Transaction:
    """One transaction; what the database refuses is a `GradebookError`."""

    def __init__(self, database: Engine) -> None:
        self._database = database

    def __enter__(self) -> Connection:
        try:
            return Patience(BRIEF_SECONDS, LOG.warning)(self._entered)
        except SQLAlchemyError as error:
            raise refused(self._database, error) from error

    def _entered(self) -> Connection:
        self._begin = self._database.begin()
        return self._begin.__enter__()

    def __exit__(self, *failure: Any) -> None:
        try:
            self._begin.__exit__(*failure)
        except SQLAlchemyError as error:
            raise refused(self._database, error) from error
        if isinstance(failure[1], SQLAlchemyError):
            raise refused(self._database, failure[1]) from failure[1]


def refused(database: Engine, error: SQLAlchemyError) -> GradebookError:
    """What to tell the user where the database says no."""
    where = database.url.render_as_string(hide_password=True)
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    return GradebookError(
        f"The gradebook {where} cannot be used by the marking service ({reason}).",
        "See that it can be written and that no other program keeps it locked.",
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return _naive(value)
    if isinstance(value, Verdict):
        return value.to_json()
    return value.value if isinstance(value, State | JobState) else value
