"""Rules of the ledger: objects that take measurements and give a verdict, never a boolean from a caller.

A rule stands as text in a claim's ``rule`` field, for example ``over_models(paired_greater())``;
:func:`parse` builds it. ``rule.judge(data)`` gives an :class:`Outcome` with one of the words

* ``holds`` or ``contradicted``: the whole interval lies on one side of the boundary,
* ``inconclusive``: the interval includes the boundary,
* ``misprint``: a closed form refutes a printed value,

and ``rule.measure(data)`` gives the measured value alone, without a verdict. ``str(rule)`` is the rule as a
sentence. Intervals are 95 % percentile intervals of 10,000 bootstrap resamples over images (seed 0) unless
the rule says otherwise.
"""

import ast
from dataclasses import replace

from xaiutils.rules.base import Outcome, Rule, TooFew
from xaiutils.rules.bounds import Bound, Equals, Share, above, below
from xaiutils.rules.combined import AllOf, Either, OverModels
from xaiutils.rules.paired import Differs, Equivalent, PairedGreater
from xaiutils.rules.printed import Misprint, SameValues, TableValues
from xaiutils.rules.trends import PageTrend, Slope, Trend

__all__ = ["RULES", "Outcome", "Rule", "TooFew", "parse", "Bound", "Equals", "Share", "above", "below", "AllOf",
           "Either", "OverModels", "Differs", "Equivalent", "PairedGreater", "Misprint", "SameValues", "TableValues",
           "PageTrend", "Slope", "Trend"]

RULES = {"equals": Equals, "above": above, "below": below, "share": Share,
         "paired_greater": PairedGreater, "equivalent": Equivalent, "differs": Differs,
         "trend": Trend, "page_trend": PageTrend, "slope": Slope,
         "misprint": Misprint, "table_values": TableValues, "same_values": SameValues,
         "all_of": AllOf, "either": Either, "over_models": OverModels}


def parse(text, printed=None):
    """The rule written in ``text``, e.g. ``all_of(sign=below(0, of="mean"), size=above(0.5, of="mean"))``.

    Only the constructors of ``RULES`` with literal arguments are understood; nothing is evaluated.
    ``printed`` (the claim's values) goes to the rules that compare with them. ValueError where the text is no
    rule.
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
