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
    return seeded(seed, nn.Flatten(), nn.Linear(n_inputs, 16), nn.Tanh(), nn.Linear(16, n_classes))


def cnn(n_classes=5, seed=0, averaged=False) -> nn.Module:
    """A float64 network for images (N, 3, 8, 8) with what photographs' networks have: convolution, BatchNorm, in-place and
    re-used ReLU, ReLU6, pooling, dropout. ``averaged``: its linear layer sees the mean of the last maps, as CAM needs it."""
    relu = nn.ReLU(inplace=True)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, n_classes)] if averaged else [nn.Flatten(), nn.Linear(8 * 4, n_classes)]
    net = seeded(seed, nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), relu, nn.Conv2d(6, 6, 3, padding=1), relu, nn.MaxPool2d(2),
                  nn.Conv2d(6, 8, 3), nn.ReLU6(), nn.Dropout(0.5), *head)
    generator = torch.Generator().manual_seed(seed)
    net[1].running_mean.copy_(0.1 * torch.randn(6, generator=generator))
    net[1].running_var.copy_(0.5 + torch.rand(6, generator=generator))
    return net


def images(n=3, size=8, seed=0) -> torch.Tensor:
    """Float64 images (n, 3, size, size) in [0, 1]."""
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seeded(seed, *layers) -> nn.Module:
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


def golden_cam_net(arrays: dict) -> nn.Module:
    """The network of gradcampp.npz (also of rectgrad_reference.npz) with its weights."""
    net = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(),
                        nn.Flatten(), nn.Linear(512, 5)).double().eval()
    for index, name in ((0, "conv1"), (3, "conv2"), (6, "fc")):
        for kind in ("weight", "bias"):
            getattr(net[index], kind).data.copy_(arrays[f"w.{name}.{kind}"])
    return net


def golden_shapley_net(arrays: dict) -> nn.Module:
    """The network of dasp_shapley.npz with its weights."""
    net = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1)).double().eval()
    for index, k in ((0, 1), (2, 2), (4, 3)):
        net[index].weight.data.copy_(arrays[f"W{k}"].T)
        net[index].bias.data.copy_(arrays[f"b{k}"])
    return net


class FeaturesClassifier(nn.Module):
    """Convolutions, then linear layers, named as in the golden files of relevance propagation."""

    def __init__(self, features, classifier):
        super().__init__()
        self.features, self.classifier = nn.Sequential(*features), nn.Sequential(*classifier)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Bottleneck(nn.Module):
    """ResNet's bottleneck with one ReLU module for all three places, added in place, as in torchvision."""

    def __init__(self, n_inputs, planes, stride=1, downsample=None):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(n_inputs, planes, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes)
        self.conv3, self.bn3 = nn.Conv2d(planes, 4 * planes, 1, bias=False), nn.BatchNorm2d(4 * planes)
        self.relu, self.downsample = nn.ReLU(inplace=True), downsample

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(out)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class SmallResNet(nn.Module):
    """The network of rap_lrp_bottleneck.npz."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        down = nn.Sequential(nn.Conv2d(16, 32, 1, 2, bias=False), nn.BatchNorm2d(32))
        self.block1, self.block2, self.fc = Bottleneck(16, 4), Bottleneck(16, 8, 2, down), nn.Linear(32, 5)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu_(), 2)
        return self.fc(nn.functional.adaptive_avg_pool2d(self.block2(self.block1(x)), 1).flatten(1))


def golden_relevance_net(name: str, arrays: dict) -> nn.Module:
    """The network of rap_lrp_NAME.npz (and lrp_zennit_NAME.npz) with its weights."""
    conv, relu, pool = nn.Conv2d, nn.ReLU, nn.MaxPool2d
    head = [nn.Linear(128, 12), relu(), nn.Linear(12, 5)]
    nets = {
        "mlp": lambda: FeaturesClassifier([], [nn.Linear(12, 16), relu(), nn.Linear(16, 10), relu(), nn.Linear(10, 5)]),
        "cnn3": lambda: FeaturesClassifier([conv(3, 6, 3, padding=1), relu(), conv(6, 8, 3, padding=1), relu(), pool(2)], head),
        "cnn1": lambda: FeaturesClassifier([conv(1, 6, 3, padding=1), relu(), conv(6, 8, 3, padding=1), relu(), pool(2)], head),
        "cnn3_bn": lambda: FeaturesClassifier([conv(3, 6, 3, padding=1), nn.BatchNorm2d(6), relu(), conv(6, 8, 3, padding=1),
                                               nn.BatchNorm2d(8), relu(), pool(2)], head),
        "cnn3_stride_avg": lambda: FeaturesClassifier([conv(3, 6, 5, 2, 2), relu(), conv(6, 8, 3, padding=1), relu(), nn.AvgPool2d(2),
                                                       nn.AdaptiveAvgPool2d(2)], [nn.Linear(32, 12), relu(), nn.Dropout(0.5), nn.Linear(12, 5)]),
        "bottleneck": SmallResNet,
    }
    net = nets[name]()
    net.load_state_dict({key[2:]: value for key, value in arrays.items() if key.startswith("w.")})
    return net.double().eval()
