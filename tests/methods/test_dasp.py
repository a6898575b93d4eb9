"""DASP: golden numbers, moments against enumeration and quadrature, a slow second writing, limits, errors."""

from itertools import combinations
from math import inf, sqrt

import numpy as np
import pytest
import toys
import torch
from scipy import integrate
from scipy.stats import norm
from torch import nn
from torch.nn import functional

from xaiutils.methods import METHODS, DASP, ExactShapley
from xaiutils.methods.dasp import FirstLayer, coalition_sizes
from xaiutils.methods.moments import Linear, clipped, larger
from xaiutils.methods.segments import Grid


def test_golden_values():
    arrays = toys.golden("dasp_shapley")
    net = toys.golden_shapley_net(arrays)
    values = DASP(net).attribute(arrays["x"][None], n_sizes=None)[0]
    torch.testing.assert_close(values, arrays["dasp_reference"], rtol=1e-9, atol=1e-14)
    # the docstring's warning: the values of eight players do not add up
    assert values.sum().item() == pytest.approx(0.394, abs=5e-4)
    assert ExactShapley(net).attribute(arrays["x"][None]).sum().item() == pytest.approx(0.291, abs=5e-4)


def slow_dasp(net, x, sizes):
    """The paper's sums for a dense network, one player, size and unit at a time, by SciPy's normal distribution."""
    arrays = [p.numpy() for p in net.state_dict().values()]
    weights, biases = arrays[::2], arrays[1::2]
    n, values = len(x), np.zeros(len(x))
    for i in range(n):
        for k in sizes:
            ends = []
            for joins in (0, 1):
                others = [weights[0][:, j] * x[j] for j in range(n) if j != i]
                mu, s2 = np.mean(others, 0), np.var(others, 0)
                mean = mu * k + joins * weights[0][:, i] * x[i] + biases[0]
                variance = np.maximum(1e-5, s2 * k * (1 - (k - 1) / (n - 2)))
                for weight, bias in zip(weights[1:], biases[1:]):
                    s = np.sqrt(np.maximum(variance, 1e-4))
                    relu = mean * norm.cdf(mean / s) + s * norm.pdf(mean / s)
                    square = (mean**2 + variance) * norm.cdf(mean / s) + mean * s * norm.pdf(mean / s)
                    mean, variance = weight @ relu + bias, weight**2 @ (square - relu**2).clip(0)
                ends.append(mean)
            values[i] += (ends[1] - ends[0])[2] / len(sizes)
    return values


def test_a_second_slow_writing():
    net = toys.seeded(1, nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 6), nn.ReLU(inplace=True), nn.Linear(6, 3))
    x = torch.randn(9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for n_sizes, sizes in ((None, range(9)), (3, (1, 4, 7)), (8, (1, 2, 3, 4, 5, 6, 7, 8))):
        values = DASP(net).attribute(x[None], target=2, n_sizes=n_sizes)[0]
        torch.testing.assert_close(values.numpy(), slow_dasp(net, x.numpy(), sizes), rtol=1e-10, atol=1e-13)


def test_sizes_are_middles_of_equal_blocks():
    assert coalition_sizes(12, 4).tolist() == [1, 4, 7, 10]
    assert coalition_sizes(5, 9).tolist() == coalition_sizes(5).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("layer", [nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.Conv2d(2, 4, 3, groups=2)])
def test_first_moments_are_those_of_all_coalitions(layer):
    layer, draw = layer.double(), torch.Generator().manual_seed(4)
    x, start = torch.rand(2, 1, 2, 4, 4, generator=draw, dtype=torch.float64)
    players, who, size = torch.as_tensor(Grid(2, 3)(np.empty((4, 4, 2)))).expand(2, 4, 4), 2, 3
    rest = layer.stride, layer.padding, layer.dilation, layer.groups
    linear, ends = Linear(functional.conv2d, (x, *layer.parameters(), *rest), {}), torch.cat([x, start])
    ours = FirstLayer(players, False, 2).moments(linear, ends, torch.tensor([who]), torch.tensor([size]))
    coalitions = [*combinations([0, 1, 3, 4, 5], size)]
    shown = [[torch.where(sum(players == k for k in (*some, *more)).bool(), x, start) for some in coalitions]
             for more in ((), (who,))]
    units = [layer(torch.cat(rows)) for rows in shown]
    torch.testing.assert_close(ours[0], units[0].mean(0), rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(ours[1], units[1].mean(0), rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(ours[2], units[0].var(0, correction=0).clamp(min=1e-5), rtol=1e-9, atol=1e-13)
    assert torch.equal(ours[2], ours[3])


def test_a_convolution_counts_who_it_sees():
    # one row of six pixels 1 ... 6, a window of three ones, no padding: unit 1 sees pixels 1, 2, 3 = values 2, 3, 4.
    # Without pixel 2 (value 3), k = 2 of 5: others seen n = 2, k' = 0.8, mean (2 + 4)/2 * 0.8 = 2.4, variance of 2, 4
    # is 1, 1 * 0.8 * (1 - (0.8 - 1)/1) = 0.96; with all five, variance
    # of 0, 2, 4, 0, 0 is 2.56, 2.56 * 2 * (1 - 1/4) = 3.84
    x = torch.arange(1.0, 7.0).double().view(1, 1, 6)
    linear = Linear(torch.conv1d, (x, torch.ones(1, 1, 3).double()), {})
    for local, variance in ((True, 0.96), (False, 3.84)):
        layer = FirstLayer(torch.arange(6).view(1, 6), local, 4)
        moments = layer.moments(linear, torch.cat([x, 0 * x]), torch.tensor([2]), torch.tensor([2]))[:, 0, 1]
        expected = torch.tensor([2.4, 5.4, variance, variance], dtype=torch.float64)
        torch.testing.assert_close(moments, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("low, high", [(0, inf), (0, 6), (-1, 1)])
@pytest.mark.parametrize("mean, variance", [(0.3, 0.5), (-2, 4), (5.5, 1), (0, 0.02)])
def test_clipped_gaussians_against_quadrature(low, high, mean, variance):
    s, bounds = sqrt(variance), (mean - 12 * sqrt(variance), mean + 12 * sqrt(variance))
    edges = [edge for edge in (low, high) if bounds[0] < edge < bounds[1]]
    first, second = (integrate.quad(lambda z: min(max(z, low), high) ** p * norm.pdf(z, mean, s), *bounds, points=edges,
                                    epsabs=1e-13)[0] for p in (1, 2))
    ours = clipped(*torch.tensor([mean, variance], dtype=torch.float64), low, high)
    assert ours[0].item() == pytest.approx(first, abs=1e-10)
    assert ours[1].item() == pytest.approx(second - first**2, abs=1e-10)


def test_the_larger_of_two_gaussians_against_quadrature():
    (m, v), (other, w) = (0.4, 0.5), (-0.3, 2.0)
    def law(z):
        one, two = norm(m, sqrt(v)), norm(other, sqrt(w))
        return one.pdf(z) * two.cdf(z) + one.cdf(z) * two.pdf(z)
    first, second = (integrate.quad(lambda z: z**p * law(z), -20, 20, points=[0], epsabs=1e-12)[0] for p in (1, 2))
    ours = larger(*torch.tensor([m, v, other, w], dtype=torch.float64))
    assert ours[0].item() == pytest.approx(first, abs=1e-9)
    assert ours[1].item() == pytest.approx(second - first**2, abs=1e-9)
    certain = larger(*torch.tensor([1.0, 0.0, 3.0, 0.0]).double())
    assert certain[0].item() == 3 and certain[1].item() == 0


class Watched(nn.Module):
    """Layers between a linear one and a linear one; keeps what passes."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.kept = layer, []

    def forward(self, x):
        self.kept += [x.clone()]
        x = self.layer(x)
        self.kept += [x.clone()]
        return x


@pytest.mark.parametrize("layer", [
    nn.BatchNorm2d(4), nn.AvgPool2d(2), nn.AvgPool2d((2, 1), 1), nn.AdaptiveAvgPool2d(2), nn.AdaptiveAvgPool2d(1),
    nn.Conv2d(4, 2, 3, padding=1), nn.AvgPool2d(2, padding=1)])
def test_linear_layers_take_moments_as_their_matrix_does(layer):
    # W m + b and W^2 v, the matrix W found by asking for each unit
    if isinstance(layer, nn.BatchNorm2d):
        layer.running_mean.copy_(torch.tensor([0.1, -0.2, 0.3, 0.0]))
        layer.running_var.copy_(torch.tensor([0.5, 2.0, 1.0, 1.5]))
    watched = Watched(layer.double().eval())
    n_units = layer(torch.zeros(1, 4, 4, 4).double()).numel()
    net = toys.seeded(0, nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(4)).eval()
    net = nn.Sequential(*net, watched, nn.Flatten(), nn.Linear(n_units, 1).double()).eval()
    DASP(net).attribute(toys.images(1), n_sizes=1, feature_mask=torch.arange(3)[:, None, None])
    (mean, variance), (out_mean, out_variance) = ([part[0] for part in kept.chunk(2)] for kept in watched.kept[-2:])
    shift = layer(torch.zeros(1, 4, 4, 4).double())
    matrix = (layer(torch.eye(64).double().view(64, 4, 4, 4)) - shift).flatten(1)          # (64, units)
    torch.testing.assert_close(out_mean.flatten(), mean.flatten() @ matrix + shift.flatten(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(out_variance.flatten(), variance.flatten() @ matrix**2, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("pool, places", [(nn.MaxPool2d(2), [0, 1, 4, 5]), (nn.MaxPool2d((3, 1), 1), [0, 4, 8])])
def test_max_pooling_is_pair_by_pair(pool, places):
    watched = Watched(pool)
    n_units = pool(torch.zeros(1, 2, 4, 4)).numel()
    net = toys.seeded(0, nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(4))
    net = nn.Sequential(*net, watched, nn.Flatten(), nn.Linear(n_units, 1).double()).eval()
    DASP(net).attribute(toys.images(1), n_sizes=1, feature_mask=torch.arange(3)[:, None, None])
    (mean, variance), ours = ([part[0, 0].flatten() for part in kept.chunk(2)] for kept in watched.kept[-2:])
    result = mean[places[0]], variance[places[0]]
    for place in places[1:]:
        result = larger(*result, mean[place], variance[place])
    torch.testing.assert_close(torch.stack([part[0] for part in ours]), torch.stack(result), rtol=1e-12, atol=1e-15)


def test_a_linear_score_gives_weights_times_differences():
    x, start = torch.tensor([[1.0, 2.0, 3.0, -1.0]]).double(), torch.tensor([[0.5, 1.0, -1.0, 0.0]]).double()
    for n_sizes in (1, None):
        values = DASP(toys.linear([1, 0, 0, 0], [2, -1, 4, 0.5])).attribute(x, start, 1, n_sizes=n_sizes)
        torch.testing.assert_close(values, torch.tensor([[1.0, -1.0, 16.0, -0.5]]).double(), rtol=1e-12, atol=1e-13)


def test_a_linear_convolutional_score_is_the_exact_value():
    net = toys.seeded(2, nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.AvgPool2d(2), nn.Conv2d(4, 5, 2), nn.Flatten(),
                      nn.Linear(5, 3))
    asked = dict(target=[2, 0], baselines="mean", segmenter=Grid(2, 3))
    ours, exact = (method(net).attribute(toys.images(2), **asked) for method in (DASP, ExactShapley))
    torch.testing.assert_close(ours, exact, rtol=1e-9, atol=1e-12)


def test_normalisation_before_the_first_layer_is_part_of_the_players():
    net, images, asked = toys.cnn()[:1], toys.images(1), dict(target=1, segmenter=Grid(2, 2))
    net = nn.Sequential(*net, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    normal = toys.Normalise()
    behind = DASP(nn.Sequential(normal, net).eval()).attribute(images, "white", **asked)
    before = DASP(net).attribute(normal(images), normal(torch.ones_like(images)), **asked)
    torch.testing.assert_close(behind, before, rtol=1e-9, atol=1e-13)


def test_close_to_the_exact_values_of_sixteen_players():
    asked = dict(target=0, segmenter=Grid(4, 4))
    exact = ExactShapley(toys.cnn()).explain(toys.images(1), **asked).values[0]
    for local in (True, False):  # measured 0.988 and 0.993
        ours = DASP(toys.cnn()).explain(toys.images(1), n_sizes=None, local=local, **asked).values[0]
        assert torch.corrcoef(torch.stack([ours, exact]))[0, 1] > 0.98


class Sums(nn.Module):
    """A branch."""

    def __init__(self, network):
        super().__init__()
        self.network = network.eval()
        self.eval()

    def forward(self, x):
        x = self.network(x)
        return x + x.relu()


@pytest.mark.parametrize("model, message", [
    (Sums(nn.Linear(3, 2).double()), "got (add|__add__), which has no rule for mean and variance"),
    (toys.mlp(3), "got tanh, which has no rule for mean and variance"),
    (nn.Sequential(nn.ReLU(), nn.Linear(3, 2).double()).eval(), "got relu, before its first linear layer"),
])
def test_networks_without_rules_are_refused_by_name(model, message):
    with pytest.raises(ValueError, match="model must be linear layers, convolutions, .* in a row, " + message):
        DASP(model).attribute(torch.ones(1, 3).double(), target=0)


@pytest.mark.parametrize("pool, message", [
    (nn.MaxPool2d(3, padding=1), "model must pool by max without padding"),
    (nn.AvgPool2d(3, ceil_mode=True), "model must average over windows"),
    (nn.AdaptiveAvgPool2d(3), r"model must average over windows of one size, got \(8, 8\) to \(3, 3\)")])
def test_pooling_over_uneven_windows_is_refused(pool, message):
    net = nn.Sequential(nn.Conv2d(3, 1, 1).double(), pool, nn.Flatten()).eval()
    with pytest.raises(ValueError, match=message):
        DASP(net).attribute(toys.images(1), target=0)


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="n_sizes must be a positive integer, or None for every size, got 0"):
        METHODS["dasp"](toys.linear([1, 1])).attribute(torch.ones(1, 2).double(), n_sizes=0)
    with pytest.raises(ValueError, match='output must be "logit" for dasp.* got \'prob\''):
        METHODS["dasp"](toys.linear([1, 1]), output="prob")
