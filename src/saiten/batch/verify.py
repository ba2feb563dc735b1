"""A second look at every result before it is believed: the coordinator trusts no worker blindly.

In: a bundle, a submission, what a worker answered. Out: the same result, or an `infra_error` that says what is wrong.
"""

from __future__ import annotations

import math

from saiten.batch.worker import infra_error
from saiten.bundle import Bundle, Role
from saiten.results import CellStatus, Result, Status
from saiten.submission import Submission

_WITH_POINTS = (Role.TEST, Role.MANUAL, Role.TASK)


def verified(bundle: Bundle, submission: Submission, result: object) -> Result:
    """Check that a result belongs to the submission, says something about every cell with points, and adds up."""
    if not isinstance(result, Result):
        return _unsound(bundle, submission, f"it is a {type(result).__name__}")
    problem = _problem(bundle, submission, result)
    return _unsound(bundle, submission, problem) if problem else result


def _unsound(bundle: Bundle, submission: Submission, problem: str) -> Result:
    return infra_error(bundle, submission, f"the engine's result is not sound: {problem}")


def _problem(bundle: Bundle, submission: Submission, result: Result) -> str:
    if (result.student, result.assignment) != (submission.student, submission.assignment):
        return f"it is about {result.student!r}, {result.assignment!r}"
    if result.submission_hash != submission.hash or result.bundle_hash != bundle.hash:
        return "it belongs to other bytes"
    if result.status in (Status.REJECTED, Status.INFRA_ERROR):
        return "it has a score" if result.score is not None else ""
    return _wrong_cells(bundle, result) or _wrong_sum(result)


def _wrong_cells(bundle: Bundle, result: Result) -> str:
    limits = {
        (notebook.name, cell.grade_id): cell.points
        for notebook in bundle.notebooks
        for cell in notebook.cells
        if cell.role in _WITH_POINTS
    }
    named = [(cell.notebook, cell.name) for cell in result.cells]
    if len(named) != len(set(named)) or set(named) != limits.keys():
        odd = sorted(str(name) for _, name in set(named) ^ limits.keys())
        return f"its cells are not the assignment's ({', '.join(odd) or 'one stands there twice'})"
    for cell in result.cells:
        maximum = limits[cell.notebook, cell.name]
        if cell.max_score != maximum:
            return f"cell {cell.name} counts {cell.max_score:g}, not {maximum:g}"
        if cell.score is None:
            if cell.status is not CellStatus.NEEDS_MANUAL:
                return f"cell {cell.name} has no score"
        elif not (math.isfinite(cell.score) and 0 <= cell.score <= maximum):
            return f"cell {cell.name} got {cell.score} of {maximum:g}"
    missing = {notebook.name for notebook in bundle.notebooks} - {part.name for part in result.notebooks}
    return f"it lacks notebook {', '.join(sorted(missing))}" if missing else ""


def _wrong_sum(result: Result) -> str:
    total = sum(cell.score for cell in result.cells if cell.score is not None)
    if result.score is None or not math.isclose(result.score, total, rel_tol=1e-9, abs_tol=1e-9):
        return f"its score is {result.score}, its cells add up to {total:g}"
    waits = any(cell.status is CellStatus.NEEDS_MANUAL for cell in result.cells)
    if waits != (result.status is Status.NEEDS_MANUAL):
        return f"its state is {result.status.value}, its cells say otherwise"
    return ""
