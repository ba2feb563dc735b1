"""The passages that two texts have in common, so that they can be marked side by side.

In: two texts of one part, and the fingerprints that count. Out: each text in pieces, those in common numbered.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from saiten.similar.compare import Pair, Traits, grain, normal
from saiten.similar.normal import Normal
from saiten.similar.prints import Hashes, grams

_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text."""

    text: str
    numbers: tuple[int, ...]
    """of the common passages, from 1; the same on both sides; empty: not in common"""


def side_by_side(pair: Pair, traits: Traits, released: frozenset[int]) -> tuple[list[Piece], list[Piece]]:
    """Mark what two students' texts of one part have in common.

    A passage is marked as far as both have it and the release has not, if some of it is not the class's.

    Args:
        pair: the two.
        traits: of the part, and what counts of it.
        released: all k-grams of the release.
    """
    part = traits.part
    texts = [work.texts.get(part.name, "") for work in (pair.first, pair.second)]
    normals = [normal(part.kind, text) for text in texts]
    found = [grams(each.text, grain(part.kind)) for each in normals]
    both = (set(found[0].tolist()) & set(found[1].tolist())) - released
    counted = frozenset(both & traits.worth.keys())
    length = grain(part.kind).noise
    left, right = (_spans(each, both, counted, length) for each in found)
    owners: dict[int, set[int]] = {}
    for number, (begin, end) in enumerate(left, 1):
        for hashed in found[0][begin:end].tolist():
            owners.setdefault(hashed, set()).add(number)
    same = [
        {each for hashed in found[1][begin:end].tolist() for each in owners.get(hashed, ())} for begin, end in right
    ]
    return (
        _pieces(texts[0], normals[0], left, [(number,) for number in range(1, len(left) + 1)], length),
        _pieces(texts[1], normals[1], right, [tuple(sorted(each)) for each in same], length),
    )


def _spans(found: Hashes, both: Collection[int], counted: frozenset[int], length: int) -> list[_Span]:
    """Return first and last k-gram (exclusive) of each passage in common that holds something that counts."""
    from copydetect.utils import get_copied_slices

    places = np.flatnonzero([hashed in both for hashed in found.tolist()])
    slices = [(int(begin), int(end) - length + 1) for begin, end in get_copied_slices(places, length).T]
    return [span for span in slices if not counted.isdisjoint(found[span[0] : span[1]].tolist())]


def _pieces(text: str, where: Normal, spans: list[_Span], numbers: list[tuple[int, ...]], length: int) -> list[Piece]:
    pieces: list[Piece] = []
    done = 0
    for (begin, end), number in zip(spans, numbers, strict=True):
        start, stop = int(where.starts[begin]), int(where.ends[end + length - 2])
        pieces += [Piece(text[done:start], ()), Piece(text[start:stop], number)]
        done = stop
    pieces.append(Piece(text[done:], ()))
    return [piece for piece in pieces if piece.text]
