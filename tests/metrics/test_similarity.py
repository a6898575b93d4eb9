"""SSIM against scikit-image and Sixt et al.'s own function (golden/ssim), rank correlation against SciPy."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity

from xaiutils.core import make_generator
from xaiutils.metrics.similarity import agreement, null_band, rank_correlation, ssim

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "ssim.npz")
PAIRS = ("same", "noisy", "indep", "flipped", "sparse")
VARIANTS = {
    "minmax_gaussian_L1": dict(preset="thesis"),
    "minmax_global_eq51_L1": dict(preset="thesis-eq5.1"),
    "minmax_gaussian_L2_adebayo": dict(preset="adebayo"),
    "sixt_official_ssim_flipped": dict(preset="sixt", channels="mean"),       # the pairs are signed single maps
    "minmax_gaussian_L1_wang": dict(preset="thesis", sample_covariance=False),
    "minmax_uniform7_L1": dict(preset="thesis", window=7),
    "minmax_uniform7_L2": dict(preset="thesis", window=7, data_range=2),
    "raw_absmax_gaussian_L2": dict(preset="ledger", channels="mean", data_range=2),
    "pct99_uniform5_L2": dict(preset="sixt", channels="mean", scale="percentile", best_of_flip=False),
    "pct99_uniform5_L2_flipped_max": dict(preset="sixt", channels="mean", scale="percentile"),
}


def pair(name):
    return [torch.from_numpy(GOLDEN[f"{name}.{side}"])[None] for side in "ab"]


def random_maps(*shape, seed=0):
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


@pytest.mark.parametrize("variant", VARIANTS)
def test_published_variants(variant):
    maps = [torch.cat(side) for side in zip(*map(pair, PAIRS))]               # (5, 64, 64) each
    expected = [GOLDEN[f"{name}.{variant}"].item() for name in PAIRS]
    assert ssim(*maps, **VARIANTS[variant]).tolist() == pytest.approx(expected, abs=1e-9)


def test_ledger_preset_is_the_absolute_channel_sum_over_its_maximum():
    a, b = random_maps(2, 3, 24, 24), random_maps(2, 3, 24, 24, seed=1)
    by_hand = [(m[:, 0].abs() + m[:, 1].abs() + m[:, 2].abs()) for m in (a, b)]
    by_hand = [m / m.amax((1, 2), keepdim=True) for m in by_hand]             # in [0, 1], so nothing is scaled again
    unscaled = ssim(*by_hand, "thesis", channels="mean", scale="abs_max")
    torch.testing.assert_close(ssim(a, b), unscaled, atol=1e-12, rtol=0)


def test_adebayo_scales_channels_together_and_averages_their_ssims():
    a, b = random_maps(1, 3, 24, 24), random_maps(1, 3, 24, 24, seed=1)
    a, b = [(m - m.min()) / (m.max() - m.min()) for m in (a, b)]
    pairs = zip(a[0].numpy(), b[0].numpy())
    channels = [structural_similarity(x, y, gaussian_weights=True, data_range=2) for x, y in pairs]
    assert ssim(a, b, "adebayo").item() == pytest.approx(np.mean(channels), abs=1e-12)


def test_global_formula_of_two_pixels():
    # a = (0, 1), b = (1, 0): means 1/2, variances 1/4, covariance -1/4; c1 = 1e-4, c2 = 9e-4
    a, b = torch.tensor([[[0.0, 1.0]]]), torch.tensor([[[1.0, 0.0]]])
    assert ssim(a, b, "thesis-eq5.1").item() == pytest.approx((-0.5 + 9e-4) / (0.5 + 9e-4))


def test_maps_without_variation():
    flat, zeros, maps = torch.full((1, 16, 16), 0.3), torch.zeros(1, 16, 16), random_maps(1, 16, 16)
    assert ssim(flat, zeros, "thesis").item() == 1.0                          # both scaled to 0
    assert ssim(zeros, zeros).item() == 1.0
    assert ssim(maps, zeros).item() < 0.05                                    # only c1 and c2 are left of the products
    assert rank_correlation(flat, maps).isnan().all()


def test_bad_ssim_arguments_are_named():
    maps, small = random_maps(1, 16, 16), random_maps(1, 10, 16)
    with pytest.raises(ValueError, match="maps must be at least as large as the 11x11 window, got 10x16"):
        ssim(small, small)
    with pytest.raises(ValueError, match=r"b must have the shape of a, \(1, 16, 16\), got \(1, 10, 16\)"):
        ssim(maps, small)
    with pytest.raises(ValueError, match="preset must be one of ledger, .*, sixt, got 'skimage'"):
        ssim(maps, maps, "skimage")
    with pytest.raises(ValueError, match="settings must be among .* got sigma"):
        ssim(maps, maps, sigma=2)
    with pytest.raises(ValueError, match="window must be .* got 4"):
        ssim(maps, maps, window=4)
    with pytest.raises(ValueError, match="scale must be .* got 'max'"):
        ssim(maps, maps, scale="max")
    with pytest.raises(ValueError, match="must be"):
        ssim(maps[0], maps[0])


@pytest.mark.parametrize("absolute", [False, True])
def test_rank_correlation_is_scipys_with_ties(absolute):
    a, b = random_maps(3, 2, 9, 9).round(decimals=1), random_maps(3, 2, 9, 9, seed=1).round(decimals=1)
    b = b + 0.5 * a
    f = np.abs if absolute else np.asarray
    expected = [spearmanr(f(x.numpy()).ravel(), f(y.numpy()).ravel()).statistic for x, y in zip(a, b)]
    assert rank_correlation(a, b, absolute=absolute).tolist() == pytest.approx(expected, abs=1e-12)


def test_rank_correlation_of_a_monotone_and_a_flipped_map():
    a = random_maps(1, 8, 8)
    assert rank_correlation(a, a ** 3).item() == pytest.approx(1)
    assert rank_correlation(a, -a).item() == pytest.approx(-1)
    assert rank_correlation(a, -a, absolute=True).item() == pytest.approx(1)


def test_null_band_of_shuffled_pixels_is_that_of_independent_ranks():
    # Spearman of n independent ranks: mean 0, standard deviation 1/sqrt(n - 1) = 0.0316 for 1001 pixels
    low, high = null_band(random_maps(1, 7, 143), rank_correlation, n_shuffles=400)[0].tolist()
    assert low == pytest.approx(-1.96 / 1000 ** 0.5, abs=0.012) and high == pytest.approx(1.96 / 1000 ** 0.5, abs=0.012)


def test_null_band_of_reseeded_maps_by_hand():
    maps = random_maps(2, 16, 16)
    reseeded = torch.stack([maps, maps + random_maps(2, 16, 16, seed=1), -maps])
    measured = torch.stack([rank_correlation(maps, m) for m in reseeded])     # (3, 2): 1, between, -1
    band = null_band(maps, rank_correlation, reseeded=reseeded, coverage=0.5)
    expected = [(measured[2] + measured[1]) / 2, (measured[1] + measured[0]) / 2]     # quartiles of three numbers
    torch.testing.assert_close(band, torch.stack(expected, 1))
    assert null_band(maps, reseeded=maps[None].expand(3, -1, -1, -1)).tolist() == [[1.0, 1.0]] * 2


def test_shuffling_keeps_the_values_and_the_channels_of_a_pixel_together():
    maps = random_maps(2, 1, 12, 12).expand(2, 3, 12, 12) * torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1)
    seen = []
    null_band(maps, lambda a, b: seen.append(b) or torch.zeros(len(a)), n_shuffles=2)
    for shuffled in seen:
        assert torch.equal(shuffled[:, 0].flatten(1).sort()[0], maps[:, 0].flatten(1).sort()[0])
        torch.testing.assert_close(shuffled, shuffled[:, :1] * torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1))
    assert not torch.equal(seen[0], seen[1])


def test_null_band_is_decided_by_its_seed_alone():
    maps, state = random_maps(1, 12, 12), torch.get_rng_state()
    first = null_band(maps, n_shuffles=5, seed=3)
    assert torch.equal(first, null_band(maps, n_shuffles=5, generator=make_generator(3)))
    assert torch.equal(state, torch.get_rng_state())
    with pytest.raises(ValueError, match="a band needs at least two reseeded or shuffled maps, got 1"):
        null_band(maps, n_shuffles=1)
    with pytest.raises(ValueError, match=r"coverage must lie in \(0, 1\), got 95"):
        null_band(maps, coverage=95)


def test_agreement_is_the_mean_over_pairs():
    up = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    maps = torch.stack([up, up * 5, torch.stack([-up[0], up[1]])])
    # first image: pairs correlate 1, -1, -1; second image: all 1
    assert agreement(maps).tolist() == pytest.approx([-1 / 3, 1])
    assert agreement(maps, lambda a, b: (a - b).abs().amax(1)).tolist() == pytest.approx([(12 + 6 + 18) / 3, (12 + 12) / 3])
    with pytest.raises(ValueError, match=r"maps must be \(K, N, ...\) with at least two .* got K = 1"):
        agreement(maps[:1])
