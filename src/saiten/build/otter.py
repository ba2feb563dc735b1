"""An Otter-Grader autograder from the same tests, for Gradescope or `otter run`.

In: the bundle. Out: one zip for each notebook, the same bytes in every build; Otter is not needed to make it.
Otter judges in the student's own process, after the whole notebook ran: a submission can lie to it.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role
from saiten.notebook import Delimiters, marked_lines

OTTER_VERSION = "7.0.0"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""
_FILE_MODE = 0o644 << 16
_SCRIPT_MODE = 0o755 << 16
_REFERENCE_MODULE = "saiten_reference"

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

from otter.test_files import test_case

OK_FORMAT = False

name = {name!r}
points = {points!r}

SOURCE = {source}


def run_cell(source, env):
    """Run a test cell in the notebook's namespace; a number as its last expression must be the full points."""
    import ast
    import asyncio
    import inspect
    import numbers
    import threading

    from IPython.core.inputtransformer2 import TransformerManager

    tree = ast.parse(TransformerManager().transform_cell(source))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    value = None
    for part, mode in ((tree, "exec"), (last and ast.Expression(last.value), "eval")):
        if part is None:
            continue
        code = compile(part, name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        value = eval(code, env)
        if inspect.iscoroutine(value):
            answers, errors, coroutine = [], [], value

            def wait():
                try:
                    answers.append(asyncio.run(coroutine))
                except BaseException as error:
                    errors.append(error)

            thread = threading.Thread(target=wait)
            thread.start()
            thread.join()
            if errors:
                raise errors[0]
            value = answers[0]
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and value < points:
        raise AssertionError(f"{{value}} of {{points}} points: Otter has no part of a test cell's points")


@test_case(name=name, points=points, hidden={hidden!r})
def check_cell(env):
    {reference}run_cell(SOURCE, env)
'''

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
        hidden_tests: the markers of hidden tests; a test cell that holds them is hidden from students as a whole.
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
        "otter_config.json": json.dumps({"lang": "python"}, indent=1).encode() + b"\n",
        "requirements.txt": "".join(f"{line}\n" for line in _requirements(notebook)).encode(),
        "run_autograder": _RUN.encode(),
        "setup.sh": _SETUP.encode(),
    }
    entries |= {f"files/{name}": content for name, content in {**bundle.files, **bundle.hidden_files}.items()}
    tests = [cell for cell in notebook.cells if cell.role is Role.TEST]
    if any(_uses_reference(cell.source) for cell in tests):
        entries[f"files/{_REFERENCE_MODULE}.py"] = _reference_module(notebook).encode()
    for number, cell in enumerate(tests, 1):
        # Otter runs them in the order of their names, and tells them apart by parts of their paths
        entries[f"tests/{number:03}-{cell.grade_id}.py"] = _test_file(bundle, cell, hidden_tests).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in sorted(entries.items()):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = _SCRIPT_MODE if name in ("run_autograder", "setup.sh") else _FILE_MODE
            archive.writestr(entry, content)
    return buffer.getvalue()


def _test_file(bundle: Bundle, cell: BundleCell, hidden_tests: Delimiters | None) -> str:
    hidden = hidden_tests is not None and any(marked_lines(cell.source, hidden_tests)[0])
    reference = f"import {_REFERENCE_MODULE}\n\n    env['reference'] = {_REFERENCE_MODULE}\n    "
    return _TEST.format(
        label=f"{bundle.assignment}, {cell.grade_id}",
        name=cell.grade_id,
        points=int(cell.points) if cell.points == int(cell.points) else cell.points,
        source=_literal(cell.source),
        hidden=hidden,
        reference=reference if _uses_reference(cell.source) else "",
    )


def _literal(text: str) -> str:
    """Write text as a Python literal of one line each, so that a person can read the zip."""
    lines = text.splitlines(keepends=True) or [""]
    return "(\n" + "".join(f"    {line!r}\n" for line in lines) + ")"


def _uses_reference(source: str) -> bool:
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
