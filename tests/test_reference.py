"""Reference tables: what is kept, which tolerance follows from a spread, what a comparison lets pass."""

import io

import pandas as pd
import pytest
from tiny_workbook import add_notebook

from xaiutils import reference, runner


def test_tolerance_is_three_times_the_spread_rounded_up():
    first = pd.DataFrame({"same": [1.0, 2.0], "moves": [0.5, 0.25], "name": ["a", "b"]})
    second = first.assign(moves=[0.5041, 0.25])
    third = first.assign(moves=[0.5, 0.249])
    assert reference.spread([first, second, third]) == {"moves": 0.013}  # 3 * 0.0041 = 0.0123


def test_rounding_never_goes_down_and_keeps_exact_values():
    assert reference._rounded_up(0.0121) == 0.013 and reference._rounded_up(0.3) == 0.3 and reference._rounded_up(1234) == 1300


@pytest.mark.parametrize("moved, ok", [(0.5, True), (0.512, True), (0.514, False)])
def test_a_column_may_move_by_its_tolerance(moved, ok):
    kept = pd.DataFrame({"score": [0.5], "name": ["a"]})
    fresh = kept.assign(score=[moved])
    if ok:
        reference.compare(fresh, kept, {"score": 0.013})
    else:
        with pytest.raises(AssertionError, match="column 'score'"):
            reference.compare(fresh, kept, {"score": 0.013})


@pytest.mark.parametrize("fresh, complaint", [
    (pd.DataFrame({"score": [0.5 * (1 + 1e-5)], "name": ["a"]}), "column 'score'"),
    (pd.DataFrame({"score": [0.5], "name": ["b"]}), "column 'name'"),
    (pd.DataFrame({"score": [0.5, 0.5], "name": ["a", "a"]}), "2 rows, reference 1"),
    (pd.DataFrame({"score": [0.5]}), "columns"),
])
def test_everything_else_must_be_equal(fresh, complaint):
    kept = pd.DataFrame({"score": [0.5], "name": ["a"]})
    reference.compare(kept.assign(score=[0.5 * (1 + 1e-8)]), kept, {})
    with pytest.raises(AssertionError, match=complaint):
        reference.compare(fresh, kept, {})


def test_writing_keeps_the_first_run_and_the_spread_over_the_repetitions(tmp_path, monkeypatch):
    add_notebook(tmp_path, "doc/a", "nothing runs in this test")

    def run_all(tasks, jobs, threads, progress):
        (tables := tasks[0].folder / "tables").mkdir(parents=True)
        seed = tasks[0].parameters.get("seed", 0)
        pd.DataFrame({"by_threads": [threads / 100], "by_seed": [seed / 10]}).to_csv(tables / "t.csv", index=False)
        pd.DataFrame({"x": [1]}).to_csv(tables / "other.csv", index=False)
        return {}

    monkeypatch.delenv("XAIUTILS_BUILD", raising=False)
    monkeypatch.setattr(runner, "run_all", run_all)
    progress = runner.Progress(io.StringIO())
    target = reference.write("doc/a", ["t"], root=tmp_path, progress=progress)
    assert [path.name for path in target.iterdir()] == ["t.csv"]
    assert pd.read_csv(target / "t.csv").to_dict("list") == {"by_threads": [0.01], "by_seed": [0.0]}
    assert reference.tolerances(tmp_path) == {"doc/a": {"t": {"over": "threads", "columns": {"by_threads": 0.09}}}}  # 3 * (0.04 - 0.01)
    with pytest.raises(ValueError, match="'tt'; did you mean 't'"):
        monkeypatch.setenv("XAIUTILS_BUILD", "build/again")
        reference.write("doc/a", ["tt"], root=tmp_path, progress=progress)
    monkeypatch.setenv("XAIUTILS_BUILD", "build/seeds")
    reference.write("doc/a", over="seeds", root=tmp_path, progress=progress)  # the table kept already
    assert reference.tolerances(tmp_path) == {"doc/a": {"t": {"over": "seeds", "columns": {"by_seed": 1.2}}}}


def test_a_notebook_that_fails_gives_no_reference(tmp_path, monkeypatch):
    add_notebook(tmp_path, "doc/a", "1 / 0")
    monkeypatch.setattr(runner, "run_all", lambda *arguments: {"doc/a": "ZeroDivisionError: division by zero"})
    with pytest.raises(RuntimeError, match="notebook doc/a must run through to give references, got ZeroDivisionError"):
        reference.write("doc/a", root=tmp_path, progress=runner.Progress(io.StringIO()))
    assert not (tmp_path / "tests").exists()
