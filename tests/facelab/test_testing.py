"""Do the assertions for test cells take every right answer, refuse every wrong one, and give nothing away?"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facelab.testing import as_array, assert_close, assert_tuple

EXPECTED = np.array([1.5, -271.828, 0.0])


@pytest.mark.parametrize(
    "actual",
    [
        EXPECTED,
        EXPECTED.astype(np.float32),
        EXPECTED.tolist(),
        tuple(EXPECTED),
        torch.tensor(EXPECTED, requires_grad=True),
        [torch.tensor(1.5).item(), np.float64(-271.828), 0],
    ],
)
def test_right_values_in_any_container(actual: object) -> None:
    """Are float32, lists, tuples and tensors with the right values taken?"""
    assert_close(actual, EXPECTED, "w")


class Parameter:
    """What stands for a parameter of a model that lives in another process."""

    def detach(self) -> torch.Tensor:
        """The plain tensor."""
        return torch.tensor(EXPECTED)


class Pretender:
    """Something with a `detach` that gives no tensor."""

    def detach(self) -> str:
        """No tensor."""
        return "w"


def test_parameters_and_stand_ins_for_them() -> None:
    """Is a model's parameter taken, here and through a stand-in, but nothing that only pretends?"""
    assert_close(torch.nn.Parameter(torch.tensor(EXPECTED)), EXPECTED, "w")
    assert_close(Parameter(), EXPECTED, "w")
    with pytest.raises(AssertionError, match="Pretender"):
        assert_close(Pretender(), EXPECTED, "w")


@pytest.mark.parametrize("actual", [3, 3.0, np.float32(3), np.array(3), torch.tensor(3.0), True + 2])
def test_right_numbers(actual: object) -> None:
    """Are all kinds of single numbers taken?"""
    assert_close(actual, 3.0, "b")


@pytest.mark.parametrize(
    ("actual", "message"),
    [
        (None, "return"),
        ("1.5", "str"),
        ({"w": 1}, "dict"),
        (object(), "object"),
        (np.array(["a", "b", "c"]), "numbers only"),
        ([[1.0], [2.0, 3.0], [4.0]], "one length"),
        ([None, 1.0, 2.0], "numbers only"),
        (1.5, r"\(3,\).*\(\)"),
        (EXPECTED[:, None], r"\(3,\).*\(3, 1\)"),
        (EXPECTED[:1], r"\(3,\).*\(1,\)"),
        ([1.5, np.nan, 0], "1 .*NaN"),
        ([1.5, np.inf, 0], "NaN"),
        ([1.5, -271.8, 0], "1 of 3"),
        ([9, 9, 9], "3 of 3"),
    ],
)
def test_wrong_answers_say_what_is_wrong_and_nothing_more(actual: object, message: str) -> None:
    """Is each wrong answer refused with its own reason, without an expected value in it?"""
    with pytest.raises(AssertionError, match=message) as caught:
        assert_close(actual, EXPECTED, "w", hint="切片 / the intercept")
    assert "271.828" not in str(caught.value)


def test_tolerances_and_hint() -> None:
    """Do the tolerances mean what the docstring says, and is the hint shown?"""
    assert_close([1.09, 0.009], [1.0, 0.0], "w", rtol=0.09, atol=0.01)
    with pytest.raises(AssertionError, match="look at b"):
        assert_close([1.11, 0.0], [1.0, 0.0], "w", rtol=0.09, atol=0.01, hint="look at b")


def test_a_broken_test_is_the_instructors() -> None:
    """Is an expected value that is not finite refused as the instructor's mistake?"""
    with pytest.raises(ValueError, match="finite"):
        assert_close(1.0, np.nan, "w")


def test_empty_arrays_have_shapes() -> None:
    """Are empty results compared by shape?"""
    assert_close(np.zeros((0, 3)), np.zeros((0, 3)), "X")
    with pytest.raises(AssertionError):
        assert_close([], np.zeros((0, 3)), "X")


def test_the_argument_is_left_alone() -> None:
    """Is the student's array copied, not changed?"""
    values = np.array([1.0, 2.0])
    as_array(values, "w")[:] = 0
    np.testing.assert_array_equal(values, [1.0, 2.0])


@pytest.mark.parametrize("actual", [None, 3.0, (1,), (1, 2, 3), "wb", {"w": 1, "b": 2}])
def test_what_is_not_a_pair(actual: object) -> None:
    """Is everything refused that cannot be unpacked as announced?"""
    with pytest.raises(AssertionError, match="w, b"):
        assert_tuple(actual, ("w", "b"), "ridge_fit")


def test_pairs() -> None:
    """Are tuples and lists taken?"""
    assert_tuple((1, 2), ("w", "b"), "ridge_fit")
    assert_tuple([np.zeros(3), 2], ("w", "b"), "ridge_fit")
