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


def _best_rate(backwards: int):
    """The best batch's passes of the unfolded network: a forward and ``backwards`` backward passes a row."""
    from xaiutils.engine import Engine
    network, x = _setup(usual=True)
    network = network.to(memory_format=torch.channels_last).requires_grad_(False)
    engine = Engine(network, internal_batch_size=1000)
    rates = {}
    for size in BATCHES:
        rows, target = x.expand(size, -1, -1, -1), torch.zeros(size, dtype=torch.long)
        for _ in range(3):
            start = time.perf_counter()
            engine.gradients(rows, *[target] * backwards) if backwards else engine.scores(rows)
            rates[size] = min(rates.get(size, 1e9), (time.perf_counter() - start) / size)
    return min(rates.values())


@dataclass
class Comparison:
    """Ours against a peer and against the bound."""

    title: str
    ours: str
    peer: str
    backwards: int       # backward passes a row, for the bound
    faster: float        # at least so many times faster than the peer, pass for pass
    bound: float         # at most so many times the bound


COMPARISONS = [
    Comparison("AGI, 20 classes x 20 steps, against one class at a time", "agi", "agi_loop", 2, 2.5, 1.1),
    Comparison("Integrated Gradients, 50 steps, against Captum as called by default", "ig", "ig_captum", 1, 4.0, 1.15),
    Comparison("insertion + deletion, 225 points each, against batch-1 forwards", "games", "games_loop", 0, 2.0, 1.2),
]
CONTENDERS = {f.__name__: f for f in (agi, agi_loop, ig, ig_captum, games, games_loop)}
PEERS = {comparison.peer for comparison in COMPARISONS}


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


def main() -> int:
    """Measure everything in turns and print a line a promise; 1 when one is missed."""
    missed = 0
    for comparison in COMPARISONS:
        names = [comparison.ours, comparison.peer, f"bound-{comparison.backwards}"]
        rounds = [[in_its_own_process(name) for name in names] for _ in range(ROUNDS)]
        ours, peer, bound = (min(times) for times in zip(*rounds))
        promises = [(f"{peer / ours:.2f} times faster", f"at least {comparison.faster:g}", peer / ours >= comparison.faster),
                    (f"{ours / bound:.2f} times the bound", f"at most {comparison.bound:g}", ours / bound <= comparison.bound)]
        print(f"{comparison.title}\n  {ours * 1e3:.1f} ms a pass, peer {peer * 1e3:.1f}, bound {bound * 1e3:.1f}")
        for measured, promised, kept in promises:
            print(f"  {measured:26} promised {promised:14} {'kept' if kept else 'MISSED'}", flush=True)
            missed += not kept
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{torch.get_num_threads()} threads{load}; fastest of {ROUNDS} rounds each" + (f"; {missed} MISSED" if missed else ""))
    return int(missed > 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        raise SystemExit(main())
