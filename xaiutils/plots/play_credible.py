"""To play with, for the credible path: a path that bends, Examples 1 and 2, the search for a baseline, Figure 2's rule."""

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from scipy.stats import spearmanr

from xaiutils.methods.credible_path import INEQUALITIES
from xaiutils.metrics.sensitivity_n import pearson
from xaiutils.models.two_pieces import TwoPieces
from xaiutils.plots.explorers import explorer, slider
from xaiutils.plots.heatmaps import show
from xaiutils.plots.pictures import as_array, photographs
from xaiutils.plots.style import GREY, PALETTE, figure, styled

PLANE = (-0.2, 5.2)
SURFACES = {  # name -> J and J', with the minimum at 0
    "x^2 / 2": (lambda x: x**2 / 2, lambda x: x),
    "1 - exp(-x^2)": (lambda x: 1 - np.exp(-x**2), lambda x: 2 * x * np.exp(-x**2)),
}


def bent_path():
    """Bend the path (alpha^p, alpha) under F = x1^2 x2: the split of the change moves, A1 = 2p / (2p + 1), its sum does not."""
    @styled
    def draw(exponent):
        fig, (left, right) = figure(1, 2, (9.0, 3.5), width_ratios=(1.3, 1))
        axis, alpha = np.linspace(0, 1, 81), np.linspace(0, 1, 201)
        contours = left.contourf(axis, axis, axis**2 * axis[:, None], levels=12, cmap="Greys", alpha=0.55)
        fig.colorbar(contours, ax=left, label="F").outline.set_visible(False)
        left.plot(alpha**exponent, alpha, color=PALETTE[0], linewidth=2.4)
        left.plot(0, 0, "o", color=PALETTE[0], markerfacecolor="white", markersize=9, clip_on=False)
        left.plot(1, 1, "s", color=PALETTE[0], markersize=8, clip_on=False)
        left.set(xlabel="$x_1$", ylabel="$x_2$", title=f"path (alpha^{exponent:g}, alpha)", aspect="equal")
        first = 2 * exponent / (2 * exponent + 1)
        right.bar(["$A_1$", "$A_2$"], [first, 1 - first], color=PALETTE[:2], width=0.5)
        right.set(ylim=(0, 1), title=f"A = ({first:.3f}, {1 - first:.3f})\nsum 1 = F(1, 1) - F(0, 0)")
        return fig

    return explorer(draw, exponent=slider([0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0], 1.0))


def two_pieces():
    """Move input and baseline over the plane of Examples 1 and 2: attributions, their ratio, and whether they add up."""
    tints = ListedColormap(["#FFFFFF", "#D9E8F2", "#F7E0D2", "#EFE6F2", "#E6E6E6"])

    @styled
    def draw(x1, x2, baseline1, baseline2, function):
        pieces, x, start = TwoPieces(function == "continuous"), [x1, x2], [baseline1, baseline2]
        fig, (left, right) = figure(1, 2, (9.4, 3.6), width_ratios=(1, 1.2))
        axis = torch.linspace(*PLANE, 201, dtype=torch.float64)
        weights = pieces.weights(torch.cartesian_prod(axis, axis)).view(201, 201, 2)
        first, second = weights.unbind(2)
        colour = (first == 4) * 1 + (first == 1) * 2 + (first == second) * (first > 0) * 2
        left.imshow(colour.T.numpy(), origin="lower", extent=PLANE * 2, cmap=tints, vmin=0, vmax=4)
        left.plot([baseline1, x1], [baseline2, x2], color=GREY, linewidth=1.2)
        left.plot(baseline1, baseline2, "o", color=PALETTE[0], markerfacecolor="white", markersize=9, label="baseline")
        left.plot(x1, x2, "s", color=PALETTE[1], markersize=8, label="input")
        for place in ((0.5, 0.8), (3.5, 4.4), (3.5, 0.5), (0.5, 4.4)):
            active = pieces.weights(torch.tensor([place], dtype=torch.float64))[0].tolist()
            left.text(*place, f"({active[0]:g}, {active[1]:g})", ha="center", va="center", fontsize=9)
        left.set(xlabel="$x_1$", ylabel="$x_2$", xlim=PLANE, ylim=PLANE, title="weights of the pieces")
        left.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2)
        left.grid(False)
        attributions = pieces.straight(x, start)
        change = (pieces(torch.tensor([x], dtype=torch.float64)) - pieces(torch.tensor([start], dtype=torch.float64))).item()
        right.bar(["$A_1$", "$A_2$"], attributions.tolist(), color=PALETTE[:2], width=0.5)
        right.axhline(0, color="#000000", linewidth=1)
        ratio = abs(attributions[0] / attributions[1]).item() if attributions[1] else float("inf")
        right.set(title=f"A = ({attributions[0]:.2f}, {attributions[1]:.2f}), |A1 / A2| = {ratio:.2f}\n"
                        f"sum {attributions.sum():.2f}, F(x) - F(x') = {change:.2f}")
        return fig

    places = [round(0.5 * k, 1) for k in range(11)]
    return explorer(draw, x1=slider(places, 1.5), x2=slider(places, 1.5), baseline1=slider(places, 0.0),
                    baseline2=slider(places, 0.0), function=["printed", "continuous"])


def baseline_search(photograph, baselines, traces):
    """The baseline that each objective finds, its difference from the photograph, and how near it came in logits.

    ``photograph``  (C, H, W) pixels in [0, 1]; ``baselines`` {objective: (C, H, W)}
    ``traces``      {objective: (K,)} distance of the logits after each step, NaN from where the search has ended
    """
    image = photographs(photograph)[0]
    found = {name: photographs(values)[0] for name, values in baselines.items()}
    traces = {name: np.asarray(values, dtype=float) for name, values in traces.items()}

    @styled
    def draw(objective):
        fig, axes = figure(1, 4, (11.2, 2.9), width_ratios=(1, 1, 1, 1.5))
        step = found[objective] - image
        for ax, picture, title in zip(axes, (image, found[objective], 0.5 + 2 * step), (
                "photograph", "baseline", f"difference x 2\nleast {abs(step).min():.3f}, mean {abs(step).mean():.3f}")):
            ax.imshow(np.clip(picture, 0, 1))
            ax.set(xticks=[], yticks=[], title=title)
            ax.grid(False)
        for name, trace in traces.items():
            chosen = name == objective
            axes[3].plot(trace, color=PALETTE[0] if chosen else GREY, alpha=1 if chosen else 0.4)
        axes[3].set(xlabel="step", title=f"distance of the logits:\n{np.nanmin(traces[objective]):.3f} at best", ylim=(0, None))
        return fig

    return explorer(draw, objective=list(baselines))


def darkening(pictures, maps, notes):
    """Take the light from a part of a photograph, and see which maps lose it.

    ``pictures``  {brightness: (C, H, W)}; ``maps`` and ``notes`` {brightness: {method: map (H, W), or a text under it}}
    """
    def draw(brightness):
        below = {method: [text] for method, text in notes[brightness].items()}
        return show({f"brightness {brightness:g}": pictures[brightness]}, maps[brightness], notes=below, size=2.4)

    return explorer(draw, brightness=slider(list(pictures)))


def subset_scatter(fractions, sums, losses):
    """The points behind a correlation of Sensitivity-N: for each set what it is attributed and what the score loses.

    ``sums``  {method: (F, S)} for F ``fractions``; ``losses`` {fill: (F, S)} of the same S sets
    """
    sums = {method: as_array(values, "sums") for method, values in sums.items()}
    losses = {fill: as_array(values, "losses") for fill, values in losses.items()}

    @styled
    def draw(fraction, method, fill):
        k = fractions.index(fraction)
        fig, ax = figure(size=(5.6, 3.8))
        ax.scatter(sums[method][k], losses[fill][k], s=22, color=PALETTE[0], alpha=0.6, linewidth=0)
        ax.set(xlabel="sum of the attributions of a set", ylabel="loss of the score without it",
               title=f"{method}, {fraction:.0%} of the pixels painted {fill}:\n"
                     f"correlation {pearson(sums[method][k], losses[fill][k]).item():.2f}")
        return fig

    return explorer(draw, fraction=slider(fractions), method=list(sums), fill=list(losses))


def gain_counter(tables):
    """Confidence of networks against the gain of a method, in per cent of the reference's score or in absolute numbers.

    ``tables``  {name: DataFrame}, a row a network, with the columns ``confidence``, ``gain, %`` and ``gain``
    """
    columns = {"per cent": "gain, %", "absolute": "gain"}

    @styled
    def draw(table, count):
        rows = tables[table]
        fig, ax = figure(size=(6.0, 3.6))
        ax.plot(rows["confidence"], rows[columns[count]], "o", color=PALETTE[0], markersize=9)
        for name, x, y in zip(rows.index, rows["confidence"], rows[columns[count]]):
            ax.annotate(name, (x, y), xytext=(7, 7), textcoords="offset points", fontsize=9)
        rank = spearmanr(rows["confidence"], rows[columns[count]]).statistic
        ax.set(xlabel="mean confidence of the network", ylabel=f"gain, {count}", title=f"{table}: rank correlation {rank:+.1f}")
        ax.margins(0.2)
        return fig

    return explorer(draw, table=list(tables), count=list(columns))


def gradient_rule(surfaces=None):
    """Move a path point over a loss surface whose input lies at 1: who accepts it, Definition 7 or the text?"""
    surfaces = surfaces or SURFACES

    @styled
    def draw(path_point, surface):
        value, slope = surfaces[surface]
        x = torch.tensor(1.0, dtype=torch.float64)
        steep, here = (float(slope(np.float64(place))) for place in (x, path_point))
        same_sign = steep * here > 0
        fig, ax = figure(size=(7.2, 3.6))
        line = np.linspace(-1.5, 3.2, 400)
        ax.plot(line, value(line), color=GREY)
        for place, colour, label in ((1.0, PALETTE[1], "input x"), (path_point, PALETTE[0], "path point")):
            tilt = slope(np.float64(place))
            around = np.array([-0.35, 0.35]) / np.sqrt(1 + tilt**2)
            ax.plot(place + around, value(np.float64(place)) + tilt * around, color=colour, linewidth=2.4)
            ax.plot(place, value(np.float64(place)), "o", color=colour, markersize=8, label=f"{label}: slope {tilt:.2g}")
        sizes = torch.tensor([abs(steep)]), torch.tensor([abs(here)])
        said = {name: "accepts" if same_sign and bool(INEQUALITIES[name](*sizes, 0.0)) else "rejects"
                for name in ("printed", "prose")}
        what = "absence" if path_point > 1 else "the input" if path_point == 1 else "overshot presence" if path_point > 0 else "beyond"
        ax.set(xlabel="value of the feature", ylabel="J", ylim=(-0.15, max(1.2, float(value(np.float64(path_point))) * 1.15)),
               title=f"{what}: Definition 7 {said['printed']}, the text {said['prose']}")
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return fig

    return explorer(draw, path_point=slider([round(-1.5 + 0.25 * k, 2) for k in range(19)], 2.0), surface=list(surfaces))
