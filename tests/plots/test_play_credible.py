import numpy as np
import pandas as pd
import pytest

from xaiutils import plots


def title(explorer, place=-1):
    return explorer.figure.axes[place].get_title()


@pytest.mark.parametrize("exponent", [0.25, 1.0, 4.0])
def test_bent_path_shares_out_what_its_own_line_integrates(exponent):
    explorer = plots.bent_path()
    explorer.controls["exponent"].value = exponent
    x1, x2 = explorer.data()["0.line0"].T
    first = (x1[1:] + x1[:-1]) * (x2[1:] + x2[:-1]) / 2 @ np.diff(x1)                    # of 2 x1 x2 at the middles
    assert explorer.data()["1.box0"][3] == pytest.approx(first, abs=1e-3)
    assert explorer.data()["1.box0"][3] + explorer.data()["1.box1"][3] == pytest.approx(1)


def test_two_pieces_says_what_example_1_and_2_should():
    explorer = plots.two_pieces()
    assert title(explorer) == "A = (3.00, 4.50), |A1 / A2| = 0.67\nsum 7.50, F(x) - F(x') = 8.50"
    explorer.controls["function"].value = "continuous"
    assert title(explorer).endswith("sum 7.50, F(x) - F(x') = 7.50")
    for name, value in {"x1": 4.0, "x2": 4.0, "baseline1": 3.0, "baseline2": 2.0}.items():
        explorer.controls[name].value = value
    assert title(explorer) == "A = (4.00, 2.00), |A1 / A2| = 2.00\nsum 6.00, F(x) - F(x') = 6.00"
    assert explorer.data()["0.line0"].tolist() == [[3, 2], [4, 4]]
    assert explorer.data()["1.box0"][3] == 4 and explorer.data()["1.box1"][3] == 2


def test_a_plane_line_and_a_resting_point():
    explorer = plots.two_pieces()
    for name in ("x1", "x2"):
        explorer.controls[name].value = 0.0
    assert title(explorer).startswith("A = (0.00, 0.00)")


def test_baseline_search_shows_the_difference_of_the_objective_chosen():
    grey = np.full((3, 2, 2), 0.5)
    explorer = plots.baseline_search(grey, {"a": grey + 0.1, "b": grey - 0.2}, {"a": [3.0, 1.0, np.nan], "b": [3.0, 4.0, 5.0]})
    assert title(explorer) == "distance of the logits:\n1.000 at best"
    explorer.controls["objective"].value = "b"
    assert title(explorer) == "distance of the logits:\n3.000 at best"
    assert title(explorer, 2) == "difference x 2\nleast 0.200, mean 0.200"
    np.testing.assert_allclose(explorer.data()["2.image0"], 0.1)                         # 0.5 + 2 * -0.2


def test_darkening_shows_picture_and_map_of_one_brightness():
    bright, dark, heatmap = np.full((3, 4, 4), 0.8), np.full((3, 4, 4), 0.2), np.eye(4)
    explorer = plots.darkening({1.0: bright, 0.0: dark}, {1.0: {"a": heatmap}, 0.0: {"a": -heatmap}}, {1.0: {"a": "all"}, 0.0: {"a": "none"}})
    explorer.controls["brightness"].value = 0.0
    assert explorer.figure.axes[1].get_xlabel() == "none"
    np.testing.assert_allclose(explorer.data()["0.image0"], 0.2)
    np.testing.assert_allclose(explorer.data()["1.image0"], -heatmap)


def test_subset_scatter_shows_the_points_and_their_correlation():
    sums, losses = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]), np.array([[2.0, 4.0, 6.0], [3.0, 2.0, 1.0]])
    explorer = plots.subset_scatter([0.1, 0.5], {"a": sums}, {"black": losses})
    assert title(explorer) == "a, 10% of the pixels painted black:\ncorrelation 1.00"
    explorer.controls["fraction"].value = 0.5
    assert title(explorer) == "a, 50% of the pixels painted black:\ncorrelation -1.00"
    assert explorer.data()["0.points0"].tolist() == [[1, 3], [2, 2], [3, 1]]


def test_gain_counter_turns_the_order_round():
    table = pd.DataFrame({"confidence": [0.6, 0.7, 0.8], "gain, %": [50.0, 40.0, 30.0], "gain": [0.1, 0.2, 0.3]}, index=["a", "b", "c"])
    explorer = plots.gain_counter({"made up": table})
    assert title(explorer) == "made up: rank correlation -1.0"
    explorer.controls["count"].value = "absolute"
    assert title(explorer) == "made up: rank correlation +1.0"
    np.testing.assert_allclose(explorer.data()["0.line0"], [[0.6, 0.1], [0.7, 0.2], [0.8, 0.3]])


@pytest.mark.parametrize("point, words", [
    (2.0, "absence: Definition 7 rejects, the text accepts"),
    (0.5, "overshot presence: Definition 7 accepts, the text rejects"),
    (-0.5, "beyond: Definition 7 rejects, the text rejects"),
    (1.0, "the input: Definition 7 rejects, the text rejects"),
])
def test_gradient_rule_on_the_parabola(point, words):
    explorer = plots.gradient_rule()
    explorer.controls["path_point"].value = point
    assert title(explorer) == words


def test_on_the_bell_the_far_point_is_flat():
    explorer = plots.gradient_rule()
    explorer.controls["surface"].value = "1 - exp(-x^2)"
    explorer.controls["path_point"].value = 3.0
    assert title(explorer) == "absence: Definition 7 accepts, the text rejects"
