"""CIFAR-10 and CIFAR-100: 32x32 photographs of 10 or 100 classes, 50,000 to train on and 10,000 to test.

Two layouts are read: the Python archives in torchvision's place (``cifar-10-batches-py/data_batch_1`` ... and
``cifar-100-python/train``, ``test``), or folders of JPEG files (``cifar-10-images/train/CLASS/0000.jpg``,
likewise ``cifar-100-images``). The archives are preferred: JPEG loses a little. Krizhevsky 2009; subsets of
the 80 Million Tiny Images, whose licence is not stated: not to be redistributed.
"""

import pickle

import numpy as np
import torch

from xaiutils.datasets.storage import DatasetMissing, LabelledImages, data_root, read_pictures, require

COUNTS = {"train": 50_000, "test": 10_000}
ARCHIVES = {
    "cifar10": (
        "cifar-10-batches-py",
        "labels",
        {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]},
    ),
    "cifar100": ("cifar-100-python", "fine_labels", {"train": ["train"], "test": ["test"]}),
}
FOLDERS = {"cifar10": "cifar-10-images", "cifar100": "cifar-100-images"}
NAMES = {"cifar10": ("batches.meta", "label_names"), "cifar100": ("meta", "fine_label_names")}


def read(dataset, split, root=None):
    """Read one split of ``dataset``, "cifar10" or "cifar100", as ``LabelledImages``.

    ``split``  "train" (50,000 pictures) or "test" (10,000); any other number found is refused
    """
    if dataset not in ARCHIVES:
        raise ValueError(f"dataset must be one of {', '.join(ARCHIVES)}, got {dataset!r}")
    if split not in COUNTS:
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    root = data_root(root)
    archive, folder = root / ARCHIVES[dataset][0], root / FOLDERS[dataset]
    if not archive.exists() and not folder.exists():
        raise DatasetMissing(
            f"{dataset} is missing: neither {str(archive)!r} nor {str(folder)!r} exists; get it with `make data DATASET={dataset}`"
        )
    images = (
        _read_archive(archive, dataset, split)
        if archive.exists()
        else _read_folder(folder, split, root / "cache")
    )
    if len(images) != COUNTS[split]:
        raise DatasetMissing(
            f"{dataset}'s {split} set must hold {COUNTS[split]} pictures, found {len(images)} in {root}"
        )
    return images


def _read_archive(folder, dataset, split):
    """The unpickled batches: rows of 3072 bytes, the red plane first."""
    _, label_key, files = ARCHIVES[dataset]
    meta, name_key = NAMES[dataset]
    batches = [
        _unpickle(require(folder / name, dataset, f"get it anew with `make data DATASET={dataset}`"))
        for name in files[split]
    ]
    planes = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
    return LabelledImages(
        pixels=torch.from_numpy(planes.transpose(0, 2, 3, 1).copy()),
        labels=torch.tensor([label for batch in batches for label in batch[label_key]]),
        class_names=_unpickle(folder / meta)[name_key],
        names=[name for batch in batches for name in batch["filenames"]],
    )


HARMLESS = {("numpy", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}


class _Arrays(pickle.Unpickler):
    """Unpickles what CIFAR's files hold, numpy arrays among plain containers, and nothing that could run
    code."""

    def find_class(self, module, name):
        if (module.split(".")[0], name) in HARMLESS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"a CIFAR file may hold arrays only, got {module}.{name}")


def _unpickle(path):
    with open(path, "rb") as file:
        return _Arrays(file, encoding="latin1").load()


def _read_folder(folder, split, cache):
    split_folder = require(folder / split, folder.name, "each class needs a folder of JPEG files there")
    classes = sorted(path.name for path in split_folder.iterdir() if path.is_dir())
    rows = [
        (f"{split}/{name}/{file.name}", label)
        for label, name in enumerate(classes)
        for file in sorted((split_folder / name).glob("*.jpg"))
    ]
    if not rows:
        raise DatasetMissing(
            f"{folder.name} holds no JPEG file below {str(split_folder)!r}, expected CLASS/NAME.jpg"
        )
    names = [name for name, _ in rows]
    return LabelledImages(
        pixels=read_pictures(folder, names, cache / f"{folder.name}-{split}"),
        labels=torch.tensor([label for _, label in rows]),
        class_names=classes,
        names=names,
    )
