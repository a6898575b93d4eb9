"""ImageNet-style folders: one subfolder a class, named by its WordNet ID, and the class index of every picture."""

import json
import re
from pathlib import Path

import numpy as np

from xaiutils.datasets.images import read_images
from xaiutils.datasets.storage import DatasetMissing, data_root

SUFFIXES = {".jpg", ".jpeg", ".png"}  # ".JPEG" in the official archives
HOW_TO_GET = (
    "ImageNet is at https://image-net.org/download after registration: put ILSVRC2012_img_val.tar and "
    'ILSVRC2012_devkit_t12.tar.gz into one folder, torchvision.datasets.ImageNet(folder, split="val") unpacks them, '
    "and pass root=folder, or set XAI_DATA to a folder with imagenet-200/WNID/IDX_name.jpg in it"
)


def imagenet_folder(root=None, n=None, size=224, seed=0):
    """Photographs of an ImageNet-style folder as ``Images``, each labelled with its class index (0 ... 999).

    ``root``  the folder; default ``$XAI_DATA/imagenet-200``. Two layouts are known, see ``imagenet_files``
    ``n``     how many, drawn without replacement from ``seed``; the first m of n are the m of a smaller draw. None:
              all of them in the order of their path. A photograph takes 0.6 MB at 224: for many, take
              ``imagenet_files`` and read them in parts with ``read_images``
    ``size``  height and width, see ``read_image``

    Errors  DatasetMissing (a FileNotFoundError) says what is missing and where to get it. A file that cannot be read is
            skipped, with a warning, and listed in ``.skipped``.
    """
    return read_images(imagenet_files(root, n, seed), size)


def imagenet_files(root=None, n=None, seed=0):
    """Pairs (path, class index) of an ImageNet-style folder; arguments as for ``imagenet_folder``.

    ``WNID/IDX_name.jpg``   the class index stands in the file name, with or without leading zeros
    ``WNID/any.JPEG``       torchvision's official layout (``root/val/WNID``, or ``root/WNID``): the class index is the
                            place of the WNID among all 1000 in order. Where some of the 1000 are missing,
                            ``imagenet_class_index.json`` ({"0": ["n01440764", "tench"], ...}) has to lie in ``root``
    """
    root = Path(root) if root is not None else data_root() / "imagenet-200"
    folder = root / "val" if (root / "val").is_dir() else root
    if not folder.is_dir():
        raise DatasetMissing(f"root must be a folder of photographs, {str(root)!r} does not exist; {HOW_TO_GET}.")
    paths = sorted(path for path in folder.glob("n*/*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise DatasetMissing(f"root must hold WNID/picture.jpg files, {str(folder)!r} has none; {HOW_TO_GET}.")
    if n is not None:
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= len(paths):
            raise ValueError(f"n must be an integer from 1 to {len(paths)} (what {str(folder)!r} holds), got {n!r}.")
        paths = [paths[i] for i in np.random.default_rng(seed).permutation(len(paths))[:n]]
    indices = class_indices(root, folder)
    return [(path, class_index(path, indices)) for path in paths]


def class_indices(root, folder):
    """WNID -> class index, from ``imagenet_class_index.json`` or the order of all 1000 subfolders; else empty."""
    table = root / "imagenet_class_index.json"
    if table.is_file():
        return {wnid: int(index) for index, (wnid, _) in json.loads(table.read_text()).items()}
    wnids = sorted(path.name for path in folder.glob("n*") if path.is_dir())
    return {wnid: index for index, wnid in enumerate(wnids)} if len(wnids) == 1000 else {}


def class_index(path, indices):
    """The class index in the name of ``path``, or that of its folder."""
    written = re.match(r"(\d{1,4})_", path.name)
    if written:
        return int(written[1])
    if path.parent.name not in indices:
        raise DatasetMissing(
            f"the class index of {str(path)!r} is unknown: name it IDX_name, have all 1000 class folders, "
            f"or put imagenet_class_index.json with {path.parent.name} into root."
        )
    return indices[path.parent.name]
