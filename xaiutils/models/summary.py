"""A network layer by layer: names in VGG's manner, output shapes, parameters, and what follows each layer."""

import pandas as pd
import torch
from torch import nn


def layers(network, shape):
    """A row for each convolution and dense layer of ``network``, in the order they run in on one input of ``shape``.

    ``layer``       convS-K, the K-th convolution after S - 1 max-poolings, or fcK
    ``output``      shape without the batch, "64 x 32 x 32"
    ``parameters``  weights and biases of the layer
    ``batchnorm``   parameters of the BatchNorm that follows it
    ``followed by`` the modules between it and the next one

    A network on the device "meta" costs neither memory nor time: ``with torch.device("meta"): thesis_vgg()``.
    """
    ran, modes = [], {module: module.training for module in network.modules()}
    hooks = [module.register_forward_hook(lambda module, _, output: ran.append((module, output.shape[1:])))
             for module in modes if not list(module.children())]  # fmt: skip
    try:
        network.eval()(torch.zeros(1, *shape, device=next(network.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
    return pd.DataFrame(_rows(ran))


def _rows(ran):
    rows, stack, place, dense = [], 1, 0, 0
    for module, shape in ran:
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            convolution = isinstance(module, nn.Conv2d)
            place, dense = place + convolution, dense + (not convolution)
            name = f"conv{stack}-{place}" if convolution else f"fc{dense}"
            rows.append({"layer": name, "output": " x ".join(map(str, shape)), "parameters": size_of(module),
                         "batchnorm": 0, "followed by": []})  # fmt: skip
        elif rows:
            rows[-1]["followed by"].append(type(module).__name__)
            if isinstance(module, nn.MaxPool2d):
                stack, place = stack + 1, 0
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                rows[-1]["batchnorm"] += size_of(module)
    return [row | {"followed by": ", ".join(row["followed by"])} for row in rows]


def size_of(module):
    """Number of parameters."""
    return sum(parameter.numel() for parameter in module.parameters())
