"""Games of players: who adds what, in which order. The explorers follow sliders and menus."""

from itertools import permutations

import numpy as np
from scipy.stats import norm

from xaiutils.plots.curves import colours_of
from xaiutils.plots.explorers import explorer
from xaiutils.plots.pictures import as_array
from xaiutils.plots.style import PALETTE, axes_of, figure, styled


@styled
def waterfall(panels, *, xlabel):
    """From a first value to a last one in steps, one panel beside the other. -> Figure

    ``panels``  {title: (first value, {label: step})}; steps up are orange, steps down are blue
    """
    rows = max(len(steps) for _, steps in panels.values())
    fig, axes = figure(1, len(panels), (4.6 * len(panels), 0.42 * rows + 1.3), squeeze=False, sharex=True)
    for ax, (title, (first, steps)) in zip(axes[0], panels.items()):
        sizes = np.array(list(steps.values()), dtype=float)
        reached = first + np.concatenate([[0.0], np.cumsum(sizes)])                            # (n + 1,)
        places = np.arange(len(sizes))
        ax.barh(places, sizes, left=reached[:-1], height=0.6, color=[PALETTE[1] if s > 0 else PALETTE[0] for s in sizes])
        for x, place in zip(reached, np.arange(len(reached)) - 0.5):
            ax.plot([x, x], [place - 0.2, place + 0.2], color="#000000", linewidth=1)
        for place, size, low in zip(places, sizes, np.maximum(reached[:-1], reached[1:])):
            ax.annotate(f"{size:+.2g}", (low, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
        ax.set(yticks=places, yticklabels=list(steps), ylim=(len(sizes) - 0.2, -0.8), xlabel=xlabel,
               title=f"{title}\n{reached[0]:.3g} to {reached[-1]:.3g}")
        ax.margins(x=0.16)
        ax.grid(False, axis="y")
    return fig


@styled
def value_bars(values, *, xlabel="value", title="", ax=None):
    """Values of the same players by several methods, a group of bars a player. -> Figure

    ``values``  {method: {player: value}}, or a DataFrame with players as rows
    """
    values = {method: dict(each) for method, each in values.items()}
    players = list(next(iter(values.values())))
    fig, ax = axes_of(ax, (6.4, 0.22 * len(players) * (len(values) + 1) + 1.2))
    height = 0.8 / len(values)
    for place, (colour, (method, each)) in enumerate(zip(colours_of(values), values.items())):
        rows = np.arange(len(players)) + (place - (len(values) - 1) / 2) * height
        ax.barh(rows, [each[player] for player in players], height=0.9 * height, color=colour, label=method)
    ax.axvline(0, color="#000000", linewidth=1)
    ax.set(yticks=range(len(players)), yticklabels=players, ylim=(len(players) - 0.5, -0.5), xlabel=xlabel, title=title)
    ax.grid(False, axis="y")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return fig


def coalition_sums(contributions, bias=0.0):
    """Slide the size of a coalition: what its members add to a unit, over all coalitions, and the Gaussian DASP takes for it.

    ``contributions``  (n,) what each of the other players adds to the unit, n of at most 16; ``bias`` what it has anyway
    """
    added = as_array(contributions, "contributions")
    present = (np.arange(2 ** len(added))[:, None] >> np.arange(len(added))) & 1
    sums, sizes = present @ added + bias, present.sum(1)
    spread = (sums.min() - 0.5, sums.max() + 0.5)

    @styled
    def draw(members):
        mine, n = sums[sizes == members], len(added)
        mean = bias + members * added.mean()
        variance = members * added.var() * (1 - (members - 1) / max(n - 1, 1))
        deviation = max(variance, 1e-5) ** 0.5
        line = np.linspace(*spread, 401)
        density = np.exp(-((line - mean) ** 2) / (2 * deviation**2)) / (deviation * np.sqrt(2 * np.pi))
        rectified = mean * norm.cdf(mean / deviation) + deviation * norm.pdf(mean / deviation)
        fig, ax = figure(size=(6.8, 3.4))
        ax.hist(mine, bins=40, range=spread, density=True, color=PALETTE[0], alpha=0.5, label=f"all {len(mine)} coalitions")
        ax.plot(line, np.minimum(density, 3), color=PALETTE[1], label="Gaussian")
        ax.axvline(0, color="#000000", linewidth=1)
        ax.set(xlabel="what enters the rectifier", ylabel="density", ylim=(0, None), title=(
            f"{members} of {n} players: mean after the rectifier {np.maximum(mine, 0).mean():.3f} exactly, {rectified:.3f} by the Gaussian"))
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return fig

    return explorer(draw, members=(0, len(added)))


def shared_ride(fares, most=60):
    """Slide each rider's fare; the longest ride is what a coalition pays. Shares, and the last rider's marginals.

    ``fares``  {rider: fare}, at most 6 riders
    """
    riders = list(fares)

    @styled
    def draw(**paid):
        cost = np.array([paid[rider] for rider in riders], dtype=float)
        orders = list(permutations(range(len(riders))))
        added = {}                                                     # {coalition before the last rider: what it adds}
        shares = np.zeros(len(riders))
        for order in orders:
            so_far = 0.0
            for place, rider in enumerate(order):
                gain = max(cost[rider] - so_far, 0.0)
                shares[rider] += gain / len(orders)
                if rider == len(riders) - 1:
                    added[tuple(sorted(order[:place]))] = gain
                so_far += gain
        fig, (left, right) = figure(1, 2, (9.4, 3.2))
        left.barh(riders, shares, color=PALETTE[0], height=0.6)
        for place, share in enumerate(shares):
            left.annotate(f"{share:.2f}", (share, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
        left.set(xlabel="share of the fare", title=f"shares add up to {shares.sum():g}", ylim=(len(riders) - 0.5, -0.5))
        left.margins(x=0.15)
        before = sorted(added, key=lambda coalition: (len(coalition), coalition))
        names = ["+".join(riders[r][0] for r in coalition) or "nobody" for coalition in before]
        right.barh(names, [added[coalition] for coalition in before], color=PALETTE[1], height=0.6)
        right.set(xlabel=f"{riders[-1]} adds to", title=f"the {len(before)} marginal contributions of {riders[-1]}",
                  ylim=(len(before) - 0.5, -0.5))
        for ax in (left, right):
            ax.grid(False, axis="y")
        return fig

    return explorer(draw, **{rider: _slider(fare, most) for rider, fare in fares.items()})


def _slider(fare, most):
    import ipywidgets as widgets

    return widgets.FloatSlider(value=fare, min=0, max=most, step=1)


def feature_orders(worth, first, names, **controls):
    """Choose the order in which features become known, and see what each adds in it, beside its Shapley value.

    ``worth``     callable({feature: known?}, **values of the controls) -> number
    ``first``     the order first shown, a tuple of features
    ``names``     {feature: label}
    ``controls``  further controls as :func:`xaiutils.plots.explorer` takes them
    """
    orders = {" > ".join(order): order for order in sorted(permutations(names), key=lambda order: order != tuple(first))}

    def steps(order, values):
        known, found = dict.fromkeys(names, False), {}
        for feature in order:
            before = worth(known, **values)
            known = known | {feature: True}
            found[feature] = worth(known, **values) - before
        return found

    def draw(order, **values):
        base = worth(dict.fromkeys(names, False), **values)
        all_steps = [steps(each, values) for each in orders.values()]
        chosen = steps(orders[order], values)
        mean = {feature: np.mean([each[feature] for each in all_steps]) for feature in orders[order]}
        return waterfall({f"in the order {order}": (base, {names[f]: step for f, step in chosen.items()}),
                          f"mean over all {len(orders)} orders": (base, {names[f]: step for f, step in mean.items()})},
                         xlabel="risk in %")

    return explorer(draw, order=list(orders), **controls)
