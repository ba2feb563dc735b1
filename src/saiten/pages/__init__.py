"""What every HTML page of ours shares: one file without a network, a switch of languages, one style, one policy.

In: a package's template, its words, the languages to show. Out: text of a document. Whatever is put into a template is
escaped; what is a tag already says so by its type (`Markup`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from saiten.languages import LANGUAGE_NAMES

Words = Mapping[str, Mapping[str, str]]
"""language code to key to text with gaps"""


class Tongue:
    """Says things in every language of a page; the switch on the page shows one of them.

    Args:
        words: the page's words; every language has the same keys, and English is there.
        languages: codes of the course's languages; those without words are left out.
    """

    def __init__(self, words: Words, languages: tuple[str, ...]) -> None:
        self._words = words
        self.shown = tuple(code for code in languages if code in words) or ("en",)
        self._known: dict[str, Markup] = {}

    def every(self, say: Callable[[str], object]) -> Markup:
        """One text in every language."""
        spans = (Markup('<span class="in-{0}" lang="{0}">{1}</span>').format(code, say(code)) for code in self.shown)
        return Markup("").join(spans)

    def word(self, key: str, **gaps: object) -> Markup:
        """One of the page's texts, its gaps filled, in every language."""
        if gaps:
            return self.every(lambda code: self.say(code, key, **gaps))
        if key not in self._known:
            self._known[key] = self.every(lambda code: self.say(code, key))
        return self._known[key]

    def plain(self, key: str, **gaps: object) -> str:
        """The same in the first language alone, for attributes."""
        return self.say(self.shown[0], key, **gaps)

    def either(self, texts: Mapping[str, str]) -> Markup:
        """A text that is there by language."""
        return self.every(lambda code: texts.get(code) or next(iter(texts.values()), ""))

    def say(self, code: str, key: str, **gaps: object) -> str:
        """One text in one language; English where there is no other."""
        return self._words.get(code, self._words["en"])[key].format(**gaps)


def write_page(package: str, tongue: Tongue, script: str = "", **values: Any) -> str:
    """Write a page from a package's `page.html.j2` and `page.css`.

    Args:
        package: dotted name of the package that holds the two.
        tongue: its words.
        script: a script of ours to be run; empty: the page's policy allows none.
        values: what the template shows.

    Returns:
        a whole HTML document; the same values give the same text.
    """
    style = "\n".join(_file(each, "page.css") for each in ("saiten.pages", package))
    return (
        _environment(package)
        .get_template("page.html.j2")
        .render(
            tongue=tongue,
            word=tongue.word,
            plain=tongue.plain,
            either=tongue.either,
            shown=tongue.shown,
            names=LANGUAGE_NAMES,
            number=number,
            style=Markup(style),
            script=Markup(script),
            script_source=_digest(script) if script else "'none'",
            **values,
        )
    )


def tables_script() -> str:
    """The script by which tables sort and filter; without it they are as they are."""
    return _file("saiten.pages", "tables.js")


def number(value: float) -> str:
    """Points as people write them: at most two decimals, no zeros behind the point."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _digest(script: str) -> str:
    """A script as a content security policy names it: no other runs."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@cache
def _environment(package: str) -> Environment:
    return Environment(
        loader=ChoiceLoader([PackageLoader(package, "."), PackageLoader("saiten.pages", ".")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _file(package: str, name: str) -> str:
    return (files(package) / name).read_text(encoding="utf-8")
