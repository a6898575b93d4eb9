"""Change how a network propagates backwards without touching the network.

Guided Backprop, DeconvNet and their kin are rules: "where the network meets a rectifier, send this back instead of the
gradient". Hooks on ``nn.ReLU`` modules miss every ``F.relu(x)``, ``x.relu()``, ``nn.ReLU6`` and re-used module, silently,
and then return the plain gradient. Here the rule sits where all of those must pass: PyTorch's own function dispatch. While
:class:`BackwardRules` is active, each call of a ruled function runs as always and takes its rule along for the way back.
"""

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from xaiutils.models.preflight import RECTIFIERS, SMOOTH_ACTIVATIONS


class BackwardRules(TorchFunctionMode):
    """Within ``with BackwardRules(rule):``, rectifiers run forward as always and send ``rule(x, y, grad)`` back.

    ``rule``  takes the rectifier's input x, its output y and what arrives from above, all of one shape, and returns what
              goes on below. ``lambda x, y, grad: grad * (x > 0)`` would be the gradient of a ReLU.
    ``seen``  how often each activation function was met; a rule that met no rectifier has not done anything
    """

    def __init__(self, rule):
        super().__init__()
        self.rule, self.seen = rule, {}

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(function, "__name__", "")
        if name in RECTIFIERS | SMOOTH_ACTIVATIONS:
            self.seen[name] = self.seen.get(name, 0) + 1
        if name not in RECTIFIERS:
            return function(*args, **kwargs)
        x, inplace = args[0], name.endswith("_") or kwargs.pop("inplace", False)
        limits = [a for a in args[1:] if not isinstance(a, bool)]
        inplace = inplace or any(a is True for a in args[1:])
        y = _Ruled.apply(x.clone() if inplace else x, _out_of_place(name, limits, kwargs), self.rule)
        return x.copy_(y) if inplace else y  # whoever else holds x must see it rectified, as without the rule


class _Ruled(torch.autograd.Function):
    """One call of a rectifier with its rule."""

    @staticmethod
    def forward(ctx, x: Tensor, rectify, rule) -> Tensor:
        y = rectify(x)
        ctx.save_for_backward(x, y)
        ctx.rule = rule
        return y

    @staticmethod
    def backward(ctx, grad: Tensor):
        return ctx.rule(*ctx.saved_tensors, grad), None, None


def _out_of_place(name, limits, kwargs):
    if name.startswith("hardtanh"):
        low, high = (*limits, *[kwargs.get("min_val", -1.0), kwargs.get("max_val", 1.0)][len(limits):])
        return lambda x: x.clamp(low, high)
    return (lambda x: x.clamp(0, 6)) if name == "relu6" else (lambda x: x.clamp(min=0))


def passes(x: Tensor, y: Tensor) -> Tensor:
    """Where a rectifier lets its input through unchanged: 0 < x, and x < 6 for a ReLU6."""
    return (x == y) & (y != 0)
