"""Rules on how one quantity goes with another: rank correlation, rise from level to level, power law."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from xaiutils import intervals
from xaiutils.rules.base import FEWEST, LEVEL, Outcome, Rule, arrays, numbers


@dataclass(frozen=True)
class Trend(Rule):
    """y rises with x: the 95 % interval of Spearman's rank correlation lies above ``threshold``.

    Data: ``{"x": (N,), "y": (N,)}``. For a falling trend pass -y.
    """

    threshold: float = 0.0

    def measure(self, data):
        x, y = arrays(data, "x", "y", fewest=4)
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            raise ValueError("x and y must vary to be ranked, got a constant")
        r, interval, p = intervals.spearman(x, y)
        return Outcome("inconclusive", r, interval, len(x), p)

    def judge(self, data):
        found = self.measure(data)
        low, high = found.interval
        word = "inconclusive"
        if low > self.threshold or high < self.threshold:
            word = "holds" if low > self.threshold else "contradicted"
        return replace(found, word=word, p=found.p if self.threshold == 0 else None)

    def __str__(self):
        return f"Spearman's rank correlation (95 % interval) lies above {self.threshold:g}"


@dataclass(frozen=True)
class PageTrend(Rule):
    """Within images, the score rises from level to level: Page's trend test, one-sided p < 0.05.

    Contradicted where the score falls by the same test. Data: (N, L), a row an image, a column a level (e.g.
    1, 5, 10, 20 false classes). Measured is the mean rank correlation of a row with the order of the levels.
    """

    def measure(self, data):
        scores = numbers(data, "data", ndim=2)
        n, levels = scores.shape
        if levels < 3:
            raise ValueError(f"data must have at least 3 levels (columns), got {levels}")
        rank_sum = (stats.rankdata(scores, axis=1).sum(axis=0) * np.arange(1, levels + 1)).sum()
        measured = 12 * rank_sum / (n * levels * (levels ** 2 - 1)) - 3 * (levels + 1) / (levels - 1)
        return Outcome("inconclusive", float(measured), n=n)

    def judge(self, data):
        found, scores = self.measure(data), numbers(data, "data", ndim=2, fewest=FEWEST)
        rising = float(stats.page_trend_test(scores).pvalue)
        falling = float(stats.page_trend_test(scores[:, ::-1]).pvalue)
        word = "holds" if rising < LEVEL else "contradicted" if falling < LEVEL else "inconclusive"
        return replace(found, word=word, p=min(rising, falling))

    def __str__(self):
        return "the score rises from level to level within images (Page's trend test, one-sided p < 0.05)"


@dataclass(frozen=True)
class Slope(Rule):
    """y goes as a power of x: log-log slope in [low, high]; contradicted where its interval misses it.

    Data: ``{"x": (N,), "y": (N,)}``, positive, N >= 3.
    """

    low: float
    high: float

    def measure(self, data):
        x, y = arrays(data, "x", "y", fewest=3)
        if min(x.min(), y.min()) <= 0:
            raise ValueError(f"x and y must be positive, got a least value of {min(x.min(), y.min()):g}")
        slope, interval = intervals.loglog_slope(x, y)
        return Outcome("inconclusive", slope, interval, len(x))

    def judge(self, data):
        found = self.measure(data)
        if self.low <= found.measured <= self.high:
            return replace(found, word="holds")
        outside = found.interval[0] > self.high or found.interval[1] < self.low
        return replace(found, word="contradicted" if outside else "inconclusive")

    def __str__(self):
        return f"the log-log slope lies in [{self.low:g}, {self.high:g}]"
