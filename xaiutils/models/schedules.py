"""Learning rates epoch by epoch, early stopping, and what the log of a training says about both.

Epochs count from 1; the first number of an array belongs to epoch 1.
"""

import math

import numpy as np


def step_rates(epochs, rate=0.01, factor=0.2, every=2):
    """(epochs,) ``rate`` multiplied by ``factor`` after every ``every`` epochs: rate * factor^floor((e - 1) / every)."""
    return rate * factor ** np.floor(np.arange(epochs) / every)


def plateau_rates(losses, rate=0.01, factor=0.2, patience=2):
    """(E + 1,) the rates of E epochs with the held-out ``losses`` (E,), and of the next one.

    The rate is multiplied by ``factor`` where the loss has not improved for more than ``patience`` epochs; counting then
    begins anew. As in PyTorch's ReduceLROnPlateau, to improve is to fall below the best so far by one part in 10,000,
    and a cut of less than 1e-8 is none.
    """
    rates, best, waited = [rate], math.inf, 0
    for loss in losses:
        waited = 0 if loss < best * (1 - 1e-4) else waited + 1
        best = loss if waited == 0 else best
        cut = waited > patience
        rates.append(rates[-1] * (factor if cut and rates[-1] * (1 - factor) > 1e-8 else 1))
        waited = 0 if cut else waited
    return np.array(rates)


def one_cycle_rates(epochs, peak=0.05, warm_up=0.25, steps=100):
    """(epochs,) the rates at the end of each epoch of ``steps`` steps: up from peak / 25 along a cosine, down to nearly 0.

    The peak comes after ``warm_up`` of all steps; the lowest rate is peak / 250,000, as in PyTorch's OneCycleLR.
    """
    total, now = epochs * steps, np.arange(1, epochs + 1) * steps
    turn = warm_up * total - 1
    rising, falling = now / turn, (now - turn) / (total - 1 - turn)
    up = peak + (peak / 25 - peak) * (1 + np.cos(np.pi * rising)) / 2
    down = peak / 250_000 + (peak - peak / 250_000) * (1 + np.cos(np.pi * falling)) / 2
    return np.where(now <= turn, up, down)


def early_stop(losses, patience=10):
    """(best epoch, epoch after which training ends or None): it ends ``patience`` epochs after the last improvement."""
    best = 1
    for epoch, loss in enumerate(losses, 1):
        if loss < losses[best - 1]:
            best = epoch
        elif epoch - best >= patience:
            return best, epoch
    return best, None


def first_cut(rates):
    """The first epoch whose rate is lower than that of the epoch before; None where there is none."""
    lower = np.flatnonzero(np.diff(rates) < 0)
    return int(lower[0]) + 2 if len(lower) else None


def gain_at_first_cut(rates, accuracies):
    """(gain over the first epoch at a lower rate, mean gain of the epochs before and after it), of accuracies (E,).

    None where the rate is never lowered, or has no epoch with a gain on either side.
    """
    cut, gains = first_cut(rates), np.diff(accuracies)  # gains[k] is that of epoch k + 2
    if cut is None or not 3 <= cut < len(rates):
        return None
    return float(gains[cut - 2]), float((gains[cut - 3] + gains[cut - 1]) / 2)


def hours_to(log, accuracy):
    """Hours until the held-out accuracy of a training's ``log`` first reached ``accuracy``; None where it never did."""
    reached = np.flatnonzero(log["held_out_accuracy"] >= accuracy)
    return float(log["seconds"].cumsum().iloc[reached[0]] / 3600) if len(reached) else None
