"""Numbers side by side: methods over the same images, bars, and what was printed beside what was measured.

Where ``ax`` is given it is drawn on; each function returns its Figure.
"""

import textwrap

import numpy as np

from xaiutils import intervals
from xaiutils.plots.curves import colours_of
from xaiutils.plots.pictures import as_array, one_of
from xaiutils.plots.style import GREY, PALETTE, axes_of, styled


@styled
def paired(values, versus=None, *, label="value", better="higher", ax=None):
    """Each image's value under each method, or its difference from one, with mean and interval. -> Figure

    ``values``  {method: (N,)}, the same images in the same order; without ``versus``, thin lines join those of an image
    ``versus``  a method: the others are shown as per-image differences from it, against the line at 0
    ``better``  which way is good, ``"higher"`` or ``"lower"``

    Mean and 95 % interval are those of the ledger's rules: 10,000 bootstrap resamples of the images, seed 0.
    """
    one_of("better", better, ("higher", "lower"))
    values = {method: as_array(numbers, f"values of {method!r}") for method, numbers in values.items()}
    if len({numbers.shape for numbers in values.values()} | {(len(next(iter(values.values()))),)}) > 1:
        raise ValueError(f"values must be (N,) each, of the same images, got {[v.shape for v in values.values()]}.")
    spread = _spread(len(next(iter(values.values()))))                                         # (N,)
    if versus is not None:
        reference = values[one_of("versus", versus, values)]
        values = {method: numbers - reference for method, numbers in values.items() if method != versus}
    fig, ax = axes_of(ax, (6.4, 0.6 * len(values) + 1.2))
    if versus is None:
        ax.plot(list(values.values()), np.arange(len(values))[:, None] + spread, color=GREY, linewidth=0.5, alpha=0.4)
    else:
        ax.axvline(0, color="#000000", linewidth=1)
    for place, (colour, numbers) in enumerate(zip(colours_of(values), values.values())):
        low, high = intervals.percentile(intervals.resample(numbers))
        ax.scatter(numbers, place + spread, s=16, color=colour, alpha=0.45, linewidth=0)
        mean = numbers.mean()
        ax.errorbar(mean, place, xerr=[[mean - low], [high - mean]], fmt="D", markersize=5, capsize=4, color="#000000",
                    markerfacecolor=colour, zorder=5)
    what = label if versus is None else f"{label}: difference from {versus}"
    ax.set(yticks=range(len(values)), yticklabels=list(values), ylim=(len(values) - 0.5, -0.5),
           xlabel=textwrap.fill(f"{what} ({better} is better)", 56))
    return fig


@styled
def bars(values, *, xlabel, printed=None, ax=None):
    """Horizontal bars with their numbers, an interval where one is given, the printed number as a mark. -> Figure

    ``values``   {label: number or (number, low, high)}
    ``printed``  {label: number that a document prints}
    """
    fig, ax = axes_of(ax, (6.4, 0.42 * len(values) + 1.0))
    rows = np.array([np.broadcast_to(value, 3) for value in values.values()], dtype=float)     # value, low, high
    ax.barh(range(len(rows)), rows[:, 0], color=PALETTE[0], height=0.6, alpha=0.85)
    printed = printed or {}
    for place, (label, (value, low, high)) in enumerate(zip(values, rows)):
        if low < high:
            ax.plot([low, high], [place, place], color="#000000", linewidth=1.4, marker="|", markersize=9)
        right = max(value, high, 0, printed.get(label, 0))
        number = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
        ax.annotate(number, (right, place), xytext=(8, 0), textcoords="offset points", va="center", fontsize=9)
    if printed:
        ax.plot(list(printed.values()), [list(values).index(label) for label in printed], "d", color=PALETTE[1],
                markersize=8, label="printed")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    ax.margins(x=0.14)
    ax.set(yticks=range(len(rows)), yticklabels=list(values), ylim=(len(rows) - 0.5, -0.5), xlabel=xlabel)
    ax.grid(False, axis="y")
    return fig


@styled
def sources(table, *, xlabel, ax=None):
    """Printed, released code, this run: a row for each quantity, a mark for each source. -> Figure

    ``table``  DataFrame, its index the quantities, its columns the sources; a missing number has no mark
    """
    fig, ax = axes_of(ax, (6.4, 0.42 * len(table) + 1.2))
    ax.hlines(range(len(table)), table.min(axis=1), table.max(axis=1), color="#C8C8C8", linewidth=2, zorder=1)
    for colour, marker, source in zip(PALETTE, "dos^v", table.columns):
        ax.plot(table[source], range(len(table)), marker, color=colour, markersize=8, label=source)
    ax.set(yticks=range(len(table)), yticklabels=list(table.index), ylim=(len(table) - 0.5, -0.5), xlabel=xlabel)
    ax.grid(False, axis="y")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(table.columns), borderaxespad=0.2)
    return fig


def _spread(n):
    """Offsets across a row that keep points apart, the same at every call: golden-ratio steps in [-0.2, 0.2]."""
    return 0.4 * (np.arange(n) * 0.618034 % 1) - 0.2
