"""A stand-in for the engine: what batch, ledger and gradebook are tested with.

A fake submission's notebook is an order to the fake engine: `{"scores": {"mean-test": 2}}` gets these scores, and
`{"do": "die"}` and the like let the worker meet what a real engine could meet.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import nbformat

from saiten.bundle import Bundle, BundleCell, BundleNotebook, Limits, Role, questions
from saiten.errors import SandboxError
from saiten.grading.again import Again
from saiten.results import CellResult, CellStatus, NotebookResult, Result, Status, summarise_question
from saiten.submission import Submission

ASSIGNMENT = "ps1"


def nbgrader_marks(grade_id: str, role: Role, points: float, locked: bool) -> dict[str, Any]:
    """nbgrader's metadata, schema 3, of one cell."""
    marks: dict[str, Any] = {
        "grade": role in (Role.TEST, Role.MANUAL),
        "grade_id": grade_id,
        "locked": locked,
        "schema_version": 3,
        "solution": role in (Role.SOLUTION, Role.MANUAL),
        "task": role is Role.TASK,
    }
    if role in (Role.TEST, Role.MANUAL, Role.TASK):
        marks["points"] = points
    return marks


def make_cell(grade_id: str, role: Role, points: float = 0.0, cell_type: str = "code", text: str = "") -> BundleCell:
    """One cell as a build would make it."""
    locked = role in (Role.TEST, Role.TASK, Role.SETUP)
    marks = nbgrader_marks(grade_id, role, points, locked)
    source = text or f"# {grade_id}"
    return BundleCell(
        id=grade_id,
        grade_id=grade_id,
        role=role,
        cell_type=cell_type,
        source=source,
        release_source=source,
        points=points,
        locked=locked,
        checksum=f"checksum of {grade_id}",
        metadata={"nbgrader": marks},
    )


def make_bundle(extra: tuple[BundleCell, ...] = (), files: Mapping[str, bytes] | None = None) -> Bundle:
    """Two notebooks: code with two tests (2 and 3 points), an essay (5), a task (4); and one test of 1 point."""
    first = BundleNotebook(
        "problem1",
        (
            make_cell("read-this", Role.SETUP, cell_type="markdown"),
            make_cell("mean", Role.SOLUTION),
            make_cell("mean-test", Role.TEST, 2.0),
            make_cell("mean-hidden", Role.TEST, 3.0),
            make_cell("essay", Role.MANUAL, 5.0, "markdown"),
            make_cell("task", Role.TASK, 4.0, "markdown"),
            *extra,
        ),
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
    )
    second = BundleNotebook("problem2", (make_cell("sum", Role.SOLUTION), make_cell("sum-test", Role.TEST, 1.0)))
    return Bundle(ASSIGNMENT, (first, second), limits=Limits(total_seconds=20.0), files=dict(files or {}))


def order(student: str = "student-001", *, only: tuple[str, ...] = (), **what: Any) -> Submission:
    """Make a submission that orders its own result."""
    content = json.dumps(what).encode()
    names = only or ("problem1", "problem2")
    return Submission(student, ASSIGNMENT, dict.fromkeys(names, content), files={"notes.txt": student.encode()})


def judged(bundle: Bundle, submission: Submission, what: Mapping[str, Any]) -> Result:
    """The result that a submission orders; cells that it does not name get 0, manual ones wait for a person."""
    scores, silent = what.get("scores", {}), what.get("silent", [])
    cells: list[CellResult] = []
    notebooks: list[NotebookResult] = []
    for notebook in bundle.notebooks:
        if notebook.name not in submission.notebooks:
            notebooks.append(NotebookResult(notebook.name, "", missing=True))
            with_points = [cell for cell in notebook.cells if cell.role in (Role.TEST, Role.MANUAL, Role.TASK)]
            cells += [
                CellResult(str(cell.grade_id), notebook.name, 0.0, cell.points, CellStatus.FAILED)
                for cell in with_points
            ]
            continue
        for cell in notebook.cells:
            name = str(cell.grade_id)
            if cell.role is Role.TEST:
                score = float(scores.get(name, 0.0))
                status = CellStatus.PASSED if score == cell.points else CellStatus.FAILED
                message = "" if score == cell.points else f"{name} did not hold"
                cells.append(CellResult(name, notebook.name, score, cell.points, status, message))
            elif cell.role is Role.MANUAL and name in silent:
                cells.append(CellResult(name, notebook.name, 0.0, cell.points, CellStatus.UNANSWERED))
            elif cell.role in (Role.MANUAL, Role.TASK):
                cells.append(CellResult(name, notebook.name, None, cell.points, CellStatus.NEEDS_MANUAL))
        document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(json.dumps(what), id="what")])
        notebooks.append(NotebookResult(notebook.name, nbformat.writes(document), tuple(silent)))
    by_name = {(cell.notebook, cell.name): cell for cell in cells}
    summed = tuple(
        summarise_question(name, each.name, tuple(by_name[each.name, str(cell.grade_id)] for cell in members))
        for each in bundle.notebooks
        for name, members in questions(each)
    )
    waits = any(cell.status is CellStatus.NEEDS_MANUAL for cell in cells)
    return Result(
        submission.student,
        bundle.assignment,
        Status.NEEDS_MANUAL if waits else Status.GRADED,
        sum(question.score or 0.0 for question in summed),
        bundle.max_score,
        summed,
        seconds=0.01,
        notes=submission.notes,
        notebooks=tuple(notebooks),
        bundle_hash=bundle.hash,
        submission_hash=submission.hash,
    )


class FakeEngine:
    """Does what a submission orders."""

    def __init__(self, bundle: Bundle, unsafe: bool = False) -> None:
        self.bundle, self.unsafe = bundle, unsafe
        self.spoiled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None

    def mark(self, submission: Submission) -> Result:
        """Follow the order."""
        what = json.loads(next(iter(submission.notebooks.values())))
        if self.spoiled:
            raise RuntimeError("an engine that failed was used again")
        match what.get("do"):
            case "raise":
                self.spoiled = True
                raise RuntimeError("the fake engine broke")
            case "exit":
                os._exit(7)
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "die once" if not Path(what["trace"]).exists():
                Path(what["trace"]).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            case "print":
                print("noise on standard output")
            case "wait" if not Path(what["trace"]).exists():
                Path(what["trace"]).touch()
                time.sleep(600)
        if "log" in what:
            with Path(what["log"]).open("a") as log:
                log.write(submission.student + "\n")
        return judged(self.bundle, submission, what)

    def mark_again(self, submission: Submission, again: Again) -> Result:
        """Mark all of it: what was known before is an order, too."""
        return self.mark(submission)


class RefusingEngine(FakeEngine):
    """Cannot start on this machine."""

    def __enter__(self) -> Self:
        raise SandboxError("This machine does not allow the sandbox.", "See `saiten doctor`.")


class HerePool:
    """A pool without processes: marks with the fake engine, here and now."""

    marked: ClassVar[list[str]] = []
    """students whose submissions were run, since the list was cleared"""

    def __init__(self, workers: int, bundle: Bundle, factory: object, /, *, unsafe: bool) -> None:
        self.workers, self._engine = workers, FakeEngine(bundle, unsafe)

    def submit(self, fn: object, submission: Submission, /, *_: object) -> Future[Result]:
        """Mark at once."""
        call: Future[Result] = Future()
        self.marked.append(submission.student)
        if b'"die"' in b"".join(submission.notebooks.values()):
            call.set_exception(BrokenExecutor("dead"))
        else:
            call.set_result(self._engine.mark(submission))
        return call

    def stop(self, call: object) -> None:
        """Nothing hangs here."""

    def excused(self, call: object) -> float:
        """Every call begins at once."""
        return 0.0

    def post_mortem(self, call: object) -> str:
        """Say what a real pool could say."""
        return "the worker process was ended by SIGKILL"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None
