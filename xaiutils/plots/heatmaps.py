"""Heat maps beside their photographs: one call for images x methods, with a colour scale that can be read off.

Signed maps use a scale symmetric about 0, where white says "no influence". Nothing is dropped in silence: a map without
any value but 0, or without a positive one, says so in its place; NaN is refused.
"""

import textwrap
from typing import NamedTuple

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from xaiutils.plots.pictures import as_array, by_title, heat_maps, one_of, photographs
from xaiutils.plots.style import COLOURS, GREY, figure, styled

MODES = ("symmetric", "percentile", "none")
VIEWS = ("map", "overlay", "product")


def normalise(heatmap, mode="symmetric", low=80, high=99):
    r"""A heat map for display, float64 (H, W), from ``heatmap`` (H, W) or (C, H, W); channels are averaged first.

    ``"symmetric"``   h / s, cut at -1 and 1, where s is the ``high``-th percentile of \|h\|: 0 stays 0, signs survive,
                      and the one percent of strongest pixels may not outshine the rest (``high=100``: by the largest)
    ``"percentile"``  the display of AGI's released code: with q and u the ``low``-th and ``high``-th percentile of h,
                      (clip(h, q, u) - q) / (u - q), in [0, 1]. With 80 and 99, four fifths of the pixels become
                      exactly 0, whatever the map: it looks sparse by construction
    ``"none"``        the channel mean itself

    Percentiles are numpy's, with linear interpolation, over the channel mean.

    Limit cases   An all-zero map stays all zero. Where s = 0 (so few pixels stand out) the largest \|h\| takes its
                  place; where q = u there is nothing between them to show: the percentile map is all zero.
    Source        Pan, Li, Zhu: AGI, IJCAI 2021, Section 5.1, and its released code.
    """
    values = as_array(heatmap, "heatmap")
    if values.ndim not in (2, 3):
        raise ValueError(f"heatmap must be (H, W) or (C, H, W), got shape {values.shape}.")
    one_of("mode", mode, MODES)
    if not 0 <= low < high <= 100:
        raise ValueError(f"low and high must be percentiles, 0 <= low < high <= 100, got {low!r} and {high!r}.")
    values = values.mean(0) if values.ndim == 3 else values
    if mode == "none":
        return values
    if mode == "symmetric":
        return np.clip(values / _limit(values, high), -1, 1)
    q, u = np.percentile(values, [low, high])
    return (np.clip(values, q, u) - q) / (u - q) if u > q else np.zeros_like(values)


def _limit(values, high):
    """Where a signed map's colours end: a percentile of |values|, or the largest, or 1, the first that is not 0."""
    magnitudes = np.abs(values)
    return float(np.percentile(magnitudes, high) or magnitudes.max() or 1.0)


@styled
def show(inputs, attributions, titles=None, *, rows=None, notes=None, views="map", mode="symmetric", low=80, high=99,
         scale="each", colours=None, size=1.9):
    """A grid of images x methods: the photograph first, then each method's heat map. -> Figure

    ``inputs``        pixels in [0, 1], (N, C, H, W) or one (C, H, W); a dictionary {title: pixels} puts several
                      columns of pictures in front
    ``attributions``  {method: (N, C, H, W) or (N, H, W)}, or a list of them with ``titles``, or just one; without N
                      where ``inputs`` is one image
    ``rows``          a label for each image
    ``notes``         {title: a short line for each image}, written under the pictures of that column
    ``views``         what to draw of a map, one of these or several: ``"map"``; ``"overlay"``: over the photograph in
                      grey, more opaque where |value| is larger; ``"product"``: photograph x percentile-clipped map
    ``mode``          ``"symmetric"`` or ``"percentile"``, with ``low`` and ``high``: see :func:`normalise`
    ``scale``         ``"each"``: every map by itself; ``"shared"``: one scale for all, in the unit of the attributions,
                      so that methods or classes can be compared; a number: colours end there
    ``colours``       ``"blue-red"`` (signed maps), ``"thesis"`` (red and green), ``"heat"`` (percentile maps)
    ``size``          inches for each picture
    """
    pictures = {title: photographs(images) for title, images in
                (inputs if isinstance(inputs, dict) else {"photograph": inputs}).items()}
    first = next(iter(pictures.values()))                                                      # (N, H, W, 3)
    maps = {title: heat_maps(values, title, first) for title, values in by_title(attributions, titles).items()}
    rows = [""] * len(first) if rows is None else rows
    if len(rows) != len(first):
        raise ValueError(f"rows must be {len(first)} labels, one an image, got {len(rows)}.")
    views = [one_of("views", view, VIEWS) for view in ([views] if isinstance(views, str) else views)]
    display = _display(maps, mode, low, high, scale, colours)
    n_columns = len(pictures) + len(maps) * len(views)
    fig, axes = figure(len(first), n_columns, (n_columns * size + 0.9, len(first) * (size + 0.1) + 0.5), squeeze=False)
    columns = iter(axes.T)
    for (title, images), column in zip(pictures.items(), columns):
        _photograph_column(column, title, images, rows if images is first else [""] * len(rows), size)
        _write_below(column, (notes or {}).get(title, []), size)
    for (title, raw), view, column in ((item, view, next(columns)) for item in maps.items() for view in views):
        _map_column(column, title if len(views) == 1 else f"{title}\n{view}", view, first, raw, display, size)
        _write_below(column, (notes or {}).get(title, []), size)
    if set(views) != {"product"}:
        bar = fig.colorbar(display.colours, ax=axes, fraction=0.05, pad=0.015, aspect=22 * len(rows) ** 0.5,
                           extend="neither" if mode == "percentile" else "both", extendfrac=0.02)
        bar.set_label(display.label, fontsize=9)
        bar.outline.set_visible(False)
    return fig


class _Display(NamedTuple):
    """How a figure turns raw maps into colours."""

    normalise: callable               # raw map (H, W) -> map to draw
    product: callable                 # raw map (H, W) -> factor for the photograph, in [0, 1]
    colours: ScalarMappable
    label: str                        # of the colour bar


def _display(maps, mode, low, high, scale, colours):
    one_of("mode", mode, ("symmetric", "percentile"))
    if scale not in ("each", "shared") and not (isinstance(scale, (int, float)) and scale > 0):
        raise ValueError(f'scale must be "each", "shared" or a positive number, got {scale!r}.')
    if mode == "percentile" and scale != "each":
        raise ValueError(f'scale must be "each" for percentile maps, which are in [0, 1] each, got {scale!r}.')
    low_limit, limit, label = -1, 1, f"attribution / {high:g}th percentile of |attribution|"
    if mode == "percentile":
        low_limit, label = 0, f"attribution, percentiles {low:g} to {high:g}"
    elif scale != "each":
        present = [raw for values in maps.values() for raw in values if raw.any()]
        limit = max((_limit(raw, high) for raw in present), default=1.0) if scale == "shared" else float(scale)
        low_limit, label, mode = -limit, "attribution, one scale for all", "none"
    palette = COLOURS[one_of("colours", colours or ("heat" if mode == "percentile" else "blue-red"), COLOURS)]
    return _Display(lambda raw: normalise(raw, mode, low, high), lambda raw: normalise(raw, "percentile", low, high),
                    ScalarMappable(Normalize(low_limit, limit), palette), label)


def _photograph_column(column, title, images, rows, size):
    for ax, image, row in zip(column, images, rows):
        ax.imshow(image)
        _frame(ax, title if ax is column[0] else "", row, size)


def _map_column(column, title, view, images, maps, display, size):
    colours = display.colours
    for ax, image, raw in zip(column, images, maps):
        values = display.normalise(raw)
        if view == "product":
            values = display.product(raw)
            ax.imshow(image * values[..., None])
        elif view == "overlay":
            ax.imshow(0.35 + 0.65 * image.mean(-1), cmap="gray", vmin=0, vmax=1)
            opacity = np.sqrt(np.clip(np.abs(values) / colours.norm.vmax, 0, 1))
            ax.imshow(values, cmap=colours.cmap, norm=colours.norm, alpha=opacity)
        else:
            ax.imshow(values, cmap=colours.cmap, norm=colours.norm)
        _frame(ax, title if ax is column[0] else "", "", size)
        _remark(ax, raw, values)


def _write_below(column, notes, size):
    for ax, note in zip(column, notes):
        ax.set_xlabel(textwrap.fill(note, int(size * 11)), fontsize=9)


def _remark(ax, raw, values):
    """Writes on a map what a reader must know of it and cannot see."""
    remark = "" if values.any() else "constant after clipping" if raw.any() else "all zero"
    if values.any() and raw.max() <= 0:
        remark = "no positive value"
    if remark:
        ax.text(0.5, 0.07, remark, transform=ax.transAxes, ha="center", fontsize=8.5,
                bbox={"facecolor": "white", "edgecolor": GREY, "boxstyle": "round,pad=0.25", "alpha": 0.9})


def _frame(ax, title, row, size):
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set(visible=True, color="#C8C8C8", linewidth=0.6)
    letters = int(size * 10)                                          # that fit over or beside a picture
    ax.set_title("\n".join(textwrap.fill(line, letters) for line in title.split("\n")))
    ax.set_ylabel(textwrap.fill(str(row), letters))
