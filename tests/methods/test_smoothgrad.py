"""SmoothGrad in its limits, on a parabola, and against Captum's NoiseTunnel."""

import captum.attr
import pytest
import toys
import torch

from xaiutils.core import make_generator
from xaiutils.methods import Saliency, SmoothGrad


def test_without_noise_it_is_the_gradient():
    model, images = toys.cnn(), toys.images()
    gradient = Saliency(model).attribute(images, "pred", abs=False)
    torch.testing.assert_close(SmoothGrad(model).attribute(images, "pred", noise_level=0, n_samples=3), gradient)


@pytest.mark.parametrize("unit, level", [("range", 0.25), ("absolute", 0.5)])
def test_on_a_cubic_it_is_the_gradient_of_the_smoothed_cubic(unit, level):
    # f(x) = sum x^3 has gradient 3 x^2; under noise of variance s^2 its mean is 3 (x^2 + s^2), and s = 0.5 for both units here
    x = torch.tensor([[-1.0, 0.0, 1.0]], dtype=torch.float64)
    smooth = SmoothGrad(lambda rows: (rows**3).sum(1)).attribute(x, n_samples=40_000, noise_level=level, noise_unit=unit)
    torch.testing.assert_close(smooth, 3 * (x**2 + 0.25), rtol=0, atol=0.06)  # four standard errors


def test_it_agrees_with_captums_noise_tunnel_within_the_noise():
    model, images = toys.cnn(), toys.images(1)
    ours = SmoothGrad(model).attribute(images, 0, n_samples=4000, noise_level=0.1, noise_unit="absolute")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(model))
        theirs = tunnel.attribute(images.requires_grad_(), nt_samples=4000, stdevs=0.1, target=0, abs=False)
    assert ((ours - theirs).norm() / theirs.norm()).item() < 0.05


@pytest.mark.parametrize("options, message", [
    ({"n_samples": 0}, "n_samples must be a positive integer"), ({"noise_level": -1}, "noise_level must be >= 0"),
    ({"noise_unit": "percent"}, "range or absolute, got 0.15 'percent'"),
])
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SmoothGrad(toys.cnn()).attribute(toys.images(), 0, **options)


def test_square_and_variance_on_a_parabola():
    # f(x) = sum x^2 has gradient 2 (x + s e): mean 2 x, mean square 4 (x^2 + s^2), variance 4 s^2
    x = torch.tensor([[-1.0, 0.0, 1.0]], dtype=torch.float64)
    square, variance = (SmoothGrad(lambda rows: (rows**2).sum(1), kind=kind).attribute(x, n_samples=40_000, noise_level=0.25)
                        for kind in ("square", "variance"))
    torch.testing.assert_close(square, 4 * (x**2 + 0.25), rtol=0, atol=0.1)
    torch.testing.assert_close(variance, torch.full_like(x, 1.0), rtol=0, atol=0.03)


def test_the_three_kinds_of_the_same_draws():
    """variance = square - mean^2, draw for draw; without noise nothing scatters and the square is the gradient's."""
    model, images = toys.cnn(), toys.images()
    mean, square, variance = (SmoothGrad(model, kind=kind).attribute(images, 1, n_samples=5) for kind in ("mean", "square", "variance"))
    torch.testing.assert_close(variance, square - mean**2, rtol=1e-9, atol=1e-15)
    assert variance.max() > 0
    gradient = Saliency(model).attribute(images, 1, abs=False)
    torch.testing.assert_close(SmoothGrad(model, kind="square").attribute(images, 1, n_samples=3, noise_level=0), gradient**2)
    assert SmoothGrad(model, kind="variance").attribute(images, 1, n_samples=3, noise_level=0).max() < 1e-15


@pytest.mark.parametrize("kind, theirs", [("mean", "smoothgrad"), ("square", "smoothgrad_sq"), ("variance", "vargrad")])
def test_captum_fed_with_the_same_noise_gives_the_same(kind, theirs, monkeypatch):
    model, images, draws = toys.cnn(), toys.images(1), make_generator(7)
    noise = torch.stack([torch.randn(images.shape[1:], generator=draws) for _ in range(6)]).double()
    monkeypatch.setattr(torch, "normal", lambda mean, std: std * noise)  # 0.125: Captum rounds to float32
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(model))
    reference = tunnel.attribute(images.clone().requires_grad_(), nt_type=theirs, nt_samples=6, stdevs=0.125, target=0, abs=False)
    monkeypatch.undo()
    ours = SmoothGrad(model, kind=kind).attribute(images, 0, n_samples=6, noise_level=0.125, noise_unit="absolute", seed=7)
    torch.testing.assert_close(ours, reference, rtol=1e-10, atol=1e-14)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of mean, square, variance, got 'median'"):
        SmoothGrad(toys.cnn(), kind="median")
