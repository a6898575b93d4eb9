"""SmoothGrad in its limits, on a parabola, and against Captum's NoiseTunnel."""

import captum.attr
import pytest
import toys
import torch

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
