"""What students get, and the check that nothing of the staff's is in it.

In: the prepared notebooks and public data. Out: `release/<assignment>/`, the same bytes in every build.
A line of a solution or a hidden test that is found in any of its files is a `SourceError`.
"""

from __future__ import annotations

import copy
import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from saiten.build.bundle import Parts
from saiten.build.otter_check import with_public_tests
from saiten.build.prepare import Prepared
from saiten.bundle import Role
from saiten.errors import SourceError
from saiten.notebook import cell_label, marked_lines, role_of

_TRIVIAL_LENGTH = 12
"""A shorter line says nothing (`return x`, `else:`), wherever it is found."""
_TRIVIAL_LINE = re.compile(r"(import|from)\s|#\s*$")
_TRIVIAL_FILE_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Secret:
    what: str
    """ "solution", "hidden tests", "mark scheme\""""
    where: str
    """notebook and cell"""


def notebook_bytes(notebook: NotebookNode) -> bytes:
    """Write a notebook as nbformat does, with sorted keys, and a line end at the end."""
    text: str = nbformat.writes(copy.deepcopy(notebook), version=nbformat.NO_CONVERT)
    return (text.rstrip("\n") + "\n").encode()


def write_release(parts: Parts, folder: Path) -> None:
    """Write the students' notebooks and the public data files into an empty folder."""
    for notebook, bundled in zip(parts.notebooks, parts.bundle.notebooks, strict=True):
        release = with_public_tests(notebook.release, bundled)
        (folder / f"{notebook.name}.ipynb").write_bytes(notebook_bytes(release))
    write_files(parts.bundle.files, folder)


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write data files, by relative path."""
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def check_leaks(parts: Parts, folder: Path, shared_code: tuple[str, ...] = ()) -> None:
    """Look for lines of solutions, hidden tests and mark schemes, and for hidden data, in every file of a release.

    A line that also stands where students may read it, in any of the assignment's notebooks, is no secret; nor is one
    that is short or an import.

    Args:
        parts: what the release was built from.
        folder: the release, as written.
        shared_code: globs of files that may hold such lines.

    Raises:
        SourceError: a secret is there; the message names the file, the line and the cell it comes from.
    """
    secrets = secret_lines(parts.notebooks)
    hidden = {
        content: name for name, content in parts.bundle.hidden_files.items() if len(content) > _TRIVIAL_FILE_BYTES
    }
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if not path.is_file() or any(fnmatch.fnmatchcase(relative, pattern) for pattern in shared_code):
            continue
        content = path.read_bytes()
        if content in hidden:
            raise SourceError(
                f"{parts.bundle.assignment}: the public file {relative} is a copy of hidden {hidden[content]}.",
                "Remove the copy, or list it under `hidden_files` in assignment.toml, too.",
            )
        for line in _lines_of(content, relative):
            secret = secrets.get(line)
            if secret is not None:
                raise SourceError(
                    f"{secret.where}: a line of its {secret.what} would be released in {relative}: {line!r}",
                    "Take it out there, or list the file under `shared_code` in assignment.toml.",
                )


def secret_lines(notebooks: tuple[Prepared, ...]) -> dict[str, _Secret]:
    """Collect the lines that students must not see, stripped, with where they come from."""
    secret: dict[str, _Secret] = {}
    public: set[str] = set()
    for notebook in notebooks:
        for stub in notebook.stubs:
            public.update(line.strip() for line in stub.split("\n"))
        for number, cell in enumerate(notebook.source.cells, 1):
            for line, what in _sort_lines(cell, notebook):
                if not what:
                    public.add(line)
                elif len(line) >= _TRIVIAL_LENGTH and not _TRIVIAL_LINE.match(line):
                    secret.setdefault(line, _Secret(what, f"{notebook.name}: {cell_label(number, cell)}"))
    return {line: origin for line, origin in secret.items() if line not in public}


def _sort_lines(cell: NotebookNode, notebook: Prepared) -> Iterator[tuple[str, str]]:
    """Give each line of a cell, stripped, with what makes it a secret, or "" """
    lines = cell.source.split("\n")
    kinds = [""] * len(lines)
    for delimiters in notebook.delimiters:
        marks, _ = marked_lines(cell.source, delimiters)
        whole = delimiters.what == "solution" and role_of(cell) in (Role.SOLUTION, Role.MANUAL) and not any(marks)
        for at, marked in enumerate(marks):
            if marked or whole:
                kinds[at] = kinds[at] or delimiters.what
    for line, kind in zip(lines, kinds, strict=True):
        yield line.strip(), kind


def _lines_of(content: bytes, name: str) -> Iterator[str]:
    """Give the lines of a file, stripped; of a notebook, those of every text in it, keys and metadata included."""
    text = content.decode("utf-8", "replace")
    texts = _texts(json.loads(text)) if name.endswith(".ipynb") else iter([text])
    for each in texts:
        for line in each.splitlines():
            yield line.strip()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
