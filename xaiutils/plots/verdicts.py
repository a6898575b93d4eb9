"""Figures of verdicts: a coloured table, one whose thresholds can be moved, and methods as points with their names."""

import numpy as np
import pandas as pd

from xaiutils.plots.explorers import explorer, slider
from xaiutils.plots.style import GREY, PALETTE, axes_of, figure, styled
from xaiutils.verdict_matrix import agreement, cohens_kappa, printed

FILLS = {"passes": "#A6D3EE", "yes": "#A6D3EE", "fails": "#F3A36B", "no": "#F3A36B",        # blue and orange, and
         "slightly": "#F5E6A8", "partly": "#F5E6A8", "inconclusive": "#F5E6A8"}             # yellow between
OTHER, CELL, ROW = "#FFFFFF", 0.9, 0.27                                                 # inches of a column and a row


@styled
def labelled_points(points, *, xlabel, ylabel, colours=None, ax=None):
    """A point a method; names stand in a column at the right, joined to their points by thin lines. -> Figure

    ``points``   {name: (x, y)}
    ``colours``  {name: number in ``PALETTE``}, e.g. of its group
    """
    fig, ax = axes_of(ax, (6.4, 4.4))
    names = sorted(points, key=lambda name: points[name][1])
    x, y = np.array([points[name] for name in names], dtype=float).T
    width, height = np.ptp(x) or 1.0, np.ptp(y) or 1.0
    for name, a, b, place in zip(names, x, y, apart(y, 1.08 * height / len(names))):
        colour = PALETTE[(colours or {}).get(name, 0)]
        ax.plot([a, x.max() + 0.1 * width], [b, place], color=GREY, linewidth=0.4, zorder=1)
        ax.text(x.max() + 0.11 * width, place, name, fontsize=8, va="center", color=colour)
        ax.plot(a, b, "o", color=colour, markersize=6)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(x.min() - 0.05 * width, x.max() + 0.55 * width))
    return fig


def apart(values, gap):
    """Places near the rising ``values``, each at least ``gap`` above the one before, the last at most one above theirs."""
    places, top = np.array(values, dtype=float), max(values) + gap
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + gap)
    places[-1] = min(places[-1], top)
    for k in range(len(places) - 2, -1, -1):
        places[k] = min(places[k], places[k + 1] - gap)
    return places


@styled
def verdict_table(words, numbers=None, *, title="", gaps=()):
    """Methods down, tests across: blue passes, orange fails, yellow is between. -> Figure

    ``words``    DataFrame of "passes", "fails", "inconclusive", "slightly", "yes", "no", "partly" or ""
    ``numbers``  DataFrame of the same shape: written in the cell in place of the word; a missing one leaves the word
    ``gaps``     columns, by number, before which a line is drawn
    """
    if numbers is not None and numbers.shape != words.shape:
        raise ValueError(f"numbers must have the shape of words, {words.shape}, got {numbers.shape}.")
    rows, columns = words.shape
    fig, ax = figure(size=(1.9 + CELL * columns, 0.9 + ROW * rows))
    for row in range(rows):
        for column in range(columns):
            word = words.iat[row, column]
            number = np.nan if numbers is None else numbers.iat[row, column]
            corners = [column, column + 1, column + 1, column], [row, row, row + 1, row + 1]
            ax.fill(*corners, color=FILLS.get(word, OTHER), linewidth=0)
            text = word if pd.isna(number) else f"{round(number, 2) + 0.0:.2f}"
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8.5)
    ax.hlines(range(rows + 1), 0, columns, color="#FFFFFF", linewidth=1.5)
    ax.vlines(range(columns + 1), 0, rows, color="#FFFFFF", linewidth=1.5)
    ax.vlines(list(gaps), -0.1, rows, color="#000000", linewidth=1.2)
    ax.set(xlim=(0, columns), ylim=(rows, 0), title=title)
    ax.set_xticks(np.arange(columns) + 0.5, list(words.columns))
    ax.set_yticks(np.arange(rows) + 0.5, list(words.index))
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.grid(False)
    return fig


def verdict_explorer(similarities, shares, thresholds=(0.9, 0.6)):
    """Move the two thresholds and see twenty methods change their colour, with agreement and kappa beside the thesis.

    ``similarities``  {setting: Series of a similarity after randomization by method}: fails from the threshold on
    ``shares``        Series of the share in the half of the class explained: discriminates from the threshold on
    ``thresholds``    of both, at first
    The thesis' "slightly" counts as passing, its "partly" as not discriminating, unless ``partly_counts`` is ticked.
    """
    def draw(setting, fails_from, discriminates_from, partly_counts):
        thesis = printed()
        theirs = [thesis["randomization"].replace("slightly", "passes"),
                  thesis["classes"].replace("partly", "yes" if partly_counts else "no")]
        numbers = [similarities[setting].reindex(thesis.index), shares.reindex(thesis.index)]
        ours = [(numbers[0] >= fails_from).map({True: "fails", False: "passes"}),
                (numbers[1] >= discriminates_from).map({True: "yes", False: "no"})]
        title = "\n".join(f"{name}: {agreement(a, b)} of {len(a)} agree, kappa {cohens_kappa(a, b):.2f}"
                          for name, a, b in zip(("randomization", "classes"), theirs, ours))
        words = pd.DataFrame({"thesis:\nrandom": thesis["randomization"], "ours:\nrandom": ours[0],
                              "thesis:\nclasses": thesis["classes"], "ours:\nclasses": ours[1]})
        missing = pd.Series(np.nan, thesis.index)
        in_cells = pd.DataFrame({0: missing, 1: numbers[0], 2: missing, 3: numbers[1]})
        return verdict_table(words, in_cells, title=title, gaps=(2,))

    steps = [round(0.5 + 0.01 * k, 2) for k in range(51)]
    return explorer(draw, setting=list(similarities), fails_from=slider(steps, thresholds[0]),
                    discriminates_from=slider(steps, thresholds[1]), partly_counts=False)
