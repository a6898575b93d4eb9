"""Toy networks in float64, small enough to know their answers: for notebooks and first experiments.

Their text outputs are the same on every machine, and a hundred paths through them take a second.
"""

import math
from itertools import pairwise

import torch
from torch import nn


class Blobs(nn.Module):
    r"""The best possible classifier of points drawn from round Gaussian blobs, one blob a class.

    .. math:: z_k(x) = -\frac{|x - c_k|^2}{2 s_k^2} - D \log s_k

    ``c_k``  centre of blob k                  ``centres`` (K, D)
    ``s_k``  its standard deviation            ``widths`` (K,)
    ``z``    logits (N, K) of points (N, D); their softmax is the probability of each blob given the point (Bayes' rule)
    """

    def __init__(self, centres, widths):
        super().__init__()
        self.register_buffer("centres", torch.as_tensor(centres, dtype=torch.float64))
        self.register_buffer("widths", torch.as_tensor(widths, dtype=torch.float64))
        if self.centres.dim() != 2 or self.widths.shape != self.centres.shape[:1] or not (self.widths > 0).all():
            raise ValueError(f"centres must be (K, D) and widths K positive numbers, got shape {tuple(self.centres.shape)} "
                             f"and {self.widths.tolist()}.")
        self.eval()

    def forward(self, x):
        distances = (x[:, None] - self.centres).square().sum(2)                                # (N, K)
        return -distances / (2 * self.widths**2) - x.shape[1] * self.widths.log()

    def sample(self, n, generator):
        """``n`` points (n, D) and the blob (n,) each was drawn from, the blobs in turn."""
        labels = torch.arange(n) % len(self.centres)
        noise = torch.randn(n, self.centres.shape[1], generator=generator, dtype=torch.float64)
        return self.centres[labels] + self.widths[labels, None] * noise, labels


def ring(n_classes=6, radius=3.0, widths=(1.0, 0.8, 1.2)):
    """:class:`Blobs` in the plane: centres evenly on a circle about the origin, the first on the x axis.

    ``widths`` are dealt out in turn. Unequal ones bend the borders between classes, which keeps the toy from being linear;
    at radius 3 neighbours overlap, so that probabilities are neither 0 nor 1.
    """
    angles = torch.arange(n_classes, dtype=torch.float64) * (2 * math.pi / n_classes)
    centres = radius * torch.stack([angles.cos(), angles.sin()], dim=1)
    return Blobs(centres, [widths[k % len(widths)] for k in range(n_classes)])


def perceptron(*sizes, seed=0, activation=nn.Tanh, bias=0.1):
    """A network with random weights: linear layers of ``sizes`` (inputs, hidden ..., classes), ``activation`` between them.

    Weights are normal with variance 1 / inputs of the layer, biases with standard deviation ``bias``, drawn from ``seed``;
    ``bias=0`` makes none matter, so that with ``nn.ReLU`` the scores are homogeneous: f(2 x) = 2 f(x).
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes must be at least two numbers, inputs and classes, got {sizes}.")
    generator, layers = torch.Generator().manual_seed(seed), []
    for n_in, n_out in pairwise(sizes):
        layer = nn.utils.skip_init(nn.Linear, n_in, n_out, dtype=torch.float64)  # leaves the global generator alone
        layer.weight.data = torch.randn(n_out, n_in, generator=generator, dtype=torch.float64) / math.sqrt(n_in)
        layer.bias.data = bias * torch.randn(n_out, generator=generator, dtype=torch.float64)
        layers += [layer, activation()]
    return nn.Sequential(*layers[:-1]).eval()
