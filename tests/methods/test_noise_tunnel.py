"""The noise tunnel in its limits, over the gradient, on a parabola, and against Captum within the noise."""

import captum.attr
import pytest
import toys
import torch

from xaiutils.core import make_generator
from xaiutils.methods import DeepLift, DeepLiftShap, GradientShap, InputXGradient, IntegratedGradients, NoiseTunnel, Saliency, SmoothGrad

TARGET = torch.tensor([1, 0, 4])


@pytest.mark.parametrize("method", [IntegratedGradients, DeepLift])
def test_without_noise_it_is_the_method(method):
    model, images = toys.cnn(), toys.images()
    wanted = method(model).attribute(images, "blur", TARGET)
    options = {"baselines": "blur", "target": TARGET, "noise_level": 0, "n_samples": 2}
    torch.testing.assert_close(NoiseTunnel(model, method).attribute(images, **options), wanted, rtol=1e-12, atol=0)
    torch.testing.assert_close(NoiseTunnel(model, method, kind="square").attribute(images, **options), wanted**2, rtol=1e-12, atol=0)
    assert NoiseTunnel(model, method, kind="variance").attribute(images, **options).max() < 1e-15


def test_over_the_gradient_it_is_smoothgrad():
    model, images = toys.cnn(), toys.images()
    tunnel = NoiseTunnel(model, Saliency).attribute(images, target=TARGET, n_samples=4, abs=False, seed=3)
    torch.testing.assert_close(tunnel, SmoothGrad(model).attribute(images, TARGET, n_samples=4, seed=3), rtol=1e-10, atol=1e-14)


def test_integrated_gradients_of_a_noisy_parabola():
    # f = sum x^2 from 0: IG is x^2, under noise x^2 + s^2 on average
    x = torch.tensor([[-1.0, 0.0, 2.0]], dtype=torch.float64)
    ours = NoiseTunnel(lambda rows: (rows**2).sum(1)).attribute(x, n_samples=4000, noise_level=0.5, noise_unit="absolute", n_steps=2)
    torch.testing.assert_close(ours, x**2 + 0.25, rtol=0, atol=0.12)


def test_the_baseline_is_that_of_the_input_without_noise():
    # a linear score: (x + s e - b) w; with b the mean colour of the clean image the noise averages out of x alone
    weights = torch.linspace(-1, 1, 12, dtype=torch.float64)
    model = lambda rows: rows.flatten(1) @ weights[:, None]  # noqa: E731
    x = torch.rand(1, 3, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours = NoiseTunnel(model, kind="variance").attribute(x, "mean", n_samples=4000, noise_level=0.3, noise_unit="absolute", n_steps=1)
    torch.testing.assert_close(ours.flatten(), 0.09 * weights**2, rtol=0.12, atol=0)


def test_captum_agrees_within_the_noise():
    model, images = toys.mlp(3 * 64), toys.images(1)
    ours = NoiseTunnel(model).attribute(images, target=0, n_samples=2000, noise_level=0.2, noise_unit="absolute", n_steps=5)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tunnel = captum.attr.NoiseTunnel(captum.attr.IntegratedGradients(model))
        theirs = tunnel.attribute(images, nt_samples=2000, nt_samples_batch_size=100, stdevs=0.2, target=0, n_steps=5)
    assert ((ours - theirs).norm() / theirs.norm()).item() < 0.05


@pytest.mark.parametrize("method, options", [(IntegratedGradients, {"n_steps": 20}), (DeepLift, {})])
def test_captum_fed_with_the_same_noise_gives_the_same(method, options, monkeypatch):
    model, images, draws = toys.mlp(3 * 64), toys.images(1), make_generator(7)
    noise = torch.stack([torch.randn(images.shape[1:], generator=draws) for _ in range(6)]).double()
    monkeypatch.setattr(torch, "normal", lambda mean, std: std * noise)  # 0.125: Captum rounds to float32
    tunnel = captum.attr.NoiseTunnel(getattr(captum.attr, method.__name__)(model))
    theirs = tunnel.attribute(images, nt_type="smoothgrad_sq", nt_samples=6, stdevs=0.125, baselines=0.3, target=0, **options)
    monkeypatch.undo()
    ours = NoiseTunnel(model, method, kind="square").attribute(images, 0.3, 0, n_samples=6, noise_level=0.125, noise_unit="absolute",
                                                               seed=7, **options)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-14)


def test_a_method_that_draws_does_so_anew_for_each_copy_and_by_the_seed():
    # without noise in the tunnel all scatter is the method's own
    model, images = toys.cnn(), toys.images()
    options = {"target": TARGET, "noise_level": 0, "n_samples": 3}
    assert (NoiseTunnel(model, GradientShap, kind="variance").attribute(images, **options) > 0).any()
    maps = [NoiseTunnel(model, GradientShap).attribute(images, **options, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(maps[0], maps[1]) and not torch.equal(maps[0], maps[2])


def test_several_baselines_go_on_to_a_method_that_takes_them():
    model, images = toys.cnn(), toys.images()
    ours = NoiseTunnel(model, DeepLiftShap).attribute(images, ["black", 0.5], TARGET, noise_level=0, n_samples=2)
    torch.testing.assert_close(ours, DeepLiftShap(model).attribute(images, ["black", 0.5], TARGET), rtol=1e-12, atol=1e-15)


def test_options_reach_the_method():
    method = NoiseTunnel(toys.cnn(), DeepLift, method_options={"multiply_by_inputs": False}).method
    assert isinstance(method, DeepLift) and not method.multiplies_by_inputs


@pytest.mark.parametrize("build, message", [
    (lambda: NoiseTunnel(toys.cnn(), kind="median"), "kind must be one of mean, square, variance"),
    (lambda: NoiseTunnel(toys.cnn(), "saliency"), "method must be a class of xaiutils.methods, got 'saliency'"),
    (lambda: NoiseTunnel(toys.cnn(), InputXGradient).attribute(toys.images(), target=0, n_samples=0), "n_samples must be a positive integer"),
])
def test_wrong_options_are_refused(build, message):
    with pytest.raises((ValueError, TypeError), match=message):
        build()
