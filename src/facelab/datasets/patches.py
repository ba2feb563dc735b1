"""Face or not a face: two sets of small pictures with labels and groups.

In: scikit-image's LFW subset, or the ORL faces and photographs without faces. Out: `FacePatches`.
The groups say which pictures belong together (one photo, one person): split by group, or the test set leaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facelab.datasets import faces as orl
from facelab.datasets.installed import package_path, package_version
from facelab.datasets.photos import FACE_FREE, load_photos
from facelab.datasets.pictures import WHITE, check_size, resize_gray
from facelab.errors import DataNotFoundError

LFW_CREDIT = (
    "Labeled Faces in the Wild (subset of scikit-image). G. Huang, M. Mattar, H. Lee and E. Learned-Miller, "
    "Learning to align from scratch, NIPS 2012."
)
_LFW_PAIRS = 100
_LFW_SIDE = 25
_PATCHES = 400
_SEED = 20251022
"""Fixed, so that everyone has the same patches."""
_MIN_SIDE = 40
"""Smallest square cut from a photograph, in its own pixels."""
_MIN_CONTRAST = 0.03
"""Patches with a smaller standard deviation (bare sky, bare moon) would be too easy to tell from a face."""


@dataclass(frozen=True, eq=False, repr=False)
class FacePatches:
    """Grey pictures, half of them faces; faces come first. Arrays are the caller's own."""

    images: NDArray[np.float64]
    """(n, h, w) grey values in [0, 1]"""
    is_face: NDArray[np.bool_]
    """(n,) True for a face"""
    group: NDArray[np.int64]
    """(n,) pictures of one group come from one photo (lfw) or show one person or one photograph (orl);
    keep a group on one side of every split"""
    source: str
    """where they come from"""
    credit: str
    """print it beside the pictures"""

    def __repr__(self) -> str:
        return (
            f"FacePatches(images={self.images.shape}, faces={int(self.is_face.sum())}, "
            f"groups={len(np.unique(self.group))}, source={self.source!r})"
        )


def load_face_patches(kind: Literal["lfw", "orl"] = "lfw", size: int = _LFW_SIDE) -> FacePatches:
    """Load pictures of faces and of other things; no network, no cache; the same arrays every time.

    Args:
        kind: "lfw": scikit-image's `lfw_subset`, 100 faces and 100 non-faces. Face i and non-face 100 + i were cut
            from one photo, so both have group i. Mind the short cut in it: 65 of the 100 non-faces have a black
            corner (below 1/255), no face has one, so that alone is right for 82.5 % of all pictures.
            "orl": 400 ORL faces (group = person, 0 to 39) against 400 squares cut from photographs without
            faces (group = 40 + number of the photograph).
        size: side in pixels; "lfw" is 25 x 25 by nature and enlarged or reduced otherwise.

    Returns:
        `FacePatches`.

    Raises:
        ValueError: another kind, or size is not a whole number of at least 4.
        DataNotFoundError: the package that holds the pictures is not there.
    """
    check_size(size)
    if kind == "lfw":
        return _lfw(size)
    if kind == "orl":
        return _orl(size)
    raise ValueError(f'kind は "lfw" か "orl" です / kind is "lfw" or "orl": {kind!r}')


def _lfw(size: int) -> FacePatches:
    path = package_path("skimage", "data/lfw_subset.npy")
    if path is None:
        raise DataNotFoundError(
            "lfw_subset が scikit-image の中に見つかりません / lfw_subset is not in scikit-image.",
            "次を実行してください / Run: pip install --force-reinstall 'scikit-image>=0.26'",
        )
    images = np.load(path).astype(np.float64)  # its documentation says uint8; it holds float64 in [0, 1]
    if size != _LFW_SIDE:
        levels = np.rint(images * WHITE).astype(np.uint8)
        images = np.stack([resize_gray(level, size, size) for level in levels])
    return FacePatches(
        images=images,
        is_face=np.repeat([True, False], _LFW_PAIRS),
        group=np.tile(np.arange(_LFW_PAIRS), 2),
        source=f"scikit-image {package_version('scikit-image')} (lfw_subset)",
        credit=LFW_CREDIT,
    )


def _orl(size: int) -> FacePatches:
    faces = orl.load_faces(size=size)
    photos = load_photos(FACE_FREE)
    patches: list[NDArray[np.float64]] = []
    photo_number: list[int] = []
    rng = np.random.default_rng(_SEED)
    grays = [_to_gray(photos[name]) for name in FACE_FREE]
    while len(patches) < _PATCHES:
        number = len(patches) % len(grays)
        patch = _random_square(grays[number], size, rng)
        if patch.std() >= _MIN_CONTRAST:
            patches.append(patch)
            photo_number.append(number)
    return FacePatches(
        images=np.concatenate([faces.images, np.stack(patches)]),
        is_face=np.repeat([True, False], [len(faces.images), _PATCHES]),
        group=np.concatenate([faces.person, orl.PERSONS + np.array(photo_number)]),
        source=f"{faces.source}; {len(grays)} photographs without faces",
        credit=f"{faces.credit} {photos.credit}",
    )


def _to_gray(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    return np.array(Image.fromarray(photo).convert("L"), dtype=np.uint8)


def _random_square(gray: NDArray[np.uint8], size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    height, width = gray.shape
    side = int(rng.integers(_MIN_SIDE, min(height, width) + 1))
    top = int(rng.integers(0, height - side + 1))
    left = int(rng.integers(0, width - side + 1))
    return resize_gray(gray[top : top + side, left : left + side], size, size)
