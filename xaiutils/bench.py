"""``make bench``: how close the methods come to the machine's bound, and how far ahead of the usual way they are.

Seconds mean nothing on a shared machine, ratios in one run do. Every contender runs in a process of its own, set up as its user
would have it: the peers with the default allocator, memory format and BatchNorm, ours as it comes. The processes take turns for a
few rounds and the fastest round of each counts. A bound is the number of passes a method must make times the best rate at which
the unfolded network makes them, over several batch sizes. The exit status is 1 when a promised ratio is missed.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec

import torch

ROUNDS = 3
CLASSES = range(0, 1000, 50)  # twenty false classes, the same for every contender
BATCHES = (1, 4, 8, 16)


def _setup(usual: bool):
    """The network and one photograph; ``usual`` as a newcomer has them: NCHW, BatchNorm unfolded."""
    from xaiutils import datasets, models
    network = models.load("efficientnet-lite0", fold_batchnorm=not usual)
    if usual:
        network = network.to(memory_format=torch.contiguous_format)
    return network, datasets.photographs(1).inputs


def agi():
    from xaiutils.methods import AGI
    network, x = _setup(usual=False)
    method = AGI(network)
    yield
    walks = method.explain(x, "pred", false_classes=CLASSES)[0]
    yield sum(min(walk.steps + 1, 20) for walk in walks)


def agi_loop():
    """One class after the other, one image a pass: the passes of the released code."""
    network, x = _setup(usual=True)
    yield
    target, passes = network(x).argmax(1).item(), 0
    for false_class in (c for c in CLASSES if c != target):
        point = x
        for _ in range(20):
            point = point.detach().requires_grad_()
            probabilities, passes = network(point).softmax(1), passes + 1
            if probabilities.argmax().item() == false_class:
                break
            up, = torch.autograd.grad(probabilities[0, false_class], point, retain_graph=True)
            torch.autograd.grad(probabilities[0, target], point)
            point = (x + 0.05 * up.sign()).clamp(0, 1)
    yield passes


def ig():
    from xaiutils.methods import IntegratedGradients
    network, x = _setup(usual=False)
    yield
    IntegratedGradients(network).attribute(x, target=0)
    yield 50


def ig_captum():
    from captum.attr import IntegratedGradients
    network, x = _setup(usual=True)
    yield
    IntegratedGradients(network).attribute(x, target=0)
    yield 50


def games():
    from xaiutils.metrics import deletion_curve, insertion_curve
    network, x = _setup(usual=False)
    heatmap = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    yield
    for curve in (insertion_curve, deletion_curve):
        curve(network, x, heatmap, target=0)
    yield 450


def games_loop():
    network, x = _setup(usual=True)
    yield
    with torch.no_grad():
        for _ in range(450):
            network(x).softmax(1)
    yield 450


def _vgg():
    """VGG-16 with drawn weights (speed does not ask which) and a drawn image of 224x224."""
    from xaiutils._torchvision import torchvision
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torchvision.models.vgg16(weights=None).eval(), torch.rand(1, 3, 224, 224)


def _relevance(name):
    from xaiutils.methods import METHODS
    network, x = _vgg()
    method = METHODS[name](network)
    method.attribute(x, target=0)
    yield
    method.attribute(x, target=0)
    yield 1


def lrp():
    yield from _relevance("lrp-alpha2-beta1")


def rap():
    yield from _relevance("rap")


def lrp_zennit():
    """The same rules by zennit, as its documentation sets them up: z-box first, alpha-beta after."""
    import xaiutils._torchvision  # noqa: F401  (zennit imports torchvision)
    from zennit.attribution import Gradient
    from zennit.composites import SpecialFirstLayerMapComposite
    from zennit.rules import AlphaBeta, Norm, ZBox
    from zennit.types import AvgPool, Convolution, Linear
    network, x = _vgg()
    rules = [((Convolution, Linear), AlphaBeta(alpha=2, beta=1)), (AvgPool, Norm())]
    composite = SpecialFirstLayerMapComposite(layer_map=rules, first_map=[(Convolution, ZBox(low=0.0, high=1.0))])
    with Gradient(model=network, composite=composite) as attributor:
        attributor(x, torch.eye(1000)[[0]])
        yield
        attributor(x, torch.eye(1000)[[0]])
        yield 1


def credible():
    from xaiutils.methods import CredibleIntegratedGradients
    network, x = _setup(usual=False)
    yield
    path = CredibleIntegratedGradients(network).explain(x, target=0)
    yield 150 + 1 + int(path.found.trace.isfinite().sum())


def ig_captum_150():
    from captum.attr import IntegratedGradients
    network, x = _setup(usual=True)
    yield
    IntegratedGradients(network).attribute(x, target=0, n_steps=150)
    yield 150


def suppression():
    from xaiutils.methods import FeatureSuppression
    network, x = _setup(usual=False)
    yield
    FeatureSuppression(network).attribute(x, target=0, n_samples=200)
    yield 200


def axai():
    import skimage.segmentation  # noqa: F401  (half a second, before the clock as in its bound)

    from xaiutils.methods import AXAI
    network, x = _setup(usual=False)
    yield
    AXAI(network).attribute(x, target=0, max_steps=20)
    yield 1


def axai_bound():
    """What AXAI cannot do without: the segments, and twenty passes of one row, each of which waits for the one before."""
    from skimage.segmentation import quickshift
    network, x = _setup(usual=True)
    image = x[0].permute(1, 2, 0).numpy().astype(float)
    rate = _best_rate(1, batches=(1,))
    yield
    quickshift(image, kernel_size=8, max_dist=10, ratio=0.1)
    time.sleep(20 * rate)
    yield 1


def _best_rate(backwards: int, batches=BATCHES):
    """The best batch's passes of the unfolded network: a forward and ``backwards`` backward passes a row."""
    from xaiutils.engine import Engine
    network, x = _setup(usual=True)
    network = network.to(memory_format=torch.channels_last).requires_grad_(False)
    engine = Engine(network, internal_batch_size=1000)
    rates = {}
    for size in batches:
        rows, target = x.expand(size, -1, -1, -1), torch.zeros(size, dtype=torch.long)
        for _ in range(3):
            start = time.perf_counter()
            engine.gradients(rows, *[target] * backwards) if backwards else engine.scores(rows)
            rates[size] = min(rates.get(size, 1e9), (time.perf_counter() - start) / size)
    return min(rates.values())


@dataclass
class Comparison:
    """One contender and what is promised of it.

    ``faster``  contender -> at least so many times faster than it, pass for pass
    ``within``  contender or bound -> at most so many times its time
    """

    title: str
    ours: str
    faster: dict[str, float]
    within: dict[str, float]


COMPARISONS = [
    Comparison("AGI, 20 classes x 20 steps, against one class at a time", "agi", {"agi_loop": 2.5}, {"bound-2": 1.1}),
    Comparison("Integrated Gradients, 50 steps, against Captum as called by default", "ig", {"ig_captum": 4.0}, {"bound-1": 1.15}),
    Comparison("insertion + deletion, 225 points each, against batch-1 forwards", "games", {"games_loop": 2.0}, {"bound-0": 1.2}),
    Comparison("LRP alpha 2 beta 1 on VGG-16, against zennit", "lrp", {"lrp_zennit": 2.0}, {}),
    Comparison("RAP on VGG-16, against our LRP", "rap", {}, {"lrp": 1.5}),
    Comparison("credible path, 150 steps and three baselines, beside Captum's IG of 150 steps", "credible", {"ig_captum_150": 1.0}, {"bound-1": 1.15}),
    Comparison("feature suppression, 200 samples", "suppression", {}, {"bound-1": 1.15}),
    Comparison("AXAI, 20 steps, against its segmentation and 20 single passes", "axai", {}, {"axai_bound": 1.3}),
]
CONTENDERS = {f.__name__: f for f in (agi, agi_loop, ig, ig_captum, games, games_loop, lrp, rap, lrp_zennit, credible, ig_captum_150,
                                      suppression, axai, axai_bound)}
PEERS = {"agi_loop", "ig_captum", "games_loop", "lrp_zennit", "ig_captum_150"}
NOT_ALWAYS_THERE = {"lrp_zennit": "zennit"}  # an extra: pip install -e .[peers]


def measure(name: str) -> float:
    """Seconds a pass of one contender, or of the bound named ``bound-BACKWARDS``; in this process."""
    if name.startswith("bound-"):
        return _best_rate(int(name[-1]))
    contender = CONTENDERS[name]()
    next(contender)
    start = time.perf_counter()
    passes = next(contender)
    return (time.perf_counter() - start) / passes


def in_its_own_process(name: str) -> float:
    """:func:`measure` in a fresh interpreter, with the default allocator for peers."""
    allocator = {"XAIUTILS_ALLOCATOR": "default"} if name in PEERS else {}
    command = [sys.executable, "-m", "xaiutils.bench", name]
    run = subprocess.run(command, env={**os.environ, **allocator}, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"benchmark {name} failed: {run.stderr.strip().splitlines()[-1]}")
    return json.loads(run.stdout)


def promises(comparison, seconds):
    """(what was measured, what was promised, whether it was kept) for each promise whose contender was there."""
    ours = seconds[comparison.ours]
    for name, factor in comparison.faster.items():
        if name in seconds:
            yield f"{seconds[name] / ours:.2f} times faster than {name}", f"at least {factor:g}", seconds[name] / ours >= factor
    for name, factor in comparison.within.items():
        yield f"{ours / seconds[name]:.2f} times {name}", f"at most {factor:g}", ours / seconds[name] <= factor


def reach(comparison, seconds):
    """How far ahead of each contender a method at its bound would be on this machine: what a missed promise is worth."""
    bounds = [name for name in comparison.within if name.startswith("bound-")]
    for name in comparison.faster.keys() & seconds.keys():
        for bound in bounds:
            yield f"{bound} itself is {seconds[name] / seconds[bound]:.2f} times faster than {name} here"


def chosen(only):
    """The comparisons of the contenders named, all without names."""
    ours = {comparison.ours: comparison for comparison in COMPARISONS}
    if unknown := [name for name in only if name not in ours]:
        raise ValueError(f"only must name contenders of {', '.join(ours)}, got {', '.join(unknown)}.")
    return [ours[name] for name in only] or COMPARISONS


def main(only=()) -> int:
    """Measure everything, or what is named, in turns and print a line a promise; 1 when one is missed."""
    missed = 0
    for comparison in chosen(only):
        names = [comparison.ours, *comparison.faster, *comparison.within]
        absent = [name for name in names if name in NOT_ALWAYS_THERE and find_spec(NOT_ALWAYS_THERE[name]) is None]
        rounds = [{name: in_its_own_process(name) for name in names if name not in absent} for _ in range(ROUNDS)]
        seconds = {name: min(each[name] for each in rounds) for name in rounds[0]}
        print(f"{comparison.title}\n  ms a pass: " + ", ".join(f"{name} {time * 1e3:.1f}" for name, time in seconds.items()))
        for measured, promised, kept in promises(comparison, seconds):
            print(f"  {measured:40} promised {promised:14} {'kept' if kept else 'MISSED'}", flush=True)
            missed += not kept
        for line in reach(comparison, seconds):
            print(f"  {line}")
        for name in absent:
            print(f"  {NOT_ALWAYS_THERE[name]} is not installed, nothing compared: pip install -c constraints.txt -e .[peers]")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{torch.get_num_threads()} threads{load}; fastest of {ROUNDS} rounds each" + (f"; {missed} MISSED" if missed else ""))
    return int(missed > 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        raise SystemExit(main())
