"""An Otter-Grader autograder from the same tests, for Gradescope or `otter run`.

In: the bundle. Out: one zip for each notebook, the same bytes in every build; Otter is not needed to make it.
Otter judges in the student's own process, after the whole notebook ran: a submission can lie to it.
"""

from __future__ import annotations

import inspect
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from saiten.build.otter_harness import run_cell
from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role, questions
from saiten.notebook import Delimiters, marked_lines

OTTER_VERSION = "7.0.0"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""
_FILE_MODE = 0o644 << 16
_SCRIPT_MODE = 0o755 << 16
_REFERENCE_MODULE = "saiten_reference"
_CONFIG = {"lang": "python", "show_hidden": False, "show_stdout": False}
"""What Gradescope shows: the public test cases; neither hidden ones nor what anything printed. Otter's defaults,
written out because so much hangs on them."""

_SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, when it builds the image.
set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends ca-certificates wget
wget -nv -O /tmp/miniforge.sh \\
  "https://github.com/conda-forge/miniforge/releases/latest/download/Miniforge3-Linux-$(uname -m).sh"
bash /tmp/miniforge.sh -b -p /opt/miniforge
/opt/miniforge/bin/mamba create -y -n otter-env python=3.11 pip
/opt/miniforge/bin/mamba run -n otter-env pip install -r /autograder/source/requirements.txt
"""

_RUN = """\
#!/usr/bin/env bash
# Gradescope runs this for each submission.
exec /opt/miniforge/bin/mamba run -n otter-env python -c \\
  'from otter.run.run_autograder import main; main("/autograder")'
"""

_TEST = '''\
"""{label}: made from the instructor's notebook; build again instead of editing."""

from __future__ import annotations

from typing import Any

from otter.test_files import test_case

OK_FORMAT = False

name = {name!r}
points = {points!r}

CELLS = {cells}
DONE = {{}}


{harness}

def expect(cell, env, lines=None):
    """Run a test cell once; fail if it failed, or, where lines are given, if it failed in one of these."""
    if cell not in DONE:
        source, worth = CELLS[cell]
        DONE[cell] = run_cell(source, cell, worth, env)
    if DONE[cell] is not None:
        line, words = DONE[cell]
        if lines is None or line in lines:
            raise AssertionError(words)
{cases}'''

_CASE = """

@test_case(name={name!r}, points={points!r}, hidden={hidden!r})
def test_{number}(env):
    {reference}expect({cell!r}, env{lines})
"""

_REFERENCE = '''\
"""The reference solution, run once where a test asks for it as `reference`."""

from IPython import get_ipython
from IPython.core.inputtransformer2 import TransformerManager

CELLS = {cells}

for _cell in CELLS:
    exec(compile(TransformerManager().transform_cell(_cell), "reference", "exec"), globals())
'''


def write_otter(bundle: Bundle, hidden_tests: Delimiters | None, folder: Path) -> list[Path]:
    """Write `otter.zip`, or `otter-<notebook>.zip` for each notebook if there are several, into a folder.

    A notebook without automatic tests gets none.

    Args:
        bundle: what was built.
        hidden_tests: the markers of hidden tests.
        folder: where to write; it exists.

    Returns:
        the files written.
    """
    written = []
    for notebook in bundle.notebooks:
        if any(cell.role is Role.TEST for cell in notebook.cells):
            name = "otter.zip" if len(bundle.notebooks) == 1 else f"otter-{notebook.name}.zip"
            (folder / name).write_bytes(otter_zip(bundle, notebook, hidden_tests))
            written.append(folder / name)
    return written


def otter_zip(bundle: Bundle, notebook: BundleNotebook, hidden_tests: Delimiters | None) -> bytes:
    """Make the zip of one notebook: tests, data (public and hidden), Gradescope's scripts."""
    entries: dict[str, bytes] = {
        "otter_config.json": json.dumps(_CONFIG, indent=1).encode() + b"\n",
        "requirements.txt": "".join(f"{line}\n" for line in _requirements(notebook)).encode(),
        "run_autograder": _RUN.encode(),
        "setup.sh": _SETUP.encode(),
    }
    entries |= {f"files/{name}": content for name, content in {**bundle.files, **bundle.hidden_files}.items()}
    tests = tested_questions(notebook)
    if any(uses_reference(cell.source) for _, cells in tests for cell in cells):
        entries[f"files/{_REFERENCE_MODULE}.py"] = _reference_module(notebook).encode()
    for number, (question, cells) in enumerate(tests, 1):
        # Otter runs them in the order of their names, and tells them apart by parts of their paths
        label = f"{bundle.assignment}, {question}"
        entries[f"tests/{number:03}-{question}.py"] = question_file(label, question, cells, hidden_tests).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in sorted(entries.items()):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = _SCRIPT_MODE if name in ("run_autograder", "setup.sh") else _FILE_MODE
            archive.writestr(entry, content)
    return buffer.getvalue()


def tested_questions(notebook: BundleNotebook) -> list[tuple[str, list[BundleCell]]]:
    """Return the questions that have test cells, by name, with these cells, in order."""
    found = [(name, [cell for cell in cells if cell.role is Role.TEST]) for name, cells in questions(notebook)]
    return [(name, cells) for name, cells in found if cells]


def question_file(label: str, question: str, cells: Sequence[BundleCell], hidden_tests: Delimiters | None) -> str:
    """Write one question's test cells as a test file of Otter's, exception-based.

    A test cell without hidden tests is one public test case. One with hidden tests is run once and is two: the public
    part, without points, which fails if a public line fails, and the whole, hidden, which has the points.

    Args:
        label: what the file says that it is.
        question: its name, and that of the test.
        cells: its test cells.
        hidden_tests: the markers of hidden tests; None if there are none.
    """
    cases = "".join(_case(number, *case) for number, case in enumerate(_cases(cells, hidden_tests), 1))
    texts = "".join(f"    {cell.grade_id!r}: ({_literal(cell.source)}, {_number(cell.points)!r}),\n" for cell in cells)
    return _TEST.format(
        label=label,
        name=question,
        points=_number(sum(cell.points for cell in cells)),
        cells=f"{{\n{texts}}}",
        harness=inspect.getsource(run_cell),
        cases=cases,
    )


def _cases(
    cells: Sequence[BundleCell], hidden_tests: Delimiters | None
) -> Iterator[tuple[BundleCell, bool, tuple[int, ...] | None]]:
    """Give each test case: its cell, whether it is hidden, the lines that it is about (None: all)."""
    for cell in cells:
        lines = cell.source.split("\n")
        marks = marked_lines(cell.source, hidden_tests)[0] if hidden_tests else [False] * len(lines)
        public = tuple(number for number, mark in enumerate(marks, 1) if not mark)
        code = any(lines[number - 1].strip() and lines[number - 1].strip()[0] != "#" for number in public)
        if any(marks) and code:
            yield cell, False, public
        yield cell, any(marks), None


def _case(number: int, cell: BundleCell, hidden: bool, lines: tuple[int, ...] | None) -> str:
    reference = f"import {_REFERENCE_MODULE}\n\n    env['reference'] = {_REFERENCE_MODULE}\n    "
    return _CASE.format(
        number=number,
        name=f"{cell.grade_id} (public part)" if lines else cell.grade_id,
        points=0 if lines else _number(cell.points),
        hidden=hidden,
        cell=cell.grade_id,
        lines=f", {lines!r}" if lines else "",
        reference=reference if uses_reference(cell.source) else "",
    )


def _number(points: float) -> int | float:
    return int(points) if points == int(points) else points


def _literal(text: str) -> str:
    """Write text as a Python literal of one line each, so that a person can read the zip."""
    lines = text.splitlines(keepends=True) or [""]
    return "(\n" + "".join(f"    {line!r}\n" for line in lines) + ")"


def uses_reference(source: str) -> bool:
    """Tell whether a test cell asks for something of the reference."""
    return re.search(r"\breference\s*\.", source) is not None


def _reference_module(notebook: BundleNotebook) -> str:
    cells = [
        cell.source for cell in notebook.cells if cell.cell_type == "code" and cell.role in (Role.SETUP, Role.SOLUTION)
    ]
    return _REFERENCE.format(cells="[\n" + "".join(f"    {cell!r},\n" for cell in cells) + "]")


@cache
def _owners() -> Mapping[str, list[str]]:
    """Top-level module to the packages that hold it; looking through all of them takes a third of a second."""
    return packages_distributions()


def _requirements(notebook: BundleNotebook) -> Iterator[str]:
    """Name the packages that a notebook's imports come from, in the versions of this environment."""
    owners = _owners()
    names = {owner for module in notebook.imports for owner in owners.get(module.split(".")[0], ())}
    yield f"otter-grader=={OTTER_VERSION}"
    yield "ipykernel"
    for name in sorted(names, key=str.lower):
        if name == "saiten":
            yield "# saiten holds the course's helpers: add the address that your copy of it is installed from"
            continue
        try:
            yield f"{name}=={version(name)}"
        except PackageNotFoundError:
            continue
