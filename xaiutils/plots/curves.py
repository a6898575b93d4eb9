"""Curves over the course of a game, of a parameter, of a path. Each function returns its Figure.

Where ``ax`` is given it is drawn on. Series are dictionaries {label: numbers}, in their order, with the colours of
:data:`xaiutils.plots.PALETTE`.
"""

import numpy as np
from matplotlib.transforms import ScaledTranslation

from xaiutils.metrics.insertion_deletion import auc
from xaiutils.plots.pictures import as_array
from xaiutils.plots.style import GREY, PALETTE, axes_of, figure, styled


@styled
def score_curves(series, *, xlabel="share of pixels played", ylabel="score of the explained class", title="", area=True,
                 ax=None):
    """Curves over [0, 1], e.g. of insertion games, each with its area in the legend. -> Figure

    ``series``  {label: (n + 1,) or (N, n + 1)}; of several images the mean is drawn, with the band of :func:`band`
    ``area``    write the area under the mean curve, by :func:`xaiutils.metrics.auc`
    """
    fig, ax = axes_of(ax, (5.6, 3.4 + 0.2 * len(series)))
    for colour, (label, values) in zip(colours_of(series), series.items()):
        values = _rows(values, label)                                                          # (N, n + 1)
        x, mean = np.linspace(0, 1, values.shape[1]), values.mean(0)
        words = f"{label}  {auc(values).mean():.3f}" if area else label
        ax.plot(x, mean, color=colour, label=words)
        if len(values) > 1:
            ax.fill_between(x, *band(values), color=colour, alpha=0.15, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title, xlim=(0, 1))
    below = ax.transAxes + ScaledTranslation(0, -0.45, fig.dpi_scale_trans)      # inches, room for the axis' labels
    ax.legend(title="area under the curve" if area else None, alignment="left", loc="upper left", bbox_to_anchor=(0, 0),
              bbox_transform=below)
    return fig


@styled
def insertion_deletion(insertion, deletion, **options):
    """Insertion beside deletion, of the same methods, on one scale. -> Figure

    ``insertion`` and ``deletion`` are {method: curves} as for :func:`score_curves`, which takes the ``options``.
    """
    fig, axes = figure(1, 2, (9.2, 3.6 + 0.2 * len(insertion)), sharey=True)
    for ax, game, good, series in zip(axes, ("insertion", "deletion"), ("higher", "lower"), (insertion, deletion)):
        score_curves(series, ax=ax, title=f"{game}: {good} is better", **options)
    axes[1].set_ylabel("")
    return fig


@styled
def trend(x, series, *, xlabel, ylabel, title="", log=False, reference=None, ax=None):
    """How values change along ``x`` (P,): lines with points and the band of :func:`band`. -> Figure

    ``series``     {label: (P,) or (N, P)}
    ``reference``  (label, value) or (label, low, high): a dashed line or a grey band, e.g. what chance would give
    ``log``        logarithmic x axis
    """
    x = as_array(x, "x")
    fig, ax = axes_of(ax)
    if reference is not None:
        name, *bounds = reference
        if len(bounds) == 1:
            ax.axhline(bounds[0], color=GREY, linestyle="--", label=name)
        else:
            ax.axhspan(*bounds, color=GREY, alpha=0.2, linewidth=0, label=name)
    for colour, (label, values) in zip(colours_of(series), series.items()):
        values = _rows(values, label)
        if values.shape[1:] != x.shape:
            raise ValueError(f"series {label!r} must have {len(x)} values, one for each x, got shape {values.shape}.")
        ax.plot(x, values.mean(0), color=colour, marker="o", markersize=4, label=label)
        if len(values) > 1:
            ax.fill_between(x, *band(values), color=colour, alpha=0.15, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title, xscale="log" if log else "linear")
    if log:
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.minorticks_off()
    ax.legend()
    return fig


@styled
def paths(points, *, field=None, field_label="", xlabel="first direction", ylabel="second direction", title="",
          ax=None):
    """Ways through a plane: a line with a dot for each step, a ring at the start, a square at the end. -> Figure

    ``points``  {label: (K, 2)}
    ``field``   (x (A,), y (B,), values (B, A)): contours behind the paths, e.g. a score that ``field_label`` names
    """
    fig, ax = axes_of(ax, (5.2, 4.2))
    if field is not None:
        contours = ax.contourf(*field, levels=12, cmap="Greys", alpha=0.55)
        fig.colorbar(contours, ax=ax, label=field_label).outline.set_visible(False)
    for colour, (label, places) in zip(colours_of(points), points.items()):
        places = as_array(places, f"points of {label!r}")
        if places.ndim != 2 or places.shape[1] != 2:
            raise ValueError(f"points of {label!r} must be (K, 2), got shape {places.shape}.")
        ax.plot(*places.T, color=colour, marker=".", markersize=5, label=label)
        ax.plot(*places[0], "o", color=colour, markerfacecolor="white", markersize=8, zorder=4)
        ax.plot(*places[-1], "s", color=colour, markersize=7, zorder=4)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.legend()
    return fig


def band(values, confidence=0.95, n_resamples=1000):
    """Percentile bootstrap band (low, high), (P,) each, of the mean of ``values`` (N, P): resampled rows, seed 0.

    1,000 resamples are enough to draw; verdicts use the 10,000 of the ledger's rules.
    """
    n = len(values)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=n_resamples) / n    # (n_resamples, N)
    tail = (1 - confidence) / 2
    return np.quantile(weights @ values, [tail, 1 - tail], axis=0)


def _rows(values, label):
    rows = as_array(values, f"series {label!r}")
    if rows.ndim not in (1, 2) or rows.shape[-1] < 2:
        raise ValueError(f"series {label!r} must be (P,) or (N, P) with at least two points, got shape {rows.shape}.")
    return np.atleast_2d(rows)


def colours_of(series):
    """The palette, if it has a colour for each of ``series``."""
    if not series or len(series) > len(PALETTE):
        raise ValueError(f"series must be one to {len(PALETTE)}, more cannot be told apart, got {len(series)}.")
    return PALETTE
