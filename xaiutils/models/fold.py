"""Fold into a layer what stands beside it: the same function with fewer layers to compute (up to twice as fast on a CPU).

A BatchNorm goes into the layer before it, a padding with zeros into the convolution after it.

.. math:: \\gamma (W x + b - \\mu) / \\sqrt{\\sigma^2 + \\epsilon} + \\beta = W' x + b'
"""

import copy

import torch
from torch import nn
from torch.nn.functional import pad
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

FUSERS = {
    (nn.Conv1d, nn.BatchNorm1d): fuse_conv_bn_eval,
    (nn.Conv2d, nn.BatchNorm2d): fuse_conv_bn_eval,
    (nn.Linear, nn.BatchNorm1d): fuse_linear_bn_eval,
}
LAYERS, NORMS = (nn.Conv1d, nn.Conv2d, nn.Linear), (nn.BatchNorm1d, nn.BatchNorm2d)


def fold_batchnorm(model, example_input):
    """A copy of ``model`` whose BatchNorms are folded into the convolution or linear layer before them.

    One forward pass of ``example_input`` on the copy shows what runs after what. A BatchNorm is folded, and
    ``nn.Identity`` put in its place, where it is the only reader of a layer's output and both run once in a pass.
    Everything else stays: a BatchNorm after an activation or an addition, an output that is read elsewhere too, a
    layer used twice, statistics of the batch. Without any BatchNorm nothing is run. Paddings are folded as well, see
    :func:`fold_padding`.

    ``model``          in eval mode; train mode is refused, since BatchNorm then uses the batch
    ``example_input``  one input as the model takes it; only its shape and type matter

    Errors  ValueError for a model in train mode; what the model raises on ``example_input`` is passed on.
    """
    if model.training:
        raise ValueError("model must be in eval mode to fold its BatchNorm, got train mode; call model.eval() first.")
    model = fold_padding(copy.deepcopy(model))
    if not any(isinstance(module, NORMS) for module in model.modules()):
        return model
    for layer, norm in list(foldable(model, example_input)):
        replace(model, layer, fuser(layer, norm)(layer, norm))
        replace(model, norm, nn.Identity().eval())
    return model


def fuser(layer, norm):
    """The function that folds ``norm`` into ``layer``, None for kinds that cannot be folded."""
    for (layer_type, norm_type), function in FUSERS.items():
        if isinstance(layer, layer_type) and isinstance(norm, norm_type):
            return function


def foldable(model, example_input):
    """The pairs (layer, BatchNorm) to fold, found by one forward pass under hooks."""
    producers, readings, calls = {}, {}, {}  # id of an output -> layer; BatchNorm -> what it read; module -> runs
    readers = CountReaders()

    def hook(module, inputs, output):
        calls[module] = calls.get(module, 0) + 1
        if isinstance(module, NORMS):
            readings[module] = inputs[0]
        else:
            readers.watch(output)
            producers[id(output)] = module

    handles = [module.register_forward_hook(hook) for module in model.modules() if isinstance(module, LAYERS + NORMS)]
    with torch.no_grad(), readers:
        result = model(example_input)
    for handle in handles:
        handle.remove()
    returned = {id(leaf) for leaf in tree_leaves(result)}
    for norm, read in readings.items():
        layer = producers.get(id(read))
        once = calls[norm] == calls.get(layer) == readers.count.get(id(read)) == 1 and id(read) not in returned
        fixed = norm.running_mean is not None and not norm.training
        if once and fixed and fuser(layer, norm) and (read.dim() == 2 or not isinstance(layer, nn.Linear)):
            yield layer, norm


class CountReaders(TorchFunctionMode):
    """While it is entered, ``count`` says how many functions have read each watched tensor, by its id.

    What only asks for a shape, a number of dimensions or a type is no reader.
    """

    def __init__(self):
        super().__init__()
        self.count, self.watched = {}, []  # watched tensors are kept alive, so that no id is used twice

    def watch(self, tensor):
        self.watched.append(tensor)
        self.count[id(tensor)] = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if not isinstance(result, (bool, int, torch.Size, torch.dtype, torch.device)):
            for leaf in tree_leaves((args, kwargs)):
                if id(leaf) in self.count:
                    self.count[id(leaf)] += 1
        return result


def fold_padding(model):
    """Let convolutions do the padding with zeros that stands before them in an ``nn.Sequential``; ``model`` is changed.

    A convolution pads both sides alike. Where the padding does not, the kernel gets as many rows and columns of zeros
    on the other side: copying the padded picture, forward and backward, costs far more than multiplying by them.
    """
    for sequence in [module for module in model.modules() if isinstance(module, nn.Sequential)]:
        for padding, conv in list(zip(sequence, list(sequence)[1:])):
            if isinstance(padding, nn.ZeroPad2d) and type(conv) is nn.Conv2d and paddable(padding, conv):
                replace(sequence, conv, with_padding(conv, *padding.padding))
                replace(sequence, padding, nn.Identity().eval())
    return model


def paddable(padding, conv):
    """Whether the convolution can do it: no padding of its own, no holes in the kernel, nothing cut off."""
    return conv.padding == (0, 0) and conv.dilation == (1, 1) and min(padding.padding) >= 0


def with_padding(conv, left, right, top, bottom):
    """A convolution that does what ``conv`` does after padding with so many zeros."""
    across, down = max(left, right), max(top, bottom)
    weight = pad(conv.weight.data, (across - left, across - right, down - top, down - bottom))
    new = nn.Conv2d(conv.in_channels, conv.out_channels, weight.shape[2:], conv.stride, (down, across),
                    groups=conv.groups, bias=conv.bias is not None, device="meta")
    new.weight, new.bias = nn.Parameter(weight, conv.weight.requires_grad), conv.bias
    return new.train(conv.training)


def replace(model, old, new):
    """Put ``new`` wherever ``model`` holds ``old``."""
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):
            if child is old:
                setattr(parent, name, new)
