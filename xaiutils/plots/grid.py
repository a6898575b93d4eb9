"""Pictures in rows and columns, of a size given in inches, with just the room that their labels need.

The room is counted, not fitted: matplotlib's layout engines take several drawings to settle on a grid of pictures
with a colour bar, and cut labels off in the first.
"""

import textwrap

from xaiutils.plots.style import Drawing

GAP, BAR = 0.08, 1.15                        # inches: between pictures; colour bar with its labels
TITLE, ROW, NOTE = 0.18, 0.17, 0.17          # inches of one line of each kind of label


def grid(titles, rows, notes, *, shape, size, bar=True):
    """(figure, axes (R, C), axes of the colour bar or None) for R rows of C pictures, labels written.

    ``titles``  C column titles; ``rows`` R row labels, beside the first column; ``notes`` C lists of R texts below the
                pictures, or of none. All are wrapped to the width of a picture
    ``shape``   (H, W) of the pictures; they are ``size`` inches wide
    """
    height, letters = size * shape[0] / shape[1], int(12 * size)
    titles = ["\n".join(textwrap.fill(line, letters) for line in title.split("\n")) for title in titles]
    rows = [textwrap.fill(str(row), int(12 * height)) for row in rows]
    notes = [[textwrap.fill(note, int(13 * size)) for note in column] for column in notes]
    left, right = 1.5 * GAP + ROW * _lines(rows), GAP + BAR * bar
    top, below = 2 * GAP + TITLE * _lines(titles), GAP + NOTE * _lines(note for column in notes for note in column)
    width = left + len(titles) * (size + GAP) - GAP + right
    total = top + len(rows) * (height + below)
    fig = Drawing(figsize=(width, total))
    axes = fig.subplots(len(rows), len(titles), squeeze=False, gridspec_kw={
        "left": left / width, "right": 1 - right / width, "top": 1 - top / total, "bottom": below / total,
        "wspace": GAP / size, "hspace": below / height})
    for column, title, texts in zip(axes.T, titles, notes):
        column[0].set_title(title)
        for ax, note in zip(column, texts):
            ax.set_xlabel(note, fontsize=9)
    for ax, row in zip(axes[:, 0], rows):
        ax.set_ylabel(row)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        ax.spines[:].set(visible=True, color="#C8C8C8", linewidth=0.6)
    place = [1 - BAR / width, below / total, 0.12 / width, 1 - (top + below) / total]
    return fig, axes, fig.add_axes(place) if bar else None


def _lines(texts):
    """Lines of the longest text; an empty one takes none."""
    return max((text.count("\n") + 1 for text in texts if text), default=0)
