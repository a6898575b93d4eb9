"""The output of one layer and its gradient: what the CAM family asks a network for, beside scores."""

import difflib

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from xaiutils.methods.propagation import KINDS

MAPPING_KINDS = ("linear", "rectifier", "smooth activation", "batch norm", "addition")
MAPPING = frozenset(name for name, kind in KINDS.items() if kind in MAPPING_KINDS) | {
    "group_norm", "instance_norm", "cat", "concat", "permute"}  # branches joined; maps of networks that keep channels last


def is_map(output) -> bool:
    """Whether this is (N, K, h, w) with more than one place."""
    return isinstance(output, Tensor) and output.dim() == 4 and output.shape[2] * output.shape[3] > 1


class LastMap(TorchFunctionMode):
    """The last map of a forward pass, the one before spatial dimensions vanish, whether a module or a function makes it.

    Counted are, from the first convolution on, convolutions, normalisations, activations, sums and joined branches; poolings,
    dropout and reshaping pass on what is there.
    """

    def __init__(self):
        super().__init__()
        self.output, self.convolved = None, False

    def __torch_function__(self, function, types, args=(), kwargs=None):
        output, name = function(*args, **(kwargs or {})), getattr(function, "__name__", "")
        self.convolved = self.convolved or name == "conv2d"
        if self.convolved and name in MAPPING and is_map(output):
            self.output = output
        return output


class GivenLayer:
    """The output of a module during a forward pass; of its last call where it is called more than once."""

    def __init__(self, module):
        self.module, self.output = module, None

    def __enter__(self):
        self.handle = self.module.register_forward_hook(self._keep)
        return self

    def __exit__(self, *_):
        self.handle.remove()

    def _keep(self, module, _, output):
        """Keep the map; what follows gets a copy, so that in-place layers leave it as it is."""
        if not is_map(output):
            shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"layer must give maps (N, K, h, w) with h w > 1, got {shape} from {type(module).__name__}.")
        self.output = output
        return output.clone()


def layer_output(model, layer=None):
    """A context that keeps one layer's output of a pass of ``model`` in its ``output``.

    ``layer``  a module of the model, its dotted name, or None for the :class:`LastMap`
    """
    if layer is None:
        return LastMap()
    if not isinstance(model, nn.Module):
        raise TypeError(f"layer must be None for a function, whose modules are unknown, got {layer!r:.60}.")
    names = dict(model.named_modules())
    if isinstance(layer, str):
        if layer not in names:
            near = difflib.get_close_matches(layer, names, n=3, cutoff=0.3)
            raise ValueError(f"layer must name a module of the model, got {layer!r}; near it: {', '.join(near) or 'none'}.")
        return GivenLayer(names[layer])
    if not any(module is layer for module in names.values()):
        raise ValueError(f"layer must be a module of the model or its name, got a {type(layer).__name__} that is neither.")
    return GivenLayer(layer)


def scores_and_maps(method, session, images):
    """Scores (n, classes) of ``images`` and the output (n, K, h, w) of the method's layer, both differentiable."""
    rows = session.inputs[images].requires_grad_()
    with layer_output(method.forward_func, method.layer) as kept:
        scores = session.engine.forward(rows, images)
    if kept.output is None and method.layer is not None:
        raise ValueError(f"layer must be one that the model runs, got {method.layer!r:.60}, which it did not.")
    if kept.output is None:
        raise ValueError(f"{type(method).__name__} needs a convolutional map (N, K, h, w) in the model, found none.")
    return scores, kept.output


def layer_gradients(method, session, images):
    """Output of the method's layer for ``images`` (n, K, h, w), and the gradient of their scores with respect to it."""
    with torch.enable_grad():
        scores, maps = scores_and_maps(method, session, images)
        picked = scores.gather(1, session.target[images, None]).sum()
    return [found.detach().to(scores.dtype) for found in (maps, *torch.autograd.grad(picked, maps))]
