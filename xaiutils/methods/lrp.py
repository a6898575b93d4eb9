"""Layer-wise Relevance Propagation: epsilon, z+ and alpha-beta for any alpha."""

import inspect
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from xaiutils.methods.base import Attribution
from xaiutils.methods.propagation import BackwardRules, Call, vector_jacobian

REFUSED = {
    "smooth activation": "{name} in the model is no rectifier: relevance rules for it are not defined; use a gradient method.",
    "other": "{name} in the model has no relevance rule; use a gradient method.",
}


def share(a: Tensor, b: Tensor) -> Tensor:
    """a / b where b is not 0, and 0 where it is: relevance with nobody to receive it is dropped."""
    return (a / b).masked_fill_(b == 0, 0.0)


def same(call, inputs, above):
    """Rectifiers, dropout: relevance goes through unchanged."""
    return above


def proportional(call, inputs, above):
    """Pooling: each input gets its share of the output, a maximum all of it."""
    return inputs[0] * vector_jacobian(call.run, inputs[0], share(above, call.run(inputs[0])))


def addition(call, inputs, above):
    """x + y: in proportion to the summands. A constant takes nothing."""
    if len(inputs) == 1:
        return above
    sign = -1 if "sub" in call.name else 1
    each = share(above, call.run(*inputs))
    return tuple((x * k * each).sum_to_size(x.shape) for x, k in zip(inputs, (1, sign)))


def scaling(call, inputs, above):
    """x times a constant: unchanged. A product of two activations has no rule."""
    if len(inputs) > 1:
        raise ValueError(f"{call.name} of two activations in the model has no relevance rule; use a gradient method.")
    return above


def batch_norm(call, inputs, above):
    """An affine map of each channel: unchanged, but what enters as exactly 0 has no part in the output."""
    return above * (inputs[0] != 0)


def authors_batch_norm(call, inputs, above):
    """BatchNorm in the code of RAP's authors, x w / (x w + 1e-9), with their w = gamma / sqrt(var^2 + eps)."""
    layer = inspect.signature(functional.batch_norm).bind(*call.args, **call.kwargs).arguments
    w = layer["weight"] / torch.sqrt(layer["running_var"] ** 2 + layer["eps"])
    x_w = inputs[0] * w.view(1, -1, *[1] * (above.dim() - 2))
    return above * x_w / (x_w + 1e-9)


def away_from_zero(z: Tensor, epsilon: float) -> Tensor:
    """z + epsilon sign z, sign 0 being 1."""
    return z if epsilon == 0 else torch.where(z < 0, z - epsilon, z + epsilon)


def epsilon_rule(call: Call, inputs, above, epsilon):
    """R_j = x_j sum_k w_kj R_k / (z_k + epsilon sign z_k), the bias being part of z."""
    z = away_from_zero(call.run(inputs[0]), epsilon)
    return inputs[0] * vector_jacobian(call.run, inputs[0], share(above, z))


def alpha_beta_rule(call: Call, inputs, above, alpha, epsilon=0.0, bias="ignore", reading="textbook"):
    """R_j = sum_k (alpha z+_jk / z+_k - beta z-_jk / z-_k) R_k, positive and negative contributions apart."""
    up, down = call.weight.clamp(min=0), call.weight.clamp(max=0)
    offsets = [None, None]
    if bias == "absorb" and call.bias is not None:
        offsets = [b.view(1, -1, *[1] * (above.dim() - 2)) for b in (call.bias.clamp(min=0), call.bias.clamp(max=0))]
    relevance = alpha * _distribute(call, inputs[0], (up, down), above, offsets[0], epsilon, reading)
    if alpha > 1:
        relevance -= (alpha - 1) * _distribute(call, inputs[0], (down, up), above, offsets[1], epsilon, reading)
    return relevance


def _distribute(call, x, weights, above, offset, epsilon, reading):
    """Relevance shared out among the contributions of x+ through the first of ``weights`` and of x- through the second."""
    halves = [x.clamp(min=0), x.clamp(max=0)] if bool((x < 0).any()) else [x]
    with torch.enable_grad():
        halves = [half.detach().requires_grad_() for half in halves]
        contributions = [call.with_weight(half, weight) for half, weight in zip(halves, weights)]
        sums = [c.detach() for c in contributions]
        if reading == "textbook" and len(sums) == 2:
            sums = [sums[0] + sums[1]] * 2
        each = [share(above, away_from_zero(z if offset is None else z + offset, epsilon)) for z in sums]
        parts = [half.detach() * torch.autograd.grad(c, half, e)[0] for half, c, e in zip(halves, contributions, each)]
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def zbox_rule(call: Call, inputs, above):
    """For the first convolution, whose inputs are pixels in a box [L, H]: the smallest and largest value of each image."""
    x, weight = inputs[0], call.weight
    low, high = (f(x.flatten(1), 1).view(-1, *[1] * (x.dim() - 1)).expand_as(x) for f in (torch.amin, torch.amax))
    terms = [(x, weight, 1), (low, weight.clamp(min=0), -1), (high, weight.clamp(max=0), -1)]
    z = sum(k * call.with_weight(v, w) for v, w, k in terms)
    each = share(above, z)
    return sum(k * v * vector_jacobian(partial(call.with_weight, weight=w), v, each) for v, w, k in terms)


class LRP(Attribution):
    r"""Share the score of the target out among the inputs, layer by layer, in proportion to their contributions.

    .. math:: R_j = \sum_k \Bigl(\alpha \frac{z^+_{jk}}{\sum_j z^+_{jk}} - \beta \frac{z^-_{jk}}{\sum_j z^-_{jk}}\Bigr) R_k,
              \qquad \beta = \alpha - 1

    ``z+_jk``  positive contributions x_j w_kj of unit j to unit k, ``z-_jk`` the negative ones
    ``R``      starts as the logit of ``target`` at the last layer, 0 elsewhere
    ``rule``   ``"alpha-beta"`` or ``"epsilon"``: R_j = sum_k x_j w_kj R_k / (z_k + epsilon sign z_k), z with its bias
    ``alpha``  1 gives z+ (no negative relevance where inputs are not negative); larger sharpens and soon explodes
    ``epsilon``  keeps denominators from 0; larger drops weak contributions. 1e-6 for the epsilon rule; 0 for alpha-beta, where a
               denominator of 0 drops its relevance
    ``first_layer``  ``"zbox"`` for the first layer of an image network, whose inputs lie in a box and may be negative after
               normalisation, or ``"rule"``, the same rule as everywhere; the epsilon rule never needs the box
    ``bias``   ``"ignore"``, or ``"absorb"``: the bias takes part in the denominators and keeps its share
    ``reading``  with inputs of both signs ``"textbook"`` has one denominator; ``"authors"``, as in the code of RAP's authors, which the
               thesis used, normalises the two halves separately, so that each hands out the whole of R

    Elsewhere: rectifiers and BatchNorm pass relevance on, pooling and sums share it in proportion, a maximum takes all.
    Limit cases   epsilon -> 0 on a network of rectifiers without bias is input times gradient.
    Delta         sum R - logit. Conserved only while every unit with relevance has contributions of the kind shared out.
    Deviations    The thesis' Eq. 4.19 calls the rule with positive weights epsilon-LRP; that is z+, ``alpha=1``.
    Cost          one forward pass and, for alpha-beta, two to four passes of each layer on the way back.
    Source        Bach et al.: On Pixel-Wise Explanations for Non-Linear Classifier Decisions, PLoS ONE 2015, Eq. 56, 58, 60;
                  z-box: Montavon et al., Pattern Recognition 2017; thesis, Eq. 4.15-4.20.
    """

    def __init__(self, forward_func, *, rule="alpha-beta", alpha=1.0, epsilon=None, first_layer="zbox", bias="ignore",
                 reading="textbook", **options):
        super().__init__(forward_func, **options)
        choices = {"rule": (rule, ("alpha-beta", "epsilon")), "first_layer": (first_layer, ("zbox", "rule")),
                   "bias": (bias, ("ignore", "absorb")), "reading": (reading, ("textbook", "authors"))}
        for name, (value, allowed) in choices.items():
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}.")
        epsilon = (1e-6 if rule == "epsilon" else 0.0) if epsilon is None else epsilon
        if self.output != "logit" or alpha < 1 or epsilon < 0:
            raise ValueError(f'output must be "logit", alpha >= 1 and epsilon >= 0, got {self.output!r}, {alpha!r} and {epsilon!r}.')
        self.zbox = first_layer == "zbox" and rule != "epsilon"
        self.linear = (partial(epsilon_rule, epsilon=epsilon) if rule == "epsilon"
                       else partial(alpha_beta_rule, alpha=alpha, epsilon=epsilon, bias=bias, reading=reading))
        self.rules = RULES | {"linear": self._linear} | ({"batch norm": authors_batch_norm} if reading == "authors" else {})

    def has_convergence_delta(self) -> bool:
        return True

    def attribute(self, inputs, target=None, additional_forward_args=None, *, internal_batch_size=None, seed=0,
                  generator=None, return_convergence_delta=False):
        rules = BackwardRules(self.rules, REFUSED)
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            session.engine.forward_func = rules.around(self.forward_func)
            scores, relevance = session.engine.gradients(session.inputs, session.target)
        logit = scores.gather(1, session.target[:, None])[:, 0]
        relevance = (relevance * logit.view(-1, *[1] * (inputs.dim() - 1))).contiguous()  # every rule here is linear in R
        return (relevance, relevance.flatten(1).sum(1) - logit) if return_convergence_delta else relevance

    def _linear(self, call, inputs, above):
        first_of_images = call.number == 0 and inputs[0].dim() == 4 and inputs[0].shape[1] == 3
        return (zbox_rule if self.zbox and first_of_images else self.linear)(call, inputs, above)


RULES = {"rectifier": same, "batch norm": batch_norm, "pooling": proportional, "addition": addition, "scaling": scaling}
