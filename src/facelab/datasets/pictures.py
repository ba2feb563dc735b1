"""Read and resize pictures with Pillow.

In: image files or arrays. Out: NumPy arrays; grey values are float64 in [0, 1] after resizing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WHITE = 255.0
"""Largest value of an 8-bit picture; divides grey levels into [0, 1]."""


def read_picture(path: Path, *, gray: bool = False) -> NDArray[np.uint8]:
    """Read an image file.

    Args:
        path: any format that Pillow reads.
        gray: convert to grey (ITU-R 601 luma).

    Returns:
        uint8, (h, w) for grey files or gray=True, else (h, w, 3) in the order red, green, blue.
    """
    from PIL import Image

    with Image.open(path) as image:
        mode = "L" if gray or image.mode in ("1", "L", "I;16") else "RGB"
        return np.array(image.convert(mode), dtype=np.uint8)


def resize_gray(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    """Resize a grey picture with anti-aliasing.

    Pillow's bilinear filter widens with the reduction (that is the anti-aliasing) and never overshoots, so the result
    stays inside the range of the input.

    Args:
        picture: (h, w) uint8.
        height: rows of the result, in pixels.
        width: columns of the result, in pixels.

    Returns:
        (height, width) float64 in [0, 1].
    """
    from PIL import Image

    image = Image.fromarray(picture.astype(np.float32))
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float64) / WHITE


def check_size(size: int) -> int:
    """Return size if it is a whole number of at least 4 pixels.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 4:
        raise ValueError(
            f"size は 4 以上の整数 (ピクセル) です / size is a whole number of pixels, 4 or more: {size!r}"
        )
    return int(size)
