"""The figures of a class: one row for each student and question, statistics of questions, what failed together.

In: results, marks by hand, titles. Out: frozen dataclasses. Terms of classical test theory: the difficulty index is the
mean share of the points (high is easy), discrimination the correlation of a question with the rest of the assignment
(point-biserial where a question is passed or not), after Ebel and Frisbie, Essentials of Educational Measurement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median
from types import MappingProxyType

import numpy as np

from saiten.feedback import Marks
from saiten.report.clusters import Answers, Cluster, Failure, failures_of, gather, sources_of
from saiten.results import CellStatus, Result, Status

LEAST_FOR_STATISTICS = 5
"""students below whom a correlation says nothing"""
LEAST_TOGETHER = 3
"""students who failed two tests, for the pair to be named"""
AT_RISK = 0.5
"""share of the points below which a student may need help"""


@dataclass(frozen=True, slots=True)
class QuestionFigures:
    """One question over the class."""

    name: str
    notebook: str
    titles: Mapping[str, str]
    max_score: float
    marked: int
    """students with points there: those who wait for a person do not count"""
    answered: int
    """students who changed its cells"""
    mean: float | None
    difficulty: float | None
    """mean share of the points, 0 to 1; high is easy"""
    discrimination: float | None
    """-1 to 1; None where all have the same, or too few are marked"""
    full: int
    none: int
    """students without a point"""
    seconds: float | None = None
    """median wall time of its cells and tests over the students who answered; None where it is not known"""


@dataclass(frozen=True, slots=True)
class StudentRow:
    """One student."""

    student: str
    status: str
    score: float | None
    """automatic and manual points, extra credit and penalty included; None where there is no score"""
    waits: int
    """questions that a person has to mark"""
    late_seconds: float
    penalty: float
    seconds: float
    """wall time of marking"""
    message: str
    """why it was not marked"""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tests of different questions that fail together more often than chance has it."""

    first: str
    second: str
    students: int
    phi: float
    """correlation of the two failures"""


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """A class in one assignment."""

    assignment: str
    titles: Mapping[str, str]
    languages: tuple[str, ...]
    max_score: float
    students: tuple[StudentRow, ...]
    questions: tuple[QuestionFigures, ...]
    clusters: tuple[Cluster, ...]
    pairs: tuple[Pair, ...]
    unmarked: tuple[str, ...] = ()
    """students whose hand-in is not marked as it is now"""

    @property
    def scores(self) -> list[float]:
        """Points of all who have a score."""
        return [row.score for row in self.students if row.score is not None]

    @property
    def seconds(self) -> float:
        """Processor-seconds' worth of marking, as wall time added up."""
        return sum(row.seconds for row in self.students)

    @property
    def troubled(self) -> list[StudentRow]:
        """Those who could not be marked."""
        return [row for row in self.students if row.score is None]

    @property
    def late(self) -> list[StudentRow]:
        """Those who handed in after the deadline, the latest first."""
        return sorted((row for row in self.students if row.late_seconds > 0), key=lambda row: -row.late_seconds)

    @property
    def low(self) -> list[StudentRow]:
        """Those below `AT_RISK`, of what is marked so far, the lowest first."""
        most = AT_RISK * self.max_score
        low = [(row.score, row.student, row) for row in self.students if row.score is not None and not row.waits]
        return [row for score, _, row in sorted(low, key=lambda each: each[:2]) if score < most]


def figures(
    assignment: str,
    titles: Mapping[str, str],
    languages: Sequence[str],
    headings: Mapping[tuple[str, str], Mapping[str, str]],
    results: Iterable[Result],
    marks: Mapping[tuple[str, str], Marks],
    unmarked: Sequence[str] = (),
    solutions: Mapping[tuple[str, str], Sequence[str]] = MappingProxyType({}),
) -> ClassFigures:
    """Work out the figures of a class.

    Args:
        assignment: name.
        titles: language code to the assignment's title.
        languages: codes of the course's languages.
        headings: (notebook, question) to language code to heading.
        results: one of each student; the marked notebooks' text is read for the lines at which errors arose.
        marks: by (student, notebook), from the gradebook.
        unmarked: students whose hand-in is not marked as it is now.
        solutions: (notebook, question) to the grade_ids of the cells in which it is answered, where these are more
            than the one that it is named after.
    """
    rows: list[StudentRow] = []
    shares: dict[str, dict[tuple[str, str], float]] = {}
    maxima: dict[tuple[str, str], float] = {}
    spent: defaultdict[tuple[str, str], list[float | None]] = defaultdict(list)
    failures: list[Failure] = []
    answers = Answers(solutions)
    for result in sorted(results, key=lambda each: each.student):
        own, waits = _points(result, marks)
        shares[result.student] = own
        for question in result.questions:
            maxima.setdefault((question.notebook, question.name), question.max_score)
        sources = sources_of(result)
        for question in answers.add(result, sources):
            spent[question.notebook, question.name].append(question.seconds)
        failures += failures_of(result, sources)
        rows.append(_row(result, own, waits, marks))
    questions = tuple(
        _question(key, most, [own[key] for own in shares.values() if key in own], shares, headings, spent[key])
        for key, most in maxima.items()
    )
    clusters = tuple(
        Cluster(
            group[0].question,
            headings.get((group[0].notebook, group[0].question), dict.fromkeys(languages, group[0].question)),
            group[0].test,
            reason,
            group[0].construct,
            tuple(each.student for each in group),
            group[0].message,
            answers.parts(group),
        )
        for reason, group in gather(failures)
    )
    return ClassFigures(
        assignment=assignment,
        titles=titles,
        languages=tuple(languages),
        max_score=sum(maxima.values()),
        students=tuple(rows),
        questions=questions,
        clusters=clusters,
        pairs=_pairs(failures, [row.student for row in rows if row.score is not None]),
        unmarked=tuple(unmarked),
    )


def spread(values: Sequence[float]) -> tuple[float, float, float, float]:
    """Return lowest, median, mean and highest of at least one value."""
    return min(values), median(values), fmean(values), max(values)


def _points(result: Result, marks: Mapping[tuple[str, str], Marks]) -> tuple[dict[tuple[str, str], float], int]:
    """Points by question where all its cells have some, and how many questions wait."""
    if result.status in (Status.REJECTED, Status.INFRA_ERROR):
        return {}, 0
    own: dict[tuple[str, str], float] = {}
    waits = 0
    for question in result.questions:
        cells = marks.get((result.student, question.notebook), Marks()).cells
        points: list[float | None] = []
        for cell in question.cells:
            mark = cells.get(cell.name)
            automatic = None if cell.status is CellStatus.NEEDS_MANUAL else cell.score
            manual = None if mark is None or mark.waits else mark.manual
            extra = 0.0 if mark is None else mark.extra
            point = automatic if manual is None else manual
            points.append(None if point is None else point + extra)
        known = [point for point in points if point is not None]
        if len(known) == len(points):
            own[question.notebook, question.name] = sum(known)
        else:
            waits += 1
    return own, waits


def _row(
    result: Result, own: Mapping[tuple[str, str], float], waits: int, marks: Mapping[tuple[str, str], Marks]
) -> StudentRow:
    mine = [marks[key] for key in marks.keys() & {(result.student, part.name) for part in result.notebooks}]
    penalty = sum(mark.penalty for mark in mine)
    scored = result.status in (Status.GRADED, Status.NEEDS_MANUAL)
    return StudentRow(
        result.student,
        str(result.status),
        max(0.0, sum(own.values()) - penalty) if scored else None,
        waits,
        max((mark.seconds_late for mark in mine), default=0.0),
        penalty,
        result.seconds,
        result.message,
        result.notes,
    )


def _question(
    key: tuple[str, str],
    most: float,
    points: Sequence[float],
    shares: Mapping[str, Mapping[tuple[str, str], float]],
    headings: Mapping[tuple[str, str], Mapping[str, str]],
    spent: Sequence[float | None],
) -> QuestionFigures:
    seconds = [each for each in spent if each is not None]
    mean = fmean(points) if points else None
    rest = [(own[key], sum(own.values()) - own[key]) for own in shares.values() if key in own]
    return QuestionFigures(
        name=key[1],
        notebook=key[0],
        titles=headings.get(key, {}),
        max_score=most,
        marked=len(points),
        answered=len(spent),
        mean=mean,
        difficulty=mean / most if mean is not None and most else None,
        discrimination=_correlation(rest),
        full=sum(point >= most for point in points),
        none=sum(point <= 0 for point in points),
        seconds=median(seconds) if seconds else None,
    )


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    if len(pairs) < LEAST_FOR_STATISTICS:
        return None
    first, second = np.array(pairs, dtype=float).T
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _pairs(failures: Sequence[Failure], students: Sequence[str]) -> tuple[Pair, ...]:
    """Pairs of tests of different questions that the same students fail, the closest first."""
    failed: defaultdict[str, set[str]] = defaultdict(set)
    owner: dict[str, str] = {}
    for each in failures:
        failed[each.test].add(each.student)
        owner[each.test] = each.question
    if len(students) < LEAST_FOR_STATISTICS:
        return ()
    found = []
    for first, second in combinations(sorted(failed), 2):
        both = len(failed[first] & failed[second])
        if owner[first] != owner[second] and both >= LEAST_TOGETHER:
            phi = _correlation([(each in failed[first], each in failed[second]) for each in students])
            if phi is not None and phi > 0:
                found.append(Pair(first, second, both, phi))
    return tuple(sorted(found, key=lambda pair: (-pair.phi, pair.first, pair.second))[:20])
