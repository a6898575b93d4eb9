r"""What do the perturbations of an attack look like? One row of numbers an image, their tails, and data for Q-Q plots.

``perturbations``  (N, ...) signed change of each feature, such as :class:`xaiutils.methods.AXAI`'s; tensor or array
``P``              features of one image, pixels times channels; v_1 ... v_P below are ONE image's

The unit of analysis is the image. The pixels of an image depend on each other, their P values are not P observations:
every function here turns an image into numbers (N, ...), and only these go into intervals and tests
(:mod:`xaiutils.metrics.attack_tests`). Batches may come one after another and be joined with ``pandas.concat``.

Source  Rahnama, Tseng: An Adversarial Approach for Explaining the Predictions of Deep Neural Networks, CVPR Workshops
        2021, sections 3.2 and 3.3, Figures 2 and 3, Tables 1 to 3.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy import stats

from xaiutils.core import check_inputs, make_generator, resolve_seed

PROBS = (0.15, 0.25, 0.75, 0.85)    # the quantiles of Table 2


class QQ(NamedTuple):
    """Ordered standardised values of each image against the standard normal's quantiles."""

    theoretical: np.ndarray    # (n_points,)
    observed: np.ndarray       # (N, n_points)
    correlation: np.ndarray    # (N,) of the central points: 1 = straight there; NaN for a constant image


def image_statistics(perturbations, probs=PROBS):
    r"""Moments, quantiles and tails of each image's perturbation. -> DataFrame, a row an image

    .. math:: g_1 = m_3 / m_2^{3/2}, \quad g_2 = m_4 / m_2^2 - 3, \quad m_k = \frac1P \sum_i (v_i - \bar v)^k

    ``mean``, ``median``, ``sd`` (divided by P - 1), ``q15`` ... of ``probs`` (linear between order statistics),
    ``skewness`` g_1 (Fisher-Pearson, not corrected for P), ``excess_kurtosis`` g_2, ``tail_ratio`` of the values as in
    :func:`tail_ratio`, ``zeros`` the share of features that did not change at all.

    Limit cases   A constant image has no shape: NaN in the last but one three. Symmetric values have g_1 = 0; a normal
                  law g_2 = 0, Laplace 3, every symmetric beta less than 0.
    """
    rows = rows_of(perturbations)
    if not all(0 < p < 1 for p in probs):
        raise ValueError(f"probs must lie in (0, 1), got {tuple(probs)}.")
    z = rows - rows.mean(1, keepdims=True)
    m2, m3, m4 = ((z ** k).mean(1) for k in (2, 3, 4))
    q = np.quantile(rows, [*probs, 0.5, 0.15, 0.25, 0.75, 0.85], axis=1)                     # (Q, N)
    with np.errstate(divide="ignore", invalid="ignore"):
        shapes = {"skewness": m3 / m2 ** 1.5, "excess_kurtosis": m4 / m2 ** 2 - 3,
                  "tail_ratio": (q[-1] - q[-4]) / (q[-2] - q[-3])}
    columns = {"mean": rows.mean(1), "median": q[len(probs)], "sd": rows.std(1, ddof=1),
               **{f"q{100 * p:g}": q[i] for i, p in enumerate(probs)},
               **{name: np.where(_constant(rows), np.nan, values) for name, values in shapes.items()},
               "zeros": (rows == 0).mean(1)}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows), name="image"))


def tail_ratio(law):
    """(q85 - q15) / (q75 - q25) of a frozen law of ``scipy.stats``: free of location and scale. -> float

    Normal 1.5366, Laplace 1.7370, t with 3 degrees of freedom 1.634; a symmetric beta stays below the normal for every
    p = q > 1, so a larger ratio, such as Table 2's 1.69 to 1.76, is no beta's.
    """
    q15, q25, q75, q85 = law.ppf(PROBS)
    return float((q85 - q15) / (q75 - q25))


def qq_points(perturbations, n_points=200, central=0.8):
    """Data of a Q-Q plot against the standard normal (Figure 3), each image standardised by its mean and sd. -> QQ

    ``n_points``  plotting positions (k - 1/2) / n_points, k = 1 ... n_points, by quantiles of the P values
    ``central``   share of the points, around the middle, that the correlation takes: 0.8 leaves the tails out

    Both ends steeper than the middle: tails heavier than normal. A straight middle does not speak for a normal law:
    Laplace values have a correlation of 0.996 there.
    """
    rows = rows_of(perturbations)
    if not 0 < central <= 1 or int(n_points) != n_points or central * n_points < 3:
        raise ValueError(f"central must lie in (0, 1] and leave at least 3 of n_points, "
                         f"got {central!r} and {n_points!r}.")
    positions = (np.arange(n_points) + 0.5) / n_points
    theoretical, observed = stats.norm.ppf(positions), np.quantile(rows, positions, axis=1).T
    with np.errstate(invalid="ignore"):
        observed = (observed - rows.mean(1, keepdims=True)) / np.where(_constant(rows), np.nan, rows.std(1))[:, None]
    middle = np.abs(positions - 0.5) <= central / 2
    x, y = (a[..., middle] - a[..., middle].mean(-1, keepdims=True) for a in (theoretical, observed))
    with np.errstate(invalid="ignore"):
        correlation = (x * y).sum(1) / np.sqrt((x ** 2).sum() * (y ** 2).sum(1))
    return QQ(theoretical, observed, correlation)


def tails(perturbations, alpha=15.0):
    """Which features lie in the lowest or the highest ``alpha`` percent of their own image's values. -> bool, (N, ...)

    v < p_alpha or v >= p_(100 - alpha), over all features of the image together. 0 is none, 50 is all, and a larger
    alpha holds a smaller one's features. (AXAI takes the tails of each channel: ``xaiutils.methods.axai``.)
    """
    rows = rows_of(perturbations)
    if not 0 <= alpha <= 50:
        raise ValueError(f"alpha must be a percentage in [0, 50], got {alpha!r}.")
    low, high = np.quantile(rows, [alpha / 100, 1 - alpha / 100], axis=1)[..., None]
    inside = (rows < low) | (rows >= high) if alpha > 0 else np.zeros(rows.shape, bool)
    return inside.reshape(tuple(perturbations.shape))


def tail_energy(perturbations, alpha=15.0):
    """Share of an image's squared norm that its :func:`tails` hold, in [0, 1]; NaN for an image of zeros. -> (N,)

    Normal values 0.783 at alpha = 15, Laplace 0.879: the tails' effect on a network is to be compared with that of
    other features of the same energy, not of the same number.
    """
    energy, inside = rows_of(perturbations) ** 2, tails(perturbations, alpha)
    with np.errstate(invalid="ignore"):
        return (energy * inside.reshape(energy.shape)).sum(1) / energy.sum(1)


def draw_values(perturbations, n_values=5000, *, seed=0, generator=None):
    """``n_values`` features drawn without replacement, the same places in every image; all where P is less. -> (N, n)

    For what is slow or meant for fewer values: the pairwise tests and the fits.
    """
    rows = rows_of(perturbations)
    if int(n_values) != n_values or n_values < 1:
        raise ValueError(f"n_values must be a positive integer, got {n_values!r}.")
    places = torch.randperm(rows.shape[1], generator=make_generator(resolve_seed(seed, generator)))[:n_values]
    return rows[:, places.numpy()]


def rows_of(perturbations, vary=False):
    """``perturbations`` (N, ...) as float64 (N, P), P >= 2; ``vary`` refuses an image whose values are all the same."""
    given = torch.as_tensor(perturbations) if isinstance(perturbations, np.ndarray) else perturbations
    check_inputs(given, "perturbations")
    rows = given.detach().cpu().double().flatten(1).numpy()
    if rows.shape[1] < 2:
        raise ValueError(f"perturbations must have at least 2 values an image, got shape {tuple(given.shape)}.")
    constant = _constant(rows)
    if vary and constant.any():
        raise ValueError(f"perturbations must vary within every image, image {int(constant.argmax())} is constant.")
    return rows


def _constant(rows):
    return rows.min(1) == rows.max(1)
