"""One recipe a network: what it is made of, what it learns from and how. ``recipe("vgg16-tinyimagenet")``."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module

from torch import Tensor, nn

NAMES = {
    "vgg16-tinyimagenet": "vgg16_tinyimagenet",
    "alexnet-cifar10": "alexnet_cifar10",
    "resnet20-cifar10": "resnet20_cifar10",
    "vgg-cifar10": "vgg_cifar10",
    "thesis-vgg-cifar10": "thesis_vgg_cifar10",
    "resnet20-cifar10-shuffled-labels": "resnet20_cifar10_shuffled_labels",
    "lenet-digits": "lenet_digits",
    "textcnn-polarity": "textcnn_polarity",
}


@dataclass(frozen=True)
class Splits:
    """Inputs and labels of disjoint sets; each a pair (inputs (N, ...), labels (N,)).

    ``train``     learnt from
    ``held_out``  measured after each epoch; the epoch best on it is kept
    ``tests``     by name, measured once, at the end
    ``extras``    what must be kept with the weights, such as a vocabulary; JSON
    """

    train: tuple
    held_out: tuple
    tests: dict
    class_names: list
    extras: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """How one network is trained, by default with a one-cycle learning rate.

    ``network``     () -> freshly initialised network
    ``input_shape`` of one input of the network: (C, H, W), for text (L, D)
    ``data``        (folder of data sets) -> Splits
    ``prepare``     (raw batch, generator) -> inputs; draws the augmentation from the generator, None means no
                    augmentation
    ``optimizer``   "sgd" (Nesterov momentum 0.9), "momentum" (plain momentum 0.9) or "adamw"
    ``peak_rate``   highest learning rate; by default reached after ``warm_up`` of all steps: it starts at 1/25 of
                    it and ends near 0
    ``schedule``    "one-cycle"; or the rate stays ("constant"), is multiplied by ``factor`` after every
                    ``patience`` epochs ("step"), or where the held-out loss has not improved for more than
                    ``patience`` epochs ("plateau")
    ``bf16``        run forward and backward pass in bfloat16 (weights stay float32) where the device has
                    instructions for it
    ``sizes``       pictures are shrunk while the network is young: ((share of the epochs, height and width),
                    ...); after the last share, and in every measurement, they have their own size
    ``dropout_ramp``  share of the epochs over which dropout rises from none to the network's own rates
                      (Morerio et al. 2017)
    ``card``        words for the model card: what the data is, its split, its licence
    """

    network: Callable[[], nn.Module]
    input_shape: tuple
    data: Callable[..., Splits]
    prepare: Callable[..., Tensor]
    card: dict
    epochs: int
    peak_rate: float
    batch_size: int = 128
    optimizer: str = "sgd"
    warm_up: float = 0.25
    schedule: str = "one-cycle"
    factor: float = 0.2
    patience: int = 2
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    bf16: bool = True
    sizes: tuple = ()
    dropout_ramp: float = 0.0

    def size_at(self, progress):
        """Height and width to train at when ``progress`` (0 to 1) of the epochs has passed; None for the
        pictures' own."""
        return next((size for share, size in self.sizes if progress <= share), None)

    def dropout_at(self, progress):
        """Share of the network's own dropout rates in force after ``progress`` (0 to 1) of the epochs."""
        return min(1.0, progress / self.dropout_ramp) if self.dropout_ramp else 1.0


def recipe(name):
    """The recipe called ``name``, one of ``NAMES``."""
    if name not in NAMES:
        near = difflib.get_close_matches(str(name), NAMES, n=3, cutoff=0.4) or list(NAMES)
        raise ValueError(
            f"model must be one this project trains ({', '.join(NAMES)}), got {name!r}; near it: {', '.join(near)}."
        )
    return import_module(f"{__name__}.{NAMES[name]}").RECIPE
