"""Fits of values drawn from known laws, closed forms, and no better parameters nearby."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from xaiutils.metrics.attack_laws import FITS, Fit, fit_laws

FREE = ("beta-free", "norm", "laplace", "t", "gennorm")    # of these every parameter maximises the likelihood


def draws(law, n=20_000, seed=0):
    return law.rvs(n, random_state=np.random.default_rng(seed))[None]


def fit(values, family) -> Fit:
    return fit_laws(values, [family])[0]


def test_normal_and_laplace_by_hand():
    values = np.array([[0.0, 0, 0, 0, 0, 1, 1, 1, 1, 7]])           # mean 1.1; median 0.5; mean distance 1.1
    normal, laplace = fit_laws(values, ["norm", "laplace"])
    assert normal[2:5] == ((), pytest.approx(1.1), pytest.approx((5.3 - 1.21) ** 0.5))
    assert laplace[2:5] == ((), 0.5, pytest.approx((5 * 0.5 + 4 * 0.5 + 6.5) / 10))
    assert laplace.aic == pytest.approx(2 * 2 + 2 * 10 * (np.log(2 * 1.1) + 1))        # mean log f = -log 2s - 1
    # F_P jumps from 0 to 5/10 at 0, where F = exp(-0.5 / 1.1) / 2 = 0.317; from 5/10 to 9/10 at 1, F = 0.683
    assert laplace.ks == pytest.approx(np.exp(-0.5 / 1.1) / 2)


@pytest.mark.parametrize("family, law", [
    ("beta-free", stats.beta(3, 5, -0.2, 0.7)), ("norm", stats.norm(1e-5, 1e-3)),
    ("laplace", stats.laplace(1e-5, 1e-3)), ("t", stats.t(3, 0, 1e-3)),
    ("gennorm", stats.gennorm(1.4, 0, 1e-3)), ("gennorm", stats.gennorm(0.6, 2, 5))])
def test_a_known_law_is_found(family, law):
    values = draws(law)
    fits = {f.family: f for f in fit_laws(values)}
    best = fits[family]
    # Kolmogorov: sqrt(n) KS of the true law exceeds 1.63 once in a hundred; the fit only lowers it
    assert best.ks < 1.63 / 20_000 ** 0.5
    assert best.ks == pytest.approx(stats.kstest(values[0], best.law().cdf).statistic)
    assert best.aic <= 2 * (len(law.args) + len(best.shapes)) - 2 * law.logpdf(values).sum() + 4
    assert best.aic < min(f.aic for name, f in fits.items() if name not in (family, "gennorm", "beta-free")) + 4
    found, true = best.law(), law
    for q in (0.15, 0.25, 0.5, 0.75, 0.85):
        assert abs(found.ppf(q) - true.ppf(q)) < 0.03 * (true.ppf(0.85) - true.ppf(0.15))


def test_shapes_of_known_laws():
    # five standard errors from the Fisher information, n = 20,000: log df 0.05 at 3, exponent 2 % at 1.4
    assert fit(draws(stats.t(3, 0, 1e-3)), "t").shapes[0] == pytest.approx(3, abs=0.3)
    assert fit(draws(stats.gennorm(1.4)), "gennorm").shapes[0] == pytest.approx(1.4, abs=0.1)
    assert fit(draws(stats.laplace()), "gennorm").shapes[0] == pytest.approx(1, abs=0.06)
    assert fit(draws(stats.norm()), "gennorm").shapes[0] == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize("family", FREE)
def test_no_better_parameters_nearby(family):
    values = draws(stats.beta(2, 4, -1, 3) if family == "beta-free" else stats.t(4, 0.2), 3000)
    f = fit(values, family)
    top = f.law().logpdf(values).sum()
    place = np.array([*f.shapes, f.loc, f.scale])
    for i in range(len(place)):
        for step in (-0.02, 0.02):
            moved = place.copy()
            moved[i] += step * (f.scale if i == len(place) - 2 else place[i])
            law = getattr(stats, family.split("-")[0])(*moved[:-2], loc=moved[-2], scale=moved[-1])
            assert law.logpdf(values).sum() < top


def test_beta_between_the_extremes():
    values = draws(stats.beta(3, 5), 2000) * 0.01 - 0.004
    f, moments = fit(values, "beta"), fit(values, "beta-moments")
    low, width, n = values.min(), np.ptp(values), values.size
    for each in (f, moments):                                           # u = (u_0 (n - 1) + 1/2) / n for u_0 in [0, 1]
        u = (values - each.loc) / each.scale
        np.testing.assert_allclose(u, ((values - low) / width * (n - 1) + 0.5) / n, rtol=1e-9)
    mean, variance = stats.beta(*moments.shapes).stats("mv")
    assert mean == pytest.approx(u.mean()) and variance == pytest.approx(u.var())
    p, q, _, _ = stats.beta.fit(u, floc=0, fscale=1)                    # scipy solves the same equations another way
    assert f.shapes == pytest.approx((p, q), rel=1e-6)
    assert f.aic < moments.aic


def test_p_of_the_range_grows_with_the_number_of_values():
    # sd / range = 0.5 / sqrt(2 p + 1): of one normal law, more values reach farther out and p rises
    values = draws(stats.norm(), 100_000)
    for n in (100, 100_000):
        few = values[:, :n]
        p, q = fit(few, "beta-moments").shapes
        assert (p + q) / 2 == pytest.approx(((0.5 * np.ptp(few) / few.std()) ** 2 - 1) / 2, rel=0.05)
    assert fit(values, "beta").shapes[0] > 1.5 * fit(values[:, :100], "beta").shapes[0]


def test_beta_of_heavy_tails_is_at_best_the_normal_law():
    values = draws(stats.laplace())
    fits = {f.family: f for f in fit_laws(values)}
    assert min(fits["beta-free"].shapes) > 1000 and fits["beta-free"].ks == pytest.approx(fits["norm"].ks, abs=0.005)
    # sup |normal - Laplace| of equal variance is 0.0596 by a search over v
    grid = np.linspace(-4, 4, 100_001)
    gap = np.abs(stats.norm.cdf(grid, scale=2 ** 0.5) - stats.laplace.cdf(grid)).max()
    assert fits["norm"].ks == pytest.approx(gap, abs=0.012)
    assert fits["beta"].ks > fits["beta-free"].ks > 3 * fits["laplace"].ks
    assert fits["laplace"].aic < fits["beta-free"].aic < fits["beta"].aic


@pytest.mark.parametrize("law", [stats.norm(), stats.uniform(-1, 2)])
def test_t_of_light_tails_is_the_normal_law(law):
    fits = {f.family: f for f in fit_laws(draws(law), ["norm", "t"])}
    assert fits["t"].shapes[0] > 100 and fits["t"].ks == pytest.approx(fits["norm"].ks, abs=1e-3)
    assert fits["t"].aic == pytest.approx(fits["norm"].aic, abs=15)


@pytest.mark.parametrize("family", FITS)
def test_a_fit_moves_with_location_and_scale(family):
    values = draws(stats.t(5), 2000)
    f, moved = fit(values, family), fit(1e-4 * values + 3e-3, family)
    loose = 1e-2 if family == "beta-free" else 1e-6                    # flat where the range runs to its bound
    assert moved.shapes == pytest.approx(f.shapes, rel=loose)
    assert moved.scale == pytest.approx(1e-4 * f.scale, rel=loose)
    assert moved.loc == pytest.approx(1e-4 * f.loc + 3e-3, abs=1e-4 * f.scale * loose)
    assert moved.ks == pytest.approx(f.ks, abs=1e-5)
    assert moved.aic == pytest.approx(f.aic + 2 * 2000 * np.log(1e-4), abs=1e-3)     # the density is 10^4 as high


def test_a_row_an_image_and_law():
    values = np.concatenate([draws(stats.norm(), 600), draws(stats.laplace(), 600, 1)])
    values = torch.from_numpy(values.reshape(2, 3, 10, 20))
    fits = fit_laws(values, ["beta", "norm"])
    table = pd.DataFrame(fits)
    assert list(table.columns) == ["image", "family", "shapes", "loc", "scale", "ks", "aic"]
    assert table["image"].tolist() == [0, 0, 1, 1] and table["family"].tolist() == ["beta", "norm"] * 2
    assert fits[2:] == [f._replace(image=1) for f in fit_laws(values[1:], ["beta", "norm"])]


@pytest.mark.parametrize("call, message", [
    (lambda: fit_laws(np.ones((2, 50))), "perturbations must vary within every image, image 0 is constant"),
    (lambda: fit_laws(np.arange(18.0).reshape(2, 9)), "at least 10 values an image to fit a law, got 9"),
    (lambda: fit_laws(draws(stats.norm(), 50), ["cauchy"]), "families must be among beta, .* got 'cauchy'"),
])
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
