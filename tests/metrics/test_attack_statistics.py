"""Statistics of perturbations: counted by hand, of known laws, and the arithmetic of the paper's own tables."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from xaiutils.metrics import attack_statistics
from xaiutils.metrics.attack_statistics import draw_values, image_statistics, qq_points, tail_energy, tail_ratio, tails


def exact_values(law, n):
    """n values at the law's own plotting positions, one image."""
    return law.ppf((np.arange(n) + 0.5) / n)[None]


def exact_quantile(law, q, n):
    """Of these values: number (n - 1) q stands at position q + (1/2 - q) / n, all but the bend between two values."""
    return law.ppf(q + (0.5 - q) / n)


def test_moments_by_hand():
    # 0, 0, 0, 4: mean 1, deviations -1 -1 -1 3: m2 = 12/4, m3 = 24/4, m4 = 84/4; sd^2 = 12/3
    table = image_statistics(torch.tensor([[0.0, 0, 0, 4]]))
    row = table.loc[0]
    assert row["mean"] == 1 and row["median"] == 0 and row["sd"] == pytest.approx(2) and row["zeros"] == 0.75
    assert row["skewness"] == pytest.approx(6 / 3 ** 1.5) and row["excess_kurtosis"] == pytest.approx(21 / 9 - 3)
    assert row["q85"] == pytest.approx(0.55 * 4) and row["q15"] == row["q25"] == 0    # 0.85 * 3 = 2.55, between 0 and 4
    assert row["q75"] == pytest.approx(1) and row["tail_ratio"] == pytest.approx(2.2)


def test_a_row_an_image_whatever_its_shape_and_type():
    values = np.random.default_rng(0).laplace(0.1, 1, (5, 3, 4, 6)) ** 3
    table = image_statistics(values)
    assert table.index.name == "image" and len(table) == 5
    flat = values.reshape(5, -1)
    np.testing.assert_allclose(table["skewness"], stats.skew(flat, axis=1), rtol=1e-12)
    np.testing.assert_allclose(table["excess_kurtosis"], stats.kurtosis(flat, axis=1), rtol=1e-12)
    pd.testing.assert_frame_equal(image_statistics(torch.from_numpy(values).requires_grad_()), table)
    parts = pd.concat([image_statistics(values[:2]), image_statistics(values[2:])])
    np.testing.assert_allclose(parts.to_numpy(), table.to_numpy(), rtol=1e-12)                # batches may be joined


def test_shape_is_free_of_scale_and_mirrored_by_the_sign():
    values = np.random.default_rng(1).gamma(2, size=(3, 500))
    shape = ["skewness", "excess_kurtosis", "tail_ratio"]
    table, scaled, mirrored = map(image_statistics, (values, 1e-5 * values + 3e-6, -values))
    np.testing.assert_allclose(scaled[shape], table[shape], rtol=1e-9)
    np.testing.assert_allclose(mirrored[shape], table[shape] * [-1, 1, 1], rtol=1e-9)
    np.testing.assert_allclose(mirrored["q15"], -table["q85"], rtol=1e-12)


def test_a_constant_image_has_no_shape():
    table = image_statistics(torch.full((1, 100), 0.1))
    assert table[["skewness", "excess_kurtosis", "tail_ratio"]].isna().all(axis=None)
    assert table["sd"].item() == pytest.approx(0, abs=1e-15) and table["zeros"].item() == 0
    assert qq_points(np.zeros((1, 50))).correlation[0] != qq_points(np.zeros((1, 50))).correlation[0]     # NaN
    assert np.isnan(tail_energy(np.zeros((1, 50)))).all()


@pytest.mark.parametrize("law, kurtosis, ratio", [(stats.norm(), 0, 1.5366), (stats.laplace(), 3, 1.7370),
                                                  (stats.uniform(), -1.2, 1.4), (stats.logistic(), 1.2, 1.5789)])
def test_known_laws(law, kurtosis, ratio):
    assert tail_ratio(law) == pytest.approx(ratio, abs=5e-5)
    row = image_statistics(exact_values(law, 200_000)).loc[0]
    assert row["tail_ratio"] == pytest.approx(ratio, abs=1e-4) and row["skewness"] == pytest.approx(0, abs=1e-9)
    assert row["excess_kurtosis"] == pytest.approx(kurtosis, abs=0.01)  # m4 misses what lies beyond the ends
    assert row["q85"] == pytest.approx(law.ppf(0.85), abs=1e-4)


def test_printed_tables_exclude_a_beta():
    # p of Table 3 (middle of each interval), q85 / q75 of Table 2: what the one implies is not what the other prints
    printed = {11.28: (1.526, (1.809 + 1.812) / (1.071 + 1.073)), 21.5: (1.531, (1.413 + 1.418) / (0.8102 + 0.8146)),
               131.75: (1.536, (1.777 + 1.785) / (1.011 + 1.016))}
    for p, (implied, table_2) in printed.items():
        assert tail_ratio(stats.beta(p, p)) == pytest.approx(implied, abs=5e-4)
        assert tail_ratio(stats.beta(p, p)) < tail_ratio(stats.norm()) < table_2
        assert stats.beta(p, p).stats("k") == pytest.approx(-6 / (2 * p + 3))                   # never heavy tails
    assert [round(ratio, 3) for _, ratio in printed.values()] == [1.689, 1.742, 1.757]
    assert tail_ratio(stats.t(3, loc=5, scale=0.1)) == pytest.approx(1.634, abs=5e-4)


def test_qq_of_normal_values_is_the_diagonal():
    positions = (np.arange(100) + 0.5) / 100
    values = 1e-4 * exact_values(stats.norm(), 100_000) + 3e-5
    qq = qq_points(np.concatenate([values, -values]), n_points=100)
    np.testing.assert_allclose(qq.theoretical, stats.norm.ppf(positions))
    expected = exact_quantile(stats.norm, positions, 100_000)
    np.testing.assert_allclose(qq.observed, [expected, expected], rtol=5e-5)
    np.testing.assert_allclose(qq.correlation, 1, atol=1e-8)


def test_qq_of_laplace_values_is_straight_in_the_middle_with_heavier_tails():
    qq = qq_points(exact_values(stats.laplace(), 100_000), n_points=1000)
    of_variance_1 = stats.laplace(scale=0.5 ** 0.5)
    expected = exact_quantile(of_variance_1, (np.arange(1000) + 0.5) / 1000, 100_000)
    np.testing.assert_allclose(qq.observed[0], expected, rtol=2e-4)
    assert qq.observed[0, -1] > qq.theoretical[-1] + 1 and qq.observed[0, 750] < qq.theoretical[750]
    middle = slice(100, 900)
    by_numpy = np.corrcoef(qq.theoretical[middle], qq.observed[0, middle])[0, 1]
    assert qq.correlation[0] == pytest.approx(by_numpy, abs=1e-12) and 0.99 < by_numpy < 0.997
    everything = qq_points(exact_values(stats.laplace(), 100_000), n_points=1000, central=1.0)
    assert everything.correlation[0] == pytest.approx(np.corrcoef(qq.theoretical, qq.observed[0])[0, 1], abs=1e-12)


def test_tails_by_hand():
    values = torch.tensor([[[3.0, -1, 0, 2, 1]], [[30.0, -10, 0, 20, 10]]])        # quartiles 0 and 2 of the first
    inside = tails(values, 25)
    assert inside.shape == values.shape and inside.dtype == bool
    assert inside[0, 0].tolist() == [True, True, False, True, False] == inside[1, 0].tolist()   # < 0, or >= 2
    np.testing.assert_allclose(tail_energy(values, 25), (9 + 1 + 4) / 15)


def test_tails_grow_from_nothing_to_everything():
    values = np.random.default_rng(0).laplace(size=(2, 3, 10, 10))
    masks = [tails(values, alpha) for alpha in (0, 1, 5, 15, 30, 50)]
    assert not masks[0].any() and masks[-1].all()
    assert all((small <= large).all() for small, large in zip(masks, masks[1:]))
    assert masks[3].reshape(2, -1).sum(1).tolist() == [90, 90]                                 # 15 % + 15 % of 300
    np.testing.assert_array_equal(tail_energy(values, 50), 1)
    np.testing.assert_array_equal(tail_energy(values, 0), 0)


@pytest.mark.parametrize("alpha", [1, 5, 15])
def test_tail_energy_of_known_laws(alpha):
    z, a = stats.norm.isf(alpha / 100), np.log(50 / alpha)
    of_normal = 2 * (z * stats.norm.pdf(z) + alpha / 100)                  # integral of v^2 phi beyond z, twice
    of_laplace = np.exp(-a) * (a ** 2 / 2 + a + 1)
    assert tail_energy(exact_values(stats.norm(), 200_000), alpha)[0] == pytest.approx(of_normal, abs=1e-3)
    assert tail_energy(exact_values(stats.laplace(), 200_000), alpha)[0] == pytest.approx(of_laplace, abs=1e-3)
    if alpha == 15:
        assert (round(of_normal, 3), round(of_laplace, 3)) == (0.783, 0.879)        # the numbers of the docstring


def test_draws_are_the_same_places_of_every_image():
    values = torch.arange(40.0).view(2, 4, 5)                                       # the second image is the first + 20
    drawn = draw_values(values, 7, seed=3)
    assert drawn.shape == (2, 7) and (drawn[1] - drawn[0] == 20).all() and len(set(drawn[0])) == 7
    np.testing.assert_array_equal(draw_values(values[1:], 7, seed=3)[0], drawn[1])
    assert sorted(draw_values(values, 5000)[0]) == list(range(20))
    state = torch.get_rng_state()
    assert (draw_values(values, 7, seed=4) != drawn).any()
    assert (draw_values(values, 7, generator=torch.Generator().manual_seed(1)) != drawn).any()
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("call, message", [
    (lambda v: image_statistics(v[0]), r"perturbations must be a batch \(N, ...\) with N >= 1, got shape \(6,\)"),
    (lambda v: image_statistics([[1.0]]), "perturbations must be a tensor"),
    (lambda v: image_statistics(v.int()), "perturbations must be floating point"),
    (lambda v: image_statistics(v / 0), "perturbations must be finite"),
    (lambda v: image_statistics(v[:, :1]), r"at least 2 values an image, got shape \(2, 1\)"),
    (lambda v: image_statistics(v, [0.5, 1]), r"probs must lie in \(0, 1\), got \(0.5, 1\)"),
    (lambda v: qq_points(v, central=0), "central must lie in"),
    (lambda v: qq_points(v, n_points=3), "at least 3 of n_points, got 0.8 and 3"),
    (lambda v: tails(v, 51), r"alpha must be a percentage in \[0, 50\], got 51"),
    (lambda v: tail_energy(v, -1), r"alpha must be a percentage in \[0, 50\], got -1"),
    (lambda v: draw_values(v, 0), "n_values must be a positive integer, got 0"),
    (lambda v: attack_statistics.rows_of(torch.cat([v, v[:1] * 0]), vary=True), "image 2 is constant"),
])
def test_wrong_input_is_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call(torch.arange(12.0).view(2, 6))
