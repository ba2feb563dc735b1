"""HTML that a cell has put out: tables, text and pictures stay, all that acts, loads, covers or poses is gone.

In: HTML of any kind. Out: HTML of a short list of tags and attributes, by nh3 (ammonia, a real HTML parser).
Classes and ids go, too: in formgrader's page they would take part in its own styles and scripts.
"""

from __future__ import annotations

import re
from functools import partial

import nh3

from saiten.sanitise import tex, text
from saiten.sanitise.budget import Budget
from saiten.sanitise.pictures import picture_size

_TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del"),
    *("details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr"),
    *("i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "small", "span"),
    *("strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u"),
    *("ul", "var", "wbr"),
}
_GONE_WITH_CONTENT = {
    *("applet", "audio", "canvas", "embed", "frameset", "head", "iframe", "math", "noembed", "noframes", "noscript"),
    *("object", "script", "select", "style", "svg", "template", "textarea", "title", "video", "xmp"),
}
_ATTRIBUTES = {
    "*": {"lang", "style"},
    "a": {"href"},
    "img": {"alt", "height", "src", "width"},
    "table": {"align", "border"},
    "col": {"align", "span"},
    "colgroup": {"align", "span"},
    "td": {"align", "colspan", "rowspan", "valign"},
    "th": {"align", "colspan", "rowspan", "scope", "valign"},
    "tr": {"align", "valign"},
    "ol": {"start"},
    "li": {"value"},
    "details": {"open"},
}
_STYLES = {
    *("background-color", "color", "font-style", "font-weight", "text-align", "text-decoration", "vertical-align"),
}
"""none of them moves, sizes or loads anything"""
_LOADING = re.compile(r"url|\\", re.IGNORECASE)
_CLASSES = {"table": {"dataframe"}}

_ACTIVE = re.compile(
    r"<\s*/?\s*(?:script|iframe|frame|object|embed|applet|svg|math|canvas|video|audio|input|button|form|select|textarea"
    r"|link|meta|base|template)\b|\bon[a-z]{3,25}\s*=|javascript:|data:text|position\s*:",
    re.IGNORECASE,
)
_DATA_PICTURE = re.compile(r"data:(image/(?:png|jpeg|gif));base64,([A-Za-z0-9+/=\s]*)", re.IGNORECASE)
_FORMATTING = re.compile(r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?![A-Za-z0-9])", re.IGNORECASE)
_SIZE = re.compile(r"[0-9]{1,4}")
_TEXT = re.compile(r"<[^>]*>|\s|&nbsp;")
_MOST_REPAIRS = 300_000
"""formatting tags times tags: what a parser may have to repeat where they are closed in the wrong order"""


def is_active(html: str) -> bool:
    """Whether there is anything in it that acts, or looks so."""
    return _ACTIVE.search(html) is not None


def shows_something(html: str) -> bool:
    """Whether cleaned HTML holds text or a picture."""
    return "<img" in html or _TEXT.sub("", html) != ""


def clean_html(html: str, budget: Budget) -> str | None:
    """Clean a piece of HTML.

    Args:
        html: as a cell has put it out.
        budget: of the notebook; what is read here is taken from it.

    Returns:
        HTML that can be put into any page; None if it is too large or too tangled to be read at all.
    """
    written = _DATA_PICTURE.sub("", html)
    tags = written.count("<")
    repairs = sum(1 for _ in _FORMATTING.finditer(written)) * tags
    if repairs > _MOST_REPAIRS or not budget.take_html(len(written), tags):
        return None
    cleaned = nh3.clean(
        text.for_page(html),
        tags=_TAGS,
        clean_content_tags=_GONE_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=partial(_attribute, budget),
        url_schemes={"data", "http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        allowed_classes=_CLASSES,
        filter_style_properties=_STYLES,
    )
    # only now: a comment or an unknown tag may have stood in the middle of a command
    return tex.disarm(cleaned)


def _attribute(budget: Budget, tag: str, name: str, value: str) -> str | None:
    if name == "src":
        found = _DATA_PICTURE.fullmatch(value)
        size = None if found is None else picture_size(found[1].lower(), "".join(found[2].split()))
        return value if size is not None and budget.take_picture(size) else None
    if name == "href":
        return None if value.strip().lower().startswith("data:") else value
    if name == "style":
        return None if _LOADING.search(value) else value
    if name in ("width", "height", "colspan", "rowspan", "span", "border", "start", "value"):
        return value if _SIZE.fullmatch(value) else None
    return value
