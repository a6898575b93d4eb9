"""The page ``xaiutils/models/README.md``: which method fits which network, found by running every pair.

>>> python -m xaiutils.fits             # writes the page anew, in some minutes    # doctest: +SKIP

The networks have drawn weights and small inputs: whether a method fits is a question of layers, not of what was learnt.
"""

import inspect
from collections import defaultdict
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from xaiutils import models
from xaiutils._torchvision import torchvision
from xaiutils.methods import METHODS
from xaiutils.models import preflight
from xaiutils.models.architectures import ResNet20, cifar_alexnet, lenet, small_vgg, thesis_vgg

PAGE = Path(__file__).parent / "models" / "README.md"
CHEAPEST = {"n_samples": 4, "n_steps": 4, "n_sizes": 2, "max_steps": 1, "n_false": 1, "max_iters": 1, "sliding_window": 16, "window": 16}
NETWORKS = {  # name -> (how to build it, shape of one input)
    "VGG-16": (partial(torchvision.models.vgg16, num_classes=10), (3, 32, 32)),
    "AlexNet": (partial(torchvision.models.alexnet, num_classes=10), (3, 64, 64)),
    "ResNet-50": (partial(torchvision.models.resnet50, num_classes=10), (3, 64, 64)),
    "DenseNet-121": (partial(torchvision.models.densenet121, num_classes=10), (3, 64, 64)),
    "EfficientNet-Lite0": (partial(models.load, "efficientnet-lite0"), (3, 64, 64)),
    "vgg16-tinyimagenet": (partial(thesis_vgg, width=0.25), (3, 64, 64)),
    "alexnet-cifar10": (cifar_alexnet, (3, 32, 32)),
    "resnet20-cifar10": (ResNet20, (3, 32, 32)),
    "vgg-cifar10": (small_vgg, (3, 32, 32)),
    "lenet-digits": (lenet, (1, 128, 64)),
}
SIGNS = {"fits": "yes", "handled": "yes*", "refused": "no"}
HEAD = """# Which method fits which network

Made by `python -m xaiutils.fits`, which runs every method on every network (drawn weights, small inputs) and writes down what happens.

* **yes**: the method says what its document means
* **yes\\***: a library that hooks modules would silently compute something else here, or fail, because rectifiers are functions, ReLU6 or used twice;
  this package applies its rules where PyTorch dispatches functions, and is right
* **no**: refused in one sentence, given below (where an averaging pooling is named: the inputs here are too small for it, at 224x224 it is none)
"""


def build(name):
    """The network called ``name`` in eval mode with weights drawn from seed 0, and one drawn input (1, C, H, W)."""
    make, shape = NETWORKS[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make().eval(), torch.rand(1, *shape)


def fit(method, network, inputs):
    """What happens when the method of this name explains class 0 with the fewest passes: a :class:`preflight.Fit`."""
    try:
        explainer = METHODS[method](network)
        arguments = inspect.signature(explainer.attribute).parameters
        attributions = explainer.attribute(inputs, target=0, **{k: v for k, v in CHEAPEST.items() if k in arguments})
    except (ValueError, TypeError) as error:
        return preflight.Fit("refused", str(error))
    if not torch.isfinite(attributions).all():
        return preflight.Fit("refused", "gives values that are not finite.")
    return preflight.check(method, network, inputs)


def table(progress=True):
    """{(method, network): Fit} for every pair."""
    found = {}
    for name in tqdm(NETWORKS, desc="networks", disable=not progress):
        network, inputs = build(name)
        found |= {(method, name): fit(method, network, inputs) for method in METHODS}
    return found


def page(found) -> str:
    """The table as Markdown, and the reasons of what is refused."""
    lines = [f"| | {' | '.join(NETWORKS)} |", "|---" * (len(NETWORKS) + 1) + "|"]
    lines += [f"| `{method}` | {' | '.join(SIGNS[found[method, name].verdict] for name in NETWORKS)} |" for method in METHODS]
    refused = defaultdict(list)
    for (method, name), each in found.items():
        if each.verdict == "refused":
            refused[method, each.reason].append(name)
    reasons = [f"* `{method}` on {', '.join(names)}: {reason}" for (method, reason), names in refused.items()]
    return "\n".join([HEAD, *lines, "", *reasons]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(table()), encoding="utf-8")
    print(f"wrote {PAGE}")
