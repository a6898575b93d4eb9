import numpy as np
import torch

from xaiutils import plots
from xaiutils.metrics import reveal

RNG = np.random.default_rng(0)


def titles(explorer):
    return [ax.get_title() for ax in explorer.figure.axes]


def legend(explorer, place=0):
    return [text.get_text() for text in explorer.figure.axes[place].get_legend().get_texts()]


def test_kink_shows_gradient_and_integral_on_both_sides():
    explorer = plots.kink()
    explorer.controls["x"].value = 0.5
    assert titles(explorer) == ["gradient at x = 0.5: 1", "integral: 0.5 = f(0.5) - f(0)"]
    np.testing.assert_allclose(explorer.data()["0.line1"], [[0.15, 0.15], [0.85, 0.85]])      # slope 1 through x
    explorer.controls["x"].value = 2.0
    assert titles(explorer) == ["gradient at x = 2: 0", "integral: 1 = f(2) - f(0)"]
    np.testing.assert_allclose(explorer.data()["0.line1"], [[1.65, 1], [2.35, 1]])            # slope 0
    assert explorer.data()["0.line2"].tolist() == [[2, 1]]


def test_reveal_slider_shows_the_image_that_belongs_to_the_point_of_the_curve():
    image = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    attributions = {"AGI": torch.arange(20.0).view(1, 4, 5), "IG": -torch.arange(20.0).view(1, 4, 5)}
    curves = {("AGI", "insertion"): np.linspace(0, 1, 11), ("AGI", "deletion"): np.linspace(1, 0, 11),
              ("IG", "insertion"): np.linspace(0, 0.5, 11), ("IG", "deletion"): np.linspace(0.5, 0, 11)}

    def revealed(method, game, fraction):
        return reveal(image, "black", attributions[method], fraction, game)[0]

    explorer = plots.reveal_slider(curves, revealed, ("method", "game"))
    explorer.controls["played"].value = 20
    picture = explorer.data()["0.image0"]
    assert np.count_nonzero(picture.sum(-1)) == 4 and picture[3, 4].any()           # the 20 % of highest value
    assert explorer.data()["1.line2"].tolist() == [[0.2, 0.2]]
    explorer.controls["method"].value = "IG"
    assert explorer.data()["0.image0"][0, 0].any() and explorer.data()["1.line2"].tolist() == [[0.2, 0.1]]
    explorer.controls["game"].value = "deletion"
    assert np.count_nonzero(explorer.data()["0.image0"].sum(-1)) == 16
    assert titles(explorer) == ["20 % of the pixels played", "score 0.40"] and legend(explorer, 1) == ["area 0.250"]


def test_path_explorer_projects_without_bending_and_tells_the_straightness(whole):
    corner = np.zeros((3, 6))
    corner[1:, 0], corner[2, 1] = 3, 4                                # 3 along one axis, 4 along another
    explorer = plots.path_explorer({"raw": corner, "sign": RNG.random((5, 6))}, {"raw": corner[[0, 2]],
                                                                                "sign": corner[[0, 1]]}, ("gradient",))
    assert explorer.controls["step"].value == 4                       # the longest path, at its end
    assert titles(explorer) == [f"straightness up to step 2: {5 / 7:.3f}"]
    explorer.controls["step"].value = 1
    assert titles(explorer) == ["straightness up to step 1: 1.000"]
    assert len(explorer.data()["0.line2"]) == 2
    explorer.controls["gradient"].value = "sign"
    explorer.controls["step"].value = 4
    way = explorer.data()["0.line2"]
    np.testing.assert_allclose(way, explorer.data()["0.line0"])
    assert len(way) == 5 and len(explorer.data()["0.line3"]) == 2 and whole(explorer.figure)


def test_a_path_in_a_plane_is_shown_as_it_is():
    plane = RNG.random((4, 2))
    explorer = plots.path_explorer({"raw": plane})
    shown = explorer.data()["0.line2"]
    lengths = [np.linalg.norm(np.diff(points, axis=0), axis=1) for points in (shown, plane)]
    np.testing.assert_allclose(*lengths)


def test_two_curves_along_a_path(whole):
    target, false = {"cat": [0.9, 0.5, 0.1], "dog": [0.9, 0.2]}, {"cat": [0.0, 0.25, 0.8], "dog": [0.1, 0.7]}
    explorer = plots.two_curves_along_path(target, false)
    assert explorer.data()["0.line1"].tolist() == [[0, 0.9], [1, 0.5], [2, 0.1]]
    explorer.controls["step"].value = 1
    assert explorer.data()["0.line1"].tolist() == [[0, 0.9], [1, 0.5]]
    assert explorer.data()["0.line3"].tolist() == [[0, 0.0], [1, 0.25]]
    assert legend(explorer) == ["$f^t$, explained class: 0.500", "$f^i$, false class: 0.250"] and whole(explorer.figure)
    explorer.controls["false_class"].value = "dog"
    assert explorer.data()["0.line2"].tolist() == [[0, 0.1], [1, 0.7]] and titles(explorer) == ["step 1 of 1"]
    noted = plots.two_curves_along_path(target, false, notes={"cat": "sum 0.7", "dog": "sum 0.6"})
    noted.controls["false_class"].value = "dog"
    assert titles(noted) == [f"step {min(noted.controls['step'].value, 1)} of 1\nsum 0.6"]
