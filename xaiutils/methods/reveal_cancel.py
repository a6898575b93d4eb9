"""DeepLIFT with the RevealCancel rule."""

from functools import partial
from typing import Callable, NamedTuple

import torch
from torch import Tensor

from xaiutils.methods.deeplift import REFUSED, SAME, DeepLift, pooled
from xaiutils.methods.lrp import scaling
from xaiutils.methods.propagation import BackwardRules, vector_jacobian


class Rule(NamedTuple):
    """What a call does to rows [x; x'; x' + d+], and to the multipliers [of d-; none; of d+] on their way back."""

    forward: Callable
    backward: Callable

    def __call__(self, call, inputs, above):
        return self.backward(call, inputs, above)


def _rows(y, base, positive):
    return torch.cat([y, base, base + positive])


def _multipliers(negative, positive):
    return torch.cat([negative, torch.zeros_like(negative), positive])


def split_linear(call, inputs):
    """Linear layers: d+ is what the positive contributions w_i d_i add up to."""
    (x, base, _), (y, y_base, _) = inputs[0].chunk(3), call.run(inputs[0]).chunk(3)
    up, down = call.weight.clamp(min=0), call.weight.clamp(max=0)
    rises, falls = (x - base).clamp(min=0), (x - base).clamp(max=0)
    return _rows(y, y_base, call.with_weight(rises, up) + call.with_weight(falls, down))


def merge_linear(call, inputs, above):
    """A weight takes the multiplier of the part that its contribution went to, half of each where there is none."""
    (x, base, _), (negative, _, positive) = inputs[0].chunk(3), above.chunk(3)
    up, down = (partial(call.with_weight, weight=w) for w in (call.weight.clamp(min=0), call.weight.clamp(max=0)))
    if_up = vector_jacobian(up, x, positive) + vector_jacobian(down, x, negative)
    if_down = vector_jacobian(down, x, positive) + vector_jacobian(up, x, negative)
    multipliers = torch.where(x > base, if_up, torch.where(x < base, if_down, (if_up + if_down) / 2))
    return _multipliers(multipliers, multipliers)


def _parts(call, rows: Tensor):
    """What the two parts of the difference do at a nonlinearity: (d-, g-), (d+, g+), each averaged over both orders."""
    x, base, with_positive = rows.chunk(3)
    with_negative = base + (x - with_positive)
    y, y_base, y_positive, y_negative = (call.run(z) for z in (x, base, with_positive, with_negative))
    return ((x - with_positive, (y_negative - y_base + y - y_positive) / 2),
            (with_positive - base, (y_positive - y_base + y - y_negative) / 2))


def reveal(call, inputs):
    """Nonlinearities: the positive part changes by what d+ does alone and after d-, on average."""
    y, y_base, _ = call.run(inputs[0]).chunk(3)
    return _rows(y, y_base, _parts(call, inputs[0])[1][1])


def cancel(call, inputs, above):
    """The part's change over the part; the gradient where there is no such part."""
    multipliers = []
    for (part, change), owed in zip(_parts(call, inputs[0]), (above.chunk(3)[0], above.chunk(3)[2])):
        there = part.abs() > SAME
        gradient = vector_jacobian(call.run, inputs[0].chunk(3)[0], owed)
        multipliers.append(torch.where(there, owed * change / part.where(there, 1.0), gradient))
    return _multipliers(*multipliers)


def split_pooled(call, inputs):
    """Means pass the parts on; a maximum has one contribution, of one sign."""
    rows = call.run(inputs[0])
    y, y_base, _ = rows.chunk(3)
    return _rows(y, y_base, (y - y_base).clamp(min=0)) if "max" in call.name else rows


def merge_pooled(call, inputs, above):
    """The multiplier of the part that the maximum's difference went to, then DeepLift's rule."""
    if "max" not in call.name:
        return vector_jacobian(call.run, inputs[0], above)
    (y, y_base, _), (negative, _, positive) = call.run(inputs[0]).chunk(3), above.chunk(3)
    owed = torch.where(y > y_base, positive, torch.where(y < y_base, negative, (positive + negative) / 2))
    multipliers = pooled(call, [torch.cat(inputs[0].chunk(3)[:2])], torch.cat([owed, owed])).chunk(2)[0]
    return _multipliers(multipliers, multipliers)


def _turned(call, x) -> Tensor:
    """Where an elementwise affine function falls, so that what was positive becomes negative."""
    return call.run(torch.ones_like(x)) < call.run(torch.zeros_like(x))


def _swapped(rows: Tensor) -> Tensor:
    """Rows x, x', x' + d- of rows x, x', x' + d+."""
    x, base, positive = rows.chunk(3)
    return torch.cat([x, base, x + base - positive])


def pass_parts(call, inputs):
    """BatchNorm, factors, sums and differences: the parts go on, exchanged where the factor is negative."""
    if len(inputs) > 1:
        if call.kind == "scaling":
            scaling(call, inputs, None)  # refuses a product of two activations
        second = _swapped(inputs[1]) if "sub" in call.name else inputs[1]
        return call.run(inputs[0], second)
    rows = call.run(inputs[0])
    return torch.where(_turned(call, inputs[0]), _swapped(rows), rows)


def _exchanged(above: Tensor) -> Tensor:
    negative, none, positive = above.chunk(3)
    return torch.cat([positive, none, negative])


def pass_multipliers(call, inputs, above):
    """The gradient, of the other part where the parts were exchanged."""
    if len(inputs) == 1:
        turned = _turned(call, inputs[0])
        return vector_jacobian(call.run, inputs[0], torch.where(turned, _exchanged(above), above))
    first = vector_jacobian(lambda x: call.run(x, inputs[1]), inputs[0], above)
    second = vector_jacobian(lambda x: call.run(inputs[0], x), inputs[1], above)
    return first, _exchanged(second) if "sub" in call.name else second


RULES = {
    "linear": Rule(split_linear, merge_linear), "pooling": Rule(split_pooled, merge_pooled),
    **dict.fromkeys(("rectifier", "smooth activation"), Rule(reveal, cancel)),
    **dict.fromkeys(("batch norm", "scaling", "addition"), Rule(pass_parts, pass_multipliers)),
}


class DeepLiftRevealCancel(DeepLift):
    r"""DeepLIFT in which positive and negative contributions to a neuron answer separately and so cannot hide each other.

    .. math:: \Delta y^{\pm} = \tfrac12 \bigl[ g(z' + \Delta z^{\pm}) - g(z') \bigr]
              + \tfrac12 \bigl[ g(z' + \Delta z^{\mp} + \Delta z^{\pm}) - g(z' + \Delta z^{\mp}) \bigr],
              \qquad m^{\pm} = \frac{\Delta y^{\pm}}{\Delta z^{\pm}}, \qquad A = m \odot (x - x')

    ``x'``    ``baselines``: a number, a tensor, or ``"black" | "white" | "mean" | "noise" | "blur"``; None is 0, black
    ``g``     a nonlinearity, entered by z = z' + dz+ + dz-; where a part is 0 the gradient stands in for its multiplier
    ``dz+-``  what the positive and the negative contributions w_i d_i to a linear layer's unit add up to, d_i the whole
              difference of its input i; a weight hands on the multiplier of the part that its contribution went to

    BatchNorm, factors, sums and means hand the parts on, exchanged where a factor is negative: a BatchNorm folded into its
    convolution changes nothing. A maximum makes one contribution, of one sign, shared out as in DeepLift.
    Limit cases   A linear score gives (x - x') times its weights; contributions of one sign at every nonlinearity give
                  DeepLift; min(x1, x2) of positive numbers gives each half of it, where DeepLift gives all to the smaller.
    Delta         sum A - (f_t(x) - f_t(x')), one number an image; 0 up to rounding.
    Errors        A product of two activations or an attention layer has no rule and is refused.
    Deviations    The authors' code takes this rule at dense layers and Rescale at convolutions by default, and the gradient
                  of maxima; here the rule is used everywhere and maxima lose nothing.
    Cost          one forward pass of three rows and one backward pass; linear layers run three times and go back four times.
    Source        Shrikumar, Greenside, Kundaje: Learning Important Features Through Propagating Activation Differences,
                  ICML 2017, sections 3.5.1 and 3.5.3; thesis, Eq. 4.27-4.30.
    """

    def __init__(self, forward_func, **options):
        super().__init__(forward_func, **options)

    def _explain(self, session, start, images):
        """Attributions of ``session.inputs[images]`` against ``start``, like ``start``."""
        forward = BackwardRules(RULES, REFUSED).around(session.engine.forward)
        parts = []
        for rows in torch.arange(len(images), device=images.device).split(max(1, session.engine.batch_size(start) // 3)):
            x, base = session.inputs[images[rows]], start[rows]
            three = torch.cat([x, base, torch.maximum(x, base)]).requires_grad_()
            with torch.enable_grad():
                scores = forward(three, images[rows].repeat(3))
            picked = scores.gather(1, session.target[images[rows], None].repeat(3, 1)).sum()
            negative, _, positive = torch.autograd.grad(picked, three)[0].chunk(3)
            parts.append((x - base) * torch.where(x > base, positive, negative))
        return torch.cat(parts)
