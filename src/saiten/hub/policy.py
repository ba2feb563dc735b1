"""What a student may see of a hand-in now: the assignment's policy, attempts, the quiet hours, what staff released.

In: settings, the student's hand-ins, the time. Out: how much is shown, or why nothing and until when. Nothing is read
or written here: the same questions get the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from saiten.hub.model import Shown, State, Withheld
from saiten.hub.store import Arrival
from saiten.settings import InstantFeedback

DAY = timedelta(hours=24)
_UNANSWERED = (State.REPLACED, State.REJECTED)
"""hand-ins that use up no attempt: nothing was learnt from them"""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a student may see of one hand-in now."""

    shown: Shown
    withheld: Withheld = Withheld.NO
    until: datetime | None = None
    """when it will be shown; None: when staff release it, or it is shown"""


def sight(
    policy: InstantFeedback, due: datetime | None, history: Sequence[Arrival], arrival: Arrival, now: datetime
) -> Sight:
    """Say what the student may see of a hand-in.

    Args:
        policy: of the assignment, as it is now.
        due: its due date.
        history: all hand-ins of this student for it, oldest first.
        arrival: one of them.
        now: the time.
    """
    if arrival.released:
        return Sight(Shown.FULL)
    shown = Shown(policy.show)
    if shown is Shown.NOTHING:
        return Sight(Shown.NOTHING, Withheld.OFF)
    moment, reason = _answered_at(policy, history, arrival), Withheld.ATTEMPTS
    moment = max(moment, arrival.arrived)
    if due is not None and due - timedelta(hours=policy.quiet_hours) <= moment < due:
        moment, reason = due, Withheld.QUIET
    return Sight(shown) if moment <= now else Sight(Shown.NOTHING, reason, moment)


def _answered_at(policy: InstantFeedback, history: Sequence[Arrival], arrival: Arrival) -> datetime:
    """When the attempts of a day let this hand-in be answered; a hand-in that had to wait uses up none."""
    if policy.per_day == 0:
        return arrival.arrived
    answered: list[datetime] = []
    for each in history:
        if each.state in _UNANSWERED and each.number != arrival.number:
            continue
        recent = [moment for moment in answered if moment > each.arrived - DAY]
        free = len(recent) < policy.per_day
        if each.number == arrival.number:
            return each.arrived if free else recent[-policy.per_day] + DAY
        if free:
            answered.append(each.arrived)
    return arrival.arrived
