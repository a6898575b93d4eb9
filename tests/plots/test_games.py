import numpy as np
import pytest

from xaiutils import plots


def test_waterfall_starts_where_it_says_and_each_step_begins_where_the_last_one_ended():
    shown = plots.shown(plots.waterfall({"toy": (16.0, {"a": 2.0, "b": -3.0})}, xlabel="x"))
    assert [shown[f"0.box{k}"][[0, 2]].tolist() for k in (0, 1)] == [[16.0, 2.0], [18.0, -3.0]]


def test_shared_ride_gives_the_shares_of_the_airport_game():
    explorer = plots.shared_ride({"Ashley": 6, "Ben": 12, "Claire": 42, "Don": 50})
    widths = lambda place, n: [explorer.data()[f"{place}.box{k}"][2] for k in range(n)]
    assert widths(0, 4) == pytest.approx([1.5, 3.5, 18.5, 26.5])
    assert widths(1, 8) == pytest.approx([50, 44, 38, 8, 38, 8, 8, 8])      # nobody, A, B, C, A+B, A+C, B+C, A+B+C
    explorer.controls["Don"].value = 0
    assert widths(0, 4) == pytest.approx([2, 5, 35, 0])


def test_feature_orders_shows_the_order_chosen_and_the_mean_of_all():
    def worth(known, both=2.0):
        return 10.0 + known["a"] + both * (known["a"] and known["b"])

    explorer = plots.feature_orders(worth, ("a", "b"), {"a": "first", "b": "second"}, both=(0.0, 4.0))
    sizes = lambda place: [explorer.data()[f"{place}.box{k}"][2] for k in (0, 1)]
    assert sizes(0) == [1, 2] and sizes(1) == [2, 1]
    explorer.controls["order"].value = "b > a"
    assert sizes(0) == [0, 3]
    explorer.controls["both"].value = 0.0
    assert sizes(0) == [0, 1] and np.allclose(sizes(1), [0, 1])


def test_value_bars_draw_each_method_its_values_side_by_side():
    shown = plots.shown(plots.value_bars({"one": {"a": 1.0, "b": -2.0}, "two": {"a": 3.0, "b": 4.0}}, xlabel="x"))
    assert [shown[f"0.box{k}"][2] for k in range(4)] == [1.0, -2.0, 3.0, 4.0]
    assert len({round(shown[f"0.box{k}"][1], 6) for k in range(4)}) == 4


def test_coalition_sums_give_the_mean_of_the_rectified_sums_exactly_and_by_the_gaussian():
    explorer = plots.coalition_sums([2.0, -1.0, -1.0])
    explorer.controls["members"].value = 3
    assert "3 of 3 players: mean after the rectifier 0.000 exactly, 0.001" in explorer.figure.axes[0].get_title()
    explorer.controls["members"].value = 1                     # sums 2, -1, -1: mean 2/3 behind the rectifier
    assert "0.667 exactly, 0.564 by" in explorer.figure.axes[0].get_title()       # sqrt(2) / sqrt(2 pi)
