"""Pictures inside a notebook: whether base64 text is the PNG, JPEG or GIF that it is said to be, and not too large.

In: a mime type and base64 text. Out: width and height, or None. Only the head of a picture is read, nothing is decoded.
"""

from __future__ import annotations

import binascii
import struct

MOST_BYTES = 8 << 20
"""of one picture"""
MOST_PIXELS = 100_000_000
"""of all pictures of a notebook together: a browser needs four bytes for each, however small the file"""
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n"
_HEAD = 1 << 18
"""characters that are decoded: what a camera writes before a JPEG's size may take a few times 64 kB"""
_LONGEST_SIDE = 16_384
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def picture_size(kind: str, text: str) -> tuple[int, int] | None:
    """Return width and height in pixels; None if the text is not a picture of that kind or is too large.

    Args:
        kind: "image/png", "image/jpeg" or "image/gif"; any other kind is none.
        text: base64 in the standard alphabet; ends of lines are passed over.
    """
    if len(text) > MOST_BYTES * 4 // 3 or not text.isascii():
        return None
    encoded = text.encode("ascii")
    if encoded.translate(None, _ALPHABET):
        return None  # it would not end where it seems to in a page
    head = encoded[:_HEAD].replace(b"\n", b"")
    try:
        raw = binascii.a2b_base64(head[: len(head) // 4 * 4])
    except binascii.Error:
        return None
    return size_of(kind, raw)


def size_of(kind: str, raw: bytes) -> tuple[int, int] | None:
    """Return width and height that the head of a file gives; None if it is no picture of that kind, or too large."""
    reader = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif}.get(kind)
    size = reader(raw) if reader is not None else None
    if size is None or not all(0 < side <= _LONGEST_SIDE for side in size):
        return None
    return size


def _png(raw: bytes) -> tuple[int, int] | None:
    if len(raw) < 33 or raw[:8] != b"\x89PNG\r\n\x1a\n" or raw[8:16] != b"\0\0\0\rIHDR":
        return None
    width, height = struct.unpack(">II", raw[16:24])
    return width, height


def _gif(raw: bytes) -> tuple[int, int] | None:
    if len(raw) < 13 or raw[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    width, height = struct.unpack("<HH", raw[6:10])
    return width, height


def _jpeg(raw: bytes) -> tuple[int, int] | None:
    """Go from segment to segment until one says how large the picture is."""
    if raw[:3] != b"\xff\xd8\xff":
        return None
    place = 2
    while place + 9 <= len(raw) and raw[place] == 0xFF:
        kind = raw[place + 1]
        if kind == 0xFF:  # padding
            place += 1
            continue
        (length,) = struct.unpack(">H", raw[place + 2 : place + 4])
        if kind in _START_OF_FRAME:
            height, width = struct.unpack(">HH", raw[place + 5 : place + 9])
            return width, height
        if length < 2:
            return None
        place += 2 + length
    return None
