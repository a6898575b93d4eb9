"""To play with, for the thesis on sanity checks: rules of rectifiers and layers, one number or one toy at a time."""

import numpy as np

from xaiutils.plots.explorers import explorer, slider
from xaiutils.plots.pictures import as_array, photographs
from xaiutils.plots.style import COLOURS, GREY, PALETTE, figure, styled

PLANE = np.linspace(-5, 5, 201)


def rectifier_rules():
    """What goes on below a rectifier for each activation and signal, by four rules: a panel a rule, a ring where you are.

    ``threshold`` and ``epsilon`` are RectGrad's: a signal R passes where (a + epsilon) R > threshold, a what the rectifier gave.
    """
    def rules(entered, signal, threshold, epsilon):
        given = np.maximum(entered, 0)
        return {"gradient": (entered > 0) * signal, "DeconvNet": (signal > 0) * signal,
                "Guided backpropagation": (entered > 0) * (signal > 0) * signal,
                "RectGrad": ((given + epsilon) * signal > threshold) * signal}

    @styled
    def draw(activation, signal, threshold, epsilon):
        fig, axes = figure(1, 4, (12.0, 3.3), sharey=True)
        planes = rules(PLANE[None], PLANE[:, None], threshold, epsilon)
        here = rules(activation, signal, threshold, epsilon)
        for ax, (name, plane) in zip(axes, planes.items()):
            sent = ax.imshow(np.broadcast_to(plane, (201, 201)), origin="lower", extent=(-5, 5, -5, 5), cmap=COLOURS["thesis"],
                             vmin=-5, vmax=5)
            ax.plot(activation, signal, "o", markersize=9, markerfacecolor="none", markeredgecolor="#000000")
            ax.set(xlabel="entered the rectifier", title=f"{name}: {here[name] + 0.0:.1f}")
            ax.grid(False)
        axes[0].set_ylabel("signal from above")
        fig.colorbar(sent, ax=axes, label="goes on below").outline.set_visible(False)
        return fig

    return explorer(draw, activation=slider(np.arange(-5, 5.5, 0.5).tolist(), 2.0), signal=slider(np.arange(-5, 5.5, 0.5).tolist(), 3.0),
                    threshold=slider([-100.0, -5.0, -1.0, 0.0, 1.0, 5.0, 10.0], 0.0), epsilon=slider([0.0, 0.5, 5.0, 1000.0], 0.0))


def relevance_shares(contributions):
    """What one unit of relevance 1 hands to its inputs, for any alpha, beta and epsilon, and whether the sum is kept.

    ``contributions``  (n,) the products of input and weight
    """
    z = as_array(contributions, "contributions")

    @styled
    def draw(alpha, beta, epsilon):
        up, down = z.clip(min=0), z.clip(max=0)
        parts = [part / (part.sum() + np.sign(part.sum()) * epsilon) if part.any() else part for part in (up, down, z)]
        rows = {"contributions": z, f"alpha {alpha:g}, beta {beta:g}": alpha * parts[0] - beta * parts[1],
                f"epsilon rule, epsilon {epsilon:g}": parts[2]}
        fig, axes = figure(1, 3, (10.5, 2.8), sharey=True)
        for ax, colour, (name, values) in zip(axes, PALETTE, rows.items()):
            ax.barh([f"input {k + 1}" for k in range(len(z))], values, color=colour, height=0.6)
            ax.axvline(0, color="#000000", linewidth=1)
            ax.set_title(f"{name}\nsum {values.sum() + 0.0:.3f}")
        axes[0].invert_yaxis()
        return fig

    return explorer(draw, alpha=(0.0, 9.0, 0.5), beta=(0.0, 8.0, 0.5), epsilon=slider([0.0, 0.01, 0.1, 1.0, 10.0]))


def minimum_of_two():
    """Move two inputs of min(x1, x2): what DeepLIFT's two rules, integrated gradients and Shapley's values give each."""
    def shares(first, second, reference):
        lower = [min(first, reference), min(reference, second), min(first, second), reference]   # 1 known, 2 known, both, none
        alone = lower[0] - lower[3], lower[1] - lower[3]
        after = lower[2] - lower[1], lower[2] - lower[0]
        larger = max(first - second, 0.0)
        slope = larger / (first - second) if first != second else 0.0
        rescale = (first - reference) * (1 - slope), (second - reference) * slope
        return {"Rescale": rescale, "RevealCancel = Shapley": tuple((a + b) / 2 for a, b in zip(alone, after))}

    @styled
    def draw(first, second, reference):
        fig, (left, right) = figure(1, 2, (9.6, 3.2))
        axis = np.linspace(-5, 5, 101)
        left.contourf(axis, axis, np.minimum(axis[None], axis[:, None]), levels=12, cmap="Greys", alpha=0.5)
        left.plot([reference, first], [reference, second], color=PALETTE[0])
        left.plot(reference, reference, "o", color=PALETTE[0], markerfacecolor="white", markersize=9)
        left.plot(first, second, "s", color=PALETTE[0], markersize=8)
        left.set(xlabel="$i_1$", ylabel="$i_2$", aspect="equal", title="min($i_1$, $i_2$), reference and input")
        for place, (name, values) in enumerate(shares(first, second, reference).items()):
            right.bar(np.arange(2) + 0.4 * place - 0.2, values, width=0.36, color=PALETTE[place],
                      label=f"{name}: {values[0] + 0.0:.2f} and {values[1] + 0.0:.2f}")
        right.axhline(0, color="#000000", linewidth=1)
        right.set(xticks=[0, 1], xticklabels=["$i_1$", "$i_2$"], title="contributions")
        right.legend(loc="upper left", bbox_to_anchor=(0, -0.12))
        return fig

    return explorer(draw, first=slider(np.arange(-5, 5.5, 0.5).tolist(), 3.0), second=slider(np.arange(-5, 5.5, 0.5).tolist(), 1.0),
                    reference=slider([-2.0, -1.0, 0.0, 1.0, 2.0], 0.0))


def integral_by_steps(slopes):
    """Sum a slope along a way in a few steps, by four rules: bars under the curve, and how far the sum is from the change.

    ``slopes``  {network: (dC/dalpha (K,) at K evenly spread alphas from 0 to 1, the change C(1) - C(0))}
    """
    curves = {name: (as_array(values, "slopes"), float(change)) for name, (values, change) in slopes.items()}

    def nodes(rule, steps):
        if rule == "Gauss-Legendre":
            at, weights = np.polynomial.legendre.leggauss(steps)
            return (at + 1) / 2, weights / 2
        if rule == "trapezoid":
            return np.linspace(0, 1, steps + 1), np.r_[0.5, np.ones(steps - 1), 0.5] / steps
        return (np.arange(steps) + {"right ends": 1, "midpoints": 0.5}[rule]) / steps, np.full(steps, 1 / steps)

    @styled
    def draw(network, rule, steps):
        values, change = curves[network]
        line = np.linspace(0, 1, len(values))
        at, weights = nodes(rule, steps)
        heights = np.interp(at, line, values)
        ends = np.r_[0, weights.cumsum()]
        fig, ax = figure(size=(7.2, 3.4))
        ax.bar(ends[:-1], heights, width=weights, align="edge", color=GREY, alpha=0.45, edgecolor="#FFFFFF")
        ax.plot(line, values, color=PALETTE[0])
        ax.plot(at, heights, ".", color=PALETTE[1], markersize=7)
        ax.axhline(0, color="#000000", linewidth=1)
        ax.set(xlabel="alpha, from baseline to input", ylabel="slope of the score",
               title=f"sum {weights @ heights:.4f}, change {change:.4f}, off by {abs(weights @ heights - change):.2g}")
        return fig

    return explorer(draw, network=list(curves), rule=["right ends", "midpoints", "trapezoid", "Gauss-Legendre"],
                    steps=slider([1, 2, 3, 5, 8, 12, 20, 50, 100], 8))


def moving_patch(image, scores, untouched):
    """Move a patch over a picture and read the score that is left; beside it the map of all places.

    ``scores``     {size of the patch in pixels: (R, C) scores with the patch at each of R x C evenly spread places}
    ``untouched``  the score of the picture as it is
    """
    tables = {size: as_array(values, "scores") for size, values in scores.items()}
    picture = photographs(image)[0]                                                            # (H, W, 3)
    height, width = picture.shape[:2]

    @styled
    def draw(patch, down, across):
        table = tables[patch]
        row, column = round(down * (table.shape[0] - 1)), round(across * (table.shape[1] - 1))
        top = round(row * (height - patch) / max(table.shape[0] - 1, 1))
        left = round(column * (width - patch) / max(table.shape[1] - 1, 1))
        covered = picture.copy()
        covered[top:top + patch, left:left + patch] = 0.5
        fig, (seen, map_of) = figure(1, 2, (7.6, 3.4))
        seen.imshow(covered)
        seen.set_title(f"score {table[row, column]:.3f}, untouched {untouched:.3f}")
        fall = untouched - table
        limit = np.abs(fall).max() or 1.0
        drawn = map_of.imshow(fall, cmap=COLOURS["blue-red"], vmin=-limit, vmax=limit, extent=(0, width, height, 0))
        map_of.plot(left + patch / 2, top + patch / 2, "s", markersize=9, markerfacecolor="none", markeredgecolor="#000000")
        map_of.set_title("fall of the score by place")
        fig.colorbar(drawn, ax=map_of).outline.set_visible(False)
        for ax in (seen, map_of):
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
        return fig

    return explorer(draw, patch=slider(list(tables)), down=(0.0, 1.0, 0.05), across=(0.0, 1.0, 0.05))


def descents():
    """Gradient descent, momentum and Nesterov in a valley: choose step, momentum and curvature, and follow three paths."""
    def walk(eta, beta, curvature, nesterov, steps):
        curvatures, place, velocity = np.array([1.0, curvature]), np.array([-4.0, 1.5]), np.zeros(2)
        places = [place]
        for _ in range(steps):
            at = place + beta * velocity if nesterov else place
            velocity = beta * velocity - eta * curvatures * at
            place = place + velocity
            places.append(place)
        return np.array(places)

    @styled
    def draw(eta, beta, curvature, steps):
        fig, axes = figure(1, 3, (11.0, 3.2), sharex=True, sharey=True)
        across, up = np.linspace(-5, 5, 121), np.linspace(-2.5, 2.5, 121)
        valley = np.sqrt(across[None] ** 2 + curvature * up[:, None] ** 2)
        ways = {"gradient descent": (0.0, False), "momentum": (beta, False), "Nesterov": (beta, True)}
        for ax, (name, (momentum, nesterov)) in zip(axes, ways.items()):
            places = walk(eta, momentum, curvature, nesterov, steps)
            ax.contour(across, up, valley, levels=10, colors="#C8C8C8", linewidths=0.8)
            ax.plot(*places.clip(-50, 50).T, color=PALETTE[0], marker=".", markersize=4, linewidth=1)
            ax.plot(0, 0, "+", color="#000000", markersize=9)
            turns = int((np.sign(places[1:, 1]) * np.sign(places[:-1, 1]) < 0).sum())
            loss = 0.5 * (places[-1] ** 2 * [1, curvature]).sum()
            ax.set(title=f"{name}: loss {loss:.2g}, {turns} turns", xlim=(-5, 5), ylim=(-2.5, 2.5))
            ax.grid(False)
        return fig

    return explorer(draw, eta=slider([0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1], 0.01), beta=slider([0.0, 0.5, 0.8, 0.9, 0.95, 0.99], 0.9),
                    curvature=slider([2.0, 10.0, 50.0], 50.0), steps=slider(range(201), 60))
