"""torchvision's ImageNet networks with their first published weights (``IMAGENET1K_V1``), for the paper profile.

Nothing is downloaded unless asked: a checkpoint that is not there is an error that says which file belongs where.
"""

import os
import pickle
import re
from pathlib import Path

import torch

from xaiutils.models.imagenet import ImageNetClassifier

TORCHVISION = (
    "alexnet", "densenet121", "densenet161", "densenet169", "densenet201", "efficientnet_b0", "googlenet",
    "inception_v3", "mobilenet_v2", "mobilenet_v3_large", "resnet18", "resnet34", "resnet50", "resnet101",
    "resnet152", "squeezenet1_1", "vgg11", "vgg13", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "vit_b_16",
)  # fmt: skip
INCEPTIONS = ("googlenet", "inception_v3")  # trained on pixels scaled to [-1, 1], and with classifiers on the side
SIDE_CLASSIFIERS = ("AuxLogits.", "aux1.", "aux2.")


def from_torchvision(name, *, weights="pretrained", download=False, weights_folder=None):
    """The torchvision network ``name`` behind its normalisation; the arguments are ``zoo.load``'s.

    Deviations  googlenet and inception_v3 come without their side classifiers, which run in training only, and have
                mean and std 0.5, as they were trained. torchvision expects ImageNet's mean and std before the network
                and undoes them inside: the same function of the pixels.
    """
    from xaiutils._torchvision import torchvision  # takes seconds, which the embedded network need not wait for

    published = torchvision.models.get_model_weights(name).IMAGENET1K_V1
    preset = published.transforms()
    options, mean, std = {}, preset.mean, preset.std
    if name in INCEPTIONS:
        options = {"aux_logits": False, "transform_input": False, "init_weights": weights == "random"}
        mean, std = [0.5] * 3, [0.5] * 3
    if weights == "random":
        network = torchvision.models.get_model(name, weights=None, **options)
    else:
        state = checkpoint(published.url, name, download, weights_folder)
        with torch.device("meta"):  # no time for random numbers that the checkpoint overwrites
            network = torchvision.models.get_model(name, weights=None, **options)
        network.load_state_dict(state, assign=True)
    return ImageNetClassifier(network, name=name, mean=mean, std=std, input_size=preset.crop_size[0])


def checkpoint(url, name, download=False, folder=None):
    """The state dict that ``url`` names, from the folders where checkpoints lie; fetched only with ``download``."""
    folders = checkpoint_folders(folder)
    file = Path(url).name
    found = [place / file for place in folders if (place / file).is_file()]
    if not found and not download:
        raise FileNotFoundError(
            f"the weights of {name} are missing: {file} is not in {' or '.join(map(str, folders))}; "
            f'put {url} there, or call load("{name}", download=True).'
        )
    if not found:  # into the first folder; the download is checked against the hash in its name
        torch.hub.load_state_dict_from_url(url, model_dir=str(folders[0]), check_hash=True, weights_only=True)
        found = [folders[0] / file]
    try:
        state = torch.load(found[0], map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise RuntimeError(f"the weights of {name} are damaged: delete {found[0]} and fetch it again.") from error
    return {modern_key(key): value for key, value in state.items() if not key.startswith(SIDE_CLASSIFIERS)}


def checkpoint_folders(folder=None):
    """Where checkpoints are looked for: ``folder`` alone, or torch's hub cache and then ``$XAI_DATA/checkpoints``."""
    if folder is not None:
        return [Path(folder)]
    folders = [Path(torch.hub.get_dir()) / "checkpoints"]
    if os.environ.get("XAI_DATA"):
        folders.append(Path(os.environ["XAI_DATA"]) / "checkpoints")
    return folders


def modern_key(key):
    """DenseNet's checkpoints are older than its names: ``denselayer1.norm.1.weight`` is now ``denselayer1.norm1.weight``."""
    return re.sub(r"(denselayer\d+\.(?:norm|conv))\.", r"\1", key)
