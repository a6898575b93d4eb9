"""The explorers about training, moved control by control."""

import numpy as np
import pytest

from xaiutils import plots
from xaiutils.models import schedules

FALLING_TO_25 = 2 + np.abs(np.arange(1, 51) - 25) / 20


def test_the_schedule_picker_shows_the_rates_and_what_they_are_worth(whole):
    explorer = plots.schedule_picker(FALLING_TO_25)
    titles = lambda: [ax.get_title() for ax in explorer.figure.axes]
    assert titles() == ["epoch 25: rate 4.1e-11", "so far 2.5, in all 2.5"]
    assert np.allclose(explorer.data()["0.line0"][:, 1], schedules.step_rates(50)) and whole(explorer.figure)
    explorer.controls["epoch"].value = 3
    assert titles() == ["epoch 3: rate 0.002", "so far 2.2, in all 2.5"]
    explorer.controls["factor"].value = 0.5
    assert titles() == ["epoch 3: rate 0.005", "so far 2.5, in all 4"]
    explorer.controls["patience"].value = 10
    assert titles()[0] == "epoch 3: rate 0.01"
    explorer.controls["schedule"].value = "constant"
    assert titles()[1] == "so far 3, in all 50"
    explorer.controls["schedule"].value = "one-cycle"
    assert np.allclose(explorer.data()["0.line0"][:, 1], schedules.one_cycle_rates(50, 0.01))
    explorer.controls["schedule"].value, explorer.controls["patience"].value = "plateau", 2
    explorer.controls["epoch"].value = 28
    assert titles()[0] == "epoch 28: rate 0.01"
    explorer.controls["epoch"].value = 29  # three epochs without progress have gone by
    assert titles()[0] == "epoch 29: rate 0.005"


def test_the_stopping_cursor_waits_begins_anew_and_stops(whole):
    explorer = plots.stopping_cursor({"thesis": FALLING_TO_25, "short": [3.0, 2.0, 2.5, 1.0, 1.5]})
    title = lambda: explorer.figure.axes[0].get_title()
    assert title() == "best epoch 25; stopped after epoch 35" and whole(explorer.figure)
    assert len(explorer.data()["0.line1"]) == 35  # the rest is never seen
    explorer.controls["epoch"].value = 30
    assert title() == "best epoch 25; epoch 30, waited 5 of 10"
    explorer.controls["patience"].value = 5
    assert title() == "best epoch 25; stopped after epoch 30"
    explorer.controls["course"].value, explorer.controls["patience"].value = "short", 1
    assert title() == "best epoch 2; stopped after epoch 3"
    explorer.controls["patience"].value = 2
    assert title() == "best epoch 4; epoch 5, waited 1 of 2"


@pytest.mark.parametrize(("control", "value", "total", "share"), [
    (None, None, 29_034_248, "73.7%"), ("width", 0.5, 7_366_632, "74.0%"), ("classes", 1000, None, None), ("size", 32, None, None)])  # fmt: skip
def test_the_parameter_count_is_that_of_the_network(control, value, total, share, whole):
    explorer = plots.parameter_count()
    if control:
        explorer.controls[control].value = value
    found = explorer.figure.axes[0].get_title()
    by_hand = {"classes": 29_034_248 + 800 * 2049, "size": 29_034_248 - (8192 - 2048) * 2048}
    assert found.startswith(f"{total or by_hand[control]:,} parameters") and whole(explorer.figure)
    assert share is None or f" {share} of them" in found
    heights = [explorer.data()[f"0.box{k}"][3] for k in range(13)]
    assert sum(heights) * 1e6 == pytest.approx(total or by_hand[control])
