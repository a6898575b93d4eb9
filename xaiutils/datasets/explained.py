"""Pictures to explain, by the word for where they come from: what a notebook's parameter ``photographs`` says."""

import numpy as np
import torch.nn.functional as F

from xaiutils.datasets import cifar, tiny_imagenet
from xaiutils.datasets.embedded import photograph_files, photographs
from xaiutils.datasets.images import Images
from xaiutils.datasets.imagenet import imagenet_files, imagenet_folder
from xaiutils.datasets.storage import data_root

LABELLED = {"tiny-imagenet": lambda root: tiny_imagenet.read("val", root),
            "cifar10": lambda root: cifar.read("cifar10", "test", root)}


def explained_files(source, n, seed=0, *, root=None):
    """Pairs (path, class index) of ``n`` photographs, to be read one at a time by ``read_image``.

    ``source``  "embedded": the photographs of the foolbox package, always the same; else a folder of ImageNet's layout
                below ``root``, from which ``seed`` draws
    ``root``    the folder of data sets; default: the environment variable ``XAI_DATA``
    """
    return photograph_files(n) if source == "embedded" else imagenet_files(data_root(root) / source, n, seed)


def explained_pictures(source, n, size, *, seed=0, first=None, only=None, root=None):
    """``n`` pictures of ``size`` x ``size`` pixels as ``Images``.

    ``source``  "embedded": the photographs of the foolbox package, always the same; "tiny-imagenet": the official
                validation set; "cifar10": the test set; else a folder of ImageNet's layout below ``root``
    ``seed``    draws from all but the embedded ones; the first m of n are the m of a smaller draw
    ``first``   the name of a class, "German shepherd", whose first picture in the data set goes in front; for
                "tiny-imagenet" and "cifar10", the others take no notice
    ``only``    the name of a class: no other pictures are drawn; for the same two
    ``root``    the folder of data sets; default: the environment variable ``XAI_DATA``

    Labels are those of the data set, so for "embedded" and folders ImageNet's. Pictures of another size are resized.
    """
    if source == "embedded":
        return photographs(n, size)
    if source not in LABELLED:
        return imagenet_folder(data_root(root) / source, n, size, seed)
    images = LABELLED[source](root)
    for argument, name in (("first", first), ("only", only)):
        if name is not None and name not in images.class_names:
            raise ValueError(f"{argument} must be the name of a class of {source}, got {name!r}.")
    order = np.random.default_rng(seed).permutation(len(images)).tolist()
    if only is not None:
        wanted = images.class_names.index(only)
        order = [index for index in order if images.labels[index] == wanted]
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= len(order):
        raise ValueError(f"n must be an integer from 1 to {len(order)}, got {n!r}.")
    if first is not None:
        chosen = images.labels.tolist().index(images.class_names.index(first))
        order = [chosen, *(index for index in order if index != chosen)]
    inputs = images.inputs(order[:n])
    if inputs.shape[-1] != size:
        inputs = F.interpolate(inputs, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return Images(inputs, images.labels[order[:n]].tolist(), [images.names[index] for index in order[:n]])
