"""Samples of an image of which random pixels are left: which are suppressed, and what is put in their place.

>>> masks = draw_masks((224, 224), n_samples=60, prob=0.7)                                         # doctest: +SKIP
>>> samples = suppress(image, masks, suppressed_value(model, image[None]))                         # doctest: +SKIP
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from xaiutils.core import make_generator, resolve_seed

SPACES = ("network", "pixel")
ROUNDING = 1e-6  # (1 - mean) / std, white, may come back as 1.0000001


def _truncated_poisson(n_pixels, prob, generator):
    rate = torch.tensor(n_pixels * prob, dtype=torch.float64)
    number = n_pixels + 1
    while number > n_pixels:
        number = int(torch.poisson(rate, generator=generator))
    return number


def _binomial(n_pixels, prob, generator):
    return int((torch.rand(n_pixels, generator=generator, dtype=torch.float64) < prob).sum())


COUNT_LAWS = {  # how many of n_pixels are suppressed
    "poisson": _truncated_poisson,
    "binomial": _binomial,
    "uniform": lambda n_pixels, prob, generator: int(torch.randint(n_pixels + 1, (), generator=generator)),
    "fixed": lambda n_pixels, prob, generator: round(n_pixels * prob),
}


@dataclass(frozen=True, eq=False)
class Sampling:
    """What is suppressed, and to which value: the arguments of ``FeatureSuppression.attribute`` of the same names."""

    n_samples: int = 200
    prob: float = 0.6
    C: float = 1e-8
    space: str = "network"
    count_law: str = "poisson"
    masks: Tensor | None = None

    def __post_init__(self):
        if self.n_samples < 1 or int(self.n_samples) != self.n_samples:
            raise ValueError(f"n_samples must be a positive integer, got {self.n_samples!r}.")
        if not 0 < self.prob < 1:
            raise ValueError(f"prob, the share of pixels to suppress, must lie in (0, 1), got {self.prob!r}.")
        if self.count_law not in COUNT_LAWS:
            raise ValueError(f"count_law must be one of {', '.join(COUNT_LAWS)}, got {self.count_law!r}.")
        if self.space not in SPACES:
            raise ValueError(f"space must be one of {', '.join(SPACES)}, got {self.space!r}.")
        if self.masks is not None and not (isinstance(self.masks, Tensor) and self.masks.dtype == torch.bool):
            got = getattr(self.masks, "dtype", type(self.masks).__name__)
            raise TypeError(f"masks must be a boolean tensor (K, H, W), True = suppressed, got {got}.")

    def batches(self, places, size: int, seed: int):
        """The masks (S, H, W) for images with ``places`` (H, W), ``size`` at a time: given, or drawn from ``seed``."""
        if self.masks is not None:
            if not len(self.masks) or self.masks.shape[1:] != places:
                wanted = ", ".join(map(str, ("K", *places)))
                raise ValueError(f"masks must be ({wanted}) with K >= 1, got shape {tuple(self.masks.shape)}.")
            yield from self.masks.split(size)
            return
        generator = make_generator(seed)
        for samples in torch.arange(self.n_samples).split(size):
            yield torch.stack([self._draw(places, generator) for _ in samples])

    def _draw(self, places, generator) -> Tensor:
        """One mask (H, W): an order of the pixels, then how many of them are suppressed."""
        order = torch.randperm(places.numel(), generator=generator)
        number = COUNT_LAWS[self.count_law](places.numel(), self.prob, generator)
        return torch.zeros(places.numel(), dtype=torch.bool).index_fill(0, order[:number], True).view(places)


def draw_masks(places, n_samples, prob=0.6, count_law="poisson", *, seed=0, generator=None) -> Tensor:
    """The masks (K, H, W) that the method draws from ``seed`` for images with ``places`` (H, W); True = suppressed.

    ``~draw_masks(...)`` is the other reading of Algorithm 1, in which the number drawn is that of the pixels kept.
    """
    sampling = Sampling(n_samples, prob, count_law=count_law)
    return next(sampling.batches(torch.Size(places), n_samples, resolve_seed(seed, generator)))


def places_of(x: Tensor) -> torch.Size:
    """What can be suppressed in one input: pixels (H, W) of an image (C, H, W), entries (D,) of a vector (D,)."""
    return x.shape[1:] if x.dim() > 1 else x.shape


def suppress(x: Tensor, masks: Tensor, fill: Tensor) -> Tensor:
    """Copies (S, C, H, W) of the image ``x`` (C, H, W), the pixels of each of ``masks`` (S, H, W) set to ``fill``."""
    return torch.where(masks[:, None] if x.dim() > 1 else masks, fill, x)


def suppressed_value(model, inputs: Tensor, C=1e-8, space="network") -> Tensor:
    """The value of a suppressed pixel, (C, 1, 1), in the unit of ``inputs`` (N, C, H, W).

    ``space="network"``: mean + C std, with ``mean`` and ``std`` of ``model``, or C where it has none; ``"pixel"``: C.
    The value must lie in the range of pixels, [0, 1], or in that of each of the inputs where that is wider.
    """
    mean, std = (getattr(model, name, None) for name in ("mean", "std"))
    if space == "pixel" or mean is None or std is None:
        mean, std = 0.0, 1.0
    mean, std = (torch.as_tensor(v, dtype=inputs.dtype, device=inputs.device).flatten() for v in (mean, std))
    fill = (mean + C * std).view(-1, *[1] * (inputs.dim() - 2))
    if len(fill) not in (1, inputs.shape[1]):
        raise ValueError(f"inputs must have the {len(fill)} channels of the model's mean, got {inputs.shape[1]}.")
    flat = inputs.flatten(1)
    low, high = flat.amin(1).clamp(max=0).max(), flat.amax(1).clamp(min=1).min()
    if not ((low - ROUNDING <= fill) & (fill <= high + ROUNDING)).all():
        raise ValueError(f'C must give a value in {float(low):g} ... {float(high):g}, got C={C!r} in space="{space}", '
                         f"a value of {float(fill.min()):g} to {float(fill.max()):g}.")
    return fill
