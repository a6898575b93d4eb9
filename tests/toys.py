"""Networks small enough to know their answers, shared by the tests."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> dict:
    """The arrays of tests/golden/NAME.npz as tensors, its description under ``meta``."""
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: torch.from_numpy(np.array(file[key])) for key in file.files if key != "meta_json"}
        return {"meta": json.loads(bytes(file["meta_json"]).decode()), **arrays}


def linear(*weights) -> nn.Module:
    """Scores w_k . x, one row of weights a class, in float64."""
    weight = torch.tensor(weights, dtype=torch.float64)
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=torch.float64)
    layer.weight.data.copy_(weight)
    return layer.eval()


def mlp(n_inputs=6, n_classes=4, seed=0) -> nn.Module:
    """A smooth network in float64."""
    return _seeded(seed, nn.Flatten(), nn.Linear(n_inputs, 16), nn.Tanh(), nn.Linear(16, n_classes))


def cnn(n_classes=5, seed=0) -> nn.Module:
    """A float64 network for images (N, 3, 8, 8) with what photographs' networks have: convolution, BatchNorm, in-place and
    re-used ReLU, ReLU6, pooling, dropout."""
    relu = nn.ReLU(inplace=True)
    net = _seeded(seed, nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), relu, nn.Conv2d(6, 6, 3, padding=1), relu, nn.MaxPool2d(2),
                  nn.Conv2d(6, 8, 3), nn.ReLU6(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(8 * 4, n_classes))
    generator = torch.Generator().manual_seed(seed)
    net[1].running_mean.copy_(0.1 * torch.randn(6, generator=generator))
    net[1].running_var.copy_(0.5 + torch.rand(6, generator=generator))
    return net


def images(n=3, size=8, seed=0) -> torch.Tensor:
    """Float64 images (n, 3, size, size) in [0, 1]."""
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _seeded(seed, *layers) -> nn.Module:
    """The layers in a row, in float64 and eval mode, their parameters drawn from ``seed``."""
    net = nn.Sequential(*layers).double().eval()
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
        scale = (2 / fan_in) ** 0.5 if parameter.dim() > 1 else 0.1
        parameter.data.copy_(scale * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
    return net


class Normalise(nn.Module):
    """Pixels to what the golden network was made for."""

    def forward(self, x):
        mean, std = (torch.tensor(v, dtype=torch.float32).double()[:, None, None]
                     for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        return (x - mean) / std


def golden_cnn(arrays: dict) -> nn.Module:
    """The network of agi_cnn_f64.npz (also used by other golden files) with its weights."""
    net = nn.Sequential(Normalise(), nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(),
                        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 24), nn.ReLU(), nn.Linear(24, 8)).double().eval()
    for index, name in ((1, "conv1"), (3, "conv2"), (7, "fc1"), (9, "fc2")):
        for kind in ("weight", "bias"):
            getattr(net[index], kind).data.copy_(arrays[f"w.{name}.{kind}"].double())
    return net
