"""Sensitivity-N: linear models whose correlations are known, four pixels by hand, a slow second writing, its errors."""

from itertools import combinations

import numpy as np
import pytest
import toys
import torch

from xaiutils.methods import InputXGradient, IntegratedGradients
from xaiutils.metrics import pearson, sensitivity_n, subset_losses, subset_sums
from xaiutils.metrics.sensitivity_n import FRACTIONS

WEIGHTS = torch.tensor([1.0, -2.0, 0.5, 4.0, 0.0, -1.0, 3.0, 0.25], dtype=torch.float64)
X = torch.tensor([[0.5, 1.0, -1.0, 0.25, 2.0, 1.0, 0.75, 1.0]], dtype=torch.float64)


def affine(x):
    """w . x + 3 and minus that: a bias changes nothing."""
    score = x.flatten(1) @ WEIGHTS[: x[0].numel()] + 3
    return torch.stack([score, -score], 1)


@pytest.mark.parametrize("n_subsets", [2, 5, 100])
def test_a_linear_score_is_met_by_its_own_map_at_every_fraction(n_subsets):
    maps = WEIGHTS * X
    for target, sign in ((0, 1), (1, -1)):
        rho = sensitivity_n(affine, X, sign * 7 * maps, target, fractions=(0.2, 0.5, 0.8), n_subsets=n_subsets)
        assert rho.shape == (1, 3) and rho.tolist()[0] == pytest.approx([1, 1, 1], abs=1e-12)
    rho = sensitivity_n(affine, X, -maps, 0, fractions=0.5, n_subsets=n_subsets)
    assert rho.item() == pytest.approx(-1, abs=1e-12)


def test_every_complete_method_meets_a_linear_network_of_images():
    weight = torch.randn(5, 3 * 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    model = torch.nn.Sequential(torch.nn.Flatten(), toys.linear(*weight.tolist())).eval()
    images = toys.images()
    for method, options in ((IntegratedGradients, {"n_steps": 2}), (InputXGradient, {})):
        maps = method(model).attribute(images, target=[1, 0, 4], **options)
        rho = sensitivity_n(model, images, maps, [1, 0, 4])
        torch.testing.assert_close(rho, torch.ones(3, len(FRACTIONS), dtype=torch.float64))
    grey = IntegratedGradients(model).attribute(images, baselines="mean", target=[1, 0, 4])
    rho = sensitivity_n(model, images, grey, [1, 0, 4], substrate="mean")         # another fill, its own baseline
    torch.testing.assert_close(rho, torch.ones(3, len(FRACTIONS), dtype=torch.float64))


def test_over_all_sets_of_one_size_it_is_the_correlation_over_the_features():
    # sums over sets of n out of d without replacement covary as their features do, times n (d - n) / (d (d - 1)) ...
    true, other = (WEIGHTS * X)[0], torch.arange(8, dtype=torch.float64) ** 2
    over_features = np.corrcoef(true, other)[0, 1]
    for n in (1, 3, 7):
        every = list(combinations(range(8), n))
        sums = [[values[list(s)].sum().item() for s in every] for values in (other, true)]
        assert pearson(*map(torch.tensor, sums)).item() == pytest.approx(over_features)
    # ... so that drawn sets come close, for every fraction
    rho = sensitivity_n(affine, X, other[None], 0, fractions=(0.2, 0.4, 0.9), n_subsets=20_000)
    assert rho.tolist()[0] == pytest.approx([over_features] * 3, abs=0.02)        # 3 / sqrt(20,000)


def test_four_pixels_by_hand():
    # score (a + b)(c + d) at (1, 2, 3, 4) = 21; without one: 14, 7, 12, 9, so the losses are 7, 14, 9, 12
    def product(x):
        a, b, c, d = x.flatten(1).T
        return ((a + b) * (c + d))[:, None]

    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], dtype=torch.float64)
    losses = subset_losses(product, x, 0, fractions=0.25, n_subsets=50, seed=3)
    sums = subset_sums(x, x, fractions=0.25, n_subsets=50, seed=3)                # each sum is the pixel that went
    met = set(zip(sums.flatten().tolist(), losses.flatten().tolist()))
    assert met == {(1, 7), (2, 14), (3, 9), (4, 12)}
    rho = sensitivity_n(product, x, x, 0, fractions=0.25, n_subsets=50, seed=3)
    assert rho.item() == pytest.approx(np.corrcoef(sums.flatten(), losses.flatten())[0, 1])
    # whichever three go, a factor has lost both its pixels: the score is 0
    losses = subset_losses(product, x, 0, fractions=0.75, n_subsets=50)
    assert losses.unique().tolist() == [21.0]
    assert sensitivity_n(product, x, x, 0, fractions=0.75).isnan().all()


def sensitivity_by_loops(model, x, attribution, target, fraction, orders, fill):
    """One image, one fraction: take out the first pixels of each order, one forward pass each."""
    n = round(fraction * x[0].numel())
    points = []
    for order in orders:
        removed, attributed = x.clone(), 0.0
        for pixel in order[:n].tolist():
            row, column = divmod(pixel, x.shape[2])
            removed[:, row, column] = fill[:, row, column]
            attributed += attribution[:, row, column].sum().item()
        lost = model(x[None]).softmax(1) - model(removed[None]).softmax(1)
        points.append((attributed, lost[0, target].item()))
    return np.corrcoef(*zip(*points))[0, 1]


def test_a_second_slow_writing_agrees():
    model, images, maps = toys.cnn(), toys.images(), toys.images(seed=1) - 0.5
    fast = sensitivity_n(model, images, maps, [1, 0, 4], fractions=(0.1, 0.5), n_subsets=12, substrate="mean",
                         output="prob", seed=5, internal_batch_size=7)
    draws = torch.Generator().manual_seed(5)
    orders = [torch.randperm(64, generator=draws) for _ in range(12)]
    for k, target in enumerate([1, 0, 4]):
        fill = images[k].mean((1, 2), keepdim=True).expand(3, 8, 8)
        slow = [sensitivity_by_loops(model, images[k], maps[k], target, f, orders, fill) for f in (0.1, 0.5)]
        assert fast[k].tolist() == pytest.approx(slow, abs=1e-10)


def test_batches_singles_and_batch_sizes_agree_and_a_fraction_stands_by_itself():
    model, images, maps = toys.cnn(), toys.images(), toys.images(seed=1)
    together = sensitivity_n(model, images, maps, n_subsets=10)
    singly = torch.cat([sensitivity_n(model, images[k:k + 1], maps[k:k + 1], n_subsets=10) for k in range(3)])
    torch.testing.assert_close(together, singly, rtol=1e-9, atol=1e-12)
    for size in (1, 13):
        again = sensitivity_n(model, images, maps, n_subsets=10, internal_batch_size=size)
        torch.testing.assert_close(together, again, rtol=1e-9, atol=1e-12)
    alone = sensitivity_n(model, images, maps, n_subsets=10, fractions=0.5)
    torch.testing.assert_close(together[:, [5]], alone, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(sensitivity_n(model, images, maps.sum(1), n_subsets=10), together, rtol=1e-9, atol=1e-12)


def test_seeds_and_generators_fix_the_sets_and_leave_the_global_state_alone():
    model, images, maps = toys.cnn(), toys.images(), toys.images(seed=1)
    state = torch.get_rng_state()
    first, again, other = (sensitivity_n(model, images, maps, n_subsets=5, seed=s) for s in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other) and torch.equal(torch.get_rng_state(), state)
    first, again = (sensitivity_n(model, images, maps, n_subsets=5, seed=s, generator=torch.Generator().manual_seed(2))
                    for s in (0, 1))
    assert torch.equal(first, again)


def test_constant_scores_and_constant_maps_have_no_correlation():
    images = toys.images()
    assert sensitivity_n(lambda x: torch.ones(len(x), 2, dtype=x.dtype), images, images, 0).isnan().all()
    assert sensitivity_n(toys.cnn(), images, torch.ones_like(images), 0).isnan().all()
    assert sensitivity_n(toys.cnn(), images, torch.zeros_like(images), 0).isnan().all()


def test_a_fraction_is_at_least_one_feature_and_never_all():
    x = torch.ones(1, 4, dtype=torch.float64)
    losses = subset_losses(lambda rows: rows.sum(1), x, fractions=(0.01, 0.5, 0.99), n_subsets=3)
    assert losses.tolist() == [[[1.0] * 3, [2.0] * 3, [3.0] * 3]]


@pytest.mark.parametrize("change, message", [
    (dict(fractions=(0.5, 1.0)), r"fractions must be numbers in \(0, 1\), got \[0.5, 1.0\]"),
    (dict(fractions=()), "fractions must be numbers"), (dict(fractions=0), "fractions must be numbers"),
    (dict(n_subsets=1), "n_subsets must be an integer >= 2, a correlation needs two points, got 1"),
    (dict(n_subsets=2.5), "n_subsets must be an integer >= 2"),
    (dict(attributions=torch.zeros(3, 4, 4)), r"attributions must be \(N, H, W\) or .* got shape \(3, 4, 4\)"),
    (dict(inputs=torch.ones(3, 1), attributions=torch.ones(3, 1)), r"inputs must have at least two features, got shape"),
    (dict(inputs=torch.ones(3, 4), attributions=torch.ones(3, 4), substrate="blur"), 'substrate must be "black" or a'),
    (dict(substrate="grey"), "substrate must be one of black, blur, mean"),
    (dict(internal_batch_size=0), "internal_batch_size must be a positive integer, got 0"),
    (dict(target=None), "target is missing"), (dict(output="loss"), "output must be one of"),
])
def test_bad_arguments_are_named(change, message):
    settings = dict(inputs=toys.images(), attributions=toys.images(), target=0, n_subsets=3) | change
    with pytest.raises(ValueError, match=message):
        sensitivity_n(toys.cnn(), **settings)
