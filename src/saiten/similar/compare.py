"""How alike each two submissions are, beyond what the release and the class explain.

In: `Work`s and the bundle. Out: `Comparison`: ranked pairs, groups, the distribution over all pairs. Per part, the
common fingerprints of two students are counted, less the more students have them, and not at all where the release
has them or many students do.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from saiten.bundle import Bundle
from saiten.similar.normal import Normal, of_code, of_prose
from saiten.similar.prints import CODE, PROSE, Grain, fingerprints, grams
from saiten.similar.work import Kind, Part, Work

LEAST_WHOLE = 0.30
"""share of the whole work from which on a pair is reported; independent right answers here come to 0.04 at most"""
LEAST_PART = 0.60
"""share of one part from which on a pair is reported; independent right answers here come to 0.23 at most"""
BINS = 10

_COMMON_SHARE = 0.10
"""part of the students from which on what they share is the class's"""
_COMMON_FEW = 5
"""students who may share something in a small class, up to half of it"""
_WHOLE_FLOOR = 60
"""fingerprints, of about 13 lines of code: less text than this does not make a whole work alike"""
_PART_FLOOR = 30
"""the same for one part: about seven lines"""

_Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PartShare:
    """How alike two students' answers to one question are."""

    part: Part
    alike: float
    """0 to 1: of the smaller answer's fingerprints that are not the class's, those in common, less where more students
    have them"""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two submissions that are more alike than the rest."""

    first: Work
    second: Work
    whole: float
    """0 to 1: the same over all parts"""
    shares: tuple[PartShare, ...]
    """parts that have something in common, the most alike first"""

    @property
    def best(self) -> PartShare:
        """The most alike part."""
        return self.shares[0]


@dataclass(frozen=True, eq=False)
class Traits:
    """One part of the class: everybody's fingerprints, and what each of these is worth."""

    part: Part
    prints: tuple[frozenset[int], ...]
    """of each work, without the release's and the class's"""
    worth: Mapping[int, float]
    """fingerprint that at least two students have to its worth, 0 to 1"""

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of each work's fingerprints."""
        return np.array([len(each) for each in self.prints], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What came out."""

    works: tuple[Work, ...]
    """this year's first"""
    traits: tuple[Traits, ...]
    pairs: tuple[Pair, ...]
    """the ranked ones, at most as many as were asked for"""
    reported: int
    """how many pairs there are at or above a limit"""
    groups: tuple[tuple[Work, ...], ...]
    """students who are connected by such pairs, the largest group first"""
    bins: tuple[int, ...]
    """number of all compared pairs by tenths of `Pair.whole`"""


def compare_works(
    bundle: Bundle, parts: Sequence[Part], this: Sequence[Work], earlier: Sequence[Work], top: int
) -> Comparison:
    """Compare every submission of this year with every other one, and with those of earlier years.

    Args:
        bundle: whose release is subtracted.
        parts: what is compared.
        this: this year's works.
        earlier: earlier years' works; they are not compared among each other.
        top: most pairs that are returned.
    """
    works = (*this, *earlier)
    traits = tuple(_traits(part, works, released_grams(bundle, part.kind)) for part in parts)
    whole, best = _scores(traits, len(this), len(works))
    rows, columns = np.triu_indices(len(this), 1, len(works))
    flat_whole, flat_best = whole[rows, columns], best[rows, columns]
    chosen = np.flatnonzero((flat_whole >= LEAST_WHOLE) | (flat_best >= LEAST_PART))
    # rounded: the order must not hang on the last bit; names decide where nothing else does (works are sorted)
    order = np.lexsort((chosen, -flat_best[chosen].round(4), -flat_whole[chosen].round(4)))
    ranked = [(int(rows[at]), int(columns[at])) for at in chosen[order]]
    pairs = tuple(
        Pair(works[one], works[other], float(whole[one, other]), _shares(traits, one, other))
        for one, other in ranked[:top]
    )
    counts, _ = np.histogram(np.minimum(flat_whole, 1.0), bins=BINS, range=(0.0, 1.0))
    return Comparison(works, traits, pairs, len(ranked), _groups(works, ranked), tuple(int(count) for count in counts))


def normal(kind: Kind, text: str) -> Normal:
    """Normalise a part's text."""
    return of_code(text) if kind is Kind.CODE else of_prose(text)


def grain(kind: Kind) -> Grain:
    """Return how fine a part is compared."""
    return CODE if kind is Kind.CODE else PROSE


def released_grams(bundle: Bundle, kind: Kind) -> frozenset[int]:
    """Return all k-grams of what students were given, in any cell of the release."""
    wanted = "code" if kind is Kind.CODE else "markdown"
    texts = [cell.release_source for each in bundle.notebooks for cell in each.cells if cell.cell_type == wanted]
    return frozenset(hashed for text in texts for hashed in grams(normal(kind, text).text, grain(kind)).tolist())


def most_students(answered: int) -> int:
    """Say how many students may share something before it is the class's, of so many who answered."""
    return max(2, min(_COMMON_FEW, answered // 2), math.ceil(answered * _COMMON_SHARE))


def worth(students: int, answered: int) -> float:
    """Say what a fingerprint is worth that so many have, of so many who answered: 1 for two of them, then less."""
    return math.log((answered + 2) / students) / math.log((answered + 2) / 2)


def _traits(part: Part, works: Sequence[Work], released: frozenset[int]) -> Traits:
    prints = [_own(part, work.texts.get(part.name, ""), released) for work in works]
    answered = sum(len(each) > 0 for each in prints)
    counts = Counter(hashed for each in prints for hashed in each)
    most = most_students(answered)
    values = {hashed: worth(count, answered) for hashed, count in sorted(counts.items()) if 2 <= count <= most}
    return Traits(
        part, tuple(frozenset(hashed for hashed in each if counts[hashed] <= most) for each in prints), values
    )


def _own(part: Part, text: str, released: frozenset[int]) -> frozenset[int]:
    found = fingerprints(normal(part.kind, text).text, grain(part.kind)) if text else ()
    return frozenset(found) - released


def _scores(traits: Iterable[Traits], this: int, total: int) -> tuple[_Matrix, _Matrix]:
    """Return, for this year's works against all: share of the whole, and of the most alike part."""
    shared = np.zeros((this, total), dtype=np.float32)
    best = np.zeros((this, total), dtype=np.float32)
    sizes = np.zeros(total, dtype=np.int64)
    for each in traits:
        common = _common(each, this)
        shared += common
        np.maximum(best, common / _smaller(each.sizes, this, _PART_FLOOR), out=best)
        sizes += each.sizes
    return shared / _smaller(sizes, this, _WHOLE_FLOOR), best


def _smaller(sizes: NDArray[np.int64], this: int, floor: int) -> _Matrix:
    return np.maximum(np.minimum.outer(sizes[:this], sizes), floor).astype(np.float32)


def _common(traits: Traits, this: int) -> _Matrix:
    """Sum the worth of common fingerprints for each pair, as a product of sparse matrices."""
    from scipy.sparse import csr_matrix

    columns = {hashed: at for at, hashed in enumerate(traits.worth)}
    kept = [sorted(columns[hashed] for hashed in each if hashed in columns) for each in traits.prints]
    ends = np.cumsum([0, *map(len, kept)])
    places = np.fromiter((place for each in kept for place in each), dtype=np.int64, count=int(ends[-1]))
    values = np.sqrt(np.fromiter(traits.worth.values(), dtype=np.float64, count=len(columns)))[places]
    matrix = csr_matrix((values, places, ends), shape=(len(kept), max(1, len(columns))))
    product: _Matrix = (matrix[:this] @ matrix.T).toarray().astype(np.float32)
    return product


def _shares(traits: Sequence[Traits], one: int, other: int) -> tuple[PartShare, ...]:
    found = []
    for each in traits:
        value = math.fsum(each.worth[hashed] for hashed in each.prints[one] & each.prints[other])
        if value:
            found.append(PartShare(each.part, value / max(_PART_FLOOR, int(min(each.sizes[one], each.sizes[other])))))
    return tuple(sorted(found, key=lambda share: (-round(share.alike, 4), share.part.name)))


def _groups(works: Sequence[Work], pairs: Iterable[tuple[int, int]]) -> tuple[tuple[Work, ...], ...]:
    """Put together whoever is connected by pairs."""
    leader: dict[int, int] = {}

    def lead(at: int) -> int:
        while leader.setdefault(at, at) != at:
            leader[at] = leader[leader[at]]
            at = leader[at]
        return at

    for one, other in pairs:
        first, second = sorted((lead(one), lead(other)))
        leader[second] = first
    members: dict[int, list[Work]] = {}
    for at in sorted(leader):
        members.setdefault(lead(at), []).append(works[at])
    return tuple(sorted((tuple(each) for each in members.values()), key=lambda each: -len(each)))
