"""From numbers to pictures of bounded size: an answer of any kind, perhaps beside the right one, as PNG and in words.

In: an answer of any kind. Out: `Picture`s. What is no picture becomes a sentence that says so, never an error; objects
that are not plain data are asked nothing.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from saiten.pictures.words import (
    BOXES,
    GREYS,
    LEGEND,
    NO_ARRAY,
    NO_BOXES,
    NO_NUMBERS,
    NO_PICTURE,
    NOT_FINITE,
    NUMBERS,
    OTHER_SHAPE,
    TITLES,
    TOO_LARGE,
    Sentence,
    filled,
    joined,
)
from saiten.results import Picture

LARGEST_SIDE = 256
"""Pixels: a larger picture is made smaller, each pixel the mean of those it stands for."""
MOST_NUMBERS = 1 << 22
"""An answer with more numbers is not drawn."""
MOST_BOXES = 500


class NoPicture(Exception):
    """What was given cannot be drawn; the sentence says why, in each language."""

    def __init__(self, words: Sentence, **gaps: object) -> None:
        self.sentence = filled(words, **gaps)
        super().__init__(self.sentence["en"])


def pictures_of(
    name: str, result: object, expected: ArrayLike | None, value_range: tuple[float, float] | None = None
) -> list[Picture]:
    """Draw a result; with an expected one also that and the difference, all that are grey on one scale.

    Args:
        name: what it is.
        result, expected, value_range: see `attach_pictures`.

    Returns:
        one `Picture` for each; one that cannot be drawn has a sentence and no PNG.
    """
    parts: dict[str, Any] = {"result": result} | ({} if expected is None else {"expected": expected})
    drawn: dict[str, _Drawable | NoPicture] = {part: _drawable(value) for part, value in parts.items()}
    pixels = [each for each in drawn.values() if isinstance(each, _Drawable)]
    black, white = value_range or _scale(pixels)
    made = [_picture(part, name, each, black, white) for part, each in drawn.items()]
    mine, right = drawn["result"], drawn.get("expected")
    if isinstance(mine, _Drawable) and isinstance(right, _Drawable):
        made.append(_difference(name, mine, right))
    return made


class _Drawable:
    """Numbers of a picture: (h, w) or (h, w, 3), finite, as float64."""

    def __init__(self, values: NDArray[np.float64], shape: tuple[int, ...], dtype: str) -> None:
        self.values, self.shape, self.dtype = values, shape, dtype
        self.low, self.high = float(values.min()), float(values.max())


def _drawable(value: object) -> _Drawable | NoPicture:
    try:
        numbers, dtype = _numbers(value)
        shape = numbers.shape
        if numbers.ndim == 3 and shape[0] in (1, 3) and shape[2] not in (1, 3):
            numbers = np.moveaxis(numbers, 0, -1)  # channels first, as PyTorch has them
        if numbers.ndim == 3 and numbers.shape[2] == 1:
            numbers = numbers[:, :, 0]
        if not (numbers.ndim == 2 or (numbers.ndim == 3 and numbers.shape[2] == 3)):
            raise NoPicture(NO_PICTURE, shape=shape)
        return _Drawable(_finite(numbers), shape, dtype)
    except NoPicture as reason:
        return reason


def _numbers(value: Any) -> tuple[NDArray[Any], str]:
    """An answer as an array of real numbers, and what its numbers were.

    What an object says of itself (its `__class__`, say) counts for nothing: its type decides.

    Raises:
        NoPicture: it is something else, or has too many or no numbers.
    """
    torch = sys.modules.get("torch")
    dtype = ""
    if torch is not None and issubclass(type(value), torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        if value.numel() <= MOST_NUMBERS and not value.is_complex():
            value = value.detach().cpu().to(torch.float64).numpy()
    if type(value) in (list, tuple) and _is_table(value, [MOST_NUMBERS]):
        try:
            value = np.asarray(value)
        except (ValueError, OverflowError):  # rows of different lengths
            raise NoPicture(NO_ARRAY) from None
    if not issubclass(type(value), np.ndarray):
        raise NoPicture(NO_ARRAY)
    value = np.ndarray.view(value, np.ndarray)
    if value.dtype.kind not in "biuf":
        raise NoPicture(NO_ARRAY)
    if value.size == 0:
        raise NoPicture(NO_NUMBERS, shape=value.shape)
    if value.size > MOST_NUMBERS:
        raise NoPicture(TOO_LARGE, shape=value.shape)
    return value, dtype or str(value.dtype)


def _is_table(value: list[Any] | tuple[Any, ...], room: list[int], depth: int = 0) -> bool:
    """Whether nested lists hold plain numbers and arrays only, and not too many (`room` counts down)."""
    for item in value:
        kind = type(item)
        room[0] -= item.size if kind is np.ndarray else 1
        if room[0] < 0:
            return False
        if kind in (list, tuple):
            if depth > 3 or not _is_table(item, room, depth + 1):
                return False
        elif kind not in (bool, int, float, np.ndarray) and not issubclass(kind, np.bool_ | np.number):
            return False
    return True


def _finite(numbers: NDArray[Any]) -> NDArray[np.float64]:
    values = numbers.astype(np.float64)
    bad = values.size - int(np.isfinite(values).sum())
    if bad:
        raise NoPicture(NOT_FINITE, count=bad, all=values.size, shape=numbers.shape)
    return values


def _scale(pictures: Sequence[_Drawable]) -> tuple[float, float]:
    """The values that are drawn black and white."""
    if not pictures:
        return 0.0, 1.0
    low, high = min(each.low for each in pictures), max(each.high for each in pictures)
    if all(each.dtype == "uint8" for each in pictures):
        return 0.0, 255.0
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)


def _picture(part: str, name: str, drawn: _Drawable | NoPicture, black: float, white: float) -> Picture:
    if isinstance(drawn, NoPicture):
        return Picture(part, name, "", TITLES[part], drawn.sentence)
    colour = drawn.values.ndim == 3
    said = filled(NUMBERS, shape=drawn.shape, dtype=drawn.dtype, low=drawn.low, high=drawn.high)
    if not colour and white > black:
        said = joined(said, filled(GREYS, black=black, white=white))
    return Picture(part, name, _png(_grey(_reduced(drawn.values), black, white)), TITLES[part], said)


def _difference(name: str, mine: _Drawable, right: _Drawable) -> Picture:
    title = TITLES["difference"]
    if mine.values.shape != right.values.shape:
        said = filled(OTHER_SHAPE, shape=mine.shape, expected=right.shape)
        return Picture("difference", name, "", title, said)
    with np.errstate(over="ignore"):
        change = np.clip(mine.values - right.values, -_HUGE, _HUGE)
    if change.ndim == 3:
        change = np.take_along_axis(change, np.abs(change).argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
    most = float(np.abs(change).max())
    change = _reduced(change)
    part = change / (float(np.abs(change).max()) or 1.0)  # from -1 to 1
    fade = 1 - np.abs(part)
    red, blue = np.where(part < 0, fade, 1.0), np.where(part > 0, fade, 1.0)
    colours = np.stack([red, fade, blue], axis=2)
    return Picture("difference", name, _png(np.rint(255 * colours)), title, filled(LEGEND, most=most))


_HUGE = 1e300


def _grey(values: NDArray[np.float64], black: float, white: float) -> NDArray[np.float64]:
    if not white > black:
        return np.full(values.shape, 128.0)
    share = (values / 2 - black / 2) / (white / 2 - black / 2)  # halves: the difference of huge numbers is infinite
    return np.rint(255 * np.clip(share, 0, 1))


def _reduced(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of equal blocks, so that no side is longer than `LARGEST_SIDE`."""
    step = -(-max(values.shape[:2]) // LARGEST_SIDE)
    if step == 1:
        return values
    for axis in (0, 1):
        starts = np.arange(0, values.shape[axis], step)
        counts = np.diff([*starts, values.shape[axis]])
        shape = [1] * values.ndim
        shape[axis] = -1
        values = np.add.reduceat(values / step, starts, axis=axis) * (step / counts).reshape(shape)
    return values


def _png(pixels: NDArray[np.float64]) -> str:
    """Base64 of a PNG without any metadata."""
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")


# -- boxes -----------------------------------------------------------------------------------------------------------


def boxes_of(name: str, result: object, expected: ArrayLike | None, background: ArrayLike) -> list[Picture]:
    """Draw boxes on a picture: the result's, and the expected ones if there are any.

    Args:
        name: what it is.
        result, expected: boxes (n, 4): x, y, width, height.
        background: the picture; if it cannot be drawn, neither can the boxes.
    """
    ground = _drawable(background)
    parts: dict[str, Any] = {"result": result} | ({} if expected is None else {"expected": expected})
    made = []
    for part, value in parts.items():
        try:
            if isinstance(ground, NoPicture):
                raise ground
            boxes = _boxes(value)
            png = _png(_with_boxes(ground, boxes))
            made.append(Picture(part, name, png, TITLES[part], filled(BOXES, count=len(boxes))))
        except NoPicture as reason:
            made.append(Picture(part, name, "", TITLES[part], reason.sentence))
    return made


def _boxes(value: Any) -> NDArray[np.float64]:
    if (type(value) in (list, tuple) and not value) or (type(value) is np.ndarray and value.shape[:1] == (0,)):
        return np.empty((0, 4))
    numbers, _ = _numbers(value)
    if numbers.ndim != 2 or numbers.shape[1] != 4:
        raise NoPicture(NO_BOXES, shape=numbers.shape)
    if len(numbers) > MOST_BOXES:
        raise NoPicture(TOO_LARGE, shape=numbers.shape)
    return _finite(numbers)


def _with_boxes(ground: _Drawable, boxes: NDArray[np.float64]) -> NDArray[Any]:
    small = _grey(_reduced(ground.values), *_scale([ground]))
    enlarged = max(1, LARGEST_SIDE // max(small.shape[:2]))  # lines are one pixel wide, whatever they are drawn on
    zoom = enlarged * small.shape[0] / ground.values.shape[0], enlarged * small.shape[1] / ground.values.shape[1]
    image = Image.fromarray(small.astype(np.uint8)).convert("RGB")
    image = image.resize((image.width * enlarged, image.height * enlarged), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(image)
    for x, y, width, height in boxes.tolist():
        left, right = sorted((_inside(x * zoom[1], image.width), _inside((x + width) * zoom[1], image.width)))
        top, bottom = sorted((_inside(y * zoom[0], image.height), _inside((y + height) * zoom[0], image.height)))
        pen.rectangle((left, top, right, bottom), outline=(255, 140, 0))
    return np.asarray(image)


def _inside(place: float, length: int) -> int:
    return int(min(max(place, 0), length - 1))
