"""Which places of an input belong together: pixels of a segment, cells of a spectrogram, tokens of a sentence.

A segmenter is any callable: one input as an array, channels last as scikit-image has them, (H, W, C) or (L, D), in;
integers (H, W) or (L,) out. So ``skimage.segmentation.slic`` is one.

>>> find_segments(image, Quickshift(kernel_size=2, max_dist=6, ratio=0.5))      # (C, H, W) -> (H, W)  # doctest: +SKIP
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Quickshift:
    """Colour segments (H, W) of an image with three channels, by scikit-image's quickshift.

    The defaults are those of AXAI's released code, made for 224x224; photographs of 32x32 fall into about five
    segments (``Quickshift(2, 6, 0.5)`` gives about a hundred). Its ties are broken by a generator of its own, always
    seeded alike. An image of one colour is one segment if ``max_dist`` spans it.
    """

    kernel_size: float = 8
    max_dist: float = 10
    ratio: float = 0.1

    def __call__(self, image):
        from skimage.segmentation import quickshift  # 0.5 s to import

        if image.ndim != 3 or image.shape[-1] != 3:
            raise ValueError(f"Quickshift needs images of three channels, got an array {image.shape} (channels last); "
                             "Grid and each_place take any, and a feature_mask wins over the segmenter.")
        return quickshift(image, kernel_size=self.kernel_size, max_dist=self.max_dist, ratio=self.ratio)


@dataclass(frozen=True)
class Grid:
    """``rows`` x ``columns`` cells as even as whole pixels allow, numbered row by row; of a spectrogram, bands x times.

    The content does not matter, so silence is cut like speech. No more cells than pixels: 8 rows of a 5 pixel high
    image are 5. The number of cells is our choice; the paper does not say its own.
    """

    rows: int = 8
    columns: int = 8

    def __post_init__(self):
        if min(self.rows, self.columns) < 1:
            raise ValueError(f"rows and columns must be at least 1, got {self.rows} and {self.columns}.")

    def __call__(self, image):
        height, width = image.shape[:2]
        rows, columns = min(self.rows, height), min(self.columns, width)
        return (np.arange(height) * rows // height)[:, None] * columns + np.arange(width) * columns // width


def each_place(x):
    """A segment of its own for every token (L, D), pixel (H, W, C) or feature (F,)."""
    places = x.shape[:-1] or x.shape
    return np.arange(np.prod(places)).reshape(places)


def default_segmenter(x: Tensor):
    """For one input: :class:`Quickshift` for (3, H, W), :class:`Grid` for other (C, H, W), :func:`each_place` else."""
    if x.dim() == 3:
        return Quickshift() if len(x) == 3 else Grid()
    return each_place


def places_of(x: Tensor) -> torch.Size:
    """What segments consist of: pixels (H, W) of (C, H, W), tokens (L,) of (L, D), features of (F,)."""
    return x.shape[1:] if x.dim() == 3 else x.shape[:1]


def find_segments(x: Tensor, segmenter=None) -> Tensor:
    """Segment numbers of one input, integers (H, W) for (C, H, W), (L,) for (L, D); see the module."""
    array = x.detach().cpu().numpy()
    labels = (segmenter or default_segmenter(x))(np.moveaxis(array, 0, -1) if x.dim() == 3 else array)
    labels, places = torch.as_tensor(np.asarray(labels)), places_of(x)
    if labels.is_floating_point() or labels.shape != places or labels.min() < 0:
        raise ValueError(f"segmenter must return integers >= 0 of shape {tuple(places)}, "
                         f"got {labels.dtype} of shape {tuple(labels.shape)} from {float(labels.min()):g} on.")
    return labels.long().to(x.device)


def segments_of_mask(feature_mask, inputs: Tensor) -> Tensor:
    """Segment numbers (N, H, W) or (N, L) of Captum's ``feature_mask``, integers that broadcast to ``inputs``.

    Equal over the channels of an image, the entries of a token: what is grouped are places.
    """
    mask = torch.as_tensor(feature_mask, device=inputs.device)
    if mask.is_floating_point() or mask.dtype == torch.bool or (mask.numel() and mask.min() < 0):
        raise ValueError(f"feature_mask must be integers >= 0, got {mask.dtype} from {float(mask.min()):g} on.")
    try:
        mask = mask.long().expand_as(inputs)
    except RuntimeError:
        raise ValueError(f"feature_mask must have a shape that broadcasts to inputs {tuple(inputs.shape)}, "
                         f"got {tuple(mask.shape)}.") from None
    if inputs.dim() == 2:
        return mask
    channel = 1 if inputs.dim() == 4 else -1
    labels = mask.select(channel, 0)
    if not torch.equal(labels.unsqueeze(channel).expand_as(mask), mask):
        what = "all channels of a pixel" if inputs.dim() == 4 else "all entries of a token"
        raise ValueError(f"feature_mask must be the same for {what}: segments group places.")
    return labels
