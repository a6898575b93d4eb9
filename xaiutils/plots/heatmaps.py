"""Heat maps beside their photographs: one call for images x methods, with a colour scale that can be read off.

Signed maps use a scale symmetric about 0, where white says "no influence". Nothing is dropped in silence: a map without
any value but 0, or without a positive one, says so in its place; NaN is refused. Where a figure has fewer dots than a
map has pixels, neighbours of opposite sign mix to a violet grey that is on no scale: signs alternate there.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from xaiutils.plots.grid import grid
from xaiutils.plots.pictures import as_array, by_title, heat_maps, one_of, photographs
from xaiutils.plots.style import COLOURS, GREY, styled

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
    names = [*pictures, *(title for title in maps for _ in views)]
    headings = [*pictures, *(title if len(views) == 1 else f"{title}\n{view}" for title in maps for view in views)]
    fig, axes, bar = grid(headings, rows, [(notes or {}).get(name, []) for name in names], shape=first.shape[1:3],
                          size=size, bar=set(views) != {"product"})
    for column, images in zip(axes.T, pictures.values()):
        for ax, image in zip(column, images):
            ax.imshow(image)
    drawn = ((raw, view) for raw in maps.values() for view in views)
    for column, (raw, view) in zip(axes.T[len(pictures):], drawn):
        for ax, image, heatmap in zip(column, first, raw):
            _draw(ax, view, image, heatmap, display)
    if bar is not None:
        fig.colorbar(display.colours, cax=bar, label=display.label, extend=display.extend, extendfrac=0.02)
        bar.yaxis.label.set_size(9)
        bar.spines[:].set_visible(False)
    return fig


class _Display(NamedTuple):
    """How a figure turns raw maps into colours."""

    normalise: callable               # raw map (H, W) -> map to draw
    product: callable                 # raw map (H, W) -> factor for the photograph, in [0, 1]
    colours: ScalarMappable
    label: str                        # of the colour bar
    extend: str                       # at which of its ends values may lie beyond it


def _display(maps, mode, low, high, scale, colours):
    one_of("mode", mode, ("symmetric", "percentile"))
    if scale not in ("each", "shared") and not (isinstance(scale, (int, float)) and scale > 0):
        raise ValueError(f'scale must be "each", "shared" or a positive number, got {scale!r}.')
    if mode == "percentile" and scale != "each":
        raise ValueError(f'scale must be "each" for percentile maps, which are in [0, 1] each, got {scale!r}.')
    low_limit, limit, label = -1, 1, f"attribution / {high:g}th\npercentile of its magnitude"
    if mode == "percentile":
        low_limit, label = 0, f"attribution,\npercentiles {low:g} to {high:g}"
    elif scale != "each":
        present = [raw for values in maps.values() for raw in values if raw.any()]
        limit = max((_limit(raw, high) for raw in present), default=1.0) if scale == "shared" else float(scale)
        low_limit, label, mode = -limit, "attribution,\none scale for all", "none"
    palette = COLOURS[one_of("colours", colours or ("heat" if mode == "percentile" else "blue-red"), COLOURS)]
    return _Display(lambda raw: normalise(raw, mode, low, high), lambda raw: normalise(raw, "percentile", low, high),
                    ScalarMappable(Normalize(low_limit, limit), palette), label,
                    extend="neither" if low_limit == 0 else "both")


def _draw(ax, view, image, raw, display):
    values, colours = display.normalise(raw), display.colours
    if view == "product":
        values = display.product(raw)
        ax.imshow(image * values[..., None])
    elif view == "overlay":
        ax.imshow(0.35 + 0.65 * image.mean(-1), cmap="gray", vmin=0, vmax=1)
        opacity = np.sqrt(np.clip(np.abs(values) / colours.norm.vmax, 0, 1))
        ax.imshow(values, cmap=colours.cmap, norm=colours.norm, alpha=opacity)
    else:
        ax.imshow(values, cmap=colours.cmap, norm=colours.norm)
    _remark(ax, raw, values)


def _remark(ax, raw, values):
    """Writes on a map what a reader must know of it and cannot see."""
    remark = "" if values.any() else "constant after clipping" if raw.any() else "all zero"
    if values.any() and raw.max() <= 0:
        remark = "no positive value"
    if remark:
        ax.text(0.5, 0.07, remark, transform=ax.transAxes, ha="center", fontsize=8.5,
                bbox={"facecolor": "white", "edgecolor": GREY, "boxstyle": "round,pad=0.25", "alpha": 0.9})
