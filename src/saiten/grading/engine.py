"""The engine: marks submissions of one assignment in a worker process, with everything warm.

In: a bundle once, submissions one after another. Out: one `Result` for each, whatever it holds.
The engine supervises: it starts the parents, hands each judge its student processes, ends both when time is up.
It runs no code of a student's or an instructor's itself.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from saiten.bundle import Bundle, BundleNotebook, Limits, Role
from saiten.errors import EngineError, SubmissionError
from saiten.grading import cgroups, litter
from saiten.grading.again import Again, merged, result_of, start, unfit
from saiten.grading.assemble import assemble, missing_notebook, solution_seconds, total
from saiten.grading.floor import FLOORS
from saiten.grading.house import House, mix
from saiten.grading.progress import Progress, Record
from saiten.grading.rebuild import Plan, parse, plan
from saiten.grading.sandbox import UnsafeSandbox
from saiten.grading.zygote import Zygote
from saiten.results import CellResult, NotebookResult, Result, Status
from saiten.submission import Submission

CLEAR_SECONDS = 5.0
"""Time for the last process to end and its files to go."""


class Engine:
    """Marks submissions of one assignment.

    Args:
        bundle: the assignment.
        unsafe: mark without namespaces; students' code can then read and write what this user can.
        hash_seed: PYTHONHASHSEED of all processes: the order of a set of text depends on it.
        warm: start the processes of every notebook on entering; else each when it is first needed.
        limits: for notebooks that have limits of their own, by name.
        sandbox: name of the sandbox to use; without it the best one that this machine allows, see `floor.FLOORS`.

    Raises:
        SandboxError: on entering, if this machine allows no sandbox and `unsafe` was not given.
        EngineError: on entering or marking, if our own processes fail.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        unsafe: bool = False,
        hash_seed: int = 0,
        warm: bool = True,
        limits: Mapping[str, Limits] | None = None,
        sandbox: str = "",
    ) -> None:
        self._bundle = bundle
        self._hash_seed = hash_seed
        self._warm = warm
        self._limits = dict(limits or {})
        self._floors = (UnsafeSandbox.name,) if unsafe else (sandbox,) if sandbox else FLOORS
        self._folder: Path | None = None
        self._zygote: Zygote | None = None
        self._houses: dict[str, House] = {}

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="saiten-"))
        try:
            for notebook in self._bundle.notebooks:
                if self._warm and _has_code(notebook):
                    self._house(notebook)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes and remove the temporary files."""
        self._end_processes()
        if self._folder is not None:
            _remove(self._folder)
            self._folder = None

    @property
    def floor(self) -> str:
        """Name of the sandbox in use; empty before the first notebook is needed."""
        return next((house.floor for house in self._houses.values()), "")

    def leave(self, notebook: str) -> None:
        """End the processes of one notebook; they are started again if it is marked once more."""
        house = self._houses.pop(notebook, None)
        if house is not None:
            house.close()

    def mark(self, submission: Submission, until: str | None = None) -> Result:
        """Mark one submission; never raises for anything that it holds or does.

        Args:
            submission: the notebooks.
            until: grade_id of a test cell, if it is enough to know whether all tests up to that one hold: what stands
                behind it, or behind the first test that fails, is not run and gets no points. No figure is drawn.
        """
        started = time.perf_counter()
        try:
            result = self._mark(submission, until)
        except SubmissionError as error:
            result = self._without_score(submission, Status.REJECTED, str(error))
        except Exception as error:  # whatever it is, it must not reach the next submission
            self._end_processes()  # the next submission begins with fresh ones
            result = self._without_score(submission, Status.INFRA_ERROR, f"{type(error).__name__}: {error}")
        return replace(result, seconds=time.perf_counter() - started)

    def mark_again(self, submission: Submission, again: Again) -> Result:
        """Mark the tests of some questions, and take the other verdicts from an earlier run of the same cells.

        Where that run, or this one, met something that makes the cells' part uncertain (a process that ended early, a
        limit), the whole submission is marked, and the result says why.

        Args:
            submission: the same bytes as then.
            again: what is known and what is to be marked.
        """
        started = time.perf_counter()
        reason = unfit(again, self._bundle.limits)
        if not reason:
            try:
                result, reason = self._mark_again(submission, again)
            except Exception as error:  # the whole submission will show whether it was the submission
                self._end_processes()
                reason = f"its tests could not be marked by themselves ({type(error).__name__}: {error})"
            else:
                if not reason:
                    return replace(result, seconds=time.perf_counter() - started)
        return replace(self.mark(submission), whole_because=reason)

    def _mark_again(self, submission: Submission, again: Again) -> tuple[Result, str]:
        """The result, and why it cannot be used."""
        earlier = {part.name: part for part in again.before.notebooks}
        notebooks: list[NotebookResult] = []
        judged: dict[tuple[str, str], CellResult] = {}
        remarks: list[str] = []
        for notebook in self._bundle.notebooks:
            content = submission.notebooks.get(notebook.name)
            if notebook.name not in again.marked:
                notebooks.append(earlier[notebook.name])
                continue
            if content is None:
                part, cells = missing_notebook(notebook)
            else:
                planned = plan(notebook, parse(content))
                progress = start(notebook, planned, again, self._limits_of(notebook))
                behind = set(progress.left_out)
                if again.marked[notebook.name]:  # else tests have gone, and the rest stays
                    progress = self._judge(notebook, planned, submission, None, progress)
                if progress.lost or progress.left_out != behind:
                    return again.before, "the student's process ended early"
                if time.monotonic() > progress.end:
                    return again.before, "the submission's time was up"
                part, cells = merged(notebook, planned, again, progress.records)
                remarks += [f"{notebook.name}: {note}" for note in (*planned.notes, *progress.notes)]
            notebooks.append(part)
            judged |= {(notebook.name, cell.name): cell for cell in cells}
        return result_of(self._bundle, again, notebooks, judged, (*submission.notes, *remarks)), ""

    def _mark(self, submission: Submission, until: str | None) -> Result:
        if submission.problem:
            raise SubmissionError(submission.problem)
        bundle = self._bundle
        cells: list[CellResult] = []
        notebooks: list[NotebookResult] = []
        notes = list(submission.notes)
        spent: dict[tuple[str, str], float] = {}
        lost = 0
        if not any(notebook.name in submission.notebooks for notebook in bundle.notebooks):
            names = ", ".join(f"{notebook.name}.ipynb" for notebook in bundle.notebooks)
            raise SubmissionError("The submission holds no notebook of the assignment.", f"Hand in {names}.")
        for notebook in bundle.notebooks:
            content = submission.notebooks.get(notebook.name)
            if content is None:
                missing, its_cells = missing_notebook(notebook)
                notes.append(f"{notebook.name}: the notebook is missing from the submission.")
            else:
                planned = plan(notebook, parse(content))
                progress = self._judge(notebook, planned, submission, until)
                lost += progress.lost
                missing, its_cells = assemble(notebook, planned, progress.records)
                spent |= solution_seconds(notebook, planned, progress.records)
                notes += [f"{notebook.name}: {note}" for note in (*planned.notes, *progress.notes)]
            notebooks.append(missing)
            cells += its_cells
        questions, score, status = total(bundle, cells, spent)
        return Result(
            student=submission.student,
            assignment=bundle.assignment,
            status=status,
            score=score,
            max_score=bundle.max_score,
            questions=questions,
            notes=tuple(notes),
            notebooks=tuple(notebooks),
            bundle_hash=bundle.hash,
            submission_hash=submission.hash,
            lost=lost,
        )

    def _without_score(self, submission: Submission, status: Status, message: str) -> Result:
        return Result(
            student=submission.student,
            assignment=self._bundle.assignment,
            status=status,
            score=None,
            max_score=self._bundle.max_score,
            message=message,
            notes=submission.notes,
            bundle_hash=self._bundle.hash,
            submission_hash=submission.hash,
        )

    def _judge(
        self,
        notebook: BundleNotebook,
        planned: Plan,
        submission: Submission,
        until: str | None,
        begin: Progress | None = None,
    ) -> Progress:
        limits = self._limits_of(notebook)
        progress = begin or Progress([Record() for _ in planned.steps], time.monotonic() + limits.total_seconds)
        if not any(step.cell_type == "code" for step in planned.steps):
            return progress
        # the tests are not in it: whatever becomes of them, the same cells draw the same random numbers
        seed = int(mix(self._bundle.cells_hash, submission.hash), 16)
        house = self._house(notebook)
        progress.end = time.monotonic() + limits.total_seconds
        draw = until is None and begin is None  # else nobody sees what the cells show
        return house.judge(planned, self._allowed(submission), seed, until, progress, draw=draw)

    def _limits_of(self, notebook: BundleNotebook) -> Limits:
        return self._limits.get(notebook.name, self._bundle.limits)

    def _allowed(self, submission: Submission) -> dict[str, bytes]:
        """The submission's own files that the assignment lets its process see."""
        patterns = self._bundle.allow_files
        return {
            name: content
            for name, content in submission.files.items()
            if any(Path(name).match(pattern) for pattern in patterns) and name not in self._bundle.files
        }

    def _house(self, notebook: BundleNotebook) -> House:
        if self._folder is None:
            raise EngineError("the engine is closed")
        if self._zygote is None:
            modules = {name for each in self._bundle.notebooks for name in each.imports}
            self._zygote = Zygote(tuple(sorted(modules)), self._folder / "home", self._hash_seed)
        house = self._houses.get(notebook.name)
        if house is None:
            bundle = replace(self._bundle, limits=self._limits_of(notebook))
            house = House(bundle, notebook, self._zygote, self._folder, self._floors)
            self._houses[notebook.name] = house
        return house

    def _end_processes(self) -> None:
        for house in self._houses.values():
            house.close()
        self._houses.clear()
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None


def _remove(folder: Path) -> None:
    """Remove the engine's folder and control groups; their last processes may need a moment to end."""
    deadline = time.monotonic() + CLEAR_SECONDS
    while (any(folder.glob("*/student-*/home")) or cgroups.sweep()) and time.monotonic() < deadline:
        time.sleep(0.01)
    with suppress(OSError):
        litter.remove(folder)


def _has_code(notebook: BundleNotebook) -> bool:
    return any(cell.cell_type == "code" and cell.role is not Role.TEXT for cell in notebook.cells)
