"""Characters that do more than stand there: terminal commands, changes of reading direction, towers of accents.

In: any string. Out: a string in which they are gone or can be seen, for pages, terminals and JSON.
"""

from __future__ import annotations

import re
import unicodedata

_MOST_COLOURS = 2000
"""Colour codes that one text may hold: nbconvert copies the rest of the text for each."""
_MOST_MARKS = 6
"""Combining marks in a row; no living script needs more, and a tower of them covers the lines above."""

_SEQUENCE = re.compile(
    "\x1b\\[[0-?]{0,100}[ -/]{0,10}[@-~]"  # CSI: colours, cursor
    "|\x1b\\][^\x07\x1b\n]{0,4000}(?:\x07|\x1b\\\\)"  # OSC: titles, links, clipboard
    "|\x1b[PX^_][^\x1b\n]{0,4000}\x1b\\\\"  # DCS, SOS, PM, APC
)
_PARAMETERS = re.compile("\x1b\\[([0-9]{0,3}(?:;[0-9]{0,3}){0,15})m")
_ACTIVE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # all controls but tab and the ends of lines
    "\u2028\u2029"  # ends of lines for some, not for others
    "\u202a-\u202e\u2066-\u2069"  # text reads in another order than it stands
    "\ud800-\udfff]"  # halves of characters: no file can hold them
)
_ESCAPE = "\x1b"
_TOWER = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
    f"{{{_MOST_MARKS}}})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings that spreadsheets take for formulas; full-width ones, too, where Japanese is written."""
_HIDDEN_IN_JSON = re.compile("[\x7f-\x9f\u200e\u200f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def for_page(text: str) -> str:
    """Make text safe for a page: terminal commands are gone, control and direction characters can be seen.

    Tabs, ends of lines and the marks that right-to-left scripts need stay.
    """
    if text.isascii() and text.isprintable():
        return text
    if _ESCAPE in text:
        text = _SEQUENCE.sub("", text)
    return _settled(text)


def for_output(text: str) -> str:
    """Make text safe for a cell's output: as `for_page`, but colours stay.

    nbconvert fails on a colour code that is cut short, so only whole ones stay, and only so many.
    """
    if _ESCAPE not in text:
        return for_page(text)
    kept: list[str] = []
    position = 0
    for found in _SEQUENCE.finditer(text):
        kept.append(_settled(text[position : found.start()]))
        position = found.end()
        if len(kept) < 2 * _MOST_COLOURS:
            kept.append(_colour(found[0]))
    kept.append(_settled(text[position:]))
    return "".join(kept)


def for_terminal(text: str) -> str:
    """Make text of a student's safe for a terminal or a log: lines stay, all else that cannot be printed is escaped."""
    return "".join(char if char in "\n\t" or char.isprintable() or _is_space(char) else _escaped(char) for char in text)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would calculate a CSV field that holds this text, instead of showing it."""
    return text.lstrip(" \u3000\ufeff\xa0").startswith(_FORMULA)


def for_json(text: str) -> str:
    """Escape, in JSON that is otherwise whole, the characters that a terminal would obey; its meaning is the same."""
    return _HIDDEN_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _settled(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return _TOWER.sub(r"\1", _ACTIVE.sub(lambda found: _escaped(found[0]), text))


def _colour(sequence: str) -> str:
    """Return a colour code that every reader understands, or nothing."""
    found = _PARAMETERS.fullmatch(sequence)
    if found is None:
        return ""
    numbers = [int(each or 0) for each in found[1].split(";")]
    while numbers:
        first, *numbers = numbers
        if first in (38, 48):
            parts = {5: 1, 2: 3}.get(numbers[0] if numbers else -1)
            if parts is None or len(numbers) <= parts or any(each > 255 for each in numbers[1 : parts + 1]):
                return ""
            numbers = numbers[parts + 1 :]
    return sequence


def _is_space(char: str) -> bool:
    return unicodedata.category(char) == "Zs"


def _escaped(char: str) -> str:
    return ascii(char)[1:-1]
