"""Rules on two measurements of the same images: one greater than the other, or both alike."""

from dataclasses import dataclass, replace

from xaiutils import intervals
from xaiutils.rules.base import FEWEST, Outcome, Rule, arrays


def differences(data, fewest=1):
    """Per-image differences (N,) of ``{"greater": (N,), "lesser": (N,)}``, image by image."""
    greater, lesser = arrays(data, "greater", "lesser", fewest=fewest)
    return greater - lesser


@dataclass(frozen=True)
class PairedGreater(Rule):
    """The mean per-image difference greater - lesser exceeds ``margin``; contradicted where it falls short.

    Data: ``{"greater": (N,), "lesser": (N,)}``, one number an image in the same order.
    """

    margin: float = 0.0

    def measure(self, data):
        values = differences(data)
        return Outcome("inconclusive", float(values.mean()), n=len(values))

    def judge(self, data):
        resamples = intervals.resample(differences(data, FEWEST))
        low, high = intervals.percentile(resamples)
        word = "holds" if low > self.margin else "contradicted" if high < self.margin else "inconclusive"
        return replace(self.measure(data), word=word, interval=(low, high),
                       p=intervals.bootstrap_p(resamples, self.margin))

    def __str__(self):
        return f"the mean paired difference over images (95 % bootstrap interval) lies above {self.margin:g}"


@dataclass(frozen=True)
class Equivalent(Rule):
    """Two quantities agree: the 90 % interval of the mean paired difference lies inside [-d, d].

    Contradicted where the 95 % interval lies wholly outside. Data as for :class:`PairedGreater`.
    """

    d: float

    def measure(self, data):
        return PairedGreater().measure(data)

    def judge(self, data):
        resamples = intervals.resample(differences(data, FEWEST))
        low, high = intervals.percentile(resamples, 0.90)
        outer_low, outer_high = intervals.percentile(resamples)
        word = "inconclusive"
        if -self.d <= low and high <= self.d:
            word = "holds"
        elif outer_low > self.d or outer_high < -self.d:
            word = "contradicted"
        return replace(self.measure(data), word=word, interval=(low, high))

    def __str__(self):
        return f"the mean paired difference (90 % bootstrap interval) lies inside [-{self.d:g}, {self.d:g}]"


@dataclass(frozen=True)
class Differs(Rule):
    """Two quantities differ, whichever is greater: the 95 % interval of the mean paired difference lies wholly outside [-d, d].

    Contradicted where the 90 % interval lies inside. The counterpart of :class:`Equivalent`; data as for it.
    """

    d: float = 0.0

    def measure(self, data):
        return PairedGreater().measure(data)

    def judge(self, data):
        opposite = {"holds": "contradicted", "contradicted": "holds"}
        found = Equivalent(self.d).judge(data)
        low_high = intervals.percentile(intervals.resample(differences(data, FEWEST)))
        return replace(found, word=opposite.get(found.word, found.word), interval=low_high)

    def __str__(self):
        return f"the mean paired difference (95 % bootstrap interval) lies outside [-{self.d:g}, {self.d:g}], on either side"
