"""RAP against the authors' released code, map by map and module by module, and what it conserves."""

import pytest
import toys
import torch

from xaiutils.methods.rap import RAP

NETS = ["mlp", "cnn3", "cnn3_bn", "cnn1", "cnn3_stride_avg", "bottleneck"]
CASES = [f"{inputs}.{target}" for inputs in ("pos", "signed") for target in ("pred", "min")]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", NETS)
def test_the_released_code_is_met(name, case):
    arrays = toys.golden(f"rap_lrp_{name}")
    x, target = arrays[f"{case.split('.')[0]}.x"].double(), arrays[f"{case}.target"]
    ours, theirs = RAP(toys.golden_relevance_net(name, arrays)).attribute(x, target), arrays[f"{case}.rap"]
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9 * theirs.abs().max().item())


@pytest.mark.parametrize("name, case, times", [("cnn3_bn", "signed.pred", 1), ("bottleneck", "pos.min", 1), ("mlp", "pos.pred", 1),
                                               ("mlp", "signed.pred", 2), ("cnn1", "signed.min", 2)])
def test_the_sum_is_the_logit_or_twice_it_for_signed_inputs(name, case, times):
    arrays = toys.golden(f"rap_lrp_{name}")
    net, x = toys.golden_relevance_net(name, arrays), arrays[f"{case.split('.')[0]}.x"].double()
    relevance, delta = RAP(net).attribute(x, arrays[f"{case}.target"], return_convergence_delta=True)
    logit = net(x).gather(1, arrays[f"{case}.target"][:, None])[:, 0]
    torch.testing.assert_close(relevance.flatten(1).sum(1), times * logit, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(delta, (times - 1) * logit, rtol=1e-9, atol=1e-9)


def test_by_hand():
    # h = relu(x1 + 2 x2), relu(3 x1 - x2); score = 2 h1 - h2 at x = (1, 2): h = (5, 1), score 9
    net = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), torch.nn.ReLU(), torch.nn.Linear(2, 1, bias=False)).double().eval()
    net[0].weight.data, net[2].weight.data = (torch.tensor(w, dtype=torch.float64) for w in ([[1.0, 2.0], [3.0, -1.0]], [[2.0, -1.0]]))
    # last layer: r = (10, -1), R = |r| 9 / 11 = (90/11, 9/11). First unit: A = 5, B = 0: C = (1, 4) R1 / 5.
    # Second: A = 3, B = 2: x1 gets R2, x2 gets the share 2/5 of it. Handed out 4/11 R2-shares too much, half of it off each
    r1, r2 = 90 / 11, 9 / 11
    c = [r1 / 5 + r2, 4 * r1 / 5 + 2 / 5 * r2]
    excess = sum(c) - r1 - r2
    expected = [value - excess / 2 for value in c]
    assert RAP(net).attribute(torch.tensor([[1.0, 2.0]], dtype=torch.float64), 0)[0].tolist() == pytest.approx(expected, rel=1e-12)


def test_negative_relevance_can_be_sent_to_inhibitory_inputs():
    arrays = toys.golden("rap_lrp_mlp")
    net, x = toys.golden_relevance_net("mlp", arrays), arrays["pos.x"].double()
    official, other = (RAP(net, negative_to=n).attribute(x, arrays["pos.min.target"]) for n in ("official", "inhibitory"))
    assert (official - other).abs().max() > 0.01 * official.abs().max()
    torch.testing.assert_close(official.sum(1), other.sum(1))


@pytest.mark.parametrize("options, message", [({"first_layer": "box"}, "first_layer must be zbox or rule"),
                                              ({"negative_to": "nobody"}, "negative_to one of official, inhibitory"),
                                              ({"output": "prob"}, 'output must be "logit"')])
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RAP(toys.cnn(), **options)


def test_a_network_that_ends_in_a_convolution_is_refused():
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 8), torch.nn.Flatten()).double().eval()
    with pytest.raises(ValueError, match="model must end in a linear layer for RAP, got conv2d"):
        RAP(net).attribute(toys.images(), 0)
