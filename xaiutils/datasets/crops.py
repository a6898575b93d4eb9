"""Small pictures to learn from that need no download: pieces of the embedded photographs, one class a photograph."""

import torch

from xaiutils.datasets.embedded import photographs
from xaiutils.datasets.storage import LabelledImages

BANDS = {"train": (0.0, 0.5), "held out": (0.5, 0.75), "test": (0.75, 1.0)}  # of a photograph's width


def photograph_crops(part, n_classes, per_class, *, size=32, side=256, seed=0):
    """``per_class`` pieces of ``size`` x ``size`` pixels of each of ``n_classes`` photographs, as ``LabelledImages``.

    ``part``  "train", "held out" or "test": pieces lie in the left half, the third quarter, the last quarter of a
              photograph, so that no pixel is in two parts
    ``side``  pixels that the shorter side of a photograph is brought to before it is cut up
    ``seed``  draws the places

    Classes are told by texture and colour, and a new piece comes from the same picture: an exercise, and no measure of
    what a network understands.
    """
    if part not in BANDS:
        raise ValueError(f"part must be one of {', '.join(BANDS)}, got {part!r}.")
    low, high = (round(edge * side) for edge in BANDS[part])
    if high - low < size:
        raise ValueError(f"size must be at most {high - low}, the width of this part of a photograph, got {size}.")
    whole = photographs(n_classes, side)
    pixels = (whole.inputs.permute(0, 2, 3, 1) * 255).round().byte()  # (n_classes, side, side, 3)
    generator = torch.Generator().manual_seed(seed)
    tops = torch.randint(side - size + 1, (n_classes, per_class), generator=generator)
    lefts = torch.randint(low, high - size + 1, (n_classes, per_class), generator=generator)
    labels = torch.arange(n_classes).repeat_interleave(per_class)
    rows, columns = (start.flatten()[:, None] + torch.arange(size) for start in (tops, lefts))  # (N, size)
    cut = pixels[labels[:, None, None], rows[:, :, None], columns[:, None, :]]
    return LabelledImages(cut, labels, whole.names, [whole.names[label] for label in labels])
