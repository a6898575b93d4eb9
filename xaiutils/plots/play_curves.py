"""To play with: functions, games and paths. Each function takes arrays or callables and returns an Explorer.

Dictionaries may have tuples as keys, such as ("AGI", "insertion"), with ``names`` for their parts, such as
("method", "game"): each part gets a control of its own.
"""

import numpy as np
import torch
from sklearn.decomposition import PCA

from xaiutils.metrics.insertion_deletion import auc
from xaiutils.metrics.paths import straightness
from xaiutils.plots.explorers import explorer, pick, pickers, slider
from xaiutils.plots.pictures import as_array, photographs
from xaiutils.plots.style import GREY, PALETTE, figure, styled


def kink():
    """Slide x over the kink of f(x) = min(x, 1): the gradient at x, and what the integral from 0 to x gives."""
    @styled
    def draw(x):
        fig, (left, right) = figure(1, 2, (8.4, 3.3))
        line = np.linspace(0, 2.5, 251)
        slope = 1.0 if x < 1 else 0.0
        left.plot(line, np.minimum(line, 1), color=GREY, label="f(x) = min(x, 1)")
        around = np.array([-0.35, 0.35])
        left.plot(x + around, min(x, 1) + slope * around, color=PALETTE[1], label="slope at x")
        left.plot([x], [min(x, 1)], "o", color=PALETTE[1], markersize=7)
        left.set(xlabel="x", ylabel="f", title=f"gradient at x = {x:g}: {slope:g}", xlim=(0, 2.6), ylim=(-0.1, 1.5))
        way = np.linspace(0, x, 401)
        right.plot(line, line < 1, color=GREY, drawstyle="steps-mid", label="f'")
        right.fill_between(way, way < 1, color=PALETTE[0], alpha=0.35, linewidth=0, label="integral from 0 to x")
        right.set(xlabel="x", title=f"integral: {min(x, 1):g} = f({x:g}) - f(0)", xlim=(0, 2.6), ylim=(-0.1, 1.5))
        for ax in (left, right):
            ax.legend(loc="upper left", ncols=2)
        return fig

    return explorer(draw, x=(0.05, 2.5, 0.05))


def reveal_slider(curves, reveal, names=("method",)):
    """Drag along an insertion or deletion curve and see the image that the network sees there.

    ``curves``  {key: (n + 1,)}, a key being a method or, with ``names``, e.g. (method, game, substrate)
    ``reveal``  callable(*key, fraction) -> (C, H, W), e.g. around :func:`xaiutils.metrics.insertion_deletion.reveal`
    """
    @styled
    def draw(played, **values):
        scores = as_array(pick(curves, names, values), "curves")
        x, now = np.linspace(0, 1, len(scores)), round(played / 100 * (len(scores) - 1))
        fig, (left, right) = figure(1, 2, (8.4, 3.4), width_ratios=(1, 1.5))
        left.imshow(photographs(reveal(*(values[name] for name in names), played / 100))[0])
        left.set(xticks=[], yticks=[], title=f"{played} % of the pixels played")
        left.grid(False)
        right.plot(x, scores, color=GREY, linewidth=1.2, label=f"area {auc(scores[None]).item():.3f}")
        right.plot(x[:now + 1], scores[:now + 1], color=PALETTE[0], linewidth=2.5)
        right.plot(x[now], scores[now], "o", color=PALETTE[0], markersize=8)
        right.set(xlabel="share of pixels played", ylabel="score", title=f"score {scores[now]:.2f}", xlim=(0, 1))
        right.legend()
        return fig

    return explorer(draw, played=(0, 100), **pickers(curves, names))


def path_explorer(paths, straight=None, names=("path",)):
    """Follow a path through feature space in its two main directions, beside the straight way, with its straightness.

    ``paths``     {key: (K, F)}: features along the path
    ``straight``  {key: (M, F)}: features along the straight segment between its ends in input space
    Projection    the first two principal components of all paths together, the same for every key
    """
    points = {key: as_array(values, "paths") for key, values in paths.items()}
    plane = PCA(2, svd_solver="full").fit(np.concatenate(list(points.values())))

    @styled
    def draw(step, **values):
        way = pick(points, names, values)
        so_far = way[:step + 1]
        fig, ax = figure(size=(6.4, 4.2))
        ax.plot(*plane.transform(way).T, color=PALETTE[0], alpha=0.3, marker=".", label="the path in features")
        ax.plot(*plane.transform(so_far[[0, -1]]).T, color=GREY, linestyle="--", linewidth=1.2, label="chord")
        ax.plot(*plane.transform(so_far).T, color=PALETTE[0], marker="o", markersize=5)
        if straight is not None:
            ax.plot(*plane.transform(as_array(pick(straight, names, values), "straight")).T, color=PALETTE[1],
                    label="straight in pixels")
        number = f"{straightness(torch.tensor(so_far)):.3f}" if len(so_far) > 1 else "-"
        ax.set(xlabel="first principal component", ylabel="second",
               title=f"straightness up to step {len(so_far) - 1}: {number}")
        ax.set_aspect("equal", adjustable="datalim")                  # or a bent way could look straight
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return fig

    return explorer(draw, step=_steps(points), **pickers(points, names))


def two_curves_along_path(target_scores, false_scores, names=("false_class",), notes=None):
    """The scores f^t of the explained class and f^i of the false class along a path, up to a step.

    Both {key: (K,)}, with the same keys, e.g. (class, step size, path); ``notes`` {key: text under the title}.
    """
    @styled
    def draw(step, **values):
        fig, ax = figure(size=(6.4, 3.4))
        for colour, name, table in ((PALETTE[0], "$f^t$, explained class", target_scores),
                                    (PALETTE[1], "$f^i$, false class", false_scores)):
            scores = as_array(pick(table, names, values), name)
            ax.plot(scores, color=colour, alpha=0.3)
            so_far = scores[:step + 1]
            ax.plot(so_far, color=colour, marker="o", markersize=4, label=f"{name}: {so_far[-1]:.3f}")
        last = len(scores) - 1
        note = "" if notes is None else f"\n{pick(notes, names, values)}"
        ax.set(xlabel="step along the path", ylabel="score", title=f"step {min(step, last)} of {last}{note}")
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return fig

    return explorer(draw, step=_steps(target_scores), **pickers(target_scores, names))


def _steps(ways):
    """A slider over the points of the longest of ``ways``, at its end first."""
    last = max(map(len, ways.values())) - 1
    return slider(range(last + 1), start=last)
