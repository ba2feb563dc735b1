r"""A student's prose: markdown that shows what it did, and does nothing else, in whatever program renders it.

In: markdown source. Out: markdown source; code, lists, tables, formulas, links and the notebook's own pictures stay.
Programs do not agree where code ends and HTML begins, so nothing here rests on that: what could begin a tag, a link or
a picture anywhere is of a plain, listed form, or gets a space in between (`< script`), which no program reads so.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from html import unescape

from saiten.sanitise import tex, text
from saiten.sanitise.budget import Budget
from saiten.sanitise.html import is_active
from saiten.sanitise.pictures import picture_size

_LONGEST = 40_000
"""characters of one cell that are shown, without the pictures in them; nbconvert takes seconds for so many headings"""

_CUT = "\n\n[...]"

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_PLAIN_TAG = re.compile(
    r"<br ?/?>|<(b|strong|i|em|u|s|del|ins|sub|sup|kbd|mark|small)>[^<>&`\\$\[\]()*_~!|\"'#\n]{0,200}</\1>"
)
_PICTURE_TAG = re.compile(r"<img\s[^<>]{0,300}?\bsrc=(\"|')([\w./-]{1,300})\1[^<>]{0,300}>", re.IGNORECASE)
_ADDRESS = re.compile(r"<(https?://[^\s<>\"'`\\=]{1,500}|[\w.+-]{1,60}@[\w.-]{1,100})>")
_ENTITY = re.compile(r"&(?=#|(?:bsol|setminus|Backslash|ssetmn|smallsetminus|dollar|lbrace|lcub);)")

_WEB = re.compile(r"(?:https?://|mailto:)[^\s<>\"'`\\\[\]]{1,2000}", re.IGNORECASE)
_PICTURE_FILE = re.compile(r"(?:\./)?\w[\w-]*(?:[./]\w[\w-]*){0,20}\.(?:png|jpe?g|gif)", re.IGNORECASE)
_FRAGMENT = re.compile(r"#[\w%.:-]*")
_DATA_PICTURE = re.compile(r"data:(image/(?:png|jpeg|gif));base64,([A-Za-z0-9+/=]+)")
_ATTACHMENT = re.compile(r"attachment:([^\s()<>\\]{1,200})")

_TARGET = r"[ ]{0,9}([^\s()<>]*(?:\([\w ,.%-]{0,100}\)[^\s()<>]*)?)(?:[ ]{1,9}\"[^\"<>\\\n]{0,300}\")?[ ]{0,9}\)"
_LINK = re.compile(r"\]\(")
_LINK_REST = re.compile(_TARGET)
_PICTURE = re.compile(r"!\[")
_PICTURE_REST = re.compile(r"[^\[\]\n]{0,500}\]\(" + _TARGET)
_DEFINITION = re.compile(r"\]:")
_LONGEST_WORD = 500
_DEFINITION_REST = re.compile(rf"\s*(\S{{0,{_LONGEST_WORD}}})")
_WORD = re.compile(r"[^:&\\/<>]*")
"""a word that is no address: in code, `if x[0]: return`"""

_MERMAID = re.compile(r"^([ \t>*+\-0-9.)]{0,60}(?:`{3,}|~{3,})[ \t]{0,20})mermaid", re.MULTILINE | re.IGNORECASE)
_HEADING = re.compile(r"^([ \t>*+\-0-9.)]{0,60}#{1,6}[ \t]*)(\S.*)$", re.MULTILINE)
_UNDERLINED = re.compile(r"^([ \t>*+\-0-9.)]{0,60})(\S.*)(?=\n[ \t>]{0,200}[=-])", re.MULTILINE)
_NO_ID = "\u200b"
"""in a heading: invisible, and no grade_id holds it"""


@dataclass(frozen=True, slots=True)
class Prose:
    """Cleaned markdown."""

    source: str
    remarks: tuple[str, ...] = ()
    """what was taken out of action, in words"""


def clean_markdown(
    source: str, budget: Budget, attachments: Collection[str] = (), reserved: Collection[str] = ()
) -> Prose:
    """Clean a piece of markdown.

    Args:
        source: as the student wrote it (or a cell put it out).
        budget: of the notebook; pictures are taken from it.
        attachments: names of the pictures that the cell carries; nbconvert fails on any other.
        reserved: ids of the page's own elements; nbconvert makes ids of headings, and formgrader finds the box for a
            cell's score by the cell's grade_id.
    """
    remarks: list[str] = []
    written = len(source) if len(source) <= _LONGEST else len(_DATA_PICTURE.sub("", source))
    room = min(_LONGEST, budget.prose)
    if written > room:
        source = source[: max(0, room - len(_CUT))] + _CUT
        remarks.append("text beyond what is shown of a cell or a notebook")
    budget.prose = max(0, budget.prose - written)
    source = text.for_page(source.replace("\r\n", "\n").replace("\r", "\n"))
    for step, words in (
        (_tags, "HTML that acts"),
        (lambda each: _ENTITY.sub("& ", each), "HTML entities"),
        (lambda each: _pictures(each, budget, attachments), "pictures that are not in the notebook"),
        (_links, "links to anything but the web"),
        (tex.disarm, "TeX commands that do more than show a formula"),
    ):
        cleaned = step(source)
        # that `i<n` got a space is not worth a word
        if cleaned != source and (step is not _tags or is_active(source)):
            remarks.append(words)
        source = cleaned
    source = _MERMAID.sub(r"\1text", source)
    return Prose(_headings(source, reserved), tuple(remarks))


def clean_raw(source: str) -> str:
    """Clean the text of a raw cell, which nbconvert passes on as HTML."""
    return tex.disarm(_ENTITY.sub("& ", _TAG.sub("< ", text.for_page(source))))


def _tags(source: str) -> str:
    """Break all tags but the plainest; an address in angle brackets stands without them."""
    if "<" not in source:
        return source
    source = _PICTURE_TAG.sub(_picture_mark, source)
    pieces: list[str] = []
    position = 0
    for found in _PLAIN_TAG.finditer(source):
        pieces += (_broken(source[position : found.start()]), found[0])
        position = found.end()
    return "".join((*pieces, _broken(source[position:])))


def _picture_mark(found: re.Match[str]) -> str:
    """Write the HTML of a picture beside the notebook as markdown, without its size."""
    return f"![]({found[2]})" if _PICTURE_FILE.fullmatch(found[2]) else found[0]


def _broken(source: str) -> str:
    return _TAG.sub("< ", _ADDRESS.sub(r"\1", source))


def _pictures(source: str, budget: Budget, attachments: Collection[str]) -> str:
    def kept(found: re.Match[str]) -> str:
        rest = _PICTURE_REST.match(source, found.end())
        return found[0] if rest is not None and _is_picture(rest[1], budget, attachments) else "! ["

    return _PICTURE.sub(kept, source)


def _is_picture(target: str, budget: Budget, attachments: Collection[str]) -> bool:
    if found := _DATA_PICTURE.fullmatch(target):
        size = picture_size(found[1], found[2])
        return size is not None and budget.take_picture(size)
    if found := _ATTACHMENT.fullmatch(target):
        return found[1] in attachments
    return _PICTURE_FILE.fullmatch(target) is not None


def _links(source: str) -> str:
    def link(found: re.Match[str]) -> str:
        rest = _LINK_REST.match(source, found.end())
        return found[0] if rest is not None and _is_target(rest[1]) else "] ("

    source = _LINK.sub(link, source)

    def definition(found: re.Match[str]) -> str:
        rest = _DEFINITION_REST.match(source, found.end())
        word = "" if rest is None else rest[1]
        whole = len(word) < _LONGEST_WORD
        return found[0] if whole and (_WORD.fullmatch(word) or _is_target(word)) else "] :"

    return _DEFINITION.sub(definition, source)


def _is_target(target: str) -> bool:
    kinds = (_WEB, _FRAGMENT, _PICTURE_FILE, _ATTACHMENT, _DATA_PICTURE)
    return any(kind.fullmatch(target) for kind in kinds)


def _headings(source: str, reserved: Collection[str]) -> str:
    """See that no heading gets the id of one of the page's own elements."""
    names = {_squashed(name) for name in reserved} - {""}

    def other(found: re.Match[str]) -> str:
        words = _squashed(unescape(found[2]))
        if found[2].startswith(_NO_ID) or not any(name in words for name in names):
            return found[0]
        return found[1] + _NO_ID + found[2]

    return _UNDERLINED.sub(other, _HEADING.sub(other, source)) if names else source


def _squashed(words: str) -> str:
    return re.sub(r"[\W_]+", "", words).casefold()
