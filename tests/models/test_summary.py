"""Layers of networks whose tables are printed."""

import pytest
import torch
from torch import nn

from xaiutils._torchvision import torchvision
from xaiutils.models.architectures import thesis_vgg
from xaiutils.models.summary import layers, size_of


def test_a_small_network_by_hand():
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
                            nn.Conv2d(4, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(20, 2))  # fmt: skip
    table = layers(network, (3, 8, 8))
    assert table["layer"].tolist() == ["conv1-1", "conv2-1", "fc1"]
    assert table["output"].tolist() == ["4 x 8 x 8", "5 x 2 x 2", "2"]
    assert table["parameters"].tolist() == [4 * 28, 5 * 37, 42] and table["batchnorm"].tolist() == [8, 0, 0]
    assert table["followed by"].tolist() == ["BatchNorm2d, ReLU, MaxPool2d", "ReLU, Flatten", ""]


def test_the_network_is_left_as_it_was():
    network = nn.Sequential(nn.Linear(2, 3), nn.Dropout(), nn.Linear(3, 1))
    network[1].eval()
    layers(network, (2,))
    assert [module.training for module in network] == [True, False, True]
    assert not any(module._forward_hooks for module in network.modules())


def test_vgg16_without_its_memory():
    with torch.device("meta"):
        network = torchvision.models.vgg16()
    table = layers(network, (3, 224, 224))
    assert len(table) == 16 and table["parameters"].sum() == 138_357_544
    assert table["layer"][12] == "conv5-3" and table["output"][12] == "512 x 14 x 14"


@pytest.mark.parametrize(("options", "total"), [({}, 29_034_248), ({"batchnorm": False}, 29_020_680),
                                                ({"width": 0.5}, 7_366_632),
                                                ({"width": 0.5, "batchnorm": False}, 7_359_848)])  # fmt: skip
def test_the_thesis_network_by_width(options, total):
    with torch.device("meta"):
        network = thesis_vgg(**options)
    table = layers(network, (3, 64, 64))
    assert table[["parameters", "batchnorm"]].to_numpy().sum() == total == size_of(network)
