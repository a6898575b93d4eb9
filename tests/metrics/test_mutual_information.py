"""Mutual information of tables that can be summed by hand, of known densities, and by scikit-learn."""

from math import log

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from xaiutils.core import make_generator
from xaiutils.metrics.mutual_information import (
    image_information, object_information, relative_information, times_noise,
)

ROWS = torch.arange(40.0)[:, None].expand(40, 60)[None]
COLUMNS = torch.arange(60.0).expand(40, 60)[None]


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=make_generator(seed), dtype=torch.float64)


def test_a_table_by_hand():
    # of 8 pixels 3 are dark in both, 3 bright in both, 2 disagree: 2 * 3/8 log(3/8 : 1/4) + 2 * 1/8 log(1/8 : 1/4)
    heatmap = torch.tensor([[[0.0, 0, 0, 0], [1, 1, 1, 1]]])
    image = torch.tensor([[[5.0, 5, 5, 9], [9, 9, 9, 5]]])
    by_hand = 0.75 * log(1.5) - 0.25 * log(2)
    assert image_information(heatmap, image, bins=2).item() == pytest.approx(by_hand, abs=1e-12)
    assert image_information(heatmap, image).item() == pytest.approx(by_hand, abs=1e-12)     # 18 of 20 bins stay empty
    assert object_information(heatmap, image > 6).item() == pytest.approx(by_hand, abs=1e-12)


def test_independent_is_zero_and_identical_is_the_entropy():
    assert image_information(ROWS, COLUMNS).item() == pytest.approx(0, abs=1e-12)
    for bins in (2, 4, 20):                                                        # 40 rows fill each bin equally
        assert image_information(ROWS, ROWS, bins).item() == pytest.approx(log(bins), abs=1e-12)
    assert image_information(2 * ROWS - 7, ROWS).item() == pytest.approx(log(20), abs=1e-12)
    assert image_information(-ROWS, ROWS, 2).item() == pytest.approx(log(2), abs=1e-12)


def test_a_constant_map_tells_nothing():
    flat = torch.full((1, 40, 60), 0.1)
    assert image_information(flat, ROWS).item() == image_information(ROWS, flat).item() == 0
    assert object_information(flat, ROWS[0] > 5).item() == 0


def test_an_object_is_at_most_log_2():
    half = ROWS > 19.5
    assert object_information(half.float(), half).item() == pytest.approx(log(2), abs=1e-12)
    assert object_information(ROWS, half[0]).item() == pytest.approx(log(2), abs=1e-12)       # brightness gives it away
    assert object_information(COLUMNS, half).item() == pytest.approx(0, abs=1e-12)
    quarter = ROWS > 29.5
    entropy = -(0.25 * log(0.25) + 0.75 * log(0.75))
    assert object_information(quarter.float(), quarter).item() == pytest.approx(entropy, abs=1e-12)


@pytest.mark.parametrize("bins", [5, 20])
def test_scikit_learn_agrees(bins):
    heatmaps, images = uniform(3, 30, 30), uniform(3, 3, 30, 30, seed=1)
    heatmaps = heatmaps + 0.7 * images[:, 0] ** 2
    pairs = [(z.flatten().numpy(), x.mean(0).flatten().numpy()) for z, x in zip(heatmaps, images)]
    theirs = [mutual_info_score(None, None, contingency=np.histogram2d(*pair, bins)[0]) for pair in pairs]
    assert image_information(heatmaps, images, bins).tolist() == pytest.approx(theirs, abs=1e-12)
    assert image_information(heatmaps, images.mean(1), bins).tolist() == pytest.approx(theirs, abs=1e-12)


def test_a_gaussian_pair():
    # density of correlation 0.6: -log(1 - 0.36) / 2 = 0.2231 nats; 20 bins blur it by less than 15 %
    z = torch.randn(2, 1, 224, 224, generator=make_generator(0), dtype=torch.float64)
    assert image_information(0.6 * z[0] + 0.8 * z[1], z[0]).item() == pytest.approx(-log(1 - 0.36) / 2, rel=0.15)


def test_what_independent_values_score_by_chance():
    # 2 n I is about chi-square with (bins - 1)^2 degrees of freedom: I = 361 / 8192 +- sqrt(722) / 8192 each, 40 such
    heatmaps, images = uniform(40, 64, 64), uniform(40, 64, 64, seed=1)
    assert image_information(heatmaps, images).mean().item() == pytest.approx(361 / 8192, abs=0.0025)
    assert object_information(heatmaps, images > 0.5).mean().item() == pytest.approx(19 / 8192, abs=0.0005)


def test_an_image_times_noise_tells_much_without_any_network():
    # x is 0 or 1 equally often: the product's first bin holds all zeros and 1/20 of the ones, 21/40 of the pixels, one
    # in 21 of them bright; elsewhere x = 1. I = log 2 - 21/40 h(1/21) = 0.598 of at most log 2 = 0.693
    image = (torch.arange(500.0) % 2).expand(1, 1, 500, 500)
    product = times_noise(image)
    h = -(log(1 / 21) / 21 + 20 / 21 * log(20 / 21))
    assert image_information(product[:, 0], image).item() == pytest.approx(log(2) - 21 / 40 * h, abs=0.003)
    assert image_information(uniform(1, 500, 500), image).item() < 0.001


def test_the_noise_is_the_same_for_each_image_and_comes_from_its_seed():
    torch.manual_seed(0)
    state, images = torch.get_rng_state(), uniform(2, 3, 8, 8)
    first = times_noise(images, seed=3)
    torch.testing.assert_close(first / images, uniform(3, 8, 8, seed=3).expand(2, 3, 8, 8))
    assert torch.equal(times_noise(images[1:], seed=3), first[1:]) and torch.equal(torch.get_rng_state(), state)
    assert torch.equal(times_noise(images, generator=make_generator(3)), first)


def test_relative_to_a_reference():
    assert relative_information(torch.tensor([1.0, 3.0]), torch.tensor([0.5, 1.5])) == 2
    with pytest.raises(ValueError, match="reference must have a positive mean, got 0"):
        relative_information(torch.ones(2), torch.zeros(2))
    with pytest.raises(ValueError, match=r"information must be \(N,\) finite values .* got shape \(3,\)"):
        relative_information(torch.ones(3), torch.ones(2))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"heatmap must be \(N, H, W\), got .* see core.reduce_channels"):
        image_information(uniform(2, 3, 8, 8), uniform(2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"images must be .* with the heatmap's \(2, 8, 8\), got \(1, 3, 8, 8\)"):
        image_information(uniform(2, 8, 8), uniform(1, 3, 8, 8))
    for bins in (1, 2.5):
        with pytest.raises(ValueError, match=f"bins must be an integer of at least 2, got {bins}"):
            image_information(ROWS, COLUMNS, bins)
        with pytest.raises(ValueError, match=f"bins must be an integer of at least 2, got {bins}"):
            object_information(ROWS, COLUMNS > 3, bins)
    with pytest.raises(ValueError, match="mask must be boolean, .* got torch.float32"):
        object_information(ROWS, COLUMNS)
