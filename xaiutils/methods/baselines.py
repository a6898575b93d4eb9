"""Baselines by name: the reference image from which path methods and DeepLIFT measure."""

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from xaiutils.core import make_generator

BLUR_SHARE = 0.05  # standard deviation of the blur in image heights: 11 pixels at 224, where objects can no longer be told


def _mean(inputs, seed):
    return inputs.flatten(2).mean(2)[..., None, None].expand_as(inputs)


def _noise(inputs, seed):
    noise = torch.randn(inputs.shape[1:], generator=make_generator(seed)).to(inputs)
    return (0.5 + 0.25 * noise).clamp(0, 1).expand_as(inputs)


def _blur(inputs, seed):
    sigma = BLUR_SHARE * inputs.shape[-2]
    return torch.from_numpy(gaussian_filter(inputs.cpu().numpy(), (0, 0, sigma, sigma), mode="nearest")).to(inputs)


NAMED = {
    "black": lambda inputs, seed: torch.zeros_like(inputs),
    "white": lambda inputs, seed: torch.ones_like(inputs),
    "mean": _mean,
    "noise": _noise,
    "blur": _blur,
}


def resolve_baselines(baselines, inputs: Tensor, seed: int = 0) -> Tensor:
    """A baseline for each of ``inputs`` (N, ...), of the same shape.

    ``None`` is 0 everywhere, as in Captum; a number fills; a tensor of one image or of N images is taken as it is. By name,
    for images (N, C, H, W) in [0, 1]: ``"black"`` 0, ``"white"`` 1, ``"mean"`` each image's mean colour, ``"noise"`` Gaussian
    with mean 0.5 and standard deviation 0.25 clipped to [0, 1], the same draw for every image, ``"blur"`` a Gaussian blur of
    the image with a standard deviation of 5 % of its height.
    """
    if isinstance(baselines, str):
        if baselines not in NAMED:
            raise ValueError(f"baselines must be one of {', '.join(NAMED)}, a number or a tensor, got {baselines!r}.")
        if inputs.dim() != 4:
            raise ValueError(f"baselines={baselines!r} needs images (N, C, H, W), got inputs of shape {tuple(inputs.shape)}.")
        return NAMED[baselines](inputs, seed)
    baselines = torch.as_tensor(0.0 if baselines is None else baselines, dtype=inputs.dtype, device=inputs.device)
    if baselines.dim() and (baselines.shape[1:] != inputs.shape[1:] or len(baselines) not in (1, len(inputs))):
        raise ValueError(f"baselines must be one image or {len(inputs)} of shape {tuple(inputs.shape[1:])}, "
                         f"got {tuple(baselines.shape)}.")
    return baselines.expand_as(inputs)


def resolve_distribution(baselines, inputs: Tensor, seed: int = 0) -> Tensor:
    """Several baselines for each of ``inputs``, (N, B, ...).

    ``baselines`` is a tensor (B, ...) of B images, the same for every input (a batch of training images, say), or a list of
    what :func:`resolve_baselines` takes.
    """
    if isinstance(baselines, Tensor):
        if baselines.shape[1:] != inputs.shape[1:] or not len(baselines):
            raise ValueError(f"baselines must be images (B, ...) of shape {tuple(inputs.shape[1:])}, got {tuple(baselines.shape)}.")
        return baselines.to(inputs).expand(len(inputs), *baselines.shape)
    if not isinstance(baselines, (list, tuple)) or not baselines:
        raise ValueError(f"baselines must be a tensor of images or a list of names, numbers or tensors, got {baselines!r:.60}.")
    return torch.stack([resolve_baselines(each, inputs, seed) for each in baselines], 1)
