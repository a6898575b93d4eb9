"""The AXAI ledger: every closed form in it recomputed from the printed values."""

import re

import numpy as np
import pytest
from scipy import stats

from xaiutils import claims, notebooks
from xaiutils.metrics import tail_ratio

LEDGER = claims.load(claims.repository() / "data" / "claims" / "axai.yaml")


def test_every_claim_belongs_to_a_notebook_that_exists():
    assert all(name.startswith("axai-") for name in LEDGER)
    written = {name for name in notebooks.names() if name.startswith("axai/")}
    assert {claim.notebook for claim in LEDGER.values()} == written


def test_every_rule_is_a_sentence():
    for claim in LEDGER.values():
        if claim.rule:
            assert re.fullmatch(r"[a-zA-Z].*\S", str(claim.build_rule())), claim.id


def test_orderings_and_trends_are_never_decided_below_medium():
    early = [claim.id for claim in LEDGER.values()
             if claim.kind in ("ordering", "trend") and claim.scale in ("toy", "small")]
    assert early == []


# Section 3.2
NETWORKS = ["AlexNet", "VGG16", "ResNet34"]
TABLE2 = LEDGER["axai-table2"].values
TABLE3 = [[np.mean([float(end) for end in row[letter]]) for letter in "pq"] for row in LEDGER["axai-table3"].values.values()]


def interval(network, quantile):
    return [float(TABLE2[f"{network} {quantile} {end}"]) for end in ("low", "high")]


def middle(network, quantile):
    return np.mean(interval(network, quantile))


def floats(values):
    return [float(value) for value in values]


def test_widths_and_ratios_of_table_2():
    printed = LEDGER["axai-table2"].recomputed
    for network, quantile in (("AlexNet", "25th"), ("AlexNet", "75th"), ("ResNet34", "25th")):
        low, high = interval(network, quantile)
        assert float(printed[f"width {network} {quantile}"]) == pytest.approx(high - low, abs=1e-9)
    ratios = [middle(network, "85th") / middle(network, "75th") for network in NETWORKS]
    assert floats(printed["q85/q75 AlexNet, VGG16, ResNet34"]) == pytest.approx(ratios, abs=6e-4)


def test_the_mirror_finds_the_two_misprints_of_table_2():
    turned = {}
    for network in NETWORKS:
        for quantile, mirror in (("15th", "85th"), ("25th", "75th"), ("75th", "25th"), ("85th", "15th")):
            low, high = interval(network, mirror)
            turned |= {f"{network} {quantile} low": -high, f"{network} {quantile} high": -low}
    rule = LEDGER["axai-table2"].build_rule()
    assert rule.judge(turned).word == "misprint"
    off = {name for name, value in turned.items() if abs(value - float(TABLE2[name])) > rule.tolerance}
    assert off == {"AlexNet 25th low", "AlexNet 75th high", "ResNet34 25th high", "ResNet34 75th low"}


def test_symmetry_and_centre_of_table_2():
    for network, printed in LEDGER["axai-table2-symmetry"].recomputed.items():
        assert float(printed) == pytest.approx(-middle(network, "15th") / middle(network, "85th"), abs=6e-5)
    claim = LEDGER["axai-table2-means-near-zero"]
    mean = np.mean(floats(claim.values["AlexNet"]["Mean"])) / middle("AlexNet", "85th")
    assert float(claim.recomputed["mean/q85 AlexNet"]) == pytest.approx(mean, abs=5e-5)
    excluding = {what: [network for network in NETWORKS if np.prod(floats(claim.values[network][what])) > 0] for what in ("Mean", "Median")}
    assert excluding["Mean"] == NETWORKS
    assert ", ".join(excluding["Median"]) == claim.recomputed["median intervals excluding 0"]


def test_what_table_3_implies():
    printed, laws = LEDGER["axai-table3"].recomputed, [stats.beta(*shape) for shape in TABLE3]
    assert floats(printed["implied skew"]) == pytest.approx([float(law.stats("s")) for law in laws], abs=6e-6)
    assert floats(printed["implied excess kurtosis"]) == pytest.approx([float(law.stats("k")) for law in laws], abs=6e-4)
    assert floats(printed["implied sd/range"]) == pytest.approx([law.std() for law in laws], abs=6e-5)


def test_table_2_and_table_3_exclude_each_other():
    claim = LEDGER["axai-beta-versus-heavy-tails"]
    implied = [tail_ratio(stats.beta(*shape)) for shape in TABLE3]
    measured = [middle(network, "85th") / middle(network, "75th") for network in NETWORKS]
    assert floats(claim.recomputed["beta-implied q85/q75"]) == pytest.approx(implied, abs=6e-4)
    assert floats(claim.recomputed["Table 2 q85/q75"]) == pytest.approx(measured, abs=6e-4)
    for name, law in (("normal", stats.norm()), ("Laplace", stats.laplace()), ("t3", stats.t(3))):
        assert float(claim.recomputed[name]) == pytest.approx(tail_ratio(law), abs=6e-4 if name == "t3" else 6e-5)
    assert claim.build_rule().judge({"measured": measured, "expected": implied}).word == "contradicted"


# Sections 4.1 and 4.2
def test_two_printed_intervals_of_figure_5_lie_beyond_the_clip():
    claim = LEDGER["axai-fig5-speech"]
    intervals = [[float(end.strip(" s")) for end in text.strip("[]").split(",")]
                 for word in ("Right", "Three") for text in claim.values[word]]
    assert len(intervals) == 3 and all(low < high for low, high in intervals)
    assert int(claim.recomputed["intervals beyond a clip of 1 s"]) == sum(high > 1 for _, high in intervals)


# Section 3.3
def test_one_column_of_table_4_is_not_monotone():
    printed = LEDGER["axai-table4-monotone"].recomputed
    for side, name, sign in (("left", "middle", -1), ("right", "tails", 1)):
        for pair, row in LEDGER[f"axai-table4-{name}"].values.items():
            steps = sign * np.diff(floats(row.values()))
            word = "monotone" if (steps >= 0).all() else "not monotone"
            assert printed[f"{pair.split(',')[0]} {side}"] == word


def test_percentiles_of_one_and_two_standard_deviations():
    printed = LEDGER["axai-middle-two-sd-harmless"].recomputed
    for name, law, z in (("normal 2 sd percentiles", stats.norm(), 2), ("normal 1 sd percentiles", stats.norm(), 1),
                         ("Laplace 2 sd", stats.laplace(), 2)):
        percentiles = [100 * law.cdf(side * z * law.std()) for side in (-1, 1)]
        assert floats(printed[name]) == pytest.approx(percentiles, abs=5.1e-3)


# Section 4.3
def test_ratios_of_table_5():
    claim = LEDGER["axai-table5"]
    seconds = np.array([[float(row[unit].rstrip("s")) for unit in ("CPU", "GPU")] for row in claim.values.values()])   # LIME, SHAP, AXAI
    lead, gain = seconds[:2] / seconds[2], seconds[:, 0] / seconds[:, 1]
    printed = claim.recomputed
    assert floats(printed["CPU ratio to AXAI LIME, SHAP"]) == pytest.approx(lead[:, 0], abs=0.05)
    assert floats(printed["GPU ratio to AXAI LIME, SHAP"]) == pytest.approx(lead[:, 1], abs=6e-3)
    assert floats(printed["CPU/GPU speed-up LIME, SHAP, AXAI"]) == pytest.approx(gain, abs=0.05)
    kept = LEDGER["axai-relative-performance-cpu-gpu"]
    for name, values in zip(("LIME", "SHAP"), lead):
        assert floats(kept.recomputed[f"lead over {name} CPU->GPU"]) == pytest.approx(values, abs=0.05)
    assert kept.build_rule().judge({"measured": lead[:, 1], "expected": lead[:, 0]}).word == "contradicted"
    best = LEDGER["axai-lime-better-on-gpu"]
    assert floats(best.recomputed["speed-ups"]) == pytest.approx(gain, abs=0.05)
    assert best.build_rule().judge(gain[0] - gain[1:]).word == "holds"
