"""How far the judging of a submission is, so that another judge can go on where one did not come back.

In: what the judge writes down step by step. Out: `Record`s for the result; the state as it is sent to the supervisor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from saiten.grading.shell import Output
from saiten.results import CellStatus, Picture


@dataclass(slots=True)
class Record:
    """What became of one step."""

    outputs: list[Output] = field(default_factory=list)
    ran: bool = False
    score: float | None = None
    status: CellStatus | None = None
    """for test cells"""
    message: str = ""
    seconds: float = 0.0
    """wall time of the step"""
    pictures: tuple[Picture, ...] = ()
    """what the public part of a test attached"""

    @property
    def begun(self) -> bool:
        """Whether there is more to it than pictures, which are taken before the tests run."""
        return self != Record(pictures=self.pictures)


@dataclass(slots=True)
class Progress:
    """State of one submission."""

    records: list[Record]
    """one for each step of the plan"""
    end: float
    """monotonic time at which the submission's time is up"""
    notes: list[str] = field(default_factory=list)
    left_out: set[int] = field(default_factory=set)
    """steps that ended a process, or a judge; they are not run again"""
    missing: dict[str, str] = field(default_factory=dict)
    """name to the reason why no cell brought it"""
    restarts: int = 0
    """student processes that were lost"""
    pictured: bool = False
    """whether pictures have been taken: that is done once, before any test"""
    busy: int | None = None
    """the step that is being run"""

    @property
    def lost(self) -> int:
        """Student processes that ended early, or had to be ended."""
        return max(0, self.restarts - 1)
