import numpy as np
import pandas as pd
import pytest

from xaiutils import intervals, plots

RNG = np.random.default_rng(0)
VALUES = {"AGI": RNG.random(12), "IG": RNG.random(12), "SM": RNG.random(12)}


def labels(ax):
    return [tick.get_text() for tick in ax.get_yticklabels()]


def errorbars(ax):
    """(mean, low, high) of each row, from top to bottom."""
    rows = []
    for container in ax.containers:
        point, _, (bar,) = container.lines
        (low, _), (high, _) = bar.get_segments()[0]
        rows.append((float(point.get_xdata()[0]), low, high))
    return rows


def test_paired_shows_every_value_the_mean_and_the_interval_of_the_rules():
    ax = plots.paired(VALUES).axes[0]
    assert labels(ax) == ["AGI", "IG", "SM"]
    for points, bar, numbers in zip(ax.collections[::2], errorbars(ax), VALUES.values()):
        np.testing.assert_array_equal(points.get_offsets()[:, 0], numbers)
        assert bar == pytest.approx((numbers.mean(), *intervals.percentile(intervals.resample(numbers))))


def test_paired_lines_join_the_values_of_one_image():
    ax = plots.paired(VALUES).axes[0]
    for image, line in enumerate(ax.lines[:12]):
        assert line.get_xdata().tolist() == [numbers[image] for numbers in VALUES.values()]
        dots = [points.get_offsets()[image, 1] for points in ax.collections[::2]]
        assert line.get_ydata().tolist() == dots


def test_paired_versus_shows_differences_against_the_line_at_zero():
    ax = plots.paired(VALUES, "IG", label="area", better="lower").axes[0]
    assert labels(ax) == ["AGI", "SM"] and ax.lines[0].get_xdata() == [0, 0]
    np.testing.assert_array_equal(ax.collections[0].get_offsets()[:, 0], VALUES["AGI"] - VALUES["IG"])
    assert errorbars(ax)[1][0] == pytest.approx(np.mean(VALUES["SM"] - VALUES["IG"]))
    assert ax.get_xlabel() == "area: difference from IG (lower is better)"


def test_points_of_a_row_stay_in_their_row():
    offsets = plots.paired({"a": RNG.random(500), "b": RNG.random(500)}).axes[0].collections[0].get_offsets()[:, 1]
    assert np.abs(offsets).max() <= 0.2 and len(set(offsets)) == 500


def test_numbers_of_bars_are_written_without_powers_of_ten():
    ax = plots.bars({"one": 5.6789, "two": 5678.9}, xlabel="milliseconds").axes[0]
    assert [text.get_text() for text in ax.texts] == ["5.68", "5,679"]


def test_bars_with_interval_number_and_printed_mark():
    fig = plots.bars({"AGI": (0.5, 0.4, 0.7), "IG": 0.25}, xlabel="area", printed={"IG": 0.3})
    ax = fig.axes[0]
    widths = [box[2] for key, box in plots.shown(fig).items() if "box" in key]
    assert widths == [0.5, 0.25] and labels(ax) == ["AGI", "IG"]
    interval, mark = ax.lines
    assert interval.get_xydata().tolist() == [[0.4, 0], [0.7, 0]]
    assert mark.get_xydata().tolist() == [[0.3, 1]]
    assert [text.get_text() for text in ax.texts] == ["0.5", "0.25"]


def test_sources_leave_out_what_is_missing():
    table = pd.DataFrame({"printed": [0.5, np.nan], "this run": [0.4, 0.3]}, index=["AGI", "IG"])
    ax = plots.sources(table, xlabel="area").axes[0]
    printed, run = ax.lines
    np.testing.assert_array_equal(printed.get_xydata(), [[0.5, 0], [np.nan, 1]])
    assert run.get_xydata().tolist() == [[0.4, 0], [0.3, 1]] and labels(ax) == ["AGI", "IG"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["printed", "this run"]


@pytest.mark.parametrize("options, message", [
    ({"values": {"a": [1, 2], "b": [1]}}, r"values must be \(N,\) each, of the same images, got \[\(2,\), \(1,\)\]"),
    ({"values": VALUES, "versus": "RAP"}, "versus must be one of AGI, IG, SM, got 'RAP'"),
    ({"values": VALUES, "better": "more"}, "better must be one of higher, lower, got 'more'"),
])
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        plots.paired(**options)


def test_nothing_is_cut_off(whole):
    names = [f"a method with a long name {i}" for i in range(6)]
    values = {name: RNG.random(12) for name in names}
    assert whole(plots.paired(values)) and whole(plots.paired(values, names[0], label="area under the insertion curve"))
    assert whole(plots.bars({name: (-0.5, -1, 2) for name in names}, xlabel="area", printed={names[1]: 3}))
    assert whole(plots.sources(pd.DataFrame(RNG.random((6, 2)), names, ["printed", "this run"]), xlabel="x"))
