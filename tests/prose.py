"""The text of an exercise that people read: prose cells by language, model answers, Japanese text in code, hints.

In: `source/<assignment>/`. Out: `Passage`s without code, formulas, tags and link targets, each with its place.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from saiten.ipython_code import parse_cell
from saiten.languages import language_of
from saiten.notebook import nbgrader_metadata, read_source
from saiten.settings import read_settings

JAPANESE = "ぁ-ゖゝゞァ-ヺーヽヾ一-鿿々〆"
"""Kana and kanji, for a character class."""

MASK = "￼"
"""Stands for what is no prose: code, a formula, a tag."""

_NO_PROSE = re.compile(
    r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$"
    r"|(?P<tick>`+)(?!`).+?(?<!`)(?P=tick)(?!`)"
    r"|\$\$.+?\$\$|\$[^$\n]+(?:\n[^$\n]+)?\$"
    r"|<!--.*?-->|</?[A-Za-z][^<>]*>"
    r"|(?<=\])\([^)\s]+\)|https?://\S+"
    r'|"\w+"',  # a value of an argument
    re.DOTALL | re.MULTILINE,
)
_LINE_END_IN_JAPANESE = re.compile(rf"(?<=[{JAPANESE}、。「」])[ \t]*\n[ \t]*(?=[{JAPANESE}、。「」])")


@dataclass(frozen=True, slots=True)
class Passage:
    """Text of one cell, or one string or comment of a code cell."""

    where: str
    """notebook and cell, for messages"""
    language: str
    """`ja`, `en`, or `mixed` for model answers, and for Japanese text (often with English beside it) in code"""
    markdown: str
    """as written; of a code cell, the bare text"""

    @property
    def text(self) -> str:
        """The markdown with `MASK` for all that is no prose; lines stay as they are."""
        return _NO_PROSE.sub(MASK, self.markdown)

    @property
    def joined(self) -> str:
        """The text with its lines joined, so that a word broken over two lines is one word."""
        return re.sub(r"\s+", " ", _LINE_END_IN_JAPANESE.sub("", self.text))


def passages(path: Path) -> Iterator[Passage]:
    """Yield every passage of a notebook, in order."""
    for number, cell in enumerate(read_source(path).cells, start=1):
        yield from cell_passages(cell, f"{path.stem}, cell {nbgrader_metadata(cell).get('grade_id', number)}")


def settings_passages(folder: Path) -> Iterator[Passage]:
    """Yield title and hints of an assignment's folder; there are none without an assignment.toml."""
    settings = read_settings(folder)
    for name, texts in {"title": settings.title, **settings.hints}.items():
        for language, text in texts.items():
            yield Passage(f"{folder.name}, assignment.toml {name}", language, text)


def cell_passages(cell: NotebookNode, where: str) -> Iterator[Passage]:
    """Yield the passages of one cell."""
    language = language_of(cell)
    if language:
        yield Passage(where, language, cell.source)
        return
    texts = (*_strings(cell.source), *_comments(cell.source)) if cell.cell_type == "code" else (cell.source,)
    for text in texts:
        if re.search(f"[{JAPANESE}]", text):
            yield Passage(where, "mixed", text)


def _strings(source: str) -> Iterator[str]:
    """Yield docstrings, messages and labels, without the names that the code uses: those are no words."""
    tree = parse_cell(source)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg | ast.keyword) and node.arg}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"[A-Za-z_]\w*", lambda word: MASK if word[0] in names else word[0], node.value)


def _comments(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string.lstrip("# ")
