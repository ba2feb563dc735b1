"""Proving an assignment: do its tests decide what they promise to?

In: an assignment of a course. Out: a `CheckReport`: the reference twice, the untouched release, every planted answer,
mutants of the reference, leaks, languages, points, cost. Everything runs in the engine that marks students.
"""

from saiten.check.proof import Options, check_assignment
from saiten.check.report import AnswerRow, CheckReport, Fate, Finding, MutantRow, QuestionProof, State

__all__ = [
    "AnswerRow",
    "CheckReport",
    "Fate",
    "Finding",
    "MutantRow",
    "Options",
    "QuestionProof",
    "State",
    "check_assignment",
]
