"""Samples of each kind, known by their numbers, and the maps they become."""

import pytest
import toys
import torch

from xaiutils.methods import METHODS, FeatureSuppression, IntegratedGradients, Saliency
from xaiutils.methods.gradient_integration import KINDS, draw_samples, four_maps, gradient_sizes
from xaiutils.methods.pixel_dropping import draw_masks

IMAGE = toys.images(1)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_one_for_each_draw_and_the_same_for_a_seed(kind):
    samples = draw_samples(kind, IMAGE, 5, 0.5, seed=3)
    assert samples.shape == (5, *IMAGE.shape[1:]) and samples.dtype == IMAGE.dtype
    assert torch.equal(samples, draw_samples(kind, IMAGE, 5, 0.5, seed=3))


def test_noise_has_its_share_of_the_range():
    x = torch.zeros(1, 1, 50, 50, dtype=torch.float64)
    x[..., 0] = 4
    difference = draw_samples("noise", x, 20, 0.25) - x
    assert difference.std().item() == pytest.approx(1, abs=0.02) and abs(difference.mean().item()) < 0.02


def test_scaling_goes_evenly_from_the_fill_to_the_level():
    assert draw_samples("scaling", torch.full((1, 2), 9.0), 4, 1.0, fill=1.0)[:, 0].tolist() == [2, 4, 6, 8]
    assert draw_samples("scaling", torch.full((1, 2), 9.0), 2, 0.5, fill=1.0)[:, 0].tolist() == [2, 4]


def test_dropping_sets_all_channels_of_the_masks_pixels():
    samples, masks = draw_samples("dropping", IMAGE, 6, 0.7, fill=-1.0), draw_masks((8, 8), 6, 0.7, "binomial")
    assert torch.equal(samples == -1, masks[:, None].expand_as(samples))


def test_the_image_itself_gives_saliency_and_dropping_feature_suppression():
    model, target = toys.cnn(), 2
    maps = {kind: gradient_sizes(model, draw_samples(kind, IMAGE, 4, 0.6), target).mean(0) for kind in KINDS}
    torch.testing.assert_close(maps["image"], Saliency(model, output="logprob").attribute(IMAGE, target)[0])
    ours = FeatureSuppression(model).attribute(IMAGE, target, n_samples=4, prob=0.6, count_law="binomial", C=0)
    torch.testing.assert_close(maps["dropping"], ours[0])


def test_signed_gradients_at_the_scaled_copies_are_those_of_integrated_gradients():
    # on a smooth score of one sign of slope the size is the gradient: f = sum x^3 / 3, IG = x * x^2 / 3
    cubes = lambda rows: torch.stack([rows.pow(3).sum(1) / 3, torch.zeros(len(rows), dtype=rows.dtype)], 1)
    x = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    found = x * gradient_sizes(cubes, draw_samples("scaling", x, 400, 1.0), 0, output="logit").mean(0)
    torch.testing.assert_close(found, x**3 / 3, rtol=1e-5, atol=0)
    torch.testing.assert_close(found, IntegratedGradients(cubes).attribute(x, target=0), rtol=1e-5, atol=0)


def test_the_four_maps_are_those_of_the_methods():
    model, images = toys.cnn(), toys.images(2)
    maps = four_maps(model, images, [2, 1], n_samples=3, prob=0.6, noise_level=0.2, seed=5)
    expected = {"suppression": METHODS["feature-suppression"](model).attribute(images, [2, 1], n_samples=3, seed=5),
                "vanilla": METHODS["saliency"](model, output="logprob").attribute(images, [2, 1]),
                "smoothgrad": METHODS["smoothgrad"](model, output="logprob").attribute(
                    images, [2, 1], n_samples=3, noise_level=0.2, seed=5),
                "ig": METHODS["integrated-gradients"](model, multiply_by_inputs=False, output="logprob").attribute(
                    images, target=[2, 1], n_steps=3)}
    for name, attributions in expected.items():
        torch.testing.assert_close(maps[name], attributions.abs().sum(1))


def test_what_is_unknown_is_refused():
    with pytest.raises(ValueError, match="kind must be one of image, noise, scaling, dropping"):
        draw_samples("blur", IMAGE, 2)
    with pytest.raises(ValueError, match="x must be one image"):
        draw_samples("noise", toys.images(2), 2)
