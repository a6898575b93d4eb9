r"""Insertion and deletion games: does the score follow the pixels that the map ranks first?

Per image, with n = ceil(H W / step) and pixels in the order of decreasing map value:

.. math:: s_k = f_c\bigl(m_k \odot x_\mathrm{finish} + (1 - m_k) \odot x_\mathrm{start}\bigr), \qquad k = 0 \dots n,
          \qquad m_k = [\mathrm{rank} < k \cdot \mathrm{step}]

``f_c``      score of the explained class; the same class at every point, whatever the substrate is taken for
``m_k``      pixels shown so far, on all channels                                        (N, 1, H, W)
insertion    starts from the substrate and finishes at the image: a HIGHER curve is better
deletion     starts from the image and finishes at the substrate: a LOWER curve is better

Fill         ``substrate``: ``"black"`` (zeros; favours maps that mark bright pixels, so look at blur too), ``"blur"``
             (11x11 kernel of sigma 5, zero padding: dark borders, as in RISE), ``"mean"`` (each image's own colour),
             or a tensor that broadcasts to the inputs (RISE deletes to the network's mean colour: pass that)
Order        ``ranking="mean"`` ranks the mean over channels. ``"per_channel_union"`` is what AGI's released evaluator
             does with a map of three channels: each channel has its own ranking, and a step shows the union of the
             channels' next pixels, up to three times as many, so its curves rise sooner and compare with nothing else
Ties         by pixel index (row by row). The published code leaves them undefined
Output       ``"prob"`` (softmax) as published; a model that ends in softmax itself wants ``output="logit"``
Area         :func:`auc`: trapezoid on [0, 1]. AGI's evaluator reports the plain mean: ``rule="mean"``
Blocks       a map that is constant on 8x8 blocks, with a step that is a multiple of 64, plays with whole blocks
Limit cases  a constant score gives a constant curve; step >= H W gives the two end points
Source       Petsiuk, Das, Saenko: RISE, BMVC 2018, Section 4.2 (``evaluation.py`` of the released code); Pan, Li, Zhu:
             AGI, IJCAI 2021, Section 5.3
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter

from xaiutils.core import check_inputs, lend
from xaiutils.engine import Engine

SUBSTRATES = ("black", "blur", "mean")
RANKINGS = ("mean", "per_channel_union")
GAMES = ("insertion", "deletion")


def insertion_curve(model, inputs, attributions, target="pred", *, step=224, substrate="black", ranking="mean",
                    output="prob", internal_batch_size=None):
    """Scores while the best-ranked pixels enter the substrate; a higher area is better. -> (N, n + 1), float64.

    ``inputs`` (N, C, H, W), ``attributions`` (N, C, H, W) or (N, H, W); ``step`` pixels enter at a time (224, a row of
    an ImageNet picture, gives the 225 points of the published runs). Only forward passes are made, of
    ``internal_batch_size`` rows (default: 16 photographs of 224x224), steps and images together. What is filled in,
    how pixels are ordered and which score is drawn is told at the top of this file.
    """
    return _curve("insertion", model, inputs, attributions, target, step, substrate, ranking, output,
                  internal_batch_size)


def deletion_curve(model, inputs, attributions, target="pred", *, step=224, substrate="black", ranking="mean",
                   output="prob", internal_batch_size=None):
    """Scores while the best-ranked pixels leave the image; a lower area is better. -> (N, n + 1), float64.

    Arguments as for :func:`insertion_curve`; the first point is the untouched image.
    """
    return _curve("deletion", model, inputs, attributions, target, step, substrate, ranking, output,
                  internal_batch_size)


def auc(curves, rule="trapezoid"):
    """Area under each curve (N, n + 1) on [0, 1], by trapezoids, or with ``rule="mean"`` the plain mean. -> (N,)"""
    curves = torch.as_tensor(curves, dtype=torch.float64)
    if curves.dim() != 2 or curves.shape[1] < 2:
        raise ValueError(f"curves must be (N, n + 1) with at least two points each, got shape {tuple(curves.shape)}.")
    _one_of("rule", rule, ("trapezoid", "mean"))
    if rule == "mean":
        return curves.mean(1)
    return torch.trapezoid(curves, dx=1 / (curves.shape[1] - 1), dim=1)


def reveal(inputs, substrate, attributions, fraction, game, ranking="mean"):
    """The images (N, C, H, W) of a game at one moment: ``fraction`` in [0, 1] of the ranking has been played."""
    _one_of("game", game, GAMES)
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction must lie in [0, 1], got {fraction!r}.")
    ranks = _pixel_ranks(inputs, attributions, ranking)
    start, finish = _start_and_finish(game, inputs, substrate)
    return torch.where(ranks < round(fraction * inputs[0, 0].numel()), finish, start)


def substrate_of(inputs, substrate):
    """The image without information that stands in for removed pixels, shaped like ``inputs``."""
    if isinstance(substrate, torch.Tensor):
        try:
            return substrate.to(inputs).expand_as(inputs)
        except RuntimeError:
            shapes = f"{tuple(substrate.shape)} for inputs of {tuple(inputs.shape)}"
            raise ValueError(f"substrate must broadcast to the inputs, got shape {shapes}.") from None
    _one_of("substrate", substrate, SUBSTRATES)
    if substrate == "black":
        return torch.zeros_like(inputs)
    if substrate == "mean":
        return inputs.mean((2, 3), keepdim=True).expand_as(inputs)
    kernel = _blur_kernel().to(inputs).expand(inputs.shape[1], 1, -1, -1)
    return F.conv2d(inputs, kernel, padding=kernel.shape[-1] // 2, groups=inputs.shape[1])


def _curve(game, model, inputs, attributions, target, step, substrate, ranking, output, internal_batch_size):
    if isinstance(step, bool) or not isinstance(step, int) or step < 1:
        raise ValueError(f"step must be a positive number of pixels, got {step!r}.")
    ranks = _pixel_ranks(inputs, attributions, ranking)
    start, finish = _start_and_finish(game, inputs, substrate)
    n_points = math.ceil(inputs[0, 0].numel() / step) + 1
    engine = _forward_engine(model, inputs, output, internal_batch_size)
    scores = []
    with lend(model):
        target = engine.target(inputs, target)
        for row in torch.arange(len(inputs) * n_points, device=inputs.device).split(engine.batch_size(inputs)):
            image, shown = row // n_points, row % n_points * step                              # (R,), (R,)
            source = image[:1] if image[0] == image[-1] else image       # rows of one image need no copies of it
            rows = torch.where(ranks[source] < shown[:, None, None, None], finish[source], start[source])
            scores.append(engine.scores(rows).gather(1, target[image, None]))
    return torch.cat(scores).view(len(inputs), n_points).double()


def _forward_engine(model, inputs, output, internal_batch_size):
    """By default with twice the engine's rows a pass: no pass here keeps anything for a gradient."""
    if internal_batch_size is None:
        internal_batch_size = 2 * Engine(model).batch_size(inputs)
    return Engine(model, output=output, internal_batch_size=internal_batch_size)


def _start_and_finish(game, inputs, substrate):
    filled = substrate_of(inputs, substrate)
    return (filled, inputs) if game == "insertion" else (inputs, filled)


def _pixel_ranks(inputs, attributions, ranking):
    """Place of each pixel in its image's order, 0 for the first; of several rankings the earliest. -> (N, 1, H, W)"""
    check_inputs(inputs)
    check_inputs(attributions, "attributions")
    _one_of("ranking", ranking, RANKINGS)
    maps = attributions[:, None] if attributions.dim() == 3 else attributions
    if inputs.dim() != 4 or maps.dim() != 4 or (len(maps), *maps.shape[2:]) != (len(inputs), *inputs.shape[2:]):
        raise ValueError(f"attributions must be (N, H, W) or (N, C, H, W) for inputs of {tuple(inputs.shape)}, "
                         f"got shape {tuple(attributions.shape)}.")
    if ranking == "mean":
        maps = maps.mean(1, keepdim=True)
    order = maps.flatten(2).argsort(dim=2, descending=True, stable=True)                        # (N, C, H W)
    places = torch.arange(order.shape[2], device=order.device).expand_as(order)
    return torch.empty_like(order).scatter_(2, order, places).amin(1).view(len(inputs), 1, *inputs.shape[2:])


def _blur_kernel(size=11, sigma=5):
    """A point in the middle of an 11x11 field, filtered: sums to 1 and, cut so close, is nearly flat."""
    point = np.zeros((size, size))
    point[size // 2, size // 2] = 1
    return torch.from_numpy(gaussian_filter(point, sigma))


def _one_of(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")
