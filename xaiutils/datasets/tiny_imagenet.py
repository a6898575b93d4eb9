"""Tiny ImageNet: 200 classes of 64x64 photographs, in the layout of the official archive.

``tiny-imagenet-200/train/WNID/images/WNID_k.JPEG`` (500 a class), ``val/images/val_k.JPEG`` with
``val/val_annotations.txt`` (50 a class), ``wnids.txt`` and ``words.txt``. The official test pictures have no
labels and are not read. Photographs of ImageNet: for research and teaching only, not to be redistributed.
"""

import torch

from xaiutils.datasets.storage import DatasetMissing, LabelledImages, data_root, read_pictures, require

HINT = "get it with `make data DATASET=tiny-imagenet` or unpack tiny-imagenet-200.zip from http://cs231n.stanford.edu there"
N_CLASSES, TRAIN_PER_CLASS, VALIDATION = 200, 500, 10_000


def read(split, root=None, *, per_class=None, classes=N_CLASSES):
    """Read one split of Tiny ImageNet.

    ``split``      "train" or "val" (the official validation set: the thesis' test set)
    ``per_class``  keep only the first so many training pictures of each class, by number; None: all there are
    ``classes``    keep only the first so many classes of ``wnids.txt``

    Classes are in the order of ``wnids.txt``, their names the first word of ``words.txt``. A "val" without
    its 10,000 pictures is refused, so that accuracies are comparable; for training any equal number a class
    up to 500 will do.
    """
    if split not in ("train", "val"):
        raise ValueError(f"split must be 'train' or 'val', got {split!r}")
    root = data_root(root)
    folder = require(root / "tiny-imagenet-200", "Tiny ImageNet", HINT)
    wnids = require(folder / "wnids.txt", "Tiny ImageNet", HINT).read_text().split()
    words = dict(
        line.split("\t")
        for line in require(folder / "words.txt", "Tiny ImageNet", HINT).read_text().splitlines()
    )
    rows = _train_rows(folder, wnids, per_class) if split == "train" else _validation_rows(folder, wnids)
    rows, wnids = [(name, label) for name, label in rows if label < classes], wnids[:classes]
    names = [name for name, _ in rows]
    return LabelledImages(
        pixels=read_pictures(folder, names, root / "cache" / f"tiny-imagenet-{split}"),
        labels=torch.tensor([label for _, label in rows]),
        class_names=[words[wnid].split(",")[0] for wnid in wnids],
        names=names,
    )


def training_counts(root=None):
    """How many training pictures lie in the folder of each class, in the order of ``wnids.txt``."""
    folder = require(data_root(root) / "tiny-imagenet-200", "Tiny ImageNet", HINT)
    wnids = require(folder / "wnids.txt", "Tiny ImageNet", HINT).read_text().split()
    return [len(list((folder / "train" / wnid / "images").glob("*.JPEG"))) for wnid in wnids]


def _train_rows(folder, wnids, per_class):
    """(name, label) of the training pictures, each class in the order of its numbers."""
    rows, counts = [], set()
    for label, wnid in enumerate(wnids):
        images = require(folder / "train" / wnid / "images", "Tiny ImageNet", HINT)
        files = sorted(images.glob("*.JPEG"), key=lambda file: int(file.stem.split("_")[1]))
        counts.add(len(files))
        rows += [(file.relative_to(folder).as_posix(), label) for file in files[:per_class]]
    if len(counts) > 1 or counts == {0} or min(counts) < (per_class or 0):
        raise DatasetMissing(
            f"Tiny ImageNet's training folders hold {min(counts)} to {max(counts)} pictures a class, expected the same number "
            f"({per_class or TRAIN_PER_CLASS}) in each; {HINT}"
        )
    return rows


def _validation_rows(folder, wnids):
    """(name, label) of the validation pictures, in the order of the annotation file."""
    number = {wnid: label for label, wnid in enumerate(wnids)}
    lines = require(folder / "val" / "val_annotations.txt", "Tiny ImageNet", HINT).read_text().splitlines()
    rows = [(f"val/images/{name}", number[wnid]) for name, wnid in (line.split("\t")[:2] for line in lines)]
    expected = VALIDATION * len(wnids) // N_CLASSES
    lost = [name for name, _ in rows if not (folder / name).exists()]
    if lost or len(rows) != expected:
        raise DatasetMissing(
            f"Tiny ImageNet's validation set has {len(rows) - len(lost)} pictures, expected {expected}"
            + (f" (first one missing: {lost[0]})" if lost else "")
            + f"; {HINT}"
        )
    return rows
