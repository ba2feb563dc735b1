"""What may a student see of a hand-in, and when?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from saiten.hub.model import Shown, State, Withheld
from saiten.hub.policy import Sight, sight
from saiten.hub.store import Arrival
from saiten.settings import InstantFeedback

NOON = datetime(2026, 4, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def arrivals(*hours: float, state: State = State.MARKED) -> list[Arrival]:
    """Hand-ins of one student, so many hours after noon."""
    return [
        Arrival(number, f"t{number}", "ada", "ps1", NOON + hour * HOUR, "", "", number + 1, state)
        for number, hour in enumerate(hours)
    ]


def seen(policy: InstantFeedback, history: list[Arrival], which: int, after: float, due: float | None = None) -> Sight:
    """What is seen of one of them, so many hours after noon."""
    date = None if due is None else NOON + due * HOUR
    return sight(policy, date, history, history[which], NOON + after * HOUR)


@pytest.mark.parametrize("show", ["public", "questions", "total", "full"])
def test_what_the_policy_names_is_shown_at_once(show: str) -> None:
    """Is nothing withheld where nothing says so?"""
    assert seen(InstantFeedback(show), arrivals(0), 0, 0) == Sight(Shown(show))


def test_off_shows_nothing_until_staff_release_it() -> None:
    """Does "off" mean nothing, and a release by staff everything?"""
    history = arrivals(0)
    assert seen(InstantFeedback("off"), history, 0, 100) == Sight(Shown.NOTHING, Withheld.OFF)
    history[0] = replace(history[0], released=True)
    assert seen(InstantFeedback("off"), history, 0, 100) == Sight(Shown.FULL)


def test_attempts_beyond_the_days_number_are_answered_a_day_later() -> None:
    """Is the third of two a day answered when the first one's 24 hours are over, and the fourth after the second's?"""
    policy, history = InstantFeedback("public", per_day=2), arrivals(0, 1, 2, 3)
    assert seen(policy, history, 0, 3).shown is Shown.PUBLIC
    assert seen(policy, history, 1, 3).shown is Shown.PUBLIC
    for which in (2, 3):
        assert seen(policy, history, which, 3) == Sight(Shown.NOTHING, Withheld.ATTEMPTS, NOON + 24 * HOUR)
        assert seen(policy, history, which, 24).shown is Shown.PUBLIC


def test_an_attempt_is_free_again_after_a_day() -> None:
    """Does a hand-in of the next day count for that day?"""
    policy, history = InstantFeedback("public", per_day=1), arrivals(0, 24.1)
    assert seen(policy, history, 1, 24.1).shown is Shown.PUBLIC


@pytest.mark.parametrize("state", [State.REPLACED, State.REJECTED])
def test_what_was_never_answered_uses_up_no_attempt(state: State) -> None:
    """Does a hand-in that was replaced, or cannot be read, leave the day's attempts as they are?"""
    policy, history = InstantFeedback("public", per_day=1), arrivals(0, 1)
    history[0] = replace(history[0], state=state)
    assert seen(policy, history, 1, 1).shown is Shown.PUBLIC


def test_in_the_quiet_hours_nothing_is_shown_before_the_due_date() -> None:
    """Is a hand-in of the quiet hours answered at the due date, one before them at once, one after it at once?"""
    policy, history = InstantFeedback("total", quiet_hours=6), arrivals(0, 5, 11)
    assert seen(policy, history, 0, 5, due=10).shown is Shown.TOTAL
    assert seen(policy, history, 1, 9, due=10) == Sight(Shown.NOTHING, Withheld.QUIET, NOON + 10 * HOUR)
    assert seen(policy, history, 1, 10, due=10).shown is Shown.TOTAL
    assert seen(policy, history, 2, 11, due=10).shown is Shown.TOTAL


def test_a_day_that_ends_in_the_quiet_hours_ends_with_them() -> None:
    """Does an answer that attempts put off into the quiet hours wait for the due date?"""
    policy, history = InstantFeedback("public", per_day=1, quiet_hours=6), arrivals(0, 1)
    assert seen(policy, history, 1, 25, due=27) == Sight(Shown.NOTHING, Withheld.QUIET, NOON + 27 * HOUR)
