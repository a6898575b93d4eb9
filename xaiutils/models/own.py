"""The networks this project trained itself: weights in ``data/weights``, a model card beside each.

``OWN`` maps a name to its loader; ``zoo.load`` finds them here.
"""

import json
from functools import partial
from pathlib import Path

from safetensors import SafetensorError, safe_open

from xaiutils.models.recipes import NAMES, recipe

FOLDER = Path(__file__).resolve().parents[2] / "data" / "weights"


def own_network(name, *, weights="pretrained", weights_folder=None):
    """The network ``name`` with its normalisation inside; ``weights`` "pretrained", or "random" for fresh
    ones.

    It carries ``name``, ``class_names``, ``input_shape`` (without the batch), ``input_size`` (its last
    number), and whatever its recipe kept with the weights (``vocabulary``). Stored half precision becomes
    float32.

    ``weights_folder``  default: ``data/weights``

    Errors  FileNotFoundError if the file is not there; ValueError if it is damaged or belongs to another
            network.
    """
    made_by = recipe(name)
    network = made_by.network()
    state, kept = read_weights(Path(weights_folder or FOLDER) / f"{name}.safetensors", name)
    if weights == "random":
        state = network.state_dict() | {key: state[key] for key in ("mean", "std") if key in state}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(
            f"the weights of {name} must fit its architecture, got a file of another one: {error}"
        ) from error
    network.name = name
    network.input_shape = made_by.input_shape
    network.input_size = made_by.input_shape[-1]
    for key, value in kept.items():
        setattr(network, key, value)
    return network.eval()


def read_weights(path, name):
    """(tensors in float32, what was kept with them) of a safetensors file."""
    if not path.is_file():
        raise FileNotFoundError(
            f"the weights of {name} are missing: {path} does not exist; train them with `make train MODEL={name}`."
        )
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no dictionary)
            kept = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(
            f"the weights of {name} must be a whole safetensors file, got a damaged one in {path}: {error}"
        ) from error
    if "class_names" not in kept:
        raise ValueError(f"the weights of {name} must carry class_names, got {sorted(kept)} in {path}.")
    return {
        key: value.float() if value.is_floating_point() else value for key, value in tensors.items()
    }, kept


def trained():
    """The names whose weights are there."""
    return [name for name in NAMES if (FOLDER / f"{name}.safetensors").is_file()]


OWN = {name: partial(own_network, name) for name in NAMES}
