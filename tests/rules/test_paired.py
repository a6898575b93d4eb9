import numpy as np
import pytest

from xaiutils.rules import Differs, Equivalent, PairedGreater

BASE = np.linspace(0, 1, 20)


def pair(difference):
    return {"greater": BASE + difference, "lesser": BASE}


def test_constant_differences_have_an_interval_of_one_point():
    outcome = PairedGreater().judge(pair(0.25))
    assert outcome.word == "holds" and outcome.n == 20
    assert (outcome.measured, *outcome.interval) == pytest.approx((0.25, 0.25, 0.25))
    assert PairedGreater().judge(pair(-0.25)).word == "contradicted"
    assert PairedGreater(margin=0.5).judge(pair(0.25)).word == "contradicted"


def test_equal_halves_up_and_down_are_inconclusive():
    outcome = PairedGreater().judge(pair(np.tile([0.1, -0.1], 10)))
    assert outcome.word == "inconclusive" and outcome.interval[0] < 0 < outcome.interval[1]
    assert outcome.p > 0.5


def test_pairing_matters():
    """A shift of 0.01 drowns in the spread between images (0.3) but not in the spread of the differences."""
    assert PairedGreater().judge(pair(0.01)).word == "holds"


def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="greater must hold at least 10 values to be judged, got 2"):
        PairedGreater().judge({"greater": [1, 2], "lesser": [0, 0]})
    assert PairedGreater().measure({"greater": [1, 2], "lesser": [0, 0]}).measured == 1.5


@pytest.mark.parametrize("difference, word", [
    (0.0, "holds"), (0.019, "holds"), (-0.019, "holds"), (0.03, "contradicted"), (-0.03, "contradicted"),
    (np.tile([0.1, -0.1], 10), "inconclusive"),
])
def test_equivalence_needs_the_interval_inside(difference, word):
    assert Equivalent(0.02).judge(pair(difference)).word == word


def test_equivalence_shows_the_90_percent_interval():
    difference = np.tile([0.1, -0.1], 10)
    low, high = Equivalent(0.02).judge(pair(difference)).interval
    wide_low, wide_high = PairedGreater().judge(pair(difference)).interval
    assert wide_low < low < high < wide_high


def test_the_rules_print_themselves():
    paired, alike = str(PairedGreater()), str(Equivalent(0.02))
    assert paired == "the mean paired difference over images (95 % bootstrap interval) lies above 0"
    assert alike == "the mean paired difference (90 % bootstrap interval) lies inside [-0.02, 0.02]"


@pytest.mark.parametrize("difference, word", [
    (0.03, "holds"), (-0.03, "holds"), (0.019, "contradicted"), (0.0, "contradicted"),
    (np.tile([0.1, -0.1], 10) + 0.02, "inconclusive"),
])
def test_differs_on_either_side(difference, word):
    outcome = Differs(0.02).judge(pair(difference))
    assert outcome.word == word and outcome.measured == pytest.approx(np.mean(difference))
    assert "either side" in str(Differs(0.02))
