r"""Is a heat map in one piece or scattered? Numbers for what the eye calls sparse or focused.

All take heat maps (N, H, W), one number an image comes back, float64 (N,). NaN says that the number is not defined for
an image (a constant map has no pattern, a map without positive value no share): it is never replaced by a number.
"""

import numpy as np
import torch
from scipy import ndimage

from xaiutils.core import check_inputs


def morans_i(heatmap):
    r"""Moran's I with 8 neighbours: correlation of a pixel with those around it; higher = smoother, less scattered.

    .. math:: I = \frac{n}{\sum_{ij} w_{ij}} \frac{\sum_{ij} w_{ij} z_i z_j}{\sum_i z_i^2},
              \qquad z = \mathrm{heatmap} - \mathrm{its\ mean}

    ``w_ij``  1 for the up to 8 pixels that touch pixel i by an edge or a corner (fewer at the border), else 0
    ``n``     H W pixels, at least 2

    Limit cases   Independent noise has the expectation -1 / (n - 1); a linear ramp comes near 1; a checkerboard is
                  about 0, since half of the 8 neighbours agree; alternating rows come near -1/2.
    Source        Moran: Notes on continuous stochastic phenomena, Biometrika 1950.
    """
    _check_heatmap(heatmap)
    n = heatmap[0].numel()
    if n < 2:
        raise ValueError(f"heatmap must have at least two pixels, got shape {tuple(heatmap.shape)}.")
    z = heatmap.double()
    constant = z.amax((1, 2)) == z.amin((1, 2))                       # in rounded numbers z - mean may differ from 0
    z = z - z.mean((1, 2), keepdim=True)
    pairs = [(z[:, :, 1:], z[:, :, :-1]), (z[:, 1:], z[:, :-1]),                               # right, below
             (z[:, 1:, 1:], z[:, :-1, :-1]), (z[:, 1:, :-1], z[:, :-1, 1:])]                   # the two diagonals
    products = sum((a * b).sum((1, 2)) for a, b in pairs)             # each pair once: the factor 2 cancels
    n_pairs = sum(a[0].numel() for a, _ in pairs)
    index = n / n_pairs * products / z.square().sum((1, 2))
    return index.masked_fill(constant, torch.nan)


def connected_components(heatmap, share=0.2):
    """Number of pieces that the top ``share`` of the pixels fall into; fewer = more focused. Corners connect.

    ``share``  of the pixels, in (0, 1], rounded to whole pixels, at least one; ties by pixel index. The default is what
               AGI's display shows (from the 80th percentile up).
    """
    _check_heatmap(heatmap)
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in (0, 1], got {share!r}.")
    flat = heatmap.detach().flatten(1)
    n_top = max(1, round(share * flat.shape[1]))
    order = flat.argsort(dim=1, descending=True, stable=True)
    top = torch.zeros_like(flat, dtype=torch.bool).scatter_(1, order[:, :n_top], True).view_as(heatmap)
    counts = [ndimage.label(image, structure=np.ones((3, 3)))[1] for image in top.cpu().numpy()]
    return torch.tensor(counts, dtype=torch.float64)


def energy_share(heatmap, mask):
    """Share of the map's positive part that lies inside ``mask``; higher = better placed, in [0, 1].

    ``mask``   true inside the object, (N, H, W) or one (H, W) for all
    By chance  the share of the area, ``mask.double().mean((-2, -1))``: report it beside. Where what counts against the
               class is to count as well, pass ``heatmap.abs()``.
    """
    _check_heatmap(heatmap)
    mask = torch.as_tensor(mask, device=heatmap.device)
    if mask.dtype != torch.bool or mask.shape not in (heatmap.shape, heatmap.shape[1:]):
        raise ValueError(f"mask must be boolean, of shape {tuple(heatmap.shape)} or {tuple(heatmap.shape[1:])}, "
                         f"got {mask.dtype} of shape {tuple(mask.shape)}.")
    positive = heatmap.double().clamp(min=0)
    return (positive * mask).sum((1, 2)) / positive.sum((1, 2))       # 0 / 0 is NaN


def _check_heatmap(heatmap):
    check_inputs(heatmap, "heatmap")
    if heatmap.dim() != 3:
        raise ValueError(f"heatmap must be (N, H, W), got shape {tuple(heatmap.shape)}; see core.reduce_channels.")
