"""Curves known by hand, by a slow second writing, and by the RISE authors' own code (golden/insertion_deletion_toy)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from xaiutils.core import make_generator
from xaiutils.metrics.insertion_deletion import auc, deletion_curve, insertion_curve, reveal, substrate_of

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "insertion_deletion_toy.npz")
CURVES = {"ins": insertion_curve, "del": deletion_curve}
SUBSTRATE = {"zero": "black", "blur": "blur"}


def golden_tensor(key):
    return torch.from_numpy(GOLDEN[key])


@pytest.fixture
def network():
    """The golden file's network without its softmax: ``output="prob"`` adds that."""
    model = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(80, 4))
    for layer, name in ((model[0], "conv"), (model[4], "fc")):
        layer.weight.data, layer.bias.data = golden_tensor(f"w.{name}.weight"), golden_tensor(f"w.{name}.bias")
    return model.double().eval()


def pixel_sum(x):
    return x.sum((1, 2, 3))[:, None]


def powers_of_two():
    return torch.tensor([[[[8.0, 4.0], [2.0, 1.0]]]])


def test_games_of_powers_of_two():
    image, settings = powers_of_two(), dict(target=0, step=1, output="logit")
    assert deletion_curve(pixel_sum, image, image, **settings).tolist() == [[15.0, 7.0, 3.0, 1.0, 0.0]]
    assert deletion_curve(pixel_sum, image, -image, **settings).tolist() == [[15.0, 14.0, 12.0, 8.0, 0.0]]
    assert insertion_curve(pixel_sum, image, image, **settings).tolist() == [[0.0, 8.0, 12.0, 14.0, 15.0]]


def test_last_block_may_be_smaller_and_a_large_step_gives_the_end_points():
    image, settings = powers_of_two(), dict(target=0, output="logit")
    assert insertion_curve(pixel_sum, image, image, step=3, **settings).tolist() == [[0.0, 14.0, 15.0]]
    assert insertion_curve(pixel_sum, image, image, step=224, **settings).tolist() == [[0.0, 15.0]]


def test_ties_go_by_pixel_index():
    image = powers_of_two()
    curve = deletion_curve(pixel_sum, image, torch.zeros(1, 2, 2), target=0, step=1, output="logit")
    assert curve.tolist() == [[15.0, 7.0, 3.0, 1.0, 0.0]]


def test_auc_is_the_trapezoid_and_the_mean_is_an_option():
    curves = [[0.0, 1.0, 1.0], [0.0, 0.5, 1.0]]
    assert auc(curves).tolist() == [0.75, 0.5]                       # (0 + 1)/4 + (1 + 1)/4
    assert auc(curves, rule="mean").tolist() == pytest.approx([2 / 3, 0.5])


def test_a_constant_model_has_its_value_as_area():
    image = torch.rand(2, 3, 6, 6, generator=make_generator(0))
    curves = insertion_curve(lambda x: torch.full((len(x), 1), 0.25), image, image, target=0, step=5, output="logit")
    assert curves.shape == (2, 9) and auc(curves).tolist() == [0.25, 0.25]


@pytest.mark.parametrize("key", [k for k in GOLDEN.files if k[:2] in ("0.", "1.") and k.count(".") == 3])
def test_curves_of_the_authors_code(network, key):
    row, game, substrate, step = key.split(".")
    x, maps = golden_tensor("x").double()[[int(row)]], golden_tensor("maps")[[int(row)]]
    curve = CURVES[game](network, x, maps, substrate=SUBSTRATE[substrate], step=int(step[4:]))
    tolerance = 1e-6 if substrate == "blur" else 1e-9                # the authors' kernel is float32
    torch.testing.assert_close(curve[0], golden_tensor(key), atol=tolerance, rtol=0)


@pytest.mark.parametrize("game", CURVES)
def test_union_of_three_rankings(network, game):
    x, map3 = golden_tensor("x").double()[:1], golden_tensor("map3")[None]
    curve = CURVES[game](network, x, map3, step=16, ranking="per_channel_union")
    torch.testing.assert_close(curve[0], golden_tensor(f"0.{game}.zero.step16.map3"), atol=1e-9, rtol=0)


def test_mean_of_three_channels_wherever_no_tie_is_cut(network):
    x, map3 = golden_tensor("x").double()[:1], golden_tensor("map3")[None]
    ordered = map3.mean(1).flatten().sort(descending=True)[0]
    defined = [k for k in range(17) if k in (0, 16) or ordered[16 * k - 1] > ordered[16 * k]]    # theirs have no order
    curve, expected = insertion_curve(network, x, map3, step=16)[0], golden_tensor("0.ins.zero.step16.map3_mean")
    assert len(defined) == 13
    torch.testing.assert_close(curve[defined], expected[defined], atol=1e-9, rtol=0)


def test_blurred_image_of_the_authors_code():
    torch.testing.assert_close(substrate_of(golden_tensor("x").double(), "blur"), golden_tensor("blurred_x"), atol=1e-6,
                               rtol=0)


def test_printed_mean_and_area_of_the_toy(network):
    curve = insertion_curve(network, golden_tensor("x").double(), golden_tensor("maps"), step=16)[:1]
    assert auc(curve).item() == pytest.approx(0.14242394343791026, abs=1e-9)
    assert auc(curve, rule="mean").item() == pytest.approx(0.14974918023870315, abs=1e-9)


@pytest.mark.parametrize("internal_batch_size", [1, 5, 16, 1000])
def test_a_batch_equals_its_singles_whatever_the_batch_size(network, internal_batch_size):
    x, maps = golden_tensor("x").double(), golden_tensor("maps")
    for name, curve_of in CURVES.items():
        together = curve_of(network, x, maps, step=16, internal_batch_size=internal_batch_size)
        torch.testing.assert_close(together.T, golden_tensor(f"batch.{name}.zero.step16"), atol=1e-9, rtol=0)


def test_no_pass_is_larger_than_asked():
    sizes = []

    def model(x):
        sizes.append(len(x))
        return pixel_sum(x)

    image = torch.rand(3, 1, 4, 4, generator=make_generator(0))
    insertion_curve(model, image, image, target=0, step=1, output="logit", internal_batch_size=7)
    assert sizes[-8:] == [7] * 7 + [2]                               # 3 x 17 points: full batches across images


def curve_by_loops(model, x, maps, start, finish, step, of_class):
    """The published procedure, one pixel at a time."""
    current, points = start.clone(), [model(start).softmax(1)[0, of_class].item()]
    order = sorted(range(maps.numel()), key=lambda p: (-maps.flatten()[p].item(), p))
    for first in range(0, len(order), step):
        for pixel in order[first:first + step]:
            row, column = divmod(pixel, maps.shape[1])
            current[:, :, row, column] = finish[:, :, row, column]
        points.append(model(current).softmax(1)[0, of_class].item())
    return points


def test_mean_and_tensor_substrates_by_loops(network):
    x, maps = golden_tensor("x").double()[:1], golden_tensor("maps")[:1].round(decimals=1)       # with ties
    gray = torch.tensor([0.4, 0.5, 0.6], dtype=torch.float64).view(1, 3, 1, 1)
    means = torch.ones_like(x) * torch.stack([x[0, c].sum() / 256 for c in range(3)]).view(1, 3, 1, 1)
    for substrate, filled in (("mean", means), (gray, gray.expand(1, 3, 16, 16))):
        plain = curve_by_loops(network, x, maps[0], filled, x, 10, of_class=3)
        curve = insertion_curve(network, x, maps, step=10, substrate=substrate)
        assert curve[0].tolist() == pytest.approx(plain, abs=1e-12)


def test_class_is_that_of_the_original_image(network):
    x, maps = golden_tensor("x").double()[:1], golden_tensor("maps")[:1]
    other = golden_tensor("x").double()[1:]
    assert network(x).argmax() == 3 and network(other).argmax() == 0
    insertion = insertion_curve(network, x, maps, step=16, substrate=other)
    deletion = deletion_curve(network, x, maps, step=16, substrate=other)
    p = network(x).softmax(1)[0, 3].item()
    assert insertion[0, -1].item() == pytest.approx(p) and deletion[0, 0].item() == pytest.approx(p)
    assert insertion[0, 0].item() == pytest.approx(deletion[0, -1].item())


def test_union_shows_more_pixels_for_independent_channels():
    maps = torch.rand(1, 3, 100, 100, generator=make_generator(0))
    shown = insertion_curve(lambda x: x.mean((1, 2, 3))[:, None], torch.ones_like(maps), maps, target=0, step=100,
                            ranking="per_channel_union", output="logit")[0, [10, 25, 50]]
    expected = [1 - (1 - f) ** 3 for f in (0.1, 0.25, 0.5)]          # a pixel waits for the best of three rankings
    assert shown.tolist() == pytest.approx(expected, abs=0.015)      # 3 standard deviations of 10,000 pixels


def test_a_map_of_blocks_plays_with_blocks():
    image = torch.arange(1.0, 17).view(1, 1, 4, 4)
    blocks = image.reshape(1, 2, 2, 2, 2).mean((2, 4)).repeat_interleave(2, 1).repeat_interleave(2, 2)
    curve = insertion_curve(pixel_sum, image, blocks, target=0, step=4, output="logit")
    assert curve.tolist() == [[0.0, 54.0, 100.0, 122.0, 136.0]]      # 11+12+15+16, 9+10+13+14, 3+4+7+8, 1+2+5+6


def test_reveal_is_the_image_that_the_curve_scores(network):
    x, maps = golden_tensor("x").double(), golden_tensor("maps")
    for game, curve_of in (("insertion", insertion_curve), ("deletion", deletion_curve)):
        shown = reveal(x, "blur", maps, 0.25, game)                  # 64 of 256 pixels: point 4 at step 16
        scores = network(shown).softmax(1).gather(1, network(x).argmax(1, keepdim=True))
        curve = curve_of(network, x, maps, step=16, substrate="blur")
        torch.testing.assert_close(scores[:, 0], curve[:, 4], atol=1e-12, rtol=0)
    assert reveal(powers_of_two(), "black", powers_of_two(), 0.5, "insertion").tolist() == [[[[8.0, 4.0], [0.0, 0.0]]]]


def test_model_comes_back_without_gradients_and_mode_change(network):
    before = {k: v.clone() for k, v in network.state_dict().items()}
    curve = deletion_curve(network, golden_tensor("x").double(), golden_tensor("maps"))
    assert not curve.requires_grad and all(p.requires_grad and p.grad is None for p in network.parameters())
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    with pytest.raises(ValueError, match="eval mode"):
        deletion_curve(network.train(), golden_tensor("x").double(), golden_tensor("maps"))


@pytest.mark.parametrize("change, message", [
    (dict(step=0), "step must be a positive number of pixels, got 0"),
    (dict(step=2.0), "step must be a positive number of pixels, got 2.0"),
    (dict(substrate="white"), "substrate must be one of black, blur, mean, got 'white'"),
    (dict(substrate=torch.zeros(5, 1, 1)), r"substrate must broadcast to the inputs, got shape \(5, 1, 1\)"),
    (dict(ranking="sum"), "ranking must be one of mean, per_channel_union, got 'sum'"),
    (dict(attributions=torch.rand(1, 3, 8, 8)), r"attributions must be .* got shape \(1, 3, 8, 8\)"),
    (dict(attributions=torch.full((2, 16, 16), torch.nan)), "attributions must be finite, got 512 NaN"),
    (dict(target=4), "target must lie in 0 ... 3"),
])
def test_bad_arguments_are_named(network, change, message):
    settings = dict(inputs=golden_tensor("x").double(), attributions=golden_tensor("maps")) | change
    with pytest.raises(ValueError, match=message):
        insertion_curve(network, **settings)


def test_bad_moments_and_curves_are_named():
    image = powers_of_two()
    with pytest.raises(ValueError, match=r"fraction must lie in \[0, 1\], got 1.5"):
        reveal(image, "black", image, 1.5, "insertion")
    with pytest.raises(ValueError, match="game must be one of insertion, deletion, got 'play'"):
        reveal(image, "black", image, 0.5, "play")
    with pytest.raises(ValueError, match="curves must be"):
        auc([1.0, 2.0])
