"""Roughness, concentration, fine detail, edges and changing signs of patterns whose numbers can be counted."""

import math

import pytest
import torch
from scipy.ndimage import sobel

from xaiutils.core import make_generator
from xaiutils.metrics.texture import (
    fine_share,
    gini,
    relative_variation,
    sign_changes,
    sobel_correlation,
    sobel_edges,
    total_variation,
)

BOARD = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
POINT = torch.zeros(8, 8).index_put((torch.tensor(3), torch.tensor(4)), torch.tensor(5.0))


def test_total_variation_of_patterns():
    values = total_variation(torch.stack([torch.ones(8, 8), POINT, BOARD, -3 * BOARD]))
    # board: 2 x 56 pairs, a step of 2 each, over a mass of 64
    assert values.tolist() == pytest.approx([0, 4, 2 * 112 / 64, 2 * 112 / 64])
    assert total_variation(torch.zeros(1, 3, 3)).isnan()


def test_gini_by_its_double_sum():
    maps = torch.randn(3, 4, 5, generator=make_generator(0), dtype=torch.float64)
    a = maps.abs().flatten(1)
    by_pairs = (a[:, :, None] - a[:, None]).abs().sum((1, 2)) / (2 * 20 * a.sum(1))
    assert gini(maps).tolist() == pytest.approx(by_pairs.tolist(), abs=1e-12)
    assert gini(torch.stack([BOARD, POINT])).tolist() == pytest.approx([0, 1 - 1 / 64])


def test_fine_share_of_waves_and_of_noise():
    place = torch.arange(64, dtype=torch.float64)
    waves = torch.stack([torch.sin(2 * torch.pi * place / period).expand(64, 64) for period in (32, 4)])
    assert fine_share(waves).tolist() == pytest.approx([0, 1], abs=1e-12)      # Nyquist's period is 2: a quarter is 8
    assert fine_share(waves.mT).tolist() == pytest.approx([0, 1], abs=1e-12)
    noise = torch.randn(50, 64, 64, generator=make_generator(0), dtype=torch.float64)
    assert fine_share(noise).mean().item() == pytest.approx(1 - 0.25**2, abs=0.01)


def test_edges_are_scipys_sobel():
    pictures = torch.rand(2, 3, 9, 7, generator=make_generator(0), dtype=torch.float64)
    for picture, found in zip(pictures.mean(1).numpy(), sobel_edges(pictures).numpy()):
        expected = sum(sobel(picture, axis, mode="nearest") ** 2 for axis in (0, 1)) ** 0.5
        assert found == pytest.approx(expected, abs=1e-12)


def test_an_edge_map_correlates_with_edges_whatever_its_sign_and_power():
    pictures = torch.rand(1, 3, 9, 7, generator=make_generator(0), dtype=torch.float64)
    assert sobel_correlation(-sobel_edges(pictures) ** 3, pictures).item() == pytest.approx(1)
    assert sobel_correlation(1 / (1 + sobel_edges(pictures)), pictures).item() == pytest.approx(-1)


def test_sign_changes_count_pairs_without_zeros():
    halves = torch.tensor([[1.0, 1, -1, -1]] * 4)
    holes = torch.tensor([[1.0, 0, -1, 1]])
    assert sign_changes(BOARD[None]).tolist() == [1]
    assert sign_changes(halves[None]).tolist() == pytest.approx([4 / 24])      # 4 of 12 pairs across, none of 12 below
    assert sign_changes(holes[None]).tolist() == [1]


def test_relative_variation_of_four_maps():
    maps = [[[1.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [-1.0, -1.0]], [[1.0, -1.0], [-1.0, 1.0]]]
    assert relative_variation(torch.tensor(maps)).tolist() == [0, 2, 2, 4]                   # 0/2, 2/1, 4/2, 8/2


def test_relative_variation_of_a_checkerboard_at_any_scale():
    n = 7
    board = ((torch.arange(n)[:, None] + torch.arange(n)) % 2 * 2.0 - 1)[None]
    assert relative_variation(board).item() == pytest.approx(4 * (n - 1))
    assert relative_variation(1e-3 * board).item() == pytest.approx(4 * (n - 1))


def test_relative_variation_of_gaussian_noise():
    """2 N pairs, each with the mean size 2 / sqrt(pi) of a difference of two Gaussians; a norm of sqrt(N)."""
    noise = torch.randn(4, 100, 100, generator=torch.Generator().manual_seed(0))
    assert relative_variation(noise).mean().item() == pytest.approx(4 / math.sqrt(math.pi) * 100, rel=0.02)


def test_a_map_of_zeros_has_no_relative_variation():
    assert relative_variation(torch.zeros(1, 3, 3)).isnan().all()
    with pytest.raises(ValueError, match="heatmap must be"):
        relative_variation(torch.zeros(1, 1, 3, 3))
