import numpy as np
import pytest

from xaiutils import plots
from xaiutils.plots.curves import band

RNG = np.random.default_rng(0)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_score_curves_show_the_mean_and_write_its_area():
    # areas by trapezoids on [0, 1]: (0 + 1) / 4 + (1 + 1) / 4 = 0.75, and of the mean (0, 1/2, 1): 0.5
    fig = plots.score_curves({"AGI": [0.0, 1.0, 1.0], "IG": [[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]})
    agi, ig = fig.axes[0].lines
    assert agi.get_xydata().tolist() == [[0, 0], [0.5, 1], [1, 1]]
    assert ig.get_ydata().tolist() == [0, 0.5, 1]
    assert legend(fig.axes[0]) == ["AGI  0.750", "IG  0.500"]
    assert (agi.get_color(), ig.get_color()) == plots.PALETTE[:2]


def test_insertion_beside_deletion():
    fig = plots.insertion_deletion({"AGI": [0.0, 0.8]}, {"AGI": [0.8, 0.2]})
    insertion, deletion = fig.axes
    assert insertion.lines[0].get_ydata().tolist() == [0, 0.8] and deletion.lines[0].get_ydata().tolist() == [0.8, 0.2]
    assert (insertion.get_title(), deletion.get_title()) == ("insertion: higher is better", "deletion: lower is better")
    assert insertion.get_ylim() == deletion.get_ylim()


def test_band_is_a_bootstrap_interval_of_the_mean():
    """Normal values: half width 1.96 sd / sqrt(N); a constant column has no width; every call gives the same."""
    values = np.stack([RNG.standard_normal(400), np.full(400, 3.0)], axis=1)
    low, high = band(values)
    assert (high - low)[0] / 2 == pytest.approx(1.96 * values[:, 0].std() / 20, rel=0.1)
    assert (low + high)[0] / 2 == pytest.approx(values[:, 0].mean(), abs=0.01)
    assert low[1] == pytest.approx(3) and high[1] == pytest.approx(3)
    np.testing.assert_array_equal(band(values), (low, high))


def test_band_of_many_rows_surrounds_the_curve():
    values = RNG.random((10, 4))
    fig = plots.score_curves({"AGI": values})
    corners = fig.axes[0].collections[0].get_paths()[0].vertices
    low, high = band(values)
    for x, bottom, top in zip(np.linspace(0, 1, 4), low, high):
        heights = corners[np.isclose(corners[:, 0], x), 1]
        assert (heights.min(), heights.max()) == pytest.approx((bottom, top))


def test_trend_on_a_logarithmic_axis_ticks_what_was_measured():
    fig = plots.trend([1, 5, 20], {"AGI": [0.1, 0.2, 0.4]}, xlabel="k", ylabel="area", log=True,
                      reference=("chance", 0.05))
    ax = fig.axes[0]
    chance, agi = ax.lines
    assert agi.get_xydata().tolist() == [[1, 0.1], [5, 0.2], [20, 0.4]]
    assert chance.get_ydata() == [0.05, 0.05] and legend(ax) == ["chance", "AGI"]
    assert ax.get_xscale() == "log" and [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "5", "20"]


def test_trend_reference_as_a_band():
    fig = plots.trend([0, 1], {"AGI": [0.0, 1.0]}, xlabel="x", ylabel="y", reference=("null band", 0.2, 0.3))
    _, y, _, height = plots.shown(fig)["0.box0"]
    assert (y, height) == pytest.approx((0.2, 0.1))


def test_paths_mark_start_and_end():
    fig = plots.paths({"AGI": [[0, 0], [1, 2], [3, 3]]}, field=([0, 1], [0, 1, 2], np.arange(6.0).reshape(3, 2)))
    line, start, end = fig.axes[0].lines
    assert line.get_xydata().tolist() == [[0, 0], [1, 2], [3, 3]]
    assert start.get_xydata().tolist() == [[0, 0]] and end.get_xydata().tolist() == [[3, 3]]
    assert start.get_markerfacecolor() == "white" and legend(fig.axes[0]) == ["AGI"]


def test_axes_given_are_drawn_on():
    fig, (left, right) = plots.figure(1, 2)
    assert plots.score_curves({"AGI": [0, 1]}, ax=right) is fig
    assert not left.lines and right.lines[0].get_ydata().tolist() == [0, 1]


@pytest.mark.parametrize("draw, message", [
    (lambda: plots.score_curves({}), "series must be one to 8, more cannot be told apart, got 0"),
    (lambda: plots.score_curves({str(i): [0, 1] for i in range(9)}), "series must be one to 8, .* got 9"),
    (lambda: plots.score_curves({"AGI": [1.0]}), r"series 'AGI' must be .* at least two points, got shape \(1,\)"),
    (lambda: plots.score_curves({"AGI": [0, np.nan]}), "series 'AGI' must be finite and not empty, got 1 NaN"),
    (lambda: plots.trend([1, 2, 3], {"a": [1, 2]}, xlabel="", ylabel=""), "series 'a' must have 3 values, one for"),
    (lambda: plots.paths({"AGI": [[1, 2, 3]]}), r"points of 'AGI' must be \(K, 2\), got shape \(1, 3\)"),
])
def test_refusals(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_nothing_is_cut_off(whole):
    series = {f"a method with a long name {i}": np.linspace(0, 1e4, 5) for i in range(8)}
    assert whole(plots.insertion_deletion(series, series))
    assert whole(plots.trend([1, 2, 3, 4, 5], series, xlabel="x\ny", ylabel="y", title="title", log=True))
    assert whole(plots.paths({"AGI": [[0, 0], [1, 2]]}, field=([0, 1], [0, 1], np.eye(2)), field_label="a score"))
