"""`make attacks`: every attack on plain nbgrader and on Saiten, on each of its floors, as a table.

In: options (`--help`). Out: the table, or JSON; exit code 1 if any attack succeeded on Saiten. Takes minutes: nbgrader
starts a kernel for every submission. `--save` writes docs/reference/attacks.md. Whatever ends it, `--resume` goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT / "tests", ROOT / "tests" / "attacks"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from attack_catalogue import CASES, Case, items  # noqa: E402
from attack_nbgrader import PlainNbgrader  # noqa: E402
from attack_notes import FILE, code, note, noted  # noqa: E402
from attack_trial import Floor  # noqa: E402
from attack_world import world  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "attacks.md"
FLOORS = ("namespaces", "landlock")
"""Names of Saiten's sandboxes."""
PLAIN = "nbgrader"
OURS = "beyond the list"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    attack: str
    kind: str
    items: tuple[str, ...]
    """ids of the list's items that it tries; none: it is our own"""
    nbgrader: str
    nbgrader_successes: tuple[str, ...] | None
    """None: not run"""
    here: dict[str, str]
    """floor to verdict"""
    successes: dict[str, tuple[str, ...]]
    """floor to what it got that it must not get"""


@dataclass(frozen=True)
class Share:
    """What one process tries: attacks of one column, in one course."""

    column: str
    names: tuple[str, ...]
    notes: Path
    """where each outcome is written as soon as it is known"""
    code: str
    """version of the code"""


def run_share(share: Share) -> None:
    """Try these attacks on plain nbgrader, or on Saiten with one of its sandboxes."""
    cases = [case for case in CASES if case.name in share.names]
    with tempfile.TemporaryDirectory(prefix="attacked-") as folder:
        if share.column == PLAIN:
            grader = PlainNbgrader(Path(folder), {case.lesson for case in cases})
            try:
                _try_all(share, cases, grader)
            finally:
                grader.close()
            return
        with world(Path(folder)) as course:
            floor = Floor(share.column, course)
            try:
                _try_all(share, cases, floor)
            finally:
                floor.close()


def _try_all(share: Share, cases: Sequence[Case], grader: PlainNbgrader | Floor) -> None:
    for number, case in enumerate(cases, 1):
        outcome = grader.try_out(case)
        note(share.notes, share.code, share.column, case.name, outcome)
        words = "; ".join(outcome.successes) or outcome.verdict
        print(f"{share.column} {number}/{len(cases)}: {case.name}: {words}", file=sys.stderr, flush=True)


def _alone(share: Share) -> str:
    """Run a share in a process of its own, which may end as it likes; says why it ended early, if it did."""
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            pool.submit(run_share, share).result()
    except Exception as error:  # whatever it is: the other columns go on
        return f"{share.column} stopped early: {type(error).__name__}: {error}"
    return ""


def rows(
    cases: Sequence[Case], floors: Sequence[str], *, nbgrader: bool, jobs: int, notes: Path, resume: bool
) -> list[Row]:
    """Run everything; one row for each case.

    Raises:
        SystemExit: a process ended before it had tried all that it had to.
    """
    tried = {name: tuple(item.id for item in items() if name in item.attacks) for name in (case.name for case in cases)}
    names = {floor: [case.name for case in cases] for floor in floors}
    if nbgrader:
        names = {PLAIN: [case.name for case in cases if not case.plain], **names}
    notes.parent.mkdir(parents=True, exist_ok=True)
    known = noted(notes, code()) if resume else {}
    shares = []
    for column, wanted in names.items():
        left = [name for name in wanted if name not in known.get(column, {})]
        parts = [left[start::jobs] for start in range(jobs)] if column == PLAIN else [left]
        shares += [Share(column, tuple(part), notes, code()) for part in parts if part]
    with ThreadPoolExecutor(jobs) as pool:
        trouble = [words for words in pool.map(_alone, shares) if words]
    if trouble:
        raise SystemExit("\n".join([*trouble, "What was found out is kept: run this again with --resume."]))
    told = noted(notes, code())
    plain = told[PLAIN] if nbgrader and names[PLAIN] else {}
    here = {floor: told[floor] for floor in floors}
    found = []
    for case in cases:
        seen = plain.get(case.name)
        words = case.plain or "not run: left out on demand"
        found.append(
            Row(
                case.name,
                case.kind,
                tried[case.name],
                seen.verdict if seen else words,
                seen.successes if seen else None,
                {floor: outcomes[case.name].verdict for floor, outcomes in here.items()},
                {floor: outcomes[case.name].successes for floor, outcomes in here.items()},
            )
        )
    return found


def told_before(files: Sequence[Path], cases: Sequence[Case]) -> list[Row]:
    """The rows of earlier runs, put together: each column from the first file that has it."""
    earlier = [
        {row["attack"]: row for row in json.loads(file.read_text(encoding="utf-8"))["attacks"]} for file in files
    ]
    found = []
    for case in cases:
        entries = [told[case.name] for told in earlier if case.name in told]
        if not entries:
            raise SystemExit(f"None of the files tells of {case.name!r}. Run it with --only.")
        plain = next((entry for entry in entries if entry["nbgrader_successes"] is not None), entries[0])
        here: dict[str, str] = {}
        successes: dict[str, tuple[str, ...]] = {}
        for entry in entries:
            for floor, verdict in entry["here"].items():
                if floor not in here:
                    here[floor], successes[floor] = verdict, tuple(entry["successes"][floor])
        got = plain["nbgrader_successes"]
        listed = tuple(item.id for item in items() if case.name in item.attacks)
        words = case.plain or plain["nbgrader"]
        found.append(Row(case.name, case.kind, listed, words, None if got is None else tuple(got), here, successes))
    return found


def totals(table: Sequence[Row]) -> dict[str, int]:
    """How many there were, ran on nbgrader, succeeded there, and succeeded on each floor."""
    floors = list(table[0].here) if table else []
    return {
        "attacks": len(table),
        "ours": sum(not row.items for row in table),
        "run on nbgrader": sum(row.nbgrader_successes is not None for row in table),
        "succeeded on nbgrader": sum(bool(row.nbgrader_successes) for row in table),
        **{f"succeeded on {floor}": sum(bool(row.successes[floor]) for row in table) for floor in floors},
    }


def _cells(row: Row) -> list[str]:
    plain = "; ".join(row.nbgrader_successes or ()) or row.nbgrader
    here = ["; ".join(row.successes[floor]) or verdict for floor, verdict in row.here.items()]
    count = sum(bool(got) for got in row.successes.values())
    return [row.kind, row.attack, ("**" if row.nbgrader_successes else "") + plain, *here, str(count)]


def show(table: Sequence[Row]) -> None:
    """Print the table for people."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    floors = list(table[0].here) if table else []
    grid = Table(title="What a submission may try, and what it got", show_lines=False)
    for name in ("", "attack", "plain nbgrader", *(f"Saiten, {floor}" for floor in floors), "successes here"):
        grid.add_column(name)
    for row in table:
        cells = [escape(cell.removeprefix("**")) for cell in _cells(row)]
        cells[2] = f"[red]{cells[2]}[/red]" if row.nbgrader_successes else cells[2]
        grid.add_row(*cells, style="bold red" if any(row.successes.values()) else None)
    grid.add_section()
    counts = totals(table)
    here = [str(counts[f"succeeded on {floor}"]) for floor in floors]
    succeeded = f"{counts['succeeded on nbgrader']} of {counts['run on nbgrader']} succeeded"
    grid.add_row("total", f"{len(table)} attacks", succeeded, *here, str(sum(map(int, here))), style="bold")
    Console(width=None if sys.stdout.isatty() else 200).print(grid)


def page(table: Sequence[Row]) -> str:
    """The same as a page of the documentation."""
    floors = list(table[0].here) if table else []
    counts = totals(table)
    versions = ", ".join(f"{name} {version(name)}" for name in ("saiten", "nbgrader", "nbclient", "ipykernel", "numpy"))
    system = f"Python {'.'.join(platform.python_version_tuple()[:2])}"
    lines = [
        "# Attacks, and what they got",
        "",
        "Written by `make attacks ATTACKS_ARGS=--save`; do not edit. What each attack does stands in `tests/attacks/`,",
        "by this name. **Bold** in the column of nbgrader: it succeeded there, that is, it got points for a wrong",
        "answer, or read, changed or delayed what is not the student's.",
        "",
        f"Captured with {versions}, {system}.",
        "",
        f"{counts['attacks']} attacks, {counts['ours']} of them {OURS} in `tests/attacks/items.toml`. "
        f"On plain nbgrader {counts['run on nbgrader']} were run and {counts['succeeded on nbgrader']} succeeded. "
        + " ".join(f"On Saiten ({floor}): {counts[f'succeeded on {floor}']} successes." for floor in floors),
        "",
        "| aim | attack | plain nbgrader | "
        + " | ".join(f"Saiten, {floor}" for floor in floors)
        + " | successes here |",
        "|" + "---|" * (4 + len(floors)),
    ]
    for row in table:
        cells = [_escaped(_timeless(cell)) for cell in _cells(row)]
        cells[2] = f"**{cells[2].removeprefix(r'**')}**" if row.nbgrader_successes else cells[2]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _timeless(text: str) -> str:
    """The same words for every run: without seconds that were measured."""
    return re.sub(r"took \d+ s(, at \d+ s a cell)?", "took longer than it may", text)


def _escaped(text: str) -> str:
    """Text that stays text in a cell of a table in Markdown."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    for letter in "\\`|<>[]_":
        plain = plain.replace(letter, f"\\{letter}")
    return plain


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the table")
    parser.add_argument("--save", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="this attack (more than once: these)"
    )
    parser.add_argument("--floor", action="append", choices=FLOORS, help="this floor (may be repeated)")
    parser.add_argument(
        "--no-nbgrader", action="store_true", help="leave out plain nbgrader, which takes most of the time"
    )
    parser.add_argument("--resume", action="store_true", help="do not try again what this code has been tried with")
    parser.add_argument("--notes", type=Path, default=FILE, metavar="FILE", help="where outcomes are kept meanwhile")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes at a time")
    parser.add_argument(
        "--from",
        dest="earlier",
        type=Path,
        action="append",
        metavar="FILE",
        help="run nothing: tell what earlier runs wrote with --json (repeated: each column from the first that has it)",
    )
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # of nbformat and nbgrader, on notebooks that are broken on purpose
    known = {case.name for case in CASES}
    if unknown := sorted(set(options.only) - known):
        parser.error(f"there is no attack called {unknown[0]!r}")
    cases = [case for case in CASES if not options.only or case.name in options.only]
    if options.earlier:
        table = told_before(options.earlier, cases)
    else:
        table = rows(
            cases,
            options.floor or FLOORS,
            nbgrader=not options.no_nbgrader,
            jobs=options.jobs,
            notes=options.notes,
            resume=options.resume,
        )
    if options.save:
        PAGE.write_text(page(table), encoding="utf-8")
    if options.json:
        print(json.dumps({"totals": totals(table), "attacks": [asdict(row) for row in table]}, ensure_ascii=False))
    else:
        show(table)
    return int(any(got for row in table for got in row.successes.values()))


if __name__ == "__main__":
    raise SystemExit(main())
