"""The calendar of one assignment: what is due now, and what is to come.

In: settings, extensions, what was done, the time. Out: steps with their moments. Pure: nothing is read or written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from saiten.extensions import Extensions
from saiten.schedule.state import Progress
from saiten.settings import Settings

COPYING = timedelta(minutes=1)
"""after a due date before anything is collected: a hand-in that is still being copied would be taken by half"""


class Step(StrEnum):
    """What a schedule can do, in the order in which it is done."""

    RELEASE = "release"
    COLLECT = "collect"
    GRADE = "grade"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """One step."""

    moment: datetime
    """since when it is due, or when it will be"""
    assignment: str
    step: Step


def due_now(
    name: str,
    settings: Settings,
    extensions: Extensions | None,
    progress: Progress,
    now: datetime,
    *,
    is_released: bool,
) -> list[Planned]:
    """Return what is to be done now, in its order.

    Collecting is due if a due date (or an extension's end, or the end of late hand-ins) lies between the last
    collection and now: so a run that was missed is caught up, and a second run finds nothing. What follows from
    collecting is not in the list: it becomes due when something was collected.

    Args:
        name: of the assignment.
        settings: its own.
        extensions: who may hand in later.
        progress: what was done so far.
        now: the time, aware.
        is_released: whether students can fetch it.

    Raises:
        CourseError: an extension cannot be meant as it stands.
    """
    found = []
    if _release_waits(settings, progress, is_released) and settings.release is not None and settings.release <= now:
        if settings.due is None or now < settings.due:
            found.append(Planned(settings.release, name, Step.RELEASE))
        return found
    if is_released or progress.released is not None:
        passed = [moment for moment in collections(name, settings, extensions) if _open(moment, progress) <= now]
        if passed:
            found.append(Planned(max(passed), name, Step.COLLECT))
    since = progress.collected or now
    if progress.to_grade and settings.schedule.grade:
        found.append(Planned(since, name, Step.GRADE))
    if progress.to_hand_out and settings.schedule.feedback:
        found.append(Planned(since, name, Step.FEEDBACK))
    return found


def to_come(
    name: str,
    settings: Settings,
    extensions: Extensions | None,
    progress: Progress,
    now: datetime,
    *,
    is_released: bool,
) -> list[Planned]:
    """Return what will be due later, by time; see `due_now`."""
    found = []
    if _release_waits(settings, progress, is_released) and settings.release is not None and settings.release > now:
        found.append(Planned(settings.release, name, Step.RELEASE))
    later = [moment + COPYING for moment in collections(name, settings, extensions) if moment + COPYING > now]
    return [*found, *(Planned(moment, name, Step.COLLECT) for moment in later)]


def collections(name: str, settings: Settings, extensions: Extensions | None) -> Sequence[datetime]:
    """Return the moments after which hand-ins are collected, the first in front."""
    if settings.due is None or not settings.schedule.collect:
        return []
    moments = {settings.due, *(extensions.ends(name, settings.due) if extensions is not None else ())}
    if settings.schedule.late_until is not None:
        moments.add(settings.schedule.late_until)
    return sorted(moments)


def _open(moment: datetime, progress: Progress) -> datetime:
    """When a collection for a due date can be made; never, if one was made after it."""
    ready = moment + COPYING
    collected = progress.collected is not None and ready <= progress.collected
    return ready.replace(year=9999) if collected else ready


def _release_waits(settings: Settings, progress: Progress, is_released: bool) -> bool:
    return settings.schedule.release and not is_released and progress.released is None
