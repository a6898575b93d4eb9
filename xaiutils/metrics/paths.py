r"""How straight, and how long, is the way between two images, as pixels or as the network's features?

For the points p_0 ... p_K of a path, with the Euclidean norm over all their entries:

.. math:: \mathrm{arc} = \sum_k \lVert p_{k+1} - p_k \rVert, \qquad \mathrm{chord} = \lVert p_K - p_0 \rVert,
          \qquad \mathrm{straightness} = \mathrm{chord} / \mathrm{arc}

The arc grows with the number of points, so only paths with the same number of points are compared. Neither a long nor
a bent path is bad: AGI's paper (Pan, Li, Zhu, IJCAI 2021, Section 3) claims that its paths are straight in features.
"""

import torch
from torch import nn

from xaiutils.core import check_inputs, lend
from xaiutils.engine import Engine


def arc_length(points):
    """Length of the polygon through ``points`` (S, ...), at least two, in the unit of its coordinates. -> float"""
    _check_points(points)
    return points.double().flatten(1).diff(dim=0).norm(dim=1).sum().item()


def straightness(points):
    """Chord over arc of ``points`` (S, ...), in [0, 1]; 1 = a straight line, NaN = a path that never moved. -> float"""
    arc = arc_length(points)
    chord = (points[-1].double() - points[0].double()).norm().item()
    return min(chord / arc, 1.0) if arc > 0 else float("nan")         # rounding must not make it 1.0000000000000002


def segment(points):
    """The straight way between the ends of ``points`` (S, ...): as many points, evenly spaced. -> like ``points``"""
    _check_points(points)
    alphas = torch.linspace(0, 1, len(points), dtype=points.dtype, device=points.device)
    return points[0] + alphas.view(-1, *[1] * (points.dim() - 1)) * (points[-1] - points[0])


def penultimate(model):
    """The network's last ``nn.Linear`` in the order of definition: features enter it, its weight is the head W."""
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(f"model must have an nn.Linear layer for the features, got none in {type(model).__name__}.")
    return linear[-1]


def feature_path(model, points, internal_batch_size=None):
    """Features of ``points`` (S, C, H, W): what enters the last linear layer. -> (S, F), without gradients.

    The hook that reads them is gone afterwards. ``internal_batch_size`` rows a pass (default: the engine's).
    """
    check_inputs(points, "points")
    features = []
    with lend(model):
        hook = penultimate(model).register_forward_pre_hook(lambda _, args: features.append(args[0].flatten(1)))
        try:
            Engine(model, internal_batch_size=internal_batch_size).scores(points)
        finally:
            hook.remove()
    if not features:
        raise ValueError("model must run its last nn.Linear layer, got a network that never calls it.")
    return torch.cat(features)


def _check_points(points):
    check_inputs(points, "points")
    if len(points) < 2:
        raise ValueError(f"points must be (S, ...) with at least two points, got shape {tuple(points.shape)}.")
