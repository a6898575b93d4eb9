"""Guided Backprop by hand, against Captum where Captum is right, and where Captum silently returns the gradient."""

import copy

import captum.attr
import pytest
import toys
import torch
from torch import nn
from torch.nn import functional

from xaiutils import datasets, models
from xaiutils.methods import GuidedBackprop, Saliency

quietly = pytest.mark.filterwarnings("ignore:Input Tensor 0", "ignore:Setting backward hooks")
WRITINGS = {
    "module": nn.ReLU(), "module in place": nn.ReLU(inplace=True), "F.relu": functional.relu,
    "F.relu in place": lambda x: functional.relu(x, inplace=True), "torch.relu": torch.relu, "method": lambda x: x.relu(),
    "method in place": lambda x: x.relu_(), "F.relu_": functional.relu_, "torch.relu_": torch.relu_,
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_every_way_to_write_a_relu_counts(writing):
    # h = relu(x1, x2), relu again; score = h1 - h2: guided sends +1 back for h1 and cuts the -1 of h2
    rectify = WRITINGS[writing]
    model = lambda x: rectify(rectify(1.0 * x)) @ torch.tensor([[1.0], [-1.0]])  # noqa: E731
    result = GuidedBackprop(model).attribute(torch.tensor([[2.0, 3.0], [-2.0, 3.0]]), 0)
    assert result.tolist() == [[1.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("rectify", [nn.ReLU6(), functional.relu6, nn.Hardtanh(0.0, 6.0), nn.ReLU6(inplace=True)])
def test_a_relu6_also_closes_above_six(rectify):
    model = lambda x: rectify(1.0 * x) @ torch.tensor([[1.0], [1.0], [-1.0]])  # noqa: E731
    assert GuidedBackprop(model).attribute(torch.tensor([[2.0, 7.0, 2.0]]), 0).tolist() == [[1.0, 0.0, 0.0]]


def test_a_rectifier_in_place_is_seen_by_everyone_who_holds_the_tensor():
    def model(x):
        h = 1.0 * x
        functional.relu(h, inplace=True)  # the result is not assigned
        return h.sum(1, keepdim=True)
    assert GuidedBackprop(model).attribute(torch.tensor([[2.0, -3.0]]), 0).tolist() == [[1.0, 0.0]]


@quietly
def test_captum_is_met_on_nn_relu_modules():
    arrays = toys.golden("agi_cnn_f64")
    model, images = toys.golden_cnn(arrays), arrays["x"].double()
    theirs = captum.attr.GuidedBackprop(model).attribute(images, torch.tensor([1, 2, 3]))
    torch.testing.assert_close(GuidedBackprop(model).attribute(images, [1, 2, 3]), theirs, rtol=1e-10, atol=1e-16)


@quietly
def test_a_photograph_network_gets_guided_backprop_and_not_its_gradient():
    network, x = models.load("efficientnet-lite0"), datasets.photographs(1).inputs
    gradient = Saliency(network).attribute(x, "pred", abs=False)
    ours = GuidedBackprop(network).attribute(x, "pred")
    assert (ours - gradient).norm() > gradient.norm()
    with_relu_modules = _relu6_as_relu(network)
    theirs = captum.attr.GuidedBackprop(with_relu_modules).attribute(x.clone(), network(x).argmax(1))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-6 * theirs.abs().max().item())


class _Capped(nn.Module):
    """relu6(x) = relu(x) - relu(x - 6), with a ReLU that Captum can hook and a cap it cannot."""

    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(x).clamp(max=6)


def _relu6_as_relu(network):
    """A copy in which every ReLU6 is a hookable ReLU with a cap behind it."""
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU6):
                setattr(parent, name, _Capped())
    return network


def test_a_network_without_rectifiers_is_refused():
    with pytest.raises(ValueError, match="needs rectifiers .* found linear, smooth activation only; use Saliency"):
        GuidedBackprop(toys.mlp(3 * 64)).attribute(toys.images(), 0)
