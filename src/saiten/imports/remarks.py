"""What an import has to say: what it did otherwise, and what it could not carry over.

In: a place and a sentence. Out: `Remark`, which a table or a line of JSON shows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence about one place of what was imported."""

    where: str
    """file, and cell by its place from 1"""
    text: str
    lost: bool = False
    """whether something of the original is not in the copy, or needs a person; else it is there in another form"""
