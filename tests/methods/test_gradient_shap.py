"""GradientSHAP on linear scores, in its limit, complete, and against Captum within the noise."""

import captum.attr
import numpy as np
import pytest
import toys
import torch

from xaiutils.core import make_generator
from xaiutils.methods import GradientShap, IntegratedGradients

TARGET = torch.tensor([1, 0, 4])


@pytest.mark.parametrize("n_samples", [2, 3, 7])
def test_a_linear_score_needs_no_luck(n_samples):
    # baselines (0, 0) and (2, 2), weights (2, -1): mean of (3, 4) w = (6, -4) and (1, 2) w = (2, -2)
    model, x = toys.linear([2.0, -1.0], [0.0, 1.0]), torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    attributions, delta = GradientShap(model).attribute(x, [0.0, 2.0], 0, n_samples=n_samples, return_convergence_delta=True)
    torch.testing.assert_close(attributions, torch.tensor([[4.0, -3.0]], dtype=torch.float64))
    assert delta.abs().item() < 1e-12
    torch.testing.assert_close(GradientShap(model, False).attribute(x, [0.0, 2.0], 0), torch.tensor([[2.0, -1.0]], dtype=torch.float64))


def test_one_baseline_and_many_samples_give_integrated_gradients():
    model, images = toys.mlp(3 * 64), toys.images()
    wanted = IntegratedGradients(model).attribute(images, "blur", [0, 1, 3], n_steps=200)
    errors = [(GradientShap(model).attribute(images, ["blur"], [0, 1, 3], n_samples=n) - wanted).norm() / wanted.norm() for n in (10, 1000)]
    assert errors[1] < 1e-4 and errors[1] < errors[0] / 100  # stratified draws: error falls as n^-1.5


def test_the_delta_falls_with_the_samples():
    model, images = toys.cnn(), toys.images()
    few, many = (GradientShap(model).attribute(images, target=TARGET, n_samples=n, return_convergence_delta=True)[1].abs().max() for n in (8, 2000))
    assert many < 1e-2 * abs(model(images)).max() and many < few


def test_noise_smooths_a_parabola():
    # f = sum x^2 from baseline 0: (x + s e) * 2 alpha (x + s e), mean x^2 + s^2
    x = torch.tensor([[-1.0, 0.0, 2.0]], dtype=torch.float64)
    ours = GradientShap(lambda rows: (rows**2).sum(1)).attribute(x, [0.0], n_samples=40_000, noise_level=0.5)
    torch.testing.assert_close(ours, x**2 + 0.25, rtol=0, atol=0.05)


def test_captum_agrees_within_the_noise():
    model, images, several = toys.cnn(), toys.images(1), toys.images(3, seed=5)
    ours = GradientShap(model).attribute(images, several, 1, n_samples=3000)
    state = np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(0), np.random.seed(0)
        theirs = captum.attr.GradientShap(model).attribute(images, several, n_samples=3000, stdevs=0.0, target=1)
    np.random.set_state(state)
    assert ((ours - theirs).norm() / theirs.norm()).item() < 0.05


def test_captum_fed_with_the_same_draws_gives_the_same(monkeypatch):
    model, images, start, n = toys.cnn(), toys.images(1), toys.images(1, seed=5), 6
    alphas = (torch.arange(n) + torch.rand(n, generator=make_generator(7), dtype=torch.float64)) / n
    monkeypatch.setattr(np.random, "uniform", lambda low, high, size: alphas.numpy())
    theirs = captum.attr.GradientShap(model).attribute(images, start, n_samples=n, stdevs=0.0, target=1)
    monkeypatch.undo()
    ours = GradientShap(model).attribute(images, start, 1, n_samples=n, seed=7)
    assert ((ours - theirs).norm() / theirs.norm()).item() < 1e-5  # Captum keeps the draws in float32


@pytest.mark.parametrize("options, message", [
    ({"n_samples": 3}, "n_samples must be an integer of at least the number of baselines, 4, got 3"),
    ({"noise_level": -1.0}, "noise_level must be >= 0"), ({"baselines": []}, "baselines must be a tensor of images or a list"),
    ({"baselines": ["grey"]}, "baselines must be one of black, white"),
])
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        GradientShap(toys.cnn()).attribute(toys.images(), target=0, **options)
