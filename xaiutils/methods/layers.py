"""The output of one layer and its gradient: what the CAM family asks a network for, beside scores."""

import difflib

import torch
from torch import Tensor, nn

PASSING_ON = ("Max", "Avg", "Adaptive", "LPPool", "Dropout", "Flatten", "Identity")


class LayerOutput:
    """The output of one layer during a forward pass, as the layers after it see it, and its gradient.

    ``layer``  a module of the model, its dotted name, or None: the last convolution, normalisation or activation whose
               output is a map (N, K, h, w) with h w > 1; poolings and what only passes on do not count
    """

    def __init__(self, model, layer=None):
        if not isinstance(model, nn.Module):
            raise TypeError(f"forward_func must be a network with convolutional layers, got {type(model).__name__}.")
        self.model, self.names, self.layer, self.output = model, dict(model.named_modules()), layer, None
        if isinstance(layer, str) and layer not in self.names:
            near = difflib.get_close_matches(layer, self.names, n=3, cutoff=0.3)
            raise ValueError(f"layer must name a module of the model, got {layer!r}; near it: {', '.join(near) or 'none'}.")
        if isinstance(layer, nn.Module) and layer not in set(self.names.values()):
            raise ValueError(f"layer must be a module of the model, got a {type(layer).__name__} that is none of its modules.")

    def watched(self):
        """The modules whose outputs may be the wanted one: the given one, or all innermost ones that compute a map."""
        if self.layer is not None:
            return [self.names[self.layer] if isinstance(self.layer, str) else self.layer]
        return [module for module in self.names.values()
                if not list(module.children()) and not type(module).__name__.startswith(PASSING_ON)]

    def __enter__(self):
        self.handles = [module.register_forward_hook(self._keep) for module in self.watched()]
        return self

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()

    def _keep(self, module, _, output):
        """Remember the last map; what follows gets a copy, so that in-place layers leave it as it is."""
        is_map = isinstance(output, Tensor) and output.dim() == 4 and output.shape[2] * output.shape[3] > 1
        if is_map:
            self.output = output
            return output.clone()
        if self.layer is not None:
            shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"layer must give maps (N, K, h, w) with h w > 1, got {shape} from {type(module).__name__}.")
        return None


def scores_and_maps(method, session, images):
    """Scores (n, classes) of ``images`` and the output (n, K, h, w) of the method's layer, both differentiable."""
    rows = session.inputs[images].requires_grad_()
    with LayerOutput(method.forward_func, method.layer) as kept:
        scores = session.engine.forward(rows, images)
    if kept.output is None:
        raise ValueError(f"{type(method).__name__} needs a convolutional map (N, K, h, w) in the model, found none.")
    return scores, kept.output


def layer_gradients(method, session, images):
    """Output of the method's layer for ``images`` (n, K, h, w), and the gradient of their scores with respect to it."""
    with torch.enable_grad():
        scores, maps = scores_and_maps(method, session, images)
        picked = scores.gather(1, session.target[images, None]).sum()
    return maps.detach(), torch.autograd.grad(picked, maps)[0]
