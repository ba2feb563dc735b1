"""Templates to pages: the style, the switch of languages and the words that all pages of Saiten have.

In: a template's name, a tongue, values. Out: text of a document; and the bytes of the style sheet and the script, which
are files of their own here, for many pages share them. Whatever is put into a template is escaped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from saiten.feedback.messages import in_language
from saiten.hub.model import Job, JobKind
from saiten.hub.web.moments import duration, megabytes, moment, short
from saiten.hub.web.outcomes import outcome_in
from saiten.hub.web.words import WORDS
from saiten.languages import LANGUAGE_NAMES
from saiten.pages import Tongue, number

LANGUAGE_COOKIE = "saiten-language"
"""Holds the code of the language that a reader has chosen; the script sets it."""

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="none" '
    'stroke="#b3261e" stroke-width="1.6"/><path d="M4.5 8.2l2.4 2.6 4.8-5.4" fill="none" stroke="#b3261e" '
    'stroke-width="1.8"/></svg>'
)


def tongue_for(languages: tuple[str, ...], chosen: str, accepted: str) -> Tongue:
    """Return the words of a page, the reader's language first.

    Args:
        languages: codes of the course's, the first in front.
        chosen: code that the reader has chosen before; empty or unknown: none.
        accepted: the browser's `Accept-Language`.
    """
    known = tuple(code for code in languages if code in WORDS) or ("en",)
    wanted = [chosen, *(each.split(";")[0].strip().split("-")[0].lower() for each in accepted.split(","))]
    first = next((code for code in wanted if code in known), known[0])
    return _tongue((first, *(code for code in known if code != first)))


def render(template: str, tongue: Tongue, **values: Any) -> str:
    """Fill a template; a name that it knows and nobody gave is an error."""
    return (
        _environment()
        .get_template(template)
        .render(
            tongue=tongue,
            word=tongue.word,
            plain=tongue.plain,
            either=tongue.either,
            shown=tongue.shown,
            span=lambda key, seconds: tongue.every(lambda code: tongue.say(code, key, time=duration(code, seconds))),
            brief=lambda key, seconds: tongue.every(lambda code: tongue.say(code, key, time=short(code, seconds))),
            said=lambda message: _said(tongue, message),
            outcome=lambda message: _outcome(tongue, message),
            cost=lambda job: _cost(tongue, job),
            act=lambda what: tongue.word(f"act_{what}") if f"act_{what}" in WORDS["en"] else what,
            kinds=tuple(JobKind),
            **values,
        )
    )


def _said(tongue: Tongue, message: str) -> Markup:
    """A test's message: what the judge says of itself in every language, the test's own words once."""
    return _every(tongue, message, in_language)


def _outcome(tongue: Tongue, message: str) -> Markup:
    """A job's outcome: the service's own words in every language, names and what a command printed once."""
    return _every(tongue, message, outcome_in)


def _every(tongue: Tongue, message: str, say: Callable[[str, str], str]) -> Markup:
    if all(say(message, code) == message for code in tongue.shown):
        return escape(message)
    return tongue.every(lambda code: say(message, code))


def _cost(tongue: Tongue, job: Job) -> Markup:
    """What a job has cost so far: time, and the processors' time where it is known."""

    def say(code: str) -> str:
        time = short(code, job.seconds)
        if job.processor_seconds is None:
            return tongue.say(code, "job_time", time=time)
        return tongue.say(code, "job_cost", time=time, cpu=short(code, job.processor_seconds))

    return tongue.every(say)


def static(name: str) -> bytes:
    """A file that all pages share: page.css (with the rules by which the switch shows one language), live.js, icon.svg.

    Raises:
        KeyError: there is no such.
    """
    return _made()[name]


def version(name: str) -> str:
    """A few letters that change when the file of that name does, for its address."""
    return hashlib.sha256(static(name)).hexdigest()[:12]


@cache
def _made() -> dict[str, bytes]:
    switch = "\n".join(
        f"body:has(#show-{code}:checked) .in-{other} {{ display: none; }}"
        for code in WORDS
        for other in WORDS
        if other != code
    )
    shared = (files("saiten.pages") / "page.css").read_text(encoding="utf-8")
    own = files(__package__)
    style = "\n".join((shared, switch, (own / "page.css").read_text(encoding="utf-8")))
    return {"page.css": style.encode(), "live.js": (own / "live.js").read_bytes(), "icon.svg": _ICON.encode()}


@cache
def _tongue(languages: tuple[str, ...]) -> Tongue:
    return Tongue(WORDS, languages)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=ChoiceLoader([PackageLoader("saiten.hub.web", "."), PackageLoader("saiten.pages", ".")]),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(moment=moment, megabytes=megabytes, number=number, names=LANGUAGE_NAMES, version=version)
    return made
