import numpy as np
import pytest
from scipy import stats

from xaiutils.rules import PageTrend, Slope, Trend


def test_a_perfect_rise_holds_and_a_fall_is_contradicted():
    x = np.arange(10)
    assert Trend().judge({"x": x, "y": x ** 3}).word == "holds"
    assert Trend().judge({"x": x, "y": -x}).word == "contradicted"
    assert Trend(0.5).judge({"x": x, "y": x}).measured == pytest.approx(1)


def test_no_relation_is_inconclusive():
    outcome = Trend().judge({"x": np.arange(8), "y": [1, 2, 1, 2, 1, 2, 1, 2]})
    assert outcome.word == "inconclusive" and outcome.interval[0] < 0 < outcome.interval[1]


def test_a_constant_has_no_trend():
    with pytest.raises(ValueError, match="x and y must vary to be ranked, got a constant"):
        Trend().judge({"x": [1, 2, 3, 4], "y": [1, 1, 1, 1]})


def test_page_of_images_that_all_rise():
    scores = np.tile([0.1, 0.2, 0.3, 0.4], (12, 1)) + np.arange(12)[:, None]
    outcome = PageTrend().judge(scores)
    assert (outcome.word, outcome.n) == ("holds", 12) and outcome.measured == pytest.approx(1)
    assert PageTrend().judge(scores[:, ::-1]).word == "contradicted"


def test_page_measures_the_mean_rank_correlation_with_the_levels():
    scores = np.random.default_rng(3).normal(size=(15, 5))
    by_row = [stats.spearmanr(row, np.arange(5)).statistic for row in scores]
    assert PageTrend().measure(scores).measured == pytest.approx(np.mean(by_row))


def test_page_of_rises_and_falls_is_inconclusive():
    up = [0.1, 0.2, 0.3]
    assert PageTrend().judge(np.array([up, up[::-1]] * 6)).word == "inconclusive"


def test_page_needs_three_levels_and_ten_images():
    with pytest.raises(ValueError, match="at least 3 levels"):
        PageTrend().judge(np.ones((12, 2)))
    with pytest.raises(ValueError, match="at least 10 values to be judged, got 4"):
        PageTrend().judge(np.ones((4, 3)))


@pytest.mark.parametrize("power, word", [(1.0, "holds"), (0.5, "contradicted"), (2.0, "contradicted")])
def test_the_slope_of_a_power_law_is_its_exponent(power, word):
    x = np.array([0.2, 0.1, 0.05, 0.025])
    outcome = Slope(0.8, 1.2).judge({"x": x, "y": 7 * x ** power})
    assert outcome.word == word and outcome.measured == pytest.approx(power)


def test_a_slope_outside_whose_interval_reaches_inside_is_inconclusive():
    assert Slope(0.8, 1.2).judge({"x": [1, 2, 4, 8], "y": [1, 1.2, 4, 3]}).word == "inconclusive"


def test_logarithms_need_positive_values():
    with pytest.raises(ValueError, match="x and y must be positive, got a least value of 0"):
        Slope(0.8, 1.2).judge({"x": [1, 2, 3], "y": [1, 0, 1]})


def test_the_rules_print_themselves():
    assert str(Trend(0.3)) == "Spearman's rank correlation (95 % interval) lies above 0.3"
    assert str(PageTrend()).startswith("the score rises from level to level")
    assert str(Slope(0.8, 1.2)) == "the log-log slope lies in [0.8, 1.2]"
