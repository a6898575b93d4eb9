import numpy as np
import pytest
from scipy import stats

from xaiutils import intervals


def test_the_bootstrap_of_constant_values_is_that_constant():
    assert set(intervals.resample([0.25] * 12)) == {0.25}
    assert intervals.percentile(intervals.resample([0.25] * 12, "median")) == (0.25, 0.25)
    assert intervals.percentile(intervals.resample([0.25])) == (0.25, 0.25)


def test_bootstrap_means_of_zeros_and_ones_are_binomial():
    """The mean of a resample of n zeros and ones is Binomial(n, share) / n, whose quantiles are known."""
    values = np.repeat([0.0, 1.0], [30, 70])
    low, high = intervals.percentile(intervals.resample(values))
    exact = stats.binom.ppf([0.025, 0.975], 100, 0.7) / 100
    np.testing.assert_allclose([low, high], exact, atol=0.0101)  # one success more or less


def test_percentile_interval_of_known_numbers():
    assert intervals.percentile(np.arange(1001.0)) == pytest.approx((25, 975))
    assert intervals.percentile(np.arange(1001.0), 0.90) == pytest.approx((50, 950))


def test_the_bootstrap_neither_reads_nor_disturbs_the_global_generator():
    values = np.arange(20.0)
    np.random.seed(1)
    first, state = intervals.resample(values), np.random.get_state()[1].copy()
    np.random.seed(2)
    second = intervals.resample(values)
    np.testing.assert_array_equal(first, second)
    np.random.seed(1)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_bootstrap_p_counts_the_smaller_tail_twice():
    distribution = np.repeat([-1.0, 1.0], [99, 9901])
    assert intervals.bootstrap_p(distribution, 0) == pytest.approx(2 * 100 / 10001)
    assert intervals.bootstrap_p(np.ones(10_000), 0) == pytest.approx(2 / 10001)
    assert intervals.bootstrap_p(np.zeros(100), 0) == 1


def test_clopper_pearson_is_the_beta_quantile():
    low, high = intervals.clopper_pearson(17, 20)
    assert low == pytest.approx(stats.beta.ppf(0.025, 17, 4))
    assert high == pytest.approx(stats.beta.ppf(0.975, 18, 3))


def test_clopper_pearson_of_all_successes_has_a_closed_form():
    assert intervals.clopper_pearson(20, 20) == (pytest.approx(0.025 ** (1 / 20)), 1.0)


def test_spearman_interval_by_hand():
    x, y = [1, 2, 3, 4, 5], [1, 2, 3, 5, 4]  # r = 1 - 6 * 2 / (5 * 24) = 0.9
    r, (low, high), _ = intervals.spearman(x, y)
    half = 1.959964 * np.sqrt((1 + 0.9 ** 2 / 2) / 2)
    assert r == pytest.approx(0.9)
    assert (low, high) == pytest.approx((np.tanh(np.arctanh(0.9) - half), np.tanh(np.arctanh(0.9) + half)))


def test_perfect_rank_correlation_has_an_interval_of_one_point():
    r, interval, _ = intervals.spearman(range(10), range(10))
    assert r == pytest.approx(1) and interval == pytest.approx((1, 1))


def test_slope_of_an_exact_power_law():
    x = np.array([0.2, 0.1, 0.05, 0.025])
    slope, (low, high) = intervals.loglog_slope(x, 3 * x ** 1.5)
    assert (slope, low, high) == pytest.approx((1.5, 1.5, 1.5))


def test_holm_by_hand():
    np.testing.assert_allclose(intervals.holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06])  # 0.04 rises
    np.testing.assert_allclose(intervals.holm([0.5, 0.9]), [1.0, 1.0])
