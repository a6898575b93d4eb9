"""The ledger of the credible path: complete, and every closed form in it recomputed."""

import inspect
import math
import re

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from xaiutils import claims
from xaiutils.methods import CredibleIntegratedGradients
from xaiutils.methods.credible_baseline import Search
from xaiutils.metrics import sensitivity_n

LEDGER = claims.load(claims.repository() / "data" / "claims" / "credible_path.yaml")
NOTEBOOKS = ("sec3_framework", "sec4_problems", "sec5_baseline", "sec6_method", "sec7_insertion_deletion",
             "sec7_confidence", "sec7_sensitivity_n", "sec7_qualitative", "sec7_ablation")
NETWORKS = ("ResNet-50", "DenseNet-121", "VGG-16")
WEIGHTS = np.array([[1.0, 4.0], [4.0, 1.0]])                             # of the two pieces of Examples 1 and 2


def floats(values):
    return [float(value) for value in (values.values() if isinstance(values, dict) else values)]


def recomputed(name):
    return LEDGER[name].recomputed


def row(table, method):
    return np.array([float(LEDGER[table].values[method][network]) for network in NETWORKS])


def test_the_ledger_is_whole():
    assert len(LEDGER) == 82 and all(name.startswith("cred-") for name in LEDGER)
    assert {claim.notebook for claim in LEDGER.values()} == {f"credible_path/{name}" for name in NOTEBOOKS}
    assert [claim.id for claim in LEDGER.values() if claim.rule is None] == ["cred-fig1-teaser"]


def test_every_rule_is_a_sentence():
    for claim in LEDGER.values():
        assert claim.rule is None or re.fullmatch(r"[a-zA-Z].*\S", str(claim.build_rule())), claim.id


def test_orderings_and_trends_are_decided_from_medium_on():
    early = [c.id for c in LEDGER.values() if c.kind in ("ordering", "trend") and c.scale in ("toy", "small")]
    assert not early


def attributions(x, baseline):
    """On the diagonal from ``baseline`` to ``x``: each piece's weights times the length that lies in it, cut at 1."""
    first, second = (max(0, min(x, 1) - min(baseline, 1)), max(x, 1) - max(baseline, 1))
    return first * WEIGHTS[0] + second * WEIGHTS[1]


def test_example_1():
    found = recomputed("cred-ex1-values")
    true = [*attributions(1.5, 0), *attributions(4, 0)]
    assert floats(list(found.values())[:4]) == pytest.approx(true)
    slip = 1.5 * WEIGHTS[0] + 0.5 * WEIGHTS[1]
    assert floats(found["first piece taken for the whole way, x^a"]) == pytest.approx(slip)
    values = [4 * 1.5 + 1.5 + 2, 4 * 4 + 4 + 2]
    assert floats(found["F(x) - F(0)"]) == [value - 1 for value in values]
    names = LEDGER["cred-ex1-values"].values
    assert LEDGER["cred-ex1-values"].build_rule().judge(dict(zip(names, true))).word == "misprint"
    ratios = [true[0] / true[1], true[2] / true[3]]
    assert floats(recomputed("cred-ex1-counterintuitive")["A1/A2"]) == pytest.approx(ratios, abs=5e-4)


def test_example_1_jumps():
    def value(x1, x2):
        return x1 + 4 * x2 + 1 if max(x1, x2) <= 1 else 4 * x1 + x2 + 2 if min(x1, x2) > 1 else 0
    assert [value(1, 1), value(1 + 1e-9, 1 + 1e-9), value(1.001, 1)] == pytest.approx(
        floats(recomputed("cred-ex1-not-of-def5-form")), abs=1e-8)


def test_example_2():
    true = [*attributions_down(1.5, 3), *attributions(4, 3)]
    assert floats(recomputed("cred-ex2-values")) == true
    names = LEDGER["cred-ex2-values"].values
    assert LEDGER["cred-ex2-values"].build_rule().judge(dict(zip(names, true))).word == "holds"
    for name, baseline in zip(recomputed("cred-ex2-ratio-general").values(), ([3, 2], [1.2, 3.9])):
        ways = [np.abs(x - np.array(baseline)) for x in (1.5, 4.0)]
        assert floats(name) == pytest.approx([4 * way[0] / way[1] for way in ways])


def attributions_down(x, baseline):
    """The same with ``x`` below ``baseline``: the way back, with the other sign."""
    return -attributions(baseline, x)


def test_widths_over_classes():
    widths = {"ResNet-50": 2048, "ResNet-18": 512, "DenseNet-121": 1024, "VGG-16": 4096, "EfficientNet-Lite0": 1280}
    assert {name: float(zeta) for name, zeta in recomputed("cred-zeta-near-one").items()} == {
        name: width / 1000 for name, width in widths.items()}


def test_the_gradient_rule_on_surfaces():
    at, points = 1.0, (2.0, 0.5, -0.5)                                     # J = x^2 / 2 has the gradient x
    printed = [int(at * p > 0 and abs(at) > abs(p)) for p in points]
    prose = [int(at * p > 0 and abs(at) < abs(p)) for p in points]
    assert [[int(v) for v in row] for row in recomputed("cred-fig2-gradient-rule").values()] == [printed, prose]
    (bell,) = recomputed("cred-def7-fully-general").values()
    assert floats(bell) == pytest.approx([2 * x * math.exp(-x * x) for x in (1, 3)], rel=0.01)


@pytest.mark.parametrize("table", ["cred-table1", "cred-table3"])
def test_printed_gains(table):
    claim, ig = LEDGER[f"{table}-percent"], row(table, "IG")
    gains = {f"{method} {network}": gain for method in LEDGER[table].values if method not in ("IG", "confidence")
             for network, gain in zip(NETWORKS, 100 * (row(table, method) / ig - 1))}
    gains = {name: gains[name] for name in claim.values}
    assert floats(claim.recomputed) == pytest.approx(list(gains.values()), abs=0.006)
    assert claim.build_rule().judge(gains).word == "holds"                 # cut instead of rounded, but within a tenth


def test_largest_gain():
    gain, found = row("cred-table1", "Our") - row("cred-table1", "IG"), recomputed("cred-max-gain-58-8")
    assert float(found["gain, %"]) == pytest.approx(100 * (gain / row("cred-table1", "IG")).max(), abs=0.005)
    assert floats(found["absolute gains of ResNet-50, DenseNet-121, VGG-16"]) == pytest.approx(gain)


def spearman(x, y):
    return spearmanr(x, y).statistic


def test_confidence_and_gain():
    confidence, ig = row("cred-confidence-values", "confidence"), row("cred-table1", "IG")
    gain = row("cred-table1", "Our") - ig
    assert floats(recomputed("cred-confidence-gain-inverse")) == pytest.approx(
        [spearman(confidence, gain / ig), spearman(confidence, gain)])
    table = LEDGER["cred-table2"].values.values()
    confidence, ig, ours = np.array([floats(network) for network in table]).T
    assert floats(recomputed("cred-table2")["gains, %"]) == pytest.approx(100 * (ours / ig - 1), abs=0.005)
    found = recomputed("cred-table2-verifies-pattern")
    assert float(found["Spearman, relative"]) == pytest.approx(spearman(confidence, ours / ig))
    assert float(found["Spearman, absolute"]) == pytest.approx(spearman(confidence, ours - ig))
    assert floats(found["absolute gains"]) == pytest.approx(ours - ig)
    confidence, ig = row("cred-table3", "confidence"), row("cred-table3", "IG")
    assert floats(recomputed("cred-table3-confidence-relation")) == pytest.approx(
        [spearman(confidence, row("cred-table3", method) / ig) for method in ("Our", "IG (A)")])


def test_table_3_against_table_1():
    (difference,) = recomputed("cred-table3-ig-already-good").values()
    assert floats(difference) == pytest.approx(row("cred-table3", "IG") - row("cred-table1", "IG"))
    methods = list(LEDGER["cred-table1"].values)
    ranks = rankdata(-np.array([row("cred-table1", method) for method in methods]), axis=0)
    (printed,) = recomputed("cred-table3-top-performers").values()
    assert floats(printed) == ranks[methods.index("IG")].tolist()
    assert (ranks[methods.index("EG")] == 3).all()


def test_table_4():
    ig, filtered, single, three = (row("cred-table1", "IG"), *(row("cred-table4", f"Our {which}") for which in (
        "+ IG_Baseline", "(Single_Baseline)", "(Proposed)")))
    found = recomputed("cred-table4-both-contribute")
    assert floats(found["filter alone"]) == pytest.approx(filtered - ig)
    assert floats(found["in per cent"]) == pytest.approx(100 * (filtered / ig - 1), abs=0.006)
    assert floats(recomputed("cred-table4-multi-baseline")["gain"]) == pytest.approx(three - single)


def test_settings_are_the_defaults():
    n_steps = inspect.signature(CredibleIntegratedGradients.attribute).parameters["n_steps"].default
    used = {"steps": n_steps, "baselines": len(Search().sigmas), "steps a baseline": n_steps // len(Search().sigmas)}
    assert LEDGER["cred-settings"].build_rule().judge(used).word == "holds"
    fractions = inspect.signature(sensitivity_n).parameters["fractions"].default
    used = {"smallest fraction": min(fractions), "largest fraction": max(fractions)}
    assert LEDGER["cred-sensitivity-n-definition"].build_rule().judge(used).word == "holds"


def test_every_closed_form_has_its_test():
    source = inspect.getsource(inspect.getmodule(floats))
    for claim in (claim for claim in LEDGER.values() if claim.recomputed):
        assert f'"{claim.id.removesuffix("-percent")}"' in source, claim.id
