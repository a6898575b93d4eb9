import dataclasses

import pytest

from xaiutils.models.recipes import NAMES, recipe


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_builds_its_network_and_tells_what_a_card_needs(name):
    made = recipe(name)
    assert {"data", "split", "licence", "source"} <= set(made.card)
    assert sum(p.numel() for p in made.network().parameters()) > 0
    assert made.epochs > 0 and made.optimizer in ("sgd", "adamw")


def test_an_unknown_model_is_answered_with_those_there_are():
    with pytest.raises(
        ValueError, match="model must be one this project trains .* got 'lenet'; near it: lenet-digits"
    ):
        recipe("lenet")


def test_sizes_grow_with_the_epochs():
    made = dataclasses.replace(recipe("vgg-cifar10"), sizes=((0.25, 32), (0.5, 48)))
    assert [made.size_at(epoch / 8) for epoch in range(1, 9)] == [32, 32, 48, 48, None, None, None, None]


def test_dropout_rises_to_the_networks_own_rates():
    made = dataclasses.replace(recipe("vgg-cifar10"), dropout_ramp=0.5)
    assert [made.dropout_at(progress) for progress in (0, 0.25, 0.5, 1)] == [0, 0.5, 1, 1]
    assert dataclasses.replace(made, dropout_ramp=0.0).dropout_at(0) == 1


def test_half_of_the_thesis_rates_hold_in_the_middle_of_the_vggs_training():
    assert recipe("vgg16-tinyimagenet").dropout_at(0.5) == 0.5
