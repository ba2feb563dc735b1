"""The verdict on one test cell: points for a cell that ran to its end, words for one that did not.

In: the value that the cell ends with, or the error that ended it. Out: score, status and message.
What a hidden test asked is never told: of its errors only what its author wrote for students is shown.
"""

from __future__ import annotations

import difflib
import math
import traceback
from typing import Any

import numpy as np

from saiten.bundle import BundleCell
from saiten.grading.faults import Explained, StudentError, StudentGone, WrongKind
from saiten.grading.shell import safe_text
from saiten.results import CellStatus

Verdict = tuple[float, CellStatus, str]
"""Points, status, and why there are no more."""
TIME_IS_UP = "time is up: the test did not finish"
NO_PLAIN_DATA = "the answer is an object, where a number, text, array or another plain value is needed"


class TestTimeout(BaseException):
    """A test cell's time is up."""

    __test__ = False


def credit(value: Any, points: float) -> Verdict:
    """Points for a test cell that ran to its end: all, or the number that it ends with."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return points, CellStatus.PASSED, ""
    score = math.inf if isinstance(value, int) and value.bit_length() > 1000 else float(value)  # no OverflowError
    if math.isnan(score) or not 0 <= score <= points:
        return 0.0, CellStatus.FAILED, f"the test ended with {score:g}, which is not between 0 and {points:g} points"
    if score == points:
        return points, CellStatus.PASSED, ""
    return score, CellStatus.PARTIAL, f"partial credit: {score:g} of {points:g} points"


def explain(error: BaseException, cell: BundleCell) -> str:
    """Why a test did not hold, in words that give away nothing of a hidden test but what its author wrote."""
    if isinstance(error, StudentGone):
        return error.reason
    if isinstance(error, TestTimeout):
        return TIME_IS_UP
    trace = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in trace if frame.filename == f"<test {cell.grade_id}>"]
    line = lines[-1] if lines else None
    hidden = line is None or not hidden_lines(cell).isdisjoint(lines)  # a public helper, called from a hidden line
    if isinstance(error, Explained):  # of a wrong kind the student chose the name
        return NO_PLAIN_DATA if hidden and isinstance(error, WrongKind) else safe_text(error)
    where = "a hidden test" if hidden else "the test"
    kind, text = type(error).__name__, safe_text(error).strip()
    notes = "; ".join(getattr(error, "__notes__", []))
    if getattr(error, "from_student", False):
        if hidden and isinstance(error, StudentError):
            kind = "an exception"  # the student chose its name, perhaps to tell what the hidden test asked
        shown = f"your code raised {kind}" + (f": {text}" if text and not hidden else "")
        return shown + (f" ({notes})" if notes else "")
    if isinstance(error, AssertionError) and text and _written_for_students(error):
        return text
    if hidden:
        return f"{where} did not hold ({kind})"
    source = cell.source.split("\n")[line - 1].strip() if line else ""
    if isinstance(error, AssertionError) and not text:
        return f"{where} did not hold: {source}"
    return f"{kind}: {text}" if text else f"{where} did not hold ({kind}): {source}"


def _written_for_students(error: BaseException) -> bool:
    """Whether the message was written by the test's author, or in a module that says `__for_students__ = True`."""
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    return frame.f_code.co_filename.startswith("<test ") or frame.f_globals.get("__for_students__") is True


def hidden_lines(cell: BundleCell) -> frozenset[int]:
    """Line numbers (from 1) of a test cell that students never see."""
    mine, released = cell.source.split("\n"), cell.release_source.split("\n")
    matcher = difflib.SequenceMatcher(None, mine, released, autojunk=False)
    hidden: set[int] = set()
    for tag, start, stop, _, _ in matcher.get_opcodes():
        if tag != "equal":
            hidden.update(range(start + 1, stop + 1))
    return frozenset(hidden)
