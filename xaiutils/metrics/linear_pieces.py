"""Which linear piece of a ReLU network does an input lie in? Two inputs share a piece where no unit differs in state."""

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d
from torch.overrides import TorchFunctionMode

from xaiutils.core import check_inputs, lend
from xaiutils.engine import Engine
from xaiutils.models.preflight import RECTIFIERS


def unit_states(model, inputs, internal_batch_size=None) -> Tensor:
    """The state of every unit that can bend the network, (N, U) int16; equal rows lie in one linear piece.

    Rectifiers: 0 shut, 1 open, 2 at the upper bound (ReLU6). Max pooling: the index of the pixel that wins. They are read
    where functions are dispatched, so functional and re-used rectifiers are among them.

    Cost    one forward pass an input; 2 bytes a unit, 12 MB an image for EfficientNet-Lite0.
    Errors  ValueError for a network without rectifiers.
    """
    check_inputs(inputs)
    engine, rows = Engine(model, internal_batch_size=internal_batch_size), []
    with lend(model):
        for part in inputs.split(engine.batch_size(inputs)):
            with _Reading() as reading:
                engine.scores(part)
            if not reading.states:
                raise ValueError(f"model must have rectifiers (ReLU, ReLU6), got none in {type(model).__name__}.")
            rows.append(torch.cat(reading.states, 1))
    return torch.cat(rows)


def share_changed(first: Tensor, second: Tensor) -> Tensor:
    """Share of the units whose state differs between rows of :func:`unit_states`, (N,) float64."""
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(f"first and second must have the same units, got {first.shape[1]} and {second.shape[1]}.")
    return (first != second).double().mean(1)


class _Reading(TorchFunctionMode):
    """Notes the states while a network runs."""

    def __init__(self):
        super().__init__()
        self.states = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, getattr(function, "__name__", "")
        output = function(*args, **kwargs)
        if name in RECTIFIERS:
            low, high = _limits(name, args, kwargs)
            self._note((output > low).short() + (output >= high).short())
        elif name == "max_pool2d":
            self._note(max_pool2d(*args, **kwargs | {"return_indices": True})[1].short())
        return output

    def _note(self, states):
        self.states.append(states.flatten(1))


def _limits(name, args, kwargs):
    """Below and above which a rectifier is flat."""
    if name.startswith("hardtanh"):
        low, high = (*args[1:3], *[kwargs.get("min_val", -1.0), kwargs.get("max_val", 1.0)][len(args[1:3]):])
        return low, high
    return 0.0, 6.0 if name == "relu6" else torch.inf
