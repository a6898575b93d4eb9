"""The thesis' network in miniature, trained with and without each of its regularisers, side by side.

>>> from xaiutils.models.miniature import SETTINGS, Miniature, splits
>>> small = Miniature(splits("embedded", 6, 50), width=0.125, epochs=5)                      # doctest: +SKIP
>>> small.compare({("thesis", 0): SETTINGS["thesis"]}, store="build/cache", key={})          # doctest: +SKIP
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from xaiutils.datasets import tiny_imagenet
from xaiutils.datasets.crops import photograph_crops
from xaiutils.models.architectures import thesis_vgg
from xaiutils.models.pictures import split_by_class, unchanged
from xaiutils.models.recipes import Recipe, Splits
from xaiutils.models.training import Trainer, evaluate, predictions
from xaiutils.scale import map_items

NOTHING = {"weight_decay": 0.0, "batchnorm": False, "dropout_conv": 0.0, "dropout_dense": 0.0, "schedule": "plateau"}
THESIS = {"weight_decay": 0.005, "batchnorm": True, "dropout_conv": 0.25, "dropout_dense": 0.5, "schedule": "plateau"}
SETTINGS = {  # Section 7.1.3, one thing changed at a time
    "no regularisation": NOTHING,
    "BatchNorm alone": NOTHING | {"batchnorm": True},
    "thesis": THESIS,
    "no dropout on convolutions": THESIS | {"dropout_conv": 0.0},
    "printed schedule": THESIS | {"schedule": "step"},
}


def splits(material, n_classes, per_class, *, size=32, seed=0, root=None):
    """Pictures of ``size`` x ``size`` pixels to learn from, to watch (the held-out ones) and to test, as ``Splits``.

    ``material``   "tiny-imagenet": the first ``n_classes`` classes; four fifths of the first ``per_class`` training
                   pictures of a class are learnt from and one fifth is held out (Section 7.1.1), the official
                   validation pictures are the test. "embedded": pieces of photographs, see ``photograph_crops``, as
                   many for the test as are held out
    ``root``       the folder of data sets, default: the environment variable ``XAI_DATA``
    """
    last = per_class // 5
    if material == "embedded":
        counts = {"train": per_class - last, "held out": last, "test": last}
        parts = {part: photograph_crops(part, n_classes, n, size=size, seed=seed) for part, n in counts.items()}
        train, held_out, test = ((part.pixels, part.labels) for part in parts.values())
        return Splits(train, held_out, {"test": test}, parts["train"].class_names)
    if material != "tiny-imagenet":
        raise ValueError(f"material must be 'embedded' or 'tiny-imagenet', got {material!r}.")
    images = tiny_imagenet.read("train", root, per_class=per_class, classes=n_classes)
    official = tiny_imagenet.read("val", root, classes=n_classes)
    train, held_out = split_by_class(resized(images.pixels, size), images.labels, last=last)
    return Splits(train, held_out, {"test": (resized(official.pixels, size), official.labels)}, images.class_names)


def resized(pixels, size):
    """Bytes (N, H, W, 3) as bytes (N, size, size, 3), smoothed where they shrink."""
    if pixels.shape[1] == size:
        return pixels
    values = pixels.permute(0, 3, 1, 2).float()
    shrunk = F.interpolate(values, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return shrunk.round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous()


@dataclass(frozen=True)
class Miniature:
    """Trainings that differ in their setting and seed, and in nothing else.

    ``splits``      what they learn from
    ``width``       of the thesis' network
    ``epochs``      of each training
    ``rate``        first learning rate; ``factor`` and ``patience`` of the schedule, see ``Recipe``
    ``batch_size``  and plain momentum 0.9, as in Section 7.1.3; no augmentation, which the thesis does not mention
    """

    splits: Splits
    width: float = 0.25
    epochs: int = 15
    rate: float = 0.01
    factor: float = 0.2
    patience: int = 2
    batch_size: int = 64
    device: str = "cpu"

    def recipe(self, setting):
        """The ``Recipe`` of a setting, an entry of ``SETTINGS``."""
        network = {name: setting[name] for name in ("batchnorm", "dropout_conv", "dropout_dense")}
        size = self.splits.train[0].shape[1]
        return Recipe(
            network=lambda: thesis_vgg(self.width, len(self.splits.class_names), size=size, **network),
            input_shape=(3, size, size),
            data=lambda root=None: self.splits,
            prepare=unchanged,
            card={},
            epochs=self.epochs,
            peak_rate=self.rate,
            batch_size=self.batch_size,
            optimizer="momentum",
            weight_decay=setting["weight_decay"],
            schedule=setting["schedule"],
            factor=self.factor,
            patience=self.patience,
            bf16=False,
        )

    def train(self, setting, seed=0):
        """One training: its course by epoch, and what its last epoch can do.

        ``rate``, ``train_accuracy`` (while training), ``held_out_loss``, ``held_out_accuracy``  (epochs,) each
        ``train``  accuracy on all training pictures, without dropout
        ``hits``   (n_test,) 1 where a test picture is recognised, else 0
        """
        trainer = Trainer(self.recipe(setting), self.splits, self.epochs, seed, self.device)
        for _ in range(self.epochs):
            trainer.run_epoch(progress=False)
        courses = ("rate", "train_accuracy", "held_out_loss", "held_out_accuracy")
        found = {name: np.array([row[name] for row in trainer.log]) for name in courses}
        found["train"] = evaluate(trainer.network, self.splits.train, trainer.recipe, self.device)[1]
        inputs, labels = self.splits.tests["test"]
        found["hits"] = (predictions(trainer.network, inputs, trainer.recipe, self.device) == labels).float()
        return found

    def compare(self, settings, *, store, key, progress=True):
        """{(title, seed): what :meth:`train` gives} for ``settings`` {(title, seed): setting}, with a progress bar.

        ``store`` and ``key`` as for :func:`xaiutils.scale.map_items`: what was trained is not trained again.
        """
        mapped = map_items(lambda item: self.train(settings[item], item[1]), settings, store=store, key=key,
                           progress=progress)
        if mapped.failures:
            raise RuntimeError(f"every training must run through, got {mapped.failures}.")
        return mapped.results


def gap(results, title):
    """How much better the trainings called ``title`` do on what they learnt from than on the test, by seed."""
    return {seed: float(found["train"] - found["hits"].mean()) for (name, seed), found in results.items() if name == title}


def hits(results, title):
    """(n_test,) share of the trainings called ``title`` that recognise each test picture."""
    return torch.as_tensor(np.mean([found["hits"] for (name, _), found in results.items() if name == title], axis=0))
