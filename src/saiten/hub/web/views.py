"""What a page makes of a desk's answers: an exercise with its hand-ins, how long there is left, what to do next.

In: cards, hand-ins, the moment it is. Out: frozen dataclasses for the templates, and keys of words. Nothing is asked of
anybody here, and nothing that a reader may not know is worked out from what is withheld.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from saiten.hub.model import Card, HandIn, Job, JobState, Shown, State, Withheld

DAY = timedelta(days=1)
UNDER_WAY = frozenset({State.WAITING, State.MARKING})

_SOON = 3
"""seconds after which a page asks again while something of it is under way"""
_LATER = 60
"""seconds after which it asks again while a due date draws near"""


@dataclass(frozen=True, slots=True)
class Exercise:
    """One assignment with one student's hand-ins."""

    card: Card
    newest: HandIn | None
    older: tuple[HandIn, ...]
    left: float | None
    """seconds to the due date; negative once it has passed; None without one"""
    used: int
    """hand-ins of the last 24 hours"""
    next_step: str
    """key of a word"""
    extended: bool = False
    """whether the card's due date is this student's own"""


def with_own_dues(cards: Iterable[Card], dues: Mapping[str, datetime]) -> list[Card]:
    """The cards as one student has them: with the due dates of their extensions."""
    return [replace(card, due=dues[card.name]) if card.name in dues else card for card in cards]


def exercises(
    cards: Iterable[Card], hand_ins: Iterable[HandIn], now: datetime, dues: Mapping[str, datetime] | None = None
) -> list[Exercise]:
    """Put one student's hand-ins to the assignments: what is due next in front, then what is over, the latest first.

    An assignment that is not released is none for students, unless this one has handed in for it. `dues` are this
    student's own due dates, where there is an extension.
    """
    own: dict[str, list[HandIn]] = {}
    for hand_in in hand_ins:
        own.setdefault(hand_in.assignment, []).append(hand_in)
    dues = dues or {}
    found = [
        replace(_exercise(card, own.get(card.name, []), now), extended=card.name in dues)
        for card in with_own_dues(cards, dues)
        if card.released or card.name in own
    ]
    return sorted(found, key=_order)


def _exercise(card: Card, hand_ins: Sequence[HandIn], now: datetime) -> Exercise:
    ordered = sorted(hand_ins, key=lambda each: each.number, reverse=True)
    newest = ordered[0] if ordered else None
    left = (card.due - now).total_seconds() if card.due else None
    used = sum(now - each.arrived < DAY for each in ordered)
    return Exercise(card, newest, tuple(ordered[1:]), left, used, next_step(newest, left))


def _order(exercise: Exercise) -> tuple[int, float, str]:
    left = exercise.left
    if left is None:
        return 1, 0.0, exercise.card.name
    return (0, left, exercise.card.name) if left >= 0 else (2, -left, exercise.card.name)


def next_step(newest: HandIn | None, left: float | None) -> str:
    """Say by the key of a word what a student does next; `left` is the seconds to the due date."""
    if newest is None:
        return "next_fetch"
    if newest.state in UNDER_WAY or newest.state in (State.TROUBLE, State.REPLACED):
        return "next_wait"
    if newest.state is State.REJECTED:
        return "next_fix"
    if newest.score is None or newest.max_score is None or newest.withheld is not Withheld.NO:
        return "next_hidden"
    if newest.score < newest.max_score:
        return "next_improve" if left is None or left >= 0 else "next_late"
    # all points of the public tests are not all points
    return "next_hidden" if newest.shown is Shown.PUBLIC else "next_done"


def ask_again(
    hand_ins: Iterable[HandIn] = (),
    jobs: Iterable[Job] = (),
    spans: Iterable[float | None] = (),
    *,
    settled: bool = True,
) -> int | None:
    """Seconds after which a page should look again by itself; None: only when it is told that something has changed.

    Events say that one's own hand-in has changed, not that somebody else's in front of it has. `settled`: whether the
    counts on the page are of now.
    """
    running = (JobState.WAITING, JobState.RUNNING)
    if not settled or any(each.state in UNDER_WAY for each in hand_ins) or any(each.state in running for each in jobs):
        return _SOON
    near = any(span is not None and 0 <= span < DAY.total_seconds() for span in spans)
    return _LATER if near else None
