"""What an attack did to an input, and the segments that AXAI reads off it: panels, and sliders over them.

Perturbations (C, H, W) and segments (H, W) are computed beforehand, so that every move is an instant.
"""

import numpy as np
import torch
from skimage.segmentation import mark_boundaries

from xaiutils.methods.axai import attacked_places, densest, segment_densities
from xaiutils.plots.explorers import explorer, pick, pickers, slider
from xaiutils.plots.pictures import as_array, photographs
from xaiutils.plots.style import GREY, PALETTE, figure, styled


@styled
def attack_panels(image, v, segments, *, percentile=15.0, k=5, channels="each", truth=None):
    """AXAI's Figure 1 for one image: it, its attack's histogram, the attacked pixels, the segments, the explanation.

    ``image``  pixels in [0, 1], (C, H, W); ``v`` the perturbation (C, H, W); ``segments`` integers (H, W)
    ``truth``  (H, W), True where the answer is known to lie: its edge is drawn in the last panel
    """
    picture, v = photographs(image)[0], torch.as_tensor(as_array(v, "v"))
    segments = torch.as_tensor(segments).cpu()
    attacked = attacked_places(v, percentile, channels)
    densities = segment_densities(attacked, segments)
    chosen = np.isin(segments.numpy(), densest(densities, k).numpy())
    fig, axes = figure(1, 5, (12.4, 3.0))
    axes[0].imshow(picture)
    _histogram(axes[1], v.flatten().numpy(), percentile)
    axes[2].imshow(attacked.numpy(), cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
    axes[3].imshow(mark_boundaries(picture, segments.numpy(), color=(1, 1, 0)))
    axes[4].imshow(np.where(chosen[..., None], picture, 0.75 + 0.25 * picture))
    if truth is not None:
        axes[4].contour(as_array(truth, "truth"), [0.5], colors=[PALETTE[1]], linewidths=1.5)
    titles = ("a image", "b values of the attack", f"c attacked: {attacked.double().mean():.0%}",
              f"d {len(densities)} segments", f"e {len(densest(densities, k))} densest")
    for ax, title in zip(axes, titles):
        ax.set_title(title)
        if ax is not axes[1]:
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
    return fig


def play_attack(image, attacks, segmentations, names=("radius",), percentile=15, k=5):
    """Choose an attack and a segmentation, slide the percentile and k, and see the explanation follow.

    ``attacks``        {key: (C, H, W)}, a key being e.g. the radius, with ``names`` for its parts
    ``segmentations``  {name: (H, W)}
    """
    def draw(segmenter, percentile, k, **values):
        v = pick(attacks, names, values)
        return attack_panels(image, v, segmentations[segmenter], percentile=float(percentile), k=k)

    return explorer(draw, segmenter=list(segmentations), percentile=slider([1, 2, 5, 10, 15, 20, 30, 45], percentile),
                    k=slider(range(1, 21), k), **pickers(attacks, names))


def play_laws(values, families):
    """The values of an attack (N,) by name, and a family fitted to them: choose both, see density and KS distance."""
    from xaiutils.metrics import fit_laws, tail_ratio

    fits = {name: {fit.family: fit for fit in fit_laws(rows[None], families)} for name, rows in values.items()}

    @styled
    def draw(attack, family):
        rows, fit = np.asarray(values[attack]), fits[attack][family]
        limit = np.percentile(np.abs(rows), 99.5)
        line = np.linspace(-limit, limit, 301)
        fig, axes = figure(1, 2, (10.4, 3.2))
        for ax, scale in zip(axes, ("linear", "log")):
            ax.hist(rows, np.linspace(-limit, limit, 61), density=True, color=GREY, alpha=0.6)
            ax.plot(line, fit.law().pdf(line), color=PALETTE[1], label=f"{family}: KS {fit.ks:.3f}")
            for q in np.quantile(rows, [0.15, 0.25, 0.75, 0.85]):
                ax.axvline(q, color=PALETTE[0], linestyle=":", linewidth=1)
            bottom = 0 if scale == "linear" else 0.2 / (len(rows) * limit / 30)
            ax.set(yscale=scale, xlabel="value", title=f"{scale} scale", ylim=(bottom, None))
        axes[0].legend()
        q = np.quantile(rows, [0.15, 0.25, 0.75, 0.85])
        axes[1].set_title(f"log scale; ratio of quantiles {(q[3] - q[0]) / (q[2] - q[1]):.2f}, fitted {tail_ratio(fit.law()):.2f}")
        return fig

    return explorer(draw, attack=list(values), family=list(families))


def _histogram(ax, values, percentile):
    """Values of one perturbation, those below and above its two percentiles in colour."""
    low, high = np.percentile(values, [percentile, 100 - percentile])
    limit = np.percentile(np.abs(values), 99.5) or 1.0
    edges = np.unique([*np.linspace(-limit, limit, 61), np.clip(low, -limit, limit), np.clip(high, -limit, limit)])
    counts = np.histogram(values, edges)[0] / np.diff(edges)
    middle = (edges[1:] + edges[:-1]) / 2
    colours = np.where((middle < low) | (middle >= high), PALETTE[1], GREY)
    ax.bar(edges[:-1], counts, np.diff(edges), align="edge", color=colours, linewidth=0)
    ax.set(yticks=[], xlabel=f"tails: {percentile:g} % at each end")
    ax.ticklabel_format(axis="x", style="sci", scilimits=(-2, 2))
