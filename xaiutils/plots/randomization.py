"""Figures of the randomization tests: maps with methods down and layers across, and similarity layer by layer."""

import numpy as np

from xaiutils.plots.heatmaps import show
from xaiutils.plots.pictures import as_array
from xaiutils.plots.style import GREY, PALETTE, figure, styled

STEPS = 8                                                            # of colour on either side of white
MANY = 8                                                             # methods in one panel, a colour each


@styled
def randomized_maps(image, maps, *, sign="all", size=1.0):
    """Methods down, layers across, as in the thesis: green speaks for the class, red against it. -> Figure

    ``image``  (C, H, W); ``maps`` {method: {layer: (C, H, W) or (H, W)}}, the same layers for each, ``"original"`` first
    ``sign``   ``"all"``, or ``"positive"``: channels added up and what is below 0 left out
    Each map has its own scale, as :func:`xaiutils.plots.show` does it, in steps of an eighth: a figure of a hundred noisy
    maps then stays small enough to be drawn sharply.
    """
    if sign not in ("all", "positive"):
        raise ValueError(f'sign must be "all" or "positive", got {sign!r}.')
    methods, layers = list(maps), list(next(iter(maps.values())))
    if any(list(row) != layers for row in maps.values()):
        raise ValueError(f"maps must have the same layers for each method, got {[list(row) for row in maps.values()]}.")
    columns = {layer: np.stack([_summed(maps[method][layer], sign) for method in methods]) for layer in layers}
    pictures = np.repeat(as_array(image, "image")[None], len(methods), axis=0)
    fig = show({"picture": pictures}, columns, rows=methods, colours="thesis", size=size)
    for heatmap in (image for ax in fig.axes[:-1] for image in ax.images if np.ndim(image.get_array()) == 2):
        heatmap.set_data(np.round(heatmap.get_array() * STEPS) / STEPS)
    fig.few_colours = True
    for ax in fig.axes[len(layers) + 1 : -1 : len(layers) + 1]:      # the picture stands in the first row only
        ax.images[0].set_visible(False)
    for remark in (text for ax in fig.axes for text in ax.texts):
        remark.set_fontsize(5.5)                                     # these pictures are small
    return fig


def _summed(heatmap, sign):
    heatmap = as_array(heatmap, "maps")
    heatmap = heatmap.sum(0) if heatmap.ndim == 3 else heatmap
    return heatmap if sign == "all" else heatmap.clip(min=0)


@styled
def layer_curves(frame, measure="ledger", *, label=None, null=None, threshold=None, height=3.6):
    """Similarity with the trained network's map, layer by layer: a panel a test, a line a method. -> Figure

    ``frame``      rows of :meth:`xaiutils.sweep.Sweep.run`; ``measure`` one of its columns, named ``label`` on the axis
    ``null``       (name, low, high): a grey band, such as that of maps with shuffled pixels
    ``threshold``  a dashed line: where a method fails
    Lines are means over images and seeds, bands their standard deviation over seeds of the mean over images, as in the
    thesis.
    """
    methods, tests = list(dict.fromkeys(frame["method"])), list(dict.fromkeys(frame["test"]))
    if len(methods) > MANY:
        raise ValueError(f"frame must hold at most {MANY} methods, more cannot be told apart, got {len(methods)}.")
    layers = list(dict.fromkeys(frame.sort_values("depth")["layer"]))
    fig, axes = figure(1, len(tests), (1.5 + max(4.2, 0.42 * len(layers)) * len(tests), height), sharey=True, squeeze=False)
    for ax, test in zip(axes[0], tests):
        for colour, method in zip(PALETTE, methods):
            rows = frame[(frame["test"] == test) & (frame["method"] == method)]
            by_seed = rows.groupby(["seed", "layer"])[measure].mean().unstack()[layers]               # (seeds, layers)
            mean, spread = by_seed.mean(), by_seed.std(ddof=0)
            ax.plot(range(len(layers)), mean, color=colour, marker="o", markersize=3.5, label=method)
            ax.fill_between(range(len(layers)), mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
        if null is not None:
            ax.axhspan(*null[1:], color=GREY, alpha=0.2, linewidth=0, label=null[0])
        if threshold is not None:
            ax.axhline(threshold, color=GREY, linestyle="--", label=f"fails from {threshold:g}")
        ax.set_xticks(range(len(layers)), layers, rotation=60)
        ax.set(title=test, xlabel="random down to" if test == "cascading" else "random layer")
    axes[0, 0].set_ylabel(label or f"SSIM, preset {measure}")
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper")
    return fig
