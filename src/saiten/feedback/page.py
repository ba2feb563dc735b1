"""A page of feedback as one HTML file: no network, no script, one style sheet inside.

In: a `Page`. Out: text of a document that opens anywhere. Everything a student wrote is escaped; of markdown only what
CommonMark and tables make, raw HTML shown as text; the content security policy refuses whatever else there might be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
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
from saiten.feedback.words import WORDS, duration, number, word
from saiten.languages import LANGUAGE_NAMES

_MARKS = {"passed": "✓", "partial": "◐", "failed": "✗", "unanswered": "–", "needs_manual": "…", "marked": "✎"}
"""one glyph for each state, beside its word"""


def render(page: Page) -> str:
    """Write a page of feedback.

    Args:
        page: what it says.

    Returns:
        a whole HTML document; the same page gives the same text.
    """
    return _environment().get_template("page.html.j2").render(page=page, **_tools(page.languages))


def _tools(languages: tuple[str, ...]) -> dict[str, Any]:
    shown = tuple(code for code in languages if code in WORDS) or ("en",)

    def every(say: Callable[[str], object]) -> Markup:
        """One text in every language; the switch on the page shows one of them."""
        return Markup("").join(Markup('<span class="in-{0}" lang="{0}">{1}</span>').format(c, say(c)) for c in shown)

    return {
        "shown": shown,
        "names": LANGUAGE_NAMES,
        "word": lambda key, **gaps: every(lambda code: word(code, key, **gaps)),
        "plain": lambda key, **gaps: word(shown[0], key, **gaps),
        "either": lambda texts: every(lambda code: _pick(texts, code)),
        "said": lambda message: _said(message, every),
        "late": lambda seconds, key, **gaps: every(lambda code: word(code, key, late=duration(code, seconds), **gaps)),
        "number": number,
        "marks": _MARKS,
        "code": _code,
        "markdown": lambda text: Markup(_markdown().render(text)),
        "printed": _printed,
        "style": Markup((files(__package__) / "page.css").read_text(encoding="utf-8")),
    }


def _said(message: str, every: Callable[[Callable[[str], object]], Markup]) -> Markup:
    """A message: once where no language has other words for it, else in every language."""
    if all(in_language(message, code) == message for code in WORDS):
        return escape(message)
    return every(lambda code: in_language(message, code))


def _pick(texts: Mapping[str, str], code: str) -> str:
    return texts.get(code) or next(iter(texts.values()), "")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("saiten.feedback", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _markdown() -> MarkdownIt:
    # "js-default" escapes raw HTML and refuses javascript:, vbscript: and most data: links; pictures would be fetched
    markdown = MarkdownIt("js-default").disable("image")
    markdown.add_render_rule("link_open", _link_open)
    return markdown


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
    lexer, formatter = _highlighter()
    lines = highlight(code.source.rstrip(), lexer, formatter).split("\n")
    return [{"number": at, "text": Markup(line), "here": at == code.line} for at, line in enumerate(lines, 1)]


def _printed(texts: tuple[str, ...]) -> Markup:
    """Printed output, cut where nobody reads on."""
    text = "".join(texts).strip("\n")
    return escape(text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "\n…")
