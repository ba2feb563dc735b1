"""The time of a hand-in: the text of `timestamp.txt`, read as nbgrader reads it.

In: text that a student may have written. Out: a naive datetime in UTC, or None and the reason in words.
nbgrader's parser opens files for some names of time zones and raises many kinds of errors: it only gets plain text.
"""

from __future__ import annotations

import re
from datetime import datetime

import dateutil.parser  # type: ignore[import-untyped]
from nbgrader.utils import parse_utc

_PLAIN = re.compile(r"[0-9A-Za-z_:+\-./, ]{1,80}", re.ASCII)
"""What dates and names of time zones are made of; 80 characters is twice the longest that nbgrader writes."""

_PATH = re.compile(r"(^|\s)/|\.\.", re.ASCII)
"""A time zone that names a file anywhere: `/...` or `...`; dateutil would open it."""

_DEFAULTS = (datetime(1904, 2, 3), datetime(2008, 11, 25))
"""Two days that have nothing in common."""


def parse_moment(text: str | None) -> tuple[datetime | None, str]:
    """Parse a submission's time stamp.

    Returns:
        the moment (naive, UTC; None if there is none) and a note for staff if the text is no time, else "".
    """
    text = (text or "").strip()
    if not text:
        return None, ""
    if not _PLAIN.fullmatch(text) or _PATH.search(text):
        return None, _note(text)
    try:
        moment = parse_utc(text) if _names_a_day(text) else None
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError, RecursionError):
        return None, _note(text)
    return (moment, "") if isinstance(moment, datetime) else (None, _note(text))


def _names_a_day(text: str) -> bool:
    """Whether year, month and day are all there: nbgrader's parser takes what is missing from today."""
    parts = text.split(" ")
    plain = " ".join(parts[:2]) if len(parts) == 3 else text
    days = {dateutil.parser.parse(plain, default=default, ignoretz=True).date() for default in _DEFAULTS}
    return len(days) == 1


def _note(text: str) -> str:
    shown = ascii(text if len(text) <= 40 else text[:40] + "...")
    return f"timestamp.txt holds no time ({shown}): the submission counts as one without a time stamp"
