"""Projected gradient ascent on the loss within an l2 ball: the attack that AXAI reads its explanation from.

>>> v = PGD(step_size=0.1, radius=0.5).perturb(engine, inputs, target)          # doctest: +SKIP
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from xaiutils.core import make_generator


def per_row(values: Tensor, like: Tensor) -> Tensor:
    """One number a row, (N,), in a shape that multiplies ``like`` (N, ...)."""
    return values.view(-1, *[1] * (like.dim() - 1))


def unit(g: Tensor) -> Tensor:
    """Each row of ``g`` (N, ...) divided by its l2 norm; a row of zeros stays one.

    Rows are first divided by their largest entry: float32 squares of the tiny gradients of a sure network would be 0.
    """
    largest = g.flatten(1).abs().amax(1)
    g = g / per_row(torch.where(largest > 0, largest, torch.ones_like(largest)), g)
    norm = g.flatten(1).norm(dim=1)
    return g / per_row(torch.where(norm > 0, norm, torch.ones_like(norm)), g)


STEPS = {"normalized": unit, "raw": lambda g: g, "sign": lambda g: g.sign()}


def into_ball(v: Tensor, radius: float) -> Tensor:
    """The rows of ``v`` (N, ...) longer than ``radius`` shortened to it."""
    norm = v.flatten(1).norm(dim=1)
    return v * per_row(torch.where(norm > radius, radius / norm, torch.ones_like(norm)), v)


@dataclass(frozen=True)
class PGD:
    r"""Walk up the loss, step by step, and back into the ball whenever a step leaves it.

    .. math:: v_{k+1} = P_\epsilon\left(v_k + \alpha\, d(\nabla_x L(x + v_k))\right), \qquad v_0 = 0, \qquad
              P_\epsilon(v) = v \min(1, \epsilon / |v|_2)

    ``L``      what is to fall, negated: -log p_t with ``output="logprob"``, - f_t with ``"logit"``
    ``d``      ``step``: ``"normalized"`` g / |g|_2; ``"raw"`` g, as the paper's Eq. 1 prints it; ``"sign"`` sign g
    ``alpha``  ``step_size`` 0.001; ``eps`` is ``radius`` 0.2; ``max_steps`` 20: the released code's. 20 steps of
               0.001 never leave a ball of 0.2, so that the projection does not act
    ``bounds`` limits of x + v that each step is clipped to, in the unit of the inputs; None as in the released code
    ``random_start``  v_0 uniform in the ball instead of 0

    Limit cases   Where the gradient is 0 nothing moves: v stays 0. A loss w . x gives min(steps * alpha, eps) w / |w|.
    Cost          ``max_steps`` forward and backward passes.
    Source        Madry et al.: Towards Deep Learning Models Resistant to Adversarial Attacks, 2018; Rahnama, Tseng:
                  An Adversarial Approach for Explaining the Predictions of Deep Neural Networks, 2021, Eq. 1.
    """

    step_size: float = 0.001
    max_steps: int = 20
    radius: float = 0.2
    step: str = "normalized"
    bounds: tuple[float, float] | None = None
    random_start: bool = False

    def __post_init__(self):
        if self.step not in STEPS:
            raise ValueError(f"step must be one of {', '.join(STEPS)}, got {self.step!r}.")
        for name in ("step_size", "radius"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)!r}.")
        if self.max_steps < 1 or int(self.max_steps) != self.max_steps:
            raise ValueError(f"max_steps must be a positive integer, got {self.max_steps!r}.")
        if self.bounds is not None and not self.bounds[0] < self.bounds[1]:
            raise ValueError(f"bounds must be a lower and a higher number, or None, got {self.bounds!r}.")

    def perturb(self, engine, inputs: Tensor, target: Tensor, std=1.0, seed=0) -> Tensor:
        """The perturbation v of each input, (N, ...), so that ``inputs + std * v`` is the attacked one.

        ``engine``  an :class:`xaiutils.engine.Engine`; its scores of ``target`` (N,) are brought down
        ``std``     inputs' units in one unit of v: the space the ball lives in. 1, or (C, 1, 1)
        """
        v = self._start(inputs, seed)
        for _ in range(self.max_steps):
            _, gradients = engine.gradients(inputs + std * v, target)
            v = into_ball(v + self.step_size * STEPS[self.step](-std * gradients), self.radius)
            if self.bounds is not None:
                v = ((inputs + std * v).clamp(*self.bounds) - inputs) / std
        return v

    def _start(self, inputs: Tensor, seed: int) -> Tensor:
        """v_0: zeros, or one draw in the ball, the same for every row."""
        if not self.random_start:
            return torch.zeros_like(inputs)
        generator, one = make_generator(seed), inputs[:1]
        direction = unit(torch.randn(one.shape, generator=generator, dtype=torch.float64))
        share = torch.rand((), generator=generator, dtype=torch.float64) ** (1 / one.numel())  # uniform in the volume
        return (self.radius * share * direction).to(inputs).expand_as(inputs).clone()
