"""The one look of all figures: readable at notebook size, safe for colour-blind readers, small as PNG.

A figure made here is unknown to pyplot: it is shown where it is asked for (as the last value of a cell, or by
``display``), never twice, and needs no closing.
"""

import functools
import io

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

# Okabe and Ito's colours, those of strong contrast on white first
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5B5B5B", "#000000")
GREY = "#8A8A8A"

STYLE = {
    "figure.dpi": 100, "savefig.dpi": 100, "figure.facecolor": "white",
    "font.size": 10, "axes.titlesize": 10.5, "axes.labelsize": 10, "legend.fontsize": 9,
    "xtick.labelsize": 9, "ytick.labelsize": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "grid.color": "#E4E4E4", "grid.linewidth": 0.8, "axes.edgecolor": "#5B5B5B", "lines.linewidth": 1.8,
    "legend.frameon": False, "axes.prop_cycle": mpl.cycler(color=PALETTE),
}

# signed scales run from "against" over white (0) to "for"; "heat" is for maps that were clipped to [0, 1]
COLOURS = {
    "blue-red": LinearSegmentedColormap.from_list("blue-red", [
        "#053061", "#2166AC", "#4393C3", "#92C5DE", "#D1E5F0", "#FFFFFF",
        "#FDDBC7", "#F4A582", "#D6604D", "#B2182B", "#67001F"]),
    "thesis": LinearSegmentedColormap.from_list("thesis", ["#B2182B", "#FFFFFF", "#1B7837"]),
    "heat": mpl.colormaps["inferno"],
}


def styled(function):
    """Decorator: whatever ``function`` draws has this look, and matplotlib's settings are left as they were."""
    @functools.wraps(function)
    def wrapper(*args, **options):
        with mpl.rc_context(STYLE):
            return function(*args, **options)
    return wrapper


class Drawing(Figure):
    """A matplotlib figure that a notebook stores as a PNG of at most 150 kB."""

    def _repr_png_(self):
        return png(self, limit=150_000)


@styled
def figure(nrows=1, ncols=1, size=(5.6, 3.4), **options):
    """(figure, axes): ``size`` inches, ``nrows`` x ``ncols`` axes; ``options`` go to ``Figure.subplots``."""
    made = Drawing(figsize=size, layout="constrained")
    return made, made.subplots(nrows, ncols, **options)


def axes_of(ax, size=(5.6, 3.4)):
    """(figure, axes) to draw on: those of ``ax``, or a new figure where ``ax`` is None."""
    return figure(size=size) if ax is None else (ax.figure, ax)


def fit_titles(drawn):
    """Make titles smaller that the edge of the figure would cut off."""
    drawn.draw_without_rendering()
    for title in [*(ax.title for ax in drawn.axes), *drawn.texts]:
        while _cut_off(title, drawn.bbox.width) and title.get_fontsize() > 5:
            title.set_fontsize(0.95 * title.get_fontsize())


def _cut_off(title, width):
    box = title.get_window_extent()
    return box.x0 < 0 or box.x1 > width


def png(drawn, limit=None, dpi=None):
    """A figure as PNG bytes; with ``limit``, of at most that many (150_000 keeps notebooks small).

    ``dpi`` dots per inch (default: the figure's own, 100). What is too large, as photographs are, is reduced to the 256
    colours that fit it best, those of its colour scales among them, then drawn with fewer dots.
    """
    dpi = dpi or drawn.get_dpi()
    fit_titles(drawn)
    while True:
        full = io.BytesIO()
        drawn.savefig(full, format="png", dpi=dpi)
        if limit is None or full.tell() <= limit:
            return full.getvalue()
        reduced = io.BytesIO()
        _reduced(Image.open(full).convert("RGB"), drawn).save(reduced, format="png", optimize=True)
        if reduced.tell() <= limit:
            return reduced.getvalue()
        if dpi < 20:
            raise ValueError(f"limit must leave room for the figure, got {limit} bytes.")
        dpi *= min(0.9, 0.95 * (limit / reduced.tell()) ** 0.5)


def _reduced(picture, drawn):
    """``picture`` in 256 colours, dithered unless the figure says by ``few_colours`` that it needs no more.

    Strips of the figure's colour scales are added for the choice of the palette, which would else drop the ends of a
    scale, since few pixels reach them.
    """
    mapped = [image for ax in drawn.axes for image in ax.images if np.ndim(image.get_array()) == 2]
    pixels = np.asarray(picture)
    height, width, _ = pixels.shape
    strips = [scale(np.linspace(0, 1, width), bytes=True)[None, :, :3].repeat(height // 10, axis=0)
              for scale in {image.cmap.name: image.cmap for image in mapped}.values()]
    palette = Image.fromarray(np.concatenate([pixels, *strips])[::2, ::2]).quantize(256)
    dither = Image.Dither.NONE if getattr(drawn, "few_colours", False) else Image.Dither.FLOYDSTEINBERG
    reduced = picture.quantize(palette=palette, dither=dither)
    colours = np.reshape(reduced.getpalette(), (-1, 3))
    colours[reduced.getpixel((0, 0))] = pixels[0, 0]                  # the corner is paper, and stays white
    reduced.putpalette(colours.ravel().tolist())
    return reduced


def shown(drawn):
    """The numbers that a figure shows, by axes and kind: ``{"0.image0": ..., "1.line0": ...}``.

    Images as (H, W) or (H, W, 3), lines and scattered points as (K, 2), bars and boxes as x, y, width, height. A test
    or a reader gets at what is drawn without looking at pixels.
    """
    arrays = {}
    for place, ax in enumerate(drawn.axes):
        parts = {
            "image": [image.get_array() for image in ax.images],
            "line": [line.get_xydata() for line in ax.lines],
            "points": [points.get_offsets() for points in ax.collections],
            "box": [patch.get_bbox().bounds for patch in ax.patches if hasattr(patch, "get_bbox")],
        }
        for kind, found in parts.items():
            arrays |= {f"{place}.{kind}{i}": np.array(values, dtype=float) for i, values in enumerate(found)}
    return arrays
