"""The one rule by which everything in Saiten decides how late a hand-in is.

In: when it came, the due date, an extension; all with an offset from UTC, or all without. Out: seconds.
Gradebook, penalties, feedback, report, export, collecting and the marking service ask here.
"""

from __future__ import annotations

from datetime import datetime, timedelta


def own_due(due: datetime | None, extension: timedelta | None) -> datetime | None:
    """Return until when one student hands in; None where there is no due date."""
    return due if due is None or extension is None else due + extension


def seconds_late(moment: datetime | None, due: datetime | None, extension: timedelta | None = None) -> float:
    """Return how long after the due date something was handed in.

    Args:
        moment: when it came; None: nobody knows, and it counts as in time.
        due: the due date of everybody; None: there is none.
        extension: of this student.

    Returns:
        seconds; 0 for what came in time. At the due date to the microsecond is in time.
    """
    end = own_due(due, extension)
    return 0.0 if moment is None or end is None else max(0.0, (moment - end).total_seconds())
