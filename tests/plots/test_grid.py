import numpy as np
import pytest

from xaiutils.plots.grid import BAR, GAP, NOTE, ROW, TITLE, grid
from xaiutils.plots.style import styled

grid = styled(grid)


def inches(fig, ax):
    """left, bottom, width, height of the axes in inches."""
    return ax.get_position().bounds * np.tile(fig.get_size_inches(), 2)


def test_pictures_have_the_size_asked_for_whatever_their_labels():
    for titles, rows, notes in ((["a", "b"], [""], [[], []]), (["a\nb", "c" * 40], ["x y " * 20], [["n " * 60], []])):
        fig, axes, _ = grid(titles, rows, notes, shape=(10, 20), size=2.0)
        for ax in axes.flat:
            assert inches(fig, ax)[2:] == pytest.approx([2, 1])       # pictures of 10 x 20 pixels are half as high


def test_room_is_counted_by_lines():
    plain, _, _ = grid(["a"], [""], [[]], shape=(5, 5), size=2.0, bar=False)
    title = TITLE
    assert plain.get_size_inches() == pytest.approx([2 + 2.5 * GAP, 2 + title + 3 * GAP])
    full, _, bar = grid(["a\nb"], ["cat", "dog"], [["one\ntwo", "one"]], shape=(5, 5), size=2.0)
    width, height = 2 + 2.5 * GAP + ROW + BAR, 2 * (2 + GAP + NOTE) + 2 * title + 2 * GAP
    assert full.get_size_inches() == pytest.approx([width, height])
    assert inches(full, bar)[3] == pytest.approx(2 * 2 + GAP + NOTE)  # from the top picture's edge to the lowest one's


@pytest.mark.parametrize("bar", [True, False])
def test_nothing_is_cut_off_and_nothing_overlaps(bar):
    """Every label, as drawn, lies inside the figure and outside every picture and other label."""
    fig, axes, _ = grid(["photograph", "integrated gradients of a class", "AGI\nmap"],
                        ["a very long name of a class", "dog"],
                        [["network: sports car, 0.87"] * 2, [], ["correlation 0.98 with the last of them"] * 2],
                        shape=(8, 8), size=1.9, bar=bar)
    labels = [text for ax in axes.flat for text in (ax.title, ax.xaxis.label, ax.yaxis.label) if text.get_text()]
    fig.draw_without_rendering()
    boxes = [label.get_window_extent() for label in labels]
    pictures = [ax.get_window_extent() for ax in axes.flat]
    for i, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= fig.bbox.x1 and box.y1 <= fig.bbox.y1
        assert not any(box.overlaps(other) for other in pictures + boxes[:i])
