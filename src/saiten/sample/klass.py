"""Composing the class: which kinds of hand-in it holds, in what proportion, in what order.

In: an `Exercise`, its planted answers, a number, a seed. Out: that many `SampleSubmission`s; the same seed gives the
same class. With room for all, every kind is there once; what is left over is filled with mixed and half-done work.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from itertools import count

from saiten.answers import Answer, Kind
from saiten.errors import SourceError
from saiten.sample.damage import broken, odd
from saiten.sample.hostile import hostile
from saiten.sample.work import Exercise, SampleSubmission

_SHARES = {"right": 0.25, "odd": 0.13, "mistake": 0.28, "half-done": 0.09, "broken": 0.15, "hostile": 0.1}
"""What part of a class that has no room for every kind each group gets."""

_MIXED_MISTAKES = 2
"""Mistakes that stand together in one mixed submission."""


def compose(
    exercise: Exercise, answers: Sequence[Answer], number: int | None, seed: int, without: Collection[str] = ()
) -> list[SampleSubmission]:
    """Make a class.

    Args:
        exercise: the assignment.
        answers: its planted answers; may be empty.
        number: how many submissions, 1 or more; None: every kind once.
        seed: what the choice and the order depend on.
        without: kinds that are left out, such as `broken:endless-loop`, or whole groups, such as `mistake`.

    Raises:
        SourceError: an answer does not fit the assignment, `without` names no group, or leaves nothing.
    """
    unknown = [kind for kind in without if kind.partition(":")[0] not in {*_SHARES, "reference", "untouched"}]
    if unknown:
        raise SourceError(f"There is no kind of submission {unknown[0]!r}.", f"The groups are: {', '.join(_SHARES)}.")
    answers = [each for each in answers if not {each.kind, f"{each.kind}:{each.name}"} & set(without)]
    chance, remarks = random.Random(seed), count(1)
    writer = _Writer(exercise, remarks)
    groups = {
        "right": [writer.reference(), *(writer.answer(each) for each in answers if each.kind is Kind.RIGHT)],
        "odd": list(odd(exercise, writer.remark)),
        "mistake": [writer.answer(each) for each in answers if each.kind is Kind.MISTAKE],
        "half-done": list(writer.half_done()),
        "broken": list(broken(exercise, writer.remark)),
        "hostile": list(hostile(exercise, writer.remark)),
    }
    groups = {
        name: [each for each in group if name not in without and each.kind not in without]
        for name, group in groups.items()
    }
    everything = [each for group in groups.values() for each in group]
    if not everything:
        raise SourceError("Nothing is left of the class.", "Leave out less.")
    if number is None:
        return everything
    if number < len(everything):
        chosen = list(_choose(groups, number, chance))
    else:
        chosen = everything + list(_fill(writer, answers, number - len(everything), chance))
    chance.shuffle(chosen)
    return chosen


class _Writer:
    """Writes the submissions that hold answers; each gets a remark of its own, so that no two are the same bytes."""

    def __init__(self, exercise: Exercise, remarks: Iterator[int]) -> None:
        self.exercise = exercise
        self.reference_cells = exercise.answers()
        self._remarks = remarks

    def remark(self) -> str:
        return f"提出 {next(self._remarks)}"

    def write(
        self, kind: str, title: str, cells: dict[str, str], scores: dict[str, float], honest: bool = True
    ) -> SampleSubmission:
        work = self.exercise.hand_in(cells, self.remark())
        return SampleSubmission(kind, title, work.files(), self.exercise.expect(cells, scores), honest)

    def reference(self) -> SampleSubmission:
        return self.write("reference", "the reference solution", self.reference_cells, self.exercise.full_marks())

    def answer(self, answer: Answer) -> SampleSubmission:
        scores = answer.expected(self.exercise.bundle)
        return self.write(
            f"{answer.kind}:{answer.name}", answer.title, {**self.reference_cells, **answer.cells}, scores
        )

    def half_done(self) -> Iterator[SampleSubmission]:
        """Yield the untouched release, and work that stops after the first quarter, half and three quarters."""
        questions = list(self.exercise.full_marks())
        places = sorted({round(part * len(questions)) for part in (0, 0.25, 0.5, 0.75)} - {len(questions)})
        for done in places:
            yield self.stopped_after(done)

    def stopped_after(self, done: int) -> SampleSubmission:
        """Solve the first questions only; released stubs stand in the others, and nothing where a person marks."""
        full, stubs = self.exercise.full_marks(), self.exercise.stubs()
        solved = list(full)[:done]
        cells = stubs | {
            key: self.reference_cells[key] for question in solved for key, _ in self.exercise.solution_cells(question)
        }
        work = self.exercise.hand_in(cells, self.remark() if done else "")
        scores = {question: full[question] for question in solved if self.exercise.solution_cells(question)}
        scores |= {question: 0.0 for question in list(full)[done:] if self.exercise.earns_nothing(question)}
        kind = f"half-done:{done}" if done else "untouched"
        title = f"the first {done} of {len(full)} questions done" if done else "the release, handed in as it is"
        return SampleSubmission(kind, title, work.files(), self.exercise.expect(cells, scores), honest=True)

    def mixed(self, answers: Sequence[Answer]) -> SampleSubmission:
        """Put several answers into one submission; their cells and the questions they spoil are disjoint."""
        cells, scores = dict(self.reference_cells), self.exercise.full_marks()
        for answer in answers:
            cells.update(answer.cells)
            scores.update(answer.scores)
        names = "+".join(answer.name for answer in answers)
        return self.write(f"mixed:{names}", "; ".join(answer.title for answer in answers), cells, scores)


def _choose(
    groups: dict[str, list[SampleSubmission]], number: int, chance: random.Random
) -> Iterator[SampleSubmission]:
    """Take from the group that is furthest behind its share, again and again; the reference comes first of all."""
    waiting = {name: chance.sample(group, len(group)) for name, group in groups.items() if group}
    taken = dict.fromkeys(waiting, 0)
    for turn in range(number):
        name = max((name for name in waiting if waiting[name]), key=lambda name: _SHARES[name] / (taken[name] + 1))
        if turn == 0 and groups["right"]:
            name = "right"
            waiting[name].sort(key=lambda each: each is not groups[name][0])
        taken[name] += 1
        yield waiting[name].pop(0)


def _fill(writer: _Writer, answers: Sequence[Answer], number: int, chance: random.Random) -> Iterator[SampleSubmission]:
    """Yield more of the honest kinds: mixtures of answers, the reference, half-done work."""
    questions = len(writer.exercise.full_marks())
    for turn in range(number):
        mixture = _mixture(answers, chance)
        if turn % 4 == 3 and questions > 1:
            yield writer.stopped_after(chance.randrange(1, questions))
        elif turn % 4 == 2 or not mixture:
            yield writer.reference()
        else:
            yield writer.mixed(mixture)


def _mixture(answers: Sequence[Answer], chance: random.Random) -> list[Answer]:
    """Pick mistakes, and a right way for what they leave free, that do not touch the same cells or questions."""
    chosen: list[Answer] = []
    for kind, wanted in ((Kind.MISTAKE, _MIXED_MISTAKES), (Kind.RIGHT, 1)):
        pool = [answer for answer in answers if answer.kind is kind]
        for answer in chance.sample(pool, len(pool)):
            if sum(each.kind is kind for each in chosen) == wanted:
                break
            if not any(_overlap(answer, other) for other in chosen):
                chosen.append(answer)
    return chosen


def _overlap(one: Answer, other: Answer) -> bool:
    return bool(one.cells.keys() & other.cells.keys() or one.scores.keys() & other.scores.keys())
