r"""Are two heat maps alike? SSIM under the settings that have been published, rank correlation, and their null bands.

.. math:: \mathrm{SSIM} = \frac{(2 \mu_a \mu_b + c_1)(2 \sigma_{ab} + c_2)}
                               {(\mu_a^2 + \mu_b^2 + c_1)(\sigma_a^2 + \sigma_b^2 + c_2)},
          \qquad c_1 = (0.01 L)^2, \quad c_2 = (0.03 L)^2

``mu, sigma``  local means and (co)variances in a window, the ratio averaged over all windows that fit
``L``          data range. The same pair scores .03 with L = 1 and .22 with L = 2, so every setting goes with the number

After a randomization a LOWER similarity is better: the map follows the network. Between two runs of one method a HIGHER
one is better. Scaling a map of few hot pixels leaves both maps nearly constant and SSIM near 1 whatever they show, so
report the rank correlation beside it.
"""

from dataclasses import dataclass, fields, replace
from itertools import combinations

import numpy as np
import torch
from scipy.stats import rankdata
from skimage.metrics import structural_similarity

from xaiutils.core import check_inputs, make_generator, reduce_channels

GAUSSIAN_SIZE = 11  # pixels: sigma 1.5, cut at 3.5 sigma


@dataclass(frozen=True)
class Settings:
    """Everything that decides an SSIM.

    ``channels``    how (N, C, H, W) becomes one map: see :func:`xaiutils.core.reduce_channels`; ``"each"`` takes the
                    mean of the channels' SSIMs after scaling them together
    ``scale``       ``"abs_max"``: m / max|m|; ``"min_max"``: to [0, 1]; ``"percentile"``: the percentiles
                    100 - p and p to 0 and 1, cut off outside; ``"swapped_percentile"``: the same turned upside down
    ``percentile``  p
    ``window``      ``"gaussian"`` (11x11, sigma 1.5), an odd number of pixels (uniform), or ``"global"`` (one window)
    ``data_range``  L
    ``sample_covariance``  divide by n - 1, as scikit-image does by default, or by n (Wang et al., and "global")
    ``best_of_flip``       the larger of SSIM(a, b) and SSIM(a, -b): blind to the sign
    """

    channels: str = "mean"
    scale: str = "min_max"
    percentile: float = 99
    window: str | int = "gaussian"
    data_range: float = 1
    sample_covariance: bool = True
    best_of_flip: bool = False


PRESETS = {
    # the claims ledger's: sum of |.| over channels, divided by its maximum
    "ledger": Settings(channels="abs_sum", scale="abs_max"),
    # Nuzzo 2020, Eq. 5.1 with maps in [0, 1], read as windowed, and as printed, without windows
    "thesis": Settings(),
    "thesis-eq5.1": Settings(window="global", sample_covariance=False),
    # Adebayo et al. 2018: channels kept; L = 2 is what scikit-image then took for any float image
    "adebayo": Settings(channels="each", data_range=2),
    # Sixt et al. 2020: the released normalisation has its percentiles swapped; L = 2 as above
    "sixt": Settings(channels="abs_max", scale="swapped_percentile", window=5, data_range=2, best_of_flip=True),
}


def ssim(a, b, preset="ledger", **settings):
    """SSIM of each pair of maps in ``a`` and ``b``, (N, H, W) or (N, C, H, W). -> (N,), float64

    ``preset`` names one of ``PRESETS``; a single one of its :class:`Settings` is overridden by name, ``data_range=2``.
    Limit cases: equal maps give 1; a constant map is 0 after ``min_max``, and an all-zero map stays 0, so that two of
    them are equal (1). A map smaller than the window is refused.
    """
    _check_pair(a, b)
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, got {preset!r}.")
    known = [field.name for field in fields(Settings)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise ValueError(f"settings must be among {', '.join(known)}, got {', '.join(unknown)}.")
    chosen = replace(PRESETS[preset], **settings)
    pairs = zip(_single_maps(a, chosen), _single_maps(b, chosen))
    return torch.tensor([_ssim_of_pair(x, y, chosen) for x, y in pairs], dtype=torch.float64)


def rank_correlation(a, b, absolute=False):
    """Spearman's rank correlation of each pair in ``a`` and ``b``, (N, ...), over all entries. -> (N,), float64

    Ties share their mean rank. ``absolute=True`` ranks |a| and |b|, blind to the sign. A constant map gives NaN.
    """
    _check_pair(a, b)
    if absolute:
        a, b = a.abs(), b.abs()
    ranks = [torch.from_numpy(rankdata(m.detach().cpu().flatten(1).numpy(), axis=1)) for m in (a, b)]
    ranks = [r - r.mean(1, keepdim=True) for r in ranks]
    norms = [r.norm(dim=1) for r in ranks]
    return (ranks[0] * ranks[1]).sum(1) / (norms[0] * norms[1])


def agreement(maps, measure=rank_correlation):
    """How alike K maps of the same image are: the mean of ``measure`` over their pairs. -> (N,), float64

    ``maps`` (K, N, ...), K >= 2, e.g. one method from K references or with K seeds; ``measure`` (a, b) -> (N,).
    """
    if len(maps) < 2:
        raise ValueError(f"maps must be (K, N, ...) with at least two maps of each image, got K = {len(maps)}.")
    return torch.stack([measure(a, b) for a, b in combinations(maps, 2)]).mean(0)


def null_band(attributions, measure=ssim, *, reseeded=None, n_shuffles=20, coverage=0.95, seed=0, generator=None):
    """Where ``measure`` lies when nothing was changed but chance: central ``coverage`` of its values. -> (N, 2)

    Without ``reseeded`` each map (N, H, W) or (N, C, H, W) is compared with ``n_shuffles`` copies whose pixels were
    shuffled (channels together): the level of maps that share nothing but their values. With ``reseeded``, (S, N, ...),
    it is compared with S maps of the same network and method under other seeds: the level that sampling noise alone
    takes it down to, a line at 1 for a method that draws nothing.
    ``measure``  (a, b) -> (N,), such as :func:`ssim` or :func:`rank_correlation`
    """
    check_inputs(attributions, "attributions")
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie in (0, 1), got {coverage!r}.")
    if reseeded is None:
        generator = generator or make_generator(seed)
        reseeded = [_shuffled_pixels(attributions, generator) for _ in range(n_shuffles)]
    if len(reseeded) < 2:
        raise ValueError(f"a band needs at least two reseeded or shuffled maps, got {len(reseeded)}.")
    values = torch.stack([measure(attributions, other) for other in reseeded])                  # (S, N)
    tail = (1 - coverage) / 2
    return values.quantile(torch.tensor([tail, 1 - tail], dtype=values.dtype), dim=0).T


def _shuffled_pixels(maps, generator):
    flat = maps.flatten(-2)
    orders = torch.stack([torch.randperm(flat.shape[-1], generator=generator) for _ in flat]).to(flat.device)
    orders = orders if flat.dim() == 2 else orders[:, None].expand_as(flat)
    return flat.gather(-1, orders).view_as(maps)


def _single_maps(maps, settings):
    """Maps as arrays (N, C, H, W) with C = 1 unless channels are kept."""
    if maps.dim() == 3:
        maps = maps[:, None]
    if settings.channels != "each":
        maps = reduce_channels(maps, settings.channels)[:, None]
    return maps.detach().cpu().double().numpy()


def _ssim_of_pair(a, b, settings):
    value = _windowed_or_global(_scaled(a, settings), _scaled(b, settings), settings)
    if settings.best_of_flip:
        value = max(value, _windowed_or_global(_scaled(a, settings), _scaled(-b, settings), settings))
    return value


def _scaled(m, settings):
    if settings.scale == "abs_max":
        low, high = 0, np.abs(m).max()
    elif settings.scale == "min_max":
        low, high = m.min(), m.max()
    elif settings.scale == "percentile":
        low, high = np.percentile(m, [100 - settings.percentile, settings.percentile])
    elif settings.scale == "swapped_percentile":
        low, high = np.percentile(m, [settings.percentile, 100 - settings.percentile])
    else:
        raise ValueError(f"scale must be abs_max, min_max, percentile or swapped_percentile, got {settings.scale!r}.")
    scaled = (m - low) / (high - low) if high != low else np.zeros_like(m)
    return scaled.clip(0, 1) if "percentile" in settings.scale else scaled


def _windowed_or_global(a, b, settings):
    if settings.window == "global":
        return np.mean([_global_ssim(x, y, settings.data_range) for x, y in zip(a, b)])
    size = GAUSSIAN_SIZE if settings.window == "gaussian" else settings.window
    if not isinstance(size, int) or size < 3 or size % 2 == 0:
        raise ValueError(f'window must be "gaussian", "global" or an odd number of pixels from 3, got {size!r}.')
    if min(a.shape[1:]) < size:
        raise ValueError(f"maps must be at least as large as the {size}x{size} window, got {a.shape[1]}x{a.shape[2]}.")
    return structural_similarity(a, b, win_size=size, gaussian_weights=settings.window == "gaussian",
                                 data_range=settings.data_range, use_sample_covariance=settings.sample_covariance,
                                 channel_axis=0)


def _global_ssim(a, b, data_range):
    """The formula above with one window: the whole map, population (co)variances."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    covariance = np.mean((a - a.mean()) * (b - b.mean()))
    return ((2 * a.mean() * b.mean() + c1) * (2 * covariance + c2)
            / ((a.mean() ** 2 + b.mean() ** 2 + c1) * (a.var() + b.var() + c2)))


def _check_pair(a, b):
    check_inputs(a, "a")
    check_inputs(b, "b")
    if a.shape != b.shape:
        raise ValueError(f"b must have the shape of a, {tuple(a.shape)}, got {tuple(b.shape)}.")
