"""Roughness of maps whose neighbours can be counted."""

import math

import pytest
import torch

from xaiutils.metrics import relative_variation


def test_four_maps_of_four_pixels():
    maps = [[[1.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [-1.0, -1.0]], [[1.0, -1.0], [-1.0, 1.0]]]
    assert relative_variation(torch.tensor(maps)).tolist() == [0, 2, 2, 4]                   # 0/2, 2/1, 4/2, 8/2


def test_checkerboard_and_scale():
    n = 7
    board = ((torch.arange(n)[:, None] + torch.arange(n)) % 2 * 2.0 - 1)[None]
    assert relative_variation(board).item() == pytest.approx(4 * (n - 1))
    assert relative_variation(1e-3 * board).item() == pytest.approx(4 * (n - 1))


def test_gaussian_noise():
    """2 N pairs, each with the mean size 2 / sqrt(pi) of a difference of two Gaussians; a norm of sqrt(N)."""
    noise = torch.randn(4, 100, 100, generator=torch.Generator().manual_seed(0))
    assert relative_variation(noise).mean().item() == pytest.approx(4 / math.sqrt(math.pi) * 100, rel=0.02)


def test_a_map_of_zeros_has_none():
    assert relative_variation(torch.zeros(1, 3, 3)).isnan().all()
    with pytest.raises(ValueError, match="heatmap must be"):
        relative_variation(torch.zeros(1, 1, 3, 3))
