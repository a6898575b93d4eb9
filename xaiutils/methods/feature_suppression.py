"""Feature suppression: gradients at samples of which random pixels are left."""

from typing import NamedTuple

import torch
from torch import Tensor

from xaiutils.core import check_inputs, resolve_seed
from xaiutils.methods.base import Attribution
from xaiutils.methods.pixel_dropping import Sampling, places_of, suppress, suppressed_value

FACTORS = {
    False: lambda x, fill: torch.ones_like(x),
    True: lambda x, fill: x,
    "abs": lambda x, fill: x.abs(),
    "difference": lambda x, fill: x - fill,
}


class Suppression(NamedTuple):
    """What :meth:`FeatureSuppression.explain` tells of N images and K samples."""

    attributions: Tensor    # (N, C, H, W) what ``attribute`` gives
    gradients: Tensor       # (N, C, H, W) before the factor: Eq. 7, or its signed variant
    standard_error: Tensor  # (N, C, H, W) of the attributions before min-max, from the K samples; NaN for K = 1
    norms: Tensor           # (N, K) Euclidean norm of each sample's gradient
    n_suppressed: Tensor    # (K,) pixels suppressed in each sample
    fill: Tensor            # (C, 1, 1) their value, in the unit of the inputs


class FeatureSuppression(Attribution):
    r"""Average the size of the loss gradient over copies of the image in which random pixels are set to a constant.

    .. math:: A = \frac{1}{K} \sum_{k=1}^{K} |\nabla \log p_t(\hat x_k)|, \qquad
              \hat x_k = \begin{cases} C & \text{at the pixels } D_k \\ x & \text{elsewhere} \end{cases}, \qquad
              |D_k| \sim \mathrm{Poisson}(N p) \text{ given } |D_k| \le N

    ``p_t``   probability of ``target``; the loss is the cross entropy, -log p_t, hence ``output="logprob"``
    ``K``     ``n_samples``: 200, Algorithm 1 (Figure 1 takes 50, Figure 7 takes 100)
    ``p``     ``prob``: share of pixels SUPPRESSED, 0.6 as in Algorithm 1; the text finds 0.5 to 0.8 best
    ``D_k``   of the N = H W pixels some, drawn without replacement, suppressed in all channels. Or ``masks`` (K, H, W),
              True = suppressed: they replace the draws, and with them ``n_samples``, ``prob`` and ``count_law``
    ``count_law``  of |D_k|: ``"poisson"`` as in Algorithm 1, redrawn above N; ``"binomial"``, what it stands for: each
              pixel by itself; ``"uniform"``: p ~ U(0, 1) anew in each sample, then binomial, which makes every number
              in 0 ... N equally likely; ``"fixed"``: N p, rounded
    ``C``     1e-8 as in Algorithm 1, in the space the network sees: where the model has ``mean`` and ``std`` a
              suppressed pixel is mean + C std, the mean colour; a model without them sees the inputs as they are.
              With ``space="pixel"`` C is in the unit of the inputs, and near 0 black
    ``signed``   the mean of the gradients instead of their sizes; positive speaks for the target
    ``multiply_by_inputs``  a constructor argument as in Captum: False is Eq. 7; True the x of Algorithm 1, taken in
              pixels of [0, 1] so that no sign flips; ``"abs"`` |x|, for other inputs; ``"difference"`` x - C
    ``min_max``  Algorithm 1's last line: each map to [0, 1], all channels together; a constant map is refused

    Limit cases   Nothing suppressed (``masks`` all False), or an image that is C everywhere, gives the size of the
                  gradient; a score linear in x gives |w| whatever is suppressed.
                  With ``signed=True``, the factor ``"difference"`` and ``output="logit"`` the expectation on a
                  multilinear score is the Shapley value for ``"uniform"``, and for ``"binomial"`` the semivalue where
                  others are present with probability 1 - p, Banzhaf's at 0.5. The paper equates a fixed p with Shapley.
    Deviations    Algorithm 1 reads ``loss.grad``, which is empty; the gradient at the sample is meant, at suppressed
                  pixels too. It divides by N where Eq. 18 divides by K, as here: the same after min-max. Its min-max
                  and its x are off by default. Gradients are those of the inputs, the network's own divided by ``std``.
    Cost          ``n_samples`` forward and backward passes.
    Source        Sampling Matters in Explanations: Towards Robust Attribution Analysis with Feature Suppression
                  (manuscript), Eq. 7, 18, 19 and Algorithm 1.
    """

    default_output = "logprob"

    def __init__(self, forward_func, multiply_by_inputs=False, **options):
        super().__init__(forward_func, **options)
        if multiply_by_inputs not in FACTORS:
            known = ", ".join(map(repr, FACTORS))
            raise ValueError(f"multiply_by_inputs must be one of {known}, got {multiply_by_inputs!r}.")
        self.multiplies_by_inputs = multiply_by_inputs

    def attribute(self, inputs, target=None, additional_forward_args=None, *, n_samples=200, prob=0.6, C=1e-8,
                  space="network", count_law="poisson", masks=None, signed=False, min_max=False,
                  internal_batch_size=None, seed=0, generator=None, return_convergence_delta=False):
        sampling, seed = Sampling(n_samples, prob, C, space, count_law, masks), resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size,
                          return_convergence_delta) as session:
            return self._integrate(session, sampling, signed, min_max, seed).attributions

    def explain(self, inputs, target=None, additional_forward_args=None, *, signed=False, min_max=False,
                internal_batch_size=None, seed=0, generator=None, **sampling) -> Suppression:
        """The map and what it was made from, a :class:`Suppression`; arguments are those of ``attribute``."""
        sampling, seed = Sampling(**sampling), resolve_seed(seed, generator)
        with self.session(inputs, target, additional_forward_args, internal_batch_size) as session:
            return self._integrate(session, sampling, signed, min_max, seed)

    def _integrate(self, session, sampling, signed, min_max, seed) -> Suppression:
        """Mean and standard error of the samples' gradients, times the factor."""
        engine, inputs, target = session
        fill = suppressed_value(self.forward_func, inputs, sampling.C, sampling.space)
        mean, squares, norms, n_suppressed = torch.zeros_like(inputs), torch.zeros_like(inputs), [], []
        for masks in sampling.batches(places_of(inputs[0]), engine.batch_size(inputs), seed):      # (S, H, W)
            n_suppressed.append(masks.flatten(1).sum(1))
            norms.append(inputs.new_empty(len(inputs), len(masks)))
            for image, x in enumerate(inputs):
                targets = target[image].expand(len(masks))
                rows = suppress(x, masks.to(x.device), fill)                                       # (S, C, H, W)
                _, gradients = engine.gradients(rows, targets, images=torch.full_like(targets, image))
                norms[-1][image] = gradients.flatten(1).norm(dim=1)
                mean[image] += (gradients if signed else gradients.abs()).sum(0)
                squares[image] += gradients.square().sum(0)
        n_suppressed = torch.cat(n_suppressed)
        n, factor = len(n_suppressed), FACTORS[self.multiplies_by_inputs](inputs, fill)
        mean /= n
        variance = (squares - n * mean**2).clamp(min=0) / (n - 1) if n > 1 else torch.full_like(mean, torch.nan)
        attributions = min_max_scaled(factor * mean) if min_max else factor * mean
        error = factor.abs() * (variance / n).sqrt()
        return Suppression(attributions, mean, error, torch.cat(norms, 1), n_suppressed, fill)


def gradient_norms(method, inputs, target=None, probs=(0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), *, n_samples=10,
                   additional_forward_args=None, internal_batch_size=None, seed=0, **sampling) -> Tensor:
    """Euclidean norm of the gradient at each share p of suppressed pixels, mean over samples (Figure 6). -> (P, N)

    ``method``    a :class:`FeatureSuppression`. Its ``output="logprob"`` is the paper's loss but for the sign, and its
                  gradient grows where the network merely gets unsure: look at ``"logit"`` too
    ``target``    as everywhere; ``"pred"`` is the class of the image with all its pixels
    ``probs``     shares p in [0, 1); p = 0 is the image itself
    ``sampling``  ``C``, ``space`` and ``count_law`` of ``attribute``
    """
    check_inputs(inputs)
    nothing = torch.zeros(1, *places_of(inputs[0]), dtype=torch.bool)
    curve = []
    for p in probs:
        told = method.explain(inputs, target, additional_forward_args, n_samples=n_samples, seed=seed, **sampling,
                              internal_batch_size=internal_batch_size, **({"prob": p} if p else {"masks": nothing}))
        curve.append(told.norms.mean(1))
    return torch.stack(curve)


def min_max_scaled(maps: Tensor) -> Tensor:
    """Each of ``maps`` (N, ...) from its minimum and maximum to 0 and 1; a constant one is refused by its number."""
    low, high = (edge.view(-1, *[1] * (maps.dim() - 1)) for edge in torch.aminmax(maps.flatten(1), dim=1))
    constant = (low == high).flatten().nonzero().flatten().tolist()
    if constant:
        value = float(low.flatten()[constant[0]])
        raise ValueError(f"min_max needs maps that vary, got {value:g} everywhere for image {constant[0]}; "
                         "min_max=False gives that map.")
    return (maps - low) / (high - low)
