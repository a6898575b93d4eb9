"""Relative Attributing Propagation."""

import torch
from torch import Tensor

from xaiutils.methods.base import Attribution
from xaiutils.methods.lrp import REFUSED, RULES, share, zbox_rule
from xaiutils.methods.propagation import BackwardRules, Call

NEGATIVE_TO = ("official", "inhibitory")


def _each(values: Tensor, like: Tensor) -> Tensor:
    """One number a sample, shaped to multiply ``like``."""
    return values.view(-1, *[1] * (like.dim() - 1))


def absolute_influence(call: Call, inputs, above) -> Tensor:
    """The last layer: contributions to the target's logit, bias included, by size, all with the sign of the logit."""
    x, weight = inputs[0], above @ call.weight                       # above is one-hot: the target's weights, (N, J)
    bias = above @ call.bias if call.bias is not None else above.new_zeros(len(above))
    plus, minus = x.clamp(min=0), x.clamp(max=0)
    up, down = weight.clamp(min=0), weight.clamp(max=0)
    positive, negative = (plus * up + minus * down).sum(1), (plus * down + minus * up).sum(1)
    relevance = x * weight
    for part, total in ((plus * up, positive), (plus * down, negative)):
        relevance = relevance + part * share(bias * share(total, positive + negative), part.sum(1))[:, None]
    return relevance.abs() * share(relevance.sum(1), relevance.abs().sum(1))[:, None]


def rap_rule(call: Call, inputs, above, negative_to="official") -> Tensor:
    """Hand all of R to the positive contributions, its share also to the negative ones, then shift so that the sum is R again."""
    x = inputs[0]
    halves = [x.clamp(min=0), (-x).clamp(min=0)] if bool((x < 0).any()) else [x]
    return sum(_shifted(call, half, above, negative_to) for half in halves)


def _shifted(call: Call, u: Tensor, above: Tensor, negative_to: str) -> Tensor:
    """The rule for inputs ``u`` >= 0."""
    split = negative_to == "inhibitory" or call.name != "linear"     # whether negative R goes to the negative contributions
    with torch.enable_grad():
        u = u.detach().requires_grad_()
        ups, downs = call.with_weight(u, call.weight.clamp(min=0)), call.with_weight(u, (-call.weight).clamp(min=0))
        live = above != 0
        a, b = ups.detach() * live, downs.detach() * live            # A_k, B_k
        mass = above * (a + b != 0)
        to_ups = share(mass.clamp(min=0) if split else mass, a)
        to_downs = share(above * share(b, a + b), b) + (share(mass.clamp(max=0), b) if split else 0)
        back, = torch.autograd.grad([ups, downs], u, [to_ups, to_downs])
    handed_out = u.detach() * back                                   # C_j: more than came in
    excess = handed_out.flatten(1).sum(1) - above.flatten(1).sum(1)
    shift = share(excess, (handed_out != 0).flatten(1).sum(1).to(excess))
    return handed_out - _each(shift, handed_out) * (handed_out != 0)


class RAP(Attribution):
    r"""Separate relevant from irrelevant inputs by influence: over-allocate relevance, then shift all of it down evenly.

    The last layer starts with absolute influence, :math:`R_j = |r_j| \sum r / \sum |r|`, r_j = x_j w_tj with its share of the bias.
    Every other linear layer and convolution, with A_k and B_k the positive and (in size) the negative contributions to unit k:

    .. math:: C_j = \sum_k \frac{x_j w^+_{kj}}{A_k} R_k + \frac{x_j |w^-_{kj}|}{B_k} \frac{B_k}{A_k + B_k} R_k, \qquad
              R_j = C_j - \frac{\sum C - \sum R}{\#\{j : C_j \ne 0\}} \; [C_j \ne 0]

    so the sum is kept and what got least becomes negative. Sums run over all units of a sample.

    ``first_layer``   ``"zbox"`` for the first convolution of a colour image network (the official test: three input channels),
                      or ``"rule"``, the rule above
    ``negative_to``   where negative relevance goes: ``"official"``, in a convolution to the negative contributions, in a linear
                      layer to the positive ones, as the released code has it, probably by oversight; ``"inhibitory"``, always to the negative ones

    Elsewhere: rectifiers and BatchNorm pass relevance on, pooling and sums share it in proportion, a maximum takes all.
    Limit cases   The attributions add up to the logit exactly while inputs of inner layers are not negative; a layer with
                  inputs of both signs hands out all of R for each sign, as in the released code, and so doubles the sum.
    Delta         sum A - logit.
    Errors        A network whose last layer is a convolution is refused: the start is defined for a linear layer.
    Deviations    None from the released code where that runs; its rule for a fork in ResNet-18/34 cannot run, there the two
                  branches' relevance is added, as it does in ResNet-50.
    Cost          one forward pass and about four passes of each layer on the way back.
    Source        Nam, Gur, Choi, Wolf, Lee: Relative Attributing Propagation, AAAI 2020; thesis, section 4 (prose).
    """

    def __init__(self, forward_func, *, first_layer="zbox", negative_to="official", **options):
        super().__init__(forward_func, **options)
        if first_layer not in ("zbox", "rule") or negative_to not in NEGATIVE_TO:
            raise ValueError(f"first_layer must be zbox or rule and negative_to one of {', '.join(NEGATIVE_TO)}, "
                             f"got {first_layer!r} and {negative_to!r}.")
        if self.output != "logit":
            raise ValueError(f'output must be "logit": RAP starts from a linear layer, got {self.output!r}.')
        self.first_layer, self.negative_to = first_layer, negative_to

    def has_convergence_delta(self) -> bool:
        return True

    def attribute(self, inputs, target=None, additional_forward_args=None, *, internal_batch_size=None, seed=0,
                  generator=None, return_convergence_delta=False):
        rules = BackwardRules(RULES | {"linear": self._linear}, REFUSED)
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            session.engine.forward_func = rules.around(self.forward_func)
            scores, relevance = session.engine.gradients(session.inputs, session.target)
        relevance, logit = relevance.contiguous(), scores.gather(1, session.target[:, None])[:, 0]
        return (relevance, relevance.flatten(1).sum(1) - logit) if return_convergence_delta else relevance

    def _linear(self, call, inputs, above):
        if call.is_last:
            if call.name != "linear":
                raise ValueError(f"model must end in a linear layer for RAP, got {call.name}.")
            return absolute_influence(call, inputs, above)
        if self.first_layer == "zbox" and call.number == 0 and inputs[0].dim() == 4 and inputs[0].shape[1] == 3:
            return zbox_rule(call, inputs, above)
        return rap_rule(call, inputs, above, self.negative_to)
