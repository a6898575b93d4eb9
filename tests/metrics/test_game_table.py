"""Tables of games whose areas are known by hand."""

import pytest
import torch
import toys

from xaiutils.metrics import auc, blockwise, deletion_curve, games, insertion_curve


def pixel_sum(x):
    return x.sum((1, 2, 3))[:, None]


def test_areas_of_powers_of_two_by_method_and_image():
    image = torch.tensor([[[[8.0, 4.0], [2.0, 1.0]]]])
    inputs = torch.cat([image, 2 * image])
    table = games(pixel_sum, inputs, {"best": inputs, "worst": -inputs}, 0, step=1, output="logit")
    # deletion 15, 7, 3, 1, 0 and 15, 14, 12, 8, 0; insertion 0, 8, 12, 14, 15 and 0, 1, 3, 7, 15: trapezoids of 1/4
    assert table.to_dict("list") == {"image": [0, 0, 1, 1], "method": ["best", "worst"] * 2,
                                     "insertion": [10.375, 4.625, 20.75, 9.25], "deletion": [4.625, 10.375, 9.25, 20.75]}


def test_settings_reach_the_curves():
    model, inputs, settings = toys.cnn(), toys.images(), dict(step=8, substrate="blur", ranking="per_channel_union")
    maps = toys.images(seed=1)
    table = games(model, inputs, {"noise": maps}, area="mean", played=["deletion"], **settings)
    assert list(table) == ["image", "method", "deletion"]
    curves = deletion_curve(model, inputs, maps, model(inputs).argmax(1), **settings)
    assert table.deletion.tolist() == pytest.approx(auc(curves, "mean").tolist(), abs=1e-12)


def test_blocks_are_played_in_the_order_of_their_means():
    image = torch.arange(1.0, 17).view(1, 1, 4, 4)
    table = games(pixel_sum, image, {"itself": image}, 0, block=2, step=4, output="logit")
    assert table.insertion.item() == (54 + 100 + 122 + 136 / 2) / 4    # 11+12+15+16, 9+10+13+14, 3+4+7+8, 1+2+5+6
    spike = torch.zeros(1, 4, 4)
    spike[0, 0, 0], spike[0, 2:, 2:] = 10.0, 3.0                       # the best pixel lies in the second-best block
    curve = insertion_curve(pixel_sum, image, blockwise(spike, 2), 0, step=4, output="logit")
    assert curve[0, 1].item() == 54


def test_blockwise_is_the_mean_over_blocks_and_channels():
    maps = torch.stack([torch.arange(8.0).view(2, 4), torch.zeros(2, 4)])[None]      # (1, 2, 2, 4)
    assert blockwise(maps, 2).tolist() == [[[1.25, 1.25, 2.25, 2.25]] * 2]           # (0+1+4+5)/8, (2+3+6+7)/8


@pytest.mark.parametrize("change, error, message", [
    (dict(attributions=torch.zeros(1, 4, 4)), TypeError, "attributions must be a mapping method -> maps, got Tensor"),
    (dict(attributions={}), TypeError, "attributions must be a mapping"),
    (dict(played=["insertion", "chess"]), ValueError, "played must be among insertion, deletion, got chess"),
    (dict(block=2, step=6), ValueError, "step must be a multiple of 4, the pixels of a block, got 6"),
    (dict(block=3, step=9), ValueError, "H and W multiples of 3, got shape"),
    (dict(area="median"), ValueError, "rule must be one of trapezoid, mean"),
])
def test_bad_arguments_are_named(change, error, message):
    image = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    settings = dict(attributions={"itself": image}, target=0, output="logit") | change
    with pytest.raises(error, match=message):
        games(pixel_sum, image, **settings)
