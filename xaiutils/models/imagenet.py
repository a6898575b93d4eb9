"""What every ImageNet network here has in common: pixels in [0, 1] go in, logits of the 1000 classes come out."""

import json
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn


class Normalise(nn.Module):
    """``(x - mean) / std`` by channel, for pixels x (N, C, H, W) in [0, 1]; ``mean`` and ``std`` are buffers (C,)."""

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))

    def forward(self, x):
        return (x - self.mean[:, None, None]) / self.std[:, None, None]


class ImageNetClassifier(nn.Sequential):
    """A network with its normalisation in front.

    ``name``         what ``load`` knows it by
    ``class_names``  list of 1000 different strings; the position is the class index
    ``input_size``   height and width it was trained for; ``input_shape`` is (3, input_size, input_size)
    ``mean``, ``std``  tensors (3,), in the unit of the pixels
    """

    def __init__(self, network, *, name, mean, std, input_size=224):
        super().__init__(OrderedDict(normalise=Normalise(mean, std), network=network))
        self.name = name
        self.input_size = input_size
        self.input_shape = (3, input_size, input_size)
        self.class_names = class_names()

    @property
    def mean(self):
        return self.normalise.mean

    @property
    def std(self):
        return self.normalise.std


def class_names():
    """The 1000 classes of ImageNet (ILSVRC 2012) in the order of their index, as torchvision names them.

    They are kept in a file here, because importing torchvision for them takes seconds.
    """
    return json.loads((Path(__file__).parent / "imagenet_classes.json").read_text())
