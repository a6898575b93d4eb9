"""Chains of matrices with known limits, and what methods send back to each layer."""

import math

import pytest
import torch
from torch import nn
from toys import cnn, images

from xaiutils.core import make_generator
from xaiutils.methods import METHODS
from xaiutils.metrics.convergence import (
    alpha_beta, arriving, column_angle, pairwise_cosines, products, singular_ratio, z_plus,
)
from xaiutils.models.toys import perceptron
from xaiutils.sweep import Explainer

COUNTEREXAMPLE = torch.tensor([[1.0, 1], [0, 2]], dtype=torch.float64)


def test_ratio_of_matrices_with_known_singular_values():
    assert singular_ratio(torch.diag(torch.tensor([4.0, -1, 0.5]))) == 0.25
    assert singular_ratio(torch.outer(torch.tensor([1.0, 2]), torch.tensor([3.0, 1]))) == pytest.approx(0, abs=1e-7)
    assert singular_ratio(torch.zeros(2, 3)) == 0
    with pytest.raises(ValueError, match=r"matrix must be \(n, m\) with n, m >= 2, got shape \(1, 3\)"):
        singular_ratio(torch.ones(1, 3))


def test_products_keep_their_direction_however_long_the_chain():
    long = list(products([3 * COUNTEREXAMPLE] * 400))
    by_hand = torch.linalg.matrix_power(COUNTEREXAMPLE, 20)
    torch.testing.assert_close(long[19], by_hand / by_hand.abs().max())
    assert torch.isfinite(long[-1]).all() and long[-1].abs().max() == 1
    assert (list(products([torch.zeros(2, 2)] * 2))[1] == 0).all()


def test_the_counterexample_has_rank_one_in_the_limit_and_a_cone_of_45_degrees():
    """A^n = [[1, 2^n - 1], [0, 2^n]]: columns (1, 0) and (1 - 2^-n, 1) up to a factor, determinant 2^n."""
    chain = list(products([COUNTEREXAMPLE] * 40))
    for n in (1, 5, 40):
        assert column_angle(chain[n - 1]) == pytest.approx(math.degrees(math.atan2(1, 1 - 2.0**-n)), abs=1e-9)
    assert singular_ratio(chain[-1]) == pytest.approx(2.0**-41, rel=1e-3)


def test_angles_are_exact_where_they_are_small_and_zero_columns_are_left_out():
    tilted = torch.tensor([[1.0, 1.0, 0], [0, 1e-9, 0]], dtype=torch.float64)
    assert column_angle(tilted) == pytest.approx(math.degrees(1e-9), rel=1e-6)
    assert column_angle(torch.tensor([[1.0, -1], [0, 0]], dtype=torch.float64)) == pytest.approx(180)


def test_matrices_of_the_rules_by_hand():
    weight, h = torch.tensor([[1.0, -2, 3], [-1, 4, -5]]), torch.tensor([1.0, 0.5, 2])
    plus = torch.tensor([[1 / 7, 0], [0, 1], [6 / 7, 0]])            # contributions (1, -1, 6) and (-1, 2, -10)
    minus = torch.tensor([[0, 1 / 11], [1, 0], [0, 10 / 11]])
    torch.testing.assert_close(z_plus(weight, h), plus)
    torch.testing.assert_close(alpha_beta(weight, h, 3), 3 * plus - 2 * minus)
    assert (z_plus(-weight.abs(), h) == 0).all()


@pytest.mark.parametrize("alpha", [1, 2, 5])
def test_the_chain_of_matrices_is_lrp(alpha):
    network, x = perceptron(4, 6, 5, 3, activation=nn.ReLU, bias=0.0), torch.rand(4, generator=make_generator(0)).double()
    chain, h = [], x
    for layer in network[::2]:
        chain.append(alpha_beta(layer.weight.data, h, alpha))
        h = layer(h).clamp(min=0).detach()
    matrix, logits = chain[0] @ chain[1] @ chain[2], network(x[None])[0].detach()
    found = METHODS["lrp-alpha1-beta0"](network, alpha=alpha, first_layer="rule").attribute(x.expand(3, -1), target=[0, 1, 2])
    torch.testing.assert_close(found, (matrix * logits).T)


def test_what_arrives_at_a_layer_is_the_attribution_of_the_network_above_it():
    network, x, target = cnn(), images(2), torch.tensor([0, 3])
    layers = ["0", "3", "10"]
    above = {name: network[int(name):].eval() for name in layers}
    inside = {name: network[: int(name)](x).detach() for name in layers}
    for explain in (Explainer("saliency", arguments={"abs": False}), Explainer("guided-backprop"), Explainer("deconvnet")):
        caught = arriving(explain, network, x, target, layers)
        for name in layers[:2]:
            torch.testing.assert_close(caught[name], explain(above[name], inside[name], target))
    torch.testing.assert_close(arriving(explain, network, x, target, ["10"])["10"], network[-1].weight[target].detach())


def test_relevance_arrives_up_to_the_logit_and_nothing_is_left_behind():
    network, x, target = cnn(), images(2), torch.tensor([0, 3])
    explain = Explainer("lrp-alpha2-beta1", {"first_layer": "rule"})
    caught = arriving(explain, network, x, target, ["0", "3"])
    logits = network(x).detach()[range(2), target].view(-1, 1, 1, 1)
    torch.testing.assert_close(caught["3"] * logits, explain(network[3:].eval(), network[:3](x).detach(), target))
    torch.testing.assert_close(caught["0"] * logits, explain(network, x, target))
    assert not any(module._forward_pre_hooks or module._backward_hooks for module in network.modules())


def test_multipliers_arrive_for_the_inputs_and_not_for_their_baselines():
    network, x, target = cnn(), images(2), torch.tensor([0, 3])
    multipliers = arriving(Explainer("deeplift"), network, x, target, ["0"])["0"]
    torch.testing.assert_close(multipliers * x, Explainer("deeplift")(network, x, target))


def test_layers_that_the_method_does_not_reach_are_named():
    with pytest.raises(ValueError, match="layers must be reached by the method on its way back, got unused"):
        arriving(Explainer("saliency"), _Wrapped(cnn()), images(1), [0], ["network.0", "unused"])


class _Wrapped(nn.Module):
    """A network beside a layer that never runs."""

    def __init__(self, network):
        super().__init__()
        self.network, self.unused = network, nn.Linear(2, 2)
        self.eval()

    def forward(self, x):
        return self.network(x)


def test_cosines_of_all_pairs():
    rows = torch.tensor([[1.0, 0], [2, 2], [0, -3], [0, 0]], dtype=torch.float64)
    assert pairwise_cosines(rows).tolist() == pytest.approx([0.5**0.5, 0, 0, -(0.5**0.5), 0, 0])
    with pytest.raises(ValueError, match="K >= 2, got K = 1"):
        pairwise_cosines(rows[:1])
