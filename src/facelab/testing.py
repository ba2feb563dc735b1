"""Assertions for test cells, with messages that help a student and give nothing away.

In: what a student's function returned and what it should have been. Out: nothing, or an AssertionError in Japanese and
English that speaks of kinds, shapes and how many values are wrong, never of the values expected.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__for_students__ = True
"""The messages raised here are written for students: Saiten shows them even where they come from a hidden test."""

_PLAIN = (bool, int, float, np.bool_, np.number, np.ndarray, list, tuple)


def assert_close(
    actual: object,
    expected: ArrayLike,
    name: str,
    *,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    hint: str = "",
) -> None:
    """Assert that a number, array, list or tensor has the right shape and values.

    Right means |actual - expected| <= atol + rtol |expected| everywhere. dtype and container do not matter (float32,
    int, list, tuple, torch tensor are all taken); shapes are compared exactly, so that a result that would only
    broadcast is wrong.

    Args:
        actual: what the student's function returned.
        expected: the right values, all finite.
        name: what it is, for the message; e.g. "ridge_fit の w".
        rtol: relative tolerance.
        atol: absolute tolerance, in the unit of the values.
        hint: what to look at when the values are wrong, in Japanese and English; must not hold expected values.

    Raises:
        AssertionError: wrong kind, wrong shape, NaN or infinity, wrong values.
        ValueError: expected itself is not finite.
    """
    right = np.asarray(expected, dtype=np.float64)
    if not np.isfinite(right).all():
        raise ValueError("expected must be finite")
    got = as_array(actual, name)
    if got.shape != right.shape:
        raise AssertionError(
            f"{name}: 形は {right.shape} のはずですが、{got.shape} でした / "
            f"{name}: the shape should be {right.shape}, not {got.shape}. {hint}".rstrip()
        )
    bad = got.size - int(np.isfinite(got).sum())
    if bad:
        raise AssertionError(
            f"{name}: NaN か無限大が {bad} 個入っています / {name}: {bad} values are NaN or infinite. {hint}".rstrip()
        )
    wrong = int((np.abs(got - right) > atol + rtol * np.abs(right)).sum())
    if wrong:
        raise AssertionError(
            f"{name}: {got.size} 個の値のうち {wrong} 個が違います / "
            f"{name}: {wrong} of {got.size} values are wrong. {hint}".rstrip()
        )


def as_array(actual: object, name: str) -> NDArray[np.float64]:
    """Turn a number, array, nested list or tensor into a float64 array.

    Args:
        actual: what the student's function returned.
        name: what it is, for the message.

    Raises:
        AssertionError: it is None, or something that holds no numbers.
    """
    if actual is None:
        raise AssertionError(
            f"{name}: None が返ってきました。return を書きましたか / {name}: got None. Is there a return?"
        )
    values = _without_gradient(actual)
    if not isinstance(values, _PLAIN):
        raise AssertionError(
            f"{name}: 数か配列を返してください ({type(actual).__name__} でした) / "
            f"{name}: return a number or an array, not {type(actual).__name__}"
        )
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "biuf":
        raise AssertionError(
            f"{name}: 数だけの、長さのそろった配列にしてください / {name}: return numbers only, in rows of one length"
        )
    return array.astype(np.float64)


def _without_gradient(value: object) -> Any:
    """Turn a tensor into an array; leave everything else as it is.

    A parameter of a model reaches a judge in another process as a stand-in for it; its `detach()` is a plain tensor.
    """
    torch = sys.modules.get("torch")
    detach = getattr(value, "detach", None)
    if torch is None or not callable(detach):
        return value
    tensor = detach()
    return tensor.cpu().numpy() if isinstance(tensor, torch.Tensor) else value


def assert_tuple(actual: object, names: tuple[str, ...], what: str) -> None:
    """Assert that a function returned a tuple (or list) of so many things.

    Args:
        actual: what the student's function returned.
        names: what the parts are, for the message; e.g. ("w", "b").
        what: the function's name, for the message.

    Raises:
        AssertionError: it is not a tuple of that length.
    """
    if not isinstance(actual, (tuple, list)) or len(actual) != len(names):
        parts = ", ".join(names)
        raise AssertionError(f"{what}: return {parts} の形で返してください / {what}: return {parts}")
