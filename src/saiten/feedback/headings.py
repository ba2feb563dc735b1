"""What a question is called, in the words of the notebook: the last heading above it, in each language.

In: a bundle's notebook. Out: question name to language to heading. A question without a heading keeps its grade_id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from saiten.bundle import BundleNotebook, Role, questions
from saiten.languages import LANGUAGE_NAMES

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1", re.MULTILINE | re.DOTALL)
_FOLDED = re.compile(r"<details>\n<summary>([^\n<]*)</summary>\n\n(.*?)\n\n</details>", re.DOTALL)
_EMPHASIS = re.compile(r"(\*\*|__|`)(.+?)\1")
_POINTS = re.compile(r"\s*[(\uff08]\s*\d+(\.\d+)?\s*(点|points?|pts?)\s*[)\uff09]\s*$", re.IGNORECASE)


def headings(notebook: BundleNotebook, languages: Sequence[str]) -> dict[str, dict[str, str]]:
    """Find the heading of every question.

    Args:
        notebook: its released prose is read: one cell for all languages, the others folded under `<details>`.
        languages: codes of the course's languages; prose outside of a fold is in the first.

    Returns:
        name of the question to language code to heading, without points, which are shown beside it.
    """
    owner = {cell.id: name for name, cells in questions(notebook) for cell in cells}
    names = {name for name, _ in questions(notebook)}
    found: dict[str, dict[str, str]] = {}
    last: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            last = {**last, **_in_cell(cell.release_source, languages)}
        name = cell.grade_id if cell.role is Role.SOLUTION and cell.grade_id in names else owner.get(cell.id)
        if name is not None and name not in found:
            found[name] = {language: last.get(language, name) for language in languages}
    return found


def _in_cell(source: str, languages: Sequence[str]) -> dict[str, str]:
    """Return the last heading of a cell in each language; one language's heading stands for one that has none."""
    texts = {languages[0]: _FOLDED.sub("", source)}
    codes = {LANGUAGE_NAMES.get(code, code): code for code in languages}
    texts |= {codes[title]: text for title, text in _FOLDED.findall(source) if title in codes}
    found = {code: each[-1] for code, text in texts.items() if (each := _HEADING.findall(_FENCE.sub("", text)))}
    if not found:
        return {}
    spare = next(iter(found.values()))
    return {code: _POINTS.sub("", _EMPHASIS.sub(r"\2", found.get(code, spare))) for code in languages}
