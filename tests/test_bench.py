"""The benchmark's arithmetic: ratios and promises of given times, and that every name leads to a contender."""

import pytest

from xaiutils import bench

TIMES = {"ours": 2.0, "peer": 5.0, "bound-1": 1.6}


def test_ratios_and_promises():
    comparison = bench.Comparison("", "ours", {"peer": 2.0, "absent": 9.0}, {"bound-1": 1.2})
    assert list(bench.promises(comparison, TIMES)) == [
        ("2.50 times faster than peer", "at least 2", True), ("1.25 times bound-1", "at most 1.2", False)]


def test_every_name_is_a_contender_or_a_bound():
    names = {name for c in bench.COMPARISONS for name in (c.ours, *c.faster, *c.within)}
    assert {name for name in names if not name.startswith("bound-")} == set(bench.CONTENDERS)
    assert bench.PEERS | bench.NOT_ALWAYS_THERE.keys() <= set(bench.CONTENDERS)


def test_some_are_chosen_by_name():
    assert [comparison.ours for comparison in bench.chosen(["rap", "agi"])] == ["rap", "agi"]
    assert bench.chosen([]) is bench.COMPARISONS
    with pytest.raises(ValueError, match="only must name contenders of agi, ig, games, lrp, rap, credible, suppression, axai, got speed"):
        bench.chosen(["agi", "speed"])


def test_a_missed_promise_is_the_exit_status(monkeypatch, capsys):
    monkeypatch.setattr(bench, "COMPARISONS", [bench.Comparison("title", "ours", {"peer": 3.0, "absent": 1.0}, {"bound-1": 1.3})])
    monkeypatch.setattr(bench, "NOT_ALWAYS_THERE", {"absent": "no_such_package"})
    monkeypatch.setattr(bench, "in_its_own_process", TIMES.__getitem__)
    assert bench.main() == 1
    out = capsys.readouterr().out
    assert "2.50 times faster than peer              promised at least 3     MISSED" in out
    assert "1.25 times bound-1                       promised at most 1.3    kept" in out
    assert "bound-1 itself is 3.12 times faster than peer here" in out
    assert "no_such_package is not installed" in out and "1 MISSED" in out
