"""Rates against PyTorch's own schedules and the log of a training, early stopping by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR

from xaiutils.models import own, schedules


def optimizer(rate=0.01):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def test_the_printed_schedule_by_hand_and_by_torch():
    rates = schedules.step_rates(35)
    assert rates[:5].tolist() == pytest.approx([0.01, 0.01, 0.002, 0.002, 0.0004])
    assert rates[24] == pytest.approx(4.096e-11) and schedules.step_rates(500).sum() == pytest.approx(0.025)
    moved = optimizer()
    by_torch, found = StepLR(moved, 2, gamma=0.2), []
    for _ in range(35):
        found.append(by_torch.get_last_lr()[0])
        moved.step()
        by_torch.step()
    assert rates == pytest.approx(found)


@pytest.mark.parametrize("patience", [0, 2, 4])
def test_a_plateau_is_torchs_plateau(patience):
    noise = np.random.default_rng(patience)
    losses = 2 + np.exp(-np.arange(60) / 8) + 0.05 * noise.standard_normal(60)
    moved = optimizer()
    by_torch, found = ReduceLROnPlateau(moved, factor=0.5, patience=patience), [0.01]
    for loss in losses:
        by_torch.step(loss)
        found.append(moved.param_groups[0]["lr"])
    rates = schedules.plateau_rates(losses, 0.01, 0.5, patience)
    assert rates == pytest.approx(found) and rates[-1] < 0.01


def test_a_plateau_by_hand():
    """The best is epoch 2; epochs 3, 4 and 5 are no better, so epoch 6 is cut; then counting begins anew."""
    rates = schedules.plateau_rates([3, 2, 2, 2.5, 2, 2.1, 2.1, 2.1], rate=1.0, factor=0.1, patience=2)
    assert rates.tolist() == pytest.approx([1, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01])


def test_one_cycle_is_what_the_log_of_a_training_says():
    log = pd.read_csv(own.FOLDER / "vgg-cifar10.csv")
    rates = schedules.one_cycle_rates(15, peak=0.1, warm_up=0.25, steps=-(-49_000 // 128))
    assert rates == pytest.approx(log["rate"].to_numpy(), rel=1e-9)


def test_training_stops_ten_epochs_after_the_best():
    losses = [abs(epoch - 25) for epoch in range(1, 51)]
    assert schedules.early_stop(losses, 10) == (25, 35)
    assert schedules.early_stop(losses[:30], 10) == (25, None)
    assert schedules.early_stop([1.0, 2.0, 0.5, 0.5, 0.5], 2) == (3, 5)  # equal is no improvement
    assert schedules.early_stop([1.0, 2.0, 2.0, 0.5], 2) == (1, 3)  # what comes later is never seen


def test_gain_over_the_first_cut():
    rates, accuracies = [0.1, 0.1, 0.01, 0.01, 0.001], [0.1, 0.2, 0.5, 0.54, 0.55]
    assert schedules.first_cut(rates) == 3
    assert schedules.gain_at_first_cut(rates, accuracies) == pytest.approx((0.3, 0.07))
    assert schedules.first_cut([1.0, 1.0]) is None and schedules.gain_at_first_cut([1.0, 1.0], [0, 1]) is None
    assert schedules.gain_at_first_cut([1.0, 0.1, 0.1], [0, 1, 1]) is None  # no gain before the second epoch
    assert schedules.gain_at_first_cut([1.0, 1.0, 0.1], [0, 1, 1]) is None  # none after the last


def test_hours_until_an_accuracy():
    log = pd.DataFrame({"held_out_accuracy": [0.1, 0.4, 0.3], "seconds": [1800.0, 3600.0, 60.0]})
    assert schedules.hours_to(log, 0.3) == 1.5 and schedules.hours_to(log, 0.5) is None
