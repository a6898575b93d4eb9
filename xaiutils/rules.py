"""Rules of the ledger: objects that take measurements and give a verdict, never a boolean from a caller.

A rule stands as text in a claim's ``rule`` field, for example ``over_models(paired_greater())``; :func:`parse` builds it.
``rule.judge(data)`` gives an :class:`Outcome` with one of the words

* ``holds`` or ``contradicted``: the whole interval lies on one side of the boundary,
* ``inconclusive``: the interval includes the boundary,
* ``misprint``: a closed form refutes a printed value,

and ``rule.measure(data)`` gives the measured value alone, without a verdict. ``str(rule)`` is the rule as a sentence.
Intervals are 95 % percentile intervals of 10,000 bootstrap resamples over images (seed 0) unless the rule says otherwise.
"""

import ast
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from xaiutils import intervals

FEWEST = 10  # images; below it a percentile interval is far too narrow
LEVEL = 0.05


@dataclass(frozen=True)
class Outcome:
    """What a rule found: verdict word, measured value, its interval, number of values, p-value, outcomes of its parts."""

    word: str
    measured: object = None
    interval: object = None
    n: int = 0
    p: float | None = None
    parts: dict = field(default_factory=dict)


def numbers(data, name, *, ndim=1, fewest=1):
    """``data`` as a float array of ``ndim`` axes, or one sentence saying what is wrong with it.

    Booleans are refused: a rule takes measurements. ``name`` is how the message calls the data; ``fewest`` is the least
    length of the first axis.
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
        raise ValueError(f"{name} must hold at least {fewest} values to be judged, got {len(array)}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {np.count_nonzero(~np.isfinite(array))} NaN or infinite values")
    return array


def entries(data, *names):
    """The values of the mapping ``data`` under exactly ``names``, or one sentence saying which are missing or unknown."""
    if not isinstance(data, dict) or set(data) != set(names):
        got = sorted(map(str, data)) if isinstance(data, dict) else type(data).__name__
        raise ValueError(f"data must be a mapping with the entries {', '.join(names)}, got {got}")
    return [data[name] for name in names]


class Rule:
    """Base of all rules: ``measure`` gives the value (no verdict, any number of images), ``judge`` the verdict."""

    def measure(self, data):
        """The measured value alone; its word is "inconclusive"."""
        raise NotImplementedError

    def judge(self, data):
        """The :class:`Outcome` for ``data``; ValueError or TypeError where the data cannot be judged."""
        raise NotImplementedError


@dataclass(frozen=True)
class Equals(Rule):
    """Every measured value is the expected one: max |measured - expected| <= tolerance.

    Data: numbers of any shape where ``to`` is given, else ``{"measured": ..., "expected": ...}`` of equal shape.
    """

    tolerance: float
    to: float | None = None

    def measure(self, data):
        measured, expected = (data, self.to) if self.to is not None else entries(data, "measured", "expected")
        shape = np.shape(measured.detach() if hasattr(measured, "detach") else measured)
        measured = numbers(measured, "measured", ndim=len(shape) or 1)
        expected = numbers(expected, "expected", ndim=len(np.shape(expected)) or 1)
        if self.to is None and measured.shape != expected.shape:
            raise ValueError(f"measured and expected must have one shape, got {measured.shape} and {expected.shape}")
        distance = float(np.abs(measured - expected).max())
        single = self.to is not None and measured.size == 1
        return Outcome("inconclusive", float(measured.item()) if single else distance, n=measured.size,
                       parts={"distance": distance})

    def judge(self, data):
        found = self.measure(data)
        word = "holds" if found.parts["distance"] <= self.tolerance else "contradicted"
        return replace(found, word=word, parts={})

    def __str__(self):
        target = "its expected value" if self.to is None else f"{self.to:g}"
        return f"every value equals {target}" + (f" within {self.tolerance:g}" if self.tolerance else " exactly")


@dataclass(frozen=True)
class Bound(Rule):
    """A bound on every value, or on the mean or median over images with its bootstrap interval.

    ``side`` is "above" or "below". Holds where the interval lies beyond ``threshold``; contradicted where it lies on the
    other side of ``opposite`` (default: of ``threshold``). With ``of="every"`` the worst value stands for the interval.
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
    """:class:`Bound` from below, e.g. ``above(0.95, of="mean", contradicted_below=0.9)``. Data: numbers (N,) or one."""
    return Bound("above", threshold, of, contradicted_below)


def below(threshold, of="every", contradicted_above=None):
    """:class:`Bound` from above, e.g. ``below(0.2, of="mean", contradicted_above=0.5)``. Data: numbers (N,) or one."""
    return Bound("below", threshold, of, contradicted_above)


def differences(data, fewest=1):
    """Per-image differences (N,) of ``{"greater": (N,), "lesser": (N,)}``, image by image."""
    greater, lesser = entries(data, "greater", "lesser")
    greater, lesser = numbers(greater, "greater", fewest=fewest), numbers(lesser, "lesser", fewest=fewest)
    if len(greater) != len(lesser):
        raise ValueError(f"greater and lesser must pair image by image, got {len(greater)} and {len(lesser)} values")
    return greater - lesser


@dataclass(frozen=True)
class PairedGreater(Rule):
    """The mean per-image difference greater - lesser exceeds ``margin``; contradicted where it falls short of it.

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
        return f"the 90 % bootstrap interval of the mean paired difference lies inside [-{self.d:g}, {self.d:g}]"


@dataclass(frozen=True)
class Share(Rule):
    """A share of successes exceeds ``holds_above`` by its Clopper-Pearson 95 % interval.

    Contradicted where the interval lies below ``contradicted_below`` (default: ``holds_above``).
    Data: ``{"successes": k, "trials": n}``, two whole numbers.
    """

    holds_above: float
    contradicted_below: float | None = None

    def measure(self, data):
        successes, trials = (numbers(value, name).item() for value, name
                             in zip(entries(data, "successes", "trials"), ("successes", "trials")))
        if not (successes == int(successes) and trials == int(trials) and 0 <= successes <= trials and trials > 0):
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


@dataclass(frozen=True)
class Trend(Rule):
    """y rises with x: the 95 % interval of Spearman's rank correlation lies above ``threshold``.

    Data: ``{"x": (N,), "y": (N,)}``. For a falling trend pass -y.
    """

    threshold: float = 0.0

    def measure(self, data):
        x, y = (numbers(value, name, fewest=4) for value, name in zip(entries(data, "x", "y"), "xy"))
        if len(x) != len(y):
            raise ValueError(f"x and y must have one length, got {len(x)} and {len(y)}")
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            raise ValueError("x and y must vary to be ranked, got a constant")
        r, interval, p = intervals.spearman(x, y)
        return Outcome("inconclusive", r, interval, len(x), p)

    def judge(self, data):
        found = self.measure(data)
        low, high = found.interval
        word = "holds" if low > self.threshold else "contradicted" if high < self.threshold else "inconclusive"
        return replace(found, word=word, p=found.p if self.threshold == 0 else None)

    def __str__(self):
        return f"Spearman's rank correlation (95 % interval) lies above {self.threshold:g}"


@dataclass(frozen=True)
class PageTrend(Rule):
    """Within images, the score rises from level to level: Page's trend test, one-sided p < 0.05.

    Contradicted where the score falls by the same test. Data: (N, L), a row an image, a column a level (e.g. 1, 5, 10, 20
    false classes). Measured is the mean rank correlation of a row with the order of the levels.
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
        scores = numbers(data, "data", ndim=2, fewest=FEWEST)
        rising = float(stats.page_trend_test(scores).pvalue)
        falling = float(stats.page_trend_test(scores[:, ::-1]).pvalue)
        word = "holds" if rising < LEVEL else "contradicted" if falling < LEVEL else "inconclusive"
        return replace(self.measure(data), word=word, p=min(rising, falling))

    def __str__(self):
        return "the score rises from level to level within images (Page's trend test, one-sided p < 0.05)"


@dataclass(frozen=True)
class Slope(Rule):
    """y falls or grows as a power of x: the log-log slope lies in [low, high]; contradicted where its interval misses it.

    Data: ``{"x": (N,), "y": (N,)}``, positive, N >= 3.
    """

    low: float
    high: float

    def measure(self, data):
        x, y = (numbers(value, name, fewest=3) for value, name in zip(entries(data, "x", "y"), "xy"))
        if len(x) != len(y) or min(x.min(), y.min()) <= 0:
            raise ValueError(f"x and y must be positive and of one length, got {len(x)} and {len(y)} values "
                             f"with least {min(x.min(), y.min()):g}")
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


@dataclass(frozen=True)
class Misprint(Rule):
    """Printed values against their closed forms: every |closed form - printed| <= tolerance, else a misprint.

    Data: ``{name: closed form}`` with the names of the claim's ``values``, which :func:`parse` puts into ``printed``.
    """

    tolerance: float
    printed: dict = field(default_factory=dict)

    def measure(self, data):
        found = entries(data, *self.printed)
        closed = {name: float(numbers(value, name).item()) for name, value in zip(self.printed, found)}
        return Outcome("inconclusive", closed, n=len(closed))

    def judge(self, data):
        found = self.measure(data)
        wrong = [name for name, value in found.measured.items()
                 if abs(value - float(self.printed[name])) > self.tolerance]
        return replace(found, word="misprint" if wrong else "holds")

    def __str__(self):
        return f"every printed value equals its closed form within {self.tolerance:g}"


@dataclass(frozen=True)
class TableValues(Rule):
    """Cells of a printed table are met within ``tolerance``; contradicted where one is missed.

    Data: the table's nesting, ``{row: {column: value}}``. It is judged at paper scale only: at any other scale the claim
    stays inconclusive (see ``claims.decide``), since other images and networks do not speak about these numbers.
    """

    tolerance: float
    printed: dict = field(default_factory=dict)

    def measure(self, data):
        if not isinstance(data, dict) or not all(isinstance(row, dict) for row in data.values()):
            raise ValueError(f"data must be a mapping row -> column -> value, got {type(data).__name__}")
        cells = {f"{row} {column}": float(numbers(value, f"{row} {column}").item())
                 for row, line in data.items() for column, value in line.items()}
        return Outcome("inconclusive", cells, n=len(cells))

    def judge(self, data):
        found = self.measure(data)
        printed = {f"{row} {column}": float(value) for row, line in self.printed.items() for column, value in line.items()}
        values = entries(found.measured, *printed)
        missed = [name for name, value in zip(printed, values) if abs(value - printed[name]) > self.tolerance]
        return replace(found, word="contradicted" if missed else "holds")

    def __str__(self):
        return f"every cell of the printed table is met within {self.tolerance:g}, at the paper's scale"


@dataclass(frozen=True)
class SameValues(Rule):
    """The values used are those printed (numbers as numbers, text without regard to case).

    Data: ``{name: value used}`` with the names of the claim's ``values``, which :func:`parse` puts into ``printed``.
    """

    printed: dict = field(default_factory=dict)

    def measure(self, data):
        used = entries(data, *self.printed)
        if any(isinstance(value, (bool, np.bool_)) for value in used):
            raise TypeError("used must be the values used, got booleans: the rule compares them with the printed ones")
        return Outcome("inconclusive", dict(zip(self.printed, used)), n=len(used))

    def judge(self, data):
        found = self.measure(data)
        same = all(_plain(found.measured[name]) == _plain(value) for name, value in self.printed.items())
        return replace(found, word="holds" if same else "contradicted")

    def __str__(self):
        return "the values used are the printed ones"


def _plain(value):
    """A value for comparison: numbers (also written as text) as float, text in lower case, lists item by item."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value).strip().lower()


class AllOf(Rule):
    """Every part holds; contradicted where one part is. Data: ``{part: its data}``.

    Comparisons with a p-value (paired differences, trends) are corrected by Holm's method: a part whose adjusted p-value
    is 0.05 or more counts as inconclusive.
    """

    def __init__(self, **parts):
        if len(parts) < 2 or not all(isinstance(rule, Rule) for rule in parts.values()):
            raise ValueError(f"all_of needs two or more named rules, got {sorted(parts)}")
        self.parts = parts

    def __eq__(self, other):
        return isinstance(other, type(self)) and self.parts == other.parts

    def measure(self, data):
        values = entries(data, *self.parts)
        return _joined("inconclusive", {name: rule.measure(value) for (name, rule), value in zip(self.parts.items(), values)})

    def judge(self, data):
        values = entries(data, *self.parts)
        found = {name: _named(name, rule.judge, value) for (name, rule), value in zip(self.parts.items(), values)}
        tested = [name for name, outcome in found.items() if outcome.p is not None]
        for name, p in zip(tested, intervals.holm([found[name].p for name in tested])):
            word = found[name].word if p < LEVEL else "inconclusive"
            found[name] = replace(found[name], word=word, p=float(p))
        words = [outcome.word for outcome in found.values()]
        worst = next(word for word in ("contradicted", "misprint", "inconclusive", "holds") if word in words)
        return _joined(worst, found)

    def __str__(self):
        return "all of: " + "; ".join(f"[{name}] {rule}" for name, rule in self.parts.items())


@dataclass(frozen=True)
class Either(Rule):
    """Holds where one rule holds, contradicted where another does; inconclusive where neither or both do.

    Data: ``{"holds": data of the first rule, "contradicted": data of the second}``.
    """

    holds: Rule
    contradicted: Rule

    def measure(self, data):
        for_it, against = entries(data, "holds", "contradicted")
        return _joined("inconclusive", {"holds": self.holds.measure(for_it), "contradicted": self.contradicted.measure(against)})

    def judge(self, data):
        for_it, against = entries(data, "holds", "contradicted")
        found = {"holds": _named("holds", self.holds.judge, for_it),
                 "contradicted": _named("contradicted", self.contradicted.judge, against)}
        met = [name for name, outcome in found.items() if outcome.word == "holds"]
        return _joined(met[0] if len(met) == 1 else "inconclusive", found)

    def __str__(self):
        return f"holds where {self.holds}; contradicted where {self.contradicted}"


@dataclass(frozen=True)
class OverModels(Rule):
    """A rule over several networks: holds on at least two of three and contradicted on none, or the other way round.

    With one or two networks it has to hold (or be contradicted) on each. Data: ``{network: data of the rule}``.
    """

    rule: Rule

    def measure(self, data):
        return _joined("inconclusive", {name: self.rule.measure(value) for name, value in self._networks(data).items()})

    def judge(self, data):
        found = {name: _named(name, self.rule.judge, value) for name, value in self._networks(data).items()}
        words = [outcome.word for outcome in found.values()]
        needed = min(2, len(words)) if len(words) <= 3 else -(-2 * len(words) // 3)
        for word, opposite in (("holds", "contradicted"), ("contradicted", "holds")):
            if words.count(word) >= needed and opposite not in words:
                return _joined(word, found)
        return _joined("inconclusive", found)

    @staticmethod
    def _networks(data):
        if not isinstance(data, dict) or not data:
            raise ValueError(f"data must be a mapping network -> data with at least one network, got {type(data).__name__}")
        return data

    def __str__(self):
        return f"on at least two of three networks and against it on none: {self.rule}"


def _named(name, judge, data):
    """``judge(data)``; what is wrong with the data is said with the part's name before it."""
    try:
        return judge(data)
    except (TypeError, ValueError) as error:
        raise type(error)(f"[{name}] {error}") from None


def _joined(word, parts):
    """One outcome from named outcomes: values and intervals by name, the least number of images."""
    return Outcome(word, {name: part.measured for name, part in parts.items()},
                   {name: part.interval for name, part in parts.items()}, min(part.n for part in parts.values()), parts=parts)


RULES = {"equals": Equals, "above": above, "below": below, "paired_greater": PairedGreater, "equivalent": Equivalent,
         "share": Share, "trend": Trend, "page_trend": PageTrend, "slope": Slope, "misprint": Misprint,
         "table_values": TableValues, "same_values": SameValues, "all_of": AllOf, "either": Either,
         "over_models": OverModels}


def parse(text, printed=None):
    """The rule written in ``text``, e.g. ``all_of(sign=below(0, of="mean"), size=above(0.5, of="mean"))``.

    Only the constructors of ``RULES`` with literal arguments are understood; nothing is evaluated. ``printed`` (the claim's
    values) goes to the rules that compare with them. ValueError where the text is no rule.
    """
    try:
        return _build(ast.parse(text, mode="eval").body, printed or {})
    except (SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"rule {text!r} cannot be read: {error}") from None


def _build(node, printed):
    """A rule from a call, a literal from anything else."""
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    name = getattr(node.func, "id", None)
    if name not in RULES:
        raise ValueError(f"unknown rule {name!r}; known are {', '.join(sorted(RULES))}")
    rule = RULES[name](*(_build(argument, printed) for argument in node.args),
                       **{word.arg: _build(word.value, printed) for word in node.keywords})
    compares = isinstance(rule, (Misprint, TableValues, SameValues))
    return replace(rule, printed=printed) if compares else rule
