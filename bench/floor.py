"""The floor: the reference's own cells and tests, run in a process that is forked from a warm one.

In: a bundle's folder. Out: JSON on standard output, the seconds of each repetition from fork to end.
The warm process has imported what the notebook imports and run the cells before the first solution cell, as Saiten's
has; what is timed is one student's share: solution cells, the instructor's cells between them, tests, figures drawn. No
walls, no wire, no judge, nothing written.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

from saiten.bundle import Bundle, BundleCell, Role


class _Reference:
    """What a test calls `reference`: here the names of the same notebook, which holds the reference itself."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names

    def __getattr__(self, name: str) -> Any:
        try:
            return self._names[name]
        except KeyError:
            raise AttributeError(name) from None


def main() -> None:
    """Time a bundle's reference."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    bundle = Bundle.read(arguments.bundle)
    with tempfile.TemporaryDirectory() as scratch:
        for name, content in {**bundle.files, **bundle.hidden_files}.items():
            target = Path(scratch, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        with chdir(scratch):
            seconds = _measure(bundle, arguments.repeat)
    print(json.dumps(seconds))


def _measure(bundle: Bundle, repeat: int) -> list[float]:
    from IPython.core.interactiveshell import InteractiveShell

    (notebook,) = bundle.notebooks
    for module in notebook.imports:
        importlib.import_module(module)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    shell = InteractiveShell.instance()
    shell.user_ns["reference"] = _Reference(shell.user_ns)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    first = next(index for index, cell in enumerate(code) if cell.role is not Role.SETUP)
    _run(shell, code[:first])
    return [_once(shell, code[first:]) for _ in range(repeat)]


def _once(shell: Any, cells: Sequence[BundleCell]) -> float:
    sys.stdout.flush()
    begin = time.perf_counter()
    child = os.fork()
    if not child:
        try:
            _run(shell, cells)
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit("the reference does not pass its own tests here")
    return time.perf_counter() - begin


def _run(shell: Any, cells: Sequence[BundleCell]) -> None:
    """Run cells as a kernel would: figures are drawn at the end of the cell; output goes nowhere."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        for cell in cells:
            shell.run_cell(cell.source).raise_error()
            _draw_figures()


def _draw_figures() -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for number in pyplot.get_fignums():
        pyplot.figure(number).savefig(io.BytesIO(), format="png", bbox_inches="tight")
    pyplot.close("all")


if __name__ == "__main__":
    main()
