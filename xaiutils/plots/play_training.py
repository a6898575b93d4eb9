"""To play with, about training: learning rates by epoch, when to stop, and how many parameters a width costs."""

import numpy as np
import torch

from xaiutils.models import schedules
from xaiutils.models.architectures import thesis_vgg
from xaiutils.models.summary import layers
from xaiutils.plots.explorers import explorer, slider
from xaiutils.plots.pictures import as_array
from xaiutils.plots.style import GREY, PALETTE, figure, styled

EPOCHS = 50


def schedule_picker(losses, rate=0.01):
    """Choose a schedule, its factor and its patience: the rate by epoch, and how many epochs at the first rate it is worth.

    ``losses``  (E,) held-out losses that the plateau schedule follows; the others take no notice of them
    """
    losses = as_array(losses, "losses")

    def rates_of(schedule, factor, patience):
        if schedule == "plateau":
            return schedules.plateau_rates(losses, rate, factor, patience)[: len(losses)]
        if schedule == "one-cycle":
            return schedules.one_cycle_rates(EPOCHS, rate)
        return schedules.step_rates(EPOCHS, rate, factor if schedule == "step" else 1.0, patience)

    @styled
    def draw(schedule, factor, patience, epoch):
        rates = rates_of(schedule, factor, patience)
        worth, last = rates.cumsum() / rate, len(rates)
        fig, (left, right) = figure(1, 2, (9.6, 3.3))
        left.step(np.arange(1, last + 1), rates, where="mid", color=PALETTE[0])
        left.set(yscale="log", xlabel="epoch", ylabel="learning rate")
        right.plot(np.arange(1, last + 1), worth, color=PALETTE[0])
        right.plot([1, last], [1, last], color=GREY, linestyle="--", label="without a schedule")
        right.set(xlabel="epoch", ylabel=f"epochs at {rate:g} it is worth", ylim=(0, EPOCHS))
        now = min(epoch, last)
        for ax, values in ((left, rates), (right, worth)):
            ax.plot(now, values[now - 1], "o", color=PALETTE[1], markersize=8)
        left.set_title(f"epoch {now}: rate {rates[now - 1]:.2g}")
        right.set_title(f"so far {worth[now - 1]:.3g}, in all {worth[-1]:.3g}")
        right.legend(loc="upper left")
        return fig

    return explorer(draw, schedule=["step", "plateau", "one-cycle", "constant"], factor=slider([0.1, 0.2, 0.5, 0.8, 0.9], 0.2),
                    patience=slider([1, 2, 3, 5, 10], 2), epoch=slider(range(1, EPOCHS + 1), 25))


def stopping_cursor(losses):
    """Walk along a held-out loss with early stopping at your side: it waits, begins anew, or ends the training.

    ``losses``  {name: (E,)}: a menu of courses
    """
    courses = {name: as_array(values, "losses") for name, values in losses.items()}

    @styled
    def draw(course, patience, epoch):
        values = courses[course]
        now = min(epoch, len(values))
        best, stop = schedules.early_stop(values[:now], patience)
        fig, ax = figure(size=(7.2, 3.5))
        ax.plot(np.arange(1, len(values) + 1), values, color=GREY, alpha=0.5)
        seen = values[: stop or now]
        ax.plot(np.arange(1, len(seen) + 1), seen, color=PALETTE[0], label="seen so far")
        ax.plot(best, values[best - 1], "*", color=PALETTE[1], markersize=14, label="the best, kept")
        ax.axvspan(best, best + patience, color=PALETTE[4], alpha=0.15, linewidth=0, label="patience")
        if stop:
            ax.axvline(stop, color="#000000", linewidth=1)
        state = f"stopped after epoch {stop}" if stop else f"epoch {now}, waited {now - best} of {patience}"
        ax.set(xlabel="epoch", ylabel="held-out loss", title=f"best epoch {best}; {state}")
        ax.legend(loc="upper right")
        return fig

    longest = max(len(values) for values in courses.values())
    return explorer(draw, course=list(courses), patience=slider([1, 2, 3, 5, 10, 20], 10), epoch=slider(range(1, longest + 1), longest))


def parameter_count():
    """Width, classes and picture size of the thesis' network: a bar a layer, and the share of the dense layers."""
    @styled
    def draw(width, classes, size):
        with torch.device("meta"):
            network = thesis_vgg(width, classes, size=size)
        table = layers(network, (3, size, size))
        counts = (table["parameters"] + table["batchnorm"]).to_numpy()
        dense = table["layer"].str.startswith("fc").to_numpy()
        fig, ax = figure(size=(8.2, 3.6))
        ax.bar(np.arange(len(table)), counts / 1e6, color=[PALETTE[1] if is_dense else PALETTE[0] for is_dense in dense])
        ax.set(xticks=np.arange(len(table)), ylabel="million parameters",
               title=f"{counts.sum():,} parameters, {counts[dense].sum() / counts.sum():.1%} of them in dense layers")
        ax.set_xticklabels(table["layer"], rotation=60, ha="right", rotation_mode="anchor")
        return fig

    return explorer(draw, width=slider([0.125, 0.25, 0.5, 1.0, 1.5, 2.0], 1.0), classes=slider([10, 20, 200, 1000], 200),
                    size=slider([32, 64, 128, 224], 64))
