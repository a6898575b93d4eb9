r"""Where, on the straight way from an image to an adversarial example, does the prediction turn?

.. math:: s = \min\,\{s' \in (0, 1] : \arg\max_k f_k(x + s' (x' - x)) = i\}

by bisection, which finds the crossing if there is one only. s near 1 says that the example x' lies as close to the image
as its own direction allows; s = 0.2 that a fifth of the perturbation was enough.
"""

import torch

from xaiutils.core import check_inputs, lend, resolve_target
from xaiutils.engine import Engine


def boundary_scale(model, inputs, ends, targets, n_halvings=10, internal_batch_size=None):
    """The smallest scale s in (0, 1] of each perturbation ``ends - inputs`` that still yields the class. -> (N,), float64

    ``inputs``      images (N, ...); ``ends`` the adversarial examples, of the same shape
    ``targets``     the class i that each end was made for: an int, or one int an image
    ``n_halvings``  of the interval (0, 1]: s is too large by at most 2 ** -n_halvings, 0.001 at 10

    Limit cases   NaN where the end itself is not assigned to the class; 2 ** -n_halvings where the image already is.
    Cost          ``n_halvings`` + 1 forward passes an image.
    """
    check_inputs(inputs)
    check_inputs(ends, "ends")
    if ends.shape != inputs.shape:
        raise ValueError(f"ends must have the shape of inputs, {tuple(inputs.shape)}, got {tuple(ends.shape)}.")
    if int(n_halvings) != n_halvings or n_halvings < 1:
        raise ValueError(f"n_halvings must be a positive integer, got {n_halvings!r}.")
    with lend(model):
        engine = Engine(model, internal_batch_size=internal_batch_size)
        at_end = engine.scores(ends)
        targets = resolve_target(targets, at_end)
        low, high = torch.zeros_like(at_end[:, 0]), torch.ones_like(at_end[:, 0])
        for _ in range(n_halvings):
            middle = (low + high) / 2
            rows = inputs + middle.view(-1, *[1] * (inputs.dim() - 1)) * (ends - inputs)
            reached = engine.scores(rows).argmax(1) == targets
            low, high = torch.where(reached, low, middle), torch.where(reached, middle, high)
    return torch.where(at_end.argmax(1) == targets, high, torch.nan).double()
