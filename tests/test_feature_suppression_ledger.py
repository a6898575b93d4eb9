"""The ledger of feature suppression: whole, and every closed form in it recomputed."""

import re
from math import comb

import numpy as np
import pytest
import torch
from scipy import stats

from xaiutils import claims, notebooks
from xaiutils.methods import FeatureSuppression
from xaiutils.methods.shapley import exact_shapley

LEDGER = claims.load(claims.repository() / "data" / "claims" / "feature_suppression.yaml")


def recomputed(name):
    return LEDGER[name].recomputed


def floats(values):
    return [float(value) for value in values]


def test_every_claim_has_a_notebook_that_is_there():
    assert len(LEDGER) == 85
    assert all(name.startswith("suppr-") for name in LEDGER)
    assert {claim.notebook for claim in LEDGER.values()} == {
        name for name in notebooks.names() if name.startswith("feature_suppression/")
    }


def test_every_rule_is_a_sentence():
    for claim in LEDGER.values():
        if claim.rule:
            assert re.fullmatch(r"[a-zA-Z].*\S", str(claim.build_rule())), claim.id


def test_orderings_and_trends_are_never_decided_below_medium():
    assert not [c.id for c in LEDGER.values() if c.kind in ("ordering", "trend") and c.scale in ("toy", "small")]


# Section 6


def test_the_game_of_two_pixels_that_count_only_together():
    # exactly: the mean gradient over the four coalitions is p = 0.6 at fixed p, 1/2 with uniform sizes
    method = FeatureSuppression(lambda rows: rows.prod(1), "difference", output="logit")
    x = torch.ones(1, 2, dtype=torch.float64)
    for masks, value in (([[0, 0]] * 9 + [[0, 1]] * 6 + [[1, 0]] * 6 + [[1, 1]] * 4, 0.6), ([[0, 0]] * 2 + [[0, 1], [1, 0]] + [[1, 1]] * 2, 0.5)):
        told = method.attribute(x, masks=torch.tensor(masks) == 1, signed=True, C=0)
        torch.testing.assert_close(told, torch.full_like(x, value), rtol=1e-12, atol=0)


def test_unanimity_games():
    printed = recomputed("suppr-equivalent-shapley")
    for m, shapley, binomial in zip(*map(floats, printed.values())):
        assert exact_shapley(lambda present: present.all(1), int(m))[0].item() == pytest.approx(shapley, abs=5e-5)
        assert 0.6 ** (m - 1) == pytest.approx(binomial, abs=5e-5)
    gaps = recomputed("suppr-axioms-inherited")
    for m, gap in zip(*map(floats, gaps.values())):
        assert abs(m * 0.6 ** (m - 1) - 1) == pytest.approx(gap, abs=5e-5)


def test_probabilities_of_coalitions():
    for n in (2, 7, 12):
        total = sum(comb(n - 1, size) / (n * comb(n - 1, size)) for size in range(n))
        assert total == pytest.approx(float(recomputed("suppr-coalition-probability")["sum"]))
    for text, distance in recomputed("suppr-coalition-equals-binomial").items():
        n = int(re.search(r"N = (\d+)", text).group(1))
        variation = 0.5 * np.abs(stats.binom.pmf(np.arange(n), n - 1, 0.6) - 1 / n).sum()
        assert variation == pytest.approx(float(distance), abs=5e-4)


def test_half_of_symmetric_inputs_are_negative():
    (share,) = recomputed("suppr-abs-upper-bound").values()
    assert stats.norm.cdf(0) == float(share)


# Appendix B


def test_the_hand_example_of_the_algorithm():
    masks = torch.tensor([[1, 0, 0, 0], [0, 1, 1, 0]]) == 1
    x = torch.tensor([[1, 0.5, 1, 1]], dtype=torch.float64)
    method = FeatureSuppression(lambda rows: rows[:, 0] * rows[:, 1] + rows[:, 2], output="logit")
    assert method.attribute(x, masks=masks, C=0).tolist() == [[0.25, 0.5, 1, 0]]


def test_poisson_for_binomial():
    printed = recomputed("suppr-alg1-poisson")
    for p in (0.6, 0.7):
        for n in (4096, 50176):
            k = np.arange(4 * n)
            variation = 0.5 * np.abs(stats.poisson.pmf(k, n * p) - stats.binom.pmf(k, n, p)).sum()
            assert variation == pytest.approx(float(printed[f"total variation, p = {p}"]), abs=5e-4)
    assert (50176 * 0.6) ** 0.5 == pytest.approx(float(printed["sd Poisson, N = 50176, p = 0.6"]), abs=0.05)
    assert (50176 * 0.6 * 0.4) ** 0.5 == pytest.approx(float(printed["sd binomial, N = 50176, p = 0.6"]), abs=0.05)
    assert f"{stats.poisson.sf(100, 60):.1e}" == printed["probability to exceed N = 100, p = 0.6"]
    assert 224 * 224 / 200 == float(recomputed("suppr-alg1-normaliser")["N / K at 224 x 224, K = 200"])


# Section 3.1


def sides(rho, a=1.0, b=1.0):
    """Left and right of Eq. 5 for a Gaussian copula stretched to [0, a] x [0, b]."""
    gained = -0.5 * np.log(1 - rho**2)
    return a * b * (gained - rho**2 / (1 - rho**2) - np.log(a)), gained - np.log(a)


def test_the_closed_form_of_the_copula_is_its_integral():
    grid = np.linspace(-9, 9, 3601)
    weight = stats.norm.pdf(grid) * (grid[1] - grid[0])                # du = phi(x) dx
    x, z = np.meshgrid(grid, grid)
    for rho in (0.3, 0.6):
        log_density = -0.5 * np.log(1 - rho**2) - (rho**2 * (x**2 + z**2) - 2 * rho * x * z) / (2 * (1 - rho**2))
        assert weight @ log_density @ weight == pytest.approx(sides(rho)[0], abs=1e-6)


def test_areas_and_both_sides_of_equation_5():
    areas = recomputed("suppr-area-equals-probability")["areas"]
    assert [1 * 1, 2 * 2, 0.5 * 10, 255 * 1] == floats(areas.values())
    printed = recomputed("suppr-certainty-inequality")
    for rho in (0.3, 0.6, 0.9):
        assert sides(rho) == pytest.approx(floats(printed[f"unit square, rho {rho}"]), abs=5e-5)
    assert sides(0.0, 0.5, 10.0) == pytest.approx(floats(printed["uniform on [0,0.5]x[0,10]"]), abs=5e-5)


def test_the_bound_is_a_geometric_mean():
    printed = recomputed("suppr-certainty-bound")
    bounds = [(1 - rho**2) ** -0.5 for rho in (0, 0.3, 0.6, 0.9)]
    assert bounds == pytest.approx(floats(printed["bounds on the unit square, rho 0, 0.3, 0.6, 0.9"]), abs=5e-5)
    states = np.arange(20)
    likely = np.exp(-((states[:, None] - states) ** 2) / 8)
    likely /= likely.sum(0)
    bound = np.prod(likely ** (likely / 20))                           # z is uniform
    assert bound == pytest.approx(float(printed["bound, 20 x 20 states"]), abs=5e-5)
    assert likely[likely > bound].sum() / 20 == pytest.approx(float(printed["share of probability above it"]), abs=5e-5)
    assert 0.8**0.8 * 0.2**0.2 == pytest.approx(0.6063, abs=5e-5)      # the hand example


def test_information_of_a_mean_of_copies():
    printed = recomputed("suppr-jensen-direction")
    for n, value in zip(*(floats(printed[key]) for key in ("n", "I(x; mean of n copies)"))):
        covariance = np.array([[1, 1], [1, 1 + 1 / n]])                # x and the mean of n copies x + noise
        assert 0.5 * np.log(covariance[1, 1] / np.linalg.det(covariance)) == pytest.approx(value, abs=5e-5)
    assert 0.5 * np.log(2) == pytest.approx(float(printed["mean of I(x; copy)"]), abs=5e-5)
    assert np.dot([1, 2, 3], [0.5, 0.3, 0.2]) == pytest.approx(float(recomputed("suppr-optimal-q")["value at q = p"]))


# Section 3.2


def test_the_row_of_four_pixels():
    k = np.arange(5)
    cut = stats.poisson.pmf(k, 2.4) / stats.poisson.cdf(4, 2.4)
    assert stats.binom.pmf(k, 4, 0.6) == pytest.approx([0.0256, 0.1536, 0.3456, 0.3456, 0.1296], abs=5e-5)
    assert cut == pytest.approx([0.1003, 0.2408, 0.2890, 0.2312, 0.1387], abs=5e-5)
    assert k @ cut == pytest.approx(2.0671, abs=5e-5)


# Section 4.1


def test_the_loss_gradient_grows_with_doubt_alone():
    printed = recomputed("suppr-taylor-bound")
    for left, length in zip(*map(floats, printed.values())):
        x = torch.zeros(1, 4, dtype=torch.float64)
        x[0, :int(left)] = 1
        rows = x.requires_grad_()
        (gradient,) = torch.autograd.grad(torch.nn.functional.softplus(-rows.sum()), rows)     # -log p of two classes
        assert gradient.norm().item() == pytest.approx(length, abs=5e-5)


# Section 3.3


def test_the_three_copies_by_hand():
    printed = floats(recomputed("suppr-cosine-identity").values())
    assert 1 - (0.6 + 0.0 + 0.8) / 3 == pytest.approx(printed[0], abs=5e-5)
    assert 1.6 / (1.6**2 + 1.8**2) ** 0.5 == pytest.approx(printed[1], abs=5e-5)


# Section 9.2


def test_information_of_four_pixels():
    image, maps = [0, 0, 1, 1], ([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1], [1, 1, 0, 0])
    entropy = lambda *columns: stats.entropy(np.unique(np.array(columns), axis=1, return_counts=True)[1] / 4)
    for values, printed in zip(maps, floats(recomputed("suppr-mi-quality-measure").values())):
        assert entropy(values) + entropy(image) - entropy(values, image) == pytest.approx(printed, abs=5e-5)


# Section 7


def test_three_pixels_in_one_batch():
    printed = recomputed("suppr-batch-leakage")
    x = np.array(floats(printed["batch"]))
    deviation, scaled = x.std(), (x - x.mean()) / x.std()
    gradient = ((np.arange(3) == 0) - 1 / 3 - scaled[0] * scaled / 3) / deviation
    assert gradient == pytest.approx(floats(printed["gradient of the first output"]), abs=5e-5)
    assert 1 / deviation == pytest.approx(float(printed["in evaluation mode"]), abs=5e-5)


def test_what_a_neighbour_tells_and_the_sign_of_equation_22():
    for text, printed in list(recomputed("suppr-batch-bound").items())[:2]:
        s = float(text.split("=")[1])
        joint = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 2 + s**2]])     # x1, x2, z
        alone = 0.5 * np.log(joint[2, 2] / np.linalg.det(joint[np.ix_([0, 2], [0, 2])]))
        given = 0.5 * np.log(np.linalg.det(joint[1:, 1:]) / np.linalg.det(joint))
        assert (alone, given) == pytest.approx(floats(printed), abs=5e-5)
    leak = recomputed("suppr-relative-error")
    for sign, name in ((1, "printed"), (-1, "with a minus")):
        assert 1 - np.exp(sign * np.array(floats(leak["leaked"]))) == pytest.approx(floats(leak[name]), abs=5e-5)


# Section 3.4


def test_a_linear_model_unlearns_what_is_smaller_than_the_noise_and_adapts_to_missing_pixels():
    noise, independent, equal = (floats(values) for values in recomputed("suppr-fig3-degradation").values())
    q, variances = 0.3, np.array([1, 0.01])
    assert variances / (variances + 0.3**2) == pytest.approx(noise, abs=5e-5)
    assert np.linalg.solve(np.diag(q * variances), q * variances) == pytest.approx(independent, abs=5e-5)
    assert np.linalg.solve([[q, q * q], [q * q, q]], [2 * q, 2 * q]) == pytest.approx(equal, abs=5e-5)
