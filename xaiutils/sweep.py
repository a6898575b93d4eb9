r"""Randomization tests over methods, layers and seeds: every map is computed once, kept on disk, and compared.

>>> sweep = Sweep(partial(models.load, "vgg-cifar10", fold_batchnorm=False), inputs, target,
...               {"gradient": Explainer("saliency")}, store="build/cache")                  # doctest: +SKIP
>>> frame = sweep.run()                                                                      # doctest: +SKIP

A map is that of one method, one test, one layer and one seed, for all images. For each, the similarity with the map of the
trained network, for the class that THAT network was explained for:

``ledger``, ``thesis``, ``adebayo``, ``sixt``   SSIM under the presets of :mod:`xaiutils.metrics.similarity`; "ledger" decides
``ledger+`` and so on                           the same of the positive part: channels added up, what is below 0 set to 0
``rank``, ``rank_abs``                          Spearman's correlation of the channel sums and of their absolute sums

LOWER is better: the map follows the network. Cost: methods x tests x layers x seeds maps, and a tenth of a second each to
compare five images of 64 x 64.
Source: Adebayo et al.: Sanity Checks for Saliency Maps, NeurIPS 2018; Nuzzo, MSc thesis 2020, Sections 5.2 and 7.2.
"""

import hashlib
import json
import os
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from xaiutils import intervals, scale
from xaiutils.core import check_inputs, reduce_channels
from xaiutils.methods import METHODS
from xaiutils.metrics import null_band, rank_correlation, ssim
from xaiutils.metrics.randomization import TESTS, layer_titles, randomized_at

PRESETS = ("ledger", "thesis", "adebayo", "sixt")
TRAINED = ("trained", "", 0)
_HELD = threading.local()  # the networks at hand in this thread: the trained one, and the random one drawn last


def positive(maps):
    """What speaks for the class: channels added up, then what is below 0 set to 0. (N, C, H, W) -> (N, 1, H, W)"""
    return reduce_channels(maps, "sum")[:, None].clamp(min=0)


def _ssim_of_positive(a, b, preset):
    return ssim(positive(a), positive(b), preset)


def _rank(a, b):
    return rank_correlation(reduce_channels(a, "sum"), reduce_channels(b, "sum"))


def _rank_of_sizes(a, b):
    return rank_correlation(reduce_channels(a, "abs_sum"), reduce_channels(b, "abs_sum"))


MEASURES = ({preset: partial(ssim, preset=preset) for preset in PRESETS}
            | {f"{preset}+": partial(_ssim_of_positive, preset=preset) for preset in PRESETS}
            | {"rank": _rank, "rank_abs": _rank_of_sizes})


@dataclass(frozen=True)
class Explainer:
    """A method by its key in ``METHODS``, options of its class, and arguments of its ``attribute``: plain values or tensors.

    ``Explainer("integrated-gradients", arguments={"baselines": "blur", "n_steps": 20})``. Called with a network, inputs
    and target it gives attributions (N, C, H, W). ``"input"`` in a list of baselines stands for the inputs themselves.
    """

    method: str
    options: dict = field(default_factory=dict)
    arguments: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.method not in METHODS:
            raise ValueError(f"method must be a key of METHODS, got {self.method!r}.")

    def __call__(self, network, inputs, target, seed=0):
        arguments = dict(self.arguments)
        if isinstance(arguments.get("baselines"), list):
            arguments["baselines"] = [inputs if name == "input" else name for name in arguments["baselines"]]
        return METHODS[self.method](network, **self.options).attribute(inputs, target=target, seed=seed, **arguments)

    def __str__(self):
        return json.dumps([self.method, self.options, self.arguments], sort_keys=True, default=lambda a: _digest_of([a]))


class Sweep:
    """All maps of some methods on networks that lose their parameters layer by layer, and how alike they stay.

    ``load``     () -> the trained network in eval mode; called once in each process, so that networks need not travel
    ``inputs``   (N, C, H, W); ``target`` (N,), the classes explained on every network
    ``methods``  {title: :class:`Explainer`}
    ``layers``   titles among ``layer_titles``, e.g. ["fc3", "conv10", "conv1"]; default: all
    ``tests``    "cascading", "independent" or both; ``seeds`` whole numbers, one for each set of random weights
    ``store``    folder of maps and numbers: what lies there is not computed again
    ``key``      whatever else decides the maps, a dictionary of plain values (a notebook gives ``run.key``)
    ``running_statistics``  of BatchNorm: see :func:`xaiutils.metrics.randomized`

    Equal arguments give equal numbers, whether in one go, resumed, or on a cluster.
    """

    def __init__(self, load, inputs, target, methods, *, store, layers=None, tests=TESTS, seeds=range(5), key=None,
                 running_statistics="reset"):
        check_inputs(inputs)
        if unknown := [name for name, explain in methods.items() if not isinstance(explain, Explainer)]:
            raise TypeError(f"methods must be Explainers by title, got something else for {', '.join(unknown)}.")
        self.load, self.inputs, self.target, self.methods = load, inputs, torch.as_tensor(target), dict(methods)
        self.tests, self.seeds, self.running_statistics = list(tests), list(seeds), running_statistics
        network = load()
        self.names = layer_titles(network, inputs[:1])
        self.layers = list(self.names) if layers is None else list(layers)
        if unknown := [layer for layer in self.layers if layer not in self.names]:
            raise ValueError(f"layers must be among {', '.join(self.names)}, got {', '.join(unknown)}.")
        self.layers.sort(key=list(self.names).index)
        self.about = _digest([key or {}, _digest_of(network.state_dict().values()), _digest_of([inputs, self.target]),
                              running_statistics])
        self.store = Path(store)

    def run(self, *, progress=True, client=None):
        """Every map not yet there, and the similarities: a row for each method, test, layer, seed and image.

        Columns ``method``, ``test``, ``layer``, ``depth`` (1 for the last layer), ``seed``, ``image`` (its number), and
        those of ``MEASURES``. Progress, clusters and failures are those of :func:`xaiutils.scale.map_items`.
        """
        titles = {str(explain): title for title, explain in self.methods.items()}
        items = [(text, test, layer, seed) for test in self.tests for layer in self.layers for seed in self.seeds
                 for text in titles]
        mapped = scale.map_items(self.measure, items, store=self.store / "numbers", key={"about": self.about},
                                 progress=progress, client=client)
        rows = []
        for (text, test, layer, seed), found in mapped.results.items():
            depth = list(self.names).index(layer) + 1
            place = {"method": titles[text], "test": test, "layer": layer, "depth": depth, "seed": seed}
            rows += [place | {"image": n} | {name: values[n] for name, values in found.items()}
                     for n in range(len(self.inputs))]
        return pd.DataFrame(rows)

    def measure(self, item):
        """The similarities of one map: {measure: N numbers}. ``item`` is (the Explainer as text, test, layer, seed)."""
        explain = next(explain for explain in self.methods.values() if str(explain) == item[0])
        original, other = self._maps(explain, *TRAINED), self._maps(explain, *item[1:])
        return {name: [float(value) for value in measure(original, other)] for name, measure in MEASURES.items()}

    def maps(self, method, layer=None, seed=0, test="cascading"):
        """Attributions (N, C, H, W) of the method called ``method``: on the trained network, or random down to ``layer``."""
        return self._maps(self.methods[method], *(TRAINED if layer is None else (test, layer, seed)))

    def by_layer(self, image=0, seed=None, test="cascading"):
        """{method: {"original": map (C, H, W), "fc3": map ...}} of one image, for :func:`xaiutils.plots.randomized_maps`."""
        seed = self.seeds[0] if seed is None else seed
        places = {"original": TRAINED} | {layer: (test, layer, seed) for layer in self.layers}
        return {method: {title: self._maps(explain, *place)[image] for title, place in places.items()}
                for method, explain in self.methods.items()}

    def null(self, measures=("ledger", "rank"), *, n_shuffles=20, n_reseeds=2, coverage=0.95):
        """Where each measure lies when only chance changes: a row for each method, measure and image.

        ``shuffled_low``, ``shuffled_high``  against the trained network's map with its pixels in random order: what maps
                    share that have nothing in common but their values
        ``reseeded_low``, ``reseeded_high``  against the trained network's maps under other seeds of the method: what
                    its own noise takes it down to; 1 for a method that draws nothing
        """
        rows = []
        for title, explain in self.methods.items():
            original = self._maps(explain, *TRAINED)
            other = torch.stack([self._maps(explain, "trained", "", seed) for seed in range(1, n_reseeds + 1)])
            for name in measures:
                shuffled = null_band(original, MEASURES[name], n_shuffles=n_shuffles, coverage=coverage)
                reseeded = null_band(original, MEASURES[name], reseeded=other, coverage=coverage)
                rows += [{"method": title, "measure": name, "image": n, "shuffled_low": low, "shuffled_high": high,
                          "reseeded_low": below, "reseeded_high": above}
                         for n, ((low, high), (below, above)) in enumerate(zip(shuffled.tolist(), reseeded.tolist()))]
        return pd.DataFrame(rows)

    def _maps(self, explain, test, layer, seed):
        if layer == next(iter(self.names)):
            test = "cascading"                       # at the last layer both tests have the same network
        file = self.store / "maps" / _digest([self.about, str(explain)]) / f"{test}-{layer}-{seed}.npy"
        if not file.is_file():
            _write(file, explain(self._network(test, layer, seed), self.inputs, self.target,
                                 seed if test == "trained" else 0))
        return torch.from_numpy(np.load(file))

    def _network(self, test, layer, seed):
        """The trained network or a random one; of each kind this thread keeps the last."""
        if getattr(_HELD, "about", None) != self.about:
            _HELD.about, _HELD.trained, _HELD.random = self.about, self.load(), (None, None)
        if test == "trained":
            return _HELD.trained
        if _HELD.random[0] != (test, layer, seed):
            _HELD.random = None, None
            network = randomized_at(_HELD.trained, self.names[layer], test, seed, inputs=self.inputs[:1],
                                    running_statistics=self.running_statistics)
            _HELD.random = (test, layer, seed), network
        return _HELD.random[1]


def per_image(frame, measure="ledger", layer=None, test="cascading"):
    """Means over seeds from rows of :meth:`Sweep.run`: a row an image, a column a method; ``layer`` None is the last one."""
    rows = frame[frame["test"] == test]
    rows = rows[rows["depth"] == rows["depth"].min()] if layer is None else rows[rows["layer"] == layer]
    methods = list(dict.fromkeys(frame["method"]))
    return rows.groupby(["image", "method"])[measure].mean().unstack()[methods]


def per_layer(frame, method, measure="ledger", test="cascading"):
    """Means over seeds from rows of :meth:`Sweep.run` for one method: a row an image, a column a layer, from the output."""
    rows = frame[(frame["test"] == test) & (frame["method"] == method)]
    layers = list(dict.fromkeys(rows.sort_values("depth", kind="stable")["layer"]))
    return rows.groupby(["image", "layer"])[measure].mean().unstack()[layers]


def verdict(values, passes=0.90, fails=0.95):
    """"passes", "fails" or "inconclusive": what the SSIMs (N,) after the last dense layer say, by the ledger's protocol.

    A method passes with a mean of at most ``passes`` whose 95 % bootstrap interval ends below ``fails``; it fails with a
    mean of ``fails`` or more.
    """
    values = np.asarray(values, dtype=float)
    if values.mean() >= fails:
        return "fails"
    high = intervals.percentile(intervals.resample(values))[1]
    return "passes" if values.mean() <= passes and high < fails else "inconclusive"


def verdicts(frame, measure="ledger", passes=0.90, fails=0.95):
    """Cascading test: a row a method with the mean after the last layer, both ends of its interval and :func:`verdict`."""
    values = per_image(frame, measure)
    rows = {method: [values[method].mean(), *intervals.percentile(intervals.resample(values[method])),
                     verdict(values[method], passes, fails)] for method in values}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "low", "high", "verdict"])


def _write(file, maps):
    """Written under another name first, so that a file with this name is always whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    with open(draft, "wb") as opened:
        np.save(opened, maps.detach().cpu().numpy())
    os.replace(draft, file)


def _digest(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _digest_of(tensors):
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(str(tuple(tensor.shape)).encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
