"""Moments and spans of time, as pages show them.

In: aware datetimes, seconds. Out: text, or a `time` element that the page's script puts into the reader's own time
zone; without scripts it is in the server's, and says so.
"""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from saiten.feedback.words import duration

__all__ = ["duration", "megabytes", "moment", "short"]

_MINUTE = 60.0
_FEW = 10.0
"""seconds, of which tenths are shown"""


def moment(when: datetime) -> Markup:
    """One moment, to the minute, with its distance from UTC."""
    local = when.astimezone()
    offset = f"{local:%z}"
    shown = f"{local:%Y-%m-%d %H:%M} (UTC{offset[:3]}:{offset[3:5]})"
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="seconds"), shown)


def short(code: str, seconds: float) -> str:
    """A span that is seconds more often than minutes."""
    if seconds >= _MINUTE:
        return duration(code, seconds)
    whole = seconds >= _FEW or seconds == int(seconds)
    shown = f"{seconds:.0f}" if whole else f"{seconds:.1f}"
    return f"{shown} 秒" if code == "ja" else f"{shown} s"


def megabytes(size: int) -> str:
    """Bytes of a process's memory."""
    return f"{size / 1e6:.0f} MB"
