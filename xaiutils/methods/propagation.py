"""Walk a network backwards by rules of one's own, without touching the network.

Guided Backprop, RectGrad, LRP and RAP are rules: "where the network meets such a layer, send this back instead of the
gradient". Hooks on modules miss every ``F.relu(x)``, ``x.relu()``, ``nn.ReLU6``, re-used module and ``x + y``, silently, and
the result is then a plain gradient. Here the rules sit where all of those must pass: PyTorch's own function dispatch. A ruled
function runs forward as always and takes its rule along for the way back; everything else goes back by its gradient.
"""

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from xaiutils.models.preflight import RECTIFIERS, SMOOTH_ACTIVATIONS

KINDS = {
    **dict.fromkeys(RECTIFIERS, "rectifier"),
    **dict.fromkeys(SMOOTH_ACTIVATIONS, "smooth activation"),
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), "linear"),
    "batch_norm": "batch norm",
    **dict.fromkeys(("max_pool1d", "max_pool2d", "adaptive_max_pool2d"), "pooling"),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "mean"), "pooling"),
    **dict.fromkeys(("add", "add_", "__add__", "__iadd__", "__radd__", "sub", "sub_", "__sub__", "__isub__"), "addition"),
    **dict.fromkeys(("mul", "mul_", "__mul__", "__imul__", "__rmul__", "div", "div_", "__truediv__", "__itruediv__"), "scaling"),
    **dict.fromkeys(("matmul", "__matmul__", "bmm", "einsum", "softmax", "layer_norm", "group_norm", "local_response_norm",
                     "scaled_dot_product_attention", "multi_head_attention_forward"), "other"),
}
IN_PLACE = ("__iadd__", "__isub__", "__imul__", "__itruediv__")


class Call:
    """One call of a function by the network; a rule asks it what it needs to know of the layer.

    ``kind``      one of the values of ``KINDS``; ``name`` the function's own
    ``run``       the function of its activations alone, all other arguments as they were
    ``weight``, ``bias``  of a linear layer or convolution, else None
    ``number``    among the calls of its kind in this pass, 0 for the one nearest the input
    """

    def __init__(self, kind, name, function, args, kwargs, counts):
        self.kind, self.name, self.number, self._counts = kind, name, counts[kind], counts
        self.function, self.args, self.kwargs = function, args, kwargs
        self.active = [k for k, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad and not isinstance(a, nn.Parameter)]
        names = {**dict(zip(("input", "weight", "bias"), args)), **kwargs} if kind == "linear" else {}
        self.weight, self.bias = names.get("weight"), names.get("bias")

    @property
    def is_last(self) -> bool:
        """Whether no call of this kind came after it; to be asked on the way back."""
        return self.number == self._counts[self.kind] - 1

    def run(self, *activations: Tensor) -> Tensor:
        args = list(self.args)
        for position, activation in zip(self.active, activations):
            args[position] = activation
        return self.function(*args, **self.kwargs)

    def with_weight(self, x: Tensor, weight: Tensor) -> Tensor:
        """The linear layer or convolution with another weight and no bias."""
        kwargs = {name: value for name, value in self.kwargs.items() if name not in ("input", "weight", "bias")}
        return self.function(x, weight, None, *self.args[3:], **kwargs)


class BackwardRules:
    """A network whose way back follows ``rules``: ``BackwardRules({"rectifier": rule}).around(model)`` is a function.

    ``rules``  kind -> rule. A rule takes the :class:`Call`, the list of its activations (usually one) and what arrives from above,
               and returns what goes on to each activation, a tensor or a tuple: ``def rule(call, inputs, above)``. If it has
               an attribute ``forward``, that, called with the call and its activations, gives the output instead
    ``refuse`` kind -> why a network with such a call cannot be explained, raised as a ValueError
    ``seen``   kind -> how many calls of it were met: a rule that met nothing has done nothing
    """

    def __init__(self, rules, refuse=None):
        self.rules, self.refuse, self.seen = rules, refuse or {}, {}

    def around(self, forward_func):
        def forward(*args, **kwargs):
            with _Dispatch(self):
                return forward_func(*args, **kwargs)
        return forward


class _Dispatch(TorchFunctionMode):
    """One forward pass under the rules."""

    def __init__(self, rules: BackwardRules):
        super().__init__()
        self.rules, self.counts = rules, dict.fromkeys(KINDS.values(), 0)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(function, "__name__", "")
        kind = KINDS.get(name)
        if kind is None:
            return function(*args, **kwargs)
        call = Call(kind, name, *_out_of_place(function, name, args, kwargs), self.counts)
        self.counts[kind] += 1
        self.rules.seen[kind] = self.rules.seen.get(kind, 0) + 1
        if kind in self.rules.refuse and call.active:
            raise ValueError(self.rules.refuse[kind].format(name=name))
        if kind not in self.rules.rules or not call.active:
            return function(*args, **kwargs)
        activations = [args[position] for position in call.active]
        in_place = name in IN_PLACE or name.endswith("_") and not name.endswith("__") or kwargs.get("inplace") or _flag(kind, args)
        if in_place:  # whoever else holds this tensor must see it changed, as without the rule
            activations = [a.clone() for a in activations]
        output = _Ruled.apply(call, self.rules.rules[kind], *activations)
        return args[0].copy_(output) if in_place else output


class _Ruled(torch.autograd.Function):
    """One call with its rule."""

    @staticmethod
    def forward(ctx, call, rule, *activations):
        ctx.save_for_backward(*activations)
        ctx.call, ctx.rule = call, rule
        return rule.forward(call, activations) if hasattr(rule, "forward") else call.run(*activations)

    @staticmethod
    def backward(ctx, above):
        below = ctx.rule(ctx.call, list(ctx.saved_tensors), above)
        return None, None, *(below if isinstance(below, tuple) else (below,))


def _flag(kind, args):
    """Whether a rectifier was told by position to work in place."""
    return kind == "rectifier" and any(a is True for a in args[1:])


def _out_of_place(function, name, args, kwargs):
    """The same call without its in-place effect."""
    kwargs = {key: value for key, value in kwargs.items() if key != "inplace"}
    if name in ("relu", "relu_"):
        return torch.relu, args[:1], {}
    if name in ("hardtanh", "hardtanh_", "relu6"):
        low, high = (0.0, 6.0) if name == "relu6" else (*args[1:3], *[kwargs.get("min_val", -1.0), kwargs.get("max_val", 1.0)][len(args[1:3]):])
        return torch.clamp, (args[0], low, high), {}
    plain = {"__iadd__": torch.add, "__isub__": torch.sub, "__imul__": torch.mul, "__itruediv__": torch.div}
    return plain.get(name) or getattr(torch, name[:-1], function) if name.endswith("_") else function, args, kwargs


def vector_jacobian(function, x: Tensor, above: Tensor) -> Tensor:
    """What arrives from above a function of ``x``, taken back through it by the chain rule."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad(function(x), x, above)[0]


def passes(call: Call, x: Tensor) -> Tensor:
    """Where a rectifier lets its input x through unchanged: 0 < x, and x < 6 for a ReLU6."""
    return (call.run(x) == x) & (x != 0)
