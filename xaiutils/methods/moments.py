"""Mean and variance through a network: each unit taken as Gaussian and independent of its neighbours.

What LPDN (Gast, Roth: Lightweight Probabilistic Deep Networks, CVPR 2018) calls assumed density filtering. A batch of
``[means; variances]`` goes through the network in place of rows; layers meet rules where functions are dispatched.
"""

import math

import torch
from torch import Tensor
from torch.nn.modules.utils import _pair
from torch.overrides import TorchFunctionMode

from xaiutils.methods.propagation import KINDS

LEAST_VARIANCE = 1e-4  # of what enters a rectifier, as in LPDN
RESHAPING = frozenset({"flatten", "view", "reshape", "contiguous", "squeeze", "unsqueeze", "to", "double", "float",
                       "clone", "dropout", "dropout2d", "feature_dropout"})
POOL = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode")
AVERAGE = ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")


class Moments(TorchFunctionMode):
    """A forward pass of moments. ``first(linear_layer, rows)`` makes them from what enters the first linear layer.

    Before it only what acts on each entry alone may come: a normalisation, a factor, a change of shape.
    """

    def __init__(self, first):
        super().__init__()
        self.first = first

    def start(self, rows: Tensor) -> Tensor:
        rows.carries = "rows"
        return rows

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), getattr(function, "__name__", "")
        carried = [a.carries for a in args if getattr(a, "carries", None)]
        if not carried:
            return function(*args, **kwargs)
        in_place = (kwargs.pop("inplace", False) or name.endswith("_") and not name.endswith("__")
                    or KINDS.get(name) == "rectifier" and args[-1] is True)
        output = self._follow(function, name, args, kwargs, carried)
        if isinstance(output, Tensor):
            output = args[0].copy_(output) if in_place else output
            output.carries = "rows" if carried == ["rows"] and KINDS.get(name) != "linear" else "moments"
        return output

    def _follow(self, function, name, args, kwargs, carried):
        """One function of the network, by the rule of its kind."""
        kind = KINDS.get(name)
        if name in RESHAPING or carried == ["rows"] and kind in ("addition", "scaling"):
            return function(*args, **kwargs)
        if kind == "linear" and getattr(args[0], "carries", None):
            layer = Linear(function, args, kwargs)
            return self.first(layer, args[0]) if carried == ["rows"] else torch.cat(layer.moments(*args[0].chunk(2)))
        if carried == ["moments"] and name in RULES:
            return torch.cat(RULES[name](function, args, kwargs))
        output = function(*args, **kwargs)
        if isinstance(output, Tensor) and not (name == "__getitem__" and output.shape[:1] == args[0].shape[:1]):
            early = carried == ["rows"]
            where = "before its first linear layer" if early else "which has no rule for mean and variance"
            raise ValueError("model must be linear layers, convolutions, BatchNorm, ReLU, max or average pooling in a "
                             f"row, got {name}, {where}.")
        return output  # a shape, a device, some of the units


class Linear:
    """A linear layer or convolution, with a weight of one's own and without bias."""

    def __init__(self, function, args, kwargs):
        names = {**dict(zip(("input", "weight", "bias"), args)), **kwargs}
        self.weight, self.bias = names["weight"], names.get("bias")
        self.function, self.rest = function, args[3:]
        self.kwargs = {k: v for k, v in kwargs.items() if k not in ("input", "weight", "bias")}

    def __call__(self, x: Tensor, weight=None) -> Tensor:
        return self.function(x, self.weight if weight is None else weight, None, *self.rest, **self.kwargs)

    def with_bias(self, x: Tensor) -> Tensor:
        return self.function(x, self.weight, self.bias, *self.rest, **self.kwargs)

    def moments(self, mean, variance):
        return self.with_bias(mean), self(variance, self.weight**2)


def density(z: Tensor) -> Tensor:
    return (-z**2 / 2).exp() / math.sqrt(2 * math.pi)


def clipped(mean, variance, low=0.0, high=math.inf):
    """Mean and variance of a Gaussian clipped to [low, high]; a ReLU is [0, inf]."""
    spread = variance.clamp(min=LEAST_VARIANCE).sqrt()
    below, above = (low - mean) / spread, (high - mean) / spread
    p_low, p_high = torch.special.ndtr(below), torch.special.ndtr(-above)
    inside = torch.special.ndtr(-below) - p_high
    at_low, at_high, top = density(below), density(above), 0.0 if math.isinf(high) else high
    first = low * p_low + top * p_high + mean * inside + spread * (at_low - at_high)
    second = (low**2 * p_low + top**2 * p_high + (mean**2 + variance) * inside
              + spread * ((mean + low) * at_low - (mean + top) * at_high))
    return first, (second - first**2).clamp(min=0)


def larger(mean, variance, other_mean, other_variance):
    """Mean and variance of the larger of two independent Gaussians (Clark: The Greatest of a Finite Set, 1961)."""
    scale = (variance + other_variance).clamp(min=1e-12).sqrt()
    z = (mean - other_mean) / scale
    p, q, d = torch.special.ndtr(z), torch.special.ndtr(-z), scale * density(z)
    first = mean * p + other_mean * q + d
    second = (mean**2 + variance) * p + (other_mean**2 + other_variance) * q + (mean + other_mean) * d
    return first, (second - first**2).clamp(min=0)


def _rectifier(low, high):
    return lambda function, args, kwargs: clipped(*args[0].chunk(2), low, high)


def _hardtanh(function, args, kwargs):
    given = {"min_val": -1.0, "max_val": 1.0, **dict(zip(("min_val", "max_val"), args[1:])), **kwargs}
    return clipped(*args[0].chunk(2), given["min_val"], given["max_val"])


def _batch_norm(function, args, kwargs):
    mean, variance = args[0].chunk(2)
    one = torch.ones_like(mean[:1])
    slope = function(one, *args[1:], **kwargs) - function(0 * one, *args[1:], **kwargs)
    return function(mean, *args[1:], **kwargs), variance * slope**2


def _max_pool(function, args, kwargs):
    """The maximum of each window, pair by pair in the order of its places."""
    given = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False, **dict(zip(POOL, args)), **kwargs}
    if any(_pair(given["padding"])) or max(_pair(given["dilation"])) > 1 or given["ceil_mode"]:
        raise ValueError("model must pool by max without padding, dilation or ceil_mode, got one of them.")
    sizes, strides = (_pair(given[key] or given["kernel_size"]) for key in ("kernel_size", "stride"))
    n_axes = 1 if "1d" in function.__name__ else 2
    moments = args[0]
    for axis in range(n_axes):
        moments = moments.unfold(2 + axis, sizes[axis], strides[axis])
    places = moments.flatten(-n_axes).unbind(-1)                     # k tensors (2R, C, h, w)
    mean, variance = places[0].chunk(2)
    for place in places[1:]:
        mean, variance = larger(mean, variance, *place.chunk(2))
    return mean, variance


def _avg_pool(function, args, kwargs):
    given = {"ceil_mode": False, "count_include_pad": True, "divisor_override": None, "padding": 0,
             **dict(zip(AVERAGE, args)), **kwargs}
    padded = any(_pair(given["padding"]))
    if given["ceil_mode"] or given["divisor_override"] or padded and not given["count_include_pad"]:
        raise ValueError("model must average over windows of one size, got ceil_mode, divisor_override or "
                         "count_include_pad=False.")
    mean, variance = function(*args, **kwargs).chunk(2)
    sizes = _pair(given["kernel_size"])[: 1 if "1d" in function.__name__ else 2]
    return mean, variance / math.prod(sizes)


def _mean(function, args, kwargs):
    """Averages over equal parts: of n units each, so that the variance is one n-th of the mean variance."""
    output = function(*args, **kwargs)
    if "pool" in function.__name__ and any(a % b for a, b in zip(args[0].shape[2:], output.shape[2:])):
        sizes = " to ".join(str(tuple(part.shape[2:])) for part in (args[0], output))
        raise ValueError(f"model must average over windows of one size, got {sizes}.")
    if output.shape[:1] != args[0].shape[:1]:
        raise ValueError("model must average over places, got a mean over the rows.")
    mean, variance = output.chunk(2)
    return mean, variance * output.numel() / args[0].numel()


RULES = {
    **dict.fromkeys(("relu", "relu_"), _rectifier(0.0, math.inf)), "relu6": _rectifier(0.0, 6.0),
    **dict.fromkeys(("hardtanh", "hardtanh_"), _hardtanh), "batch_norm": _batch_norm,
    **dict.fromkeys(("max_pool1d", "max_pool2d"), _max_pool), **dict.fromkeys(("avg_pool1d", "avg_pool2d"), _avg_pool),
    **dict.fromkeys(("adaptive_avg_pool1d", "adaptive_avg_pool2d", "mean"), _mean),
}
