"""AXAI: the released code's numbers, answers known by hand in three modalities, foolbox's attack, and its limits."""

import foolbox
import numpy as np
import pytest
import toys
import torch
from skimage.segmentation import slic
from torch import nn

from xaiutils import datasets, models
from xaiutils.engine import Engine
from xaiutils.methods import AXAI
from xaiutils.methods.axai import PRESETS, attacked_places, densest, segment_densities
from xaiutils.methods.pgd import PGD, into_ball, unit
from xaiutils.methods.segments import Grid, Quickshift, each_place, find_segments, segments_of_mask

SETTINGS = {
    "default": PRESETS["class"], "tutorial": PRESETS["tutorial"], "small": {"k": 3, "segmenter": Quickshift(2, 6, 0.5)},
}


def released_net(arrays):
    net = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(),
                        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2048, 24), nn.ReLU(), nn.Linear(24, 8)).double().eval()
    for index, name in ((0, "conv1"), (2, "conv2"), (6, "fc1"), (8, "fc2")):
        for kind in ("weight", "bias"):
            getattr(net[index], kind).data.copy_(arrays[f"w.{name}.{kind}"].double())
    return net


@pytest.mark.parametrize("tag", SETTINGS)
def test_golden_numbers_of_the_released_code(tag):
    arrays = toys.golden("axai_cnn_f64")
    net, x = released_net(arrays), arrays["x"].double()[None]
    assert net(x).argmax() == arrays["pred"]
    ours = AXAI(net).explain(x, "pred", **SETTINGS[tag])[0]
    torch.testing.assert_close(ours.perturbation, arrays["perturbation"], rtol=1e-9, atol=1e-14)
    assert torch.equal(ours.attacked, arrays["attacked"])
    assert torch.equal(ours.segments, arrays[f"{tag}.segments"])
    assert torch.equal(ours.densities, arrays[f"{tag}.density"])
    assert torch.equal(ours.selected, arrays[f"{tag}.selected"])
    assert torch.equal(ours.map, ours.densities[ours.segments].expand(3, -1, -1))
    assert torch.equal(ours.mask, sum(ours.segments == s for s in arrays[f"{tag}.selected"]).bool())


def test_a_photograph_meets_the_released_code():
    arrays, network = toys.golden("axai_lite0"), models.load("efficientnet-lite0", fold_batchnorm=False)
    x = datasets.photographs(1).inputs
    ours = AXAI(network).explain(x, arrays["pred"][None], **SETTINGS["default"])[0]
    both = torch.stack([ours.perturbation.flatten(), arrays["perturbation"].flatten()]).double()
    assert torch.corrcoef(both)[0, 1] > 0.999
    mean, std = (v.view(3, 1, 1) for v in (network.mean, network.std))
    tutorial = find_segments((x[0] - mean) / std, SETTINGS["tutorial"]["segmenter"])
    for tag, segments in (("default", ours.segments), ("tutorial", tutorial)):
        assert torch.equal(segments, arrays[f"{tag}.segments"].long())
        densities = segment_densities(ours.attacked, segments)
        torch.testing.assert_close(densities, arrays[f"{tag}.density"], rtol=0, atol=0.01)
        assert torch.equal(densest(densities, SETTINGS[tag]["k"]), arrays[f"{tag}.selected"])


def weighted(weights):
    """Scores (w . x, 0) for inputs of any shape; the attack on class 0 goes along -w."""
    weights = torch.as_tensor(weights, dtype=torch.float64)
    return lambda x: torch.stack([(x * weights).flatten(1).sum(1), 0 * x.flatten(1).sum(1)], 1)


def test_density_by_hand():
    # v = -w / |w| steps alpha; of 16 values the percentiles 15 and 85 lie at ranks 2.25 and 12.75 counted from 0:
    # the three smallest (w = 16, 15, 14) and the three largest (w = 1, 2, 3) are attacked
    weights = torch.tensor([[[16.0, 4, 5, 1], [15, 6, 7, 8], [9, 10, 11, 2], [14, 12, 13, 3]]])
    quarters = torch.tensor([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]])
    x = toys.images(1, size=4)[:, :1]
    ours = AXAI(weighted(weights), output="logit").explain(x, 0, feature_mask=quarters, k=1)[0]
    torch.testing.assert_close(ours.perturbation, -0.02 * weights.double() / weights.norm().double())
    assert ours.attacked.nonzero().tolist() == [[0, 0], [0, 3], [1, 0], [2, 3], [3, 0], [3, 3]]
    assert ours.densities.tolist() == [0.5, 0.25, 0.25, 0.5]
    assert ours.selected.tolist() == [0, 3]                            # both are the densest: a tie enlarges the set
    assert ours.map[0].tolist() == [[0.5, 0.5, 0.25, 0.25]] * 2 + [[0.25, 0.25, 0.5, 0.5]] * 2


def test_numbering_of_the_segments_does_not_matter():
    model, x = toys.cnn(), toys.images(1)
    mask = torch.randint(6, (8, 8), generator=torch.Generator().manual_seed(0))
    other = torch.tensor([7, 2, 0, 9, 4, 5])[mask]                     # 1, 3, 6 and 8 stay unused
    ours, renamed = (AXAI(model).explain(x, 1, feature_mask=m)[0] for m in (mask, other))
    assert torch.equal(ours.map, renamed.map) and torch.equal(ours.mask, renamed.mask)
    assert renamed.densities.isnan().nonzero().flatten().tolist() == [1, 3, 6, 8]


def test_channels_are_joined_or_summed():
    v = torch.zeros(2, 1, 20).double()
    v[0, 0], v[1, 0] = torch.arange(20), torch.arange(20).roll(10)
    # ranks 2.85 and 16.15 of 20: 0, 1, 2 and 17, 18, 19 (0 itself is no change); the roll moves them by 10
    assert attacked_places(v + 1)[0].nonzero().flatten().tolist() == [0, 1, 2, 7, 8, 9, 10, 11, 12, 17, 18, 19]
    assert attacked_places(v)[0].nonzero().flatten().tolist() == [1, 2, 7, 8, 9, 11, 12, 17, 18, 19]
    # sums 10, 12, ..., 28, 10, 12, ..., 28: ranks 2.85 and 16.15 fall on 12 and 26: below 12, or from 26 on
    assert attacked_places(v, channels="sum")[0].nonzero().flatten().tolist() == [0, 8, 9, 10, 18, 19]
    # channels that cancel are attacked where each is, and not in their sum
    assert attacked_places(torch.stack([v[0], -v[0]])).sum() == 5
    assert attacked_places(torch.stack([v[0], -v[0]]), channels="sum").sum() == 0


def test_a_spectrogram_is_cut_by_the_grid_silent_or_not():
    weights = torch.linspace(-1, 1, 240).view(1, 12, 20)       # 36 places in either tail fill no cell of 15
    weights[:, 3:6, 5:10] = 9 * torch.linspace(1, 2, 15).view(3, 5)    # but the one planted here
    x = torch.stack([torch.zeros(1, 12, 20), torch.linspace(0, 1, 240).view(1, 12, 20)]).double()
    silent, loud = AXAI(weighted(weights), output="logit").explain(x, 0, segmenter=Grid(4, 4), k=1)
    assert silent.selected.tolist() == loud.selected.tolist() == [5] and silent.densities[5] == 1
    assert torch.equal(silent.map, loud.map)


def test_a_token_is_the_share_of_its_entries_in_the_tails():
    weights = torch.tensor([[1.0, 2, 3, 4], [50, 5, -50, 6], [40, -40, -45, 45], [7, 8, 9, 10], [11, 12, 13, 14]])
    ours = AXAI(weighted(weights), output="logit").explain(torch.zeros(1, 5, 4), 0, k=2)[0]
    # ranks 2.85 and 16.15 of 20: v's lowest three are 50, 45, 40, its highest three -50, -45, -40
    assert ours.densities.tolist() == [0, 0.5, 1, 0, 0] and ours.selected.tolist() == [1, 2]
    assert ours.map.tolist() == [[0.0] * 4, [0.5] * 4, [1.0] * 4, [0.0] * 4, [0.0] * 4]
    assert ours.mask.tolist() == [False, True, True, False, False]
    # summed over its entries: 10, 11, 0, 34, 50; ranks 0.6 and 3.4: lowest v 50, highest 0, which is no change
    summed = AXAI(weighted(weights), output="logit").explain(torch.zeros(1, 5, 4), 0, channels="sum")[0]
    assert summed.densities.tolist() == [0, 0, 0, 0, 1]


def test_a_vector_has_one_segment_a_feature():
    model, x = toys.linear([1.0, -2, 3, 5], [0, 0, 0, 0]), torch.ones(2, 4).double()
    # v = -(1, -2, 3, 5): ranks 0.45 and 2.55 of 4 leave the lowest, -5, and the highest, 2
    assert AXAI(model, output="logit").attribute(x, 0).tolist() == [[0, 1, 0, 1]] * 2


@pytest.mark.parametrize("target, step_size, radius, bounds", [
    ([0, 0, 0], 0.001, 0.2, (-9.0, 9.0)), ([1, 0, 4], 0.1, 0.35, (-9.0, 9.0)), ([1, 0, 4], 0.2, 1.5, (0.0, 1.0)),
])
def test_the_attack_is_foolbox_l2_pgd(target, step_size, radius, bounds):
    model, x, target = toys.cnn(), toys.images(), torch.tensor(target)
    attack = foolbox.attacks.L2ProjectedGradientDescentAttack(abs_stepsize=step_size, steps=20, random_start=False)
    criterion = foolbox.criteria.Misclassification(target)
    expected = attack.run(foolbox.PyTorchModel(model, bounds=bounds), x, criterion, epsilon=radius)
    ours = PGD(step_size, radius=radius, bounds=bounds).perturb(Engine(model, output="logprob"), x, target)
    torch.testing.assert_close(x + ours, expected, rtol=1e-9, atol=1e-12)


def test_steps_on_a_linear_score():
    model, x, w = toys.linear([3.0, -4], [0, 0]), torch.zeros(1, 2).double(), torch.tensor([[3.0, -4]]).double()
    engine, target = Engine(model), torch.tensor([0])
    for options, expected in (
        ({"max_steps": 3, "step_size": 0.5, "radius": 9}, -1.5 * w / 5),
        ({"max_steps": 3, "step_size": 0.5, "radius": 1}, -w / 5),                              # held by the ball
        ({"max_steps": 3, "step_size": 0.1, "radius": 9, "step": "raw"}, -0.3 * w),
        ({"max_steps": 3, "step_size": 0.1, "radius": 9, "step": "sign"}, -0.3 * w.sign()),
        ({"max_steps": 3, "step_size": 0.5, "radius": 9, "bounds": (-0.6, 1.0)}, torch.tensor([[-0.6, 1.0]]).double()),
    ):
        torch.testing.assert_close(PGD(**options).perturb(engine, x, target), expected)


def test_the_attack_raises_the_loss_within_its_ball():
    model, x = toys.cnn(), toys.images()
    target = model(x).argmax(1)
    v = PGD(step_size=0.1, radius=0.5).perturb(Engine(model, output="logprob"), x, target)
    before, after = (nn.functional.cross_entropy(model(rows), target, reduction="none") for rows in (x, x + v))
    assert (after > before).all() and (v.flatten(1).norm(dim=1) <= 0.5 * (1 + 1e-12)).all()


def test_tiny_gradients_have_a_direction_and_none_has_none():
    g = torch.tensor([[3e-30, -4e-30], [0.0, 0.0], [3e30, 4e30]])
    torch.testing.assert_close(unit(g), torch.tensor([[0.6, -0.8], [0.0, 0.0], [0.6, 0.8]]))
    assert into_ball(torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.3, 0.4]]), 1).tolist() == [
        pytest.approx([0.6, 0.8]), [0, 0], pytest.approx([0.3, 0.4])]


def test_without_a_gradient_nothing_is_selected():
    constant = lambda x: torch.zeros(len(x), 3, dtype=x.dtype) + 0 * x.flatten(1).sum(1, keepdim=True)  # noqa: E731
    ours = AXAI(constant).explain(toys.images(1), 0, segmenter=Grid(2, 2))[0]
    assert not ours.perturbation.any() and not ours.attacked.any() and not ours.mask.any()
    assert ours.densities.tolist() == [0, 0, 0, 0] and ours.selected.tolist() == [] and not ours.map.any()


def test_a_sure_float32_network_has_no_loss_gradient_but_its_logit_has():
    sure = lambda x: weighted(torch.arange(1, 13).view(1, 3, 4))(x).float() + torch.tensor([200, 0])  # noqa: E731
    x = torch.rand(1, 1, 3, 4, generator=torch.Generator().manual_seed(0))
    assert not AXAI(sure).attribute(x, 0).any()
    # v = -(1 ... 12): ranks 1.65 and 9.35 of 12: two at either end
    assert AXAI(sure, output="logit").attribute(x, 0).flatten().tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]


def test_a_perturbation_of_one_number_is_all_tail():
    method, x = AXAI(weighted(torch.ones(1, 4, 4)), output="logit"), torch.zeros(1, 1, 4, 4).double()
    ours = method.explain(x, 0, segmenter=Grid(2, 2), k=1)[0]
    assert ours.densities.tolist() == [1, 1, 1, 1] and ours.selected.tolist() == [0, 1, 2, 3]


def test_an_image_of_one_colour_is_one_segment_and_is_attacked():
    weights = torch.arange(64.0).repeat(3, 1).view(3, 8, 8)
    ours = AXAI(weighted(weights), output="logit").explain(torch.full((1, 3, 8, 8), 0.5).double(), 0)[0]
    # ranks 9.45 and 53.55 of 64: ten at either end, of which w = 0 is no change; the three channels agree
    assert ours.segments.unique().tolist() == [0] and ours.densities.tolist() == [19 / 64] and ours.mask.all()


def test_k_and_its_ties():
    densities = torch.tensor([0.2, 0.9, torch.nan, 0.5, 0.9, 0.0, 0.5]).double()
    assert [densest(densities, k).tolist() for k in (1, 2, 3, 4)] == [[1, 4], [1, 4], [1, 3, 4, 6], [1, 3, 4, 6]]
    assert densest(densities, 5).tolist() == densest(densities, 100).tolist() == [0, 1, 3, 4, 6]  # 0 never


def test_segment_densities_by_loops():
    generator = torch.Generator().manual_seed(0)
    attacked = torch.rand(9, 7, generator=generator) < 0.3
    segments = torch.randint(5, (9, 7), generator=generator)
    expected = []
    for s in range(5):
        inside = [attacked[r, c].item() for r in range(9) for c in range(7) if segments[r, c] == s]
        expected.append(sum(inside) / len(inside))
    assert segment_densities(attacked, segments).tolist() == expected


class Normalised(nn.Module):
    """A network behind pixels that it normalises itself, with ``mean`` and ``std`` as the zoo's have."""

    def __init__(self, network):
        super().__init__()
        self.network, self.mean, self.std = network, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
        self.eval()

    def forward(self, x):
        mean, std = (torch.tensor(v, dtype=x.dtype).view(3, 1, 1) for v in (self.mean, self.std))
        return self.network((x - mean) / std)


def test_the_attack_and_the_segments_live_where_the_network_sees():
    network, x = toys.cnn(), toys.images()
    behind = Normalised(network)
    mean, std = (torch.tensor(v, dtype=x.dtype).view(3, 1, 1) for v in (behind.mean, behind.std))
    seen = (x - mean) / std
    options = {"segmenter": Quickshift(1, 3, 0.8)}
    ours, expected = AXAI(behind).explain(x, [1, 0, 4], **options), AXAI(network).explain(seen, [1, 0, 4], **options)
    pixel, plain = (AXAI(f).explain(x, [1, 0, 4], space="pixel", **options) for f in (behind, behind.forward))
    for a, b, c, d in zip(ours, expected, pixel, plain):
        torch.testing.assert_close(a.perturbation, b.perturbation, rtol=1e-9, atol=1e-12)
        assert torch.equal(a.segments, b.segments) and torch.equal(a.map, b.map)
        assert torch.equal(c.map, d.map) and not torch.allclose(a.perturbation, c.perturbation, rtol=0.05)


def test_a_random_start_is_the_same_for_every_image_and_moves_with_the_seed():
    model, x = toys.cnn(), toys.images(2)
    start = PGD(random_start=True, radius=0.5)._start(x, seed=3)
    assert torch.equal(start[0], start[1]) and start[0].norm() <= 0.5
    lengths = torch.stack([PGD(random_start=True)._start(torch.zeros(1, 2), seed=s).norm() for s in range(400)])
    # uniform in a disc: P(|v| < r / 2) = 1/4, standard error 0.022 over 400 draws
    assert (lengths < 0.1).double().mean() == pytest.approx(0.25, abs=0.07)
    one, again, other = (AXAI(model).explain(x, 0, random_start=True, seed=s)[0].perturbation for s in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert torch.equal(*(AXAI(model).explain(x, 0, seed=s)[0].perturbation for s in (3, 4)))


def test_a_feature_mask_wins_over_the_segmenter():
    def refuses(image):
        raise AssertionError("asked all the same")
    x, mask = toys.images(2), torch.arange(4).repeat_interleave(16).view(8, 8)
    ours = AXAI(toys.cnn()).attribute(x, 0, feature_mask=mask, segmenter=refuses)
    for shape in ((1, 1, 8, 8), (1, 8, 8), (2, 3, 8, 8)):
        assert torch.equal(AXAI(toys.cnn()).attribute(x, 0, feature_mask=mask.expand(shape)), ours)
    each = torch.stack([mask, mask.T])[:, None]
    singles = torch.cat([AXAI(toys.cnn()).attribute(x[k:k + 1], 0, feature_mask=each[k:k + 1]) for k in (0, 1)])
    assert torch.equal(AXAI(toys.cnn()).attribute(x, 0, feature_mask=each), singles)
    assert segments_of_mask(torch.tensor([[0], [1], [1]]), torch.zeros(2, 3, 5)).tolist() == [[0, 1, 1]] * 2


def test_segmenters():
    x = toys.images(1)[0]
    cells = find_segments(torch.zeros(2, 3, 5), Grid(2, 2)).tolist()
    assert cells == [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [2, 2, 2, 3, 3]]
    assert find_segments(torch.zeros(1, 2, 3), Grid(9, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]  # one a pixel
    assert find_segments(torch.zeros(1, 64, 40)).unique(return_counts=True)[1].tolist() == [40] * 64  # every pixel once
    assert find_segments(x, each_place).tolist() == torch.arange(64).view(8, 8).tolist()
    labels = slic(x.numpy().transpose(1, 2, 0), n_segments=4)
    assert find_segments(x, lambda image: slic(image, n_segments=4)).tolist() == labels.tolist()
    state = np.random.get_state()[1].copy()
    assert torch.equal(find_segments(x, Quickshift(1, 3)), find_segments(x, Quickshift(1, 3)))
    assert (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize("options, message", [
    ({"percentile": 50}, "percentile must lie between 0 and 50, got 50"),
    ({"k": 0}, "k must be a positive integer, got 0"), ({"radius": 0}, "radius must be positive, got 0"),
    ({"channels": "all"}, "channels must be one of each, sum"), ({"space": "lab"}, "space one of network, pixel"),
    ({"step": "l3"}, "step must be one of normalized, raw, sign, got 'l3'"),
    ({"max_steps": 1.5}, "max_steps must be a positive integer, got 1.5"),
    ({"bounds": (1, 0)}, "bounds must be a lower and a higher"),
    ({"feature_mask": torch.rand(8, 8)}, "feature_mask must be integers >= 0, got torch.float32"),
    ({"feature_mask": torch.zeros(7, 8).long()}, r"broadcasts to inputs \(3, 3, 8, 8\), got \(7, 8\)"),
    ({"feature_mask": torch.arange(3).view(3, 1, 1)}, "feature_mask must be the same for all channels of a pixel"),
    ({"segmenter": lambda image: image}, r"segmenter must return integers >= 0 of shape \(8, 8\)"),
])
def test_wrong_arguments_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        AXAI(toys.cnn()).explain(toys.images(), 0, **options)


def test_one_channel_for_what_wants_three_and_five_axes_are_refused():
    with pytest.raises(ValueError, match=r"Quickshift needs images of three channels, got an array \(8, 8, 1\)"):
        AXAI(lambda x: x.flatten(1)).attribute(toys.images()[:, :1], 0, segmenter=Quickshift())
    with pytest.raises(ValueError, match="inputs must have the 3 channels of the model's mean, got 1"):
        AXAI(Normalised(nn.Flatten())).attribute(toys.images()[:, :1], 0)
    with pytest.raises(ValueError, match=r"inputs must be \(N, C, H, W\)"):
        AXAI(lambda x: x.flatten(1)).attribute(torch.rand(1, 2, 2, 2, 2), 0)
