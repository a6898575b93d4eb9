r"""Which law do the values of a perturbation follow? The beta of the paper and its rivals, by maximum likelihood.

.. math:: f(v) = \frac{1}{s}\, \frac{u^{p-1} (1-u)^{q-1}}{B(p, q)}, \quad u = \frac{v - \ell}{s} \in (0, 1), \qquad
          \mathrm{AIC} = 2 k - 2 \sum_i \log f(v_i), \qquad \mathrm{KS} = \sup_v |F_P(v) - F(v)|

``p, q``  ``shapes`` of the beta; df of ``t``, the exponent of ``gennorm``; none for ``norm`` and ``laplace``
``l, s``  ``loc`` and ``scale`` as in ``scipy.stats``; :meth:`Fit.law` gives the frozen law
``k``     parameters fitted to the values: ``len(shapes) + 2``, also where l and s are read off the two extremes
``P``     values of the image, ``F_P`` their empirical distribution

A beta lives on [0, 1], the perturbations around 0, and the paper does not say how it maps one to the other. Readings:

``"beta"``          from the smallest to the largest value of the image, widened by half a step of 1 / (P - 1) on each
                    side, since a beta with p, q > 1 has density 0 at its ends. p and q then say how far out the
                    largest value lies in sd, and grow with P: sd / scale = 0.5 / sqrt(2 p + 1) if p = q
``"beta-moments"``  the same range; p and q from mean and variance
``"beta-free"``     all four by maximum likelihood, the range up to 100 times that of the values beyond each end: the
                    family's best chance. With heavy tails it runs to that bound, where it is a normal law, or a gamma
                    if skewed

The unit is the image: a row of fits each. Pixels depend on each other and the parameters come from the same values, so
KS has no p-value here, and AIC orders the laws but its differences are no evidence in units of likelihood. Compare them
over images, paired.

Limit cases   t with df at its bound 1000 and gennorm with exponent 2 are the normal law, gennorm with 1 is Laplace.
Cost          for P = 150,528: 1.4 s an image for t and gennorm each, 4 s for "beta-free", the others 0.3 s or less; for
              5,000 (``draw_values``; "beta" takes its range from these) 0.3 s for all together.
Source        Rahnama, Tseng: An Adversarial Approach for Explaining the Predictions of Deep Neural Networks, CVPR
              Workshops 2021, section 3.2, Table 3. Widening: Smithson, Verkuilen, Psychological Methods 2006.
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

from xaiutils.metrics.attack_statistics import rows_of


class Fit(NamedTuple):
    """One law fitted to one image; ``pandas.DataFrame(fits)`` makes a table of them."""

    image: int
    family: str
    shapes: tuple
    loc: float
    scale: float
    ks: float     # lower = closer
    aic: float    # lower = better

    def law(self):
        """The fitted law, frozen, as ``scipy.stats`` has it."""
        return _frozen(self.family, self.shapes, self.loc, self.scale)


def fit_laws(perturbations, families=("beta", "beta-free", "norm", "laplace", "t", "gennorm")):
    """Fit each of ``families`` to the values of every image, ``perturbations`` (N, ...). -> [Fit], image by image"""
    rows = rows_of(perturbations, vary=True)
    if unknown := [family for family in families if family not in FITS]:
        raise ValueError(f"families must be among {', '.join(FITS)}, got {unknown[0]!r}.")
    if rows.shape[1] < 10:
        raise ValueError(f"perturbations must have at least 10 values an image to fit a law, got {rows.shape[1]}.")
    return [_fit(image, family, row) for image, row in enumerate(rows) for family in families]


def _fit(image, family, row):
    """Fit in units of the image's own spread, so that no optimiser sees 1e-5; goodness of fit in its own units."""
    centre = np.median(row)
    unit = np.abs(row - centre).mean()
    *shapes, loc, scale = map(float, FITS[family]((row - centre) / unit))
    loc, scale = centre + unit * loc, unit * scale
    law = _frozen(family, shapes, loc, scale)
    ks = stats.ks_1samp(row, law.cdf, method="asymp").statistic
    aic = 2 * (len(shapes) + 2) - 2 * law.logpdf(row).sum()
    return Fit(image, family, tuple(shapes), float(loc), float(scale), float(ks), float(aic))


def _frozen(family, shapes, loc, scale):
    return getattr(stats, family.split("-")[0])(*shapes, loc=loc, scale=scale)


def _beta(z):
    loc, scale = _widened(z)
    u = (z - loc) / scale
    return *_beta_shapes(np.log(u).mean(), np.log1p(-u).mean(), _moments(u)), loc, scale


def _beta_by_moments(z):
    loc, scale = _widened(z)
    return *_moments((z - loc) / scale), loc, scale


def _beta_free(z):
    """The likelihood in the gaps beyond both ends, in ranges of the values; p and q follow from them."""
    low, width = z.min(), np.ptp(z)

    def fitted(gaps):
        below, above = width * np.exp(gaps)
        loc, scale = low - below, below + width + above
        u, v = (z - loc) / scale, (loc + scale - z) / scale
        logs = np.log(u).mean(), np.log(v).mean()
        p, q = _beta_shapes(*logs, _moments(u))
        return (p - 1) * logs[0] + (q - 1) * logs[1] - special.betaln(p, q) - np.log(scale), (p, q, loc, scale)

    ends = (np.log(1e-6), np.log(100.0))
    return fitted(_minimum(lambda gaps: -fitted(gaps)[0], [np.log(0.1)] * 2, [ends, ends], 1e-3, 1e-9))[1]


def _widened(z):
    """Range of the values with half a step of 1 / (P - 1) more at each end: (loc, scale)."""
    width, n = np.ptp(z), len(z)
    return z.min() - 0.5 * width / (n - 1), width * n / (n - 1)


def _moments(u):
    """p and q of the beta with the mean and variance of u in (0, 1)."""
    mean = u.mean()
    total = mean * (1 - mean) / u.var() - 1
    return np.array([mean, 1 - mean]) * total


def _beta_shapes(log_u, log_v, start):
    """p, q with E log u and E log(1 - u) as given: Newton on log p, log q, where the likelihood has one top."""
    shapes = np.asarray(start)
    for _ in range(30):
        slope = special.digamma(shapes) - special.digamma(shapes.sum()) - (log_u, log_v)
        curve = np.diag(special.polygamma(1, shapes)) - special.polygamma(1, shapes.sum())
        step = np.linalg.solve(curve, slope) / shapes
        shapes = shapes * np.exp(-np.clip(step, -1, 1))
        if np.abs(step).max() < 1e-7:                            # the error is its square; large p leave no more digits
            break
    return shapes


def _norm(z):
    return z.mean(), z.std()


def _laplace(z):
    centre = np.median(z)
    return centre, np.abs(z - centre).mean()


def _t(z):
    def loss(theta):
        df, scale = np.exp(theta[0]), np.exp(theta[2])
        constant = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * np.log(df * np.pi) - theta[2]
        return (df + 1) / 2 * np.log1p(((z - theta[1]) / scale) ** 2 / df).mean() - constant

    log_df, loc, log_scale = _minimum(loss, [np.log(4), 0.0, 0.0], [(np.log(0.1), np.log(1000)), (-1, 1), (-20, 5)])
    return np.exp(log_df), loc, np.exp(log_scale)


def _gennorm(z):
    def scale_of(theta):
        power = np.exp(theta[0])
        return (power * (np.abs(z - theta[1]) ** power).mean()) ** (1 / power)

    def loss(theta):
        power = np.exp(theta[0])
        return np.log(2 * scale_of(theta)) + special.gammaln(1 / power) - theta[0] + 1 / power

    theta = _minimum(loss, [0.0, 0.0], [(np.log(0.1), np.log(50)), (-1, 1)])
    return np.exp(theta[0]), theta[1], scale_of(theta)


def _minimum(loss, start, bounds, xatol=1e-6, fatol=1e-12):
    """Nelder and Mead's simplex: the likelihoods have cusps at the values, where a gradient misleads."""
    simplex = np.vstack([start, np.asarray(start) + 0.3 * np.eye(len(start))])
    options = {"xatol": xatol, "fatol": fatol, "maxiter": 500, "initial_simplex": simplex}
    return optimize.minimize(loss, start, method="Nelder-Mead", bounds=bounds, options=options).x


FITS = {"beta": _beta, "beta-moments": _beta_by_moments, "beta-free": _beta_free,
        "norm": _norm, "laplace": _laplace, "t": _t, "gennorm": _gennorm}
