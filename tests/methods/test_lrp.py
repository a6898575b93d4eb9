"""LRP against the code of RAP's authors, against zennit's numbers and Captum, by loops, and in its limits."""

import captum.attr
import pytest
import toys
import torch
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import nn

from xaiutils.methods import InputXGradient
from xaiutils.methods.lrp import LRP

NETS = ["mlp", "cnn3", "cnn3_bn", "cnn1", "cnn3_stride_avg"]
CASES = [f"{inputs}.{target}" for inputs in ("pos", "signed") for target in ("pred", "min")]


def close(ours, theirs, rtol):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=rtol * theirs.abs().max().item())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("alpha", [1, 2, 3, 5])
@pytest.mark.parametrize("name", [*NETS, "bottleneck"])
def test_the_code_of_raps_authors_is_met(name, alpha, case):
    arrays = toys.golden(f"rap_lrp_{name}")
    method = LRP(toys.golden_relevance_net(name, arrays), alpha=alpha, reading="authors")
    x, target = arrays[f"{case.split('.')[0]}.x"].double(), arrays[f"{case}.target"]
    close(method.attribute(x, target), arrays[f"{case}.lrp_a{alpha}"], 1e-7)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("alpha", [1, 2, 3, 5])
@pytest.mark.parametrize("variant, options", [("nobias", {"first_layer": "rule"}), ("bias", {"first_layer": "rule", "bias": "absorb"}),
                                              ("nobias_zbox", {})])
@pytest.mark.parametrize("name", NETS)
def test_zennit_is_met(name, variant, options, alpha, case):
    arrays, theirs = toys.golden(f"rap_lrp_{name}"), toys.golden(f"lrp_zennit_{name}")
    if f"{case}.a{alpha}.{variant}" not in theirs:
        assert variant == "nobias_zbox" and name in ("mlp", "cnn1")  # no colour images, no box
        return
    x, target = arrays[f"{case.split('.')[0]}.x"].double(), arrays[f"{case}.target"]
    ours = LRP(toys.golden_relevance_net(name, arrays), alpha=alpha, epsilon=1e-12, **options).attribute(x, target)
    close(ours, theirs[f"{case}.a{alpha}.{variant}"], 1e-8)


def lrp_by_loops(layers, x, target, distribute):
    """Relevance through linear layers with ReLUs between them, one weight at a time."""
    activations = [x]
    for k, layer in enumerate(layers):
        z = layer.weight @ activations[-1] + layer.bias
        activations.append(z if k == len(layers) - 1 else z.clamp(min=0))
    relevance = torch.zeros_like(activations[-1])
    relevance[target] = activations[-1][target]
    for layer, a in zip(reversed(layers), reversed(activations[:-1])):
        below = torch.zeros_like(a)
        for k in range(len(relevance)):
            shares = distribute(a, layer.weight[k], layer.bias[k])
            below += shares * relevance[k]
        relevance = below
    return relevance


def epsilon_shares(a, w, b, epsilon=0.1):
    z = (a * w).sum() + b
    return a * w / (z + epsilon * (1 if z >= 0 else -1))


def alpha2_shares(a, w, b):
    z, result = a * w, torch.zeros_like(a)
    for factor, part in ((2, z.clamp(min=0)), (-1, z.clamp(max=0))):
        result += factor * part / part.sum() if part.sum() != 0 else 0
    return result


@pytest.mark.parametrize("shares, options", [(epsilon_shares, {"rule": "epsilon", "epsilon": 0.1}), (alpha2_shares, {"alpha": 2})])
def test_a_second_slow_writing_agrees(shares, options):
    arrays = toys.golden("rap_lrp_mlp")
    net, x = toys.golden_relevance_net("mlp", arrays), arrays["signed.x"].double()
    slow = lrp_by_loops([m for m in net.classifier if isinstance(m, nn.Linear)], x[0], 2, shares)
    torch.testing.assert_close(LRP(net, **options).attribute(x[:1], 2)[0], slow, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("epsilon", [1e-9, 0.01, 0.25])
def test_captum_is_met(epsilon):
    """The epsilon rule with signed inputs and biases; Captum stabilises the pooling, too, unless told not to."""
    arrays = toys.golden("rap_lrp_cnn3")
    net, x = toys.golden_relevance_net("cnn3", arrays), arrays["signed.x"].double()
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.MaxPool2d)):
            module.rule = EpsilonRule(1e-12 if isinstance(module, nn.MaxPool2d) else epsilon)
    theirs = captum.attr.LRP(net).attribute(x.clone().requires_grad_(), 1)
    close(LRP(net, rule="epsilon", epsilon=epsilon).attribute(x, 1), theirs, 1e-9)


def test_without_epsilon_and_bias_it_is_input_times_gradient():
    arrays = toys.golden("rap_lrp_cnn3")
    net, x = toys.golden_relevance_net("cnn3", arrays), arrays["signed.x"].double()
    for module in net.modules():
        if getattr(module, "bias", None) is not None:
            module.bias.data.zero_()
    relevance, delta = LRP(net, rule="epsilon", epsilon=0).attribute(x, 1, return_convergence_delta=True)
    torch.testing.assert_close(relevance, InputXGradient(net).attribute(x, 1), rtol=1e-9, atol=1e-13)
    assert delta.abs().max() < 1e-12


def test_a_sum_is_shared_in_proportion_and_a_constant_takes_nothing():
    # h = x + 2x + 1: the branches 3 and 6 of 10 get 3/9 and 6/9 of what reaches their sum; all of it is x's in the end
    model = lambda x: ((x + 2 * x) + 1.0) @ torch.tensor([[5.0]], dtype=torch.float64)  # noqa: E731
    x = torch.tensor([[3.0]], dtype=torch.float64)
    assert LRP(lambda x: nn.functional.linear(x, torch.tensor([[5.0]], dtype=torch.float64))).attribute(x, 0).item() == pytest.approx(15)
    with pytest.raises(ValueError, match="matmul.* in the model has no relevance rule"):
        LRP(model).attribute(x, 0)


@pytest.mark.parametrize("options, message", [
    ({"rule": "gamma"}, "rule must be one of alpha-beta, epsilon, got 'gamma'"), ({"alpha": 0.5}, "alpha >= 1"),
    ({"first_layer": "w2"}, "first_layer must be one of"), ({"output": "prob"}, 'output must be "logit"'),
    ({"bias": "drop"}, "bias must be one of ignore, absorb"), ({"reading": "mine"}, "reading must be one of"),
])
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LRP(toys.cnn(), **options)


def test_networks_without_rules_are_refused_by_name():
    with pytest.raises(ValueError, match="tanh in the model is no rectifier"):
        LRP(toys.mlp(3 * 64)).attribute(toys.images(), 0)
    with pytest.raises(ValueError, match="mul.* of two activations"):
        LRP(lambda x: x.flatten(1) * x.flatten(1)).attribute(toys.images(), 0)
