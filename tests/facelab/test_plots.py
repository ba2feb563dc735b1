"""Does show_images draw every picture, on one grey scale, with Japanese titles?"""

from __future__ import annotations

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from facelab import show_images


@pytest.fixture(autouse=True)
def close_figures():
    """No figure outlives its test."""
    yield
    plt.close("all")


def _drawn() -> list[mpl.image.AxesImage]:
    (axis,) = plt.gcf().axes
    return list(axis.images)


def test_every_picture_is_drawn_on_one_scale():
    """Is every picture drawn unchanged, all with one grey scale?"""
    pictures = np.random.default_rng(0).random((7, 5, 6))
    show_images(pictures, columns=3)
    drawn = _drawn()
    assert len(drawn) == 7
    for image, picture in zip(drawn, pictures, strict=True):
        np.testing.assert_array_equal(image.get_array(), picture)
        assert image.get_clim() == (0, 1)


@pytest.mark.parametrize(
    ("pictures", "expected"),
    [
        (np.array([[0, 7], [3, 5]]), (0, 255)),
        (np.array([[0.0, 1.0]]), (0, 1)),
        (np.array([[-2.0, 3.0]]), (-2, 3)),
        (np.array([[0.0, 200.0]]), (0, 200)),
    ],
)
def test_grey_scale(pictures, expected):
    """Is the grey scale that of the values?"""
    show_images(pictures)
    assert _drawn()[0].get_clim() == expected


def test_a_given_scale_wins():
    """Is a given range obeyed?"""
    show_images(np.zeros((2, 2)), value_range=(-1, 1))
    assert _drawn()[0].get_clim() == (-1, 1)


@pytest.mark.parametrize(
    ("pictures", "shapes"),
    [
        (np.zeros((4, 6)), [(4, 6)]),
        (np.zeros((4, 6, 3)), [(4, 6, 3)]),
        (np.zeros((2, 4, 6, 3)), [(4, 6, 3)] * 2),
        (torch.zeros(2, 3, 4, 6, requires_grad=True), [(4, 6, 3)] * 2),
        (torch.zeros(2, 1, 4, 6), [(4, 6)] * 2),
        ([np.zeros((4, 6)), np.zeros((3, 3), dtype=np.uint8)], [(4, 6), (3, 3)]),
    ],
)
def test_shapes(pictures, shapes):
    """Are all documented shapes taken, tensors with gradients too?"""
    show_images(pictures)
    assert [image.get_array().shape for image in _drawn()] == shapes


def test_japanese_titles_have_glyphs():
    """Are Japanese titles drawn without missing glyphs?"""
    # matplotlib warns about a missing glyph, and warnings are errors here
    show_images(
        np.zeros((2, 5, 5)),
        titles=["顔の下半分", "リッジ回帰 λ"],
        columns=1,
        row_labels=["正解", "予測"],
        suptitle="正則化",
    )
    figure = plt.gcf()
    figure.canvas.draw()
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.texts] == ["顔の下半分", "リッジ回帰 λ"]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["正解", "予測"]


def test_pictures_do_not_overlap_and_keep_their_shape() -> None:
    """Has every picture a place of its own inside the axes, with square pixels?"""
    shapes = [(4, 6), (8, 8), (9, 3), (5, 5), (2, 2)]
    show_images([np.zeros(shape) for shape in shapes], columns=2, titles=list("abcde"))
    (axis,) = plt.gcf().axes
    boxes = []
    for image, (height, width) in zip(axis.images, shapes, strict=True):
        left, right, bottom, top = image.get_extent()
        assert (bottom - top) / (right - left) == pytest.approx(height / width)
        assert axis.get_xlim()[0] <= left < right <= axis.get_xlim()[1]
        assert axis.get_ylim()[1] <= top < bottom <= axis.get_ylim()[0]
        boxes.append((left, right, top, bottom))
    for first in range(len(boxes)):
        for second in range(first):
            a, b = boxes[first], boxes[second]
            assert a[0] >= b[1] or b[0] >= a[1] or a[2] >= b[3] or b[2] >= a[3]
    assert axis.get_aspect() == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: show_images([]),
        lambda: show_images(np.zeros((2, 5, 5)), titles=["a"]),
        lambda: show_images(np.zeros((2, 5, 5)), row_labels=["a", "b"]),
        lambda: show_images(np.zeros((2, 5, 5, 7))),
        lambda: show_images([np.zeros(9)]),
    ],
)
def test_what_is_no_picture(call):
    """Is everything that cannot be shown refused with a reason?"""
    with pytest.raises(ValueError, match=r"画像|行|表示"):
        call()
