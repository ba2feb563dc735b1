"""What a page of feedback says, before it is written as HTML: frozen dataclasses.

In: nothing. Out: what `gather` fills and `page` shows. All text is as people wrote it: `page` escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from saiten.results import Picture
from saiten.sanitise import Attachments


@dataclass(frozen=True, slots=True)
class Check:
    """One automatically marked test."""

    state: str
    """"passed", "partial" or "failed\""""
    score: float
    max_score: float
    message: str
    """in the test's own words; empty if it holds"""
    pictures: tuple[Picture, ...] = ()
    """what its public part attached; PNGs checked to be that"""


@dataclass(frozen=True, slots=True)
class Code:
    """A code cell of the student's, as it was handed in."""

    source: str
    line: int = 0
    """where an error arose, from 1; 0: nowhere, or unknown"""


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture that the student's notebook showed."""

    kind: str
    """"png" or "jpeg\""""
    data: str
    """Base64, checked to be that kind"""
    text: str
    """its plain-text form, as the library that drew it gave it"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What cells of a question showed."""

    figures: tuple[Figure, ...] = ()
    texts: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    """last lines of tracebacks"""


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """One question."""

    name: str
    titles: Mapping[str, str]
    """language code to heading"""
    state: str
    """"passed", "partial", "failed", "unanswered", "needs_manual" or "marked\""""
    score: float | None
    """automatic or manual points, extra credit included; None while it waits for a person"""
    max_score: float
    checks: tuple[Check, ...] = ()
    codes: tuple[Code, ...] = ()
    answers: tuple[str, ...] = ()
    """written answers, markdown"""
    pasted: Attachments = field(default_factory=dict)
    """pictures in them, by name: mime type to Base64, checked to be that kind"""
    comments: tuple[str, ...] = ()
    """by a person"""
    extra: float = 0.0
    hints: Mapping[str, str] = field(default_factory=dict)
    """language code to what the author would try next; shown while points are missing"""
    shown: Shown = field(default_factory=Shown)


@dataclass(frozen=True, slots=True)
class Page:
    """One notebook's feedback."""

    student: str
    assignment: str
    notebook: str
    titles: Mapping[str, str]
    """language code to the assignment's title"""
    languages: tuple[str, ...]
    """the first is shown at first"""
    questions: tuple[QuestionPage, ...] = ()
    penalty: float = 0.0
    seconds_late: float = 0.0
    problem: str = ""
    """why it could not be marked; then there is nothing else"""
    missing: bool = False
    """the notebook was not handed in"""
    own: Shown = field(default_factory=Shown)
    """what cells outside of any question showed"""
    part: str = ""
    """how much of the verdict this is, where it is not all: "public", "questions" or "total\""""

    @property
    def max_score(self) -> float:
        """Sum of all points."""
        return sum(question.max_score for question in self.questions)

    @property
    def score(self) -> float:
        """Points so far, the penalty taken off; never below 0."""
        return max(0.0, sum(question.score or 0.0 for question in self.questions) - self.penalty)

    @property
    def waiting(self) -> int:
        """Count the questions that a person has to mark."""
        return sum(question.state == "needs_manual" for question in self.questions)
