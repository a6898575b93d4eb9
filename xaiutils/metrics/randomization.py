r"""Randomization tests: does a map change when the network, or the label, is replaced by chance?

Parameters   ``cascading`` re-initialises the last layer, then the last two, and so on to the first; ``independent`` one
             layer at a time. Compare each network's map, for the class the TRAINED network was explained for, with the
             trained network's (:mod:`xaiutils.metrics.similarity`): a map that stays as it was does not explain the
             network. LOWER similarity is better.
Labels       ``other_label`` asks for a class that was not predicted (AGI's test); ``shuffled_labels`` are for training
             a network that can only memorise (Adebayo et al.'s data randomization). Again LOWER is better.
Draws        weights He normal (standard deviation sqrt(2 / fan-in)), biases 0, normalisation layers 1 and 0; all from
             ONE generator that runs through the whole cascade, so that layers of equal shape get different weights.
Deviations   Adebayo et al. use each layer's own initialiser and keep BatchNorm's running statistics: see
             ``running_statistics``.
Source       Adebayo et al.: Sanity Checks for Saliency Maps, NeurIPS 2018, Sections 2 to 4; Nuzzo: Sanity Checks for
             Explanations of Deep Neural Networks Predictions, MSc thesis 2020, Chapter 5.
"""

import copy
from collections import Counter

import torch
from torch import nn

from xaiutils.core import check_inputs, lend, make_generator

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm)
TESTS = ("cascading", "independent")
WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def layer_names(model, inputs=None):
    """Names of the layers with parameters, from the output to the input, in the order in which they really run.

    A normalisation layer belongs to the layer that ran before it and is not listed. The order is observed in one
    forward pass of ``inputs`` (N, C, H, W); default: a black image of the network's ``input_size``. What does not run
    (the auxiliary heads of Inception) is left out.
    """
    return list(_layers(model, inputs))


def layer_titles(model, inputs=None):
    """Title -> name of each of :func:`layer_names`: conv1, conv2 ... and fc1, fc2 ..., counted from the input.

    They are listed as the test goes, from the output: fc3, fc2, fc1, conv10 ... conv1 for the thesis' network.
    """
    names, counts, titles = layer_names(model, inputs), Counter(), {}
    for name in reversed(names):
        module = model.get_submodule(name)
        kind = "fc" if isinstance(module, nn.Linear) else "norm" if isinstance(module, NORMS) else "conv"
        counts[kind] += 1
        titles[name] = f"{kind}{counts[kind]}"
    return {titles[name]: name for name in names}


def randomized(model, layers, generator, *, inputs=None, running_statistics="reset"):
    """A copy of ``model`` whose ``layers`` (names from :func:`layer_names`) are drawn anew; the rest is as trained.

    ``running_statistics``  of a layer's BatchNorm: ``"reset"`` to mean 0 and variance 1, as in a network before its
                            training (default), or ``"keep"``, as Adebayo et al. do
    """
    _check_generator(generator)
    groups = _layers(model, inputs)
    unknown = [name for name in layers if name not in groups]
    if unknown:
        raise ValueError(f"layers must be among {', '.join(groups)}, got {', '.join(map(str, unknown))}.")
    network = copy.deepcopy(model)
    for name in layers:
        _draw_anew(network, groups[name], generator, running_statistics)
    return network


def cascading(model, seed=0, *, generator=None, inputs=None, running_statistics="reset"):
    """Iterate over (layer name, network): the last layer random, the last two, ..., all. Each is a copy of its own."""
    generator = generator or make_generator(seed)
    network = copy.deepcopy(model)
    for name, modules in _layers(model, inputs).items():
        _draw_anew(network, modules, generator, running_statistics)
        yield name, copy.deepcopy(network)


def independent(model, seed=0, *, generator=None, inputs=None, running_statistics="reset"):
    """Iterate over (layer name, network): that one layer random, all others trained."""
    generator = generator or make_generator(seed)
    for name, modules in _layers(model, inputs).items():
        network = copy.deepcopy(model)
        _draw_anew(network, modules, generator, running_statistics)
        yield name, network


def randomized_at(model, layer, test="cascading", seed=0, *, inputs=None, running_statistics="reset"):
    """The network that :func:`cascading` or :func:`independent` yields at ``layer``, without those before it.

    One seed draws the same weights for a layer in both tests, so that at the last layer the two networks are equal.
    """
    if test not in TESTS:
        raise ValueError(f"test must be one of {', '.join(TESTS)}, got {test!r}.")
    groups = _layers(model, inputs)
    if layer not in groups:
        raise ValueError(f"layer must be among {', '.join(groups)}, got {layer!r}.")
    names = list(groups)
    options = {"inputs": inputs, "running_statistics": running_statistics}
    drawn = randomized(model, names[: names.index(layer) + 1], make_generator(seed), **options)
    if test == "cascading":
        return drawn
    network = copy.deepcopy(model)
    for name in groups[layer]:
        network.get_submodule(name).load_state_dict(drawn.get_submodule(name).state_dict())
    return network


def other_label(scores, generator):
    """For each row of ``scores`` (N, K) a class that is not its prediction, all others equally likely. -> (N,)"""
    if scores.dim() != 2 or scores.shape[1] < 2:
        raise ValueError(f"scores must be (N, K) with at least two classes, got shape {tuple(scores.shape)}.")
    _check_generator(generator)
    predicted = scores.argmax(1).cpu()
    label = torch.randint(scores.shape[1] - 1, predicted.shape, generator=generator)
    return (label + (label >= predicted)).to(scores.device)


def shuffled_labels(labels, generator):
    """The ``labels`` (N,) in random order: every class as often as before, 1 in K right by chance. -> (N,)"""
    _check_generator(generator)
    labels = torch.as_tensor(labels)
    if labels.dim() != 1:
        raise ValueError(f"labels must be (N,), got shape {tuple(labels.shape)}.")
    return labels[torch.randperm(len(labels), generator=generator).to(labels.device)]


def _layers(model, inputs):
    """Layer name -> names of the modules that are drawn with it (itself and its normalisation), output to input."""
    groups = []
    for name in _names_in_order_of_execution(model, inputs):
        if groups and isinstance(model.get_submodule(name), NORMS):
            groups[-1].append(name)
        else:
            groups.append([name])
    return {group[0]: group for group in reversed(groups)}


def _names_in_order_of_execution(model, inputs):
    inputs = _example_of(model) if inputs is None else inputs
    check_inputs(inputs)
    seen = {}
    with lend(model), torch.no_grad():
        hooks = [module.register_forward_pre_hook(lambda *_, name=name: seen.setdefault(name))
                 for name, module in model.named_modules() if module._parameters]
        try:
            model(inputs)
        finally:
            for hook in hooks:
                hook.remove()
    return list(seen)


def _example_of(model):
    size = getattr(model, "input_size", None)
    if size is None:
        raise ValueError("inputs is needed to see in which order the layers run: the model has no input_size.")
    parameter = next(model.parameters())
    return torch.zeros(1, 3, size, size, dtype=parameter.dtype, device=parameter.device)


@torch.no_grad()
def _draw_anew(network, names, generator, running_statistics):
    if running_statistics not in ("reset", "keep"):
        raise ValueError(f'running_statistics must be "reset" or "keep", got {running_statistics!r}.')
    for name in names:
        module = network.get_submodule(name)
        if isinstance(module, WEIGHTED):
            drawn = torch.empty(module.weight.shape, dtype=module.weight.dtype)       # on the CPU, as the generator is
            module.weight.copy_(nn.init.kaiming_normal_(drawn, generator=generator))
        elif isinstance(module, NORMS):
            if module.weight is not None:
                module.weight.fill_(1)
            if running_statistics == "reset" and getattr(module, "running_mean", None) is not None:
                module.reset_running_stats()
        else:
            raise TypeError(f"layer {name} must be a convolution, linear or normalisation layer to be drawn anew, "
                            f"got {type(module).__name__}.")
        if module.bias is not None:
            module.bias.zero_()


def _check_generator(generator):
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator (core.make_generator), got {type(generator).__name__}.")
