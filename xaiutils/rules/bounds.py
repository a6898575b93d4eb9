"""Rules on values by themselves: equal to something, on one side of a boundary, a share of successes."""

from dataclasses import dataclass, replace

import numpy as np

from xaiutils import intervals
from xaiutils.rules.base import FEWEST, Outcome, Rule, arrays, entries, numbers


@dataclass(frozen=True)
class Equals(Rule):
    """Every measured value is the expected one: max |measured - expected| <= tolerance.

    Data: numbers of any shape where ``to`` is given, else ``{"measured": ..., "expected": ...}`` of equal
    shape.
    """

    tolerance: float
    to: float | None = None

    def measure(self, data):
        measured, distance = self._compare(data)
        single = self.to is not None and measured.size == 1
        return Outcome("inconclusive", float(measured.item()) if single else distance, n=measured.size)

    def judge(self, data):
        word = "holds" if self._compare(data)[1] <= self.tolerance else "contradicted"
        return replace(self.measure(data), word=word)

    def _compare(self, data):
        """The measured values and their largest distance from the expected ones."""
        measured, expected = (data, self.to) if self.to is not None else entries(data, "measured", "expected")
        shape = np.shape(measured.detach() if hasattr(measured, "detach") else measured)
        measured = numbers(measured, "measured", ndim=len(shape) or 1)
        expected = numbers(expected, "expected", ndim=len(np.shape(expected)) or 1)
        if self.to is None and measured.shape != expected.shape:
            raise ValueError(f"measured and expected must have one shape, "
                             f"got {measured.shape} and {expected.shape}")
        return measured, float(np.abs(measured - expected).max())

    def __str__(self):
        target = "its expected value" if self.to is None else f"{self.to:g}"
        how = f"within {self.tolerance:g}" if self.tolerance else "exactly"
        return f"every value equals {target} {how}"


@dataclass(frozen=True)
class Bound(Rule):
    """A bound on every value, or on the mean or median over images with its bootstrap interval.

    ``side`` is "above" or "below". Holds where the interval lies beyond ``threshold``; contradicted where it
    lies on the other side of ``opposite`` (default: of ``threshold``). With ``of="every"`` the worst value
    stands for the interval.
    """

    side: str
    threshold: float
    of: str = "every"
    opposite: float | None = None

    def __post_init__(self):
        if self.of not in ("every", "mean", "median"):
            raise ValueError(f"of must be 'every', 'mean' or 'median', got {self.of!r}")

    def measure(self, data):
        values = numbers(data, "data")
        worst = np.min if self.side == "above" else np.max
        statistic = worst if self.of == "every" else getattr(np, self.of)
        return Outcome("inconclusive", float(statistic(values)), n=len(values))

    def judge(self, data):
        found = self.measure(data)
        if self.of == "every":
            interval, (low, high) = None, (found.measured, found.measured)
        else:
            values = numbers(data, "data", fewest=FEWEST)
            interval = low, high = intervals.percentile(intervals.resample(values, self.of))
        opposite = self.threshold if self.opposite is None else self.opposite
        if self.side == "above":
            word = "holds" if low > self.threshold else "contradicted" if high < opposite else "inconclusive"
        else:
            word = "holds" if high < self.threshold else "contradicted" if low > opposite else "inconclusive"
        return replace(found, word=word, interval=interval)

    def __str__(self):
        what = "every value" if self.of == "every" else f"the {self.of} (95 % bootstrap interval)"
        other = {"above": "below", "below": "above"}[self.side]
        extra = "" if self.opposite is None else f"; contradicted {other} {self.opposite:g}"
        return f"{what} lies {self.side} {self.threshold:g}{extra}"


def above(threshold, of="every", contradicted_below=None):
    """:class:`Bound` from below: ``above(0.9, of="mean", contradicted_below=0.7)``. Data: numbers (N,)."""
    return Bound("above", threshold, of, contradicted_below)


def below(threshold, of="every", contradicted_above=None):
    """:class:`Bound` from above: ``below(0.2, of="mean", contradicted_above=0.5)``. Data: numbers (N,)."""
    return Bound("below", threshold, of, contradicted_above)


@dataclass(frozen=True)
class Share(Rule):
    """A share of successes exceeds ``holds_above`` by its Clopper-Pearson 95 % interval.

    Contradicted where the interval lies below ``contradicted_below`` (default: ``holds_above``).
    Data: ``{"successes": k, "trials": n}``, two whole numbers.
    """

    holds_above: float
    contradicted_below: float | None = None

    def measure(self, data):
        successes, trials = (values.item() for values in arrays(data, "successes", "trials"))
        whole = successes == int(successes) and trials == int(trials)
        if not (whole and 0 <= successes <= trials and trials > 0):
            raise ValueError(f"successes of trials must be whole numbers with 0 <= k <= n and n > 0, "
                             f"got {successes:g} of {trials:g}")
        return Outcome("inconclusive", successes / trials, n=int(trials))

    def judge(self, data):
        found = self.measure(data)
        low, high = intervals.clopper_pearson(round(found.measured * found.n), found.n)
        bottom = self.holds_above if self.contradicted_below is None else self.contradicted_below
        word = "holds" if low > self.holds_above else "contradicted" if high < bottom else "inconclusive"
        return replace(found, word=word, interval=(low, high))

    def __str__(self):
        extra = "" if self.contradicted_below is None else f"; contradicted below {self.contradicted_below:g}"
        return f"the share (Clopper-Pearson 95 % interval) lies above {self.holds_above:g}{extra}"
