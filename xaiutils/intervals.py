"""Intervals and corrections behind the rules of the ledger: bootstrap, Clopper-Pearson, Spearman, Holm."""

import numpy as np
from scipy import stats

RESAMPLES = 10_000
SEED = 0


def resample(values, statistic="mean"):
    """The statistic on each of 10,000 bootstrap resamples of ``values`` (seed 0).

    ``values`` are (N,), one number an image; ``statistic`` is "mean" or "median". The same values give the
    same resamples on every machine; numpy's global generator is not touched. A single value is all its resamples.
    """
    values = np.asarray(values, dtype=float)
    if len(values) == 1:
        return np.repeat(values, RESAMPLES)
    drawn = stats.bootstrap((values,), getattr(np, statistic), n_resamples=RESAMPLES,
                            method="percentile", batch=500, rng=np.random.default_rng(SEED))
    return drawn.bootstrap_distribution


def percentile(distribution, confidence=0.95):
    """Percentile interval (low, high) that holds the middle ``confidence`` of a bootstrap distribution."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(distribution, [tail, 1 - tail])
    return float(low), float(high)


def bootstrap_p(distribution, boundary):
    """Two-sided bootstrap p-value of "the statistic equals ``boundary``"; at least 2 / (resamples + 1)."""
    below = np.count_nonzero(distribution <= boundary)
    above = np.count_nonzero(distribution >= boundary)
    return float(min(1.0, 2 * (min(below, above) + 1) / (len(distribution) + 1)))


def clopper_pearson(successes, trials, confidence=0.95):
    """Exact interval of a share: quantiles of Beta(k, n - k + 1) and Beta(k + 1, n - k) for k of n."""
    interval = stats.binomtest(successes, trials).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)


def spearman(x, y, confidence=0.95):
    """Spearman's rank correlation r with its interval and p-value: (r, (low, high), p).

    The interval is tanh(artanh(r) -+ z sqrt((1 + r^2/2) / (n - 3))) (Bonett and Wright, Psychometrika 2000).
    In the limit r = +-1 it is the single point r.
    """
    result = stats.spearmanr(x, y)
    r, z = float(result.statistic), stats.norm.ppf((1 + confidence) / 2)
    half_width = z * np.sqrt((1 + r ** 2 / 2) / (len(x) - 3))
    with np.errstate(divide="ignore"):
        low, high = np.tanh(np.arctanh(r) + np.array([-half_width, half_width]))
    return r, (float(low), float(high)), float(result.pvalue)


def loglog_slope(x, y, confidence=0.95):
    """Least-squares slope of log y against log x with its t interval: (slope, (low, high))."""
    fit = stats.linregress(np.log(x), np.log(y))
    half_width = stats.t.ppf((1 + confidence) / 2, len(x) - 2) * fit.stderr
    return float(fit.slope), (float(fit.slope - half_width), float(fit.slope + half_width))


def holm(p_values):
    """Holm's adjusted p-values in the order given: the k-th smallest of m is multiplied by m - k + 1."""
    p_values = np.asarray(p_values, dtype=float)
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted
