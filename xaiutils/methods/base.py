"""What every attribution method of this package does the same way: Captum's calling convention, checks, clean-up."""

from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from xaiutils.core import check_inputs, lend
from xaiutils.engine import Engine


class Session(NamedTuple):
    """A model on loan for one call: where to ask it, and which class of each image is explained."""

    engine: Engine
    inputs: Tensor  # (N, ...) detached
    target: Tensor  # (N,)


class Attribution:
    """An attribution method: ``Method(model, ...).attribute(inputs, target=...)`` gives a tensor like ``inputs``.

    ``forward_func``      a network in eval mode, or a function: rows (R, ...) in, logits (R, K) out
    ``output``            what is differentiated: ``"logit"``, ``"prob"``, ``"logprob"``, ``"double_softmax"``; every
                          method has the default of its paper
    ``precision``         ``"float32"`` (the numbers as given) or ``"bf16"``: see :class:`xaiutils.engine.Engine`
    ``allow_train_mode``  explain a network in train mode all the same (BatchNorm then mixes the images of a batch)

    ``attribute`` takes Captum's arguments in Captum's order, then keyword-only ones. Everywhere, ``target`` is an int,
    one int an image, or ``"pred"``; ``internal_batch_size`` bounds memory and does not change the result; ``seed`` or
    ``generator`` fix every draw, which is the same for each image, so that a batch gives what its images give singly.
    Attributions are signed, not normalised, and detached.
    """

    default_output = "logit"
    multiplies_by_inputs = False

    def __init__(self, forward_func, *, output=None, precision="float32", allow_train_mode=False):
        if not callable(forward_func):
            raise TypeError(f"forward_func must be a network or a function, got {type(forward_func).__name__}.")
        self.forward_func, self.precision, self.allow_train_mode = forward_func, precision, allow_train_mode
        self.output = output or self.default_output
        Engine(forward_func, output=self.output, precision=precision)  # refuses bad options now rather than later

    def has_convergence_delta(self) -> bool:
        """Whether this method promises that attributions add up to a difference of scores."""
        return False

    @contextmanager
    def session(self, inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta=False):
        """Check the arguments, lend the model, resolve the target: the first line of every ``attribute``."""
        check_inputs(inputs)
        if return_convergence_delta and not self.has_convergence_delta():
            raise ValueError(f"return_convergence_delta is refused: {type(self).__name__} does not promise completeness.")
        engine = Engine(self.forward_func, output=self.output, internal_batch_size=internal_batch_size,
                        additional_forward_args=additional_forward_args, precision=self.precision)
        with lend(self.forward_func, self.allow_train_mode):
            inputs = inputs.detach()
            yield Session(engine, inputs, engine.target(inputs, target))


def score_change(session: Session, start: Tensor) -> Tensor:
    """f_t(inputs) - f_t(start), (N,): what complete attributions from ``start`` to the inputs add up to."""
    images = torch.arange(len(start))
    ends = [session.engine.scores(rows, images).gather(1, session.target[:, None])[:, 0] for rows in (session.inputs, start)]
    return ends[0] - ends[1]


def total(attributions: Tensor) -> Tensor:
    """Sum of the attributions of each image, (N,)."""
    return attributions.flatten(1).sum(1)
