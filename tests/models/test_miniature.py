"""Trainings side by side: what each setting builds, what the splits hold, and what the results count."""

import made_up_data as made_up
import numpy as np
import pytest
import torch
from torch import nn

from xaiutils.datasets import tiny_imagenet
from xaiutils.models import miniature
from xaiutils.models.miniature import SETTINGS, Miniature, gap, hits, splits
from xaiutils.models.recipes import Splits


@pytest.fixture
def two_colours():
    """Dark and bright squares, a little noisy: whatever learns at all tells them apart, from any start that was tried."""
    noise = torch.randint(-15, 16, (40, 16, 16, 3), generator=torch.Generator().manual_seed(0))
    pixels = (torch.tensor([20, 200]).repeat_interleave(20)[:, None, None, None] + noise).byte()
    part = pixels, torch.arange(2).repeat_interleave(20)
    return Splits(part, part, {"test": part}, ["dark", "bright"])


def test_every_setting_builds_the_network_it_says(two_colours):
    for name, (batchnorm, conv, dense, decay) in {
        "no regularisation": (False, 0.0, 0.0, 0.0),
        "BatchNorm alone": (True, 0.0, 0.0, 0.0),
        "thesis": (True, 0.25, 0.5, 0.005),
        "no dropout on convolutions": (True, 0.0, 0.5, 0.005),
        "printed schedule": (True, 0.25, 0.5, 0.005),
    }.items():
        recipe = Miniature(two_colours, width=0.125).recipe(SETTINGS[name])
        modules = list(recipe.network().modules())
        assert any(isinstance(module, nn.BatchNorm2d) for module in modules) == batchnorm
        assert [module.p for module in modules if isinstance(module, nn.Dropout)] == [conv] * 4 + [dense] * 2
        assert recipe.weight_decay == decay and recipe.optimizer == "momentum"
        assert recipe.schedule == ("step" if name == "printed schedule" else "plateau")


def test_a_training_learns(two_colours):
    found = Miniature(two_colours, width=0.0625, epochs=10, rate=0.02, batch_size=8).train(SETTINGS["BatchNorm alone"], 1)
    assert found["train"] == 1 and found["hits"].tolist() == [1] * 40 and len(found["rate"]) == 10


def test_a_seed_gives_one_course(two_colours):
    small = Miniature(two_colours, width=0.0625, epochs=1, batch_size=20)
    first, again, other = (small.train(SETTINGS["thesis"], seed)["held_out_loss"] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_printed_schedule_cuts_the_rate_every_two_epochs(two_colours):
    small = Miniature(two_colours, width=0.0625, epochs=5, batch_size=20)
    assert small.train(SETTINGS["printed schedule"])["rate"].tolist() == pytest.approx([1e-2, 1e-2, 2e-3, 2e-3, 4e-4])


def test_what_was_trained_is_not_trained_again(two_colours, tmp_path, monkeypatch):
    small, wanted = Miniature(two_colours, width=0.0625, epochs=1, batch_size=20), {("thesis", 0): SETTINGS["thesis"]}
    first = small.compare(wanted, store=tmp_path, key={"n": 1}, progress=False)
    monkeypatch.setattr(miniature, "Trainer", None)
    again = small.compare(wanted, store=tmp_path, key={"n": 1}, progress=False)
    assert np.array_equal(first[("thesis", 0)]["hits"], again[("thesis", 0)]["hits"])
    with pytest.warns(UserWarning, match="failed"), pytest.raises(RuntimeError, match="every training must run through"):
        small.compare(wanted, store=tmp_path, key={"n": 2}, progress=False)


def test_gap_and_hits_by_hand():
    results = {("a", 0): {"train": 1.0, "hits": np.array([1, 0])}, ("a", 1): {"train": 0.75, "hits": np.array([1, 1])},
               ("b", 0): {"train": 0.0, "hits": np.array([0, 0])}}  # fmt: skip
    assert gap(results, "a") == {0: 0.5, 1: -0.25}
    assert hits(results, "a").tolist() == [1.0, 0.5]


def test_splits_of_tiny_imagenet_are_eighty_to_twenty_in_each_class(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_imagenet, "VALIDATION", 400)
    made_up.tiny_imagenet(tmp_path)
    made = splits("tiny-imagenet", 2, 10, size=32, root=tmp_path)
    assert made.class_names == ["tabby", "goose"]
    assert made.train[0].shape == (16, 32, 32, 3) and made.train[1].bincount().tolist() == [8, 8]
    assert made.train[0][:, 9, 9, 0].tolist() == [20 * label + number for label in range(2) for number in range(8)]
    assert made.held_out[0][:, 9, 9, 0].tolist() == [8, 9, 28, 29]
    assert made.tests["test"][1].tolist() == [0, 1, 0, 1]


def test_splits_of_embedded_pieces():
    made = splits("embedded", 2, 10, size=32)
    assert made.train[1].bincount().tolist() == [8, 8] and len(made.held_out[1]) == len(made.tests["test"][1]) == 4
    with pytest.raises(ValueError, match="material must be 'embedded' or 'tiny-imagenet', got 'mnist'"):
        splits("mnist", 2, 10)


def test_shrinking_averages():
    squares = torch.tensor([0, 100]).byte().repeat(4, 2).reshape(1, 4, 4, 1).expand(1, 4, 4, 3)
    assert (miniature.resized(squares, 1) == 50).all() and miniature.resized(squares, 4) is squares
