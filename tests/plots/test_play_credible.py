import pytest

from xaiutils import plots


def title(explorer, place=-1):
    return explorer.figure.axes[place].get_title()


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
