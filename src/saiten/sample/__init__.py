"""A plausible class: submissions of every kind that a course gets, each with the score that it has to get.

In: a course whose assignment is built, a number, a seed. Out: folders under `submitted/` and `expected.json` beside.
For trying out a course, for tests and for measuring; no submission here comes from a person.
"""

from saiten.sample.klass import compose
from saiten.sample.record import Difference, compare, read_expected
from saiten.sample.work import Expected, SampleSubmission
from saiten.sample.write import copy_course, write_class

__all__ = [
    "Difference",
    "Expected",
    "SampleSubmission",
    "compare",
    "compose",
    "copy_course",
    "read_expected",
    "write_class",
]
