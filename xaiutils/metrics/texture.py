r"""How rough, how concentrated, how edge-like is a map? Numbers for "noisy", "sharp" and "an edge detector".

All take heat maps (N, H, W), one number an image comes back, float64 (N,); NaN where it is not defined (an all-zero map has
no texture, a constant one no ranks). None says whether a map is *right*: a blank wall is smooth.
"""

import torch
from torch import Tensor
from torch.nn import functional

from xaiutils.metrics.concentration import _check_heatmap
from xaiutils.metrics.similarity import rank_correlation


def total_variation(heatmap: Tensor) -> Tensor:
    r"""Steps between neighbours in units of the map's mass; higher = rougher.

    .. math:: \frac{\sum |h_{r,c+1} - h_{r,c}| + \sum |h_{r+1,c} - h_{r,c}|}{\sum |h|}

    Limit cases   A constant map has 0; one lonely pixel off the border 4; a checkerboard of +1 and -1 nearly 4. A factor
                  changes nothing.
    """
    _check_heatmap(heatmap)
    return _steps(heatmap.double()) / heatmap.double().abs().sum((1, 2))


def relative_variation(heatmap: Tensor) -> Tensor:
    r"""Steps between neighbours in units of the map's l2 norm; higher = rougher. It grows with the number of pixels.

    .. math:: V = \frac{\sum_{(i, j)} |A_i - A_j|}{\|A\|_2}, \qquad (i, j) \text{ side by side or one above the other}

    Limit cases   A constant map has 0; a checkerboard of n x n pixels 4 (n - 1), the most for values of one size; independent
                  Gaussian noise about 2.26 times the root of the number of pixels. A factor changes nothing.
    Source        total variation: Rudin, Osher, Fatemi, Physica D 1992 (here the sum over both directions); asked for by
                  credible path, Section 7, "less noisy".
    """
    _check_heatmap(heatmap)
    return _steps(heatmap.double()) / heatmap.double().flatten(1).norm(dim=1)


def _steps(h: Tensor) -> Tensor:
    """Differences of neighbours by size, added up, (N,)."""
    return h.diff(dim=2).abs().sum((1, 2)) + h.diff(dim=1).abs().sum((1, 2))


def gini(heatmap: Tensor) -> Tensor:
    r"""Gini's index of \|map\|; higher = more concentrated: 0 where all pixels weigh alike, 1 - 1/n where one has it all.

    .. math:: G = \frac{2 \sum_k k\, a_k}{n \sum_k a_k} - \frac{n + 1}{n}, \qquad a_1 \le a_2 \le \dots \le a_n \text{ the sorted } |h|
    """
    _check_heatmap(heatmap)
    weights = heatmap.double().abs().flatten(1).sort(dim=1).values                             # (N, n)
    n = weights.shape[1]
    ranks = torch.arange(1, n + 1, dtype=weights.dtype, device=weights.device)
    return 2 * (ranks * weights).sum(1) / (n * weights.sum(1)) - (n + 1) / n


def fine_share(heatmap: Tensor, beyond=0.25) -> Tensor:
    r"""Share of the map's energy at fine scales; higher = finer detail (or more noise).

    The energy is that of the discrete Fourier transform without its mean; fine is what has a frequency above ``beyond``
    times Nyquist's (a period of two pixels) in at least one direction. 0.25: periods under eight pixels.

    Limit cases   Independent noise has 1 - beyond^2 of its energy there, as many frequencies as there are.
    """
    _check_heatmap(heatmap)
    h = heatmap.double()
    energy = torch.fft.fft2(h - h.mean((1, 2), keepdim=True)).abs().square()
    rows, columns = (2 * torch.fft.fftfreq(size, device=h.device).abs() for size in h.shape[1:])  # in units of Nyquist's
    fine = torch.maximum(rows[:, None], columns[None]) > beyond
    return (energy * fine).sum((1, 2)) / energy.sum((1, 2))


def sobel_edges(inputs: Tensor) -> Tensor:
    """Sobel's gradient magnitude of the channel mean of ``inputs`` (N, C, H, W), the border repeated. -> (N, H, W)"""
    grey = functional.pad(inputs.double().mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    across = torch.tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=grey.dtype, device=grey.device)
    both = functional.conv2d(grey, torch.stack([across, across.T])[:, None])
    return both.square().sum(1).sqrt()


def sobel_correlation(heatmap: Tensor, inputs: Tensor) -> Tensor:
    r"""Spearman's rank correlation of \|map\| with the edges of its image; higher = more like an edge detector."""
    _check_heatmap(heatmap)
    return rank_correlation(heatmap.abs().double(), sobel_edges(inputs))


def sign_changes(heatmap: Tensor) -> Tensor:
    """Share of the pairs of neighbours (right, below) with opposite signs, of those where both are not 0."""
    _check_heatmap(heatmap)
    signs = heatmap.sign().double()
    pairs = [(signs[:, :, 1:] * signs[:, :, :-1]).flatten(1), (signs[:, 1:] * signs[:, :-1]).flatten(1)]
    products = torch.cat(pairs, 1)
    return (products < 0).double().sum(1) / (products != 0).double().sum(1)
