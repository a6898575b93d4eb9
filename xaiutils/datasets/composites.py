"""Pictures made of photographs, of which it is known where the object stands.

>>> picture, left = side_by_side(cat, goose)                            # doctest: +SKIP
>>> picture, region = in_a_corner(cat, corner=2)                        # doctest: +SKIP

Where a method puts its attribution can then be measured: :func:`xaiutils.metrics.energy_share` beside the share of the
area, which is what chance gives. The seams are edges that no photograph has; compare methods on the same pictures.
"""

import torch
import torch.nn.functional as F

from xaiutils.core import check_inputs


def side_by_side(left, right):
    """The middle halves of two photographs (N, C, H, W) beside each other. -> (N, C, H, W), mask (H, W)

    The mask is true in the left half; its complement is where the other photograph stands.
    """
    for name, photograph in (("left", left), ("right", right)):
        _check(photograph, name)
    if left.shape != right.shape:
        raise ValueError(f"right must have the shape of left, {tuple(left.shape)}, got {tuple(right.shape)}.")
    width = left.shape[-1]
    middle = slice(width // 4, width // 4 + width // 2)
    columns = torch.arange(width, device=left.device) < width // 2
    return torch.cat([left[..., middle], right[..., middle]], -1), columns.expand(left.shape[-2:]).clone()


def in_a_corner(photograph, corner=0, blur=8):
    """A photograph (N, C, H, W) at half its size in a corner of a blurred copy of itself. -> (N, C, H, W), mask (H, W)

    ``corner``  0 upper left, 1 upper right, 2 lower left, 3 lower right; the mask is true there, a quarter of the area
    ``blur``    the copy behind is averaged to ``blur`` x ``blur`` squares: its colours stay, its objects do not
    """
    _check(photograph, "photograph")
    if corner not in range(4):
        raise ValueError(f"corner must be 0, 1, 2 or 3, got {corner!r}.")
    height, width = photograph.shape[-2:]
    top, left = corner // 2 * (height // 2), corner % 2 * (width // 2)
    rows, columns = slice(top, top + height // 2), slice(left, left + width // 2)
    squares = F.adaptive_avg_pool2d(photograph, blur)
    picture = F.interpolate(squares, (height, width), mode="bilinear", align_corners=False).contiguous()
    picture[..., rows, columns] = F.avg_pool2d(photograph, 2)
    mask = torch.zeros(height, width, dtype=torch.bool, device=photograph.device)
    mask[rows, columns] = True
    return picture, mask


def _check(photograph, name):
    check_inputs(photograph, name)
    if photograph.dim() != 4 or photograph.shape[-1] % 4 or photograph.shape[-2] % 2:
        shape = tuple(photograph.shape)
        raise ValueError(f"{name} must be (N, C, H, W) with H a multiple of 2 and W one of 4, got shape {shape}.")
