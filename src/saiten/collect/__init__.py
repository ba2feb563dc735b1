"""Bringing in what students handed in elsewhere: a zip file or a folder of Moodle's, Canvas's, or from a form.

In: an archive that may be hostile, a list of people. Out: `submitted/<student>/<assignment>/`, as nbgrader's own
collect leaves it, and a report. What is there already and is newer stays; whose file it is, is never guessed.
"""

from saiten.collect.archive import Found, read_archive
from saiten.collect.naming import PATTERNS, Claim, claims, pattern_of
from saiten.collect.people import People
from saiten.collect.place import Collected, collect

__all__ = ["PATTERNS", "Claim", "Collected", "Found", "People", "claims", "collect", "pattern_of", "read_archive"]
