import numpy as np
import pytest
import torch

from xaiutils.rules.base import arrays, entries, numbers


def test_numbers_of_any_container_are_the_same_array():
    for data in ([0.5, 1], (0.5, 1), np.array([0.5, 1]), torch.tensor([0.5, 1.0], requires_grad=True)):
        np.testing.assert_array_equal(numbers(data, "data"), [0.5, 1.0])
    np.testing.assert_array_equal(numbers(3, "data"), [3.0])


@pytest.mark.parametrize("data", [True, [0.1, True], np.array([True, False]), torch.tensor([True])])
def test_booleans_are_refused(data):
    with pytest.raises(TypeError, match="scores must be measured numbers, got booleans"):
        numbers(data, "scores")


@pytest.mark.parametrize("data, message", [
    ([1.0, float("nan"), float("inf")], "scores must be finite, got 2 NaN or infinite of 3 values"),
    ([[1.0, 2.0]], "scores must have 1 axes, got an array of shape \\(1, 2\\)"),
    ([1.0, 2.0], "scores must hold at least 3 values to be judged, got 2"),
])
def test_unfit_numbers_are_refused_by_name(data, message):
    with pytest.raises(ValueError, match=message):
        numbers(data, "scores", fewest=3)


def test_text_is_no_number():
    with pytest.raises(TypeError, match="scores must be numbers, got \\['high'\\]"):
        numbers(["high"], "scores")


def test_entries_come_in_the_order_asked_for():
    assert entries({"b": 2, "a": 1}, "a", "b") == [1, 2]


@pytest.mark.parametrize("data, got", [
    ({"a": 1}, "\\['a'\\]"), ({"a": 1, "b": 2, "c": 3}, "\\['a', 'b', 'c'\\]"), ([1], "list"),
])
def test_missing_and_unknown_entries_are_named(data, got):
    with pytest.raises(ValueError, match=f"entries a, b, got {got}"):
        entries(data, "a", "b")


def test_arrays_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="greater and lesser must have one length, got 2 and 3 values"):
        arrays({"greater": [1, 2], "lesser": [1, 2, 3]}, "greater", "lesser")
