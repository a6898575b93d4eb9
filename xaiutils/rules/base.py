"""What every rule shares: its outcome, its two methods, and the checks of the data it is given."""

from dataclasses import dataclass, field

import numpy as np

FEWEST = 10  # images; below it a percentile interval is far too narrow
LEVEL = 0.05


@dataclass(frozen=True)
class Outcome:
    """What a rule found: word, measured value, interval, number of values, p-value, outcomes of its parts."""

    word: str
    measured: object = None
    interval: object = None
    n: int = 0
    p: float | None = None
    parts: dict = field(default_factory=dict)


class TooFew(ValueError):
    """There are too few values for a verdict; it is not tested, and no fault of the data."""


def numbers(data, name, *, ndim=1, fewest=1):
    """``data`` as a float array of ``ndim`` axes, or one sentence saying what is wrong with it.

    Booleans are refused: a rule takes measurements. ``name`` is how the message calls the data; ``fewest`` is
    the least length of the first axis.
    """
    data = data.detach().cpu().numpy() if hasattr(data, "detach") else data
    flat = np.asarray(data, dtype=object).ravel()
    if any(isinstance(value, (bool, np.bool_)) for value in flat):
        raise TypeError(f"{name} must be measured numbers, got booleans: the rule decides, not the caller")
    try:
        array = np.asarray(data, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be numbers, got {data!r:.80}") from None
    array = array.reshape(1) if array.ndim == 0 and ndim == 1 else array
    if array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got an array of shape {array.shape}")
    if len(array) < fewest:
        raise TooFew(f"{name} must hold at least {fewest} values to be judged, got {len(array)}")
    if not np.isfinite(array).all():
        bad = np.count_nonzero(~np.isfinite(array))
        raise ValueError(f"{name} must be finite, got {bad} NaN or infinite of {array.size} values")
    return array


def entries(data, *names):
    """The values of the mapping ``data`` under exactly ``names``, or a sentence saying what it holds."""
    if not isinstance(data, dict) or set(data) != set(names):
        got = sorted(map(str, data)) if isinstance(data, dict) else type(data).__name__
        raise ValueError(f"data must be a mapping with the entries {', '.join(names)}, got {got}")
    return [data[name] for name in names]


def arrays(data, *names, fewest=1):
    """The entries of ``data`` under ``names`` as arrays (N,) of one length."""
    found = [numbers(value, name, fewest=fewest) for name, value in zip(names, entries(data, *names))]
    if len({len(values) for values in found}) > 1:
        lengths = " and ".join(str(len(values)) for values in found)
        raise ValueError(f"{' and '.join(names)} must have one length, got {lengths} values")
    return found


class Rule:
    """Base of all rules: ``measure`` gives the value for any number of images, ``judge`` the verdict."""

    def measure(self, data):
        """The measured value alone; its word is "inconclusive"."""
        raise NotImplementedError

    def judge(self, data):
        """The :class:`Outcome` for ``data``; ValueError or TypeError where the data cannot be judged."""
        raise NotImplementedError
