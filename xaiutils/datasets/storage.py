"""Where full data sets lie, and how their pictures are read once and kept as arrays.

Every reader takes ``root``: the folder that holds the data sets, by default the environment variable
``XAI_DATA``. Nothing is downloaded here; a reader that misses something says what, and how to get it.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image


class DatasetMissing(FileNotFoundError):
    """A data set, or a part of it, is not where it was looked for; the message says what to do."""


@dataclass(frozen=True)
class LabelledImages:
    """Pictures of one size with their classes, kept as bytes so that a whole data set fits into memory.

    ``pixels``       (N, H, W, C) uint8
    ``labels``       (N,) int64, indices into ``class_names``
    ``class_names``  list of K strings
    ``names``        list of N strings: where each picture came from, relative to the data set's folder
    """

    pixels: torch.Tensor
    labels: torch.Tensor
    class_names: list
    names: list

    def __len__(self):
        return len(self.labels)

    def inputs(self, indices):
        """The pictures at ``indices`` as a network wants them: (N, C, H, W) float in [0, 1]."""
        return self.pixels[indices].permute(0, 3, 1, 2).contiguous() / 255


def data_root(root=None):
    """The folder of data sets: ``root`` or the environment variable ``XAI_DATA``."""
    chosen = root or os.environ.get("XAI_DATA")
    if not chosen:
        raise DatasetMissing("no folder of data sets is known: set XAI_DATA to one, or pass root=")
    path = Path(chosen)
    if not path.is_dir():
        raise DatasetMissing(
            f"the folder of data sets {str(path)!r} does not exist: set XAI_DATA or root= to one that does"
        )
    return path


def require(path, dataset, hint):
    """``path`` if it exists; otherwise one sentence that names the data set, the missing path and the way to
    get it."""
    if not path.exists():
        raise DatasetMissing(f"{dataset} is incomplete: {str(path)!r} is missing; {hint}")
    return path


def read_pictures(folder, names, cache):
    """Decode ``names`` below ``folder`` to one (N, H, W, 3) uint8 tensor, grey pictures to three equal
    channels.

    The result is kept as ``cache``-FINGERPRINT.npy; the fingerprint covers names and file sizes, so that a
    changed folder is read anew. All pictures must have the size of the first one.
    """
    kept = cache.with_name(f"{cache.name}-{_fingerprint(folder, names)}.npy")
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f"{kept.stem}.{os.getpid()}.partial.npy")
        np.save(partial, _decode(folder, names))
        os.replace(partial, kept)
    return torch.from_numpy(np.load(kept))


def _decode(folder, names):
    pixels = None
    for row, name in enumerate(names):
        with Image.open(folder / name) as picture:
            values = np.asarray(picture.convert("RGB"))
        if pixels is None:
            pixels = np.empty((len(names), *values.shape), dtype=np.uint8)
        if values.shape != pixels.shape[1:]:
            raise ValueError(
                f"{folder / name} has the shape {values.shape}, the pictures before it {pixels.shape[1:]}"
            )
        pixels[row] = values
    return pixels


def _fingerprint(folder, names):
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name} {(folder / name).stat().st_size}\n".encode())
    return digest.hexdigest()[:12]
