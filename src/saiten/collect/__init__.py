"""Bringing in what students handed in: by the configured exchange, or from a zip or folder of an LMS or a form.

In: an archive that may be hostile, a list of people. Out: `submitted/<student>/<assignment>/`, as nbgrader's own
collect leaves it, and a report. What is there already and is newer stays; whose file it is, is never guessed.
"""

from saiten.collect.archive import Found, read_archive
from saiten.collect.exchange import FromExchange, collect_from_exchange, hand_in_times, late_hand_ins
from saiten.collect.naming import PATTERNS, Claim, claims, pattern_of
from saiten.collect.people import People
from saiten.collect.place import Collected, collect

__all__ = [
    "PATTERNS",
    "Claim",
    "Collected",
    "Found",
    "FromExchange",
    "People",
    "claims",
    "collect",
    "collect_from_exchange",
    "hand_in_times",
    "late_hand_ins",
    "pattern_of",
    "read_archive",
]
