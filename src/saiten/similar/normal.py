"""What of a text is compared: code without comments, white space and names, prose without case and punctuation.

In: what a student wrote, any characters. Out: `Normal`: the characters that count, and where each of them stood. Code
is only split into tokens, never compiled or run.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pygments import token
from pygments.lexers.python import PythonLexer

MOST_CHARACTERS = 10_000
"""Of one part's text; what stands behind is not compared. The longest of the exercises' planted answers has 2,000;
to split text that is made to be slow takes a second."""

_BLANK_LINE = re.compile(r"^[^\S\n]+$", re.MULTILINE)
"""pygments takes seconds for 10,000 lines of one tab each, none for lines of nothing"""
_NAMES = frozenset({token.Name, token.Name.Variable, token.Name.Attribute})
_WIDE = frozenset("WF")


@dataclass(frozen=True, slots=True)
class Normal:
    """A text as it is compared."""

    text: str
    starts: NDArray[np.int64]
    """of each character of `text`: where what it stands for begins in the original"""
    ends: NDArray[np.int64]
    """and where that ends"""


@lru_cache(maxsize=4096)
def of_code(source: str) -> Normal:
    """Normalise Python code: names of variables are V, of functions F, of classes O, strings S; comments are gone.

    The rules are those of `copydetect.utils.filter_code`, which keeps places only nearly. Keywords, operators, numbers
    and the names of built-in functions stay. What is no Python is split as well as can be.
    """
    parts: list[tuple[str, int, int]] = []
    plain = _BLANK_LINE.sub(lambda found: "\n" * len(found[0]), source)
    for start, kind, value in _lexer().get_tokens_unprocessed(plain):
        said = _stands_for(kind, value)
        if len(said) == len(value):
            parts += [(char, start + at, start + at + 1) for at, char in enumerate(said)]
        else:
            parts += [(char, start, start + len(value)) for char in said]
    return _normal(parts)


@lru_cache(maxsize=4096)
def of_prose(text: str) -> Normal:
    """Normalise prose: letters and digits alone, in lower case, without accents; a wide letter counts as two.

    A Japanese letter says as much as about two of an alphabet, and there are no blanks between words to go by.
    """
    parts: list[tuple[str, int, int]] = []
    for at, char in enumerate(text):
        for each in unicodedata.normalize("NFKD", char).casefold():
            if each.isalnum():
                times = 2 if unicodedata.east_asian_width(each) in _WIDE else 1
                parts += [(each, at, at + 1)] * times
    return _normal(parts)


def _normal(parts: list[tuple[str, int, int]]) -> Normal:
    places = np.array([part[1:] for part in parts], dtype=np.int64).reshape(-1, 2)
    return Normal("".join(part[0] for part in parts), places[:, 0], places[:, 1])


def _stands_for(kind: Any, value: str) -> str:
    """Return what a token is compared as; pygments' kinds of tokens are nested tuples, `in` asks for the kind of."""
    if kind in _NAMES:
        return "V"
    if kind in token.Name.Function:
        return "F"
    if kind in token.Name.Class:
        return "O"
    if kind in (token.Comment.Preproc, token.Comment.Hashbang):
        return "P"
    if kind in token.Text or kind in token.Comment:
        return ""
    if kind in token.Literal.String:
        return '"' if value in ("'", '"') else "S"
    return value


@cache
def _lexer() -> PythonLexer:
    return PythonLexer()
