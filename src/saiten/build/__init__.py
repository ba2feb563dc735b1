"""Building an assignment: source to release, solutions and autograder.

In: an `Assignment`. Out: three folders, swapped in whole, and a `BuildReport` that says what is in them.
Each folder is built from the same parts, and the release is searched for leaks before anything is replaced.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from saiten.build.bundle import Parts, Progress, ReferenceRunner, make_bundle, make_parts, source_hash
from saiten.build.otter import write_otter
from saiten.build.prepare import stale_sources
from saiten.build.release import check_leaks, write_release
from saiten.build.solution import write_solutions
from saiten.build.staging import staged
from saiten.bundle import BundleNotebook, questions
from saiten.course import Assignment

__all__ = ["BuildReport", "NotebookReport", "build_assignment", "make_bundle", "source_hash"]


@dataclass(frozen=True, slots=True)
class NotebookReport:
    """What a build made of one notebook."""

    name: str
    cells: int
    questions: int
    """groups of cells with points, as `saiten.bundle.questions` counts them"""
    points: float
    seconds: float
    """how long the reference took"""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build made of an assignment, and where it is."""

    assignment: str
    notebooks: tuple[NotebookReport, ...]
    points: float
    files: int
    """public data files"""
    hidden_files: int
    release: Path
    solutions: Path
    autograder: Path
    bundle_hash: str
    seconds: float
    otter: tuple[Path, ...] = ()
    """zips for `otter run` and Gradescope, one for each notebook that has tests"""
    notes: tuple[str, ...] = ()
    """what the instructor should know, in words"""

    def public(self) -> dict[str, Any]:
        """What `saiten build --json` prints."""
        raw = asdict(self)
        raw["otter"] = [str(path) for path in self.otter]
        return {key: str(value) if isinstance(value, Path) else value for key, value in raw.items()}


def build_assignment(
    assignment: Assignment, *, progress: Progress | None = None, run: ReferenceRunner | None = None
) -> BuildReport:
    """Build release, solutions and autograder of an assignment, replacing what was built before.

    Args:
        assignment: what to build; its source is only read.
        progress: called with a few words when a step begins.
        run: what runs the reference; the engine itself if None.

    Returns:
        what was made.

    Raises:
        SourceError: the source cannot be built, the reference fails, or the release would give something away. What
            was built before stays as it was.
    """
    begin = time.monotonic()
    tell = progress or (lambda words: None)
    parts = make_parts(assignment, progress=progress, run=run)
    course, name = assignment.course, assignment.name
    targets = [course.release_dir(name), course.solutions_dir(name), course.autograder_dir(name)]
    tell("writing")
    with staged(targets) as (release, solutions, autograder):
        write_release(parts, release)
        check_leaks(parts, release, assignment.settings.shared_code)
        write_solutions(parts, solutions)
        parts.bundle.write(autograder)
        markers = [each for each in parts.notebooks[0].delimiters if each.what == "hidden tests"]
        zips = write_otter(parts.bundle, markers[0] if markers else None, autograder)
    return BuildReport(
        assignment=name,
        notebooks=tuple(_report(notebook, parts) for notebook in parts.bundle.notebooks),
        points=parts.bundle.max_score,
        files=len(parts.bundle.files),
        hidden_files=len(parts.bundle.hidden_files),
        release=targets[0],
        solutions=targets[1],
        autograder=targets[2],
        bundle_hash=parts.bundle.hash,
        seconds=round(time.monotonic() - begin, 3),
        otter=tuple(targets[2] / path.name for path in zips),
        notes=tuple(stale_sources(assignment)),
    )


def _report(notebook: BundleNotebook, parts: Parts) -> NotebookReport:
    return NotebookReport(
        name=notebook.name,
        cells=len(notebook.cells),
        questions=len(questions(notebook)),
        points=sum(cell.points for cell in notebook.cells),
        seconds=round(sum(cell.seconds for cell in parts.runs[notebook.name]), 3),
    )
