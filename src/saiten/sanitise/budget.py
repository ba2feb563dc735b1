"""What one notebook may ask of whoever reads it: HTML to be parsed, pixels to be shown.

In: the size of each piece, in the order of the cells. Out: whether there is still room for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from saiten.sanitise.pictures import MOST_PIXELS


@dataclass(slots=True)
class Budget:
    """What is left for the rest of a notebook."""

    html: int = 600_000
    """characters, without pictures"""
    tags: int = 40_000
    prose: int = 400_000
    """characters of the student's own markdown"""
    pixels: int = MOST_PIXELS
    attached: int = 24 << 20
    """bytes of pasted pictures"""

    def take_html(self, characters: int, tags: int) -> bool:
        """Whether HTML of this size may be read; if so, it is taken off."""
        if characters > self.html or tags > self.tags:
            return False
        self.html -= characters
        self.tags -= tags
        return True

    def take_picture(self, size: tuple[int, int]) -> bool:
        """Whether a picture of this width and height may be shown; if so, it is taken off."""
        pixels = size[0] * size[1]
        if pixels > self.pixels:
            return False
        self.pixels -= pixels
        return True

    def take_attachment(self, size: int) -> bool:
        """Whether a pasted picture of so many bytes may be kept; if so, it is taken off."""
        if size > self.attached:
            return False
        self.attached -= size
        return True
