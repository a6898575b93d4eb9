"""Rules that compare with what the document prints: closed forms, cells of a table, settings."""

from dataclasses import dataclass, field, replace

import numpy as np

from xaiutils.rules.base import Outcome, Rule, entries, numbers


@dataclass(frozen=True)
class Misprint(Rule):
    """Printed values against their closed forms: every |closed form - printed| <= tolerance, else a misprint.

    Data: ``{name: closed form}`` with the names of the claim's ``values``, which :func:`parse` puts into
    ``printed``.
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

    Data: the table's nesting, ``{row: {column: value}}``. It is judged at paper scale only: at any other
    scale the claim stays inconclusive (see ``claims.decide``), since other images and networks do not speak
    about these numbers.
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
        printed = {f"{row} {column}": float(value)
                   for row, line in self.printed.items() for column, value in line.items()}
        values = entries(found.measured, *printed)
        missed = [name for name, value in zip(printed, values) if abs(value - printed[name]) > self.tolerance]
        return replace(found, word="contradicted" if missed else "holds")

    def __str__(self):
        return f"every cell of the printed table is met within {self.tolerance:g}, at the paper's scale"


@dataclass(frozen=True)
class SameValues(Rule):
    """The values used are those printed (numbers as numbers, text without regard to case).

    Data: ``{name: value used}`` with the names of the claim's ``values``, which :func:`parse` puts into
    ``printed``.
    """

    printed: dict = field(default_factory=dict)

    def measure(self, data):
        used = entries(data, *self.printed)
        if any(isinstance(value, (bool, np.bool_)) for value in used):
            raise TypeError("used must be the values used, got booleans: the rule compares them")
        return Outcome("inconclusive", dict(zip(self.printed, used)), n=len(used))

    def judge(self, data):
        found = self.measure(data)
        same = all(_plain(found.measured[name]) == _plain(value) for name, value in self.printed.items())
        return replace(found, word="holds" if same else "contradicted")

    def __str__(self):
        return "the values used are the printed ones"


def _plain(value):
    """A value for comparison: numbers (also written as text) as float, text in lower case, lists by item."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value).strip().lower()
