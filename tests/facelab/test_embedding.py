"""Are features those of the network's last convolution, picture by picture, however the pictures come?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from facelab import embed_images, load_pretrained


@pytest.fixture(scope="module")
def pretrained():
    """The network, once for all tests of this module."""
    return load_pretrained("cpu", download=False)


def test_the_same_as_torchvision_step_by_step(pretrained):
    """Do resizing, normalising and pooling agree with torchvision's own transforms?"""
    images = np.random.default_rng(0).random((3, 20, 31))
    x = torch.tensor(images, dtype=torch.float32)[:, None].repeat(1, 3, 1, 1)
    x = v2.Resize((40, 40), antialias=True)(x)
    x = v2.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])(x)
    with torch.no_grad():
        expected = pretrained.model.features(x).mean(dim=(2, 3)).numpy()
    got = embed_images(pretrained, images, 40)
    assert got.shape == (3, 1280)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_no_picture_depends_on_its_neighbours(pretrained):
    """Is the network in evaluation mode, and are batches of 10 put together in order?"""
    images = np.random.default_rng(1).random((23, 8, 8))
    together = embed_images(pretrained, images, 32)
    assert together.shape == (23, 1280)
    np.testing.assert_allclose(embed_images(pretrained, images[[22, 7]], 32), together[[22, 7]], rtol=1e-3, atol=1e-5)


def test_arrays_that_run_backwards(pretrained):
    """Are pictures upside down, a view with negative strides, taken and left alone?"""
    images = np.random.default_rng(2).random((2, 8, 8))
    before = images.copy()
    upside_down = embed_images(pretrained, images[:, ::-1], 32)
    np.testing.assert_array_equal(upside_down, embed_images(pretrained, images[:, ::-1].copy(), 32))
    np.testing.assert_array_equal(images, before)


def test_no_pictures(pretrained):
    """Is the result of nothing an empty table?"""
    assert embed_images(pretrained, np.empty((0, 8, 8))).shape == (0, 1280)


@pytest.mark.parametrize(("shape", "size"), [((8, 8), 32), ((2, 8, 8, 3), 32), ((2, 8, 8), 2)])
def test_what_is_no_picture_is_refused(pretrained, shape, size):
    """Is another shape, or a size too small, a ValueError?"""
    with pytest.raises(ValueError, match=r"images|size"):
        embed_images(pretrained, np.zeros(shape), size)
