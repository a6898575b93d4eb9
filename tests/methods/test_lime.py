"""LIME: closed forms, scikit-learn's ridge, Captum fed with the same samples, segments, errors."""

import captum.attr
import pytest
import toys
import torch
from captum._utils.models.linear_model import SkLearnRidge
from skimage.segmentation import quickshift
from sklearn.linear_model import Ridge
from torch import nn

from xaiutils.methods import METHODS, Lime
from xaiutils.methods.coalitions import players_of
from xaiutils.methods.lime import Fit, ridge
from xaiutils.methods.segments import Grid

CELLS = torch.as_tensor(Grid(2, 3)(torch.empty(8, 8, 3)))


def test_a_linear_score_gives_weights_times_differences():
    x, start = torch.tensor([[1.0, 2.0, 3.0]]).double(), torch.tensor([[0.5, 1.0, -1.0]]).double()
    for seed in (0, 1):
        values = Lime(toys.linear([2, -1, 4]), output="logit").attribute(x, start, n_samples=30, alpha=0, seed=seed)
        torch.testing.assert_close(values, torch.tensor([[1.0, -1.0, 16.0]]).double(), rtol=1e-9, atol=1e-10)
    shrunk = Lime(toys.linear([2, -1, 4]), output="logit").attribute(x, start, n_samples=30, alpha=1e9)
    assert shrunk.abs().max() < 1e-6


def test_nearness_by_hand():
    # four segments, kernel width 0.5: all shown, distance 0; one shown, 1 - sqrt(1/4) = 1/2; none, 1
    shown = torch.tensor([[1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]]).bool()
    expected = torch.tensor([0.0, -0.5, -2.0], dtype=torch.float64).exp()
    torch.testing.assert_close(Fit(2, 0.5, 1.0, 0).nearness(shown), expected)


def test_ridge_is_that_of_scikit_learn():
    draw = torch.Generator().manual_seed(1)
    shapes = (40, 6), (40,), (40,)
    rows, answers, weights = (torch.rand(shape, generator=draw, dtype=torch.float64) for shape in shapes)
    for alpha in (0.0, 0.01, 1.0):
        theirs = Ridge(alpha=alpha).fit(rows.numpy(), answers.numpy(), sample_weight=weights.numpy()).coef_
        ours = ridge(rows, answers, weights, alpha)
        torch.testing.assert_close(ours, torch.from_numpy(theirs), rtol=1e-9, atol=1e-12)


def test_captum_fed_with_the_same_samples():
    model, images, fit = toys.cnn(), toys.images(1), Fit(60, 0.25, 1.0, 4)
    shown = torch.rand(60, 6, generator=torch.Generator().manual_seed(4)) < 0.5
    shown[0] = True

    def samples(_, **__):
        yield from shown[:, None].long()

    def near(_, __, row, **___):
        return fit.nearness(row)
    theirs = captum.attr.Lime(lambda rows: model(rows).softmax(1), SkLearnRidge(alpha=1.0), near, samples)
    expected = theirs.attribute(images, 0.3, 2, feature_mask=CELLS.expand(1, 3, 8, 8), n_samples=60)
    ours = Lime(model).attribute(images, 0.3, 2, feature_mask=CELLS, n_samples=60, seed=4)
    torch.testing.assert_close(ours.float(), expected.float(), rtol=1e-4, atol=1e-7)  # they fit in float32


def test_hidden_segments_show_their_mean_colour():
    # the model sees the sum of squares: of a segment of 1 and 3, what hiding loses is (1 + 9) - 2 * 4 = 2
    def network(rows):
        return rows.square().sum((1, 2, 3))
    image = torch.tensor([[1.0, 3.0, 5.0, 5.0]]).double().view(1, 1, 1, 4)
    asked = dict(feature_mask=torch.tensor([4, 4, 7, 7]), n_samples=20, alpha=0)
    values = Lime(network, output="logit").attribute(image, **asked)
    torch.testing.assert_close(values.flatten(), torch.tensor([2.0, 2.0, 0.0, 0.0]).double(), rtol=1e-9, atol=1e-9)


def test_the_weights_agree_over_seeds_and_find_the_segment_that_counts():
    def network(rows):  # two classes; the cell at the lower right decides
        return torch.stack([rows[:, :, 4:, 6:].mean((1, 2, 3)) * 8, torch.full((len(rows),), 2.0).to(rows)], 1)
    images = toys.images(1)
    told = [Lime(network).explain(images, target=0, baselines=0, feature_mask=CELLS, seed=seed) for seed in range(3)]
    for (weights,) in (each.values for each in told):
        assert weights[:5].abs().max() < 0.05 * weights[5]
    assert not torch.equal(told[0].attributions, told[1].attributions)


def test_small_images_fall_into_segments_too():
    # four quarters of four colours: no segment crosses a border
    image = torch.zeros(3, 8, 8).double()
    image[0, :4, :4], image[1, :4, 4:], image[2, 4:, :4] = 1, 1, 1
    players = players_of(image[None])[0][0]
    quarters = [{*part.flatten().tolist()} for half in players.split(4, 0) for part in half.split(4, 1)]
    assert all(not one & other for k, one in enumerate(quarters) for other in quarters[:k])


def test_segments_are_those_of_quickshift_where_the_image_is_large_enough():
    # 112 pixels: a kernel of 2; not enlarged
    draw = torch.Generator().manual_seed(2)
    image = nn.functional.interpolate(torch.rand(1, 3, 7, 7, generator=draw).double(), (112, 112), mode="bilinear")
    expected = quickshift(image[0].permute(1, 2, 0).numpy(), kernel_size=2, max_dist=200, ratio=0.2)
    players = players_of(image)[0]
    assert (players.numpy() == expected).all() and 20 < int(players.max()) < 100


def test_what_has_no_colours_falls_into_cells_or_places():
    assert int(players_of(torch.rand(1, 1, 16, 16))[0].max()) == 63
    assert int(players_of(torch.rand(1, 5, 2))[0].max()) == 4


@pytest.mark.parametrize("options, message", [
    ({"n_samples": 1}, "n_samples must be an integer of at least 2, got 1"),
    ({"kernel_width": 0}, "kernel_width must be above 0, got 0"), ({"alpha": -1}, "alpha must be at least 0, got -1")])
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        METHODS["lime"](toys.cnn()).attribute(toys.images(1), target=0, **options)
