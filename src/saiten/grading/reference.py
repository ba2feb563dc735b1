"""The reference run: the instructor's whole notebook, once, in a fresh process, with outputs and names.

In: cells in order, data, modules to import. Out: for each cell its outputs, the names it brought, its error, its time.
`build` uses it for `solutions/` and for the bundle; the code is the instructor's, so no walls, only limits of time.
"""

from __future__ import annotations

import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from saiten.bundle import Limits
from saiten.errors import EngineError
from saiten.grading.ground import import_all, run_and_compare
from saiten.grading.shell import CaptureShell, Output, command_shell, font_cache, prepare_matplotlib, safe_text


@dataclass(frozen=True, slots=True)
class ReferenceInput:
    """A cell to run."""

    cell_type: str
    source: str
    test: bool = False
    """a test cell: it runs like any other, and `reference` is at hand in it"""


@dataclass(frozen=True, slots=True)
class ReferenceCell:
    """What came of it; nothing for cells that are not code."""

    outputs: list[Output] = field(default_factory=list)
    brings: tuple[str, ...] = ()
    error: str = ""
    """kind and text of what ended the cell; empty if it ran to its end"""
    seconds: float = 0.0
    memory_mb: float = 0.0
    """most that the process had held in memory by the end of the cell: its imports are in it"""


@dataclass(frozen=True, slots=True)
class _Task:
    cells: tuple[ReferenceInput, ...]
    imports: tuple[str, ...]
    output_limit: int


def run_reference(
    cells: Sequence[ReferenceInput],
    *,
    files: Mapping[str, bytes],
    imports: Sequence[str] = (),
    limits: Limits | None = None,
) -> list[ReferenceCell]:
    """Run all code cells in order, in a working folder of their own.

    Args:
        cells: the whole notebook.
        files: working folder: relative path to content.
        imports: modules to import first (their time is not the cells').
        limits: time for all cells and output of each.

    Raises:
        EngineError: the process died or did not finish in time; says what it printed last.
    """
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="saiten-reference-") as folder:
        work, home = Path(folder) / "work", Path(folder) / "home"
        home.mkdir()
        work.mkdir()
        for name, content in files.items():
            target = work / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        task, answer = Path(folder) / "task", Path(folder) / "answer"
        task.write_bytes(pickle.dumps(_Task(tuple(cells), tuple(imports), limits.output_kb << 10)))
        environment = {**os.environ, **font_cache(), **command_shell(), "HOME": str(home)}
        environment |= {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-s", "-P", "-X", "utf8", "-c", _MAIN, str(task), str(answer)]
        try:
            done = subprocess.run(
                command, cwd=work, env=environment, capture_output=True, timeout=limits.total_seconds + 120, check=False
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"the reference run took longer than {limits.total_seconds:g} seconds") from None
        if done.returncode != 0 or not answer.exists():
            last = done.stderr.decode("utf-8", "replace").strip()[-2000:]
            raise EngineError(f"the reference run ended with code {done.returncode}:\n{last}")
        results: list[ReferenceCell] = pickle.loads(answer.read_bytes())
        return results


def main() -> None:
    """Entry point of the process: reads the task file, writes the answer file."""
    task: _Task = pickle.loads(Path(sys.argv[1]).read_bytes())
    sys.path.insert(0, os.getcwd())
    answer = _run(task)
    Path(sys.argv[2]).write_bytes(pickle.dumps(answer))


def _run(task: _Task) -> list[ReferenceCell]:
    shell = CaptureShell.create(ModuleType("__main__"))
    module = ModuleType("__main__")
    shell.use(module)
    import_all(task.imports)
    prepare_matplotlib(shell)
    results: list[ReferenceCell] = []
    for index, cell in enumerate(task.cells):
        if cell.cell_type != "code":
            results.append(ReferenceCell())
            continue
        if cell.test:
            module.__dict__["reference"] = module
        started = time.perf_counter()
        ran = run_and_compare(shell, cell.source, f"cell {index + 1}", index + 1, task.output_limit)
        module.__dict__.pop("reference", None)
        seconds = time.perf_counter() - started
        error = f"{type(ran.error).__name__}: {safe_text(ran.error)}" if ran.error is not None else ""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux gives kibibytes
        results.append(ReferenceCell(ran.outputs, tuple(sorted(ran.names)), error, seconds, peak))
    return results


_MAIN = "from saiten.grading import reference; reference.main()"
