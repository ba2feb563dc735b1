"""Photographs that come with scikit-image and scikit-learn.

In: files of the two packages. Out: `Photos`: pictures by name, their credits, and which of them show no face.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facelab.datasets.installed import package_path
from facelab.datasets.pictures import read_picture
from facelab.errors import DataNotFoundError


@dataclass(frozen=True)
class _Photo:
    package: str
    path: str
    face: bool
    """whether a face of a person or an animal, or a head on a coin, can be seen"""
    credit: str


_PHOTOS: Mapping[str, _Photo] = {
    "astronaut": _Photo("skimage", "data/astronaut.png", True, "NASA (Eileen Collins), public domain"),
    "brick": _Photo("skimage", "data/brick.png", False, "CC0Textures, CC0"),
    "camera": _Photo("skimage", "data/camera.png", True, "Lav Varshney, CC0"),
    "chelsea": _Photo("skimage", "data/chelsea.png", True, "Stefan van der Walt, CC0"),
    "china": _Photo("sklearn", "datasets/images/china.jpg", False, "danielbuechele (Flickr), CC BY 2.0"),
    "clock": _Photo("skimage", "data/clock_motion.png", False, "Stefan van der Walt, public domain"),
    "coffee": _Photo("skimage", "data/coffee.png", False, "Rachel Michetti, CC0"),
    "coins": _Photo("skimage", "data/coins.png", True, "Brooklyn Museum, no known copyright restrictions"),
    "flower": _Photo("sklearn", "datasets/images/flower.jpg", False, "vultilion (Flickr), CC BY 2.0"),
    "grass": _Photo("skimage", "data/grass.png", False, "linolafett (DeviantArt), CC0"),
    "gravel": _Photo("skimage", "data/gravel.png", False, "CC0Textures, CC0"),
    "hubble": _Photo("skimage", "data/hubble_deep_field.jpg", False, "NASA, HubbleSite, public domain"),
    "moon": _Photo("skimage", "data/moon.png", False, "scikit-image's moon"),
    "motorcycle": _Photo(
        "skimage", "data/motorcycle_left.png", False, "Middlebury 2014 stereo benchmark, Scharstein et al., GCPR 2014"
    ),
    "page": _Photo("skimage", "data/page.png", False, "scikit-image's page"),
    "rocket": _Photo("skimage", "data/rocket.jpg", False, "SpaceX, public domain"),
    "text": _Photo("skimage", "data/text.png", False, "Wikipedia, public domain"),
}
_DISTRIBUTIONS = {"skimage": "scikit-image", "sklearn": "scikit-learn"}

FACE_FREE = tuple(name for name, photo in _PHOTOS.items() if not photo.face)
"""Names of the photographs in which no face, of a person, an animal or on a coin, can be seen."""


@dataclass(frozen=True, eq=False, repr=False)
class Photos(Mapping[str, NDArray[np.uint8]]):
    """Photographs by name, like a dict: `photos["coffee"]` is an array. Arrays are the caller's own."""

    images: Mapping[str, NDArray[np.uint8]]
    """name to uint8 (h, w) or (h, w, 3) in the order red, green, blue; 0 to 255"""
    credits: Mapping[str, str]
    """name to photographer and licence"""

    def __getitem__(self, name: str) -> NDArray[np.uint8]:
        return self.images[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.images)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def credit(self) -> str:
        """One line for all pictures."""
        return "; ".join(f"{name}: {credit}" for name, credit in self.credits.items())

    def __repr__(self) -> str:
        return f"Photos({', '.join(self.images)})"


def load_photos(names: Iterable[str] | None = None) -> Photos:
    """Load photographs from scikit-image and scikit-learn; no network, no cache.

    Args:
        names: which ones; None for all 17. `facelab.datasets.photos.FACE_FREE` names those without a face.

    Returns:
        `Photos`, a mapping of name to uint8 picture.

    Raises:
        ValueError: there is no photograph of that name; lists the names.
        DataNotFoundError: the installed package does not hold the file.
    """
    wanted = list(_PHOTOS) if names is None else [names] if isinstance(names, str) else list(names)
    unknown = [name for name in wanted if name not in _PHOTOS]
    if unknown:
        raise ValueError(f"この名前の写真はありません / No photograph {unknown}: {', '.join(_PHOTOS)}")
    return Photos(
        images={name: _read(name) for name in wanted},
        credits={name: _PHOTOS[name].credit for name in wanted},
    )


def _read(name: str) -> NDArray[np.uint8]:
    photo = _PHOTOS[name]
    path = package_path(photo.package, photo.path)
    if path is None:
        distribution = _DISTRIBUTIONS[photo.package]
        raise DataNotFoundError(
            f"写真 {name} が {distribution} の中に見つかりません / The photograph is not in {distribution}.",
            f"次を実行してください / Run: pip install --force-reinstall {distribution}",
        )
    return read_picture(path)
