"""The author's hints: does each belong to a question, in every language, and keep the solution to itself?

In: a prepared assignment and its settings. Out: `Finding`s; none where there are no hints. Feedback is handed out to
students, so a hint may not hold what the release may not hold.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from saiten.build.bundle import Parts
from saiten.build.release import secret_lines
from saiten.bundle import questions
from saiten.check.report import Finding, State
from saiten.course import Assignment
from saiten.settings import FILE_NAME

_SHORTEST = 12
"""Characters of the shortest expression that gives something away."""
_BEFORE_EXPRESSION = re.compile(r"(?:return|yield|assert)\b\s*|[\w\s,.*\[\]()]+?\s*[-+*/@|&]?=(?!=)\s*")


def look_at_hints(parts: Parts, assignment: Assignment) -> Iterator[Finding]:
    """Yield what is found about `[hints.*]` of assignment.toml.

    Args:
        parts: the assignment, prepared and run.
        assignment: where it came from.
    """
    hints = assignment.settings.hints
    if not hints:
        return
    names = dict.fromkeys(name for notebook in parts.bundle.notebooks for name, _ in questions(notebook))
    languages = assignment.course.options.languages
    secrets = _secret_expressions(parts)
    found = []
    for name, texts in hints.items():
        if name not in names:
            found.append(_nowhere(name, list(names)))
        lacking = [code for code in languages if not texts.get(code, "").strip()]
        if lacking:
            text = f"The hint for {name} lacks {', '.join(lacking)}."
            found.append(Finding("hints", State.FAILS, text, name, f"Write it into {FILE_NAME}, too."))
        found += _told(name, texts, secrets)
    yield from found
    if not found:
        text = f"{len(hints)} of {len(names)} questions have a hint, each in {', '.join(languages)}."
        yield Finding("hints", State.HOLDS, text)


def _nowhere(name: str, names: list[str]) -> Finding:
    """Say that no question is called so: the page of feedback would never show the hint."""
    close = difflib.get_close_matches(name, names, 1)
    step = f"Did you mean [hints.{close[0]}]?" if close else f"There are: {', '.join(names)}."
    return Finding("hints", State.FAILS, f"{FILE_NAME} has a hint for {name}, which is no question.", name, step)


def _told(name: str, texts: Mapping[str, str], secrets: Mapping[str, str]) -> Iterator[Finding]:
    """Name the first secret that each language's text holds, if any."""
    for code, text in texts.items():
        flat = _flat(text)
        told = next((secret for secret in secrets if secret in flat), None)
        if told is not None:
            words = f"The hint for {name} ({code}) holds what students must not see, from {secrets[told]}: {told!r}."
            yield Finding("hints", State.FAILS, words, name, "Say what to try, not what to write.")


def _secret_expressions(parts: Parts) -> dict[str, str]:
    """Lines of solutions, hidden tests and mark schemes, and what such a line returns or assigns, with their places.

    What also stands in the release is no secret.
    """
    public = _flat("\n".join(cell.source for notebook in parts.notebooks for cell in notebook.release.cells))
    found: dict[str, str] = {}
    for line, origin in secret_lines(parts.notebooks).items():
        for each in (_flat(line), _flat(_BEFORE_EXPRESSION.sub("", line, count=1))):
            if len(each) >= _SHORTEST and each not in public:
                found.setdefault(each, f"{origin.where}, {origin.what}")
    return found


def _flat(text: str) -> str:
    """The text with single blanks, and no comment sign in front of it."""
    return " ".join(text.split()).removeprefix("# ")
