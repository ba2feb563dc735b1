"""The proof of one assignment: what is to be marked, and what the results say.

In: an assignment of a course, options. Out: a `CheckReport`. Nothing is written but to a temporary folder.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from saiten.answers import Answer, Kind, automatic_questions, cell_keys, question_keys, read_answers
from saiten.build.bundle import Parts, make_parts
from saiten.build.release import check_leaks, notebook_bytes, write_release
from saiten.bundle import Bundle, BundleNotebook, Limits
from saiten.check import cheats, mutants
from saiten.check.lab import Batch, Job, Lab
from saiten.check.messages import look_at_messages
from saiten.check.order import in_other_order, is_turned
from saiten.check.report import AnswerRow, CheckReport, Finding, QuestionProof, State
from saiten.check.secrets import find_secrets
from saiten.check.statics import look
from saiten.check.tails import Tail, make_tails
from saiten.check.waivers import read_waivers
from saiten.check.whole import Whole
from saiten.course import ANSWERS_FOLDER, WAIVERS_FILE, Assignment
from saiten.errors import SourceError
from saiten.grading.scope import names_in
from saiten.sample.work import Exercise

Tell = Callable[[str, int, int], None]
"""Called with what is being done, how many submissions are marked, and of how many."""

_LEAST_SECONDS = 5.0
_PATIENCE = 10.0
"""A mutant's cell, or call, may take this many times what the question takes the reference, and `_LEAST_SECONDS`."""
_HASH_SEED = 4711
"""of the second run of the reference; all other runs have 0"""


@dataclass(frozen=True, slots=True)
class Options:
    """What to try, and how."""

    questions: tuple[str, ...] = ()
    """keys of the questions whose mistakes and mutants are tried; empty: all of them, and the whole notebook"""
    mutants: bool = True
    draw: int | None = None
    """how many mutants of each question are tried at most, 1 or more; None: all"""
    workers: int = 1
    unsafe: bool = False
    floor: str = ""
    """name of the sandbox to mark in; empty: the best one that this machine allows"""


def check_assignment(assignment: Assignment, options: Options, tell: Tell | None = None) -> CheckReport:
    """Prove one assignment.

    Args:
        assignment: its source is read, never changed; it need not be built.
        options: what to try.
        tell: called when something is done.

    Raises:
        SourceError: the source cannot be built, or a planted answer or a waiver is not as it has to be.
        SandboxError, EngineError: nothing can be marked on this machine.
    """
    return _Proof(assignment, options, tell or (lambda words, done, total: None)).report()


class _Proof:
    def __init__(self, assignment: Assignment, options: Options, tell: Tell) -> None:
        self._begin = time.monotonic()
        self._assignment, self._options, self._tell = assignment, options, tell
        self._tell("running the reference", 0, 0)
        self._parts: Parts = make_parts(assignment, progress=lambda words: tell(words, 0, 0))
        self._bundle: Bundle = self._parts.bundle
        self._keys = [key for key, _, _ in automatic_questions(self._bundle)]
        unknown = [key for key in options.questions if key not in self._keys]
        if unknown:
            raise SourceError(
                f"{assignment.name} has no automatically marked question {unknown[0]!r}.",
                f"There are: {', '.join(self._keys)}.",
            )
        self._answers: list[Answer] = read_answers(assignment.folder / ANSWERS_FOLDER)
        for answer in self._answers:
            answer.expected(self._bundle)  # does it fit?
        self._waivers = read_waivers(assignment.folder / WAIVERS_FILE)
        self._made: dict[str, frozenset[str]] = {}
        """question to the names of all of its mutants, those that are not drawn among them"""
        self._chosen = options.questions or tuple(self._keys)
        self._whole = Whole(self._exercise(), self._answers)

    # -- what is to be marked ---------------------------------------------------------------------------------------

    def _exercise(self) -> Exercise:
        released = {notebook.name: notebook_bytes(notebook.release) for notebook in self._parts.notebooks}
        markers = [each for each in self._parts.notebooks[0].delimiters if each.what == "solution"]
        pair = (markers[0].begin, markers[0].end) if markers else Exercise.solution_markers
        return Exercise(self._bundle, released, pair)

    def report(self) -> CheckReport:
        findings = [*self._leaks(), *look(self._parts, self._assignment)]
        tails = self._tails()
        batches = [batch for _, batch, _ in tails.values()]
        if not self._options.questions:
            batches += self._whole_batches()
        self._mark(batches, [tail for variants, _, _ in tails.values() for tail in variants])
        answers: list[AnswerRow] = []
        if not self._options.questions:
            found, answers = self._whole.read()
            findings += found
        rows, proofs = self._read_tails(tails, findings)
        answers += rows
        findings += self._about_answers(answers)
        findings += look_at_messages(self._parts, chain.from_iterable(self._jobs.values()), find_secrets(self._parts))
        if self._options.floor:
            findings.append(Finding("floor", State.HOLDS, f"All was marked on the floor {self._options.floor!r}."))
        if self._options.mutants:
            findings += mutants.judge(proofs, self._waivers, self._made, whole=not self._options.questions)
        return self._report(findings, proofs, answers)

    def _leaks(self) -> list[Finding]:
        """Build the release aside, and search it as the build does."""
        with tempfile.TemporaryDirectory(prefix="saiten-check-") as folder:
            write_release(self._parts, Path(folder))
            fresh = {path.relative_to(folder): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}
            try:
                check_leaks(self._parts, Path(folder), self._assignment.settings.shared_code)
            except SourceError as leak:
                return [Finding("leaks", State.FAILS, leak.message, next_step=leak.next_step)]
        release = self._assignment.course.release_dir(self._assignment.name)
        findings = [Finding("leaks", State.HOLDS, "No line of a solution, hidden test or hidden file is released.")]
        if not release.is_dir():
            findings.append(Finding("release", State.LOOK, "It is not built yet.", next_step=self._build()))
        elif any(not (release / name).is_file() or (release / name).read_bytes() != new for name, new in fresh.items()):
            text = f"{release.name}/ under {release.parent.name}/ is older than the source."
            findings.append(Finding("release", State.LOOK, text, str(release), self._build()))
        return findings

    def _build(self) -> str:
        return f"Run `saiten build {self._assignment.name}`."

    def _seconds(self) -> dict[str, dict[str, float]]:
        return {
            notebook.name: {
                cell.id: run.seconds for cell, run in zip(notebook.cells, self._parts.runs[notebook.name], strict=True)
            }
            for notebook in self._bundle.notebooks
        }

    def _tails(self) -> dict[str, tuple[list[Tail], Batch, dict[str, Answer]]]:
        """Question to its tail with and without needless cells, its batch, and its mistakes by job."""
        seconds = self._seconds()
        pruned = {tail.question: tail for tail in make_tails(self._bundle, seconds, wanted=self._wanted())}
        entire = {tail.question: tail for tail in make_tails(self._bundle, seconds, prune=False)}
        mistakes = self._mistakes(list(pruned))
        found: dict[str, tuple[list[Tail], Batch, dict[str, Answer]]] = {}
        for key in self._chosen:
            if key not in pruned:  # a test without a solution cell before it
                continue
            variants = [pruned[key], entire[key]]
            own, after = self._cost(pruned[key], seconds)
            jobs = [Job(f"mistake:{answer.name}", cells=self._cells(answer, pruned[key])) for answer in mistakes[key]]
            wrong = self._mutants(pruned[key]) if self._options.mutants else []
            limits = _impatient(self._bundle.limits, own, after)
            worthless = cheats.jobs(pruned[key])
            batch = Batch(
                [tail.notebook for tail in variants], deque[Job]([*jobs, *worthless, *wrong]), limits, variants=True
            )
            batch.weight = 5 + after * len(jobs) + (own + 0.1) * (len(wrong) + len(worthless))
            named = {job.name: answer for job, answer in zip(jobs, mistakes[key], strict=True)}
            found[key] = (variants, batch, named)
        return found

    def _mutants(self, tail: Tail) -> list[mutants.MutantJob]:
        every = mutants.jobs(tail, self._parts)
        self._made[tail.question] = frozenset(job.name for job in every)
        return mutants.draw(every, self._options.draw, f"{self._bundle.hash}/{tail.question}")

    def _wanted(self) -> dict[str, set[str]]:
        """Question to the names that planted answers to it use."""
        owners, found = self._whole.owners(), {key: set[str]() for key in self._keys}
        for answer in self._answers:
            for key, text in answer.cells.items():
                if key in owners:
                    found[owners[key]] |= names_in([text])
        return found

    def _cost(self, tail: Tail, seconds: Mapping[str, Mapping[str, float]]) -> tuple[float, float]:
        """Seconds that the question takes, and all from it on."""
        times = seconds[tail.original]
        mine = {cell.id for cell in (*tail.solutions, *tail.tests)}
        first = next(i for i, cell in enumerate(tail.notebook.cells) if cell.id == tail.solutions[0].id)
        return sum(times[each] for each in mine), sum(times[cell.id] for cell in tail.notebook.cells[first:])

    def _mistakes(self, keys: Sequence[str]) -> dict[str, list[Answer]]:
        """Planted mistakes by the one question whose cells they change."""
        owners = self._whole.owners()
        found: dict[str, list[Answer]] = {key: [] for key in keys}
        for answer in self._answers:
            changed = {owners[key] for key in answer.cells if key in owners}
            if answer.kind is Kind.MISTAKE and len(changed) == 1 and changed <= found.keys():
                found[changed.pop()].append(answer)
        return found

    def _cells(self, answer: Answer, tail: Tail) -> dict[str, str]:
        """The answer's cells by grade_id, as the tail's notebook names them."""
        inside = {cell.grade_id for cell in tail.notebook.cells}
        by_key = {key: cell.grade_id for key, cell in cell_keys(self._bundle)}
        return {by_key[key] or "": text for key, text in answer.cells.items() if by_key[key] in inside}

    def _whole_batches(self) -> list[Batch]:
        limits, weight = self._bundle.limits, sum(sum(each.values()) for each in self._seconds().values())
        jobs = deque[Job](self._whole.jobs())
        first = Batch(self._bundle.notebooks, jobs, limits, weight=2 * weight * len(jobs))
        turned = replace(self._bundle, notebooks=tuple(map(in_other_order, self._bundle.notebooks)))
        self._whole.turned = any(map(is_turned, self._bundle.notebooks, turned.notebooks))
        again = Batch(turned.notebooks, deque[Job]([self._whole.again]), limits, weight=4 * weight)
        again.bundle, again.hash_seed = turned, _HASH_SEED
        return [again, first]

    def _mark(self, batches: Sequence[Batch], tails: Sequence[Tail]) -> None:
        notebooks: list[BundleNotebook] = [*self._bundle.notebooks, *(tail.notebook for tail in tails)]
        total, done, lock = sum(len(batch.jobs) for batch in batches), 0, threading.Lock()
        self._tell("marking", 0, total)

        def count(job: Job) -> None:
            nonlocal done
            with lock:
                done += 1
                self._tell("marking", done, total)

        lab = Lab(
            replace(self._bundle, notebooks=tuple(notebooks)),
            max(1, min(self._options.workers, len(batches))),
            unsafe=self._options.unsafe,
            floor=self._options.floor,
            tell=count,
        )
        self._jobs = {id(batch): list(batch.jobs) for batch in batches}
        lab.run(batches)

    # -- what the results say ---------------------------------------------------------------------------------------

    def _read_tails(
        self, tails: Mapping[str, tuple[list[Tail], Batch, dict[str, Answer]]], findings: list[Finding]
    ) -> tuple[list[AnswerRow], list[QuestionProof]]:
        rows: list[AnswerRow] = []
        proofs: list[QuestionProof] = []
        seconds, points = self._seconds(), {key: each for key, each, _ in automatic_questions(self._bundle)}
        for key, (variants, batch, mistakes) in tails.items():
            if batch.chosen is None:
                text = f"From {key} on, the reference does not get full marks: {batch.trouble}"
                findings.append(Finding("reference", State.FAILS, text, key, "Does a test lean on chance, or on time?"))
                continue
            jobs = self._jobs[id(batch)]
            tail = next(each for each in variants if each.notebook is batch.chosen)
            mine = [self._row(mistakes[job.name], job, tail) for job in jobs if job.name in mistakes]
            rows += mine
            findings += cheats.read(tail, jobs)
            rows_of_mutants = mutants.rows(tail, jobs, [each for each in self._waivers if each.question == key])
            made = len(self._made.get(key, ()))
            proofs.append(
                QuestionProof(
                    question=key,
                    points=points[key],
                    tests=len(tail.tests),
                    right=self._whole.right_for(key),
                    mistakes=sum(row.holds and row.expected[key] < points[key] for row in mine),
                    mutants=rows_of_mutants,
                    drawn_from=made if len(rows_of_mutants) < made else None,
                    seconds=self._cost(variants[0], seconds)[0],
                )
            )
        tried = sum(isinstance(job, cheats.CheatJob) for jobs in self._jobs.values() for job in jobs)
        if tried and not any(each.check == "cheats" for each in findings):
            text = f"None of {tried} answers that return nothing, zeros, NaN or the same for all gets full marks."
            findings.append(Finding("cheats", State.HOLDS, text))
        return rows, proofs

    def _row(self, answer: Answer, job: Job, tail: Tail) -> AnswerRow:
        """Compare a planted mistake's result with what it declares, for every question from its own on."""
        result, keys = job.done, question_keys(self._bundle)
        expected_of = answer.expected(self._bundle)
        found = {
            keys[tail.original, question.name]: question
            for question in result.questions
            if question.notebook == tail.notebook.name and (tail.original, question.name) in keys
        }
        inside = {key: each for key, each in found.items() if key in expected_of}
        lost = [each.message for key, each in inside.items() if each.score != each.max_score]
        return AnswerRow(
            answer.name,
            str(answer.kind),
            answer.title,
            {key: expected_of[key] for key in inside} | dict(answer.scores),
            {key: each.score for key, each in inside.items()},
            result.message or next(iter(lost), ""),
            result.seconds,
        )

    def _about_answers(self, rows: Sequence[AnswerRow]) -> list[Finding]:
        findings = [
            Finding(
                "answers",
                State.FAILS,
                f"{row.title}: {_differences(row)}" + (f" ({row.message})" if row.message else ""),
                f"{ANSWERS_FOLDER}/{row.name}.py",
                "Mend the test, or what the answer's header declares.",
            )
            for row in rows
            if not row.holds
        ]
        if not self._answers:
            text = "There are no planted answers: nothing shows that other right ways pass and mistakes fail."
            return [Finding("answers", State.LOOK, text, next_step=f"Plant some under {ANSWERS_FOLDER}/.")]
        if not findings:
            kinds = [row.kind for row in rows]
            right = f"{kinds.count(Kind.RIGHT)} other right ways get full marks, " if Kind.RIGHT in kinds else ""
            text = f"{right}{kinds.count(Kind.MISTAKE)} mistakes lose exactly what they declare."
            findings.append(Finding("answers", State.HOLDS, text))
        return findings

    def _report(
        self, findings: list[Finding], proofs: Sequence[QuestionProof], answers: Sequence[AnswerRow]
    ) -> CheckReport:
        runs = [run for each in self._parts.runs.values() for run in each]
        reference, memory = sum(run.seconds for run in runs), max((run.memory_mb for run in runs), default=0.0)
        findings += _about_cost(self._bundle.limits, max((run.seconds for run in runs), default=0.0), reference, memory)
        manual = self._bundle.max_score - sum(points for _, points, _ in automatic_questions(self._bundle))
        left_out = {} if self._options.mutants else {"mutants": "left out"}
        if any(proof.drawn_from is not None for proof in proofs):
            tried, made = sum(len(proof.mutants) for proof in proofs), sum(proof.made for proof in proofs)
            left_out["mutants"] = f"{tried} of {made} drawn"
        if self._options.questions:
            left_out["questions"] = ", ".join(self._options.questions)
        return CheckReport(
            assignment=self._assignment.name,
            findings=tuple(findings),
            questions=tuple(proofs),
            answers=tuple(answers),
            max_score=self._bundle.max_score,
            manual=manual,
            reference_seconds=round(reference, 3),
            marking_seconds=round(self._whole.seconds, 3),
            memory_mb=round(memory),
            seconds=round(time.monotonic() - self._begin, 3),
            options=left_out,
        )


def _impatient(limits: Limits, own: float, after: float) -> Limits:
    """Limits for wrong answers to one question: many of them never end."""
    cell = min(limits.cell_seconds, max(_LEAST_SECONDS, _PATIENCE * own))
    return replace(limits, cell_seconds=cell, total_seconds=min(limits.total_seconds, 3 * cell + _PATIENCE * after))


def _differences(row: AnswerRow) -> str:
    parts = [
        f"{key} has to get {points:g}, got {_points(row.found, key)}"
        for key, points in row.expected.items()
        if row.found.get(key) != points
    ]
    return "; ".join(parts)


def _points(found: Mapping[str, float | None], key: str) -> str:
    if key not in found:
        return "what the reference gets: nothing in it uses the changed cells"
    points = found[key]
    return "no points" if points is None else f"{points:g}"


def _about_cost(limits: Limits, slowest: float, total: float, memory: float) -> list[Finding]:
    """A limit that the reference nearly reaches stops honest answers that are slower."""
    text = (
        f"The reference takes {total:.1f} s (limit {limits.total_seconds:g}), its slowest cell {slowest:.1f} s"
        f" (limit {limits.cell_seconds:g}); {memory:.0f} MB with all imports (limit {limits.memory_mb} above those)."
    )
    over = total > limits.total_seconds or slowest > limits.cell_seconds or memory > 2 * limits.memory_mb
    near = total > limits.total_seconds / 3 or slowest > limits.cell_seconds / 3 or memory > limits.memory_mb
    state = State.FAILS if over else State.LOOK if near else State.HOLDS
    next_step = "Raise the limits in assignment.toml, or make it lighter." if state is not State.HOLDS else ""
    return [Finding("cost", state, text, next_step=next_step)]
