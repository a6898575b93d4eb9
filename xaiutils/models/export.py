"""From a finished training to the three files a network is kept as: weights, model card, training curve."""

import datetime
import json
import platform

import pandas as pd
import torch
from safetensors.torch import save_file

from xaiutils.models.training import evaluate

OPTIMIZERS = {"sgd": "SGD with Nesterov momentum 0.9", "momentum": "SGD with momentum 0.9", "adamw": "AdamW"}
RATES = {
    "one-cycle": "one-cycle learning rate with its peak {0.peak_rate} after {0.warm_up:.0%} of the steps",
    "constant": "learning rate {0.peak_rate}",
    "step": "learning rate {0.peak_rate}, times {0.factor} after every {0.patience} epochs",
    "plateau": "learning rate {0.peak_rate}, times {0.factor} after more than {0.patience} epochs without progress",
}


def export(name, recipe, trainer, splits, out):
    """Write NAME.safetensors, NAME.csv and NAME.md into ``out`` from the best epoch of ``trainer``.

    Weights of layers are stored in half precision, biases and BatchNorm in single; the test set is scored
    with both, in float32 arithmetic, and the card says what the rounding costs.
    """
    full = scores(trainer, trainer.best, splits.tests)
    stored = halved(trainer.best)
    half = scores(trainer, stored, splits.tests)
    kept = {"class_names": splits.class_names} | splits.extras
    save_file(
        stored,
        out / f"{name}.safetensors",
        metadata={key: json.dumps(value) for key, value in kept.items()},
    )
    log = pd.DataFrame(trainer.log)
    log.to_csv(out / f"{name}.csv", index=False)
    (out / f"{name}.md").write_text(card(name, recipe, trainer, splits, log, full, half))


def scores(trainer, state, tests):
    """Accuracy by test set of the network with the weights ``state``, in float32 arithmetic."""
    trainer.network.load_state_dict(state)
    return {
        name: evaluate(trainer.network, examples, trainer.recipe, trainer.device)[1]
        for name, examples in tests.items()
    }


def halved(state):
    """``state`` with every matrix and filter in float16; what has one dimension (biases, BatchNorm) is left
    alone."""
    return {
        key: value.half().contiguous() if value.dim() > 1 else value.contiguous()
        for key, value in state.items()
    }


def card(name, recipe, trainer, splits, log, full, half):
    """The model card, in Markdown."""
    best = log.loc[log.held_out_accuracy.idxmax()]
    n_parameters, n_classes = sum(p.numel() for p in trainer.network.parameters()), len(splits.class_names)
    tested = "; ".join(
        f"{half[key]:.2%} on {len(labels):,} ({key})" for key, (_, labels) in splits.tests.items()
    )
    before = ", ".join(f"{value:.2%}" for value in full.values())
    rows = {
        "network": f"{n_parameters:,} parameters, {n_classes} classes; {recipe.card['source']}",
        "data": recipe.card["data"],
        "split": f"{recipe.card['split']}: {len(splits.train[1]):,} / {len(splits.held_out[1]):,} held out",
        "recipe": f"{trainer.epochs} epochs, {described(recipe, trainer.bf16)}",
        "seed": trainer.seed,
        "epoch kept": f"{int(best.epoch)}, the best on the held-out examples ({best.held_out_accuracy:.2%})",
        "**test accuracy**": f"**{tested}** with the stored half-precision weights, {before} before rounding; "
        "measured once, in float32",
        "machine": f"{machine(trainer.device)}, {log.seconds.sum() / 60:.0f} minutes",
        "date": datetime.date.today().isoformat(),
        "licence of the data": recipe.card["licence"],
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    return (
        f"# {name}\n\n| | |\n|---|---|\n{table}\n\n"
        f"Reproduce with `make train MODEL={name}`; the training curve is `{name}.csv`.\n"
    )


def described(recipe, bf16):
    """A recipe in words; ``bf16`` says whether it was run in bfloat16."""
    words = [
        OPTIMIZERS[recipe.optimizer],
        RATES[recipe.schedule].format(recipe),
        f"batch {recipe.batch_size}, weight decay {recipe.weight_decay}",
        f"label smoothing {recipe.label_smoothing}",
    ]
    if recipe.dropout_ramp:
        words.append(f"dropout rising over {recipe.dropout_ramp:.0%} of the epochs")
    words += [f"{size}x{size} pixels up to {share:.0%} of the epochs" for share, size in recipe.sizes]
    return ", ".join([*words, "bfloat16 autocast" if bf16 else "float32"])


def machine(device):
    """The kind of machine, in general terms."""
    if torch.device(device).type == "cuda":
        return "one GPU"
    n = torch.get_num_threads()
    return f"{n} CPU core{'s' * (n > 1)} ({platform.machine()})"
