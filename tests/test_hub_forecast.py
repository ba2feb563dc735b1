"""What students are told of when their hand-in is marked."""

from __future__ import annotations

import time

import pytest

from saiten.hub.forecast import Forecast


def test_nothing_is_foretold_before_anything_was_marked() -> None:
    """Is no number made up?"""
    forecast = Forecast()
    forecast.see([7])
    assert forecast.place(7) == 1
    assert forecast.place(8) is None
    assert forecast.expected(7, "filters", None, 2) is None
    assert forecast.expected(7, "filters", time.monotonic(), 2) is None


def test_the_queue_counts_in_rounds() -> None:
    """Do as many as are marked at once wait for the same time, and does who is not in the queue get no time?"""
    forecast = Forecast()
    forecast.learn("filters", 4.0)
    forecast.see([11, 12, 13, 14, 15])
    waits = [forecast.expected(number, "filters", None, 2) for number in (11, 12, 13, 14, 15)]
    assert waits == [4.5, 4.5, 8.5, 8.5, 12.5]
    assert forecast.expected(99, "filters", None, 2) is None
    assert forecast.expected(11, "pooling", None, 2) is None


def test_what_is_being_marked_is_nearly_done_at_last() -> None:
    """Does the time shrink, and never reach nothing?"""
    forecast = Forecast()
    forecast.learn("filters", 4.0)
    assert forecast.expected(3, "filters", time.monotonic() - 1.0, 2) == pytest.approx(3.0, abs=0.5)
    assert forecast.expected(3, "filters", time.monotonic() - 60.0, 2) == 0.5


def test_the_last_markings_weigh_most() -> None:
    """Does a change of what marking takes reach the forecast within a few hand-ins?"""
    forecast = Forecast()
    forecast.learn("filters", 10.0)
    forecast.see([1])
    forecast.learn("filters", 0.0)
    assert forecast.expected(1, "filters", None, 1) == pytest.approx(7.5)
    for _ in range(10):
        forecast.learn("filters", 0.0)
    found = forecast.expected(1, "filters", None, 1)
    assert found is not None
    assert found < 0.8
