"""A page of feedback as one HTML file: no network, no script, one style sheet inside.

In: a `Page`. Out: text of a document that opens anywhere. Everything a student wrote is escaped; of markdown only what
CommonMark and tables make, raw HTML shown as text; the content security policy refuses whatever else there might be.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import groupby
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from saiten.feedback.gather import LONGEST_TEXT
from saiten.feedback.messages import in_language
from saiten.feedback.model import Code, Page
from saiten.feedback.words import WORDS, duration
from saiten.pages import Tongue, write_page
from saiten.sanitise import decoded, left_out_words

_ATTACHED = "attachment:"
_MARKS = {"passed": "✓", "partial": "◐", "failed": "✗", "unanswered": "–", "needs_manual": "…", "marked": "✎"}
"""one glyph for each state, beside its word"""


def render(page: Page) -> str:
    """Write a page of feedback.

    Args:
        page: what it says.

    Returns:
        a whole HTML document; the same page gives the same text.
    """
    tongue = _tongue(page.languages)

    def late(seconds: float, key: str, **gaps: object) -> Markup:
        return tongue.every(lambda code: tongue.say(code, key, late=duration(code, seconds), **gaps))

    return write_page(
        __package__,
        tongue,
        page=page,
        said=lambda message: _said(message, tongue),
        late=late,
        marks=_MARKS,
        code=_code,
        markdown=lambda text, pasted=None: Markup(_markdown().render(text, {"pasted": pasted or {}})),
        printed=_printed,
        grouped=lambda pictures: [(name, list(each)) for name, each in groupby(pictures, lambda one: one.name)],
        size=_size,
        all_languages=lambda texts: " / ".join(texts.get(code, texts["en"]) for code in tongue.shown),
    )


@cache
def _tongue(languages: tuple[str, ...]) -> Tongue:
    return Tongue(WORDS, languages)


def _said(message: str, tongue: Tongue) -> Markup:
    """A message: once where no language has other words for it, else in every language."""
    if all(in_language(message, code) == message for code in tongue.shown):
        return escape(message)
    return tongue.every(lambda code: in_language(message, code))


@cache
def _markdown() -> MarkdownIt:
    # "js-default" escapes raw HTML and refuses javascript:, vbscript: and most data: links
    markdown = MarkdownIt("js-default")
    markdown.add_render_rule("link_open", _link_open)
    markdown.add_render_rule("image", _image)
    return markdown


def _image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: Any) -> str:
    """A picture that is in the notebook; of any other, which would be fetched, a link."""
    token = tokens[index]
    target = str(token.attrGet("src") or "")
    words = renderer.renderInlineAsText(token.children or [], options, environment)
    forms: Mapping[str, str] = environment.get("pasted", {}).get(target.removeprefix(_ATTACHED), {})
    picture = next((f"data:{kind};base64,{data}" for kind, data in forms.items()), "")
    if target.startswith("data:") and (found := decoded(target.partition(";base64,")[2])) is not None:  # from Colab
        picture = f"data:{found.kind};base64,{b64encode(found.content).decode('ascii')}"
    if picture:
        return str(Markup('<img src="{}" alt="{}">').format(picture, words or target[:40]))
    if target.startswith((_ATTACHED, "data:")):
        return str(escape(f"({left_out_words(words or target[:40])})"))
    link = Markup('!<a href="{}" rel="noopener noreferrer nofollow" target="_blank">{}</a>')
    return str(link.format(target, words or target))


def _link_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, environment: Any) -> str:
    """A link leads away from the page, and tells nobody where it was."""
    for name, value in (("rel", "noopener noreferrer nofollow"), ("target", "_blank")):
        tokens[index].attrSet(name, value)
    return renderer.renderToken(tokens, index, options, environment)


@cache
def _highlighter() -> tuple[PythonLexer, HtmlFormatter[str]]:
    return PythonLexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True, classprefix="c-")


def _code(code: Code) -> list[dict[str, Any]]:
    """Lines of a cell: number, highlighted text, whether it happened there."""
    lines = _highlighted(code.source.rstrip())
    return [{"number": at, "text": Markup(line), "here": at == code.line} for at, line in enumerate(lines, 1)]


@lru_cache(maxsize=1024)  # what a class left as it was released is the same again and again
def _highlighted(source: str) -> list[str]:
    text: str = highlight(source, *_highlighter())
    return text.rstrip("\n").split("\n")


def _size(png: str) -> tuple[int, int]:
    """Width and height of a PNG, which stand at the same place in each (Base64)."""
    head = b64decode(png[:32])
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _printed(texts: tuple[str, ...]) -> Markup:
    """Printed output, cut where nobody reads on."""
    text = "".join(texts).strip("\n")
    return escape(text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "\n…")
