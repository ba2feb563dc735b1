"""What holds for every conversation about one submission.

In: the assignment's limits, the reference. Out: `Rules`, which links read, and in which they note what was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from saiten.grading.faults import StudentGone


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all conversations about one submission."""

    ours: Callable[[Any], bool]
    """whether a function or class belongs to the judge's own cells and must therefore stay here"""
    seconds: float
    """time for one request without a deadline of its own"""
    output_limit: int
    """bytes of output of one cell"""
    message_mb: int
    """size of one answer"""
    shared: frozenset[str]
    """names of the student's that the student is told of, where a test binds them anew"""
    reference: Mapping[str, Any]
    """the reference's names"""
    lost: list[StudentGone] = field(default_factory=list)
    """each time that a process gave no usable answer: the test that asked has failed, whatever it caught"""
