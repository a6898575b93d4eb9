import dataclasses
import math

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from toy_training import RECIPE, Toy, jittered

from xaiutils.models import schedules, training
from xaiutils.models.training import (
    Trainer,
    derived_seed,
    evaluate,
    keep_for_later,
    make_optimizer,
    predictions,
    set_normalisation,
    train,
)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setattr(training, "find_recipe", lambda name: RECIPE)


def trained(out, **options):
    train("toy", out=out, device="cpu", progress=False, **options)
    return pd.read_csv(out / "toy.csv").drop(columns="seconds")


def test_it_learns(tmp_path):
    log = trained(tmp_path)
    assert log.held_out_accuracy.max() > 0.9 and log.train_loss.iloc[-1] < 0.5 * log.train_loss.iloc[0]


def test_one_seed_gives_one_curve_and_another_another(tmp_path):
    first, again, other = (trained(tmp_path / str(n), seed=seed) for n, seed in enumerate((0, 0, 1)))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert not first.train_loss.equals(other.train_loss)


@pytest.mark.parametrize("done", [1, 3])
def test_a_killed_training_goes_on_with_the_same_numbers(tmp_path, monkeypatch, done):
    whole = trained(tmp_path / "whole")
    run_epoch = Trainer.run_epoch

    def killed(self, *args):
        if self.epoch == done:
            raise KeyboardInterrupt
        run_epoch(self, *args)

    monkeypatch.setattr(Trainer, "run_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "cut")
    assert len(pd.read_csv(tmp_path / "cut" / "log.csv")) == done
    monkeypatch.setattr(Trainer, "run_epoch", run_epoch)
    torch.rand(5)  # whatever else the process drew
    pd.testing.assert_frame_equal(trained(tmp_path / "cut"), whole, check_exact=True)
    weights = [load_file(tmp_path / name / "toy.safetensors") for name in ("whole", "cut")]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_a_kill_while_the_checkpoint_is_written_leaves_the_old_one(tmp_path, monkeypatch):
    trainer = Trainer(RECIPE, RECIPE.data(), 2, 0, "cpu")
    trainer.run_epoch(progress=False)
    trainer.save(tmp_path / "checkpoint.pt")
    before = (tmp_path / "checkpoint.pt").read_bytes()

    def cut(state, path):
        path.write_bytes(b"half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", cut)
    with pytest.raises(KeyboardInterrupt):
        trainer.save(tmp_path / "checkpoint.pt")
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_a_run_goes_on_in_another_sitting_close_to_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SITTINGS", tmp_path / "sittings")
    whole = trained(tmp_path / "whole")
    trainer = Trainer(RECIPE, RECIPE.data(), 4, 0, "cpu")
    for _ in range(2):
        trainer.run_epoch(progress=False)
    trainer.save(tmp_path / "checkpoint.pt")
    keep_for_later(tmp_path / "checkpoint.pt", "toy")
    weights = torch.load(tmp_path / "sittings" / "toy.pt", weights_only=True)["network"]["layers.1.weight"]
    assert torch.equal(weights, trainer.network.layers[1].weight.half())
    later = trained(tmp_path / "later")
    pd.testing.assert_frame_equal(later[:2], whole[:2], check_exact=True)
    assert later.train_loss[2:].tolist() == pytest.approx(whole.train_loss[2:].tolist(), rel=0.02)


def test_the_global_generator_is_left_as_it_was(tmp_path):
    before = torch.random.get_rng_state()
    trained(tmp_path)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    trained(tmp_path, epochs=1)
    with pytest.raises(
        ValueError, match=r"out must hold a checkpoint of this run's settings {'seed': 1, .* got {'seed': 0, "
    ):
        trained(tmp_path, epochs=1, seed=1)


def test_the_best_epoch_on_the_held_out_examples_is_kept():
    trainer = Trainer(RECIPE, RECIPE.data(), 4, 0, "cpu")
    states = []
    for _ in range(4):
        trainer.run_epoch(progress=False)
        states.append({key: value.clone() for key, value in trainer.network.state_dict().items()})
    best = max(range(4), key=lambda n: trainer.log[n]["held_out_accuracy"])  # the first of equals
    assert all(torch.equal(trainer.best[key], states[best][key]) for key in states[best])


def test_the_learning_rate_is_one_cycle():
    """From a 25th of the peak up to it after a quarter of the steps, and down to nearly nothing at the
    end."""
    trainer = Trainer(dataclasses.replace(RECIPE, peak_rate=1.0), RECIPE.data(), 4, 0, "cpu")
    rates = []
    for _ in range(40):  # 4 epochs of 10 batches
        rates.append(trainer.schedule.get_last_lr()[0])
        trainer.optimizer.step()
        if len(rates) < 40:
            trainer.schedule.step()
    assert (
        rates[0] == pytest.approx(1 / 25) and rates.index(max(rates)) == 9 and max(rates) == pytest.approx(1)
    )
    assert rates[-1] == pytest.approx(4e-6)


def test_evaluation_is_cross_entropy_and_accuracy_without_dropout():
    """A network that always says (2, 0, 0): right for class 0, loss log(e^2 + 2) - 2 there and log(e^2 + 2)
    elsewhere."""

    class Constant(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(torch.tensor([2.0, 0.0, 0.0]).expand(len(x), 3), 0.9, self.training)

    labels = torch.tensor([0] * 300 + [1] * 100)
    loss, accuracy = evaluate(Constant(), (torch.zeros(400, 1), labels), RECIPE, "cpu")
    assert accuracy == 0.75
    assert loss == pytest.approx(math.log(math.e**2 + 2) - 2 * 0.75, rel=1e-6)


@pytest.mark.parametrize("capable", [True, False])
def test_bfloat16_is_used_where_the_processor_has_instructions_for_it(monkeypatch, capable):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": capable})
    seen = []

    class Spied(Toy):
        def forward(self, x):
            scores = super().forward(x)
            seen.append(scores.dtype)
            return scores

    trainer = Trainer(dataclasses.replace(RECIPE, network=Spied), RECIPE.data(), 1, 0, "cpu")
    trainer.run_epoch(progress=False)
    assert set(seen) == {torch.bfloat16 if capable else torch.float32}


def test_normalisation_is_set_from_the_training_inputs():
    network, inputs = Toy(), torch.tensor([1.0, 3.0]).repeat(50).reshape(100, 1, 1, 1).expand(100, 1, 4, 4)
    set_normalisation(network, inputs, jittered)
    assert network.mean.item() == pytest.approx(2) and network.std.item() == pytest.approx(1, rel=1e-3)


def test_only_weights_of_layers_decay():
    network = Toy()
    decayed, spared = make_optimizer(network, dataclasses.replace(RECIPE, weight_decay=0.1)).param_groups
    assert {p.dim() for p in decayed["params"]} == {2} and decayed["weight_decay"] == 0.1
    assert len(spared["params"]) == 4 and spared["weight_decay"] == 0


def test_shrunken_pictures_and_rising_dropout_reach_the_network(monkeypatch):
    recipe = dataclasses.replace(RECIPE, sizes=((0.5, 2),), dropout_ramp=1.0, epochs=3)
    trainer, seen = Trainer(recipe, recipe.data(), 3, 0, "cpu"), []
    forward = trainer.network.forward

    def watched(x):
        seen.append((trainer.network.training, x.shape[-1], round(trainer.dropouts[0][0].p, 2)))
        return forward(nn.functional.interpolate(x, size=(4, 4)))

    monkeypatch.setattr(trainer.network, "forward", watched)
    for _ in range(3):
        trainer.run_epoch(progress=False)
    assert [entry for entry in dict.fromkeys(seen) if entry[0]] == [
        (True, 2, 0.0),
        (True, 4, 0.15),
        (True, 4, 0.3),
    ]
    assert {size for training, size, _ in seen if not training} == {4}


def test_seeds_of_different_purposes_differ():
    assert len({derived_seed(seed, label) for seed in (0, 1) for label in (1, 2, "dropout 1")}) == 6


@pytest.mark.parametrize("schedule", ["constant", "step", "plateau"])
def test_other_schedules_move_from_epoch_to_epoch(schedule):
    """The log's rate is that of its epoch; a plateau follows the held-out losses of the log."""
    recipe = dataclasses.replace(RECIPE, schedule=schedule, factor=0.5, patience=1, peak_rate=0.2, optimizer="momentum")
    trainer = Trainer(recipe, recipe.data(), 8, 0, "cpu")
    for _ in range(8):
        trainer.run_epoch(progress=False)
    log = pd.DataFrame(trainer.log)
    expected = {"constant": [0.2] * 8, "step": schedules.step_rates(8, 0.2, 0.5, 1),
                "plateau": schedules.plateau_rates(log["held_out_loss"], 0.2, 0.5, 1)[:-1]}  # fmt: skip
    assert log["rate"].tolist() == pytest.approx(list(expected[schedule]))
    assert not trainer.optimizer.param_groups[0]["nesterov"]


def test_predictions_are_those_that_the_accuracy_counts():
    trainer = Trainer(RECIPE, RECIPE.data(), 4, 0, "cpu")
    inputs, labels = RECIPE.data().held_out
    found = predictions(trainer.network, inputs, RECIPE, "cpu")
    accuracy = evaluate(trainer.network, (inputs, labels), RECIPE, "cpu")[1]
    assert found.shape == labels.shape and (found == labels).float().mean().item() == pytest.approx(accuracy)
