"""Mutants as submissions: made from the reference, run from the reference's state just before their cell, counted.

In: a question's `Tail`. Out: jobs for the laboratory; then what became of each, and whether that is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from saiten.build.bundle import Parts
from saiten.check.lab import Job
from saiten.check.report import LEAST_KILLED, MOST_WAIVED, Fate, Finding, MutantRow, QuestionProof, State
from saiten.check.tails import Tail
from saiten.check.waivers import Waiver
from saiten.mutate import Mutant, mutants
from saiten.notebook import Delimiters, marked_lines
from saiten.results import Result, Status

_SHOWN = 5
"""Survivors named in one finding; the table and `--json` have all."""


@dataclass(eq=False)
class MutantJob(Job):
    """A job that remembers what was changed."""

    mutant: Mutant = field(kw_only=True)
    cell: str = field(kw_only=True)
    """grade_id of the solution cell"""


def jobs(tail: Tail, parts: Parts) -> list[MutantJob]:
    """Make one job for every mutant of a question's solution cells."""
    delimiters = next(each.delimiters for each in parts.notebooks if each.name == tail.original)
    found = []
    several = len(tail.solutions) > 1
    for cell in tail.solutions:
        for mutant in mutants(cell.source, only=regions(cell.source, delimiters)):
            name = f"{cell.grade_id}/{mutant.name}" if several else mutant.name
            last = tail.tests[-1]
            cells = {cell.grade_id or "": mutant.source}
            until = last.grade_id or last.id
            found.append(MutantJob(name, cells=cells, until=until, mutant=mutant, cell=cell.grade_id or cell.id))
    return found


def regions(source: str, delimiters: Sequence[Delimiters]) -> list[tuple[int, int]] | None:
    """Line ranges of a cell that students do not get, markers left out; None if it has no markers: all of it."""
    for each in delimiters:
        if each.what == "solution":
            marks, _ = marked_lines(source, each)
            if any(marks):
                lines = source.split("\n")
                inside = [
                    number
                    for number, (mark, line) in enumerate(zip(marks, lines, strict=True), 1)
                    if mark and each.begin not in line and each.end not in line
                ]
                return _ranges(inside)
    return None


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


def rows(tail: Tail, marked: Sequence[Job], waivers: Sequence[Waiver]) -> tuple[MutantRow, ...]:
    """Say what became of a question's mutants."""
    reasons = {waiver.mutant: waiver.reason for waiver in waivers}
    found = []
    for job in marked:
        if not isinstance(job, MutantJob):
            continue
        result = job.done
        killed, message = _verdict(tail, result)
        waived = not killed and job.name in reasons
        found.append(
            MutantRow(
                name=job.name,
                operator=job.mutant.operator,
                cell=job.cell,
                line=job.mutant.line,
                diff=job.mutant.diff(),
                fate=Fate.KILLED if killed else Fate.WAIVED if waived else Fate.SURVIVED,
                message=reasons[job.name] if waived else message,
                seconds=round(result.seconds, 3),
            )
        )
    return tuple(found)


def _verdict(tail: Tail, result: Result) -> tuple[bool, str]:
    """Whether a test of the question found the mutant out, and what it said."""
    if result.status not in (Status.GRADED, Status.NEEDS_MANUAL):
        return True, result.message  # its run could not be brought to an end: no pass
    mine = {cell.grade_id or cell.id for cell in tail.tests}
    tests = [cell for cell in result.cells if cell.notebook == tail.notebook.name and cell.name in mine]
    lost = [cell for cell in tests if cell.score != cell.max_score]
    said = next((f"{cell.name}: {cell.message}" for cell in lost if cell.message), "")
    return bool(lost), said


def judge(proofs: Sequence[QuestionProof], waivers: Sequence[Waiver], *, whole: bool) -> Iterator[Finding]:
    """Say whether enough mutants were killed, and whether the waivers are right."""
    total = sum(len(proof.mutants) for proof in proofs)
    weak = 0
    for proof in proofs:
        share = proof.killed_share
        if share is None:
            text = f"{proof.question}: no mutant could be made of its solution."
            yield Finding("mutants", State.LOOK, text, proof.question)
        elif share < LEAST_KILLED:
            weak += 1
            alive = [row.name for row in proof.mutants if row.fate is Fate.SURVIVED]
            names = ", ".join(alive[:_SHOWN]) + (", ..." if len(alive) > _SHOWN else "")
            yield Finding(
                "mutants",
                State.FAILS,
                f"{proof.question}: {share:.1%} of {len(proof.mutants)} mutants killed, not {LEAST_KILLED:.0%}:"
                f" {names}.",
                proof.question,
                f"Add an input that tells them apart; `saiten check --question {proof.question}` shows each.",
            )
    if total and not weak:
        killed = sum(proof.count(Fate.KILLED) for proof in proofs)
        text = f"{killed} of {total} mutants killed, at least {LEAST_KILLED:.0%} in every question."
        yield Finding("mutants", State.HOLDS, text)
    yield from _about_waivers(proofs, waivers, total, whole=whole)


def _about_waivers(
    proofs: Sequence[QuestionProof], waivers: Sequence[Waiver], total: int, *, whole: bool
) -> Iterator[Finding]:
    fates = {(proof.question, row.name): row.fate for proof in proofs for row in proof.mutants}
    for waiver in waivers:
        fate = fates.get((waiver.question, waiver.mutant))
        name = f"{waiver.question}: {waiver.mutant}"
        if fate is Fate.KILLED:
            text = f"{name} is waived, but a test kills it."
            yield Finding("waivers", State.FAILS, text, waiver.question, "Take it out of the waivers.")
        elif fate is None and (whole or any(proof.question == waiver.question for proof in proofs)):
            text = f"{name} is waived, but there is no such mutant."
            yield Finding("waivers", State.FAILS, text, waiver.question, "Take it out of the waivers.")
    waived = sum(proof.count(Fate.WAIVED) for proof in proofs)
    if whole and total and waived > MOST_WAIVED * total:
        text = f"{waived} of {total} mutants are waived, more than {MOST_WAIVED:.0%}."
        yield Finding("waivers", State.FAILS, text, next_step="Write the reference so that fewer changes are harmless.")
    elif whole and waived:
        yield Finding("waivers", State.HOLDS, f"{waived} of {total} mutants are waived as equal to the reference.")
