"""Moran's I by hand and by its double sum; pieces and shares that can be counted."""

import pytest
import torch

from xaiutils.core import make_generator
from xaiutils.metrics.concentration import connected_components, energy_share, morans_i


def random_maps(*shape, seed=0):
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


def morans_i_by_loops(image):
    z, (height, width) = image - image.mean(), image.shape
    total, weights = 0.0, 0
    for r in range(height):
        for c in range(width):
            for dr in (-1, 0, 1):
                for dc in (-1, 0, 1):
                    if (dr or dc) and 0 <= r + dr < height and 0 <= c + dc < width:
                        total, weights = total + z[r, c] * z[r + dr, c + dc], weights + 1
    return (z.numel() / weights * total / (z * z).sum()).item()


def test_morans_i_is_its_double_sum():
    maps = random_maps(3, 5, 7)
    assert morans_i(maps).tolist() == pytest.approx([morans_i_by_loops(m) for m in maps], abs=1e-12)


def test_morans_i_of_small_patterns():
    # 2x2, one bright pixel: z = (3, -1, -1, -1)/4; 12 directed pairs add up to 2(-9 + 3)/16, the squares to 12/16
    assert morans_i(torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])).item() == pytest.approx(4 / 12 * -12 / 12)
    rows = (torch.arange(200) % 2.0)[:, None].expand(200, 200)
    board = (rows + rows.T) % 2
    ramp = torch.arange(200.0).expand(200, 200)
    stripes, checks, slope = morans_i(torch.stack([rows, board, ramp])).tolist()
    assert stripes == pytest.approx(-0.5, abs=0.01) and checks == pytest.approx(0, abs=0.01) and slope > 0.97


def test_morans_i_of_independent_noise_is_minus_one_over_n_minus_one():
    # expectation -1/(n - 1) = -1/15 for 4x4; standard deviation of the mean of 4000 maps about 0.002
    assert morans_i(random_maps(4000, 4, 4)).mean().item() == pytest.approx(-1 / 15, abs=0.006)


def test_a_constant_map_has_no_pattern():
    values = morans_i(torch.stack([torch.full((6, 6), 0.1), torch.eye(6)]))
    assert values[0].isnan() and values[1] == pytest.approx(morans_i_by_loops(torch.eye(6)), abs=1e-6)


def test_pieces_are_counted_and_corners_connect():
    pieces = torch.tensor([[[9.0, 0, 0, 8], [0, 7, 0, 0], [0, 0, 0, 6], [0, 0, 0, 0]]])
    assert connected_components(pieces, share=3 / 16).tolist() == [2]         # 9 touches 7 by a corner; 8 alone
    assert connected_components(pieces, share=4 / 16).tolist() == [3]         # 6 is two rows below 8
    assert connected_components(pieces, share=1).tolist() == [1]
    assert connected_components(torch.cat([pieces, -pieces]), share=0.01).tolist() == [1, 1]


def test_equal_pixels_are_taken_by_index():
    board = torch.tensor([[[1.0, 0, 1, 0, 1, 0, 1, 0, 1, 0]]])
    assert connected_components(board, share=0.2).tolist() == [2]             # columns 0 and 2
    assert connected_components(torch.zeros(1, 1, 10), share=0.5).tolist() == [1]      # columns 0 to 4


def test_energy_share_takes_the_positive_part():
    heatmap = torch.tensor([[[3.0, 1.0], [-5.0, 0.0]], [[-1.0, -1.0], [0.0, 0.0]]])
    left = torch.tensor([[True, False], [True, False]])
    shares = energy_share(heatmap, left)
    assert shares[0].item() == 0.75 and shares[1].isnan()                     # nothing positive: no share
    assert energy_share(heatmap.abs(), left).tolist() == [8 / 9, 0.5]
    assert energy_share(heatmap[:1], left[None]).item() == 0.75


def test_energy_share_of_a_flat_map_is_the_area():
    mask = torch.rand(2, 8, 8, generator=make_generator(0)) < 0.3
    assert energy_share(torch.ones(2, 8, 8), mask).tolist() == mask.double().mean((1, 2)).tolist()


def test_bad_arguments_are_named():
    maps = torch.rand(1, 4, 4)
    with pytest.raises(ValueError, match=r"heatmap must be \(N, H, W\), got shape \(4, 4\)"):
        morans_i(maps[0])
    with pytest.raises(ValueError, match="heatmap must have at least two pixels"):
        morans_i(torch.ones(1, 1, 1))
    with pytest.raises(ValueError, match=r"share must lie in \(0, 1\], got 20"):
        connected_components(maps, share=20)
    with pytest.raises(ValueError, match="mask must be boolean, .* got torch.float32"):
        energy_share(maps, torch.ones(4, 4))
    with pytest.raises(ValueError, match=r"mask must be boolean, .* got torch.bool of shape \(3, 4\)"):
        energy_share(maps, torch.ones(3, 4, dtype=torch.bool))
