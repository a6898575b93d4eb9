"""What is drawn anew, what stays as trained, in which order, and from which generator."""

import copy

import pytest
import torch
from torch import nn

from xaiutils.core import make_generator
from xaiutils.metrics.randomization import (cascading, independent, layer_names, layer_titles, other_label, randomized,
                                            randomized_at, shuffled_labels)

INPUTS = torch.rand(2, 3, 8, 8, generator=make_generator(0))


class Crossed(nn.Module):
    """Defined in another order than it runs; two convolutions of equal shape; a head that never runs."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 4)
        self.unused = nn.Linear(8, 4)
        self.second = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.third = nn.Conv2d(8, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.first = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x):
        x = self.third(self.norm(self.second(self.first(x).relu())).relu()).relu()
        return self.head(x.mean((2, 3)))


@pytest.fixture
def model():
    """A network whose every parameter and buffer differs from any initial value."""
    network, generator = Crossed(), make_generator(7)
    for tensor in [*network.parameters(), network.norm.running_mean, network.norm.running_var]:
        tensor.data.uniform_(0.1, 0.2, generator=generator)
    return network.eval()


def changed(before, after):
    """Names of the modules of which a parameter or a buffer differs."""
    after = after.state_dict()
    before = before.state_dict()
    return {name.rpartition(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}


def test_layers_are_listed_from_output_to_input_as_they_run(model):
    assert layer_names(model, INPUTS) == ["head", "third", "second", "first"]     # the norm belongs to "second"


def test_input_size_of_the_network_saves_the_example(model):
    with pytest.raises(ValueError, match="inputs is needed .* the model has no input_size"):
        layer_names(model)
    model.input_size = 8
    assert layer_names(model) == layer_names(model, INPUTS)


def test_only_the_named_layers_change_and_norms_go_with_theirs(model):
    network = randomized(model, ["head", "second"], make_generator(0), inputs=INPUTS)
    assert changed(model, network) == {"head", "second", "norm"}
    norm, zeros, ones = network.norm, torch.zeros(8), torch.ones(8)
    assert torch.equal(norm.weight, ones) and torch.equal(norm.bias, zeros)
    assert torch.equal(norm.running_mean, zeros) and torch.equal(norm.running_var, ones)
    assert torch.equal(network.head.bias, torch.zeros(4))


def test_running_statistics_may_be_kept(model):
    network = randomized(model, ["second"], make_generator(0), inputs=INPUTS, running_statistics="keep")
    assert torch.equal(network.norm.running_mean, model.norm.running_mean)
    assert torch.equal(network.norm.running_var, model.norm.running_var)
    assert torch.equal(network.norm.weight, torch.ones(8))


def test_weights_are_he_normal():
    wide = nn.Sequential(nn.Conv2d(3, 64, 5), nn.Flatten(), nn.Linear(1024, 300)).eval()
    network = randomized(wide, ["0", "2"], make_generator(0), inputs=torch.zeros(1, 3, 8, 8))
    for layer, fan_in in ((network[0], 75), (network[2], 1024)):
        weight, n = layer.weight.detach(), layer.weight.numel()
        assert weight.mean().item() == pytest.approx(0, abs=4 * (2 / fan_in / n) ** 0.5)          # 4 standard errors
        assert weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=4 / (2 * n) ** 0.5)
        assert (weight.abs() < (2 / fan_in) ** 0.5).float().mean().item() == pytest.approx(0.6827, abs=2 / n ** 0.5)


@pytest.mark.parametrize("test", [cascading, independent])
def test_equal_shapes_do_not_get_equal_weights(model, test):
    network = dict(test(model, inputs=INPUTS))
    second, third = network["second"].second.weight, network["third"].third.weight
    assert second.shape == third.shape and not torch.equal(second, third)
    assert not torch.isclose(second, third).any()


def test_the_cascade_reaches_one_layer_more_each_time(model):
    stages = list(cascading(model, seed=3, inputs=INPUTS))
    expected = {"head": {"head"}, "third": {"head", "third"}, "second": {"head", "third", "second", "norm"},
                "first": {"head", "third", "second", "norm", "first"}}
    assert {name: changed(model, network) for name, network in stages} == expected
    assert torch.equal(stages[0][1].head.weight, stages[3][1].head.weight)        # drawn once, kept down the cascade


def test_independent_changes_one_layer_at_a_time(model):
    stages = {name: changed(model, network) for name, network in independent(model, seed=3, inputs=INPUTS)}
    assert stages == {"head": {"head"}, "third": {"third"}, "second": {"second", "norm"}, "first": {"first"}}


@pytest.mark.parametrize("test", [cascading, independent])
def test_original_stays_bit_identical_and_global_chance_untouched(model, test):
    before, state = copy.deepcopy(model), torch.get_rng_state()
    for _, network in test(model, inputs=INPUTS):
        network.head.weight.data.zero_()                                          # nobody else's weights
    assert changed(before, model) == set() and torch.equal(state, torch.get_rng_state())
    assert not any(m._forward_pre_hooks for m in model.modules()) and all(p.requires_grad for p in model.parameters())


def test_one_seed_one_cascade(model):
    first, again = [dict(cascading(model, seed=5, inputs=INPUTS)) for _ in range(2)]
    other = dict(cascading(model, generator=make_generator(6), inputs=INPUTS))
    assert all(changed(first[name], again[name]) == set() for name in first)
    assert {"head", "third", "second", "first"} <= changed(first["first"], other["first"])


def test_other_label_is_any_but_the_predicted_one_equally_often():
    scores = torch.tensor([[0.1, 0.9, 0.5]]).expand(3000, 3)
    counts = other_label(scores, make_generator(0)).bincount(minlength=3)
    assert counts[1] == 0 and counts[0].item() == pytest.approx(1500, abs=110)    # 4 standard deviations of 27


def test_shuffled_labels_keep_every_class_as_often():
    labels = torch.arange(10).repeat_interleave(100)
    shuffled = shuffled_labels(labels, make_generator(0))
    assert torch.equal(shuffled.bincount(), labels.bincount())
    assert (shuffled == labels).float().mean().item() == pytest.approx(0.1, abs=0.04)
    assert torch.equal(shuffled, shuffled_labels(labels, make_generator(0)))


def test_bad_arguments_are_named(model):
    with pytest.raises(ValueError, match="layers must be among head, third, second, first, got norm"):
        randomized(model, ["norm"], make_generator(0), inputs=INPUTS)
    with pytest.raises(ValueError, match='running_statistics must be "reset" or "keep", got \'forget\''):
        randomized(model, ["head"], make_generator(0), inputs=INPUTS, running_statistics="forget")
    with pytest.raises(TypeError, match="generator must be a torch.Generator .* got int"):
        randomized(model, ["head"], 0, inputs=INPUTS)
    with pytest.raises(TypeError, match="layer 0 must be a convolution, linear or norm.* got ConvTranspose2d"):
        randomized(nn.Sequential(nn.ConvTranspose2d(3, 2, 3)).eval(), ["0"], make_generator(0), inputs=INPUTS)
    with pytest.raises(ValueError, match=r"scores must be \(N, K\) with at least two classes, got shape \(5, 1\)"):
        other_label(torch.zeros(5, 1), make_generator(0))
    with pytest.raises(ValueError, match=r"labels must be \(N,\), got shape \(2, 2\)"):
        shuffled_labels(torch.zeros(2, 2), make_generator(0))


def test_titles_count_the_layers_from_the_input(model):
    assert layer_titles(model, INPUTS) == {"fc1": "head", "conv3": "third", "conv2": "second", "conv1": "first"}


@pytest.mark.parametrize("test, networks", [("cascading", cascading), ("independent", independent)])
def test_one_network_by_itself_is_that_of_the_row(model, test, networks):
    for name, expected in networks(model, 5, inputs=INPUTS):
        assert not changed(expected, randomized_at(model, name, test, 5, inputs=INPUTS))
