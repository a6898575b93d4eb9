"""To play with: the two-piece function of Examples 1 and 2 and the gradient rule of Figure 2 (credible path)."""

import numpy as np
import torch
from matplotlib.colors import ListedColormap

from xaiutils.methods.credible_path import INEQUALITIES
from xaiutils.models.two_pieces import TwoPieces
from xaiutils.plots.explorers import explorer, slider
from xaiutils.plots.style import GREY, PALETTE, figure, styled

PLANE = (-0.2, 5.2)
SURFACES = {  # name -> J and J', with the minimum at 0
    "x^2 / 2": (lambda x: x**2 / 2, lambda x: x),
    "1 - exp(-x^2)": (lambda x: 1 - np.exp(-x**2), lambda x: 2 * x * np.exp(-x**2)),
}


def two_pieces():
    """Move input and baseline over the plane of Examples 1 and 2: attributions, their ratio, and whether they add up."""
    tints = ListedColormap(["#FFFFFF", "#D9E8F2", "#F7E0D2", "#E6E6E6"])

    @styled
    def draw(x1, x2, baseline1, baseline2, function):
        pieces, x, start = TwoPieces(function == "continuous"), [x1, x2], [baseline1, baseline2]
        fig, (left, right) = figure(1, 2, (9.4, 3.6), width_ratios=(1, 1.2))
        axis = torch.linspace(*PLANE, 201, dtype=torch.float64)
        weights = pieces.weights(torch.cartesian_prod(axis, axis)).view(201, 201, 2)
        colour = (weights[..., 0] == 4) * 1 + (weights[..., 0] == 1) * 2 + (weights[..., 0] == weights[..., 1]) * (weights[..., 0] > 0)
        left.imshow(colour.T, origin="lower", extent=PLANE * 2, cmap=tints, vmin=0, vmax=3)
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
