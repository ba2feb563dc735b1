"""Pictures that students paste into their prose: photographs of derivations, screenshots.

In: a cell's `attachments` as they were handed in. Out: pictures by a clean name, each whole and of one kind, with
whatever else there was taken out; and the cell's text in which every reference has a picture, or words in its place.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from saiten.sanitise.budget import Budget
from saiten.sanitise.pictures import MOST_BYTES
from saiten.sanitise.whole import Picture, whole_picture

_LONGEST_NAME = 100
_MOST_FORMS = 8
_UNCLEAN = re.compile(r"[^A-Za-z0-9._-]+")
"""in a name: what markdown, HTML or nbconvert reads anew (as %E3%81%82, say, under which it finds no picture)"""
_REFERENCE = re.compile(
    r"!\[([^\[\]\n]{0,500})\]\([ ]{0,9}"
    r"(?:<attachment:([^<>\"\n]{1,300})>|attachment:((?:[^()<>\"\n]|\([^()<>\"\n]{0,100}\)){1,300}?))"
    r"(?:[ ]{1,9}\"[^\"\n]{0,300}\")?[ ]{0,9}\)"
)
_UNCLEAN_WORDS = re.compile(r"[^\w .,+-]")


def clean_name(name: str) -> str:
    """Name an attachment so that markdown, nbconvert and people read it alike.

    >>> clean_name("image.png"), clean_name("写真 1.jpg"), clean_name("写真 2.jpg")
    ('image.png', '6233b483-1.jpg', '0a5d4cd9-2.jpg')
    """
    short = _UNCLEAN.sub("-", name)
    if short == name and len(name) <= _LONGEST_NAME:
        return name
    # two names that differ only in what cannot stay need two names
    digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return f"{digest}-{short[len(digest) + 1 - _LONGEST_NAME :].strip('-.')}"


def pictures(raw: Any) -> Iterator[tuple[str, Picture | None]]:
    """Go through what is attached to a cell.

    Args:
        raw: `attachments` of a cell: name to mime type to base64, if the student's program meant well.

    Yields:
        each clean name once, with its picture; None if it holds none. What the bytes are decides, not the mime type.
    """
    seen: set[str] = set()
    for name, forms in raw.items() if isinstance(raw, dict) else ():
        cleaned = clean_name(name) if isinstance(name, str) else ""
        if not cleaned or cleaned in seen:
            continue
        seen.add(cleaned)
        contents = list(forms.values())[:_MOST_FORMS] if isinstance(forms, dict) else []
        found = (picture for each in contents if (picture := decoded(each)) is not None)
        yield cleaned, next(found, None)


def clean_attachments(raw: Any, budget: Budget, left_out: list[str]) -> dict[str, dict[str, str]]:
    """Keep the pictures that are attached to a cell.

    Args:
        raw: see `pictures`.
        budget: of the notebook; pictures are taken from it.
        left_out: gets the names of what is no picture, or too much.

    Returns:
        clean name to mime type to base64: attachments as nbformat has them.
    """
    kept: dict[str, dict[str, str]] = {}
    for name, picture in pictures(raw):
        if picture is not None and budget.take_picture(picture.size) and budget.take_attachment(len(picture.content)):
            kept[name] = {picture.kind: base64.b64encode(picture.content).decode("ascii")}
        else:
            left_out.append(name)
    return kept


def with_references(source: str, names: Collection[str]) -> str:
    """Point every reference to an attachment at the picture's clean name, or say that there is none.

    Args:
        source: markdown, as the student wrote it.
        names: clean names of the pictures that the cell carries.
    """

    def pointed(found: re.Match[str]) -> str:
        words, target = found[1], (found[2] or found[3]).strip()
        name = next((each for each in (clean_name(target), clean_name(unquote(target))) if each in names), None)
        if name is not None:
            return f"![{words}](attachment:{name})"
        return f"({left_out_words(words.strip() or target)})"

    return _REFERENCE.sub(pointed, source) if "attachment:" in source else source


def left_out_words(name: str) -> str:
    """What stands in place of a picture that is not shown.

    >>> left_out_words('plan.svg')
    '画像ではないか、大きすぎるので省きました / left out, no PNG, JPEG or GIF picture, or too large: plan.svg'
    """
    said = _UNCLEAN_WORDS.sub("-", unquote(name))[:_LONGEST_NAME]
    return f"画像ではないか、大きすぎるので省きました / left out, no PNG, JPEG or GIF picture, or too large: {said}"


def decoded(content: Any) -> Picture | None:
    """Look at base64 text, or a list of its pieces; None if it is no picture."""
    text = "".join(part for part in content if isinstance(part, str)) if isinstance(content, list) else content
    if not isinstance(text, str) or len(text) > MOST_BYTES * 3 // 2:
        return None
    try:
        return whole_picture(binascii.a2b_base64("".join(text.split()), strict_mode=True))
    except ValueError:  # not base64, or not ASCII; binascii.Error is one, too
        return None


Attachments = Mapping[str, Mapping[str, str]]
"""As `clean_attachments` returns them."""
