"""Do 200 students who list their exercises at once, with a stream open each, get their own pages, and is nothing kept?

The desk is the real one, over a gradebook on disk, with an engine that marks what it is told to.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from fake_engine import ASSIGNMENT, FakeEngine
from fake_hub import Served, running, token_of
from hub_class import Student, make_fake_hub_course
from saiten.course import Course
from saiten.hub.desk import MarkingDesk
from saiten.hub.model import HandIn, State

pytestmark = pytest.mark.system

READERS = 200
HAND_INS = 20
ROUNDS = 3
TOGETHER = 10
"""readers who share a client"""
MOST_GROWTH = 25e6
"""bytes that the process, clients included, may grow by between the first round and the last"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MarkingDesk]:
    """A class of which some have handed in."""
    root = tmp_path_factory.mktemp("class")
    course = make_fake_hub_course(root, '[instant_feedback]\nshow = "questions"\n')
    for number in range(HAND_INS):
        Student(root, f"student-{number:03}", ASSIGNMENT).order()
    with MarkingDesk.open(Course.find(course.root), workers=2, factory=FakeEngine, poll_seconds=0.05) as desk:
        deadline = time.monotonic() + 120
        while [each.state for each in hand_ins(desk)] != [State.MARKED] * HAND_INS:
            assert time.monotonic() < deadline, [each.state for each in hand_ins(desk)]
            time.sleep(0.3)
        yield desk


def hand_ins(desk: MarkingDesk) -> list[HandIn]:
    """All of the class."""
    return list(desk.hand_ins(for_staff=True))


@pytest.fixture(scope="module")
def served(desk: MarkingDesk) -> Iterator[Served]:
    """Its pages."""
    with running(desk, datetime.now(UTC)) as served:
        yield served


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def headers(number: int) -> dict[str, str]:
    """Of a student's requests."""
    return {"Authorization": f"token {token_of(f'student-{number:03}')}"}


async def visit(client: httpx.AsyncClient, number: int, own: dict[str, int]) -> None:
    """One student reads the exercises and, where there is one, the hand-in; and tries another's."""
    name = f"student-{number:03}"
    page = await client.get("mine", headers=headers(number))
    assert page.status_code == 200
    assert f"<bdi>{name}</bdi>" in page.text
    assert page.text.count("student-") == page.text.count(name)
    for student, hand_in in own.items():
        if student == name:
            assert (await client.get(f"hand-ins/{hand_in}", headers=headers(number))).status_code == 200
    other = own[f"student-{(number + 1) % HAND_INS:03}"]
    assert (await client.get(f"hand-ins/{other}", headers=headers(number))).status_code == 403


async def all_at_once(served: Served, own: dict[str, int]) -> list[int]:
    """Everybody opens a stream and reads, several times; returns the memory after each round."""
    used = []
    async with AsyncExitStack() as held:
        # one pool with all connections would spend its time on looking through them
        clients = [
            await held.enter_async_context(httpx.AsyncClient(base_url=served.address, timeout=120, verify=False))
            for _ in range(READERS // TOGETHER)
        ]
        opened = [
            await held.enter_async_context(clients[number // TOGETHER].stream("GET", "events", headers=headers(number)))
            for number in range(READERS)
        ]
        assert {answer.status_code for answer in opened} == {200}
        assert len(served.house.broker) == READERS
        for _ in range(ROUNDS):
            await asyncio.gather(*(visit(clients[number // TOGETHER], number, own) for number in range(READERS)))
            used.append(resident())
        assert (await clients[0].get("health")).json()["streams"] == READERS
    return used


def test_a_whole_class_at_once(desk: MarkingDesk, served: Served) -> None:
    """Is every answer right, each student's own, and the memory flat; and are streams let go at the end?"""
    own = {each.student: each.number for each in hand_ins(desk)}
    used = asyncio.run(all_at_once(served, own))
    assert used[-1] - used[0] < MOST_GROWTH, used
    deadline = time.monotonic() + 30
    while len(served.house.broker):
        assert time.monotonic() < deadline
        time.sleep(0.05)
