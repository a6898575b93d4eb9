import numpy as np
import pytest

from xaiutils.rules import AllOf, Either, Misprint, OverModels, PairedGreater, above, below

CLEAR = {"greater": np.arange(20) + 1.0, "lesser": np.arange(20)}
AGAINST = {"greater": np.arange(20), "lesser": np.arange(20) + 1.0}
BALANCED = {"greater": np.tile([1.0, -1.0], 10), "lesser": np.zeros(20)}
WEAK = {"greater": np.array([1.0] * 15 + [-1.0] * 5), "lesser": np.zeros(20)}  # p = 2 P(Bin(20, 3/4) <= 10)


def both(ig, saliency):
    return AllOf(ig=PairedGreater(), saliency=PairedGreater()).judge({"ig": ig, "saliency": saliency})


@pytest.mark.parametrize("ig, saliency, word", [
    (CLEAR, CLEAR, "holds"), (CLEAR, BALANCED, "inconclusive"), (CLEAR, AGAINST, "contradicted"),
    (BALANCED, AGAINST, "contradicted"),
])
def test_all_of_is_as_good_as_its_worst_part(ig, saliency, word):
    outcome = both(ig, saliency)
    assert outcome.word == word and outcome.n == 20
    assert outcome.measured["ig"] == pytest.approx(np.mean(ig["greater"] - ig["lesser"]))


def test_holm_makes_a_weak_part_inconclusive():
    alone = PairedGreater().judge(WEAK)
    assert alone.word == "holds" and alone.p == pytest.approx(0.028, abs=0.005)
    three = AllOf(**dict.fromkeys("abc", PairedGreater()))
    outcome = three.judge(dict.fromkeys("abc", WEAK))
    assert outcome.word == "inconclusive"
    assert outcome.parts["a"].p == pytest.approx(3 * alone.p)


def test_a_misprint_stands_before_an_inconclusive_part():
    rule = AllOf(arithmetic=Misprint(0.1, {"x": "1"}), rates=PairedGreater())
    assert rule.judge({"arithmetic": {"x": 2}, "rates": BALANCED}).word == "misprint"


def test_parts_are_named_in_errors():
    with pytest.raises(ValueError, match="\\[ig\\] greater must hold at least 10"):
        both({"greater": [1], "lesser": [0]}, CLEAR)
    with pytest.raises(TypeError, match="\\[ig\\] greater must be measured numbers, got booleans"):
        both({"greater": [True] * 20, "lesser": [0] * 20}, CLEAR)


def test_all_of_needs_two_rules():
    with pytest.raises(ValueError, match="two or more named rules"):
        AllOf(only=above(0))


@pytest.mark.parametrize("mean, word", [(0.95, "holds"), (0.8, "inconclusive"), (0.5, "contradicted")])
def test_either_has_a_rule_for_and_one_against(mean, word):
    rule = Either(holds=above(0.9, of="mean"), contradicted=below(0.7, of="mean"))
    values = np.full(12, mean)
    assert rule.judge({"holds": values, "contradicted": values}).word == word


def test_where_both_conditions_are_met_neither_wins():
    rule = Either(holds=above(0), contradicted=below(1))
    assert rule.judge({"holds": 0.5, "contradicted": 0.5}).word == "inconclusive"


@pytest.mark.parametrize("networks, word", [
    ([CLEAR], "holds"), ([AGAINST], "contradicted"), ([BALANCED], "inconclusive"),
    ([CLEAR, CLEAR], "holds"), ([CLEAR, BALANCED], "inconclusive"),
    ([CLEAR, CLEAR, BALANCED], "holds"), ([CLEAR, CLEAR, AGAINST], "inconclusive"),
    ([CLEAR, BALANCED, BALANCED], "inconclusive"), ([AGAINST, AGAINST, BALANCED], "contradicted"),
    ([CLEAR, CLEAR, BALANCED, BALANCED], "inconclusive"), ([CLEAR, CLEAR, CLEAR, BALANCED], "holds"),
])
def test_two_of_three_networks_and_none_against(networks, word):
    data = {f"network {number}": network for number, network in enumerate(networks)}
    assert OverModels(PairedGreater()).judge(data).word == word


def test_no_network_is_refused():
    with pytest.raises(ValueError, match="mapping network -> data"):
        OverModels(PairedGreater()).judge({})


def test_measuring_needs_no_verdict():
    few = {"greater": [1.0, 2.0], "lesser": [0.0, 0.0]}
    outcome = OverModels(AllOf(a=PairedGreater(), b=above(0))).measure({"net": {"a": few, "b": 3}})
    assert outcome.word == "inconclusive" and outcome.measured == {"net": {"a": 1.5, "b": 3.0}}


def test_the_rules_print_themselves():
    assert str(OverModels(above(0))) == ("on at least two of three networks, and against it on none: "
                                         "every value lies above 0")
    assert str(AllOf(a=above(0), b=below(1))) == ("all of: [a] every value lies above 0; "
                                                  "[b] every value lies below 1")
    assert str(Either(above(0), below(-1))) == ("holds where every value lies above 0; "
                                                "contradicted where every value lies below -1")
