"""Moments on the course's own clock: a date and time without an offset means the zone that the course names.

In: dates as people write them, the name of a zone. Out: aware datetimes. A time that a change of the clocks skips, or
that comes twice, is nobody's guess: it is refused with a reason.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(name: str) -> ZoneInfo | None:
    """Return a zone by its name, such as "Asia/Tokyo"; None for an empty name.

    Raises:
        ValueError: there is none of that name here.
    """
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r} here") from error


def on_clock(moment: datetime, zone: tzinfo | None) -> datetime:
    """Return an aware moment; one that is aware already comes back as it is.

    Args:
        moment: as it was written.
        zone: what a moment without an offset is in; None: it must have one.

    Raises:
        ValueError: it has no offset and there is no zone, or the clock never shows that time, or twice.
    """
    if moment.tzinfo is not None:
        return moment
    text = moment.isoformat(" ", "minutes")
    if zone is None:
        raise ValueError(f"{text} has no offset from UTC, and the course names no time zone")
    first, second = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != moment.replace(fold=0):
        raise ValueError(f"the clocks of {zone} skip {text}")
    if first.utcoffset() != second.utcoffset():
        raise ValueError(f"the clocks of {zone} show {text} twice")
    return first


def after(moment: datetime, days: int, rest: timedelta, zone: tzinfo | None) -> datetime:
    """Return a moment that many days later by the clock on the wall, then `rest` later by the clock's run.

    Three days after 23:59 is 23:59, also where the clocks change between them.
    """
    local = moment.astimezone(zone) if zone is not None and moment.tzinfo is not None else moment
    return local + timedelta(days=days) if not rest else _run(local + timedelta(days=days), rest)


def _run(moment: datetime, rest: timedelta) -> datetime:
    if moment.tzinfo is None:
        return moment + rest
    return (moment.astimezone(UTC) + rest).astimezone(moment.tzinfo)
