r"""How rough is a heat map? Neighbours that disagree, counted in the map's own unit.

.. math:: V = \frac{\sum_{(i, j)} |A_i - A_j|}{\|A\|_2}

``(i, j)``   pairs of pixels side by side or one above the other
``A``        heat maps (N, H, W); a factor does not change V

Limit cases  0 for a map of equal values; 4 (n - 1) for a checkerboard of n x n pixels, the roughest map of all with values of
             one size; about 2.26 times the root of the number of pixels for independent Gaussian noise. NaN for a map of zeros
Source       total variation: Rudin, Osher, Fatemi: Nonlinear total variation based noise removal algorithms, Physica D 1992
             (here the sum over both directions); asked for by credible path, Section 7, "less noisy".
"""

import torch

from xaiutils.core import check_inputs


def relative_variation(heatmap):
    """Total variation over l2 norm of each map (N, H, W); lower = smoother. -> (N,), float64"""
    check_inputs(heatmap, "heatmap")
    if heatmap.dim() != 3:
        raise ValueError(f"heatmap must be (N, H, W), got shape {tuple(heatmap.shape)}; see xaiutils.core.reduce_channels.")
    values = heatmap.double()
    steps = values.diff(dim=1).abs().sum((1, 2)) + values.diff(dim=2).abs().sum((1, 2))
    norm = values.flatten(1).norm(dim=1)
    return torch.where(norm > 0, steps / norm, torch.nan)
