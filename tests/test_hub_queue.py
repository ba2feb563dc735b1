"""Is the queue fair: does everybody come to their turn, however much one student hands in?"""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from saiten.hub.queue import FairQueue


def drained(queue: FairQueue) -> list[int]:
    """Everything, in the order in which it is served."""
    found = []
    while (number := queue.pop()) is not None:
        found.append(number)
    return found


def test_fifty_hand_ins_of_one_student_delay_another_by_one() -> None:
    """Does a student who comes after somebody's fifty wait for one of them, not for fifty?"""
    queue = FairQueue()
    for number in range(50):
        queue.add(number, "greedy")
    queue.add(50, "modest")
    assert drained(queue)[:2] == [0, 50]


def test_a_job_for_a_class_delays_a_student_by_one() -> None:
    """Does what comes while a class is marked again get the next turn?"""
    queue = FairQueue()
    for number in range(100):
        queue.add(number, "job")
    assert [queue.pop(), queue.pop()] == [0, 1]
    queue.add(100, "student")
    assert [queue.pop(), queue.pop()] == [2, 100]


def test_a_newer_hand_in_takes_the_place_of_the_older() -> None:
    """Does handing in again cost a student the place in the queue?"""
    queue = FairQueue()
    for number, owner in enumerate("abc"):
        queue.add(number, owner)
    queue.replace(1, 7)
    queue.add(7, "b")
    assert drained(queue) == [0, 7, 2]


def test_what_cannot_be_served_now_keeps_its_place() -> None:
    """Does a hand-in whose bundle is not ready let others go first, and come first afterwards?"""
    queue = FairQueue()
    for number, owner in enumerate("abc"):
        queue.add(number, owner)
    assert queue.pop(lambda number: number != 0) == 1
    assert drained(queue) == [0, 2]


OWNERS = st.sampled_from("abcde")


@given(st.lists(st.one_of(OWNERS, st.none()), max_size=60))
def test_nobody_starves(steps: list[str | None]) -> None:
    """Is each number served once, its owner's in order, and, k of them before it, behind k + 2 of any other at most?"""
    queue, owner_of, served = FairQueue(), {}, []
    waited: dict[int, Counter[str]] = {}
    before: dict[int, int] = {}
    for number, step in enumerate(steps):
        if step is None:
            found = queue.pop()
            if found is not None:
                served.append(found)
                waited.pop(found)
                for other in waited.values():
                    other[owner_of[found]] += 1
        else:
            own = sum(owner_of[each] == step for each in queue.waiting())
            queue.add(number, step)
            owner_of[number], waited[number], before[number] = step, Counter(), own
        for each, others in waited.items():
            assert all(count <= before[each] + 2 for owner, count in others.items() if owner != owner_of[each])
    served += drained(queue)
    assert sorted(served) == sorted(owner_of)
    for owner in set(owner_of.values()):
        mine = [each for each in served if owner_of[each] == owner]
        assert mine == sorted(mine)
