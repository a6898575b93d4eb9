import io

import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import to_rgb
from PIL import Image

from xaiutils import plots


def noise(size=(6, 6)):
    """A figure that PNG cannot compress, with a signed colour scale on its second axes."""
    fig, axes = plots.figure(1, 2, size)
    rng = np.random.default_rng(0)
    axes[0].imshow(rng.random((400, 400, 3)))
    axes[1].imshow(np.linspace(-1, 1, 400)[:, None].repeat(20, axis=1), cmap=plots.COLOURS["blue-red"], vmin=-1, vmax=1)
    return fig


def opened(content):
    return Image.open(io.BytesIO(content)).convert("RGB")


def test_png_has_the_figures_inches_times_dpi():
    fig, _ = plots.figure(size=(3, 2))
    assert opened(plots.png(fig)).size == (300, 200)
    assert opened(plots.png(fig, dpi=50)).size == (150, 100)


def test_titles_that_would_be_cut_off_become_smaller_and_others_stay():
    figure, (left, right) = plots.figure(1, 2, (4, 2))
    left.set_title("short")
    right.set_title("as long as a title of half a figure must not be", fontsize=14)
    figure.suptitle("and one above both that is longer than the whole figure is wide", fontsize=14)
    before = left.title.get_fontsize()
    plots.png(figure)
    figure.draw_without_rendering()
    for text in (right.title, *figure.texts):
        box = text.get_window_extent()
        assert 0 <= box.x0 and box.x1 <= figure.bbox.width and text.get_fontsize() < 14
    assert left.title.get_fontsize() == before


def test_png_keeps_to_its_limit_and_says_when_it_cannot():
    assert len(plots.png(noise())) > 150_000
    assert len(plots.png(noise(), limit=150_000)) <= 150_000
    with pytest.raises(ValueError, match="limit must leave room for the figure, got 100 bytes"):
        plots.png(noise((2, 2)), limit=100)


def test_a_figure_as_the_last_value_of_a_cell_is_shown_and_small():
    shown = DisplayFormatter().format(noise())[0]
    assert set(shown) == {"text/plain", "image/png"} and len(shown["image/png"]) <= 150_000
    assert shown["text/plain"] == "<Drawing size 600x600 with 2 Axes>"


def test_reduced_png_keeps_white_paper_and_both_ends_of_the_colour_scale():
    pixels = np.asarray(opened(plots.png(noise((9, 4)), limit=150_000)), dtype=float)
    assert (pixels[0, 0] == 255).all()
    for end in plots.COLOURS["blue-red"]([0.02, 0.98])[:, :3] * 255:  # dark blue and dark red, 1 % of the pixels
        assert np.abs(pixels - end).max(axis=-1).min() < 12


@pytest.mark.parametrize("name", ["blue-red", "thesis"])
def test_signed_scales_are_white_at_zero_and_differ_in_hue_at_equal_distance(name):
    scale = plots.COLOURS[name]
    np.testing.assert_allclose(scale(0.5)[:3], 1, atol=0.01)
    against, support = np.array(scale(0.1)[:3]), np.array(scale(0.9)[:3])
    strongest = {"blue-red": (2, 0), "thesis": (0, 1)}[name]          # blue against red; red against green
    assert (against.argmax(), support.argmax()) == strongest


def test_palette_colours_differ_also_without_red_green_vision():
    """Seen through Vienot's (1999) deuteranope matrix in linear light, no two colours of the palette come close."""
    deuteranope = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    seen = np.array([to_rgb(colour) for colour in plots.PALETTE]) ** 2.2 @ deuteranope.T
    seen = seen.clip(0) ** (1 / 2.2)
    gaps = np.abs(seen[:, None] - seen[None]).max(-1) + np.eye(len(seen))
    assert gaps.min() > 0.1


def test_styled_leaves_matplotlibs_settings_alone():
    before = dict(mpl.rcParams)

    @plots.styled
    def inside():
        return mpl.rcParams["axes.spines.top"], mpl.rcParams["axes.grid"]

    assert inside() == (False, True)
    assert dict(mpl.rcParams) == before


def test_shown_gives_back_what_was_drawn():
    fig, (left, right) = plots.figure(1, 2)
    left.imshow([[1.0, 2.0], [3.0, 4.0]])
    left.plot([0, 1], [5, 6])
    right.scatter([1, 2], [3, 4])
    right.bar([0], [7], width=0.5)
    arrays = plots.shown(fig)
    assert set(arrays) == {"0.image0", "0.line0", "1.points0", "1.box0"}
    assert arrays["0.image0"].tolist() == [[1, 2], [3, 4]]
    assert arrays["0.line0"].tolist() == [[0, 5], [1, 6]]
    assert arrays["1.points0"].tolist() == [[1, 3], [2, 4]]
    assert arrays["1.box0"].tolist() == [-0.25, 0, 0.5, 7]            # x, y, width, height
