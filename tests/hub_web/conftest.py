"""The pages of a small class, each test with its own; the hub and the desk are stand-ins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fake_desk import FakeDesk, lively
from fake_hub import Served, running


@pytest.fixture
def desk() -> FakeDesk:
    """A small class."""
    return lively()


@pytest.fixture
def served(desk: FakeDesk) -> Iterator[Served]:
    """Its pages."""
    with running(desk) as served:
        yield served
