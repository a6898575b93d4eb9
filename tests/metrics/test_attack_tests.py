"""t, U, F and W by hand, rejection rates and coverage of known laws, every pair of images by scipy one at a time."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy import stats

from xaiutils.metrics.attack_statistics import image_statistics
from xaiutils.metrics.attack_tests import (anova, bootstrap_interval, mann_whitney_pairs, pair_share, spread_test,
                                           two_sample, welch_pairs)


def draws(law, *shape, seed=0):
    return law.rvs(shape, random_state=np.random.default_rng(seed))


def test_t_and_u_by_hand():
    # means 5/2 and 5, variances 5/3 and 20/3: t = -5/2 / sqrt(25/12) = -sqrt 3. a > b: 0, 1/2, 1, 1 + 1/2
    t, u = two_sample([1.0, 2, 3, 4], torch.tensor([2.0, 4, 6, 8]))
    df = (25 / 12) ** 2 / ((5 / 12) ** 2 / 3 + (20 / 12) ** 2 / 3)
    assert t.statistic == pytest.approx(-3 ** 0.5) and t.p == pytest.approx(2 * stats.t.sf(3 ** 0.5, df))
    assert u.statistic == 3


def test_p_values_in_closed_form():
    t, u = two_sample([0.0, 2.0], [3.0, 5.0])                 # t = -3 / sqrt 2, 2 degrees: p = 1 - |t| / sqrt(t^2 + 2)
    assert t.statistic == pytest.approx(-3 / 2 ** 0.5) and t.p == pytest.approx(1 - (4.5 / 6.5) ** 0.5)
    assert (u.statistic, u.p) == (0, pytest.approx(2 / 6))                       # 2 of the 6 orders are as extreme
    assert two_sample([1, 2, 3], [4, 5, 6]).u.p == pytest.approx(2 / 20)
    assert two_sample([4, 5, 6], [1, 2, 3]).u.statistic == 9


def test_anova_by_hand():
    groups = [[1.0, 2, 3], [2.0, 3, 4], [5.0, 6, 7]]          # between 3 (25 + 4 + 49) / 9 / 2 = 13, within 1
    f = anova(groups, equal_var=True)
    assert f.statistic == pytest.approx(13) and f.p == pytest.approx((1 + 2 * 13 / 6) ** -3)       # for 2 and 6 degrees
    a, b = [1.0, 2, 3, 4], [2.0, 4, 6, 8]
    welch, t = anova([a, b]), two_sample(a, b).t
    assert welch.statistic == pytest.approx(t.statistic ** 2) and welch.p == pytest.approx(t.p)


def test_welch_anova_by_its_formula():
    groups = [draws(stats.norm(i / 3, 1 + i), 5 + 3 * i, seed=i) for i in range(3)]
    w = np.array([len(g) / g.var(ddof=1) for g in groups])
    mean = sum(w * [g.mean() for g in groups]) / w.sum()
    between = sum(w * [(g.mean() - mean) ** 2 for g in groups]) / 2
    loss = sum((1 - w / w.sum()) ** 2 / [len(g) - 1 for g in groups])
    f = between / (1 + 2 * (3 - 2) / (3 ** 2 - 1) * loss)
    welch = anova(groups)
    assert welch.statistic == pytest.approx(f) and welch.p == pytest.approx(stats.f.sf(f, 2, 8 / (3 * loss)))


def test_levene_by_hand():
    # distances from the medians 1 and 4: (1, 0, 2) and (4, 0, 8); between 3 * 2 * 1.5^2, within (2 + 32) / 4
    w = spread_test([[0.0, 1, 3], [0.0, 4, 12]])
    assert w.statistic == pytest.approx(13.5 / 8.5) and w.p == pytest.approx(stats.f.sf(13.5 / 8.5, 1, 4))


def test_bootstrap_of_two_values():
    # of 0 and 1 the mean is 0, 1/2, 1 with probability 1/4, 1/2, 1/4
    assert bootstrap_interval([0.0, 1.0]) == (0.5, 0.0, 1.0)
    assert bootstrap_interval([0.0, 1.0], confidence=0.4) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("statistic, rank", [("median", 5), (0.75, 7), (0.25, 3)])
def test_bootstrap_of_an_order_statistic(statistic, rank):
    # of 9 values, the rank-th smallest of a resample is at most the k-th if Bin(9, k / 9) is at least the rank
    values = np.array([0.3, 1, 2, 4, 8, 16, 32, 64, 128])
    at_most = stats.binom.sf(rank - 1, 9, np.arange(1, 10) / 9)
    assert np.abs(at_most[:, None] - (0.025, 0.975)).min() > 0.005           # so 10,000 resamples cannot miss
    low, high = (values[np.searchsorted(at_most, tail)] for tail in (0.025, 0.975))
    interval = bootstrap_interval(values[::-1], statistic)
    assert interval == (values[rank - 1], low, high)


def test_bootstrap_covers_a_normal_mean_as_often_as_it_should():
    n, repeats = 20, 600
    samples = draws(stats.norm(0.3, 2), repeats, n)
    hits = sum(low <= 0.3 <= high for _, low, high in
               (bootstrap_interval(sample, n_resamples=1000, seed=i) for i, sample in enumerate(samples)))
    factor = 1.96 * ((n - 1) / n) ** 0.5                                    # half-width in standard errors s / sqrt n
    expected = 1 - 2 * stats.t.sf(factor, n - 1)
    assert expected == pytest.approx(0.929, abs=5e-4)
    assert stats.binomtest(hits, repeats, expected).pvalue > 0.01


def test_bootstrap_is_seeded_and_moves_with_location_and_scale():
    values, state = draws(stats.gamma(2), 40), torch.get_rng_state()
    interval = bootstrap_interval(values, 0.85, n_resamples=500)
    assert interval == bootstrap_interval(torch.from_numpy(values), 0.85, n_resamples=500)
    seeded = [{"seed": 0}, {"seed": 1}, {"generator": torch.Generator().manual_seed(0)}]
    assert len({bootstrap_interval(values, n_resamples=500, **seed) for seed in seeded}) == 3
    np.testing.assert_allclose(bootstrap_interval(3 * values + 1, 0.85, n_resamples=500), 3 * np.array(interval) + 1)
    assert torch.equal(torch.get_rng_state(), state)


def one_pair(a, b, margin_t, margin_u):
    """Pixel by pixel, by scipy and by counting: slow and obvious on purpose."""
    n, t = len(a), stats.ttest_ind(a, b, equal_var=False)
    pooled = ((a.var(ddof=1) + b.var(ddof=1)) / 2) ** 0.5
    more = stats.ttest_ind(a, b - margin_t * pooled, equal_var=False, alternative="greater").pvalue
    less = stats.ttest_ind(a, b + margin_t * pooled, equal_var=False, alternative="less").pvalue
    u = stats.mannwhitneyu(a, b, method="asymptotic")
    wins = np.array([[(x > y) + (x == y) / 2 for y in b] for x in a])
    s, r = wins.mean(1).var(ddof=1) / n, wins.mean(0).var(ddof=1) / n
    df, error, effect = (s + r) ** 2 * (n - 1) / (s ** 2 + r ** 2), (s + r) ** 0.5, wins.mean()
    alike = max(stats.t.sf((effect - 0.5 + margin_u) / error, df), stats.t.sf((0.5 + margin_u - effect) / error, df))
    return ((t.statistic, t.pvalue, (a.mean() - b.mean()) / pooled, max(more, less)),
            (u.statistic, u.pvalue, effect, alike), stats.brunnermunzel(a, b), error)


@pytest.mark.parametrize("decimals", [1, 9])
def test_every_pair_by_a_slow_twin(decimals):
    rows = np.round(draws(stats.laplace(), 4, 2, 30) * np.array([1, 2, 1, 0.5])[:, None, None], decimals)     # 1: ties
    rows[1] += 0.7
    t, u = welch_pairs(rows, margin=0.3), mann_whitney_pairs(rows, margin=0.1)
    flat = rows.reshape(4, -1)
    for i, j in product(range(4), repeat=2):
        if i == j:
            assert all(np.isnan(matrix[i, i]) for matrix in (*t, *u))
            continue
        by_t, by_u, munzel, error = one_pair(flat[i], flat[j], 0.3, 0.1)
        np.testing.assert_allclose([matrix[i, j] for matrix in t], by_t, rtol=1e-9)
        np.testing.assert_allclose([matrix[i, j] for matrix in u], by_u, rtol=1e-9)
        assert (0.5 - by_u[2]) / error == pytest.approx(munzel.statistic)                # whose variance it is


def test_images_one_above_the_other_are_not_alike():
    pairs = mann_whitney_pairs(torch.tensor([[1.0, 2, 3], [4.0, 5, 6]]))
    assert pairs.statistic[0, 1] == 0 and pairs.statistic[1, 0] == 9
    assert pairs.effect[0, 1] == 0 and pairs.equivalence[0, 1] == 1 == pairs.equivalence[1, 0]


def test_equivalence_of_images_of_one_law_and_of_shifted_ones():
    rows = draws(stats.norm(), 6, 20_000)       # standard error of a difference: 0.01 sd, 0.0029 of P(X > Y)
    rows[3:] += 0.2
    same = np.equal.outer(np.arange(6) < 3, np.arange(6) < 3)
    shifted = ~same
    np.fill_diagonal(same, False)
    for pairs in (welch_pairs(rows), mann_whitney_pairs(rows)):
        assert (pairs.equivalence[same] < 0.05).all() and (pairs.p[same] > 1e-3).all()
        assert (pairs.equivalence[shifted] > 0.99).all() and (pairs.p[shifted] < 1e-9).all()
    effect = mann_whitney_pairs(rows).effect[5, 0]
    assert effect == pytest.approx(stats.norm.cdf(0.2 / 2 ** 0.5), abs=0.01)              # P(X + 0.2 > Y)
    assert welch_pairs(rows).effect[5, 0] == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("copies", [1, 4])
def test_pixels_that_repeat_reject_too_often_and_their_images_do_not(copies):
    # each value standing there k times, t is sqrt k times too large: it rejects with P(|Z| > 1.96 / sqrt k), 33 % for 4
    values = draws(stats.norm(), 400, 100)
    rows = np.repeat(values, copies, axis=1)
    expected = 2 * stats.norm.sf(1.96 / copies ** 0.5)
    pixels = welch_pairs(rows).p[::2, 1::2].diagonal() < 0.05       # 200 pairs without a common image
    assert stats.binomtest(int(pixels.sum()), 200, expected).pvalue > 0.01
    means = image_statistics(rows)["mean"].to_numpy()
    images = sum(two_sample(*sample).t.p < 0.05 for sample in means.reshape(20, 2, 10))   # one number an image
    assert stats.binomtest(images, 20, 0.05).pvalue > 0.01
    if copies == 4:
        assert expected == pytest.approx(0.327, abs=5e-4)


def test_pair_share_by_all_resamples():
    flags = np.zeros((4, 4), bool)
    flags[0, 1:] = flags[1:, 0] = flags[1, 2] = flags[2, 1] = True                        # 4 of the 6 pairs
    flags[3, 3] = True                                                                    # not looked at
    shares = []
    for drawn in product(range(4), repeat=4):                                             # all 256, each as likely
        different = [(i, j) for i, j in product(drawn, repeat=2) if i != j]
        shares += [np.mean([flags[i, j] for i, j in different])] if different else []
    assert len(shares) == 252
    for confidence in (0.6, 0.9):
        tail = (1 - confidence) / 2
        expected = np.quantile(shares, [tail, 1 - tail])
        around = np.quantile(shares, [tail - 0.02, tail + 0.02, 1 - tail - 0.02, 1 - tail + 0.02])
        assert around[0] == around[1] and around[2] == around[3]                          # 10,000 resamples cannot miss
        np.testing.assert_allclose(pair_share(flags, confidence=confidence), [4 / 6, *expected])


def test_pair_share_of_all_and_of_none():
    assert pair_share(np.ones((5, 5), bool)) == (1, 1, 1)
    assert pair_share(np.zeros((5, 5), bool)) == (0, 0, 0)
    assert pair_share(welch_pairs(draws(stats.norm(), 8, 50)).p <= 1, n_resamples=50).estimate == 1


VALUES, ROWS = [1.0, 2.0, 4.0], np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize("call, message", [
    (lambda: bootstrap_interval(ROWS), r"values must be one finite number an image, .* got shape \(3, 4\)"),
    (lambda: bootstrap_interval([1.0]), r"got shape \(1,\)"),
    (lambda: bootstrap_interval([1.0, np.nan]), "with 1 not finite"),
    (lambda: bootstrap_interval(VALUES, "max"), "statistic must be .* got 'max'"),
    (lambda: bootstrap_interval(VALUES, 1.0), "statistic must be .* got 1.0"),
    (lambda: bootstrap_interval(VALUES, confidence=95), r"confidence must lie in \(0, 1\), got 95"),
    (lambda: bootstrap_interval(VALUES, n_resamples=0), "n_resamples must be a positive integer, got 0"),
    (lambda: two_sample(VALUES, [1.0, np.inf]), "b must be one finite number an image"),
    (lambda: two_sample([1.0, 1.0], [2.0, 2.0]), "a and b must not both be constant"),
    (lambda: anova([VALUES]), "groups must be at least two, none of them constant, got 1"),
    (lambda: spread_test([VALUES, ROWS]), r"groups\[1\] must be one finite number an image"),
    (lambda: welch_pairs(ROWS * 0), "perturbations must vary within every image, image 0 is constant"),
    (lambda: welch_pairs(ROWS, margin=0), "margin must be positive, got 0"),
    (lambda: mann_whitney_pairs(ROWS[0]), r"perturbations must be a batch \(N, ...\)"),
    (lambda: pair_share(np.ones((3, 3))), "flags must be boolean, symmetric"),
    (lambda: pair_share(np.triu(np.ones((3, 3), bool))), "flags must be boolean, symmetric"),
    (lambda: pair_share(np.ones((2, 2), bool)), r"N >= 3, got bool of shape \(2, 2\)"),
])
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
