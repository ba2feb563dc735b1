"""`make bench`: one class, marked by nbgrader, by Otter and by Saiten on one core, compared.

In: options below. Out: a table on the terminal, the same table and a JSON file under bench/results/; exit code 1 if an
honest submission got other points from one marker than from another.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import peers, walls
from bench.prepare import Table, lay
from bench.report import Outcome

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"
EXERCISES = {"light": (ROOT / "bench" / "light", "light"), "01-regularization": (ROOT, "01-regularization")}
_WIDTH = 120
_PACKAGES = ("saiten", "nbgrader", "otter-grader", "torch", "numpy", "scikit-learn", "ipykernel")


def main() -> int:
    """Measure what is asked for, print it, keep it."""
    arguments = _arguments()
    cores = sorted(os.sched_getaffinity(0))
    console = Console(record=True, width=_WIDTH, stderr=False)
    machine = _machine_line(cores)
    console.print(machine, highlight=False)
    outcomes = []
    for name in arguments.exercise or EXERCISES:
        root, assignment = EXERCISES[name]
        with tempfile.TemporaryDirectory(prefix="saiten-bench-") as scratch:
            folder = Path(arguments.scratch or scratch).absolute() / name
            table = lay(root, assignment, folder, arguments.students, arguments.peers, arguments.seed)
            _say(f"{name}: {len(table.students)} submissions, {len(table.sample)} of them for the others")
            outcome = _measure(table, cores, folder, arguments)
        outcomes.append(outcome)
        console.print(outcome.render(), highlight=False)
    costs = walls.measure(arguments.walls)
    console.print(walls.render(costs, arguments.walls), highlight=False)
    _keep(outcomes, costs, machine, console, arguments)
    return 1 if any(outcome.disagreements() for outcome in outcomes) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=main.__doc__)
    parser.add_argument("--students", type=int, default=40, help="size of the class (default: %(default)s)")
    parser.add_argument("--peers", type=int, default=8, help="how many of them the others mark (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what the class depends on (default: %(default)s)")
    parser.add_argument("--exercise", action="append", choices=EXERCISES, help="only this one; may be repeated")
    parser.add_argument(
        "--floor-repeat", type=int, default=9, help="times the floor is measured (default: %(default)s)"
    )
    parser.add_argument(
        "--walls", type=int, default=200, help="empty submissions behind each kind of walls (default: %(default)s)"
    )
    parser.add_argument("--only-saiten", action="store_true", help="leave the others out")
    parser.add_argument("--scratch", help="an empty folder to work in and to keep; without it, a temporary one")
    return parser.parse_args()


def _measure(table: Table, cores: list[int], folder: Path, arguments: argparse.Namespace) -> Outcome:
    core = {cores[-1]}  # the last one: this process watches from the others
    _say("saiten grade ...")
    saiten = peers.saiten(table, core)
    _say(f"  {saiten.per_submission:.3f} s each; the floor ...")
    floor = peers.floor(table, cores[-1], arguments.floor_repeat)
    _say("  saiten grade on every core ...")
    parallel = peers.saiten(table, set(cores)) if len(cores) > 1 else None
    others = []
    if not arguments.only_saiten:
        _say("nbgrader autograde ...")
        others.append(peers.nbgrader(table, core))
        _say(f"  {others[-1].per_submission:.1f} s each; otter run ...")
        (folder / "otter").mkdir()
        others.append(peers.otter(table, core, folder / "otter"))
        _say(f"  {others[-1].per_submission:.1f} s each")
    return Outcome(table.assignment, saiten, parallel, others, floor)


def _keep(
    outcomes: list[Outcome], costs: list[walls.Cost], machine: str, console: Console, arguments: argparse.Namespace
) -> None:
    RESULTS.mkdir(exist_ok=True)
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    record: dict[str, Any] = {
        "when": moment,
        "machine": machine,
        "versions": {name: version(name) for name in _PACKAGES},
        "students": arguments.students,
        "seed": arguments.seed,
        "exercises": [outcome.public() for outcome in outcomes],
        "walls": [asdict(cost) for cost in costs],
    }
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
    (RESULTS / f"{moment}.json").write_text(text + "\n", encoding="utf-8")
    (RESULTS / f"{moment}.txt").write_text(console.export_text(), encoding="utf-8")
    console.print(f"Kept: {(RESULTS / moment).relative_to(ROOT)}.json and .txt", highlight=False)


def _machine_line(cores: list[int]) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    python = platform.python_version()
    return (
        f"{platform.system()} {platform.machine()}, {len(cores)} cores, {memory:.0f} GiB, Python {python}; "
        f"load before the run: {load:.2f}"
    )


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
