"""Toy networks: closed forms of Gaussian blobs, and perceptrons that are what was asked for."""

import pytest
import torch
from scipy.stats import multivariate_normal

from xaiutils.models import toys


def test_blobs_are_bayes_rule_for_gaussian_densities():
    blobs = toys.ring()
    x = torch.tensor([[0.3, -0.2], [2.5, 1.0], [-3.0, 0.1]], dtype=torch.float64)
    densities = torch.stack([torch.from_numpy(multivariate_normal(centre.numpy(), width.item() ** 2).pdf(x.numpy()))
                             for centre, width in zip(blobs.centres, blobs.widths)], dim=1)
    torch.testing.assert_close(blobs(x).softmax(1), densities / densities.sum(1, keepdim=True))


def test_blobs_in_the_middle_of_two_equal_ones_are_undecided():
    blobs = toys.Blobs([[0.0, 0.0], [2.0, 0.0]], [1.0, 1.0])
    x = torch.tensor([[1.0, 5.0], [0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(blobs(x)[1], torch.tensor([0.0, -2.0], dtype=torch.float64))
    torch.testing.assert_close(blobs(x).softmax(1)[0], torch.tensor([0.5, 0.5], dtype=torch.float64))


def test_samples_come_from_their_blob_and_from_the_generator():
    blobs = toys.Blobs([[0.0, 0.0], [10.0, -10.0]], [0.5, 2.0])
    points, labels = blobs.sample(4000, torch.Generator().manual_seed(0))
    assert labels[:4].tolist() == [0, 1, 0, 1]
    for k in (0, 1):
        torch.testing.assert_close(points[labels == k].mean(0), blobs.centres[k], atol=0.15, rtol=0)
        assert (points[labels == k] - blobs.centres[k]).std().item() == pytest.approx(blobs.widths[k].item(), rel=0.05)
    assert torch.equal(points, blobs.sample(4000, torch.Generator().manual_seed(0))[0])


def test_a_perceptron_is_its_formula_and_leaves_the_global_generator_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    net = toys.perceptron(4, 8, 3, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    x = torch.ones(2, 4, dtype=torch.float64)
    by_hand = torch.tanh(x @ net[0].weight.T + net[0].bias) @ net[2].weight.T + net[2].bias
    torch.testing.assert_close(net(x), by_hand)
    assert torch.equal(net(x), toys.perceptron(4, 8, 3, seed=1)(x)) and not torch.equal(net(x), toys.perceptron(4, 8, 3)(x))


def test_a_perceptron_with_rectifiers_and_no_biases_is_homogeneous():
    net = toys.perceptron(4, 8, 3, seed=1, activation=torch.nn.ReLU, bias=0)
    x = torch.tensor([[1.0, -2.0, 0.5, 3.0]], dtype=torch.float64)
    torch.testing.assert_close(net(2 * x), 2 * net(x))
    assert torch.equal(net[0].weight, toys.perceptron(4, 8, 3, seed=1)[0].weight)                # the same draws


def test_wrong_arguments_are_refused_by_name():
    with pytest.raises(ValueError, match=r"centres must be \(K, D\) and widths K positive numbers"):
        toys.Blobs([[0.0, 1.0]], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"widths K positive numbers, got .*-1.0"):
        toys.Blobs([[0.0, 1.0]], [-1.0])
    with pytest.raises(ValueError, match="sizes must be at least two numbers"):
        toys.perceptron(4)
