"""What the CIFAR-10 recipes share: the split and the words of the model card."""

import torch

from xaiutils.datasets import cifar
from xaiutils.models.pictures import split_by_class
from xaiutils.models.recipes import Splits

CARD = {
    "data": "CIFAR-10, ten classes of 32x32 photographs",
    "split": "4,900 training pictures a class to learn from, the last 100 of each held out to choose the epoch, the official test set (10,000)",
    "licence": "Krizhevsky 2009, a subset of the 80 Million Tiny Images without a stated licence; none of its pictures is stored here",
}


def data(root=None):
    images, test = cifar.read("cifar10", "train", root), cifar.read("cifar10", "test", root)
    train, held_out = split_by_class(images.pixels, images.labels, last=100)
    return Splits(train, held_out, {"test set": (test.pixels, test.labels)}, images.class_names)


def shuffled(root=None, n=5000, seed=0):
    """The last ``n`` / 10 training pictures of each class under labels drawn at random; they are test set,
    too: what counts is memory."""
    images = cifar.read("cifar10", "train", root)
    _, (pixels, labels) = split_by_class(images.pixels, images.labels, last=n // 10)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    memorised = (pixels, labels[order])
    return Splits(memorised, memorised, {"memorised pictures": memorised}, images.class_names)
