"""Sweeps of the randomization tests: known answers, one computation a map, resumption, several processes, flat memory."""

import gc
import pickle
from functools import partial

import pandas as pd
import pytest
import torch
from distributed import Client, LocalCluster
from torch import nn
from toys import images

from xaiutils import metrics, sweep
from xaiutils.core import make_generator, reduce_channels
from xaiutils.models.architectures import vgg
from xaiutils.sweep import MEASURES, Explainer, Sweep, positive, verdict

INPUTS = images(2, size=16).float()
TARGET = torch.tensor([1, 2])
METHODS = {"gradient": Explainer("saliency", arguments={"abs": False}), "guided": Explainer("guided-backprop")}


def small_network():
    """Two convolutions and two linear layers for pictures of 16 x 16, with BatchNorm, all drawn from seed 0."""
    network = vgg(((4,), (6,)), (8,), 3, size=16).eval()
    generator = make_generator(0)
    for parameter in network.parameters():
        parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
    return network


def load():
    """The same network for all tests of this file."""
    return small_network()


def bottleneck():
    """All of the picture goes through ONE unit, so that every class has the same map but for a factor."""
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16 * 16, 1), nn.ReLU(),
                            nn.Linear(1, 3)).eval()
    generator = make_generator(1)
    for parameter in network.parameters():
        parameter.data = torch.rand(parameter.shape, generator=generator)
    return network


@pytest.fixture
def counted(monkeypatch):
    """The explanations asked for, as a list that grows."""
    asked, original = [], Explainer.__call__

    def call(self, network, inputs, target, seed=0):
        asked.append(self.method)
        return original(self, network, inputs, target, seed)

    monkeypatch.setattr(Explainer, "__call__", call)
    return asked


def test_layers_carry_the_names_of_the_thesis(tmp_path):
    made = Sweep(load, INPUTS, TARGET, METHODS, store=tmp_path, layers=["conv1", "fc2"])
    assert list(made.names) == ["fc2", "fc1", "conv2", "conv1"]
    assert made.layers == ["fc2", "conv1"]


def test_a_map_is_that_of_the_network_of_cascading_and_of_independent(tmp_path):
    made = Sweep(load, INPUTS, TARGET, METHODS, store=tmp_path)
    for test, networks in (("cascading", metrics.cascading), ("independent", metrics.independent)):
        for title, (_, network) in zip(made.names, networks(load(), 3, inputs=INPUTS)):
            by_hand = METHODS["guided"](network, INPUTS, TARGET)
            assert torch.equal(made.maps("guided", title, 3, test), by_hand)
    assert torch.equal(made.maps("gradient"), METHODS["gradient"](load(), INPUTS, TARGET))


def test_similarities_are_those_of_the_two_maps(tmp_path):
    made = Sweep(load, INPUTS, TARGET, METHODS, store=tmp_path, layers=["fc1"], tests=["independent"], seeds=[2])
    row = made.run().set_index(["method", "image"]).loc[("gradient", 1)]
    a, b = made.maps("gradient")[1:], made.maps("gradient", "fc1", 2, "independent")[1:]
    assert row["ledger"] == metrics.ssim(a, b).item() and row["sixt"] == metrics.ssim(a, b, "sixt").item()
    assert row["adebayo+"] == metrics.ssim(positive(a), positive(b), "adebayo").item()
    assert row["rank"] == metrics.rank_correlation(reduce_channels(a, "sum"), reduce_channels(b, "sum")).item()
    assert row["depth"] == 2 and row["seed"] == 2 and row["layer"] == "fc1"


def test_a_bottleneck_of_one_unit_keeps_the_map_and_only_the_sign_follows_the_last_layer(tmp_path):
    made = Sweep(bottleneck, INPUTS, TARGET, {"gradient": METHODS["gradient"]}, store=tmp_path, layers=["fc2"],
                 seeds=range(4))
    frame = made.run().query("test == 'cascading'")
    assert frame["ledger"].tolist() == pytest.approx([1] * 8, abs=1e-6)
    signs = {seed: next(network for _, network in metrics.cascading(bottleneck(), seed, inputs=INPUTS))[5].weight[TARGET, 0].sign()
             for seed in range(4)}                   # the trained weights are all positive
    expected = [signs[row.seed][row.image].item() for row in frame.itertuples()]
    assert frame["rank"].tolist() == pytest.approx(expected) and {1.0, -1.0} == set(expected)


def test_positive_part_adds_channels_before_it_cuts():
    maps = torch.tensor([[[[2.0, -1]], [[-3.0, 4]], [[0.5, -5]]]])
    assert positive(maps).tolist() == [[[[0, 0]]]]
    assert positive(-maps).tolist() == [[[[0.5, 2]]]]


def test_each_map_is_computed_once_and_the_last_layer_serves_both_tests(tmp_path, counted):
    made = Sweep(load, INPUTS, TARGET, METHODS, store=tmp_path, seeds=range(2))
    first = made.run()
    assert len(first) == 2 * 2 * 4 * 2 * 2                      # methods, tests, layers, seeds, images
    assert len(counted) == 2 * (1 + 2 * 4 * 2 - 2)              # the trained map, and both tests share the last layer
    pd.testing.assert_frame_equal(made.run(), first)
    made.maps("guided", "conv1", 1)
    assert len(counted) == 30


def test_titles_and_further_methods_cost_nothing_and_another_key_starts_afresh(tmp_path, counted):
    options = {"store": tmp_path, "layers": ["fc2"], "tests": ["cascading"], "seeds": [0]}
    Sweep(load, INPUTS, TARGET, METHODS, **options).run()
    assert len(counted) == 4
    renamed = {"GBP": METHODS["guided"], "input x gradient": Explainer("input-x-gradient")}
    assert set(Sweep(load, INPUTS, TARGET, renamed, **options).run()["method"]) == set(renamed)
    assert counted[4:] == ["input-x-gradient"] * 2
    Sweep(load, INPUTS, TARGET, METHODS, key={"version": 2}, **options).run()
    Sweep(load, INPUTS, 1 - TARGET % 2, METHODS, **options).run()
    assert len(counted) == 6 + 4 + 4


def test_an_interrupted_sweep_goes_on_where_it_stopped(tmp_path, monkeypatch):
    whole = Sweep(load, INPUTS, TARGET, METHODS, store=tmp_path / "whole", seeds=[0]).run()
    original, asked = Explainer.__call__, []

    def interrupted(self, *arguments):
        asked.append(self)
        if len(asked) == 6:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(Explainer, "__call__", interrupted)
    made = Sweep(load, INPUTS, TARGET, METHODS, store=tmp_path / "resumed", seeds=[0])
    with pytest.raises(KeyboardInterrupt):
        made.run()
    pd.testing.assert_frame_equal(made.run(), whole)
    assert len(asked) == 2 * (1 + 2 * 4 - 1) + 1                # one map was begun twice


def test_workers_give_the_numbers_of_one_process(tmp_path):
    """Two workers at once, each with the sweep as it travels: pickled."""
    torch.save(small_network(), tmp_path / "network.pt")
    made = [Sweep(partial(torch.load, tmp_path / "network.pt", weights_only=False), INPUTS, TARGET,
                  METHODS | {"smoothgrad": Explainer("smoothgrad", arguments={"n_samples": 3})},
                  store=tmp_path / name, layers=["fc1", "conv1"], seeds=[0]) for name in ("one", "several")]
    travelled = pickle.loads(pickle.dumps(made[1]))
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster, \
            Client(cluster) as client:
        several = travelled.run(client=client)
    pd.testing.assert_frame_equal(several, made[0].run())
    assert torch.equal(made[0].maps("smoothgrad", "conv1"), made[1].maps("smoothgrad", "conv1"))


def test_null_bands_are_those_of_shuffled_and_of_reseeded_maps(tmp_path):
    drawing = Explainer("smoothgrad", arguments={"n_samples": 3})
    made = Sweep(load, INPUTS, TARGET, {"gradient": METHODS["gradient"], "smoothgrad": drawing}, store=tmp_path)
    null = made.null(n_shuffles=4).set_index(["method", "measure", "image"])
    by_hand = metrics.null_band(made.maps("gradient"), MEASURES["rank"], n_shuffles=4)
    assert null.loc[("gradient", "rank", 1), ["shuffled_low", "shuffled_high"]].tolist() == by_hand[1].tolist()
    assert null.loc["gradient"][["reseeded_low", "reseeded_high"]].to_numpy() == pytest.approx(1)
    reseeded = torch.stack([drawing(load(), INPUTS, TARGET, seed) for seed in (1, 2)])
    by_hand = metrics.null_band(drawing(load(), INPUTS, TARGET), MEASURES["ledger"], reseeded=reseeded)
    assert null.loc[("smoothgrad", "ledger", 0), ["reseeded_low", "reseeded_high"]].tolist() == by_hand[0].tolist()
    assert (null.loc["smoothgrad"]["reseeded_high"] < 1).all()


def test_maps_of_one_image_by_layer(tmp_path):
    made = Sweep(load, INPUTS, TARGET, METHODS, store=tmp_path, layers=["fc1", "conv1"], seeds=[4])
    found = made.by_layer(image=1, test="independent")
    assert list(found) == list(METHODS) and list(found["guided"]) == ["original", "fc1", "conv1"]
    assert torch.equal(found["guided"]["original"], made.maps("guided")[1])
    assert torch.equal(found["guided"]["conv1"], made.maps("guided", "conv1", 4, "independent")[1])


def test_images_and_verdicts_from_rows_by_hand():
    rows = [{"method": method, "test": test, "layer": layer, "depth": depth, "seed": seed, "image": image,
             "ledger": value + (0.1 if test == "independent" else 0) - 0.2 * (depth - 1) + 0.02 * seed + 0.01 * image}
            for method, value in (("GBP", 0.96), ("gradient", 0.5)) for test in ("cascading", "independent")
            for layer, depth in (("fc2", 1), ("conv1", 2)) for seed in (0, 1) for image in (0, 1)]
    frame = pd.DataFrame(rows)
    assert sweep.per_image(frame).loc[1].tolist() == pytest.approx([0.98, 0.52])                 # mean of the two seeds
    assert sweep.per_image(frame, layer="conv1", test="independent")["GBP"].tolist() == pytest.approx([0.87, 0.88])
    layers = sweep.per_layer(frame, "GBP", test="independent")
    assert list(layers) == ["fc2", "conv1"] and layers.loc[0].tolist() == pytest.approx([1.07, 0.87])
    table = sweep.verdicts(frame)
    assert table.loc["GBP", ["mean", "low", "high"]].tolist() == pytest.approx([0.975, 0.97, 0.98])
    assert table["verdict"].to_dict() == {"GBP": "fails", "gradient": "passes"}


def test_memory_is_flat_over_a_hundred_maps(tmp_path, monkeypatch):
    """What lives after fifteen maps lives after a hundred: no model, hook or map is kept."""
    asked, alive, original = [], [], Explainer.__call__

    def counting(self, network, *arguments):
        asked.append(self.method)
        if len(asked) % 30 == 15:
            gc.collect()
            tensors = [thing for thing in gc.get_objects() if type(thing) in (torch.Tensor, nn.Parameter)]
            hooks = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())
            alive.append((len(tensors), sum(tensor.nbytes for tensor in tensors), hooks))
        return original(self, network, *arguments)

    monkeypatch.setattr(Explainer, "__call__", counting)
    Sweep(load, INPUTS, TARGET, METHODS, store=tmp_path, layers=["fc1", "conv1"], seeds=range(13)).run()
    assert len(asked) == 2 + 2 * 2 * 2 * 13 == 106
    assert len(alive) == 4 and len(set(alive)) == 1 and alive[-1][2] == 0


def test_reading_a_map_again_gives_what_was_computed(tmp_path):
    made = Sweep(load, INPUTS, TARGET, METHODS, store=tmp_path)
    assert torch.equal(made.maps("gradient", "fc2", 1), made.maps("gradient", "fc2", 1))


def test_several_baselines_may_hold_the_inputs_themselves():
    network, x = load(), INPUTS[:1]
    explain = Explainer("deeplift-shap", arguments={"baselines": ["black", "input"]})
    half = Explainer("deeplift", arguments={"baselines": "black"})
    torch.testing.assert_close(explain(network, x, TARGET[:1]), half(network, x, TARGET[:1]) / 2)


@pytest.mark.parametrize("values, word", [([0.5] * 10, "passes"), ([0.97] * 10, "fails"), ([0.93] * 10, "inconclusive"),
                                          ([0.8] * 3 + [1.0] * 3, "inconclusive"), ([0.95] * 4, "fails")])
def test_the_verdict_of_the_ledger(values, word):
    assert verdict(values) == word
    assert verdict(values, passes=1, fails=1.1) == "passes"


def test_unfit_arguments_are_refused(tmp_path):
    with pytest.raises(ValueError, match="method must be a key of METHODS, got 'gradient'"):
        Explainer("gradient")
    with pytest.raises(TypeError, match="methods must be Explainers by title, got something else for gradient"):
        Sweep(load, INPUTS, TARGET, {"gradient": "saliency"}, store=tmp_path)
    with pytest.raises(ValueError, match="layers must be among fc2, fc1, conv2, conv1, got fc3"):
        Sweep(load, INPUTS, TARGET, METHODS, store=tmp_path, layers=["fc3"])
    with pytest.raises(ValueError, match="test must be one of cascading, independent, got 'both'"):
        metrics.randomization.randomized_at(load(), "classifier.5", "both", inputs=INPUTS)


def test_measures_name_their_presets():
    assert set(sweep.PRESETS) < set(metrics.similarity.PRESETS)
    assert list(MEASURES) == [*sweep.PRESETS, *(f"{preset}+" for preset in sweep.PRESETS), "rank", "rank_abs"]
