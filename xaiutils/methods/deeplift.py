"""DeepLIFT with the Rescale rule, for one baseline and for several (DeepSHAP)."""

import torch
from torch import Tensor

from xaiutils.core import resolve_seed
from xaiutils.methods.base import Attribution, score_change, total
from xaiutils.methods.baselines import resolve_baselines, resolve_distribution
from xaiutils.methods.lrp import scaling
from xaiutils.methods.propagation import BackwardRules, vector_jacobian

SAME = 1e-10  # differences below this count as none, as in Captum
REFUSED = {"other": "{name} in the model has no DeepLIFT rule; use integrated gradients."}


def rescale(call, inputs, above):
    """Elementwise functions: output difference over input difference; the gradient where the inputs do not differ."""
    (x, base), (y, y_base), (above, _) = inputs[0].chunk(2), call.run(inputs[0]).chunk(2), above.chunk(2)
    return _multiply(call, x, base, above, above * (y - y_base))


def pooled(call, inputs, above):
    """Pooling: a mean passes on by its gradient; of a maximum, the larger side's maximal unit answers for the difference.

    There the inputs differ wherever the outputs do, so nothing is lost: neither in ties nor where windows overlap.
    """
    (x, base), (y, y_base), (above, _) = inputs[0].chunk(2), call.run(inputs[0]).chunk(2), above.chunk(2)
    if "max" not in call.name:
        return _both(vector_jacobian(call.run, x, above))
    owed = above * (y - y_base)
    contributions = vector_jacobian(call.run, x, owed.where(y >= y_base, 0.0)) + vector_jacobian(call.run, base, owed.where(y < y_base, 0.0))
    return _multiply(call, x, base, above, contributions)


def _multiply(call, x, base, above, contributions):
    difference = x - base
    apart = difference.abs() > SAME
    return _both(torch.where(apart, contributions / difference.where(apart, 1.0), vector_jacobian(call.run, x, above)))


def _both(multipliers: Tensor) -> Tensor:
    """What goes back for rows [inputs; baselines]: all of it for the inputs."""
    return torch.cat([multipliers, torch.zeros_like(multipliers)])


def linear_scaling(call, inputs, above):
    """x times a constant passes on by its gradient; a product of two activations has no rule."""
    scaling(call, inputs, above)
    return vector_jacobian(call.run, inputs[0], above)


RULES = {"rectifier": rescale, "smooth activation": rescale, "pooling": pooled, "scaling": linear_scaling}


class DeepLift(Attribution):
    r"""Share out the difference of scores between input and baseline by the slopes of secants instead of gradients.

    .. math:: A = m \odot (x - x'), \qquad m^{l} = m^{l+1} \frac{g(z) - g(z')}{z - z'} \text{ at a nonlinearity } g

    ``x'``   ``baselines``: a number, a tensor, or ``"black" | "white" | "mean" | "noise" | "blur"``; None is 0, black
    ``m``    multipliers, carried back like a gradient; linear layers, BatchNorm and sums by their own
    ``z``    what enters a nonlinearity for the input, ``z'`` for the baseline; where they do not differ the gradient stands in
    ``multiply_by_inputs``  a constructor argument as in Captum; False gives m

    Max-pooling gives a window's whole difference to the unit that was largest, on the side where it was larger.
    Limit cases   A linear score gives (x - x') times its weights; input equal to the baseline gives 0.
    Delta         sum A - (f_t(x) - f_t(x')), one number an image; 0 up to rounding, with pooling too.
    Errors        A product of two activations or an attention layer has no rule and is refused.
    Deviations    Captum hooks modules: it is silently wrong on functional rectifiers and ReLU6, fails on re-used ones, and does
                  not add up where max-pooling stands beside a nonlinearity or its windows overlap. The rules here sit where
                  functions are dispatched; on networks without those cases both agree.
    Cost          one forward and one backward pass of two rows, input and baseline.
    Source        Shrikumar, Greenside, Kundaje: Learning Important Features Through Propagating Activation Differences,
                  ICML 2017, section 3.5.2 (Rescale rule); thesis, chapter 5.
    """

    def __init__(self, forward_func, multiply_by_inputs=True, **options):
        super().__init__(forward_func, **options)
        self.multiplies_by_inputs = multiply_by_inputs

    def has_convergence_delta(self) -> bool:
        return self.multiplies_by_inputs

    def attribute(self, inputs, baselines=None, target=None, additional_forward_args=None, return_convergence_delta=False, *,
                  internal_batch_size=None, seed=0, generator=None):
        with self.session(inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta) as session:
            start = resolve_baselines(baselines, session.inputs, resolve_seed(seed, generator))
            attributions = self._explain(session, start, torch.arange(len(inputs), device=inputs.device))
            if return_convergence_delta:
                return attributions, total(attributions) - score_change(session, start)
        return attributions

    def _explain(self, session, start, images):
        """Attributions of ``session.inputs[images]`` against ``start``, like ``start``."""
        forward = BackwardRules(RULES, REFUSED).around(session.engine.forward)
        parts = []
        for rows in torch.arange(len(images), device=images.device).split(max(1, session.engine.batch_size(start) // 2)):
            x, base = session.inputs[images[rows]], start[rows]
            both = torch.cat([x, base]).requires_grad_()
            with torch.enable_grad():
                scores = forward(both, images[rows].repeat(2))[: len(rows)]
            picked = scores.gather(1, session.target[images[rows], None]).sum()
            multipliers = torch.autograd.grad(picked, both)[0][: len(rows)]
            parts.append(multipliers * (x - base) if self.multiplies_by_inputs else multipliers)
        return torch.cat(parts)


class DeepLiftShap(DeepLift):
    r"""DeepLIFT, averaged over several baselines.

    .. math:: A = \frac{1}{B} \sum_{b} \mathrm{DeepLIFT}(x, x'_b)

    ``x'_b``  ``baselines``: a tensor (B, ...) of images, the same for every input, such as a batch of training images; or a list
              of names, numbers and tensors. Default: black, white, the mean colour and a blur, because a library has no
              training images; the thesis takes 64 of them

    Limit cases   One baseline gives DeepLIFT.
    Delta         sum A - mean over b of (f_t(x) - f_t(x'_b)); 0 up to rounding.
    Deviations    The delta is one number an image; Captum gives one for each pair.
    Cost          one forward and one backward pass of two rows for each baseline.
    Source        Lundberg, Lee: A Unified Approach to Interpreting Model Predictions, NIPS 2017, section 4.2; thesis, section
                  6.4.2.
    """

    def attribute(self, inputs, baselines=("black", "white", "mean", "blur"), target=None, additional_forward_args=None,
                  return_convergence_delta=False, *, internal_batch_size=None, seed=0, generator=None):
        with self.session(inputs, target, additional_forward_args, internal_batch_size, return_convergence_delta) as session:
            several = resolve_distribution(baselines, session.inputs, resolve_seed(seed, generator))  # (N, B, ...)
            images = torch.arange(len(inputs), device=inputs.device).repeat_interleave(several.shape[1])
            each = self._explain(session, several.flatten(0, 1), images).view_as(several)
            attributions = each.mean(1)
            if return_convergence_delta:
                changes = [score_change(session, several[:, b]) for b in range(several.shape[1])]
                return attributions, total(attributions) - torch.stack(changes).mean(0)
        return attributions
