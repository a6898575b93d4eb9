import numpy as np
import pytest
import torch

from xaiutils import plots
from xaiutils.methods.axai import Explanation

IMAGE = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
QUARTERS = torch.arange(8)[:, None] // 4 * 2 + torch.arange(8) // 4
WEAK = 0.01 * torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))


def planted(place, strength=100):
    v = WEAK.clone()
    rows, columns = place // 2 * 4, place % 2 * 4
    v[:, rows:rows + 4, columns:columns + 4] *= strength
    return v


def titles_and_images(explorer):
    return [(ax.get_title(), [np.asarray(image.get_array()).tobytes() for image in ax.images]) for ax in explorer.figure.axes]


def test_the_panels_show_the_planted_quarter():
    fig = plots.attack_panels(IMAGE, planted(3), QUARTERS, k=1, truth=QUARTERS == 3)
    assert [ax.get_title()[0] for ax in fig.axes] == list("abcde") and fig.axes[3].get_title() == "d 4 segments"
    last = np.asarray(fig.axes[4].images[0].get_array())
    kept = np.isclose(last, IMAGE.permute(1, 2, 0).numpy()).all(-1)
    assert kept[4:, 4:].all() and not kept[:4].any()


def test_the_histogram_shows_the_tails_in_another_colour():
    fig = plots.attack_panels(IMAGE, WEAK, QUARTERS, percentile=10)
    values, bars = WEAK.flatten().numpy(), fig.axes[1].patches
    low, high = np.percentile(values, [10, 90])
    for bar in bars:
        middle = bar.get_x() + bar.get_width() / 2
        assert (bar.get_facecolor()[0] > 0.7) == (middle < low or middle >= high)


def test_every_control_of_the_attack_moves_it():
    attacks, segmentations = {0.1: planted(1), 1.0: planted(2)}, {"quarters": QUARTERS, "rows": QUARTERS // 2}
    explorer = plots.play_attack(IMAGE, attacks, segmentations, percentile=10, k=1)
    for name, control in explorer.controls.items():
        before, value = titles_and_images(explorer), control.value
        control.value = next(option for option in control.options if option != value)
        assert titles_and_images(explorer) != before, f"{name} does nothing"
        control.value = value
        assert titles_and_images(explorer) == before


def test_a_law_is_drawn_through_its_own_values():
    values = np.random.default_rng(0).laplace(0, 2, 2000)
    explorer = plots.play_laws({"attack": values}, ["laplace", "norm"])
    explorer.controls["family"].value = "laplace"
    x, density = explorer.data()["0.line0"].T
    scale = np.abs(values - np.median(values)).mean()
    np.testing.assert_allclose(density, np.exp(-np.abs(x - np.median(values)) / scale) / (2 * scale), rtol=1e-9)
    laplace = explorer.figure.axes[0].get_legend().get_texts()[0].get_text()
    explorer.controls["family"].value = "norm"
    normal = explorer.figure.axes[0].get_legend().get_texts()[0].get_text()
    assert float(laplace.split()[-1]) < 0.03 < 0.05 < float(normal.split()[-1])


def explanation(attacked, segments, selected):
    """An explanation whose densities are 0.1, 0.2, ...; the perturbation is not looked at."""
    segments, selected = torch.as_tensor(segments), torch.tensor(selected)
    densities = torch.arange(1, int(segments.max()) + 2, dtype=torch.float64) / 10
    return Explanation(None, segments, densities, torch.isin(segments, selected), selected, torch.as_tensor(attacked), None)


SOUND = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(2))


def test_sounds_stand_above_their_densities_with_the_window_marked():
    one = explanation(torch.zeros(8, 8), QUARTERS, [2])
    fig = plots.sound_panels(SOUND[None], [one], ["right"], window=(0.4, 0.6))
    above, below = fig.axes[:2]
    np.testing.assert_allclose(above.images[0].get_array(), SOUND[0])
    np.testing.assert_allclose(below.images[0].get_array(), (QUARTERS + 1) / 10)
    assert above.images[0].origin == "lower" and tuple(above.images[0].get_extent()) == (0, 1, 0, 4)
    assert [line.get_xdata()[0] for line in above.lines] == [0.4, 0.6]
    path = above.collections[0].get_paths()[0].vertices                       # quarter 2: the first half second above 2 kHz
    assert path[:, 0].max() == pytest.approx(0.5, abs=0.07) and path[:, 1].min() == pytest.approx(2, abs=0.26)
    assert path[:, 0].min() < 0.01 and path[:, 1].max() > 3.9


def test_words_carry_their_densities_and_the_selected_are_bold():
    attacked = torch.tensor([[True, False], [False, False], [True, True]])
    fig = plots.token_panels([["not", "so", "bad"]], [explanation(attacked, [0, 1, 2], [2])], ["negative"])
    left, right = fig.axes
    assert [bar.get_width() for bar in left.patches] == pytest.approx([0.1, 0.2, 0.3])
    assert [label.get_text() for label in left.get_yticklabels()] == ["not", "so", "bad"]
    assert [label.get_weight() for label in left.get_yticklabels()] == ["normal", "normal", "bold"]
    np.testing.assert_array_equal(right.images[0].get_array(), attacked)


def test_a_typed_sentence_is_explained_when_the_button_is_pressed():
    def explain(sentence):
        words = sentence.split()
        if not words:
            raise ValueError("sentence must have a word.")
        return words, explanation(torch.ones(len(words), 2), torch.arange(len(words)), [0]), "negative"

    play = plots.play_sentence(explain, "a b")
    play.controls["sentence"].value = "a b c"
    assert len(play.figure.axes[0].patches) == 2
    play.button.click()
    assert len(play.figure.axes[0].patches) == 3
    assert len(play.static(sentence="d").axes[0].patches) == 1


def test_the_sound_follows_the_slider():
    sounds = {0.2: SOUND, 0.6: 1 - SOUND}
    found = {start: explanation(torch.zeros(8, 8), QUARTERS, [place]) for start, place in ((0.2, 0), (0.6, 1))}
    play = plots.play_sound(sounds, found, {0.2: "first", 0.6: "second"}, {start: (start, start + 0.15) for start in sounds})
    assert play.figure.axes[0].get_title() == "first"
    play.controls["start"].value = 0.6
    assert play.figure.axes[0].get_title() == "second"
    np.testing.assert_allclose(play.figure.axes[0].images[0].get_array(), 1 - SOUND[0])
    assert [line.get_xdata()[0] for line in play.figure.axes[0].lines] == [0.6, 0.75]


def test_the_tails_and_their_line_follow_the_slider():
    alphas, curves = [5, 15, 25], {"tails": [0.9, 0.5, 0.1], "middle": [0.2, 0.6, 0.8]}
    play = plots.play_tails(IMAGE, WEAK, alphas, curves)
    np.testing.assert_allclose(play.data()["2.line0"], np.stack([alphas, curves["tails"]], 1))
    for alpha in (5, 25):
        play.controls["alpha"].value = alpha
        share = np.asarray(play.figure.axes[1].images[0].get_array())
        assert share.mean() == pytest.approx(2 * alpha / 100, abs=0.01)
        assert play.figure.axes[2].lines[-1].get_xdata()[0] == alpha
        assert play.figure.axes[1].get_title().startswith(f"tails of {alpha} %")


def test_the_scaled_attack_is_drawn_and_the_winner_named():
    play = plots.play_scale(IMAGE, 0 * IMAGE - 0.1, [0.0, 0.5, 1.0], {"cat": [0.9, 0.6, 0.2], "dog": [0.1, 0.4, 0.8]})
    for scale, winner in ((0.0, "cat"), (0.5, "cat"), (1.0, "dog")):
        play.controls["scale"].value = scale
        assert play.figure.axes[0].get_title() == winner
        np.testing.assert_allclose(np.asarray(play.figure.axes[0].images[0].get_array()),
                                   (IMAGE - 0.1 * scale).clamp(0, 1).permute(1, 2, 0), atol=1e-6)
        assert play.figure.axes[1].lines[-1].get_xdata()[0] == scale


def test_what_is_kept_stays_and_the_rest_fades():
    masks = {"AXAI": QUARTERS == 1, "LIME": QUARTERS >= 2}
    fig = plots.kept_panels(IMAGE, masks, rows=["noise"])
    assert [ax.get_title() for ax in fig.axes] == ["photograph", "AXAI", "LIME"] and fig.axes[0].get_ylabel() == "noise"
    picture = IMAGE.permute(1, 2, 0).numpy()
    for ax, mask in zip(fig.axes[1:], masks.values()):
        drawn = np.asarray(ax.images[0].get_array())
        np.testing.assert_allclose(drawn[mask], picture[mask], rtol=1e-6)
        np.testing.assert_allclose(drawn[~mask], 0.75 + 0.25 * picture[~mask], rtol=1e-6)


def test_the_kept_part_follows_the_slider():
    play = plots.play_kept(IMAGE, {4: {"AXAI": QUARTERS == 0}, 5: {"AXAI": QUARTERS == 3}}, "kernel_size")
    before = np.asarray(play.figure.axes[1].images[0].get_array())
    play.controls["kernel_size"].value = 5
    after = np.asarray(play.figure.axes[1].images[0].get_array())
    np.testing.assert_allclose(after[4:, 4:], IMAGE.permute(1, 2, 0)[4:, 4:], rtol=1e-6)
    assert not np.allclose(before[4:, 4:], after[4:, 4:])
