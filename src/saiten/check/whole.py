"""Submissions of the whole notebook: the reference twice, the untouched release, other right ways, wide mistakes.

In: an `Exercise`, planted right answers. Out: jobs for the laboratory, then findings and rows about their results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from saiten.answers import Answer, Kind, automatic_questions, question_keys
from saiten.check.lab import Job
from saiten.check.report import AnswerRow, Finding, State
from saiten.results import Result, Status
from saiten.sample.work import Exercise


class Whole:
    """What the whole notebook has to get, and what it got.

    Args:
        exercise: the assignment with its released notebooks.
        answers: the planted answers. Right ones are run whole, and mistakes that stand in several questions; a
            mistake in one question changes nothing else than what a `Tail` holds.
    """

    def __init__(self, exercise: Exercise, answers: Sequence[Answer]) -> None:
        self.exercise = exercise
        self.turned = False
        """whether the second run has its questions in another order"""
        self._answers = [each for each in answers if each.kind is Kind.RIGHT or len(self._questions_of(each)) != 1]
        reference = exercise.answers()
        self._reference = Job("reference", _files(exercise, reference))
        # a remark makes other bytes, and so other seeds of random numbers
        self.again = Job("reference again", _files(exercise, reference, "another run"))
        self._release = Job("release", _files(exercise, {}))
        self._right = [Job(answer.name, _files(exercise, {**reference, **answer.cells})) for answer in self._answers]

    def jobs(self) -> list[Job]:
        """What is marked with the notebook as it is."""
        return [self._reference, self._release, *self._right]

    @property
    def seconds(self) -> float:
        """Time that marking the reference took; 0 if it was left out."""
        return self._reference.result.seconds if self._reference.result else 0.0

    def right_for(self, question: str) -> int:
        """Count the right answers that change a question's cells."""
        keys = {key for key, _ in self.exercise.solution_cells(question)}
        right = [answer for answer in self._answers if answer.kind is Kind.RIGHT]
        return sum(not keys.isdisjoint(answer.cells) for answer in right)

    def owners(self) -> dict[str, str]:
        """Map the key of every solution cell to its automatically marked question."""
        keys = [key for key, _, _ in automatic_questions(self.exercise.bundle)]
        return {cell: key for key in keys for cell, _ in self.exercise.solution_cells(key)}

    def _questions_of(self, answer: Answer) -> set[str]:
        owners = self.owners()
        return {owners[key] for key in answer.cells if key in owners}

    def read(self) -> tuple[list[Finding], list[AnswerRow]]:
        """Say what the results show."""
        found = [*self._about_reference(), self._about_release(), *self._about_demonstrations()]
        return found, [self._row(answer, job) for answer, job in zip(self._answers, self._right, strict=True)]

    def _about_reference(self) -> list[Finding]:
        order = "in another order of the questions" if self.turned else "in the same order (its questions need it)"
        runs = [
            (self._reference, "The reference gets full marks."),
            (self.again, f"It does so again, {order}, with other seeds of hashes and random numbers."),
        ]
        findings = []
        for job, text in runs:
            lost = self._lost(job.done)
            if not lost:
                findings.append(Finding("reference", State.HOLDS, text))
            for where, why in lost:
                step = "Run the solution under solutions/ from the top."
                if job is self.again:
                    step = "Does it lean on chance, on the order of a set, on time, or on another question?"
                findings.append(Finding("reference", State.FAILS, f"{job.name}: {why}", where, step))
        return findings

    def _about_release(self) -> Finding:
        result = self._release.done
        earned = [question for question in result.questions if question.score]
        if result.status not in (Status.GRADED, Status.NEEDS_MANUAL):
            return Finding("release", State.FAILS, f"The untouched release is not marked: {result.message}")
        if earned:
            text = f"The untouched release gets {sum(each.score or 0 for each in earned):g} points."
            step = "Let the stub raise NotImplementedError, or the test ask for more."
            return Finding("release", State.FAILS, text, ", ".join(each.name for each in earned), step)
        return Finding("release", State.HOLDS, "The untouched release gets 0 points.")

    def _about_demonstrations(self) -> Iterator[Finding]:
        """Another right way has to reach the notebook's end: no cell may stop where the reference's does not."""
        for answer, job in zip(self._answers, self._right, strict=True):
            for cell, why in job.stopped.items() if answer.kind is Kind.RIGHT else ():
                if cell not in self._reference.stopped:
                    text = f"The right answer {answer.name} gets its points, but this cell stops: {why}"
                    step = (
                        "Let the cell ask less of an answer that is slow or returns another type, or give it more time."
                    )
                    yield Finding("answers", State.FAILS, text, cell, step)

    def _lost(self, result: Result) -> list[tuple[str, str]]:
        """Where points are missing that tests give, and why."""
        if result.status not in (Status.GRADED, Status.NEEDS_MANUAL):
            return [("", f"{result.status}: {result.message}")]
        automatic = automatic_questions(self.exercise.bundle)
        tests = {cell.grade_id or cell.id for _, _, cells in automatic for cell in cells}
        return [
            (cell.name, f"{cell.score:g} of {cell.max_score:g} points: {cell.message}")
            for cell in result.cells
            if cell.name in tests and cell.score is not None and cell.score != cell.max_score
        ]

    def _row(self, answer: Answer, job: Job) -> AnswerRow:
        result, keys = job.done, question_keys(self.exercise.bundle)
        expected = answer.expected(self.exercise.bundle)
        got = {keys[each.notebook, each.name]: each.score for each in result.questions}
        lost = self._lost(result)
        return AnswerRow(
            answer.name,
            str(answer.kind),
            answer.title,
            expected,
            {key: got.get(key) for key in expected},
            f"{lost[0][0]}: {lost[0][1]}" if lost else result.message,
            result.seconds,
        )


def _files(exercise: Exercise, cells: Mapping[str, str], signature: str = "") -> dict[str, bytes]:
    """A hand-in as an engine takes it: notebook name to bytes."""
    return {name.removesuffix(".ipynb"): each for name, each in exercise.hand_in(cells, signature).files().items()}
