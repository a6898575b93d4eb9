"""Maps by method and layer, curves of similarity, and the cone of two columns."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from xaiutils import plots

PICTURE = np.full((3, 4, 4), 0.5)


def test_methods_go_down_and_layers_across_with_green_for_positive():
    up, down = np.zeros((3, 4, 4)), np.zeros((3, 4, 4))
    up[:, 0, 0], down[:, 3, 3] = 2.0, -1.0
    fig = plots.randomized_maps(PICTURE, {"LRP": {"original": up, "fc1": down}, "GBP": {"original": down, "fc1": up}})
    assert [ax.get_title() for ax in fig.axes[:3]] == ["picture", "original", "fc1"]
    shown = plots.shown(fig)
    assert shown["1.image0"][0, 0] == 1 and shown["2.image0"][3, 3] == -1          # LRP
    assert shown["4.image0"][3, 3] == -1 and shown["5.image0"][0, 0] == 1          # GBP
    green, red = (fig.axes[1].images[0].cmap(value)[:3] for value in (1.0, 0.0))
    assert green[1] > green[0] and red[0] > red[1]


def test_positive_maps_add_channels_and_leave_out_what_is_below_zero():
    heatmap = np.zeros((3, 4, 4))
    heatmap[:, 0, 0], heatmap[:, 1, 1] = [3.0, -1, -1], [1.0, -3, 1]
    fig = plots.randomized_maps(PICTURE, {"LRP": {"original": heatmap}}, sign="positive")
    assert plots.shown(fig)["1.image0"][[0, 1], [0, 1]].tolist() == [1, 0]


def test_methods_must_have_the_same_layers():
    with pytest.raises(ValueError, match="maps must have the same layers for each method"):
        plots.randomized_maps(PICTURE, {"a": {"original": PICTURE}, "b": {"fc1": PICTURE}})
    with pytest.raises(ValueError, match="sign must be \"all\" or \"positive\", got 'negative'"):
        plots.randomized_maps(PICTURE, {"a": {"original": PICTURE}}, sign="negative")


def test_curves_show_the_mean_over_images_and_seeds_and_the_spread_over_seeds():
    rows = [{"method": "LRP", "test": test, "layer": layer, "depth": depth, "seed": seed, "image": image,
             "ledger": 0.1 * depth + 0.2 * seed + 0.01 * image}
            for test in ("cascading", "independent") for depth, layer in ((2, "conv1"), (1, "fc1"))
            for seed in (0, 1) for image in (0, 1)]
    fig = plots.layer_curves(pd.DataFrame(rows), null=("shuffled", 0.1, 0.2), threshold=0.95)
    first = fig.axes[0]
    assert [label.get_text() for label in first.get_xticklabels()] == ["fc1", "conv1"]
    assert first.lines[0].get_ydata() == pytest.approx([0.205, 0.305])
    low, high = first.collections[0].get_paths()[0].vertices[[1, -2], 1][[0, 1]]
    assert sorted([round(low, 6), round(high, 6)]) == [0.105, 0.305]               # 0.205 -+ 0.1 at fc1
    assert [ax.get_title() for ax in fig.axes] == ["cascading", "independent"]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["LRP", "shuffled", "fails from 0.95"]


def test_the_cone_of_the_counterexample_stays_open():
    play = plots.cone()
    play.controls["power"].value = 40
    data = play.data()
    assert data["0.line1"][1] == pytest.approx([0.5**0.5] * 2, abs=1e-9)           # the second column at 45 degrees
    assert data["1.line0"][-1, 1] == pytest.approx(45) and data["1.line1"][-1, 1] == pytest.approx(2.0**-41, rel=1e-3)
    play.controls["lower_left"].value = 1.0                                         # now all entries are positive
    assert play.data()["1.line0"][-1, 1] == pytest.approx(0, abs=1e-6)


def test_a_hundred_noisy_maps_are_drawn_sharply_within_the_limit():
    """Noise in steps of an eighth takes few colours, so that 150 kB hold all dots."""
    noise = np.random.default_rng(0).standard_normal((7, 9, 3, 32, 32))
    fig = plots.randomized_maps(noise[0, 0] * 0 + 0.5, {f"method {k}": dict(zip("abcdefghi", row)) for k, row in enumerate(noise)})
    content = plots.png(fig, 150_000, dpi=150)
    width, height = Image.open(io.BytesIO(content)).size
    assert len(content) <= 150_000 and (width, height) == tuple(np.round(fig.get_size_inches() * 150).astype(int))
    assert set(np.unique(plots.shown(fig)["1.image0"] * 8 % 1)) == {0}
    assert fig.axes[0].images[0].get_visible() and not fig.axes[10].images[0].get_visible()
