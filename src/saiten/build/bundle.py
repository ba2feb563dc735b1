"""From an assignment's source to its bundle: strip, run the reference, put together.

In: an `Assignment`. Out: a `Bundle`, or `Parts` with the notebooks and the reference's outputs beside it.
Nothing is written; the reference runs in a process of its own (`saiten.grading.reference`).
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Protocol

from saiten import __version__
from saiten.build.prepare import Prepared, prepare_notebook
from saiten.bundle import SCHEMA, Bundle, BundleCell, BundleNotebook, Limits, Role
from saiten.course import Assignment
from saiten.errors import EngineError, SourceError
from saiten.ipython_code import importable, top_level_imports
from saiten.notebook import (
    RAISES_TAG,
    cell_label,
    grade_id_of,
    is_locked,
    is_nbgrader_cell,
    nbgrader_metadata,
    role_of,
    tags_of,
)
from saiten.settings import FILE_NAME as SETTINGS_NAME

if TYPE_CHECKING:
    from saiten.grading.reference import ReferenceCell, ReferenceInput

Progress = Callable[[str], None]
"""Called with a few words when a step begins."""

_HASHED_SECTIONS = (
    "ClearHiddenTests",
    "ClearMarkScheme",
    "ClearSolutions",
    "GenerateAssignment",
    "IncludeHeaderFooter",
    "InstantiateTests",
    "LockCells",
)
"""Sections of the configuration that decide what a build makes; others (paths, database) do not."""


class ReferenceRunner(Protocol):
    """What runs the reference: `saiten.grading.reference.run_reference`, or a stand-in for tests."""

    def __call__(
        self,
        cells: Sequence[ReferenceInput],
        *,
        files: Mapping[str, bytes],
        imports: Sequence[str],
        limits: Limits,
    ) -> Sequence[ReferenceCell]:
        """Run all code cells of one notebook in order; one `ReferenceCell` for each cell given."""


@dataclass(frozen=True)
class Parts:
    """Everything that a build knows about an assignment before it writes."""

    bundle: Bundle
    notebooks: tuple[Prepared, ...]
    runs: Mapping[str, tuple[ReferenceCell, ...]]
    """notebook name to what the reference run gave for each of its cells"""


def make_bundle(
    assignment: Assignment, *, progress: Progress | None = None, run: ReferenceRunner | None = None
) -> Bundle:
    """Make the bundle of an assignment.

    Args:
        assignment: its source is read, never changed.
        progress: called when a step begins.
        run: what runs the reference; the engine itself if None.

    Raises:
        SourceError: the source cannot be built, or the reference solution fails.
    """
    return make_parts(assignment, progress=progress, run=run).bundle


def make_parts(
    assignment: Assignment, *, progress: Progress | None = None, run: ReferenceRunner | None = None
) -> Parts:
    """Do what `make_bundle` does, and keep the notebooks and the outputs of the reference."""
    tell = progress or (lambda words: None)
    notebooks = []
    for name in assignment.notebooks:
        tell(f"reading {name}")
        notebooks.append(prepare_notebook(assignment, name))
    if not any(is_nbgrader_cell(cell) for notebook in notebooks for cell in notebook.source.cells):
        raise SourceError(
            f"{assignment.name}: no cell has a grade_id, so there is nothing to mark.",
            "Mark solution and test cells in nbgrader's Create Assignment tool.",
        )
    files, hidden = _read_data(assignment)
    limits = assignment.settings.limits
    built, runs = [], {}
    for notebook in notebooks:
        tell(f"running the reference of {notebook.name}")
        imports = _imports(notebook, assignment)
        cells = _run(notebook, run, {**files, **hidden}, imports, limits, f"{assignment.name}/{notebook.name}")
        runs[notebook.name] = cells
        built.append(_bundle_notebook(notebook, cells, imports))
    settings = assignment.settings
    bundle = Bundle(
        assignment=assignment.name,
        notebooks=tuple(built),
        title=dict(settings.title),
        limits=limits,
        gpu=settings.gpu,
        files=files,
        hidden_files=hidden,
        allow_files=settings.allow_files,
        source_hash=source_hash(assignment),
    )
    return Parts(bundle, tuple(notebooks), runs)


def source_hash(assignment: Assignment) -> str:
    """Hash all that the bundle is built from, to tell whether a bundle on disk is stale.

    Returns:
        BLAKE2b (128 bits, hex) of the notebooks, data files and settings, header and footer, the options that decide
        what is stripped, and the version of Saiten. Dates, hints, the schedule and what students are shown at once
        are left out: they change no verdict.
    """
    course = assignment.course
    digest = hashlib.blake2b(digest_size=16)
    options = {name: course.config[name] for name in _HASHED_SECTIONS if name in course.config}
    settings = asdict(replace(assignment.settings, release=None, due=None, hints={}))
    del settings["instant_feedback"], settings["schedule"]
    if not settings["otter_check"]:  # what was built before there was this key is not stale because of it
        del settings["otter_check"]
    head = [__version__, SCHEMA, assignment.name, list(course.options.languages), options, settings]
    digest.update(json.dumps(head, sort_keys=True, default=_plain).encode())
    paths = {f"notebook:{name}": path for name, path in assignment.notebooks.items()}
    paths |= {f"file:{name}": path for name, path in assignment.data_files().items()}
    for option in ("header", "footer"):
        extra = course.config.get("IncludeHeaderFooter", {}).get(option)
        if isinstance(extra, str) and extra:
            paths[option] = course.root / extra
    for name, path in sorted(paths.items()):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"\0{name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


def _plain(value: object) -> str:
    """Write an option that JSON has no form for, the same in every process: no addresses."""
    if callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _read_data(assignment: Assignment) -> tuple[dict[str, bytes], dict[str, bytes]]:
    public: dict[str, bytes] = {}
    hidden: dict[str, bytes] = {}
    for name, path in assignment.data_files().items():
        try:
            (hidden if assignment.is_hidden(name) else public)[name] = path.read_bytes()
        except OSError as error:
            raise SourceError(
                f"{path} cannot be read: {error.strerror}.", "Mend or remove it; it would go to the students."
            ) from error
    for pattern in assignment.settings.hidden_files:
        if not any(fnmatch.fnmatchcase(name, pattern) for name in hidden):
            raise SourceError(
                f"{assignment.name}: no file matches {pattern!r} of `hidden_files`.",
                f"Mend the pattern in {SETTINGS_NAME}; a file it misses would go to the students.",
            )
    return public, hidden


def _imports(notebook: Prepared, assignment: Assignment) -> tuple[str, ...]:
    """Modules of released set-up cells and of the reference's solution cells, never those that only tests need."""
    wanted: list[str] = []
    for cell in notebook.source.cells:
        if cell.cell_type == "code" and role_of(cell) is not Role.TEST:
            wanted += top_level_imports(cell.source)
    return importable(wanted, without=(assignment.course.root, assignment.folder))


def _run(
    notebook: Prepared,
    run: ReferenceRunner | None,
    files: Mapping[str, bytes],
    imports: Sequence[str],
    limits: Limits,
    label: str,
) -> tuple[ReferenceCell, ...]:
    from saiten.grading.reference import ReferenceCell, ReferenceInput, run_reference

    if not any(cell.cell_type == "code" for cell in notebook.source.cells):
        return tuple(ReferenceCell() for _ in notebook.source.cells)
    inputs = [ReferenceInput(cell.cell_type, cell.source, role_of(cell) is Role.TEST) for cell in notebook.source.cells]
    try:
        results = tuple((run or run_reference)(inputs, files=files, imports=imports, limits=limits))
    except EngineError as error:  # it died or did not end: the instructor's code did that, far more often than ours
        raise SourceError(
            f"{label}: the reference does not run to its end: {error}", "Run the notebook from the top in JupyterLab."
        ) from error
    for number, (cell, result) in enumerate(zip(notebook.source.cells, results, strict=True), 1):
        if result.error and RAISES_TAG not in tags_of(cell):
            what = "the reference solution fails its own test" if role_of(cell) is Role.TEST else "the reference fails"
            raise SourceError(
                f"{label}: {cell_label(number, cell)}: {what}: {result.error.strip()}",
                f"Run the notebook from the top; a cell that is meant to fail carries the tag {RAISES_TAG}.",
            )
    return results


def _bundle_notebook(notebook: Prepared, run: Sequence[ReferenceCell], imports: tuple[str, ...]) -> BundleNotebook:
    cells = []
    for source, released, result in zip(notebook.source.cells, notebook.release.cells, run, strict=True):
        role = role_of(source)
        has_points = role in (Role.TEST, Role.MANUAL, Role.TASK)
        cells.append(
            BundleCell(
                id=source.id,
                grade_id=grade_id_of(source),
                role=role,
                cell_type=source.cell_type,
                source=source.source,
                release_source=released.source,
                points=float(nbgrader_metadata(source)["points"]) if has_points else 0.0,
                locked=is_locked(source),
                tags=tags_of(source),
                checksum=notebook.checksums.get(source.id),
                brings=tuple(result.brings),
                metadata=json.loads(json.dumps(released.metadata)),
            )
        )
    kernelspec = dict(notebook.release.metadata["kernelspec"])
    return BundleNotebook(notebook.name, tuple(cells), kernelspec, imports)
