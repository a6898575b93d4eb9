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
    assert len(LEDGER) == 32
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
