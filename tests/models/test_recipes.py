import dataclasses

import pytest
import torch

from xaiutils.datasets.storage import LabelledImages
from xaiutils.models.recipes import NAMES, lenet_digits, recipe, textcnn_polarity
from xaiutils.models.recipes import cifar as cifar_recipe


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_builds_its_network_and_tells_what_a_card_needs(name):
    made = recipe(name)
    assert {"data", "split", "licence", "source"} <= set(made.card)
    assert sum(p.numel() for p in made.network().parameters()) > 0
    assert made.epochs > 0 and made.optimizer in ("sgd", "adamw") and made.schedule == "one-cycle"


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


def test_shuffled_labels_are_the_true_ones_in_another_order(monkeypatch):
    labels = torch.arange(10).repeat_interleave(20)
    images = LabelledImages(torch.arange(200)[:, None, None, None], labels, list("abcdefghij"), [])
    monkeypatch.setattr(cifar_recipe.cifar, "read", lambda *_: images)
    splits = cifar_recipe.shuffled(n=100)
    pixels, drawn = splits.train
    true = labels[pixels.flatten()]
    assert true.bincount().tolist() == drawn.bincount().tolist() == [10] * 10
    assert (drawn == true).float().mean() < 0.3 and splits.held_out is splits.train
    assert torch.equal(drawn, cifar_recipe.shuffled(n=100).train[1])


def test_sounds_are_moved_and_hidden_in_noise_only_while_training(monkeypatch):
    """A click at sample 4000 moves by at most 800; the noise is 50 to 10 decibels weaker than the sound."""
    monkeypatch.setattr(lenet_digits.spoken_digits, "spectrogram", lambda sounds: sounds)
    clicks = torch.zeros(50, 8000)
    clicks[:, 4000] = 1
    assert lenet_digits.prepare(clicks) is clicks
    moved = lenet_digits.prepare(clicks, torch.Generator().manual_seed(0))
    places = moved.argmax(1)
    assert places.min() < 3500 and places.max() > 4500 and (places - 4000).abs().max() <= 800
    moved[torch.arange(50), places] = 0
    decibels = 20 * torch.log10(moved.std(1) / (1 / 8000) ** 0.5)
    assert -50.5 < decibels.min() < -45 and -15 < decibels.max() < -9.5


def test_a_fifth_of_the_words_is_hidden_while_training_and_padding_stays():
    numbers = torch.full((100, 64), 7)
    numbers[:, 50:] = 0
    drawn = textcnn_polarity.prepare(numbers, torch.Generator().manual_seed(0))
    assert drawn.shape == (100, 50)  # columns that only pad are gone
    assert (drawn == 1).float().mean().item() == pytest.approx(0.2, abs=0.02) and set(
        drawn.unique().tolist()
    ) == {1, 7}
    assert torch.equal(textcnn_polarity.prepare(numbers), numbers[:, :50])
