r"""Do attacks differ from image to image? Two-sample tests, analysis of variance and bootstrap intervals.

The unit of analysis is the image. What takes ``values`` (N,) or ``groups`` of them wants one number an image, a column
of :func:`xaiutils.metrics.image_statistics`. The paper instead tests the pixels of one image against those of another
(Table 1): :func:`welch_pairs` and :func:`mann_whitney_pairs` do that for all pairs, (N, N). Their p-values take the P
pixels of an image for independent, which they are not: where each value stands there four times, equal means are
rejected at the 5 % level in 33 % of the pairs, though there is no difference. So the pairs are read through effects,
and their share is given an interval over images by :func:`pair_share`. Not rejecting is no evidence of equality: that
is what ``equivalence`` tests, with the same reservation.

Source  Rahnama, Tseng: An Adversarial Approach for Explaining the Predictions of Deep Neural Networks, CVPR Workshops
        2021, section 3.2, Tables 1 and 2; Brunner, Munzel: Biometrical Journal 2000 (variance of P(X > Y)).
"""

from typing import NamedTuple

import numpy as np
from scipy import stats
from torch import Tensor

from xaiutils.core import resolve_seed
from xaiutils.intervals import percentile
from xaiutils.metrics.attack_statistics import rows_of


class Interval(NamedTuple):
    estimate: float
    low: float
    high: float


class Result(NamedTuple):
    statistic: float
    p: float


class TwoSample(NamedTuple):
    t: Result    # Welch's
    u: Result    # Mann and Whitney's; the statistic counts pairs with a > b, ties half


class Pairs(NamedTuple):
    """Tests of image i against image j at [i, j]; NaN at [i, i]. All (N, N), float64."""

    statistic: np.ndarray
    p: np.ndarray              # of "no difference", two-sided
    effect: np.ndarray         # free of P: difference in pooled sd, or P(v_i > v_j)
    equivalence: np.ndarray    # p of "differ by the margin or more" (two one-sided tests): small = shown to be alike


def bootstrap_interval(values, statistic="mean", *, confidence=0.95, n_resamples=10_000, seed=0, generator=None):
    """Percentile interval of a statistic of ``values`` (N,), one number an image: images are drawn again. -> Interval

    ``statistic``  ``"mean"``, ``"median"``, or a number in (0, 1): that quantile, linear between order statistics

    An interval of the mean for each column of ``image_statistics`` is a row of Table 2. It narrows with the number of
    images however much they differ: how much tells their own spread. For the mean it holds a normal law's with
    probability P(|T| < 1.96 sqrt((N - 1) / N)), T of N - 1 degrees of freedom: 92.9 % at N = 20, 94.8 % at 200.
    """
    values, confidence = _numbers(values, "values"), _share(confidence, "confidence")
    if statistic not in ("mean", "median") and not (isinstance(statistic, float) and 0 < statistic < 1):
        raise ValueError(f'statistic must be "mean", "median" or a quantile in (0, 1), got {statistic!r}.')

    def of(sample, axis=-1):
        return np.mean(sample, axis) if statistic == "mean" else np.quantile(sample, level, axis)

    level = 0.5 if statistic == "median" else statistic
    drawn = stats.bootstrap((values,), of, n_resamples=_count(n_resamples), method="percentile", batch=500,
                            vectorized=True, rng=_rng(seed, generator))
    return Interval(float(of(values)), *percentile(drawn.bootstrap_distribution, confidence))


def two_sample(a, b):
    """Welch's t-test and Mann and Whitney's of ``a`` (N,) against ``b`` (M,), one number an image each. -> TwoSample

    Both two-sided. Mann-Whitney is exact for 8 values or fewer on a side without ties, else normal with corrections for
    ties and continuity; it compares medians only where both laws have one shape.
    """
    a, b = _numbers(a, "a"), _numbers(b, "b")
    if np.ptp(a) == 0 == np.ptp(b):
        raise ValueError("a and b must not both be constant: no test can tell chance from difference then.")
    t, u = stats.ttest_ind(a, b, equal_var=False), stats.mannwhitneyu(a, b)
    return TwoSample(Result(float(t.statistic), float(t.pvalue)), Result(float(u.statistic), float(u.pvalue)))


def anova(groups, equal_var=False):
    """Have ``groups`` [(N_1,), (N_2,), ...], one number an image, equal means? Welch's analysis of variance. -> Result

    ``equal_var``  True is the classical F, which needs equal spreads; two groups: Welch's t squared, or Student's
    """
    f = stats.f_oneway(*_groups(groups), equal_var=equal_var)
    return Result(float(f.statistic), float(f.pvalue))


def spread_test(groups):
    """Have ``groups``, one number an image, equal spreads? Levene's test about medians (Brown, Forsythe). -> Result"""
    w = stats.levene(*_groups(groups), center="median")
    return Result(float(w.statistic), float(w.pvalue))


def welch_pairs(perturbations, margin=0.05):
    """Welch's t-test of the pixels of every image against every other's, ``perturbations`` (N, ...). -> Pairs

    ``margin``  equivalence: |mean_i - mean_j| below ``margin`` pooled sd, sqrt((sd_i^2 + sd_j^2) / 2), taken as known

    Images have equally many pixels, so Student's t is the same number, only with more degrees of freedom.
    """
    rows, margin = rows_of(perturbations, vary=True), _positive(margin)
    n, mean, square = rows.shape[1], rows.mean(1), rows.var(1, ddof=1) / rows.shape[1]          # sd^2 / P: (N,)
    difference, squares = mean[:, None] - mean, square[:, None] + square
    df = (n - 1) * squares ** 2 / (square[:, None] ** 2 + square ** 2)
    error, pooled = np.sqrt(squares), np.sqrt(n * squares / 2)
    p = 2 * stats.t.sf(np.abs(difference / error), df)
    alike = stats.t.sf((margin * pooled - np.abs(difference)) / error, df)
    return _pairs(difference / error, p, difference / pooled, alike)


def mann_whitney_pairs(perturbations, margin=0.02):
    """Mann and Whitney's test of the pixels of every image against every other's, ``perturbations`` (N, ...). -> Pairs

    ``statistic`` U counts pairs of pixels with v_i > v_j, ties half; ``effect`` is U / P^2; p is normal with
    corrections for ties and continuity.

    ``margin``  equivalence: P(v_i > v_j) within 0.5 -+ ``margin``, by Brunner and Munzel's variance

    Cost  N (N - 1) / 2 searches of P sorted values, 4 ms a pair at P = 5,000: see ``draw_values``.
    """
    rows, margin = np.sort(rows_of(perturbations, vary=True), axis=1), _positive(margin)
    n = len(rows)
    results = np.full((4, n, n), np.nan)
    for i in range(n):
        for j in range(i):
            u, p, effect, alike = _mann_whitney(rows[i], rows[j], margin)
            results[:, i, j] = u, p, effect, alike
            results[:, j, i] = rows.shape[1] ** 2 - u, p, 1 - effect, alike
    return _pairs(*results)


def pair_share(flags, *, confidence=0.95, n_resamples=10_000, seed=0, generator=None):
    """Share of pairs of images with a property, ``flags`` (N, N) symmetric such as ``pairs.p < 0.05``. -> Interval

    IMAGES are drawn again, not pairs: those of one image depend on each other. An image drawn twice is no pair with
    itself; resamples of one image alone are left out. The diagonal is not looked at.
    """
    flags, confidence = np.asarray(flags), _share(confidence, "confidence")
    n = len(flags)
    if flags.dtype != bool or flags.shape != (n, n) or n < 3 or (flags != flags.T).any():
        raise ValueError(f"flags must be boolean, symmetric, (N, N) with N >= 3, "
                         f"got {flags.dtype} of shape {flags.shape}.")
    pairs = (flags & ~np.eye(n, dtype=bool)).astype(float)
    counts = _rng(seed, generator).multinomial(n, np.full(n, 1 / n), size=_count(n_resamples)).astype(float)   # (B, N)
    total = n ** 2 - (counts ** 2).sum(1)
    shares = ((counts @ pairs) * counts).sum(1)[total > 0] / total[total > 0]
    return Interval(float(pairs.sum() / (n * (n - 1))), *percentile(shares, confidence))


def _mann_whitney(a, b, margin):
    """U, p, P(a > b) and the equivalence p of two sorted rows of equal length."""
    n = len(a)
    (below_a, ties_a), (below_b, ties_b) = _placements(a, b), _placements(b, a)
    u = float(below_a.sum())
    both = (_placements(a, a)[1] + ties_a, _placements(b, b)[1] + ties_b)     # t: values of either that equal this one
    tied = sum((t ** 2 - 1).sum() for t in both)                                # the sum of t^3 - t over groups of ties
    sd = np.sqrt(n * n / 12 * (2 * n + 1 - tied / (2 * n * (2 * n - 1))))
    p = min(1.0, 2 * stats.norm.sf((abs(u - n * n / 2) - 0.5) / sd))
    squares = [(below / n).var(ddof=1) / n for below in (below_a, below_b)]
    effect, error = u / n ** 2, np.sqrt(sum(squares))
    if error == 0:                                            # one image lies wholly above the other
        return u, p, effect, float(abs(effect - 0.5) >= margin)
    df = (n - 1) * sum(squares) ** 2 / (squares[0] ** 2 + squares[1] ** 2)
    return u, p, effect, stats.t.sf((margin - abs(effect - 0.5)) / error, df)


def _placements(a, b):
    """Of each value of the sorted ``a``: how many of the sorted ``b`` lie below it, ties half, and how many tie."""
    left, right = np.searchsorted(b, a, "left"), np.searchsorted(b, a, "right")
    return (left + right) / 2, (right - left).astype(float)


def _pairs(*matrices):
    diagonal = np.eye(len(matrices[0]), dtype=bool)
    return Pairs(*(np.where(diagonal, np.nan, matrix) for matrix in matrices))


def _groups(groups):
    groups = [_numbers(group, f"groups[{i}]") for i, group in enumerate(groups)]
    if len(groups) < 2 or not all(np.ptp(group) for group in groups):
        raise ValueError(f"groups must be at least two, none of them constant, got {len(groups)}.")
    return groups


def _numbers(values, name):
    array = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values, dtype=float)
    if array.ndim != 1 or len(array) < 2 or not np.isfinite(array).all():
        raise ValueError(f"{name} must be one finite number an image, (N,) with N >= 2, got shape {array.shape} "
                         f"with {np.count_nonzero(~np.isfinite(array))} not finite.")
    return array


def _share(value, name):
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie in (0, 1), got {value!r}.")
    return value


def _positive(margin):
    if not margin > 0:
        raise ValueError(f"margin must be positive, got {margin!r}.")
    return margin


def _count(n_resamples):
    if int(n_resamples) != n_resamples or n_resamples < 1:
        raise ValueError(f"n_resamples must be a positive integer, got {n_resamples!r}.")
    return int(n_resamples)


def _rng(seed, generator):
    return np.random.default_rng(resolve_seed(seed, generator))
