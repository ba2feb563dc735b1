"""A submission as bytes: what a worker gets, wherever it runs.

In: a folder under `submitted/`. Out: a `Submission`: notebooks and other files by name, hash, time stamp.
Nothing is parsed here: the coordinator never looks inside what a student wrote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Submission:
    """One student's hand-in for one assignment."""

    student: str
    assignment: str
    notebooks: Mapping[str, bytes]
    """file name without `.ipynb`, to the file's bytes"""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """other regular files: relative path to bytes"""
    timestamp: str | None = None
    """text of `timestamp.txt`, as nbgrader wrote it; not part of the hash"""
    notes: tuple[str, ...] = ()
    """what was refused while reading (links, devices, too large), in words"""
    problem: str = ""
    """why nothing could be read at all; such a submission becomes a `rejected` result"""

    @cached_property
    def hash(self) -> str:
        """BLAKE2b (128 bits, hex) of names and contents."""
        digest = hashlib.blake2b(digest_size=16)
        for group in (self.notebooks, self.files):
            for name in sorted(group):
                digest.update(f"\0{name}\0{len(group[name])}\0".encode("utf-8", "surrogateescape"))
                digest.update(group[name])
            digest.update(b"\1")
        return digest.hexdigest()
