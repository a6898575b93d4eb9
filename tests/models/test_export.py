import dataclasses
import json
import types

import pytest
import torch
from safetensors import safe_open
from toy_training import RECIPE

from xaiutils.models.export import described, export, halved
from xaiutils.models.training import Trainer


def test_matrices_are_halved_and_vectors_are_not():
    state = {
        "weight": torch.tensor([[1.0, 1 + 2**-12]]),
        "bias": torch.tensor([1 + 2**-12]),
        "count": torch.tensor(3),
    }
    stored = halved(state)
    assert stored["weight"].dtype == torch.float16 and stored["weight"].tolist() == [[1.0, 1.0]]
    assert stored["bias"].tolist() == [1 + 2**-12] and stored["count"].item() == 3


@pytest.fixture
def exported(tmp_path):
    splits = RECIPE.data()
    trainer = Trainer(RECIPE, splits, 3, 0, "cpu")
    for _ in range(3):
        trainer.run_epoch(progress=False)
    export("toy", RECIPE, trainer, splits, tmp_path)
    return types.SimpleNamespace(folder=tmp_path, trainer=trainer, splits=splits)


def test_weights_carry_classes_and_extras(exported):
    with safe_open(exported.folder / "toy.safetensors", framework="pt") as file:
        kept = {key: json.loads(value) for key, value in file.metadata().items()}
        assert kept == {"class_names": ["a", "b", "c"], "note": [1, 2]}
        assert torch.equal(file.get_tensor("mean"), exported.trainer.best["mean"])


def test_the_card_says_what_was_measured(exported):
    """Accuracy counted by hand with the weights as stored."""
    network = exported.trainer.network  # left with the stored weights
    inputs, labels = exported.splits.tests["test set"]
    with torch.no_grad():
        accuracy = (network.eval()(inputs).argmax(1) == labels).float().mean().item()
    card = (exported.folder / "toy.md").read_text()
    assert f"**{accuracy:.2%} on 90 (test set)** with the stored half-precision weights" in card
    best = max(row["held_out_accuracy"] for row in exported.trainer.log)
    for words in (
        "3 epochs, SGD with Nesterov momentum 0.9",
        "| seed | 0 |",
        f"({best:.2%})",
        "300 drawn points: 300 / 60 held out",
        "none",
    ):
        assert words in card


def test_the_curve_has_a_row_an_epoch(exported):
    lines = (exported.folder / "toy.csv").read_text().splitlines()
    assert len(lines) == 4
    assert lines[0] == "epoch,rate,train_loss,train_accuracy,held_out_loss,held_out_accuracy,seconds"


def test_the_card_names_the_schedule():
    recipe = dataclasses.replace(RECIPE, schedule="step", optimizer="momentum", peak_rate=0.01)
    assert described(recipe, False).startswith("SGD with momentum 0.9, learning rate 0.01, times 0.2 after every 2 epochs, batch 32")
    assert "one-cycle learning rate with its peak 0.05 after 25% of the steps" in described(RECIPE, False)
