"""Fingerprints: a text's k-grams, thinned out by winnowing, so that any common passage leaves one in both texts.

In: a normalised text. Out: hashes as 53-bit whole numbers. The same text gives the same ones, in every process.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.int64]

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MIXERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_BITS = np.uint64(11)
"""dropped of 64: copydetect compares hashes as floats, which hold 53"""


@dataclass(frozen=True, slots=True)
class Grain:
    """How fine a comparison is, in characters of the normalised text."""

    noise: int
    """common passages that are shorter are never seen (copydetect's noise threshold, the k of its k-grams)"""
    guarantee: int
    """common passages that are as long are always seen"""

    @property
    def window(self) -> int:
        """Neighbouring k-grams of which winnowing keeps one."""
        return self.guarantee - self.noise + 1


CODE = Grain(noise=25, guarantee=30)
"""A line or two: `for V in range(len(V)):V[V]+=V[V]*V` has 36. The noise threshold is copydetect's."""
PROSE = Grain(noise=24, guarantee=28)
"""Twelve Japanese letters, or about five English words."""


def grams(text: str, grain: Grain) -> Hashes:
    """Hash every k-gram of a normalised text, in order.

    copydetect takes Python's `hash`, which differs from process to process; a report has to be the same again.
    """
    size = grain.noise
    if len(text) < size:
        return np.empty(0, dtype=np.int64)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    count = len(codes) - size + 1
    found = np.zeros(count, dtype=np.uint64)
    for at in range(size):
        found = found * _FACTOR + codes[at : at + count]
    for mixer, shift in zip(_MIXERS, (30, 27), strict=True):
        found = (found ^ (found >> np.uint64(shift))) * mixer
    return ((found ^ (found >> np.uint64(31))) >> _BITS).astype(np.int64)


def fingerprints(text: str, grain: Grain) -> frozenset[int]:
    """Choose a text's fingerprints by winnowing (Schleimer, Wilkerson, Aiken: SIGMOD 2003)."""
    from copydetect.utils import winnow

    found = grams(text, grain)
    if not len(found):
        return frozenset()
    chosen, _ = winnow(found, grain.window)
    return frozenset(chosen.tolist())
