import numpy as np
import pytest
from scipy import stats

from xaiutils.rules import Equals, Share, above, below


def test_equals_measures_the_largest_distance():
    outcome = Equals(0.1).judge({"measured": [1.0, 2.05], "expected": [1.0, 2.0]})
    assert (outcome.word, outcome.n) == ("holds", 2) and outcome.measured == pytest.approx(0.05)
    assert Equals(0.1).judge({"measured": [1.0, 2.2], "expected": [1.0, 2.0]}).word == "contradicted"


def test_equals_a_number_shows_the_value_itself():
    outcome = Equals(0.5, to=15).judge(14.6)
    assert (outcome.word, outcome.measured) == ("holds", 14.6)
    assert Equals(0, to=0).judge(np.zeros((2, 3))).n == 6
    assert Equals(0, to=0).judge(1e-30).word == "contradicted"


def test_equals_can_be_measured_without_a_verdict():
    outcome = Equals(0.1).measure({"measured": [1.0, 2.05], "expected": [1.0, 2.0]})
    assert (outcome.word, outcome.parts) == ("inconclusive", {}) and outcome.measured == pytest.approx(0.05)


def test_equals_refuses_unlike_shapes():
    with pytest.raises(ValueError, match="one shape, got \\(2,\\) and \\(3,\\)"):
        Equals(0.1).judge({"measured": [1, 2], "expected": [1, 2, 3]})


@pytest.mark.parametrize("rule, word, measured", [
    (below(0.5), "holds", 0.4), (below(0.4), "inconclusive", 0.4), (below(0.3), "contradicted", 0.4),
    (above(0.05), "holds", 0.1), (above(0.2), "contradicted", 0.1),
    (below(0.3, contradicted_above=0.5), "inconclusive", 0.4),
    (above(0.3, contradicted_below=0.05), "inconclusive", 0.1),
])
def test_a_bound_on_every_value_is_decided_by_the_worst(rule, word, measured):
    outcome = rule.judge([0.1, 0.4, 0.2])
    assert (outcome.word, outcome.measured, outcome.interval) == (word, measured, None)


def test_a_bound_on_the_mean_is_decided_by_the_interval():
    values = np.repeat([0.0, 1.0], [30, 70])  # mean 0.7, 95 % interval about 0.61 to 0.79
    assert above(0.5, of="mean").judge(values).word == "holds"
    assert above(0.65, of="mean").judge(values).word == "inconclusive"
    assert above(0.85, of="mean").judge(values).word == "contradicted"
    assert above(0.85, of="mean", contradicted_below=0.6).judge(values).word == "inconclusive"
    assert below(0.85, of="mean").judge(values).word == "holds"
    assert below(0.5, of="mean", contradicted_above=0.6).judge(values).word == "contradicted"
    assert above(0.5, of="mean").judge(values).measured == pytest.approx(0.7)


def test_a_bound_on_the_median_leaves_outliers_alone():
    values = np.array([0.1] * 15 + [1000.0] * 4)
    assert below(0.5, of="median").judge(values).word == "holds"
    assert below(0.5, of="mean").judge(values).word == "contradicted"


def test_an_interval_needs_ten_images_but_a_measured_value_does_not():
    with pytest.raises(ValueError, match="at least 10 values to be judged, got 3"):
        above(0.5, of="mean").judge([1, 2, 3])
    assert above(0.5, of="mean").measure([1, 2, 3]).measured == 2


def test_a_bound_of_something_else_is_refused():
    with pytest.raises(ValueError, match="of must be 'every', 'mean' or 'median', got 'mode'"):
        above(0.5, of="mode")


@pytest.mark.parametrize("k, word", [(195, "holds"), (180, "inconclusive"), (150, "contradicted")])
def test_a_share_is_decided_by_clopper_pearson(k, word):
    outcome = Share(0.9).judge({"successes": k, "trials": 200})
    exact = (stats.beta.ppf(0.025, k, 201 - k), stats.beta.ppf(0.975, k + 1, 200 - k))
    assert (outcome.word, outcome.measured, outcome.n) == (word, k / 200, 200)
    assert outcome.interval == pytest.approx(exact)


def test_between_the_two_boundaries_a_share_is_inconclusive():
    data = {"successes": 60, "trials": 100}
    assert Share(0.8, contradicted_below=0.5).judge(data).word == "inconclusive"
    assert Share(0.8).judge(data).word == "contradicted"


@pytest.mark.parametrize("k, n", [(3, 2), (-1, 5), (1.5, 2), (0, 0)])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match="whole numbers with 0 <= k <= n"):
        Share(0.5).judge({"successes": k, "trials": n})


@pytest.mark.parametrize("rule, sentence", [
    (Equals(0, to=0), "every value equals 0 exactly"),
    (Equals(1e-5), "every value equals its expected value within 1e-05"),
    (below(0.2, of="mean", contradicted_above=0.5),
     "the mean (95 % bootstrap interval) lies below 0.2; contradicted above 0.5"),
    (above(0), "every value lies above 0"),
    (Share(0.8, 0.5), "the share (Clopper-Pearson 95 % interval) lies above 0.8; contradicted below 0.5"),
])
def test_a_rule_prints_itself(rule, sentence):
    assert str(rule) == sentence
