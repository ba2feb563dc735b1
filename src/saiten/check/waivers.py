"""Waivers: mutants that no test can tell from the reference, each with the author's reason.

In: `source/<assignment>/waivers.toml`. Out: `Waiver`s by question and mutant. The file is never released.

    [[waive]]
    question = "ridge-fit"              # as `saiten check` names it
    mutant = "comparison-1f3a09bc"
    reason = "At alpha == 0 both branches give the same weights."
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from saiten.errors import SourceError

_KEYS = ("question", "mutant", "reason")
_FORMAT = 'Write [[waive]] with question = "...", mutant = "..." and reason = "..."; `saiten check --help` shows one.'


@dataclass(frozen=True, slots=True)
class Waiver:
    """One mutant that may survive."""

    question: str
    mutant: str
    reason: str


def read_waivers(path: Path) -> list[Waiver]:
    """Read a waivers file; none if there is no such file.

    Raises:
        SourceError: it is no TOML, has unknown keys, lacks a reason, or names a mutant twice.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}.", _FORMAT) from error
    entries = raw.pop("waive", [])
    if raw or not isinstance(entries, list):
        raise SourceError(f"{path}: it has to hold [[waive]] tables and nothing else.", _FORMAT)
    found = [_waiver(path, number, entry) for number, entry in enumerate(entries, 1)]
    places = [(each.question, each.mutant) for each in found]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        raise SourceError(f"{path} waives {twice[1]} of {twice[0]} twice.", "Keep one of them.")
    return found


def _waiver(path: Path, number: int, entry: object) -> Waiver:
    if not isinstance(entry, dict) or set(entry) != set(_KEYS):
        raise SourceError(f"{path}: waiver {number} has to have question, mutant and reason.", _FORMAT)
    values = [entry[key] for key in _KEYS]
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise SourceError(f"{path}: waiver {number}: question, mutant and reason are text, and not empty.", _FORMAT)
    return Waiver(*(value.strip() for value in values))
