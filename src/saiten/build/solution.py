"""The executed reference notebooks, for staff.

In: the prepared notebooks and what the reference run gave. Out: `solutions/<assignment>/`: notebooks with outputs, and
all data, hidden files too, so that each can be opened and run where it lies.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode

from saiten.build.bundle import Parts
from saiten.build.release import notebook_bytes, write_files

if TYPE_CHECKING:
    from saiten.grading.reference import ReferenceCell


def write_solutions(parts: Parts, folder: Path) -> None:
    """Write the executed notebooks and all data files into an empty folder."""
    for notebook in parts.notebooks:
        executed = with_outputs(notebook.source, parts.runs[notebook.name])
        executed.metadata["kernelspec"] = copy.deepcopy(notebook.release.metadata["kernelspec"])
        (folder / f"{notebook.name}.ipynb").write_bytes(notebook_bytes(executed))
    write_files(parts.bundle.files, folder)
    write_files(parts.bundle.hidden_files, folder)


def with_outputs(notebook: NotebookNode, run: Sequence[ReferenceCell]) -> NotebookNode:
    """Return a copy of a notebook whose code cells hold the outputs of a run, counted from 1."""
    executed = copy.deepcopy(notebook)
    count = 0
    for cell, result in zip(executed.cells, run, strict=True):
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        cell.outputs = [nbformat.from_dict(output) for output in copy.deepcopy(result.outputs)]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return executed
