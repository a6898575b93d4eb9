"""RevealCancel on min(x1, x2), neuron by neuron in numpy, in its limits, complete, and untouched by folding."""

import numpy as np
import pytest
import toys
import torch
from torch import nn
from torch.nn import functional

from xaiutils import datasets, models
from xaiutils._torchvision import torchvision
from xaiutils.methods import DeepLift, DeepLiftRevealCancel

TARGET = torch.tensor([1, 0, 4])


def minimum(x):
    """min(x1, x2) = x1 - relu(x1 - x2)."""
    weights = torch.tensor([[1.0, 0.0], [1.0, -1.0]], dtype=x.dtype)
    return functional.linear(x, weights[:1]) - functional.relu(functional.linear(x, weights[1:]))


@pytest.mark.parametrize("x, wanted", [((3, 1), (0.5, 0.5)), ((1, 3), (0.5, 0.5)), ((-1, 2), (-1.0, 0.0)),
                                       ((-1, -3), (-0.5, -2.5))])
def test_both_inputs_answer_for_their_minimum(x, wanted):
    """By hand; these are the Shapley values of min from (0, 0)."""
    ours = DeepLiftRevealCancel(minimum).attribute(torch.tensor([x], dtype=torch.float64))
    torch.testing.assert_close(ours, torch.tensor([wanted], dtype=torch.float64), rtol=0, atol=1e-15)


def test_rescale_gives_it_all_to_the_smaller_one():
    x = torch.tensor([[3.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    assert DeepLift(minimum).attribute(x).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    drawn = 5 * torch.rand(1000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours = DeepLiftRevealCancel(minimum).attribute(drawn)
    torch.testing.assert_close(ours, drawn.amin(1, keepdim=True).expand(-1, 2) / 2, rtol=0, atol=1e-12)


def slowly(network, x, base, target):
    """Linear layers and elementwise functions in a row, one unit and one weight at a time."""
    parts, steps = [(max(a - b, 0.0), min(a - b, 0.0)) for a, b in zip(x, base)], []
    at_x, at_base = list(x), list(base)
    for layer in network:
        if isinstance(layer, nn.Linear):
            weight, bias, differences = layer.weight.tolist(), layer.bias.tolist(), np.subtract(at_x, at_base).tolist()
            parts = [tuple(sum(cut(w * d, 0) for w, d in zip(row, differences)) for cut in (max, min)) for row in weight]
            steps.append((weight, differences))
            at_x, at_base = ([b + float(np.dot(row, values)) for row, b in zip(weight, bias)] for values in (at_x, at_base))
        else:
            g = lambda z, layer=layer: float(layer(torch.tensor(z, dtype=torch.float64)))  # noqa: E731
            changes = [[(g(z + part) - g(z) + g(z + other + part) - g(z + other)) / 2 for part, other in ((up, down), (down, up))]
                       for z, (up, down) in zip(at_base, parts)]
            steps.append((None, [[c / p if p else 0.0 for c, p in zip(*both)] for both in zip(changes, parts)]))
            parts, at_x, at_base = changes, [g(z) for z in at_x], [g(z) for z in at_base]
    multipliers = [[float(k == target)] * 2 for k in range(len(at_x))]  # for the positive part, for the negative part
    for weight, known in reversed(steps):
        if weight is None:
            multipliers = [[m * slope for m, slope in zip(*both)] for both in zip(multipliers, known)]
        else:
            below = [sum(row[i] * (sum(m) / 2 if d == 0 else m[row[i] * d < 0]) for row, m in zip(weight, multipliers))
                     for i, d in enumerate(known)]
            multipliers = [[m, m] for m in below]
    return [m[0] * (a - b) for m, a, b in zip(multipliers, x, base)]


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ReLU6, nn.Tanh, nn.Sigmoid])
def test_a_slow_writing_is_met(activation):
    network = toys.seeded(3, nn.Linear(4, 6), activation(), nn.Linear(6, 5), activation(), nn.Linear(5, 3))
    drawn = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    wanted = [slowly(network, x.tolist(), base.tolist(), 2) for x, base in zip(*drawn)]
    ours = DeepLiftRevealCancel(network).attribute(drawn[0], drawn[1], 2)
    torch.testing.assert_close(ours, torch.tensor(wanted, dtype=torch.float64), rtol=1e-9, atol=1e-12)
    assert (ours - DeepLift(network).attribute(drawn[0], drawn[1], 2)).abs().max() > 1e-3


def test_a_linear_score_gives_differences_times_weights():
    model, x = toys.linear([2.0, -1.0], [0.0, 1.0]), torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    assert DeepLiftRevealCancel(model).attribute(x, 1.0, 0).tolist() == [[4.0, -3.0]]
    assert DeepLiftRevealCancel(model).attribute(x, x, 0).tolist() == [[0.0, 0.0]]


def test_contributions_of_one_sign_give_deeplift():
    """No weight is negative and the images are brighter than black: nothing to cancel, also through pooling."""
    model = toys.seeded(0, nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 2), nn.Tanh(), nn.AvgPool2d(2),
                        nn.Flatten(), nn.Linear(4, 5))
    for layer in (model[0], model[3]):
        layer.weight.data.abs_()
    ours, rescale = (method(model).attribute(toys.images(), "black", TARGET) for method in (DeepLiftRevealCancel, DeepLift))
    torch.testing.assert_close(ours, rescale, rtol=1e-9, atol=1e-12)


class Folded(nn.Module):
    """conv, a factor for each channel, ReLU; the factor in a BatchNorm, in a product, or in the weights."""

    def __init__(self, how):
        super().__init__()
        self.how, norm = how, nn.BatchNorm2d(4, eps=0.0)
        self.net = toys.seeded(2, nn.Conv2d(3, 4, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))
        self.factors = torch.tensor([1.5, -2.0, -0.5, 1.0], dtype=torch.float64)
        norm.weight.data.copy_(self.factors), norm.bias.data.zero_()
        self.eval()

    def forward(self, x):
        conv, norm, *others = self.net
        if self.how == "weights":
            x = functional.conv2d(x, conv.weight * self.factors.view(-1, 1, 1, 1), conv.bias * self.factors)
        elif self.how == "norm":
            x = norm(conv(x))
        elif self.how == "product":
            x = conv(x) * self.factors.view(-1, 1, 1)
        else:  # a difference of two branches, the factors' positive part and the size of their negative one
            x = conv(x) * self.factors.clamp(min=0).view(-1, 1, 1) - conv(x) * (-self.factors).clamp(min=0).view(-1, 1, 1)
        return nn.Sequential(*others)(x)


@pytest.mark.parametrize("how", ["norm", "product", "difference"])
def test_folding_a_factor_into_the_weights_changes_nothing(how):
    images, start = toys.images(), toys.images(seed=5)
    ours, folded = (DeepLiftRevealCancel(Folded(h)).attribute(images, start, TARGET) for h in (how, "weights"))
    torch.testing.assert_close(ours, folded, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("start", ["black", "white", "noise", 0.3])
def test_nothing_is_lost_in_pooling_ties_and_overlaps(start):
    model = toys.seeded(1, nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(6, 4, 2), nn.MaxPool2d(1), nn.ReLU6(),
                        nn.AvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    _, delta = DeepLiftRevealCancel(model).attribute(toys.images(), start, TARGET, return_convergence_delta=True)
    assert delta.abs().max() < 1e-12


NETWORKS = {
    "efficientnet-lite0": lambda: models.load("efficientnet-lite0"), "resnet18": lambda: torchvision.models.resnet18(num_classes=10),
    "alexnet": lambda: torchvision.models.alexnet(num_classes=10), "vgg11_bn": lambda: torchvision.models.vgg11_bn(num_classes=10),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_attributions_add_up_on_networks_for_photographs(name):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = NETWORKS[name]().eval().double()
    x = datasets.photographs(1).inputs[:, :, ::3, ::3].double()[:, :, :64, :64]
    attributions, delta = DeepLiftRevealCancel(network).attribute(x, "blur", 3, return_convergence_delta=True)
    assert delta.abs().item() < 1e-8 * attributions.abs().sum().item()


def test_products_of_activations_are_refused():
    with pytest.raises(ValueError, match="mul of two activations"):
        DeepLiftRevealCancel(lambda x: torch.mul(x, x).flatten(1)).attribute(toys.images(), target=0)
