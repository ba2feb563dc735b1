"""Show pictures side by side.

In: arrays or tensors of pictures. Out: a matplotlib figure, with Japanese glyphs in its titles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_INCHES = 1.1
"""Width of one picture on the page."""
_LINE = 0.2
"""Room above a picture for each line of its title, in inches."""
_GAP = 0.06
"""Space between pictures, as a part of their width."""
_FONT = 9


def show_images(
    images: Any,
    titles: Sequence[object] | None = None,
    *,
    columns: int | None = None,
    row_labels: Sequence[object] | None = None,
    value_range: tuple[float, float] | None = None,
    cmap: str = "gray",
    inches: float = _INCHES,
    suptitle: str = "",
) -> None:
    """Draw pictures in a grid, all with the same grey scale, so that they can be compared.

    In a notebook the figure appears below the cell by itself; elsewhere it is the current figure (`plt.gcf()`).

    Args:
        images: one picture or many, as an array, tensor or list: (h, w), (h, w, 3), (n, h, w), (n, h, w, 3), or
            PyTorch's (n, 1, h, w) and (n, 3, h, w). A list may hold pictures of different sizes. Three axes whose
            last is 3 or 4 long are one colour picture.
        titles: one for each picture; Japanese is fine.
        columns: pictures in a row; at most 10 when not given.
        row_labels: written to the left of each row.
        value_range: values drawn black and white; when not given (0, 255) for integers, (0, 1) for floats inside
            it, else smallest and largest value.
        cmap: matplotlib's colour map for grey pictures.
        inches: width of one picture on the page.
        suptitle: a line above everything.

    Raises:
        ValueError: nothing to show, a shape that is no picture, or titles and pictures differ in number.
    """
    pictures = _pictures(images)
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(
            f"画像は {len(pictures)} 枚、titles は {len(titles)} 個です / images and titles differ in number"
        )
    columns = min(columns or 10, len(pictures))
    rows = -(-len(pictures) // columns)
    if row_labels is not None and len(row_labels) != rows:
        raise ValueError(f"行は {rows} 行、row_labels は {len(row_labels)} 個です / rows and labels differ in number")
    low, high = value_range or _value_range(pictures)
    import matplotlib.pyplot as plt
    import matplotlib_fontja  # noqa: F401  # importing it registers the Japanese font

    # All pictures stand in one pair of axes: forty axes would take ten times as long to lay out and draw.
    # Units are picture widths; every cell is as high as the tallest picture, and has room for a title above.
    height = max(picture.shape[0] / picture.shape[1] for picture in pictures)
    lines = max(str(title).count("\n") + 1 for title in titles) if titles is not None else 0
    room = lines * _LINE / inches
    across, down = 1 + _GAP, height + room + _GAP
    figure, axis = plt.subplots(
        layout="constrained",
        figsize=(columns * across * inches + 0.4, rows * down * inches + (0.4 if suptitle else 0.1)),
    )
    for index, picture in enumerate(pictures):
        left, top = index % columns * across, index // columns * down + room
        extent = (left, left + 1, top + picture.shape[0] / picture.shape[1], top)
        axis.imshow(picture, cmap=cmap, vmin=low, vmax=high, extent=extent)
        if titles is not None:
            axis.text(left + 0.5, top - 0.03, str(titles[index]), ha="center", va="bottom", fontsize=_FONT)
    axis.set(xlim=(0, columns * across - _GAP), ylim=(rows * down - _GAP, 0), aspect="equal", xticks=[], yticks=[])
    if row_labels is not None:
        middles = [row * down + room + height / 2 for row in range(rows)]
        axis.set_yticks(middles, [str(label) for label in row_labels], fontsize=_FONT)
        axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    if suptitle:
        figure.suptitle(suptitle)


def _pictures(images: Any) -> list[NDArray[Any]]:
    items = [images] if _is_one_picture(images) else list(images)
    if not items:
        raise ValueError("表示する画像がありません / nothing to show")
    return [_picture(_to_array(item)) for item in items]


def _is_one_picture(images: Any) -> bool:
    shape: tuple[int, ...] = tuple(getattr(images, "shape", ()))
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))


def _to_array(item: Any) -> NDArray[Any]:
    if hasattr(item, "detach"):  # a torch tensor, perhaps on a GPU, perhaps with a gradient
        item = item.detach().cpu()
    return np.asarray(item)


def _picture(item: NDArray[Any]) -> NDArray[Any]:
    if item.ndim == 3 and item.shape[0] in (1, 3) and item.shape[2] not in (1, 3, 4):
        item = np.moveaxis(item, 0, -1)  # channels first, as PyTorch has them
    if item.ndim == 3 and item.shape[2] == 1:
        item = item[:, :, 0]
    if item.ndim == 2 or (item.ndim == 3 and item.shape[2] in (3, 4)):
        return item
    raise ValueError(
        f"画像の形は (h, w) か (h, w, 3) です。渡された形は {item.shape} です / a picture is (h, w) or (h, w, 3)"
    )


def _value_range(pictures: list[NDArray[Any]]) -> tuple[float, float]:
    if all(np.issubdtype(picture.dtype, np.integer) for picture in pictures):
        return 0.0, 255.0
    low = min(float(picture.min()) for picture in pictures)
    high = max(float(picture.max()) for picture in pictures)
    if low >= 0.0 and high <= 1.0:
        return 0.0, 1.0
    return low, high
