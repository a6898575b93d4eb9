import json
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster, get_worker

from xaiutils import models, scale
from xaiutils.scale import map_items


def square(item):
    return {"square": item**2, "name": f"item {item}"}


def powers(item):
    return {
        "powers": np.arange(3) ** item,
        "tensor": torch.tensor([0.1, item]),
        "mean": torch.tensor(item / 2),
    }


def worker_of(item):
    return {"worker": get_worker().address}


def square_below_three(item):
    if item >= 3:
        raise ValueError(f"{item} is too large")
    return square(item)


@contextmanager
def connected(**workers):
    with LocalCluster(**workers, dashboard_address=None) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def client():
    with connected(n_workers=1, threads_per_worker=2, processes=False) as client:
        yield client


@pytest.fixture(scope="module")
def processes():
    with connected(n_workers=2, threads_per_worker=1, processes=True) as client:
        yield client


def same(left, right):
    return list(left) == list(right) and all(np.array_equal(left[name], right[name]) for name in left)


def test_results_come_in_the_order_of_the_items(tmp_path):
    mapped = map_items(square, [3, 1, 2], store=tmp_path, key={})
    assert list(mapped.results.items()) == [(n, {"square": n * n, "name": f"item {n}"}) for n in (3, 1, 2)]
    assert mapped.failures == {}


def test_arrays_tensors_and_numbers_come_back(tmp_path):
    found = map_items(powers, [2], store=tmp_path, key={}).results[2]
    np.testing.assert_array_equal(found["powers"], [0, 1, 4])
    np.testing.assert_array_equal(found["tensor"], np.float32([0.1, 2]))
    assert found["mean"] == 1.0 and isinstance(found["mean"], float)


@pytest.mark.parametrize("function", [square, powers])
def test_a_cluster_gives_the_same_as_this_process(function, tmp_path, client):
    here = map_items(function, range(5), store=tmp_path / "here", key={}).results
    there = map_items(function, range(5), store=tmp_path / "there", key={}, client=client).results
    assert list(here) == list(there) and all(same(here[item], there[item]) for item in here)


def test_a_notebooks_function_travels_to_other_processes_and_its_network_does_not(tmp_path, processes):
    """Functions of a notebook are pickled by value, with the names they use; a network loaded once is one of each process."""
    names = {"__name__": "__main__", "load": models.load_once, "inputs": torch.rand(4, 1, 128, 64)}
    exec(
        "def evaluate(index):\n"
        "    network = load('lenet-digits')\n"
        "    return {'same': load('lenet-digits') is network and 1, 'largest': network(inputs[[index]]).max()}",
        names,
    )
    evaluate = names["evaluate"]
    here = map_items(evaluate, range(4), store=tmp_path / "here", key={}).results
    there = map_items(evaluate, range(4), store=tmp_path / "there", key={}, client=processes).results
    for item in range(4):
        assert there[item]["same"] == 1
        assert there[item]["largest"] == pytest.approx(here[item]["largest"], abs=1e-5)


def test_the_environment_names_the_scheduler(tmp_path, client, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER", client.scheduler.address)
    found = map_items(worker_of, [4], store=tmp_path, key={}).results[4]
    assert found["worker"] in client.scheduler_info()["workers"]


def test_without_dask_the_environment_asks_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER", "tcp://nowhere:1")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match="DASK_SCHEDULER needs Dask: pip install"):
        map_items(square, [1], store=tmp_path, key={})


def test_what_is_stored_is_not_computed_again(tmp_path):
    calls = []

    def counted(item):
        calls.append(item)
        return square(item)

    map_items(counted, [1, 2], store=tmp_path, key={"seed": 0})
    again = map_items(counted, [1, 2, 3], store=tmp_path, key={"seed": 0})
    assert calls == [1, 2, 3] and again.results[1]["square"] == 1
    map_items(counted, [1], store=tmp_path, key={"seed": 1})
    assert calls == [1, 2, 3, 1]


@pytest.mark.parametrize("distributed", [False, True])
def test_a_failing_item_is_named_and_the_rest_goes_on(distributed, tmp_path, client):
    cluster = client if distributed else None
    with pytest.warns(UserWarning, match="item 3 failed: ValueError: 3 is too large"):
        mapped = map_items(square_below_three, [1, 3, 2], store=tmp_path, key={}, client=cluster)
    assert list(mapped.results) == [1, 2] and mapped.failures == {3: "ValueError: 3 is too large"}
    repaired = map_items(square, [1, 3, 2], store=tmp_path, key={}, client=cluster)
    assert repaired.results[3]["square"] == 9 and repaired.failures == {}


def test_an_interrupted_run_keeps_what_is_finished(tmp_path):
    def interrupted(item):
        if item == 2:
            raise KeyboardInterrupt
        return square(item)

    with pytest.raises(KeyboardInterrupt):
        map_items(interrupted, [1, 2], store=tmp_path, key={})
    assert map_items(lambda item: {"square": -1}, [1], store=tmp_path, key={}).results[1]["square"] == 1
    assert not list(tmp_path.rglob("*.part"))


def test_a_half_written_file_is_never_taken_for_a_result(tmp_path):
    with pytest.raises(OSError):
        with scale._replaced(tmp_path / "result.json") as file:
            file.write(b"{")
            raise OSError("disk full")
    assert list(tmp_path.iterdir()) == []


def test_the_key_lies_beside_the_results(tmp_path):
    map_items(square, [1], store=tmp_path, key={"seed": 7})
    assert json.loads(next(tmp_path.rglob("key.json")).read_text()) == {"seed": 7}


def test_unfit_arguments_are_refused(tmp_path):
    with pytest.raises(ValueError, match="items must be distinct, got \\[1\\] more than once"):
        map_items(square, [1, 2, 1], store=tmp_path, key={})
    with pytest.raises(TypeError, match="key and items must be plain"):
        map_items(square, [1], store=tmp_path, key={"network": object()})
    with pytest.warns(UserWarning, match="function must return a dict, got int"):
        assert map_items(abs, [1], store=tmp_path, key={"of": "abs"}).results == {}
    with pytest.warns(UserWarning, match="note cannot be stored beside arrays"):
        map_items(lambda item: {"note": None, "map": np.ones(2)}, [1], store=tmp_path, key={"of": "note"})


def test_the_bar_is_off_where_the_runner_works(tmp_path, monkeypatch, capsys):
    map_items(square, [1], store=tmp_path / "a", key={})
    assert "1/1" in capsys.readouterr().err
    monkeypatch.setenv("XAIUTILS_PROFILE", "small")
    map_items(square, [1], store=tmp_path / "b", key={})
    assert capsys.readouterr().err == ""
