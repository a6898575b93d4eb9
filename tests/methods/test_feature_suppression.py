"""Feature suppression: golden numbers, a slow second writing, limits, the Shapley values it becomes, errors."""

from itertools import combinations, product
from math import comb, exp, factorial

import pytest
import toys
import torch
from torch import nn
from torch.nn import functional

from xaiutils.methods import METHODS, FeatureSuppression, Saliency
from xaiutils.methods.feature_suppression import gradient_norms
from xaiutils.methods.pixel_dropping import draw_masks, suppress, suppressed_value

GOLDEN, NET = toys.golden("feature_suppression_reference"), toys.golden("agi_cnn_f64")
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]).double(), torch.tensor([0.229, 0.224, 0.225]).double()


class Normalising(nn.Module):
    """The golden network with ``mean`` and ``std`` where the zoo's networks have them."""

    def __init__(self):
        super().__init__()
        self.network = toys.golden_cnn(NET)[1:]
        self.register_buffer("mean", MEAN)
        self.register_buffer("std", STD)
        self.eval()

    def forward(self, x):
        return self.network((x - self.mean[:, None, None]) / self.std[:, None, None])


SPACES = {"pixel": (toys.golden_cnn(NET), lambda x: x), "pixel option": (Normalising(), lambda x: x),
          "normalised": (toys.golden_cnn(NET)[1:].eval(), lambda x: (x - MEAN[:, None, None]) / STD[:, None, None])}


@pytest.mark.parametrize("space", SPACES)
def test_golden_maps(space):
    model, to_space = SPACES[space]
    x, masks, key = to_space(GOLDEN["x"])[None], GOLDEN["drop_masks"], space.split()[0]
    options = {"masks": masks, "space": "pixel" if space == "pixel option" else "network"}
    ours = {"sum_abs": 20 * FeatureSuppression(model).attribute(x, "pred", **options),
            "sum_signed": -20 * FeatureSuppression(model).attribute(x, "pred", signed=True, **options),  # of the loss
            "x_times_mean_abs": FeatureSuppression(model, True).attribute(x, int(GOLDEN["label"]), **options),
            "minmax": FeatureSuppression(model, True).attribute(x, "pred", min_max=True, **options)}
    for name, maps in ours.items():
        torch.testing.assert_close(maps[0], GOLDEN[f"{key}.{name}"], rtol=1e-9, atol=1e-13, msg=name)


def test_with_mean_and_std_in_the_model_it_is_the_golden_map_of_the_normalised_space():
    # suppressed in the space the network sees, multiplied by pixels; d / d pixel = 1/std d / d normalised
    told = FeatureSuppression(Normalising(), True).explain(GOLDEN["x"][None], "pred", masks=GOLDEN["drop_masks"])
    mean_abs = GOLDEN["normalised.sum_abs"] / 20 / STD[:, None, None]
    torch.testing.assert_close(told.gradients[0], mean_abs, rtol=1e-9, atol=0)
    torch.testing.assert_close(told.attributions[0], GOLDEN["x"] * mean_abs, rtol=1e-9, atol=0)
    torch.testing.assert_close(told.fill.flatten(), MEAN + 1e-8 * STD, rtol=1e-15, atol=0)
    assert told.attributions.min() > 0 > GOLDEN["normalised.x_times_mean_abs"].min()


def algorithm_1(model, x, label, masks, C):
    """The appendix line by line, one sample at a time, with the gradient of the sample for ``loss.grad``."""
    n_pixels, summed = x[0].numel(), torch.zeros_like(x)
    for mask in masks:
        sample = x.clone()
        for row, column in mask.nonzero().tolist():
            for channel in range(len(x)):
                sample[channel, row, column] = C
        sample.requires_grad_()
        functional.cross_entropy(model(sample[None]), torch.tensor([label])).backward()
        summed += sample.grad.abs()
    scaled = x / n_pixels * summed
    return (scaled - scaled.min()) / (scaled.max() - scaled.min())


def test_it_is_algorithm_1():
    model, images, masks = toys.cnn(), toys.images(), draw_masks((8, 8), 30, seed=5)
    ours = FeatureSuppression(model, True).attribute(images, [1, 0, 4], n_samples=30, min_max=True, seed=5)
    slow = torch.stack([algorithm_1(model, x, label, masks, 1e-8) for x, label in zip(images, (1, 0, 4))])
    torch.testing.assert_close(ours, slow, rtol=1e-9, atol=1e-12)


def test_on_a_linear_score_nothing_suppressed_matters():
    model, x = toys.linear([2.0, -1.0, 0.5], [0.0, 0.0, 0.0]), torch.tensor([[0.5, 0.25, 1.0]], dtype=torch.float64)
    assert FeatureSuppression(model, output="logit").attribute(x, 0, n_samples=8).tolist() == [[2.0, 1.0, 0.5]]
    told = FeatureSuppression(model, "difference", output="logit").explain(x, 0, n_samples=8, signed=True, C=0.5)
    assert told.attributions.tolist() == [[0.0, 0.25, 0.25]] and told.gradients.tolist() == [[2.0, -1.0, 0.5]]
    assert told.standard_error.tolist() == [[0.0, 0.0, 0.0]]
    assert told.norms.tolist() == [[5.25**0.5] * 8]                                # sqrt(4 + 1 + 1/4)
    size = FeatureSuppression(model, "abs", output="logit").attribute(-x / 2, 0, n_samples=8)
    assert size.tolist() == [[0.5, 0.125, 0.25]]


def test_with_nothing_suppressed_it_is_the_gradient():
    model, images = toys.cnn(), toys.images()
    saliency = Saliency(model, output="logprob").attribute(images, "pred")
    nothing = torch.zeros(3, 8, 8, dtype=torch.bool)
    torch.testing.assert_close(FeatureSuppression(model).attribute(images, "pred", masks=nothing), saliency)


@pytest.mark.parametrize("space, color", [("network", MEAN), ("pixel", torch.zeros(3).double())])
def test_an_image_of_the_suppressed_color_has_nothing_to_suppress(space, color):
    x, model = color[:, None, None].expand(3, 16, 16)[None], Normalising()
    told = FeatureSuppression(model).explain(x, 2, n_samples=5, C=0, space=space)
    torch.testing.assert_close(told.attributions, Saliency(model, output="logprob").attribute(x, 2), rtol=1e-12, atol=0)
    torch.testing.assert_close(told.standard_error, torch.zeros_like(x), rtol=0, atol=1e-8)


def test_a_constant_image_of_another_color_is_explained_as_any_other():
    x, model, masks = torch.full((1, 3, 8, 8), 0.5, dtype=torch.float64), toys.cnn(), draw_masks((8, 8), 20)
    slow = algorithm_1(model, x[0], 1, masks, 0.0)
    ours = FeatureSuppression(model, True).attribute(x, 1, n_samples=20, C=0, min_max=True)
    torch.testing.assert_close(ours[0], slow, rtol=1e-9, atol=1e-12)


def test_a_pixel_is_suppressed_in_all_its_channels():
    x, masks = toys.images(1)[0], torch.tensor([[[True, False], [False, True]]])
    samples = suppress(x[:, :2, :2], masks, torch.tensor([0.1, 0.2, 0.3]).double()[:, None, None])
    assert samples[0, :, 0, 0].tolist() == samples[0, :, 1, 1].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert torch.equal(samples[0, :, 0, 1], x[:, 0, 1]) and torch.equal(samples[0, :, 1, 0], x[:, 1, 0])


def test_explain_tells_the_norm_and_the_number_of_each_sample():
    # half the sum of squares has the gradient x: what is left of four ones is sqrt(4 - number)
    x = torch.ones(1, 4, dtype=torch.float64)
    told = FeatureSuppression(lambda rows: (rows**2).sum(1) / 2, output="logit").explain(x, n_samples=50, C=0)
    assert told.norms.tolist() == [[(4 - number) ** 0.5 for number in told.n_suppressed.tolist()]]
    assert torch.equal(told.n_suppressed, draw_masks((4,), 50).sum(1)) and len(told.n_suppressed.unique()) > 3


def test_gradient_norms_of_half_a_square_and_of_a_linear_score():
    # the gradient of |x|^2 / 2 is x: of n ones, those left; of a linear score always w
    ones, probs = torch.ones(2, 1, 5, 5, dtype=torch.float64), (0, 0.2, 0.5, 0.8)
    options = {"n_samples": 3, "count_law": "fixed", "C": 0}
    half_square = FeatureSuppression(lambda rows: rows.square().flatten(1).sum(1) / 2, output="logit")
    curve = gradient_norms(half_square, ones, probs=probs, **options)
    expected = torch.tensor([25.0, 20.0, 13.0, 5.0]).double().sqrt()               # round(12.5) is 12
    torch.testing.assert_close(curve, expected[:, None].expand(4, 2), rtol=1e-12, atol=0)
    linear = FeatureSuppression(toys.linear([3.0, 4.0], [0.0, 1.0]), output="logit")
    curve = gradient_norms(linear, ones[:1, 0, 0, :2], 0, probs, **options)
    torch.testing.assert_close(curve, torch.full((4, 1), 5.0).double(), rtol=1e-12, atol=0)


def test_without_suppression_it_is_the_norm_of_the_gradient_for_the_class_of_the_whole_image():
    model, images = toys.cnn(), toys.images()
    gradient = Saliency(model, output="logprob").attribute(images, "pred")
    method = FeatureSuppression(model)
    curve = gradient_norms(method, images, "pred", (0, 0.9), n_samples=4)
    torch.testing.assert_close(curve[0], gradient.flatten(1).norm(dim=1))
    assert torch.equal(curve, gradient_norms(method, images, model(images).argmax(1), (0, 0.9), n_samples=4))
    assert not torch.equal(curve, gradient_norms(method, images, "pred", (0, 0.9), n_samples=4, seed=1))


LAWS = {
    "poisson": lambda n, k, p: exp(-n * p) * (n * p) ** k / factorial(k),           # up to a factor: cut off above n
    "binomial": lambda n, k, p: comb(n, k) * p**k * (1 - p) ** (n - k),
    "uniform": lambda n, k, p: 1 / (n + 1),
    "fixed": lambda n, k, p: float(k == 4),                                        # 6 * 0.6 = 3.6
}


@pytest.mark.parametrize("law", LAWS)
def test_the_numbers_suppressed_follow_their_law_and_all_pixels_are_equal(law):
    masks, n_samples = draw_masks((2, 3), 20_000, 0.6, law), 20_000
    expected = torch.tensor([LAWS[law](6, k, 0.6) for k in range(7)], dtype=torch.float64)
    expected /= expected.sum()
    numbers = masks.flatten(1).sum(1)
    found = torch.bincount(numbers, minlength=7) / n_samples
    assert ((found - expected).abs() <= 4 * (expected * (1 - expected) / n_samples).sqrt()).all()
    share = (torch.arange(7) * expected).sum() / 6
    assert ((masks.double().mean(0) - share).abs() < 4 * (share * (1 - share) / n_samples).sqrt()).all()
    pairs = [masks.flatten(1)[numbers == 4][:, [a, b]].all(1).double().mean() for a, b in combinations(range(6), 2)]
    assert (torch.stack(pairs) - 6 / 15).abs().max() < 0.04    # C(4, 2) / C(6, 2), four standard errors


def test_masks_of_one_seed_are_the_same_and_whole_photographs_keep_close_to_prob():
    masks = draw_masks((224, 224), 20, 0.6, seed=1)
    assert torch.equal(masks[:7], draw_masks((224, 224), 7, 0.6, generator=None, seed=1))
    assert not torch.equal(masks, draw_masks((224, 224), 20, 0.6, seed=2))
    assert (masks.double().mean((1, 2)) - 0.6).abs().max() < 4 * (0.6 / 50176) ** 0.5


# Shapley: on multilinear scores the first-order step is exact


class Multilinear:
    """A sum of products of different inputs; as a game, a coalition is an input whose absent players are at ``C``."""

    def __init__(self, n_players, seed=0, C=0.25):
        generator = torch.Generator().manual_seed(seed)
        self.members = torch.rand(40, n_players, generator=generator) < 0.4        # which inputs each product has
        self.weights = torch.randn(40, generator=generator, dtype=torch.float64)
        self.x = torch.rand(1, n_players, generator=generator, dtype=torch.float64)
        self.n_players, self.C = n_players, C

    def __call__(self, rows):
        return torch.where(self.members, rows[:, None], 1.0).prod(2) @ self.weights

    def semivalue(self, weight):
        """Sum over coalitions of the others of ``weight``(their number) times what the player adds. -> (1, n)"""
        n = self.n_players
        present = torch.tensor(list(product([False, True], repeat=n)))
        worth = self(torch.where(present, self.x, self.C))
        index = present.long() @ (2 ** torch.arange(n).flip(0))                    # row of a coalition in ``present``
        assert torch.equal(index, torch.arange(2**n))
        values = torch.zeros(1, n, dtype=torch.float64)
        for row, coalition in enumerate(present.tolist()):
            for player in range(n):
                if not coalition[player]:
                    added = worth[row + 2 ** (n - 1 - player)] - worth[row]
                    values[0, player] += weight(sum(coalition)) * added
        return values

    def shapley(self):
        n = self.n_players
        return self.semivalue(lambda size: factorial(size) * factorial(n - 1 - size) / factorial(n))

    def binomial(self, keep):
        return self.semivalue(lambda size: keep**size * (1 - keep) ** (self.n_players - 1 - size))

    def suppressed(self, **options):
        method = FeatureSuppression(self, "difference", output="logit")
        return method.explain(self.x, C=self.C, signed=True, **options)


def test_the_exact_values_of_a_game_of_two():
    # f = x1 x2 at (1, 0.5), absent 0.25: v = 1/16, (1) 1/4, (2) 1/8, (12) 1/2
    game = Multilinear(2)
    game.members, game.weights = torch.tensor([[True, True]]), torch.ones(1, dtype=torch.float64)
    game.x = torch.tensor([[1.0, 0.5]], dtype=torch.float64)
    assert game.shapley().tolist() == [[(3 / 16 + 3 / 8) / 2, (1 / 16 + 1 / 4) / 2]]
    assert game.binomial(0.25).tolist() == [[3 / 4 * 3 / 16 + 1 / 4 * 3 / 8, 3 / 4 * 1 / 16 + 1 / 4 * 1 / 4]]


def test_over_all_coalitions_it_is_banzhafs_value_and_weighted_the_shapley_value():
    game = Multilinear(4)
    every = torch.tensor(list(product([False, True], repeat=4)))
    torch.testing.assert_close(game.suppressed(masks=every).attributions, game.binomial(0.5), rtol=1e-12, atol=1e-14)
    # each number of absent players equally often: 12 / C(4, k) copies of each coalition
    weighted = torch.cat([mask.repeat(12 // comb(4, int(mask.sum())), 1) for mask in every])
    shapley = game.suppressed(masks=weighted).attributions
    torch.testing.assert_close(shapley, game.shapley(), rtol=1e-12, atol=1e-14)
    whole, empty = game(game.x), game(torch.full_like(game.x, game.C))
    assert shapley.sum().item() == pytest.approx((whole - empty).item())           # efficiency


@pytest.mark.parametrize("n_players", [2, 5, 10])
@pytest.mark.parametrize("law, prob", [("uniform", 0.6), ("binomial", 0.3), ("binomial", 0.8)])
def test_samples_converge_to_the_exact_values_within_their_standard_error(n_players, law, prob):
    game = Multilinear(n_players)
    exact = game.shapley() if law == "uniform" else game.binomial(1 - prob)
    few, many = (game.suppressed(n_samples=n, count_law=law, prob=prob) for n in (500, 20_000))
    for told in (few, many):
        assert ((told.attributions - exact).abs() <= 4 * told.standard_error).all()
    ratio = few.standard_error / many.standard_error
    assert (ratio - 40**0.5).abs().max() < 2                                       # 6.3: errors fall with the root of n
    assert many.standard_error.max() < 0.05 * exact.abs().max()


def test_a_fixed_p_does_not_give_shapley_values():
    game = Multilinear(10)
    told = game.suppressed(n_samples=20_000, count_law="binomial", prob=0.6)
    assert ((told.attributions - game.shapley()).abs() / told.standard_error).max() > 20


# Errors


@pytest.mark.parametrize("options, message", [
    ({"n_samples": 0}, "n_samples must be a positive integer, got 0"),
    ({"n_samples": 1.5}, "n_samples must be a positive integer, got 1.5"),
    *[({"prob": p}, r"prob, .*, must lie in \(0, 1\), got") for p in (0, 1, -0.1, 60, float("nan"))],
    ({"C": 1.5}, r'C must give a value in 0 \.\.\. 1, got C=1.5 in space="network", a value of 1.5 to 1.5'),
    ({"C": -0.1}, r"C must give a value in 0 \.\.\. 1"), ({"C": float("nan")}, r"C must give a value in 0 \.\.\. 1"),
    ({"space": "rgb"}, "space must be one of network, pixel, got 'rgb'"),
    ({"count_law": "normal"}, "count_law must be one of poisson, binomial, uniform, fixed, got 'normal'"),
    ({"masks": torch.ones(2, 8, 8)}, "masks must be a boolean tensor .* got torch.float32"),
    ({"masks": [[True]]}, "masks must be a boolean tensor .* got list"),
    ({"masks": torch.ones(2, 3, 8, 8) > 0}, r"masks must be \(K, 8, 8\) with K >= 1, got shape \(2, 3, 8, 8\)"),
    ({"masks": torch.ones(8, 8) > 0}, r"masks must be \(K, 8, 8\) .* got shape \(8, 8\)"),
    ({"masks": torch.ones(0, 8, 8) > 0}, r"masks must be \(K, 8, 8\) with K >= 1, got shape \(0, 8, 8\)"),
])
def test_wrong_options_are_refused(options, message):
    for call in (FeatureSuppression(toys.cnn()).attribute, FeatureSuppression(toys.cnn()).explain):
        with pytest.raises((ValueError, TypeError), match=message):
            call(toys.images(), 0, **options)


def test_a_c_beyond_the_range_the_network_sees_is_refused():
    x, model = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)).double(), Normalising()
    white = (1 - MEAN[1]) / STD[1]      # 2.43 for green, beyond red's 2.25
    with pytest.raises(ValueError, match=r'C must give a value in 0 \.\.\. 1, got C=2.42.* in space="network"'):
        suppressed_value(model, x, float(white))
    assert suppressed_value(model, x, 0.5, "pixel").item() == 0.5
    assert suppressed_value(model, x, float((1 - MEAN[0]) / STD[0])).flatten()[0].item() == pytest.approx(1)
    decibels = -80 * x                  # inputs of another unit widen the range
    assert suppressed_value(lambda rows: rows, decibels, -70).item() == -70
    with pytest.raises(ValueError, match="inputs must have the 3 channels of the model's mean, got 1"):
        suppressed_value(model, x[:, :1])


def test_min_max_fills_the_unit_interval_and_refuses_a_constant_map_by_its_number():
    images = toys.images()
    maps = FeatureSuppression(toys.cnn()).attribute(images, 0, n_samples=5, min_max=True).flatten(1)
    assert maps.amin(1).tolist() == [0, 0, 0] and maps.amax(1).tolist() == [1, 1, 1]
    images[1] = 0                                                                  # black: x times anything is 0
    method = FeatureSuppression(toys.cnn(), True)
    with pytest.raises(ValueError, match="min_max needs maps that vary, got 0 everywhere for image 1; min_max=False"):
        method.attribute(images, 0, n_samples=5, min_max=True)
    assert (method.attribute(images, 0, n_samples=5)[1] == 0).all()


def test_a_share_of_all_pixels_is_refused():
    with pytest.raises(ValueError, match=r"prob, .*, must lie in \(0, 1\), got 1"):
        gradient_norms(FeatureSuppression(toys.cnn()), toys.images(), 0, probs=(0, 1))


def test_an_unknown_factor_is_refused():
    with pytest.raises(ValueError, match="multiply_by_inputs must be one of False, True, 'abs', 'difference', got 'x'"):
        METHODS["feature-suppression"](toys.cnn(), multiply_by_inputs="x")
