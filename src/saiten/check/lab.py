"""The laboratory: batches of submissions that nobody wrote, marked by engines that stay warm, on every core.

In: batches, each for one notebook of one bundle. Out: the same jobs, each with its `Result`.
A worker is a thread that supervises an engine's processes; it takes a batch that nobody has, or helps the longest.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial

from saiten.bundle import Bundle, BundleNotebook, Limits, Role
from saiten.errors import EngineError
from saiten.grading.engine import Engine
from saiten.results import Result
from saiten.submission import Submission

_WORTH_HELPING = 6
"""Jobs that must be left for a second worker to start processes for the same notebook."""


@dataclass(eq=False)
class Job:
    """One submission to be marked."""

    name: str
    files: Mapping[str, bytes] | None = None
    """notebook name to bytes; None: the batch's notebook with the reference in its solution cells, but for `cells`"""
    cells: Mapping[str, str] = field(default_factory=dict)
    """grade_id of a solution cell to the text that replaces the reference"""
    until: str | None = None
    """see `Engine.mark`"""
    result: Result | None = None
    stopped: Mapping[str, str] = field(default_factory=dict)
    """of a hand-in with notebooks of its own: id of each cell that ended with an error, to the error"""

    @property
    def done(self) -> Result:
        """The result; `EngineError` if the laboratory was left before it came to this job."""
        if self.result is None:
            raise EngineError(f"{self.name} was never marked")
        return self.result


@dataclass(eq=False)
class Batch:
    """Jobs for which the same processes are kept warm."""

    notebooks: Sequence[BundleNotebook]
    """what the jobs are marked with: for a tail, variants of one notebook, of which the first counts that gives the
    reference full marks; else all of them together"""
    jobs: deque[Job]
    limits: Limits
    variants: bool = False
    weight: float = 0.0
    """seconds that the batch is guessed to take; the heaviest is begun first"""
    hash_seed: int | None = None
    """another PYTHONHASHSEED than that of all other batches: the batch gets an engine of its own"""
    bundle: Bundle | None = None
    """with an engine of its own: what it marks with"""
    chosen: BundleNotebook | None = None
    trouble: str = ""
    """why the reference does not get full marks in any variant"""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Lab:
    """Marks batches of one assignment.

    Args:
        bundle: the assignment; it holds every notebook of every batch that has no bundle of its own.
        workers: batches that are marked at the same time.
        unsafe: see `Engine`.
        floor: name of the sandbox; without it the best one that this machine allows.
        tell: called with each job that is done, from any thread.
    """

    def __init__(
        self,
        bundle: Bundle,
        workers: int,
        *,
        unsafe: bool = False,
        floor: str = "",
        tell: Callable[[Job], None] | None = None,
    ) -> None:
        self._bundle = bundle
        self._workers = workers
        self._engine = partial(Engine, unsafe=unsafe, sandbox=floor, warm=False)
        self._tell = tell or (lambda job: None)
        self._lock = threading.Lock()
        self._waiting: list[Batch] = []
        self._open: list[Batch] = []
        self._stop = threading.Event()

    def run(self, batches: Sequence[Batch]) -> None:
        """Mark everything.

        Raises:
            SandboxError: this machine has no walls, or not that floor's, and `unsafe` was not given.
            EngineError: our own processes fail.
        """
        self._waiting = sorted(batches, key=lambda batch: batch.weight)  # the last is taken first
        limits = {notebook.name: batch.limits for batch in batches for notebook in batch.notebooks}
        with ThreadPoolExecutor(self._workers, thread_name_prefix="lab") as pool:
            futures: list[Future[None]] = [pool.submit(self._work, limits) for _ in range(self._workers)]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            except BaseException:
                self._stop.set()
                raise
            if any(future.exception() for future in done):
                self._stop.set()
        for future in futures:
            future.result()

    def _work(self, limits: Mapping[str, Limits]) -> None:
        with self._engine(self._bundle, limits=limits) as engine:
            while (batch := self._next()) is not None:
                if batch.bundle is None:
                    self._run(engine, batch)
                    continue
                with self._engine(batch.bundle, hash_seed=batch.hash_seed or 0, limits=limits) as other:
                    self._run(other, batch)

    def _next(self) -> Batch | None:
        with self._lock:
            if self._stop.is_set():
                return None
            if self._waiting:
                batch = self._waiting.pop()
                self._open.append(batch)
                return batch
            most = max(self._open, key=lambda batch: len(batch.jobs), default=None)
            return most if most is not None and len(most.jobs) >= _WORTH_HELPING else None

    def _run(self, engine: Engine, batch: Batch) -> None:
        if batch.variants:
            with batch.lock:
                if batch.chosen is None and not batch.trouble:
                    self._choose(engine, batch)
            if batch.chosen is None:
                batch.jobs.clear()
                return
        while not self._stop.is_set():
            try:
                job = batch.jobs.popleft()
            except IndexError:
                break
            submission = self._submission(batch, job)
            result = engine.mark(submission, job.until)
            if job.files is not None:
                job.stopped = _stopped(result)
            job.result = _about(result, submission)
            self._tell(job)
        for notebook in batch.notebooks:
            engine.leave(notebook.name)

    def _choose(self, engine: Engine, batch: Batch) -> None:
        """Take the first variant in which the reference gets full marks; the last one's words tell why none does."""
        for notebook in batch.notebooks:
            batch.chosen = notebook
            result = engine.mark(self._submission(batch, Job("reference")))
            lost = [cell for cell in result.cells if cell.notebook == notebook.name and cell.score != cell.max_score]
            if result.score is not None and not lost:
                return
            batch.trouble = result.message or next((f"{cell.name}: {cell.message}" for cell in lost), "")
            engine.leave(notebook.name)
        batch.chosen = None

    def _submission(self, batch: Batch, job: Job) -> Submission:
        assignment = self._bundle.assignment
        if job.files is not None:
            return Submission(job.name, assignment, job.files)
        if batch.chosen is None:
            raise EngineError(f"no notebook was chosen for {job.name}")
        return Submission(job.name, assignment, {batch.chosen.name: as_notebook(batch.chosen, job.cells)})


def _about(result: Result, submission: Submission) -> Result:
    """Leave out the notebooks that were not handed in: other batches' are in the bundle, too."""
    mine = tuple(question for question in result.questions if question.notebook in submission.notebooks)
    return replace(result, questions=mine, notebooks=())  # the marked documents are large


def _stopped(result: Result) -> dict[str, str]:
    return {
        cell["id"]: f"{output['ename']}: {output['evalue']}"
        for part in result.notebooks
        if part.document
        for cell in json.loads(part.document)["cells"]
        for output in cell.get("outputs", ())
        if output["output_type"] == "error"
    }


def as_notebook(notebook: BundleNotebook, cells: Mapping[str, str]) -> bytes:
    """Write a hand-in of a notebook: the reference in every solution cell, but for those whose text is given.

    Args:
        notebook: of a bundle.
        cells: grade_id of a solution cell to its text.
    """
    written: list[dict[str, object]] = [
        {
            "cell_type": cell.cell_type,
            "id": cell.id,
            "metadata": {"nbgrader": {"grade_id": cell.grade_id, "solution": True}},
            "source": cells.get(cell.grade_id or "", cell.source),
            **({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {}),
        }
        for cell in notebook.cells
        if cell.role is Role.SOLUTION
    ]
    return json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
