r"""Gradient integration over samples of any kind: one map each from noisy, scaled and suppressed copies of an image.

.. math:: A_q = \frac{1}{K} \sum_{k=1}^{K} |\nabla \log p_t(\hat x_k)|, \qquad \hat x_k \sim q(\cdot \mid x)

``q``  what Section 3 of the paper compares: ``"image"`` (the image itself: the size of its gradient), ``"noise"``
       (SmoothGrad's copies), ``"scaling"`` (those of Integrated Gradients) and ``"dropping"`` (the paper's own)

The originals of SmoothGrad and Integrated Gradients average signed gradients; Eq. 7 averages sizes. Use the methods of
those names for the originals.

Limit cases   With ``"image"`` the map is Saliency's for any K; noise of level 0 and dropping of nothing give the same.
Cost          K forward and backward passes, as each of the methods.
Source        Sampling Matters in Explanations (manuscript), Eq. 7.
"""

import torch
from torch import Tensor

from xaiutils.core import check_inputs, lend, make_generator
from xaiutils.engine import Engine
from xaiutils.methods.captum_methods import IntegratedGradients, Saliency
from xaiutils.methods.feature_suppression import FeatureSuppression
from xaiutils.methods.pixel_dropping import draw_masks, places_of, suppress
from xaiutils.methods.smoothgrad import SmoothGrad

KINDS = ("image", "noise", "scaling", "dropping")


def draw_samples(kind, x: Tensor, n_samples: int, level=0.7, *, fill=0.0, seed=0) -> Tensor:
    """``n_samples`` copies (K, C, H, W) of one image ``x`` (1, C, H, W).

    ``kind``   one of ``KINDS``
    ``level``  noise: its standard deviation as a share of the image's range; dropping: the share of pixels suppressed
               (their number binomial); scaling: the factors are evenly spaced in (0, level); image: without meaning
    ``fill``   what suppressed pixels show and scaling starts from, a number or (C, 1, 1): see ``suppressed_value``
    """
    check_inputs(x, "x")
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}.")
    if len(x) != 1:
        raise ValueError(f"x must be one image (1, ...), got shape {tuple(x.shape)}.")
    copies = x.expand(n_samples, *x.shape[1:])
    if kind == "noise":
        noise = torch.randn(copies.shape, generator=make_generator(seed), dtype=x.dtype).to(x.device)
        return x + level * (x.max() - x.min()) * noise
    if kind == "scaling":
        alphas = level * (torch.arange(n_samples, dtype=x.dtype, device=x.device) + 0.5) / n_samples
        return fill + alphas.view(-1, *[1] * (x.dim() - 1)) * (x - fill)
    if kind == "dropping":
        masks = draw_masks(places_of(x[0]), n_samples, level, "binomial", seed=seed).to(x.device)
        return suppress(x[0], masks, torch.as_tensor(fill, dtype=x.dtype, device=x.device))
    return copies


def gradient_sizes(model, samples: Tensor, target: int, *, output="logprob", internal_batch_size=None) -> Tensor:
    """The size of the gradient of ``target``'s score at each of ``samples`` (K, ...); Eq. 7 is ``.mean(0)``."""
    check_inputs(samples, "samples")
    engine = Engine(model, output=output, internal_batch_size=internal_batch_size)
    with lend(model):
        _, gradients = engine.gradients(samples, torch.full((len(samples),), int(target), device=samples.device))
    return gradients.abs()


def four_maps(model, inputs, target, *, n_samples=50, prob=0.7, noise_level=0.15, seed=0):
    """What Figures 1, 3 and 7 compare, {name: sizes summed over the channels, (N, H, W)}, without the factor x.

    Suppression, the plain gradient, SmoothGrad and Integrated Gradients, all of the log probability of ``target``; the
    last two by their own definition, the size of a signed mean. Defaults are those of Figure 1, 50 "iterations".
    """
    options = {"n_samples": n_samples, "seed": seed}
    maps = {
        "suppression": FeatureSuppression(model).attribute(inputs, target, prob=prob, **options),
        "vanilla": Saliency(model, output="logprob").attribute(inputs, target),
        "smoothgrad": SmoothGrad(model, output="logprob").attribute(inputs, target, noise_level=noise_level, **options),
        "ig": IntegratedGradients(model, multiply_by_inputs=False, output="logprob").attribute(
            inputs, target=target, n_steps=n_samples),
    }
    return {name: attributions.abs().sum(1) for name, attributions in maps.items()}
