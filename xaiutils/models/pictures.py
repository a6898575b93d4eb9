"""Pictures on their way into training: held-out splits, and flips and crops drawn for a whole batch at
once."""

import torch
import torch.nn.functional as F


def split_by_class(inputs, labels, last):
    """Cut off the ``last`` examples of each class: ((inputs, labels) of the rest, (inputs, labels) of
    those)."""
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        held_out[(labels == label).nonzero().flatten()[-last:]] = True
    return (inputs[~held_out], labels[~held_out]), (inputs[held_out], labels[held_out])


def pictures(pixels, generator=None, *, padding=4):
    """Bytes (N, H, W, C) -> inputs (N, C, H, W) in [0, 1], stored channels-last.

    With a generator each picture is mirrored with probability 1/2 and cut out of itself, padded by
    ``padding`` black pixels on every side, at a random place.
    """
    if generator is not None:
        pixels = _flip_and_crop(pixels, generator, padding)
    return pixels.permute(0, 3, 1, 2) / 255


def unchanged(pixels, generator=None):
    """Like :func:`pictures`, but while training, too, without augmentation."""
    return pictures(pixels)


def _flip_and_crop(pixels, generator, padding):
    n, height, width, _ = pixels.shape
    top, left = torch.randint(2 * padding + 1, (2, n, 1), generator=generator)
    mirrored = torch.rand(n, 1, generator=generator) < 0.5
    rows, columns = top + torch.arange(height), left + torch.arange(width)  # (N, H), (N, W)
    columns = torch.where(mirrored, columns.flip(1), columns)
    padded = F.pad(pixels, (0, 0, padding, padding, padding, padding))
    return padded[torch.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
