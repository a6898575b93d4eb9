"""Occlusion: closed forms, the definition a pixel at a time, Captum's Occlusion and FeatureAblation, errors."""

import captum.attr
import pytest
import toys
import torch

from xaiutils.methods import METHODS, ExactShapley, Occlusion
from xaiutils.methods.occlusion import windows
from xaiutils.methods.segments import Grid


def test_two_windows_of_three_pixels_by_hand():
    # score x1 x2 + x3 at 2, 3, 5: covering 1, 2 loses 6, covering 2, 3 loses 11; the middle pixel gets their mean
    def network(rows):
        return rows[:, 0, 0, 0] * rows[:, 0, 0, 1] + rows[:, 0, 0, 2]
    x = torch.tensor([2.0, 3.0, 5.0]).view(1, 1, 1, 3)
    assert Occlusion(network).attribute(x, (1, 1, 2), 1).flatten().tolist() == [6.0, 8.5, 11.0]


@pytest.mark.parametrize("sides, strides", [
    ((3, 3, 3), (3, 1, 1)), ((3, 3, 2), (3, 2, 2)), ((1, 5, 4), (1, 3, 4)), ((2, 8, 8), 1)])
@pytest.mark.parametrize("baselines", [0, 0.4])
def test_captum(sides, strides, baselines):
    model, images = toys.cnn(), toys.images(2)
    theirs = captum.attr.Occlusion(model).attribute(images, sides, strides, baselines, [1, 3])
    ours = Occlusion(model).attribute(images, sides, strides, baselines, [1, 3]).float()  # theirs is, whatever goes in
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_windows_side_by_side_are_an_ablation_of_cells():
    model, images, cells = toys.cnn(), toys.images(2), torch.as_tensor(Grid(4, 2)(torch.empty(8, 8, 3)))
    theirs = captum.attr.FeatureAblation(model).attribute(images, 0.5, [0, 4], feature_mask=cells.expand(1, 3, 8, 8))
    ours = Occlusion(model).attribute(images, (3, 2, 4), (3, 2, 4), 0.5, [0, 4])
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_the_default_on_a_larger_image_a_pixel_at_a_time():
    def network(rows):
        return rows.tanh().flatten(1).cumsum(1).square().mean(1)
    image = torch.rand(1, 2, 16, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours, shown = Occlusion(network).attribute(image, baselines="mean")[0], image.mean((2, 3), keepdim=True)
    falls, seen = torch.zeros(16, 24).double(), torch.zeros(16, 24).double()  # windows of 2 x 3, strides 1 and 2
    for top in range(15):
        for left in [*range(0, 22, 2), 22]:
            rows = torch.where((torch.arange(16)[:, None] - top).clamp(0, 1).eq(torch.arange(16)[:, None] - top)
                               & (torch.arange(24) - left).clamp(0, 2).eq(torch.arange(24) - left), shown, image)
            inside = (rows != image)[0, 0]
            falls, seen = falls + inside * (network(image) - network(rows)), seen + inside
    torch.testing.assert_close(ours, (falls / seen).expand(2, 16, 24), rtol=1e-10, atol=1e-12)


def test_a_linear_score_gives_each_window_its_share_and_the_shapley_value():
    model = toys.linear([1, 2, -1, 4], [0, 1, 0, 3])
    x, start = torch.tensor([[1.0, 2.0, 3.0, -1.0]]).double(), torch.tensor([[0.5, 1.0, -1.0, 0.0]]).double()
    asked = dict(baselines=start, target=0)
    pairs = Occlusion(model).attribute(x, (2,), (2,), **asked)
    torch.testing.assert_close(pairs, torch.tensor([[2.5, 2.5, -8.0, -8.0]]).double())
    torch.testing.assert_close(Occlusion(model).attribute(x, **asked), ExactShapley(model).attribute(x, **asked))


def test_a_window_over_everything_gives_the_change_of_the_score():
    model, images = toys.cnn(), toys.images(1)
    change = (model(images) - model(torch.zeros_like(images)))[0, 2]
    torch.testing.assert_close(Occlusion(model).attribute(images, (3, 8, 8), target=2), change.expand(1, 3, 8, 8))


def test_a_photograph_takes_225_windows_by_default_and_a_sentence_one_a_token():
    assert len(windows((3, 224, 224))) == 225 and len(windows((7, 16))) == 7
    assert windows((3, 224, 224))[-1] == (slice(0, 3), slice(196, 224), slice(196, 224))


@pytest.mark.parametrize("options, message", [
    ({"sliding_window_shapes": (3, 9, 1)},
     r"sliding_window_shapes must be 3 sides within an input's \(3, 8, 8\), got \(3, 9, 1\)"),
    ({"sliding_window_shapes": (2, 2)}, "sliding_window_shapes must be 3 sides"),
    ({"sliding_window_shapes": (3, 2, 2), "strides": 3},
     r"strides must be one number or 3, from 1 to the window's side \(3, 2, 2\)"),
    ({"strides": 0}, "strides must be one number or 3"),
])
def test_wrong_windows_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        METHODS["occlusion"](toys.cnn()).attribute(toys.images(1), target=0, **options)
