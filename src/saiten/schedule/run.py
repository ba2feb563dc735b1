"""Doing what is due, one assignment after the other; a fault in one keeps no other from its own.

In: a course, the time. Out: sentences about what was done, what went wrong, what comes next. Each step is noted as soon
as it is done; what went wrong stays due, and is tried again by the next run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from saiten.batch.freshness import current_bundle
from saiten.batch.marking import Options, mark_class
from saiten.batch.pool import LocalPool, PoolFactory
from saiten.collect import collect_from_exchange
from saiten.course import Assignment, Course
from saiten.errors import CourseError, UserError
from saiten.exchange import released, require_exchange_of, service_takes_hand_ins
from saiten.extensions import Extensions
from saiten.feedback import write_feedback
from saiten.release import release_assignment, release_feedback
from saiten.results import Status
from saiten.schedule.plan import Planned, Step, due_now, to_come
from saiten.schedule.state import Progress, State, opened

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Done:
    """One thing done, or, in a dry run, one that would be."""

    planned: Planned
    said: str = ""
    """what it came to"""


@dataclass(slots=True)
class Report:
    """What a run came to."""

    done: list[Done] = field(default_factory=list)
    failed: list[tuple[str, UserError]] = field(default_factory=list)
    """what was tried, and why it could not be done"""
    faults: list[tuple[str, Exception]] = field(default_factory=list)
    """what was tried, and a fault of Saiten's own that it met"""
    notes: list[str] = field(default_factory=list)
    """lines of extensions.csv that name nobody"""
    next: list[Planned] = field(default_factory=list)
    """what is to come, by time"""
    service: bool = False
    """whether a marking service takes and marks hand-ins of this course"""


@dataclass(slots=True)
class _Run:
    course: Course
    state: State
    extensions: Extensions | None
    now: datetime
    workers: int
    pool: PoolFactory
    dry: bool
    report: Report
    released: set[str] | None
    """names that the exchange lists; None: it does not tell"""


OnStep = Callable[[str], None]
"""called with a few words when a step begins"""


def run_schedule(
    course: Course,
    now: datetime,
    *,
    workers: int,
    pool: PoolFactory = LocalPool,
    dry: bool = False,
    on_step: OnStep = lambda _: None,
) -> Report:
    """Do what is due.

    Args:
        course: whose.
        now: the time, aware.
        workers: processes that mark.
        pool: where they are.
        dry: say what would be done, and do nothing.
        on_step: for progress.

    Raises:
        Busy: another run is at work.
        CourseError: no exchange is configured, or the schedule's own file or extensions.csv cannot be read.
    """
    require_exchange_of(course)
    report = Report(service=service_takes_hand_ins(course))
    with opened(course, dry=dry) as state:
        run = _Run(course, state, course.extensions(), now, workers, pool, dry, report, released(course))
        for name in course.assignment_names():
            try:
                assignment = course.assignment(name)
                _one(run, assignment, on_step)
                progress = state.of(name)
                report.next += to_come(
                    name, assignment.settings, run.extensions, progress, now, is_released=_is_released(run, name)
                )
            except UserError as error:
                report.failed.append((name, error))
            except Exception as error:  # the others are done first; then it is told with its traceback
                report.faults.append((name, error))
        report.next.sort()
    return report


def _one(run: _Run, assignment: Assignment, on_step: OnStep) -> None:
    """Do what is due of one assignment; each step may make the next one due."""
    tried: set[Step] = set()
    while True:
        name, progress = assignment.name, run.state.of(assignment.name)
        planned = due_now(
            name, assignment.settings, run.extensions, progress, run.now, is_released=_is_released(run, name)
        )
        following = next((each for each in planned if each.step not in tried), None)
        if following is None:
            return
        tried.add(following.step)
        on_step(f"{name}: {following.step}")
        if run.dry:
            _pretend(run, assignment, following.step)
            run.report.done.append(Done(following))
            continue
        try:
            said = _STEPS[following.step](run, assignment, progress)
        except UserError as error:
            raise CourseError(f"{following.step}: {error.message}", error.next_step) from error
        finally:
            run.state.save()
        if said:
            run.report.done.append(Done(following, said))


def _is_released(run: _Run, name: str) -> bool:
    """Whether students can fetch it; where the exchange does not tell, what the schedule did counts."""
    return run.state.of(name).released is not None or (run.released is not None and name in run.released)


def _pretend(run: _Run, assignment: Assignment, step: Step) -> None:
    """Take a step for done, so that what would follow it can be said; nothing of it is kept."""
    progress, wanted = run.state.of(assignment.name), assignment.settings.schedule
    match step:
        case Step.RELEASE:
            progress.released = run.now
        case Step.COLLECT:
            progress.collected, progress.to_grade = run.now, not run.report.service
            progress.to_hand_out = run.report.service and wanted.feedback
        case Step.GRADE:
            progress.to_grade, progress.to_hand_out = False, wanted.feedback
        case Step.FEEDBACK:
            progress.to_hand_out = False


def _release(run: _Run, assignment: Assignment, progress: Progress) -> str:
    done = release_assignment(assignment)
    progress.released = run.now
    return f"{'built and ' if done.built else ''}released, {done.files} files"


def _collect(run: _Run, assignment: Assignment, progress: Progress) -> str:
    if run.report.service:  # it takes hand-ins as they come, and marks them
        progress.collected, progress.to_hand_out = run.now, assignment.settings.schedule.feedback
        return ""
    found = collect_from_exchange(assignment)
    progress.collected = run.now
    progress.to_grade = progress.to_grade or found.students > 0
    run.report.notes += [each for each in found.strangers if each not in run.report.notes]
    late = f", {len(found.late)} late" if found.late else ""
    return f"collected: {found.students} have handed in{late}; {len(found.new)} new, {len(found.changed)} newer"


def _grade(run: _Run, assignment: Assignment, progress: Progress) -> str:
    bundle = current_bundle(assignment)
    number = min(run.workers, max(1, len(run.course.students(assignment.name))))
    report = mark_class(run.course, assignment, bundle, Options(workers=number, pool=run.pool))
    failed = [row.result.student for row in report.rows if row.result.status is Status.INFRA_ERROR]
    problems = [f"{row.result.student}: {row.problem}" for row in report.rows if row.problem]
    progress.to_hand_out = assignment.settings.schedule.feedback
    if failed or problems:
        what = [f"{len(failed)} could not be marked: {_some(failed)}"] if failed else []
        raise CourseError(f"{'; '.join([*what, *problems[:_MOST_NAMED]])}.", f"See `saiten grade {assignment.name}`.")
    progress.to_grade = False
    known = sum(row.from_ledger for row in report.rows)
    rejected = sum(row.result.status is Status.REJECTED for row in report.rows)
    cannot = f", {rejected} of them cannot be read" if rejected else ""
    return f"marked {len(report.rows)}{cannot}; {known} were known"


def _feedback(run: _Run, assignment: Assignment, progress: Progress) -> str:
    report = write_feedback(run.course, assignment, current_bundle(assignment))
    handed = release_feedback(run.course, assignment.name, sorted([*report.written, *report.same]))
    if report.unmarked or handed.failed:
        who = [*report.unmarked, *sorted(handed.failed)]
        reason = next(iter(handed.failed.values()), "they are not marked as they are now")
        raise CourseError(f"{len(who)} have no feedback ({_some(who)}): {reason}.", "It is tried again the next time.")
    progress.to_hand_out = False
    mail = f", {len(handed.elsewhere)} did not hand in through the exchange" if handed.elsewhere else ""
    return f"feedback handed out to {len(handed.handed)}; {len(handed.same)} had it{mail}"


_STEPS: dict[Step, Callable[[_Run, Assignment, Progress], str]] = {
    Step.RELEASE: _release,
    Step.COLLECT: _collect,
    Step.GRADE: _grade,
    Step.FEEDBACK: _feedback,
}


def _some(names: list[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (", ..." if names[_MOST_NAMED:] else "")
