"""The explorers of the thesis' notebooks show the numbers that their rules give."""

import numpy as np
import pytest
import torch

from xaiutils import plots
from xaiutils.methods import METHODS


def test_rectifier_rules_name_what_goes_on_below():
    explorer = plots.rectifier_rules()
    sent = lambda: [float(ax.get_title().split(": ")[1]) for ax in explorer.figure.axes[:4]]
    assert sent() == [3, 3, 3, 3]
    explorer.controls["signal"].value = -1.0
    assert sent() == [-1, 0, 0, 0]
    explorer.controls["activation"].value = -2.0
    explorer.controls["signal"].value = 4.0
    assert sent() == [0, 4, 0, 0]
    explorer.controls["epsilon"].value = 1000.0
    assert sent() == [0, 4, 0, 4]


def test_rectgrad_without_threshold_is_guided_and_with_a_large_epsilon_deconvnet_everywhere():
    explorer = plots.rectifier_rules()
    planes = lambda: [explorer.data()[f"{place}.image0"] for place in range(4)]
    assert np.array_equal(planes()[3], planes()[2]) and not np.array_equal(planes()[3], planes()[1])
    explorer.controls["epsilon"].value = 1000.0
    assert np.array_equal(planes()[3], planes()[1])


def test_relevance_shares_by_hand():
    explorer = plots.relevance_shares([4.0, 1.0, -2.0])
    widths = lambda place: [round(explorer.data()[f"{place}.box{k}"][2], 6) for k in range(3)]
    explorer.controls["alpha"].value, explorer.controls["beta"].value = 2.0, 1.0
    assert widths(0) == [4, 1, -2] and widths(1) == [1.6, 0.4, -1]
    assert widths(2) == [round(4 / 3, 6), round(1 / 3, 6), round(-2 / 3, 6)]
    explorer.controls["beta"].value = 0.0
    assert "sum 2.000" in explorer.figure.axes[1].get_title()
    explorer.controls["epsilon"].value = 1.0
    assert "sum 0.750" in explorer.figure.axes[2].get_title()              # 3 / (3 + 1)


@pytest.mark.parametrize("first, second, reference", [(3.0, 1.0, 0.0), (-1.0, 2.0, 0.0), (-1.0, -3.0, 1.0), (2.0, 2.0, -1.0), (0.5, 4.0, 2.0)])
def test_minimum_of_two_shows_what_the_methods_give(first, second, reference):
    def minimum(x):
        weights = torch.tensor([[1.0, 0.0], [1.0, -1.0]], dtype=x.dtype)
        return torch.nn.functional.linear(x, weights[:1]) - torch.relu(torch.nn.functional.linear(x, weights[1:]))

    explorer = plots.minimum_of_two()
    for name, value in (("first", first), ("second", second), ("reference", reference)):
        explorer.controls[name].value = value
    bars = [explorer.data()[f"1.box{k}"][3] for k in range(4)]
    x, start = torch.tensor([[first, second]], dtype=torch.float64), torch.full((1, 2), reference, dtype=torch.float64)
    expected = [METHODS[name](minimum).attribute(x, start)[0].tolist() for name in ("deeplift", "deeplift-reveal-cancel")]
    assert bars == pytest.approx(sum(expected, []), abs=1e-12)


def test_integral_by_steps_of_a_straight_slope():
    explorer = plots.integral_by_steps({"square": (np.linspace(0, 2, 201), 1.0)})            # C = alpha^2
    summed = lambda: float(explorer.figure.axes[0].get_title().split()[1].rstrip(","))
    explorer.controls["steps"].value = 5
    assert summed() == pytest.approx(1 + 1 / 5)                                               # right ends: 1 + 1/m
    for rule in ("midpoints", "trapezoid", "Gauss-Legendre"):
        explorer.controls["rule"].value = rule
        assert summed() == 1


def test_moving_patch_covers_where_it_says_and_reads_the_table():
    explorer = plots.moving_patch(torch.ones(3, 8, 8), {2: np.arange(16.0).reshape(4, 4), 4: np.zeros((1, 1))}, untouched=20.0)
    explorer.controls["down"].value, explorer.controls["across"].value = 1.0, 0.0
    covered = explorer.data()["0.image0"][..., 0] == 0.5
    assert covered.sum() == 4 and covered[6:, :2].all()
    assert explorer.figure.axes[0].get_title().startswith("score 12.000")
    assert explorer.data()["1.image0"][3, 3] == 5.0                                            # 20 - 15
    explorer.controls["patch"].value = 4
    assert (explorer.data()["0.image0"][..., 0] == 0.5).sum() == 16


def test_descents_start_at_one_place_and_a_step_of_one_over_the_curvature_crosses_to_the_bottom():
    explorer = plots.descents()
    explorer.controls["eta"].value, explorer.controls["curvature"].value, explorer.controls["steps"].value = 0.1, 10.0, 1
    ends = [explorer.data()[f"{place}.line0"] for place in range(3)]
    assert all(np.allclose(path, [[-4, 1.5], [-3.6, 0.0]]) for path in ends)                  # no velocity yet: all alike
    explorer.controls["steps"].value = 2
    # momentum: velocity (0.4, -1.5), then 0.9 of it minus 0.1 (-3.6, 0)
    assert np.allclose(explorer.data()["1.line0"][-1], [-3.6 + 0.36 + 0.36, 0.0 - 1.35])
    # Nesterov asks for the gradient at (-3.6, 0) + 0.9 (0.4, -1.5) = (-3.24, -1.35)
    assert np.allclose(explorer.data()["2.line0"][-1], [-3.6 + 0.36 + 0.324, -1.35 + 1.35])
