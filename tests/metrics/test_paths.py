"""Lengths that can be drawn on squared paper, and features that can be computed by hand."""

import math

import pytest
import torch
from torch import nn

from xaiutils.core import make_generator
from xaiutils.metrics.paths import arc_length, feature_path, penultimate, segment, straightness


def test_two_legs_of_a_right_triangle():
    corner = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    assert arc_length(corner) == 7 and straightness(corner) == 5 / 7


def test_points_may_be_images():
    images = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]).view(3, 1, 1, 2)
    assert arc_length(images) == 7 and straightness(images) == 5 / 7


def test_quarter_circle():
    angle = torch.linspace(0, math.pi / 2, 1001, dtype=torch.float64)
    circle = torch.stack([angle.cos(), angle.sin()], 1)
    assert arc_length(circle) == pytest.approx(math.pi / 2, abs=1e-6)
    assert straightness(circle) == pytest.approx(2 ** 0.5 / (math.pi / 2), abs=1e-6)


def test_straight_closed_and_resting_paths():
    start, end = torch.rand(2, 1, 3, 5, 5, generator=make_generator(0), dtype=torch.float64)
    line = start + torch.linspace(0, 1, 30, dtype=torch.float64)[:, None, None, None] * (end - start)
    assert straightness(line) == pytest.approx(1, abs=1e-12) and straightness(line) <= 1
    assert straightness(torch.cat([line, line[:1]])) == 0
    assert math.isnan(straightness(line[:1].expand(3, -1, -1, -1)))


def test_the_segment_shares_ends_and_number_of_points():
    corner = torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]).view(3, 1, 2)
    assert segment(corner).tolist() == [[[0.0, 0.0]], [[1.5, 2.0]], [[3.0, 4.0]]]


def test_steepest_ascent_of_a_linear_head_bends_in_features():
    """Features (x1, x2^2 / 2) and weights (1, 1): the gradient at x is (1, x2), so steps of 0.5 multiply x2 by 1.5."""
    path = torch.tensor([[0.0, 1.0], [0.5, 1.5], [1.0, 2.25], [1.5, 3.375]], dtype=torch.float64)
    features, line = (torch.stack([p[:, 0], p[:, 1] ** 2 / 2], 1) for p in (path, segment(path)))
    assert straightness(features) == pytest.approx(0.98386, abs=1e-5)
    assert straightness(line) == pytest.approx(0.99654, abs=1e-5)


@pytest.fixture
def network():
    layers = nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 6), nn.Tanh(), nn.Linear(6, 3)
    return nn.Sequential(*layers).double().eval()


@pytest.mark.parametrize("internal_batch_size", [None, 1, 4])
def test_features_are_what_enters_the_last_linear_layer(network, internal_batch_size):
    points = torch.rand(7, 2, 5, 5, generator=make_generator(0), dtype=torch.float64)
    features = feature_path(network, points, internal_batch_size)
    torch.testing.assert_close(features, network[:5](points).detach(), atol=1e-12, rtol=0)
    assert penultimate(network) is network[5]


def test_the_hook_is_gone_also_after_an_error(network):
    points = torch.rand(2, 2, 5, 5, dtype=torch.float64, generator=make_generator(0))
    feature_path(network, points)
    with pytest.raises(RuntimeError):
        feature_path(network, points[:, :1])                          # one channel too few
    assert not any(module._forward_pre_hooks for module in network.modules())
    assert all(p.requires_grad for p in network.parameters())


def test_bad_arguments_are_named(network):
    with pytest.raises(ValueError, match="model must have an nn.Linear layer .* got none in Flatten"):
        penultimate(nn.Flatten())
    network.spare = nn.Linear(6, 2).eval()
    network.forward = nn.Sequential(*network[:6]).forward
    with pytest.raises(ValueError, match="model must run its last nn.Linear layer"):
        feature_path(network, torch.zeros(2, 2, 5, 5, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"points must be \(S, ...\) with at least two points, got shape \(1, 2\)"):
        straightness(torch.zeros(1, 2))
    with pytest.raises(ValueError, match=r"points must be \(S, ...\) with at least two points, got shape \(1, 2\)"):
        segment(torch.zeros(1, 2))
    with pytest.raises(ValueError, match="points must be finite"):
        arc_length(torch.full((2, 2), torch.inf))
