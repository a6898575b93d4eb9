r"""Attack again, but only part of the features: the tails of a perturbation, its middle, or as many drawn at random.

.. math:: \alpha^* = \min\{\alpha : \arg\max f(x + m_\alpha \odot v) \neq t\}, \qquad
          \tilde v = \frac{|v_T|_2}{|v_M|_2}\, v_M

``v``          (1, ...) the perturbation of one input x, t what is predicted there
``m_alpha``    :func:`xaiutils.metrics.tails`: the lowest and highest alpha percent
``v_T, v_M``   v where it is in its tails, and where it is not; 0 elsewhere. The second formula is the control: 30 % of
               the features hold 78 % of the squared norm of normal values, so their effect is to be compared with that
               of others *of the same norm*

"Re-attack" has two readings: the changes found by the full attack are pasted, or the attack runs again and may change
only those features (:class:`Restricted`). The paper does not say which.

Source  Rahnama, Tseng: An Adversarial Approach for Explaining the Predictions of Deep Neural Networks, CVPR Workshops
        2021, section 3.3, Figure 4, Table 4.
"""

import numpy as np
import torch

from xaiutils.core import make_generator, resolve_seed
from xaiutils.metrics.attack_statistics import tails


class Restricted:
    """An engine whose gradients are 0 outside ``mask`` (...), so that an attack changes nothing else."""

    def __init__(self, engine, mask):
        self.engine, self.mask = engine, mask

    def gradients(self, rows, *targets, images=None):
        scores, *gradients = self.engine.gradients(rows, *targets, images=images)
        return scores, *(gradient * self.mask.to(gradient) for gradient in gradients)


def scaled_like(v, other):
    """``v`` with the l2 norm of ``other``; zeros stay zeros."""
    norm = v.norm()
    return v * (other.norm() / norm) if norm > 0 else v


def part_of(v, alpha=15.0, part="tails", *, like=None, seed=0, generator=None):
    """Part of the perturbation ``v`` (1, ...), 0 elsewhere.

    ``part``  ``"tails"``; ``"middle"``, the other features; ``"random"``, as many as the tails have, drawn
    ``like``  a perturbation whose norm the part is given
    """
    inside = torch.as_tensor(tails(v, alpha), device=v.device)
    if part == "random":
        drawn = torch.randperm(v.numel(), generator=make_generator(resolve_seed(seed, generator))).to(v.device)
        inside = (drawn < inside.sum()).view_as(v)
    elif part not in ("tails", "middle"):
        raise ValueError(f"part must be tails, middle or random, got {part!r}.")
    kept = v * (~inside if part == "middle" else inside)
    return kept if like is None else scaled_like(kept, like)


def smallest_alpha(engine, x, v, target, alphas=range(1, 51)):
    """The first of ``alphas`` whose pasted tails change the prediction ``target`` of ``x`` (1, ...); NaN if none does."""
    alphas, values = list(alphas), v.detach().cpu().double().numpy().ravel()
    levels = np.asarray(alphas) / 100
    lows, highs = np.quantile(values, [*levels, *(1 - levels)]).reshape(2, -1)                   # sorted once, not per alpha
    for alpha, low, high in zip(alphas, lows, highs):
        inside = torch.as_tensor((values < low) | (values >= high) if alpha > 0 else np.zeros(values.shape, bool))
        if engine.scores(x + v * inside.to(v.device).view_as(v)).argmax(1) != target:
            return float(alpha)
    return np.nan
