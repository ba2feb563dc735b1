"""Prose in several languages: markdown cells tagged `lang-ja`, `lang-en` stand in groups and become one cell each.

In: a notebook whose tagged cells follow each other, one for each language. Out: a copy with one cell for each group:
the course's first language in front, the others folded under `<details>`, their markdown still alive.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence

from nbformat import NotebookNode

from saiten.bundle import Role
from saiten.errors import SourceError
from saiten.notebook import cell_label, is_nbgrader_cell, role_of, tags_of

TAG_PREFIX = "lang-"
_TAG = re.compile(r"lang-([a-z]{2,3}(-[A-Za-z0-9]+)?)")

LANGUAGE_NAMES = {
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "pt": "Português",
    "zh": "中文",
}
"""What a language calls itself; one that is not listed is shown by its code."""


def language_of(cell: NotebookNode) -> str | None:
    """Return the language code of a tagged cell, or None."""
    return next(iter(_languages_of(cell)), None)


def _languages_of(cell: NotebookNode) -> list[str]:
    return [match[1] for tag in tags_of(cell) if (match := _TAG.fullmatch(tag))]


def fold_languages(notebook: NotebookNode, languages: Sequence[str], name: str) -> NotebookNode:
    """Make one cell of each group of cells that say the same in several languages.

    Args:
        notebook: the instructor's notebook; it stays as it is.
        languages: codes of the course's languages; the first stands in front, one that is not listed is left out.
        name: what to call the notebook in messages.

    Raises:
        SourceError: a tagged cell that is no plain text, or a group that lacks one of the languages.
    """
    folded = copy.deepcopy(notebook)
    cells: list[NotebookNode] = []
    group: dict[str, tuple[int, NotebookNode]] = {}

    def close() -> None:
        if group:
            cells.append(_fold(group, languages, name))
            group.clear()

    for number, cell in enumerate(folded.cells, 1):
        language = language_of(cell)
        if language is None:
            close()
            cells.append(cell)
            continue
        _check_foldable(cell, f"{name}: {cell_label(number, cell)}")
        if language in group:
            close()
        group[language] = (number, cell)
    close()
    folded.cells = cells
    return folded


def _check_foldable(cell: NotebookNode, where: str) -> None:
    if cell.cell_type != "markdown" or role_of(cell) is not Role.TEXT:
        raise SourceError(
            f"{where} has a language tag but is not a plain markdown cell.",
            "Put the texts of both languages into markdown cells before it; code, answers and points exist once.",
        )
    if len(_languages_of(cell)) > 1:
        raise SourceError(f"{where} has more than one language tag.", "Leave one.")


def _fold(group: dict[str, tuple[int, NotebookNode]], languages: Sequence[str], name: str) -> NotebookNode:
    missing = [language for language in languages if language not in group]
    number, first = next(iter(group.values()))
    if missing:
        here = ", ".join(f"{TAG_PREFIX}{language}" for language in group)
        raise SourceError(
            f"{name}: {cell_label(number, first)} stands in {here} but not in {', '.join(missing)}.",
            "Put a markdown cell with that language's tag directly behind it (c.Saiten.languages lists the languages).",
        )
    cell = group[languages[0]][1]
    keeper = next((each for _, each in group.values() if is_nbgrader_cell(each)), cell)
    if keeper is not cell:
        cell.metadata["nbgrader"] = keeper.metadata["nbgrader"]
    tags = [tag for tag in tags_of(cell) if not _TAG.fullmatch(tag)]
    cell.metadata.pop("tags", None)
    if tags:
        cell.metadata["tags"] = tags
    texts = [cell.source.strip("\n").rstrip()]
    for language in languages[1:]:
        _move_attachments(group[language][1], cell, f"{name}: {cell_label(*group[language])}")
        summary = LANGUAGE_NAMES.get(language, language)
        text = group[language][1].source.strip("\n").rstrip()
        # the blank lines end the HTML block, so that the text between is markdown again
        texts.append(f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>")
    cell.source = "\n\n".join(texts)
    return cell


def _move_attachments(source: NotebookNode, target: NotebookNode, where: str) -> None:
    for key, attachment in source.get("attachments", {}).items():
        held = target.setdefault("attachments", NotebookNode())
        if held.get(key, attachment) != attachment:
            raise SourceError(
                f"{where}: the attachment {key!r} differs from the one of that name in the other language.",
                "Give one of the two another name.",
            )
        held[key] = attachment
