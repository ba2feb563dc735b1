"""What a proof of an assignment says: frozen dataclasses, plain data for `--json`.

In: what the parts of `saiten.check` found. Out: one `CheckReport` per assignment; it holds if nothing in it failed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

LEAST_KILLED = 0.95
"""Share of a question's mutants, without the waived ones, that its tests have to find out."""
MOST_WAIVED = 0.05
"""Share of an assignment's mutants that may be waived as equal to the reference."""


class State(StrEnum):
    """How one thing stands."""

    HOLDS = "holds"
    LOOK = "look"
    """nothing is wrong for sure; a person should look at it"""
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried, and what came of it."""

    check: str
    """what was tried: "reference", "release", "answers", "mutants", "leaks", "languages", ..."""
    state: State
    text: str
    """in one sentence"""
    cell: str = ""
    """where: grade_id, cell or file"""
    next_step: str = ""
    """what to do about it; empty if it holds"""


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    """a test failed, the student's process died, or its time ran out"""
    SURVIVED = "survived"
    WAIVED = "waived"
    """survived, and the author says why no test could tell it from the reference"""


@dataclass(frozen=True, slots=True)
class MutantRow:
    """One mutant and what became of it."""

    name: str
    operator: str
    cell: str
    """grade_id of the solution cell that it changes"""
    line: int
    """of the cell, from 1"""
    diff: str
    fate: Fate
    message: str = ""
    """why the first test that failed did; or the reason of the waiver"""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class QuestionProof:
    """What is known of one question's tests."""

    question: str
    points: float
    tests: int
    """test cells"""
    right: int
    """planted right answers that change its cells, and passed"""
    mistakes: int
    """planted mistakes that lose points here, as they should"""
    mutants: tuple[MutantRow, ...] = ()
    """those that were tried"""
    drawn_from: int | None = None
    """how many there are, if only some were drawn; None: all were tried"""
    seconds: float = 0.0
    """what its cells take in the reference run"""

    @property
    def made(self) -> int:
        """How many mutants there are of its solution, tried or not."""
        return len(self.mutants) if self.drawn_from is None else self.drawn_from

    def count(self, fate: Fate) -> int:
        """Count the mutants that ended so."""
        return sum(row.fate is fate for row in self.mutants)

    @property
    def killed_share(self) -> float | None:
        """Share of killed mutants among those that are not waived, 0 to 1; None if there are none."""
        judged = len(self.mutants) - self.count(Fate.WAIVED)
        return self.count(Fate.KILLED) / judged if judged else None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One planted answer: what it has to get, what it got."""

    name: str
    kind: str
    title: str
    expected: dict[str, float]
    """question to points, for those that its run could change"""
    found: dict[str, float | None]
    message: str = ""
    """what the first question said that lost points"""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether every question got exactly what it has to."""
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The proof of one assignment."""

    assignment: str
    findings: tuple[Finding, ...]
    questions: tuple[QuestionProof, ...] = ()
    answers: tuple[AnswerRow, ...] = ()
    max_score: float = 0.0
    manual: float = 0.0
    """of these, points that a person gives"""
    reference_seconds: float = 0.0
    """the reference notebook, cells and tests, in one process"""
    marking_seconds: float = 0.0
    """the reference, marked by the engine"""
    memory_mb: float = 0.0
    """most that the reference run held, imports included"""
    seconds: float = 0.0
    """wall time of the whole check"""
    options: dict[str, Any] = field(default_factory=dict)
    """what was left out, if anything was"""

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return all(finding.state is not State.FAILS for finding in self.findings)

    def public(self) -> dict[str, Any]:
        """What `saiten check --json` prints for this assignment."""
        raw = asdict(self)
        for proof, plain in zip(self.questions, raw["questions"], strict=True):
            plain["killed"] = proof.count(Fate.KILLED)
            plain["survived"] = proof.count(Fate.SURVIVED)
            plain["waived"] = proof.count(Fate.WAIVED)
            plain["killed_share"] = proof.killed_share
            plain["made"] = proof.made
        for answer, plain in zip(self.answers, raw["answers"], strict=True):
            plain["holds"] = answer.holds
        return {"holds": self.holds, **raw}
