"""The AGI ledger: complete, and every closed form in it recomputed from the printed values."""

import re

import numpy as np
import pytest
import torch

from xaiutils import claims

LEDGER = claims.load(claims.repository() / "data" / "claims" / "agi.yaml")
NOTEBOOKS = {
    "sec2_preliminaries",
    "sec3_feature_paths",
    "sec4_method",
    "sec4_3_from_ig_to_agi",
    "sec5_2_qualitative",
    "sec5_3_quantitative",
    "sec5_4_class_subsampling",
    "sec5_5_discrimination",
    "sec5_6_sanity_checks",
}


def floats(values):
    return [float(value) for value in values]


def test_the_agi_ledger_is_whole():
    assert len(LEDGER) == 67
    assert {claim.notebook for claim in LEDGER.values()} == {f"agi/{name}" for name in NOTEBOOKS}
    assert all(name.startswith("agi-") for name in LEDGER)
    assert {claim.id for claim in LEDGER.values() if claim.rule is None} == {
        "agi-supplement-resnet-vgg",
        "agi-fig7-koala",
        "agi-gbp-model-randomization",
    }


def test_every_rule_is_a_sentence():
    for claim in LEDGER.values():
        if claim.rule:
            assert re.fullmatch(r"[a-zA-Z].*\S", str(claim.build_rule())), claim.id


def test_orderings_and_trends_are_never_decided_below_medium():
    early = [
        claim.id
        for claim in LEDGER.values()
        if claim.kind in ("ordering", "trend") and claim.scale in ("toy", "small")
    ]
    assert early == ["agi-sec3-shorter-in-features"]  # a toy network is a counterexample


def test_printed_gains():
    for name in ("agi-insertion-beats-ig", "agi-insertion-beats-sm"):
        claim = LEDGER[name]
        for network, (agi, other) in claim.values.items():
            gain = 100 * (float(agi) / float(other) - 1)
            assert gain == pytest.approx(float(claim.recomputed[f"{network} gain %"]), abs=0.05), (
                name,
                network,
            )


def test_printed_rates_per_class():
    table, claim = LEDGER["agi-table1-insertion"].values, LEDGER["agi-gain-per-class"]
    for network in table:
        one, five, ten, twenty = (float(table[network][f"AGI-{k}"]) for k in (1, 5, 10, 20))
        assert floats(claim.recomputed[network]) == pytest.approx(
            [(ten - one) / 9, (twenty - ten) / 10], abs=5e-6
        )
        if network == "InceptionV3":
            rates = {"AGI-1 to AGI-10": (ten - one) / 9, "AGI-10 to AGI-20": (twenty - ten) / 10}
            early = [(five - one) / 4, (ten - five) / 5]
    assert floats(claim.recomputed["InceptionV3 1->5, 5->10"]) == pytest.approx(early, abs=5e-6)
    assert claim.build_rule().parts["arithmetic"].judge(rates).word == "holds"


def test_the_last_ten_classes_still_add():
    insertion, printed = (
        LEDGER["agi-table1-insertion"].values["InceptionV3"],
        LEDGER["agi-subset-suffices"].recomputed,
    )
    added = float(insertion["AGI-20"]) - float(insertion["AGI-10"])
    assert added == pytest.approx(float(printed["AGI-10 to AGI-20 InceptionV3"]))
    assert 100 * added / float(insertion["AGI-10"]) == pytest.approx(float(printed["relative %"]), abs=0.05)


def test_insertion_minus_deletion_of_the_printed_table():
    insertion, deletion = (LEDGER[f"agi-table1-{game}"].values for game in ("insertion", "deletion"))
    recomputed = LEDGER["agi-deletion-worst-for-agi"].recomputed
    ratios = [float(row["AGI-20"]) / float(row["IG"]) for row in deletion.values()]
    assert floats(recomputed["ratio to IG"]) == pytest.approx(ratios, abs=0.005)
    for network, row in insertion.items():
        for method, score in row.items():
            difference = float(score) - float(deletion[network][method])
            assert float(recomputed[f"ins-del {network}"][method]) == pytest.approx(difference)
    largest = max(float(value) for row in deletion.values() for value in row.values())
    assert largest == float(LEDGER["agi-deletion-all-small"].values["largest"])


def test_union_of_three_channels_in_closed_form():
    """With channels ranked independently a share 1 - (1 - f)^3 is visible after a share f of the steps."""
    recomputed = LEDGER["agi-insertion-deletion-definition"].recomputed
    steps = np.arange(1, 225) / 224
    shares = 1 - (1 - np.array([0.10, 0.25, 0.50])) ** 3
    assert floats(recomputed["visible after 10/25/50 % of steps"]) == pytest.approx(shares, abs=0.0006)
    assert float(recomputed["AUC of identity response union"]) == pytest.approx(
        (1 - (1 - steps) ** 3).mean(), abs=5e-4
    )
    assert float(recomputed["AUC pixelwise"]) == pytest.approx(steps.mean(), abs=5e-4)
    with_start = np.arange(225) / 224
    both = [(1 - (1 - with_start) ** 3).mean(), with_start.mean()]
    assert floats(recomputed["the same with the start"]) == pytest.approx(both, abs=5e-4)


def test_lengths_times_and_counts():
    length = LEDGER["agi-signed-gradient-helps"].recomputed["l2 length of one signed step 0.05 at 224x224x3"]
    assert float(length) == pytest.approx(0.05 * np.sqrt(224 * 224 * 3), abs=0.005)
    timing = LEDGER["agi-timing-15s"]
    passes = 2 * int(timing.values["max ascending step"]) * int(timing.values["sample size"])
    assert int(timing.recomputed["backward passes"]) == passes
    assert (
        float(timing.recomputed["implied ms per backward pass"])
        == 1000 * float(timing.values["seconds"]) / passes
    )
    assert (
        float(LEDGER["agi-timing-parallel-1s"].recomputed["needed speed-up"])
        == float(timing.values["seconds"]) / 1
    )
    prohibitive = LEDGER["agi-all-classes-prohibitive"]
    false_classes = int(prohibitive.values["false classes"])
    assert int(prohibitive.recomputed["backward passes for 999 classes"]) == 2 * 20 * false_classes


def test_figure_1_in_closed_form():
    assert float(LEDGER["agi-fig1-difference-and-integral"].recomputed["IG 0->2"]) == min(2, 1) - min(0, 1)
    kinks = LEDGER["agi-fig1-saturation"].recomputed
    at_kink = {
        "1-relu(1-x)": lambda x: 1 - torch.relu(1 - x),
        "clamp(max=1)": lambda x: x.clamp(max=1),
        "minimum(x,1)": lambda x: torch.minimum(x, torch.ones(())),
        "where(x<1)": lambda x: torch.where(x < 1, x, torch.ones(())),
    }
    for coding, function in at_kink.items():
        x = torch.ones((), requires_grad=True)
        function(x).backward()
        assert x.grad.item() == float(kinks[coding]), coding


def test_every_closed_form_has_its_test():
    tested = {
        "agi-insertion-beats-ig",
        "agi-insertion-beats-sm",
        "agi-gain-per-class",
        "agi-subset-suffices",
        "agi-deletion-worst-for-agi",
        "agi-insertion-deletion-definition",
        "agi-signed-gradient-helps",
        "agi-timing-15s",
        "agi-timing-parallel-1s",
        "agi-all-classes-prohibitive",
        "agi-fig1-difference-and-integral",
        "agi-fig1-saturation",
    }
    assert {claim.id for claim in LEDGER.values() if claim.recomputed} == tested
