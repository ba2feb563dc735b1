"""Picture files of unknown origin: which of PNG, JPEG and GIF they are by their bytes, whole, and nothing behind them.

In: bytes. Out: kind, size, and the bytes up to the picture's own end; or None. Structure is followed from the first
byte to the last, nothing is decompressed: a picture that a browser cannot draw stays an empty frame, and harms nobody.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from saiten.sanitise.pictures import MOST_BYTES, size_of

_MOST_PARTS = 100_000
"""chunks, segments or blocks of one picture"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file that is what it seems."""

    kind: str
    """mime type: "image/png", "image/jpeg" or "image/gif\""""
    size: tuple[int, int]
    """width and height of the largest frame, pixels"""
    content: bytes
    """the file, without what stood behind its end"""


def whole_picture(content: bytes) -> Picture | None:
    """Look at a file.

    Args:
        content: any bytes.

    Returns:
        None if it is no PNG, JPEG or GIF, is cut off or damaged, larger than `MOST_BYTES`, or has too long a side.
    """
    if len(content) > MOST_BYTES:
        return None
    for kind, find_end in (("image/png", _png_end), ("image/jpeg", _jpeg_end), ("image/gif", _gif_end)):
        size = size_of(kind, content)
        if size is not None:
            try:
                end = find_end(content)
            except (struct.error, IndexError):  # it ends before a length or a mark that has to be there
                return None
            return Picture(kind, size, content[:end]) if end else None
    return None


def _png_end(raw: bytes) -> int:
    """Go from chunk to chunk, each with the right checksum; 0 if the last one or the pixels are missing."""
    place, pixels = 8, False
    for _ in range(_MOST_PARTS):
        length, name = struct.unpack_from(">I4s", raw, place)
        behind = place + 8 + length
        (checksum,) = struct.unpack_from(">I", raw, behind)
        if zlib.crc32(raw[place + 4 : behind]) != checksum:
            return 0
        place, pixels = behind + 4, pixels or name == b"IDAT"
        if name == b"IEND":
            return place if pixels else 0
    return 0


def _jpeg_end(raw: bytes) -> int:
    """Go from segment to segment and through each scan; 0 if there is no scan, or no end of the picture behind it."""
    place, scans = 2, 0
    for _ in range(_MOST_PARTS):
        if raw[place] != 0xFF:
            return 0
        kind = raw[place + 1]
        if kind == 0xFF:  # padding
            place += 1
            continue
        if kind == 0xD9:
            return place + 2 if scans else 0
        (length,) = struct.unpack_from(">H", raw, place + 2)
        if length < 2:
            return 0
        place += 2 + length
        if kind == 0xDA:
            scans += 1
            place = _scan_end(raw, place)
    return 0


def _scan_end(raw: bytes, place: int) -> int:
    """Where compressed pixels end: at the first mark that is no escaped 0xFF and no restart."""
    while True:
        place = raw.find(b"\xff", place)
        if place < 0 or place + 1 >= len(raw):
            return len(raw)
        follows = raw[place + 1]
        if follows != 0 and not 0xD0 <= follows <= 0xD7:
            return place
        place += 2


def _gif_end(raw: bytes) -> int:
    """Go from block to block; 0 if there is no frame, or one that reaches out of the picture."""
    width, height = struct.unpack_from("<HH", raw, 6)
    place, frames = 13 + _colours(raw[10]), 0
    for _ in range(_MOST_PARTS):
        kind = raw[place]
        if kind == 0x3B:
            return place + 1 if frames else 0
        if kind == 0x21:
            place += 2
        elif kind == 0x2C:
            left, top, across, down, packed = struct.unpack_from("<HHHHB", raw, place + 1)
            if left + across > width or top + down > height:
                return 0
            frames += 1
            place += 11 + _colours(packed)
        else:
            return 0
        while raw[place]:
            place += 1 + raw[place]
        place += 1
    return 0


def _colours(packed: int) -> int:
    """Bytes of the colour table that these flags announce."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0
