import numpy as np
import torch

from xaiutils import plots

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
