"""Do messages keep a hidden test's secrets? What students read may hold no line, input or expected value of one.

In: what `saiten check` marked (mistakes, mutants, answers that know nothing), and the secrets. Out: `Finding`s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from saiten.build.bundle import Parts
from saiten.build.prepare import Prepared
from saiten.build.release import secret_lines
from saiten.check.lab import Job
from saiten.check.report import Finding, State
from saiten.check.secrets import Secrets

_NUMBER = re.compile(r"(?<![\w.])[-−]?(\d+)(\.\d+)?([eE][-+]?\d+)?(?![\w.]*\d)")
_TELLING_DIGITS = 4
"""A number of so many digits is looked for among the elements of arrays; chance alone would find shorter ones there."""
_TELLING_TEXT = 6
"""characters of the shortest text that gives something away"""
_EXACT = 1e-12
_SHOWN = 160


def look_at_messages(parts: Parts, jobs: Iterable[Job], secrets: Secrets) -> Iterator[Finding]:
    """Yield what is found in the messages of everything that was marked.

    Args:
        parts: the assignment, prepared.
        jobs: marked; those that were not are passed over.
        secrets: values of its hidden tests.
    """
    search = Search(parts.notebooks, secrets)
    told: dict[str, tuple[str, str, str]] = {}
    messages = 0
    for job in jobs:
        for cell in job.result.cells if job.result is not None else ():
            if cell.message:
                messages += 1
                secret = search.find(cell.message)
                if secret:
                    told.setdefault(cell.name, (secret, cell.message, job.name))
    for name, (secret, message, job_name) in told.items():
        text = f"A student ({job_name}) would read {secret}: {message[:_SHOWN]!r}."
        yield Finding("messages", State.FAILS, text, name, "Say what kind of thing is wrong, not which value.")
    if messages and not told:
        known = f"{secrets.every.size} values and {len(search.lines)} lines"
        yield Finding("messages", State.HOLDS, f"None of {messages} messages holds one of {known} of hidden tests.")


class Search:
    """Finds a hidden test's secrets in a text.

    Args:
        notebooks: prepared; what their release holds is no secret.
        secrets: values of their hidden tests.
    """

    def __init__(self, notebooks: tuple[Prepared, ...], secrets: Secrets) -> None:
        public = "\n".join(cell.source for notebook in notebooks for cell in notebook.release.cells)
        self._secrets = secrets
        self._public = {found[0] for found in _NUMBER.finditer(public)}
        self._texts = sorted(each for each in secrets.texts if len(each) >= _TELLING_TEXT and each not in public)
        self.lines: Mapping[str, str] = {
            _flat(line): f"a line of {origin.what} ({origin.where})"
            for line, origin in secret_lines(notebooks).items()
            if origin.what == "hidden tests"  # a line of a solution (`return w, b`) is what many a message asks for
        }
        """lines of hidden tests that are nowhere in the release, to where they are from"""

    def find(self, message: str) -> str:
        """Say which secret a message holds, "" if none."""
        for line, what in self.find_lines(message):
            return f"{what}: {line!r}"
        for text in self._texts:
            if text in message:
                return f"the text {text!r} of a hidden test"
        for found in _NUMBER.finditer(message):
            if found[0] not in self._public and self._is_secret(found):
                return f"the number {found[0]} of a hidden test"
        return ""

    def find_lines(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield the lines that a text holds, each with what it is."""
        flat = _flat(text)
        return ((line, what) for line, what in self.lines.items() if line in flat)

    def _is_secret(self, found: re.Match[str]) -> bool:
        """Whether a number is one of a hidden test's, as far as its digits go.

        Whole numbers below 1000 are sizes and counts, which a message may tell.
        """
        whole, decimals = found[1], found[2] or ""
        digits = len((whole + decimals[1:]).lstrip("0"))
        value = float(found[0].replace("−", "-"))
        if digits >= _TELLING_DIGITS:
            exponent = int((found[3] or "e0")[1:])
            return _is_among(value, self._secrets.every, 0.5000001 * 10.0 ** (exponent - max(0, len(decimals) - 1)))
        return bool(decimals or found[3]) and _is_among(value, self._secrets.single, _EXACT * abs(value))


def _is_among(value: float, values: NDArray[np.float64], tolerance: float) -> bool:
    place = int(np.searchsorted(values, value - tolerance))
    return place < values.size and bool(values[place] <= value + tolerance)


def _flat(text: str) -> str:
    return " ".join(text.split())
