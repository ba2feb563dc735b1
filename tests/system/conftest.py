"""What several system tests need: a real browser, and a marked class of each exercise."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest
from marked_class import MarkedClass, mark_class
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, which reaches nobody."""
    quiet = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", *quiet])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], MarkedClass]:
    """The marked class of an exercise; made when it is first asked for, then shared."""

    @functools.cache
    def of(exercise: str) -> MarkedClass:
        return mark_class(exercise, tmp_path_factory.mktemp(exercise) / "course")

    return of
