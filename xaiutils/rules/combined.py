"""Rules made of rules: all of several parts, one for and one against, the same over several networks."""

from dataclasses import dataclass, replace

from xaiutils import intervals
from xaiutils.rules.base import LEVEL, Outcome, Rule, entries


class AllOf(Rule):
    """Every part holds; contradicted where one part is. Data: ``{part: its data}``.

    Comparisons with a p-value (paired differences, trends) are corrected by Holm's method: a part whose
    adjusted p-value is 0.05 or more counts as inconclusive.
    """

    def __init__(self, **parts):
        if len(parts) < 2 or not all(isinstance(rule, Rule) for rule in parts.values()):
            raise ValueError(f"all_of needs two or more named rules, got {sorted(parts)}")
        self.parts = parts

    def measure(self, data):
        return _joined("inconclusive", _each("measure", self.parts, entries(data, *self.parts)))

    def judge(self, data):
        found = _each("judge", self.parts, entries(data, *self.parts))
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
        return _joined("inconclusive", self._sides("measure", data))

    def judge(self, data):
        found = self._sides("judge", data)
        met = [name for name, outcome in found.items() if outcome.word == "holds"]
        return _joined(met[0] if len(met) == 1 else "inconclusive", found)

    def _sides(self, method, data):
        sides = {"holds": self.holds, "contradicted": self.contradicted}
        return _each(method, sides, entries(data, *sides))

    def __str__(self):
        return f"holds where {self.holds}; contradicted where {self.contradicted}"


@dataclass(frozen=True)
class OverModels(Rule):
    """The same rule on several networks. Data: ``{network: data of the rule}``.

    Holds where it holds on at least two of three and is contradicted on none; contradicted the other way
    round. With one or two networks it has to hold (or be contradicted) on each, with more than three on two
    thirds.
    """

    rule: Rule

    def measure(self, data):
        return _joined("inconclusive", self._networks("measure", data))

    def judge(self, data):
        found = self._networks("judge", data)
        words = [outcome.word for outcome in found.values()]
        needed = len(words) if len(words) < 3 else -(-2 * len(words) // 3)
        for word, opposite in (("holds", "contradicted"), ("contradicted", "holds")):
            if words.count(word) >= needed and opposite not in words:
                return _joined(word, found)
        return _joined("inconclusive", found)

    def _networks(self, method, data):
        if not isinstance(data, dict) or not data:
            raise ValueError(f"data must be a mapping network -> data, got {data!r:.60}")
        return _each(method, dict.fromkeys(data, self.rule), data.values())

    def __str__(self):
        return f"on at least two of three networks, and against it on none: {self.rule}"


def _each(method, named_rules, values):
    """{name: outcome} of "measure" or "judge"; an error about the data begins with the part's name."""
    found = {}
    for (name, rule), data in zip(named_rules.items(), values):
        try:
            found[name] = getattr(rule, method)(data)
        except (TypeError, ValueError) as error:
            raise type(error)(f"[{name}] {error}") from None
    return found


def _joined(word, parts):
    """One outcome from named outcomes: values and intervals by name, the least number of images."""
    measured = {name: part.measured for name, part in parts.items()}
    interval = {name: part.interval for name, part in parts.items()}
    return Outcome(word, measured, interval, min(part.n for part in parts.values()), parts=parts)
