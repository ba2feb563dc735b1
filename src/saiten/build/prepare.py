"""From an instructor's notebook to the students' one, by nbgrader's own steps in nbgrader's own order.

In: a notebook of an assignment. Out: `Prepared`: the full text (header and footer in, languages folded, automatic tests
written out), the released one, and the checksums that nbgrader's database would hold. Files are only read.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import (
    ClearHiddenTests,
    ClearMarkScheme,
    ClearSolutions,
    IncludeHeaderFooter,
    InstantiateTests,
    SaveCells,
    instantiatetests,
)

from saiten.build.otter_check import with_check_cell
from saiten.bundle import IN_STUDENT_TAG, Role
from saiten.config import importable
from saiten.course import Assignment
from saiten.errors import SourceError, UserError
from saiten.languages import fold_languages
from saiten.notebook import (
    HIDDEN_TEST_ROLES,
    KERNELSPEC,
    SOLUTION_ROLES,
    Delimiters,
    check_source,
    is_nbgrader_cell,
    nbgrader_metadata,
    read_source,
    tags_of,
    with_stable_ids,
)

_STAFF_CELL_KEYS = ("ExecuteTime", "execution")
"""Cell metadata that tells when the instructor ran a cell."""


@dataclass(frozen=True)
class Prepared:
    """One notebook, ready to be run, released and bundled. Cells correspond by place and id."""

    name: str
    source: NotebookNode
    """the instructor's full text: solutions, public and hidden tests"""
    release: NotebookNode
    """what students get"""
    checksums: Mapping[str, str]
    """cell id to nbgrader's checksum, taken while hidden tests still stand in the cell"""
    delimiters: tuple[Delimiters, ...]
    """the markers, as this course configures them"""
    stubs: tuple[str, ...]
    """what stands in place of a solution"""


def prepare_notebook(assignment: Assignment, name: str) -> Prepared:
    """Read, check and strip one notebook of an assignment.

    Args:
        assignment: whose notebook.
        name: the notebook's name in `assignment.notebooks`.

    Raises:
        SourceError: the notebook cannot be built; the message names it and the cell.
    """
    label = f"{assignment.name}/{name}"
    steps = _steps(assignment)
    notebook = read_source(assignment.notebooks[name])
    notebook.metadata.setdefault("kernelspec", NotebookNode(KERNELSPEC))
    resources = _resources(assignment, name)
    for step in steps:
        if isinstance(step, IncludeHeaderFooter):
            notebook = _apply(step, notebook, resources, label)
    notebook = fold_languages(notebook, assignment.course.options.languages, label)
    delimiters = _delimiters(steps)
    check_source(notebook, label, delimiters)
    for step in steps:
        if isinstance(step, InstantiateTests):
            notebook = _instantiate(step, notebook, resources, assignment, label)
    if assignment.settings.otter_check:
        notebook = with_check_cell(notebook, label)
    source = with_stable_ids(notebook)
    released, checksums = source, None
    for step in steps:
        if isinstance(step, SaveCells):
            checksums = _checksums(released)
        elif not isinstance(step, IncludeHeaderFooter | InstantiateTests):
            released = _apply(step, released, resources, label)
    if [cell.id for cell in released.cells] != [cell.id for cell in source.cells]:
        raise SourceError(
            f"{label}: a preprocessor of c.GenerateAssignment.preprocessors adds, drops or moves cells.",
            "Saiten can mark only what stands in the source; take that preprocessor out.",
        )
    return Prepared(
        name,
        source,
        _tidy(released),
        _checksums(released) if checksums is None else checksums,
        delimiters,
        _stubs(steps),
    )


def stale_sources(assignment: Assignment) -> list[str]:
    """Say which text notebooks are older than the `.ipynb` beside them and differ from it: edits may be missing."""
    notes = []
    for path in assignment.notebooks.values():
        pair = path.with_suffix(".ipynb")
        if path.suffix != ".py" or not pair.is_file() or pair.stat().st_mtime <= path.stat().st_mtime:
            continue
        if _texts(path) != _texts(pair):
            notes.append(
                f"{pair.name} is newer than {path.name} and differs from it; {path.name} was built. "
                f"`jupytext --sync {pair}` brings them together."
            )
    return notes


def _texts(path: Path) -> list[tuple[str, str]] | None:
    """Return cell types and texts of a notebook, or None if it cannot be read."""
    try:
        return [(cell.cell_type, cell.source.rstrip()) for cell in read_source(path).cells]
    except SourceError:
        return None


def _steps(assignment: Assignment) -> list[Preprocessor]:
    """Make the preprocessors of `nbgrader generate_assignment` as it makes them, so that every option reaches them."""
    course = assignment.course
    with importable(course.root):
        converter = GenerateAssignment(coursedir=course.coursedir, config=course.config)
        exporter = converter.exporter_class(parent=converter, config=converter.config)
        for each in converter.preprocessors:
            exporter.register_preprocessor(each)
    steps: list[Preprocessor] = exporter._preprocessors  # nbconvert offers no other way to them
    for step in steps:
        if isinstance(step, IncludeHeaderFooter):
            # nbgrader changes into the course's folder to read these; absolute paths need no such detour
            for option in ("header", "footer"):
                path = getattr(step, option)
                setattr(step, option, str(course.root / path) if path else "")
    return [step for step in steps if getattr(step, "enabled", True)]


def _resources(assignment: Assignment, name: str) -> dict[str, Any]:
    return {
        "unique_key": name,
        "output_files_dir": f"{name}_files",
        "metadata": {"name": name, "path": str(assignment.folder)},
        "nbgrader": {
            "student": ".",
            "assignment": assignment.name,
            "notebook": name,
            "db_url": assignment.course.coursedir.db_url,
        },
    }


def _apply(step: Preprocessor, notebook: NotebookNode, resources: dict[str, Any], label: str) -> NotebookNode:
    try:
        result, _ = step(copy.deepcopy(notebook), copy.deepcopy(resources))
    except UserError:
        raise
    except Exception as error:  # nbgrader's steps raise whatever they like; each means that the source is refused
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SourceError(
            f"{label}: nbgrader's step {type(step).__name__} refuses the notebook: {reason}",
            "`nbgrader generate_assignment` on the same source says the same in more words.",
        ) from error
    done: NotebookNode = result
    return done


def _instantiate(
    step: Preprocessor, notebook: NotebookNode, resources: dict[str, Any], assignment: Assignment, label: str
) -> NotebookNode:
    """Write out nbgrader's AUTOTEST lines, in a kernel whose folder is a copy, so that the source stays as it is."""
    if not any(cell.cell_type == "code" and step.autotest_delimiter in cell.source for cell in notebook.cells):
        return notebook
    local = assignment.folder / step.autotest_filename
    step.autotest_filename = str(local if local.is_file() else assignment.course.root / step.autotest_filename)
    with tempfile.TemporaryDirectory(prefix="saiten-autotest-") as path:
        for relative, file in assignment.data_files().items():
            target = Path(path) / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        here = {**resources, "metadata": {**resources["metadata"], "path": path}}
        with _kernels_closed():
            return _apply(step, notebook, here, label)


@contextmanager
def _kernels_closed() -> Iterator[None]:
    """Close what nbgrader leaves behind: the client's channels always, the kernel itself after an error."""
    original, started = instantiatetests.start_new_kernel, []

    def start(**options: Any) -> tuple[Any, Any]:
        manager, client = original(**options)
        started.append((manager, client))
        return manager, client

    instantiatetests.start_new_kernel = start
    try:
        yield
    finally:
        instantiatetests.start_new_kernel = original
        for manager, client in started:
            client.stop_channels()
            if manager.has_kernel:
                manager.shutdown_kernel(now=True)


def _delimiters(steps: list[Preprocessor]) -> tuple[Delimiters, ...]:
    found = []
    for step in steps:
        if isinstance(step, ClearSolutions):
            begin, end = step.begin_solution_delimeter, step.end_solution_delimeter
            found.append(Delimiters("solution", begin, end, SOLUTION_ROLES, step.enforce_metadata))
        elif isinstance(step, ClearHiddenTests):
            begin, end = step.begin_test_delimeter, step.end_test_delimeter
            found.append(Delimiters("hidden tests", begin, end, HIDDEN_TEST_ROLES, step.enforce_metadata))
        elif isinstance(step, ClearMarkScheme):
            begin, end = step.begin_mark_scheme_delimeter, step.end_mark_scheme_delimeter
            found.append(Delimiters("mark scheme", begin, end, frozenset({Role.TASK}), step.enforce_metadata))
    return tuple(found)


def _stubs(steps: list[Preprocessor]) -> tuple[str, ...]:
    found: list[str] = []
    for step in steps:
        if isinstance(step, ClearSolutions):
            found += [step.code_stub.get("python", ""), step.text_stub]
    return tuple(found)


def _checksums(notebook: NotebookNode) -> dict[str, str]:
    return {
        cell.id: nbgrader_metadata(cell)["checksum"]
        for cell in notebook.cells
        if is_nbgrader_cell(cell) and "checksum" in nbgrader_metadata(cell)
    }


def _tidy(notebook: NotebookNode) -> NotebookNode:
    """Take out what is the staff's and name a kernel that students have."""
    tidy = copy.deepcopy(notebook)
    if tidy.metadata.get("kernelspec", {}).get("name", "python") == "python":
        tidy.metadata["kernelspec"] = NotebookNode(KERNELSPEC)
    tidy.metadata.setdefault("language_info", NotebookNode(name="python")).pop("version", None)
    for cell in tidy.cells:
        for key in _STAFF_CELL_KEYS:
            cell.metadata.pop(key, None)
        if IN_STUDENT_TAG in tags_of(cell):
            cell.metadata["tags"] = [tag for tag in tags_of(cell) if tag != IN_STUDENT_TAG]
            if not cell.metadata["tags"]:
                del cell.metadata["tags"]
    return tidy
