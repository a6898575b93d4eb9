import pytest

from xaiutils import rules


@pytest.mark.parametrize("text, rule", [
    ("paired_greater()", rules.PairedGreater()),
    ("paired_greater(margin=0.02)", rules.PairedGreater(0.02)),
    ("equals(0, to=0)", rules.Equals(0, to=0)),
    ('below(0.2, of="mean", contradicted_above=0.5)', rules.Bound("below", 0.2, "mean", 0.5)),
    ("slope(-1.2, -0.8)", rules.Slope(-1.2, -0.8)),
    ("over_models(share(0.8, contradicted_below=0.5))", rules.OverModels(rules.Share(0.8, 0.5))),
    ("either(holds=above(1), contradicted=equivalent(0.02))",
     rules.Either(rules.above(1), rules.Equivalent(0.02))),
])
def test_a_rule_is_read_from_its_text(text, rule):
    assert rules.parse(text) == rule


def test_parts_of_all_of_keep_their_names():
    rule = rules.parse("all_of(a=trend(), b=page_trend())")
    assert rule.parts == {"a": rules.Trend(), "b": rules.PageTrend()}


def test_printed_values_reach_the_rules_that_compare_with_them():
    printed = {"x": "1"}
    rule = rules.parse("all_of(arithmetic=misprint(0.1), other=above(0))", printed)
    assert rule.parts["arithmetic"] == rules.Misprint(0.1, printed)
    assert rules.parse("same_values()", printed) == rules.SameValues(printed)


@pytest.mark.parametrize("text, reason", [
    ("greater()", "unknown rule 'greater'; known are above, all_of"),
    ("__import__('os').system('true')", "unknown rule None"),
    ("above(open('x'))", "unknown rule 'open'"),
    ("above()", "missing 1 required positional argument"),
    ("above(threshold", "was never closed"),
    ("above(threshold)", "malformed node"),
])
def test_what_is_no_rule_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match="cannot be read: .*" + reason.replace("(", "\\(")):
        rules.parse(text)
