"""Networks by name: ``load("efficientnet-lite0")``.

A loader is a function of those keywords of ``load`` that it needs: ``weights``, ``download``, ``weights_folder``; it
returns a network with its attributes. ``registry()`` gathers the loaders: the embedded network, the networks this
project trained itself, and torchvision's.
"""

import difflib
import inspect
from functools import lru_cache, partial

import torch

from xaiutils.models.fold import fold_batchnorm as fold
from xaiutils.models.lite import efficientnet_lite0
from xaiutils.models.own import OWN
from xaiutils.models.pretrained import TORCHVISION, from_torchvision


def registry():
    """Name -> loader of every network, the embedded one first."""
    torchvision = {name: partial(from_torchvision, name) for name in TORCHVISION}
    return {"efficientnet-lite0": efficientnet_lite0} | OWN | torchvision


def available():
    """The names that ``load`` knows, the embedded network first."""
    return list(registry())


def load(name, *, weights="pretrained", fold_batchnorm=True, seed=0, download=False, weights_folder=None):
    """The network ``name`` in eval mode: pixels (N, C, H, W) in [0, 1] go in, logits (N, K) come out.

    ``weights``         "pretrained", or "random": the architecture's own initialisation, drawn from ``seed``
    ``fold_batchnorm``  BatchNorm goes into the convolution before it: logits change by 1e-5, a third of the time is
                        saved. False keeps it, for methods that treat BatchNorm as a layer of its own
    ``download``        fetch a checkpoint that is missing; otherwise it is an error that names file and folder
    ``weights_folder``  where checkpoints lie; default: torch's hub cache, then ``$XAI_DATA/checkpoints``

    The network carries ``name``, ``class_names`` (K strings), ``input_size``, ``input_shape`` (C, H, W), and ``mean``
    and ``std`` (C,) of its normalisation, in the unit of the inputs. Weights are stored channels-last, the faster
    layout for convolutions. Torch's global generator is left as it was.

    Errors  ValueError for a name or weights that are not known, FileNotFoundError for a checkpoint that is missing.
    """
    loaders = registry()
    if name not in loaders:
        near = difflib.get_close_matches(str(name), loaders, n=3, cutoff=0.4) or list(loaders)[:3]
        raise ValueError(f"name must be one of models.available(), got {name!r}; near it: {', '.join(near)}.")
    if weights not in ("pretrained", "random"):
        raise ValueError(f'weights must be "pretrained" or "random", got {weights!r}.')
    options = {"weights": weights, "download": download, "weights_folder": weights_folder}
    known = inspect.signature(loaders[name]).parameters
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = loaders[name](**{key: value for key, value in options.items() if key in known})
    model.eval()
    if fold_batchnorm:
        model = fold(model, torch.zeros(1, *model.input_shape))
    return model.to(memory_format=torch.channels_last)


@lru_cache(maxsize=8)
def load_once(name):
    """The network ``name`` as :func:`load` gives it by default, the same object at every call in this process.

    For functions that :func:`xaiutils.scale.map_items` sends to workers: a network built there once does not travel.
    """
    return load(name)
