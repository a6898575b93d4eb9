"""Train one of the project's own networks: ``train("lenet-digits")`` or ``make train MODEL=lenet-digits``.

A plain PyTorch loop. After every epoch the state is written, so that a run cut off at any time goes on where
that epoch ended, with the same numbers: the order of the data and its augmentation are drawn from (seed,
epoch), and so is dropout. Torch's global generator is left as it was.
"""

import hashlib
import os
import time
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._pytree import tree_map
from tqdm.auto import tqdm

import xaiutils  # noqa: F401  (its import tells the allocator to keep freed memory)
from xaiutils.models.recipes import recipe as find_recipe

SITTINGS = Path(__file__).resolve().parents[2] / "data" / "weights" / "checkpoints"


def train(model, epochs=None, seed=0, device=None, out=None, root=None, progress=True):
    """Train the network called ``model`` by its recipe and return the folder with its weights, model card and
    curve.

    ``epochs``    how long the learning-rate cycle is; default: the recipe's
    ``seed``      draws initial weights, order, augmentation and dropout
    ``device``    default: a GPU if there is one
    ``out``       folder for ``checkpoint.pt``, ``log.csv`` and the results; default ``build/train/MODEL``. A
                  checkpoint found there, or else one of an earlier sitting in ``data/weights/checkpoints``,
                  is continued; other settings than its are refused
    ``root``      folder of data sets, default XAI_DATA
    """
    recipe = find_recipe(model)
    splits = recipe.data(root)
    out = Path(out or Path("build") / "train" / model)
    out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(recipe, splits, epochs or recipe.epochs, seed, device or default_device())
    unfinished = SITTINGS / f"{model}.pt"
    trainer.resume(out / "checkpoint.pt" if (out / "checkpoint.pt").exists() else unfinished)
    while trainer.epoch < trainer.epochs:
        trainer.run_epoch(progress, model)
        trainer.save(out / "checkpoint.pt")
        pd.DataFrame(trainer.log).to_csv(out / "log.csv", index=False)
    from xaiutils.models.export import export

    export(model, recipe, trainer, splits, out)
    return out


def default_device():
    return "cuda" if torch.cuda.is_available() else "cpu"


class Trainer:
    """A network in training: its weights, optimizer, schedule and log after ``epoch`` epochs.

    ``log``   one row an epoch: epoch, rate (at its end), train_loss, train_accuracy (while training, with
              augmentation and dropout), held_out_loss, held_out_accuracy, seconds; accuracies in 0 ... 1
    ``best``  the network's state after the epoch with the highest held-out accuracy
    """

    def __init__(self, recipe, splits, epochs, seed, device):
        self.recipe, self.splits, self.epochs, self.seed, self.device = recipe, splits, epochs, seed, device
        self.bf16 = recipe.bf16 and computes_bf16(device)
        with torch.random.fork_rng(_gpus(device)):
            torch.manual_seed(derived_seed(seed, "initial weights"))
            self.network = recipe.network()
        set_normalisation(self.network, splits.train[0], recipe.prepare)
        self.dropouts = [
            (module, module.p) for module in self.network.modules() if isinstance(module, nn.Dropout)
        ]
        self.network.to(device, memory_format=torch.channels_last)
        self.optimizer = make_optimizer(self.network, recipe)
        steps = -(-len(splits.train[1]) // recipe.batch_size)
        self.schedule = make_schedule(self.optimizer, recipe, epochs * steps)
        self.epoch, self.log, self.best = 0, [], None

    def run_epoch(self, progress=True, name=""):
        """One pass over the training set, then one over the held-out set."""
        start = time.perf_counter()
        self.epoch += 1
        for module, rate in self.dropouts:
            module.p = rate * self.recipe.dropout_at((self.epoch - 1) / max(1, self.epochs - 1))
        loss, accuracy = self._training_pass(progress, name)
        rate = self.schedule.get_last_lr()[0]
        held_out_loss, held_out = evaluate(
            self.network, self.splits.held_out, self.recipe, self.device, self.bf16
        )
        if self.recipe.schedule == "plateau":
            self.schedule.step(held_out_loss)
        elif self.recipe.schedule != "one-cycle":
            self.schedule.step()
        if held_out > max((row["held_out_accuracy"] for row in self.log), default=-1):
            self.best = self._state()
        row = {"epoch": self.epoch, "rate": rate, "train_loss": loss, "train_accuracy": accuracy}
        row |= {"held_out_loss": held_out_loss, "held_out_accuracy": held_out}
        self.log.append(row | {"seconds": round(time.perf_counter() - start, 1)})

    def _training_pass(self, progress, name):
        """Mean loss and accuracy over the training set, in an order of its own for each epoch."""
        generator = torch.Generator().manual_seed(derived_seed(self.seed, self.epoch))
        order = torch.randperm(len(self.splits.train[1]), generator=generator).split(self.recipe.batch_size)
        title = f"{name} epoch {self.epoch}/{self.epochs}"
        loss = hits = seen = 0
        with torch.random.fork_rng(_gpus(self.device)):
            torch.manual_seed(derived_seed(self.seed, f"dropout {self.epoch}"))
            bar = tqdm(order, desc=title, disable=not progress, mininterval=5)
            for batch in bar:
                batch_loss, batch_hits = self._step(batch, generator)
                loss, hits, seen = loss + batch_loss * len(batch), hits + batch_hits, seen + len(batch)
                bar.set_postfix(loss=f"{loss / seen:.3f}", accuracy=f"{hits / seen:.3f}", refresh=False)
        return loss / seen, hits / seen

    def _step(self, batch, generator):
        inputs, labels = self.splits.train
        self.network.train()
        x = self.recipe.prepare(inputs[batch], generator).to(self.device)
        size = self.recipe.size_at(self.epoch / self.epochs)
        if size is not None:
            x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True)
        y = labels[batch].to(self.device)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.bf16):
            scores = self.network(x)
        loss = F.cross_entropy(scores.float(), y, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.recipe.schedule == "one-cycle":
            self.schedule.step()
        return loss.item(), int((scores.argmax(1) == y).sum())

    def _state(self):
        return {key: value.cpu().clone() for key, value in self.network.state_dict().items()}

    def _settings(self):
        return {
            "seed": self.seed,
            "epochs": self.epochs,
            "examples": len(self.splits.train[1]),
            "batch_size": self.recipe.batch_size,
        }

    def save(self, path):
        """Write everything a resumed run needs; the file is replaced in one step, so a cut leaves the old one
        whole."""
        state = {"settings": self._settings(), "epoch": self.epoch, "log": self.log, "best": self.best}
        state |= {part: getattr(self, part).state_dict() for part in ("network", "optimizer", "schedule")}
        partial = path.with_name(f"{path.name}.partial")
        torch.save(state, partial)
        os.replace(partial, path)

    def resume(self, path):
        """Go on from the checkpoint ``path``, if there is one."""
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["settings"] != self._settings():
            raise ValueError(
                f"out must hold a checkpoint of this run's settings {self._settings()}, got {state['settings']} in {path}."
            )
        for part in ("network", "optimizer", "schedule"):
            getattr(self, part).load_state_dict(state[part])
        self.epoch, self.log, self.best = state["epoch"], state["log"], state["best"] or self._state()


def keep_for_later(checkpoint, model):
    """Copy ``checkpoint`` to ``data/weights/checkpoints`` with weights and momentum in half precision and
    without the best epoch.

    Small enough to be committed between two sittings; the run that goes on from it is close to, not equal to,
    one uncut.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True) | {"best": None}
    for part in ("network", "optimizer"):
        state[part] = tree_map(lambda x: x.half() if torch.is_tensor(x) and x.dim() > 1 else x, state[part])
    SITTINGS.mkdir(parents=True, exist_ok=True)
    torch.save(state, SITTINGS / f"{model}.pt")


def computes_bf16(device):
    """Whether ``device`` has instructions for bfloat16; without them it is emulated, ten times slower than
    float32."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capable = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(capable.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def evaluate(network, examples, recipe, device, bf16=False):
    """Mean cross-entropy and accuracy of ``network`` in eval mode on ``examples``, a pair (inputs,
    labels)."""
    network.eval()
    inputs, labels = examples
    loss = hits = 0
    with torch.no_grad(), torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16):
        for batch in torch.arange(len(labels)).split(250):
            scores, y = network(recipe.prepare(inputs[batch]).to(device)).float(), labels[batch].to(device)
            loss += F.cross_entropy(scores, y, reduction="sum").item()
            hits += int((scores.argmax(1) == y).sum())
    return loss / len(labels), hits / len(labels)


def predictions(network, inputs, recipe, device):
    """The class (N,) that ``network`` in eval mode gives each of the raw ``inputs``."""
    network.eval()
    with torch.no_grad():
        batches = (network(recipe.prepare(part).to(device)).argmax(1).cpu() for part in inputs.split(250))
        return torch.cat(list(batches))


def set_normalisation(network, inputs, prepare, n=5000):
    """Put mean and standard deviation by channel, over ``n`` evenly spaced training examples, into the
    network's buffers."""
    if hasattr(network, "mean"):
        sample = prepare(inputs[:: max(1, len(inputs) // n)])
        network.mean.copy_(sample.mean((0, 2, 3)))
        network.std.copy_(sample.std((0, 2, 3)))


def make_optimizer(network, recipe):
    groups = weight_groups(network, recipe.weight_decay)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.peak_rate)
    return torch.optim.SGD(groups, lr=recipe.peak_rate, momentum=0.9, nesterov=recipe.optimizer == "sgd")


def make_schedule(optimizer, recipe, n_steps):
    """The course of the learning rate: "one-cycle" over ``n_steps`` steps, the others epoch by epoch, see ``Recipe``."""
    rates = torch.optim.lr_scheduler
    if recipe.schedule == "one-cycle":
        cycle = {"total_steps": n_steps, "pct_start": recipe.warm_up, "cycle_momentum": False}
        return rates.OneCycleLR(optimizer, recipe.peak_rate, **cycle)
    if recipe.schedule == "plateau":
        return rates.ReduceLROnPlateau(optimizer, factor=recipe.factor, patience=recipe.patience)
    return rates.StepLR(optimizer, recipe.patience, gamma=recipe.factor if recipe.schedule == "step" else 1.0)


def weight_groups(network, weight_decay):
    """Weight decay for the weights of layers, none for biases and BatchNorm."""
    decayed = [p for p in network.parameters() if p.dim() > 1]
    spared = [p for p in network.parameters() if p.dim() <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]


def derived_seed(seed, label):
    """A seed of its own for each ``label`` (an epoch, a purpose) of a run."""
    return int.from_bytes(hashlib.sha256(f"{seed} {label}".encode()).digest()[:7], "big")


def _gpus(device):
    return [torch.device(device)] if torch.device(device).type == "cuda" else []
