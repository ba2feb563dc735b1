"""Jobs that mark a class, as the coordinator sees them: which hand-ins they still wait for, and what they cost.

In: numbers of hand-ins, and what became of each. Out: a call for every step. One thread uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from saiten.hub.model import State

OnTask = Callable[[int, int, float, Mapping[State, int]], None]
"""(job, hand-ins still to be marked, processor seconds, how many came to which state)"""


@dataclass(slots=True)
class _Task:
    open: set[int]
    again: bool
    cost: float = 0.0
    counts: dict[State, int] = field(default_factory=dict)


class Tasks:
    """The jobs that wait for hand-ins.

    Args:
        on_task: told of each step.
    """

    def __init__(self, on_task: OnTask) -> None:
        self._on_task = on_task
        self._tasks: dict[int, _Task] = {}

    def begin(self, job: int, numbers: Iterable[int], *, again: bool) -> None:
        """Let a job wait for hand-ins; with `again`, for the verdicts of new runs."""
        self._tasks[job] = _Task(set(numbers), again)
        self._tell(job)

    def drop(self, job: int) -> set[int]:
        """Forget a job; the hand-ins that nobody else waits for."""
        task = self._tasks.pop(job, None)
        return set() if task is None else {number for number in task.open if not self.wait_for(number)}

    def wait_for(self, number: int) -> bool:
        """Whether a job waits for a hand-in."""
        return any(number in task.open for task in self._tasks.values())

    def again(self, number: int) -> bool:
        """Whether a job wants a hand-in to be run though the ledger knows it."""
        return any(task.again and number in task.open for task in self._tasks.values())

    def settle(self, number: int, state: State, cost: float = 0.0) -> None:
        """Tell the jobs that waited for a hand-in.

        Args:
            number: of the hand-in.
            state: what became of it.
            cost: processor time, in seconds.
        """
        for job, task in list(self._tasks.items()):
            if number in task.open:
                task.open.discard(number)
                task.cost += cost
                task.counts[state] = task.counts.get(state, 0) + 1
                self._tell(job)

    def _tell(self, job: int) -> None:
        task = self._tasks[job]
        if not task.open:
            del self._tasks[job]
        self._on_task(job, len(task.open), task.cost, dict(task.counts))
