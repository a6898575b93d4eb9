"""Explain a photograph of your own: the top classes, and a heat map beside it.

>>> explain("cat.jpg", "agi")              # writes cat_agi.png beside cat.jpg    # doctest: +SKIP
"""

import difflib
from pathlib import Path

import numpy as np
import torch

from xaiutils import core, datasets, models, plots
from xaiutils.methods import METHODS

N_TOP = 5
MOST_CANDIDATES = 10  # as many as fit into one sentence


def find_class(wanted, class_names) -> int | str:
    """The class meant by ``wanted``: ``"pred"``, an index, a whole name, or a part that occurs in one name only.

    Upper and lower case are the same. ValueError where nothing fits, and with the candidates where several do.
    """
    text = str(wanted).strip().lower()
    if text == "pred":
        return "pred"
    if text.lstrip("-").isdigit():
        if not 0 <= int(text) < len(class_names):
            raise ValueError(f"target must lie in 0 ... {len(class_names) - 1}, got {wanted}.")
        return int(text)
    lowered = [name.lower() for name in class_names]
    fitting = [i for i, name in enumerate(lowered) if name == text] or [i for i, name in enumerate(lowered) if text and text in name]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        near = difflib.get_close_matches(text, lowered, n=3)
        raise ValueError(f"target must be a class index or (part of) a class name, got {wanted!r}"
                         + (f"; near it: {', '.join(near)}." if near else "."))
    listed = ", ".join(f"{i} {class_names[i]}" for i in fitting[:MOST_CANDIDATES])
    more = f" and {len(fitting) - MOST_CANDIDATES} more" if len(fitting) > MOST_CANDIDATES else ""
    raise ValueError(f"target must name one class, got {wanted!r}, which fits {listed}{more}.")


def top_classes(model, inputs, n=N_TOP) -> list[tuple[int, str, float]]:
    """(index, name, probability) of the ``n`` most probable classes of one image (1, C, H, W), the best first."""
    with torch.no_grad():
        probabilities = model(inputs).softmax(1)[0]
    best = probabilities.topk(min(n, len(probabilities)))
    return [(int(i), model.class_names[i], float(p)) for p, i in zip(best.values, best.indices)]


def explain(photo, method, *, model="efficientnet-lite0", target="pred", save=None, seed=0, download=False) -> Path:
    """Print the top classes of the photograph in file ``photo`` and write why; the path of what was written.

    ``method``    a key of ``METHODS``; ``model`` a name of ``models.available()``
    ``target``    the class to explain: "pred", an index, a name, or a part of a name that fits only one
    ``save``      a ``.png`` gets photograph, heat map and overlay; a ``.npz`` the numbers: ``attributions`` (C, H, W),
                  ``heatmap`` (H, W) their sum over channels, ``inputs`` (C, H, W), ``target``, ``top_classes``,
                  ``probabilities``. Default: ``<photo>_<method>.png`` beside the photograph
    ``seed``      of methods that draw; ``download`` fetches weights that are missing
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}.")
    save = Path(save) if save else Path(photo).with_name(f"{Path(photo).stem}_{method}.png")
    if save.suffix not in (".png", ".npz"):
        raise ValueError(f"save must end in .png (picture) or .npz (numbers), got {str(save)!r}.")
    if not save.parent.is_dir():
        raise FileNotFoundError(f"save must lie in a folder that exists, got {str(save)!r}.")
    if save.resolve() == Path(photo).resolve():
        raise ValueError(f"save must not be the photograph itself, got {str(save)!r}.")
    network = models.load(model, download=download)
    if network.input_shape[0] != 3:
        raise ValueError(f"model must take photographs (3, H, W), got {model!r}, which takes {tuple(network.input_shape)}.")
    inputs = datasets.read_image(photo, network.input_size)
    index = find_class(target, network.class_names)
    top = top_classes(network, inputs)
    for i, name, probability in top:
        print(f"{probability:7.1%}  {i:4d}  {name}")
    index = top[0][0] if index == "pred" else index
    print(f"explaining {index} {network.class_names[index]} by {method}")
    attributions = METHODS[method](network).attribute(inputs, target=index, seed=seed)
    write(save, inputs, attributions, f"{method}: {network.class_names[index]}", index, top)
    print(f"written: {save}")
    return save


def write(path, inputs, attributions, title, target, top):
    """The picture or the numbers, by the suffix of ``path``."""
    if path.suffix == ".png":
        figure = plots.show(inputs, {title: attributions}, views=["map", "overlay"], size=3)
        path.write_bytes(plots.png(figure))
        return
    heatmap = core.reduce_channels(attributions, "sum")
    np.savez(path, attributions=attributions[0].numpy(), heatmap=heatmap[0].numpy(), inputs=inputs[0].numpy(), target=target,
             top_classes=[i for i, _, _ in top], probabilities=[p for _, _, p in top])


def listing() -> str:
    """The methods and networks that ``explain`` knows."""
    return "methods:  " + ", ".join(METHODS) + "\nnetworks: " + ", ".join(models.available())


def methods_listing() -> str:
    """A line a method: its key, and the first line of its docstring."""
    width = max(map(len, METHODS))
    return "\n".join(f"{name:{width}}  {(method.__doc__ or '').strip().splitlines()[0]}" for name, method in METHODS.items())
