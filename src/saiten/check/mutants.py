"""Mutants as submissions: made from the reference, run from the reference's state just before their cell, counted.

In: a question's `Tail`. Out: jobs for the laboratory, or some of them, drawn; then what became of each, and whether
that is enough.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
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


def draw(made: Sequence[MutantJob], number: int | None, seed: str) -> list[MutantJob]:
    """Choose some mutants of a question, every operator in turn, so that each kind of mistake is tried.

    Args:
        made: all of them.
        number: how many at most, 1 or more; None: all.
        seed: the same seed draws the same. The bundle's hash is part of it: an exercise that changes draws anew, and
            one that does not gets the same verdict again.

    Returns:
        the chosen ones in the order in which they were made.
    """
    if number is None or len(made) <= number:
        return list(made)
    kinds: dict[str, list[MutantJob]] = {}
    for job in sorted(made, key=lambda each: _ticket(seed, each.name)):
        kinds.setdefault(job.mutant.operator, []).append(job)
    operators = sorted(kinds, key=lambda each: _ticket(seed, each))
    turns = [(turn, place, job) for place, each in enumerate(operators) for turn, job in enumerate(kinds[each])]
    chosen = {job.name for _, _, job in sorted(turns, key=lambda each: each[:2])[:number]}
    return [job for job in made if job.name in chosen]


def _ticket(seed: str, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()


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


def judge(
    proofs: Sequence[QuestionProof], waivers: Sequence[Waiver], made: Mapping[str, Collection[str]], *, whole: bool
) -> Iterator[Finding]:
    """Say whether enough mutants were killed, and whether the waivers are right.

    Args:
        proofs: of the questions that were tried.
        waivers: all of the assignment's.
        made: question to the names of its mutants, those that were not drawn among them.
        whole: whether every question was tried.
    """
    total = sum(len(proof.mutants) for proof in proofs)
    weak = 0
    for proof in proofs:
        share = proof.killed_share
        if share is None:
            why = (
                "every mutant that was tried is waived" if proof.mutants else "no mutant could be made of its solution"
            )
            text = f"{proof.question}: {why}."
            yield Finding("mutants", State.LOOK, text, proof.question)
        elif share < LEAST_KILLED:
            weak += 1
            alive = [row.name for row in proof.mutants if row.fate is Fate.SURVIVED]
            names = ", ".join(alive[:_SHOWN]) + (", ..." if len(alive) > _SHOWN else "")
            yield Finding(
                "mutants",
                State.FAILS,
                f"{proof.question}: {share:.1%} of {_drawn(len(proof.mutants), proof.made)} killed, not"
                f" {LEAST_KILLED:.0%}: {names}.",
                proof.question,
                f"Add an input that tells them apart; `saiten check --question {proof.question}` shows each.",
            )
    killed = sum(proof.count(Fate.KILLED) for proof in proofs)
    if killed and not weak:
        tried = _drawn(total, sum(proof.made for proof in proofs))
        text = f"{killed} of {tried} killed, at least {LEAST_KILLED:.0%} in every question."
        yield Finding("mutants", State.HOLDS, text)
    yield from _about_waivers(proofs, waivers, made, whole=whole)


def _drawn(tried: int, made: int) -> str:
    return f"{tried} mutants" if tried == made else f"{tried} mutants, drawn from {made},"


def _about_waivers(
    proofs: Sequence[QuestionProof], waivers: Sequence[Waiver], made: Mapping[str, Collection[str]], *, whole: bool
) -> Iterator[Finding]:
    """Judge the waivers; one of a mutant that was not drawn is only asked whether there is such a mutant."""
    fates = {(proof.question, row.name): row.fate for proof in proofs for row in proof.mutants}
    for waiver in waivers:
        fate = fates.get((waiver.question, waiver.mutant))
        known = waiver.mutant in made.get(waiver.question, ())
        name = f"{waiver.question}: {waiver.mutant}"
        if fate is Fate.KILLED:
            text = f"{name} is waived, but a test kills it."
            yield Finding("waivers", State.FAILS, text, waiver.question, "Take it out of the waivers.")
        elif not known and (whole or waiver.question in made):
            text = f"{name} is waived, but there is no such mutant."
            yield Finding("waivers", State.FAILS, text, waiver.question, "Take it out of the waivers.")
    total, tried = sum(proof.made for proof in proofs), sum(len(proof.mutants) for proof in proofs)
    waived = sum(proof.count(Fate.WAIVED) for proof in proofs)
    if tried < total:  # of those that were not drawn, what the author says counts
        untried = [each for each in waivers if each.mutant in made.get(each.question, ())]
        waived += sum((each.question, each.mutant) not in fates for each in untried)
    if whole and total and waived > MOST_WAIVED * total:
        text = f"{waived} of {total} mutants are waived, more than {MOST_WAIVED:.0%}."
        yield Finding("waivers", State.FAILS, text, next_step="Write the reference so that fewer changes are harmless.")
    elif whole and waived:
        yield Finding("waivers", State.HOLDS, f"{waived} of {total} mutants are waived as equal to the reference.")
