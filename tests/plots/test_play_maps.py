import numpy as np
import pytest
import torch

from xaiutils import plots

IMAGE = torch.rand(3, 6, 8, generator=torch.Generator().manual_seed(0))
RNG = np.random.default_rng(0)
A, B, C = RNG.standard_normal((3, 6, 8))


def notes(explorer):
    return [ax.get_xlabel() for ax in explorer.figure.axes[:-1]]


def assert_every_control_moves_the_data(explorer):
    """Move each control to another of its values: the figure's data must change, and change back."""
    for name, control in explorer.controls.items():
        before, value = explorer.data(), control.value
        if hasattr(control, "options") and not isinstance(control.options[0], tuple):
            control.value = next(option for option in control.options if option != value)
        else:
            control.value = (value[0] + 1, value[1] - 1)
        after = explorer.data()
        assert not _same(before, after), f"{name} does nothing"
        control.value = value
        assert _same(before, explorer.data())


def _same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_explain_photograph_explains_what_was_picked_when_the_button_is_pressed():
    def brightness(x):
        mean = x.mean((1, 2, 3))
        return torch.stack([mean, 1 - mean, torch.full_like(mean, -1)], 1)

    names = ["cat", "dog", "fox"]
    methods = {"pixels": lambda x, target: x * (target + 1), "signed": lambda x, target: (target - 1.5) * x}
    images = {"night": torch.full((3, 2, 2), 0.1), "day": torch.tensor([[[0.9, 0.8], [1.0, 0.7]]] * 3)}
    explorer = plots.explain_photograph(brightness, images, names, methods, image="day")
    assert explorer.values() == {"photograph": "day", "explained_class": "the predicted class", "method": "pixels"}
    assert notes(explorer) == ["network: cat, 0.60", "for cat, 0.60"]     # logits 0.85, 0.15, -1: 2.34 / 3.87
    np.testing.assert_allclose(explorer.data()["1.image0"], plots.normalise(images["day"]))
    explorer.controls["method"].value, explorer.controls["explained_class"].value = "signed", "dog"
    np.testing.assert_allclose(explorer.data()["1.image0"], plots.normalise(images["day"]))
    explorer.button.click()
    np.testing.assert_allclose(explorer.data()["1.image0"], plots.normalise(-images["day"]))
    assert notes(explorer) == ["network: cat, 0.60", "for dog, 0.30"]     # 1.16 / 3.87
    explorer.controls["photograph"].value = "night"
    explorer.button.click()
    assert (explorer.data()["0.image0"] == images["night"][0, 0, 0].item()).all()
    explorer.controls["explained_class"].value = "wolf"
    explorer.button.click()
    assert "No class is called 'wolf'" in explorer.widget.children[-2].value


def test_pick_map():
    maps = {("AGI", 1): A, ("AGI", 5): B, ("IG", 1): C, ("IG", 5): {"left": A, "right": B}}
    explorer = plots.pick_map(IMAGE, maps, ("method", "k"), notes={key: f"{key}" for key in maps})
    assert_every_control_moves_the_data(explorer)
    np.testing.assert_array_equal(explorer.data()["1.image0"], plots.normalise(A))
    explorer.controls["method"].value = "IG"
    np.testing.assert_array_equal(explorer.data()["1.image0"], plots.normalise(C))
    assert notes(explorer)[1] == "('IG', 1)"
    explorer.controls["k"].value = 5
    np.testing.assert_array_equal(explorer.data()["2.image0"], plots.normalise(B))


def test_reference_picker_shows_reference_map_and_error():
    references = {"black": torch.zeros_like(IMAGE), "white": torch.ones_like(IMAGE)}
    maps = {("black", 10): A, ("black", 50): B, ("white", 10): C, ("white", 50): A}
    explorer = plots.reference_picker(IMAGE, references, maps, {key: key[1] / 1000 for key in maps})
    assert_every_control_moves_the_data(explorer)
    explorer.controls["reference"].value = "white"
    assert (explorer.data()["1.image0"] == 1).all() and notes(explorer)[2] == "completeness error 0.01"
    explorer.controls["steps"].value = 50
    np.testing.assert_array_equal(explorer.data()["2.image0"], plots.normalise(A))
    assert notes(explorer)[2] == "completeness error 0.05"


def test_percentile_picker():
    explorer = plots.percentile_picker(IMAGE, {"AGI": A, "IG": B}, measure=lambda drawn: f"largest {drawn.max():g}")
    assert_every_control_moves_the_data(explorer)
    explorer.controls["percentiles"].value = (50, 90)
    np.testing.assert_array_equal(explorer.data()["1.image0"], plots.normalise(A, "percentile", 50, 90))
    assert notes(explorer)[1].replace("\n", " ") == "50% of the pixels are 0; largest 1"
    explorer.controls["percentiles"].value = (50, 50)
    assert "0 <= low < high <= 100, got 50 and 50" in explorer.widget.children[-2].value


def test_class_count_morph_compares_with_the_most_classes():
    explorer = plots.class_count_morph(IMAGE, {1: -A, 2: A + B, 20: A})
    assert_every_control_moves_the_data(explorer)
    assert notes(explorer)[1].replace("\n", " ") == "correlation with k = 20: -1.00"
    explorer.controls["false_classes"].value = 20
    np.testing.assert_array_equal(explorer.data()["1.image0"], plots.normalise(A))
    assert notes(explorer)[1].replace("\n", " ") == "correlation with k = 20: 1.00"


def test_pairwise_difference_is_drawn_on_one_scale():
    explorer = plots.pairwise_difference(IMAGE, {"cat": A, "dog": 3 * A, "fox": B})
    assert_every_control_moves_the_data(explorer)
    explorer.controls["second"].value = "dog"
    np.testing.assert_allclose(explorer.data()["3.image0"], -2 * A)
    assert len({ax.images[0].get_clim() for ax in explorer.figure.axes[1:4]}) == 1
    explorer.controls["first"].value = "dog"
    assert not explorer.data()["3.image0"].any()


def test_cascade_slider():
    maps = {"none": {"AGI": A, "edges": C}, "fc": {"AGI": B, "edges": C}}
    explorer = plots.cascade_slider(IMAGE, maps, {"none": {"AGI": 1.0}, "fc": {"AGI": 0.25}})
    assert_every_control_moves_the_data(explorer)
    explorer.controls["randomised_down_to"].value = "fc"
    np.testing.assert_array_equal(explorer.data()["1.image0"], plots.normalise(B))
    assert notes(explorer) == ["", "similarity 0.25", ""]


def test_object_share_counts_the_positive_part_inside_the_box():
    heatmap = -np.ones((6, 8))
    heatmap[1, 2], heatmap[5, 7] = 3, 1
    explorer = plots.object_share(IMAGE, {"AGI": heatmap, "IG": A})
    assert_every_control_moves_the_data(explorer)
    explorer.controls["across"].value, explorer.controls["down"].value = (2, 4), (0, 3)
    assert notes(explorer)[1].replace("\n", " ") == "75% inside, by chance 12%"       # 3 of 4; 2 x 3 of 48 pixels
    assert explorer.data()["0.box0"].tolist() == pytest.approx([1.5, -0.5, 2, 3])
