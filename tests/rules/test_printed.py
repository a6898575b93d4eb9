import pytest

from xaiutils.rules import Misprint, SameValues, TableValues

RATES = Misprint(0.0005, {"first": "0.014", "second": "0.003"})
TABLE = TableValues(0.02, {"InceptionV3": {"IG": "0.032", "AGI": "0.048"}})
SETTINGS = SameValues({"epsilon": "0.05", "models": ["InceptionV3", "VGG19"], "reference": "black image"})


def test_closed_forms_that_round_to_the_print_hold():
    outcome = RATES.judge({"first": (0.532 - 0.408) / 9, "second": (0.561 - 0.532) / 10})
    assert outcome.word == "holds" and outcome.measured["first"] == pytest.approx(0.0137778, abs=1e-7)


def test_a_print_that_its_closed_form_refutes_is_a_misprint():
    assert RATES.judge({"first": 0.01378, "second": 0.004}).word == "misprint"


def test_every_printed_value_needs_its_closed_form():
    with pytest.raises(ValueError, match="entries first, second, got \\['first'\\]"):
        RATES.judge({"first": 0.014})


@pytest.mark.parametrize("agi, word", [(0.05, "holds"), (0.08, "contradicted")])
def test_cells_of_a_table(agi, word):
    outcome = TABLE.judge({"InceptionV3": {"IG": 0.03, "AGI": agi}})
    assert outcome.word == word and outcome.measured == {"InceptionV3 IG": 0.03, "InceptionV3 AGI": agi}


def test_another_network_is_no_cell_of_the_table_but_can_be_shown():
    other = {"EfficientNet-Lite0": {"IG": 0.03}}
    assert TABLE.measure(other).measured == {"EfficientNet-Lite0 IG": 0.03}
    with pytest.raises(ValueError, match="InceptionV3 IG"):
        TABLE.judge(other)


def test_settings_compare_numbers_as_numbers_and_text_without_case():
    used = {"epsilon": 5e-2, "models": ["inceptionv3", "vgg19"], "reference": "Black image"}
    assert SETTINGS.judge(used).word == "holds"
    assert SETTINGS.judge({**used, "epsilon": 0.02}).word == "contradicted"


def test_settings_take_no_booleans_and_no_unknown_names():
    with pytest.raises(TypeError, match="got booleans"):
        SETTINGS.judge({"epsilon": True, "models": [], "reference": ""})
    with pytest.raises(ValueError, match="entries epsilon, models, reference"):
        SETTINGS.judge({"step_size": 0.05})
