"""The named baselines pixel by pixel."""

import pytest
import toys
import torch

from xaiutils.methods.baselines import resolve_baselines

IMAGES = toys.images(2)


@pytest.mark.parametrize("baselines, expected", [
    (None, torch.zeros_like(IMAGES)), ("black", torch.zeros_like(IMAGES)), ("white", torch.ones_like(IMAGES)),
    (0.25, torch.full_like(IMAGES, 0.25)), (IMAGES, IMAGES), (IMAGES[:1], IMAGES[:1].expand(2, -1, -1, -1)),
    ("mean", IMAGES.mean((2, 3), keepdim=True).expand_as(IMAGES)),
])
def test_what_they_are(baselines, expected):
    torch.testing.assert_close(resolve_baselines(baselines, IMAGES), expected)


def test_noise_is_gaussian_around_grey_and_the_same_for_every_image():
    noise = resolve_baselines("noise", torch.zeros(2, 3, 100, 100), seed=1)
    assert torch.equal(noise[0], noise[1]) and not torch.equal(noise, resolve_baselines("noise", torch.zeros(2, 3, 100, 100), seed=2))
    assert noise.mean().item() == pytest.approx(0.5, abs=0.01)
    inside = noise[(noise > 0) & (noise < 1)]
    assert inside.std().item() == pytest.approx(0.2199, abs=0.005)  # a normal cut at two standard deviations: 0.8796 * 0.25


def test_blur_keeps_a_flat_image_and_spreads_a_point():
    flat = torch.full((1, 3, 40, 40), 0.7)
    torch.testing.assert_close(resolve_baselines("blur", flat), flat)
    point = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
    point[..., 20, 20] = 1
    blurred = resolve_baselines("blur", point)[0, 0]
    assert blurred.sum().item() == pytest.approx(1)
    ratio = blurred[20, 22] / blurred[20, 20]  # exp(-r^2 / 2 sigma^2), sigma = 5 % of 41
    assert ratio.item() == pytest.approx(torch.tensor(-4 / (2 * 2.05**2)).exp().item(), rel=1e-6)


@pytest.mark.parametrize("baselines, inputs, message", [
    ("grey", IMAGES, "baselines must be one of black, white, mean, noise, blur, a number or a tensor, got 'grey'"),
    ("blur", torch.ones(2, 5), r"baselines='blur' needs images \(N, C, H, W\)"),
    (torch.ones(3, 3, 8, 8), IMAGES, r"baselines must be one image or 2 of shape \(3, 8, 8\), got \(3, 3, 8, 8\)"),
])
def test_wrong_baselines_are_refused(baselines, inputs, message):
    with pytest.raises(ValueError, match=message):
        resolve_baselines(baselines, inputs)
