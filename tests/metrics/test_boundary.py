"""The boundary along a ray, on a line whose boundary is known."""

import pytest
import torch

from xaiutils.metrics import boundary_scale


def two_classes(x):
    """Class 1 from x = 0.3 on."""
    return torch.stack([torch.zeros_like(x[:, 0]), x[:, 0] - 0.3], dim=1)


def test_the_crossing_is_found_to_the_last_halving():
    inputs, ends = torch.zeros(3, 1), torch.tensor([[0.3001], [0.61], [1.5]])
    # the boundary 0.3 lies at 0.9997, 0.4918 and 0.2 of the way
    scales = boundary_scale(two_classes, inputs, ends, 1, n_halvings=20)
    torch.testing.assert_close(scales, torch.tensor([0.3 / 0.3001, 0.3 / 0.61, 0.2], dtype=torch.float64), atol=2e-6, rtol=0)
    coarse = boundary_scale(two_classes, inputs, ends, [1, 1, 1], n_halvings=2)
    torch.testing.assert_close(coarse, torch.tensor([1.0, 0.5, 0.25], dtype=torch.float64))


def test_an_end_that_is_not_adversarial_has_no_scale_and_an_image_that_already_is_has_the_least():
    scales = boundary_scale(two_classes, torch.tensor([[0.0], [0.9]]), torch.tensor([[0.2], [1.0]]), 1, n_halvings=3)
    assert scales[0].isnan() and scales[1] == 0.125


def test_wrong_arguments_are_refused_by_name():
    x = torch.zeros(2, 1)
    with pytest.raises(ValueError, match=r"ends must have the shape of inputs, \(2, 1\), got \(1, 1\)"):
        boundary_scale(two_classes, x, x[:1], 1)
    with pytest.raises(ValueError, match="n_halvings must be a positive integer, got 0"):
        boundary_scale(two_classes, x, x, 1, n_halvings=0)
    with pytest.raises(ValueError, match=r"target must lie in 0 \.\.\. 1, got 2"):
        boundary_scale(two_classes, x, x, 2)
